package transforms

import (
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/connectors/internal/javatext"
)

func init() {
	registerSides("TimestampConverter", func() connect.Configurable { return new(timestampConverterConfig) }, openTimestampConverter)
}

type timestampConverterConfig struct {
	field, target, format, precision string

	defaults bool
}

func (c *timestampConverterConfig) Define(d *connect.ConfigDef) {
	d.String(&c.field, "field").Default("").Is(connect.High).Doc("Field that holds the timestamp; empty when the whole key or value is one.")
	d.String(&c.target, "target.type").Is(connect.High).Check(connect.OneOf("string", "unix", "Date", "Time", "Timestamp")).
		Doc("What the timestamp becomes: string, a text in the form of format; unix, a number since 1970 in unix.precision; Date, Time or Timestamp, Connect's own types.")
	d.String(&c.format, "format").Default("").Is(connect.Medium).
		Doc("Form of texts, both those that are read and those that are written: a pattern as of java.text.SimpleDateFormat. The time zone is UTC unless the text names one.")
	d.String(&c.precision, "unix.precision").Default("milliseconds").Is(connect.Low).
		Check(connect.OneOf("nanoseconds", "microseconds", "milliseconds", "seconds")).
		Doc("Unit of numbers since 1970, both read and written. Timestamps keep milliseconds only, so what is finer is lost.")
	defineDefaults(d, &c.defaults)
}

type timestampConverter struct {
	side
	timestampConverterConfig
	to      stampKind
	text    *javatext.DateFormat // nil: none
	scratch []byte
	plans   planCache[*stampPlan]
}

// stampPlan is the schema that comes out, and the field that is converted.
type stampPlan struct {
	schema *data.Schema
	at     int       // -1: there is no such field
	from   stampKind // of that field
	wrong  error     // why that field cannot be converted
}

func openTimestampConverter(s side, p connect.Props) (connect.Transform, error) {
	t := &timestampConverter{side: s}
	if err := connect.Parse(p, &t.timestampConverterConfig); err != nil {
		return nil, err
	}
	t.to = stampKindOf(t.target)
	if strings.TrimSpace(t.format) == "" {
		if t.to == stampString {
			return nil, connect.ConfigErrorf("TimestampConverter requires format option to be specified when using string timestamps")
		}
		return t, nil
	}
	format, err := javatext.NewDateFormat(t.format)
	if err != nil {
		return nil, connect.ConfigErrorf("Invalid value java.lang.IllegalArgumentException: %v for configuration "+
			"TimestampConverter requires a SimpleDateFormat-compatible pattern for string timestamps: %s", err, t.format)
	}
	t.text = format
	return t, nil
}

func (t *timestampConverter) Apply(r *connect.Record) (bool, error) {
	d := t.of(r)
	switch {
	case d.Schema == nil:
		return true, t.schemaless(d)
	case t.field == "":
		from, err := stampKindOfSchema(d.Schema)
		if err != nil {
			return true, err
		}
		v, err := t.convert(d.Value, from)
		if err != nil {
			return true, err
		}
		*d = data.Datum{Schema: t.to.schema(d.Schema.IsOptional()), Value: v}
		return true, nil
	}
	var s *data.Struct
	var err error
	if !d.Value.IsNull() {
		if s, err = requireStruct(d.Value, stampPurpose); err != nil {
			return true, err
		}
	}
	plan, err := t.plans.of(d.Schema, t.plan)
	if err != nil {
		return true, err
	}
	v := data.Value{}
	if s != nil {
		if v, err = t.restruct(plan, s); err != nil {
			return true, err
		}
	}
	*d = data.Datum{Schema: plan.schema, Value: v}
	return true, nil
}

const stampPurpose = "converting timestamp formats"

func (t *timestampConverter) plan(s *data.Schema) (*stampPlan, error) {
	fields, err := requireFields(s)
	if err != nil {
		return nil, err
	}
	plan := &stampPlan{at: s.Index(t.field)}
	fields = append([]data.Field(nil), fields...)
	if plan.at >= 0 {
		f := &fields[plan.at]
		plan.from, plan.wrong = stampKindOfSchema(f.Schema)
		f.Schema = t.to.schema(f.Schema.IsOptional())
	}
	if plan.schema, err = structLike(s, fields); err != nil {
		return nil, err
	}
	if s.IsOptional() {
		plan.schema = plan.schema.Optional()
	}
	if def := s.DefaultValue(); def.Kind() == data.StructKind {
		v, err := t.restruct(plan, def.Struct())
		if err != nil {
			return nil, err
		}
		plan.schema = plan.schema.Default(v)
	}
	return plan, nil
}

func (t *timestampConverter) restruct(plan *stampPlan, s *data.Struct) (v data.Value, err error) {
	fields := plan.schema.Fields()
	if len(fields) != len(s.Schema().Fields()) {
		return v, connect.DataErrorf("Struct schemas do not match.")
	}
	values := make([]data.Value, len(fields))
	for i := range fields {
		v := get(s, i, t.defaults)
		if i == plan.at {
			if plan.wrong != nil {
				return v, plan.wrong
			}
			if v, err = t.convert(v, plan.from); err != nil {
				return v, err
			}
		}
		if err := checkNull(&fields[i], v); err != nil {
			return v, err
		}
		values[i] = v
	}
	return data.NewStruct(plan.schema, values...).Value(), nil
}

func (t *timestampConverter) schemaless(d *data.Datum) error {
	if d.Value.IsNull() {
		return nil
	}
	if t.field == "" {
		v, err := t.convertAny(d.Value)
		if err == nil {
			d.Value = v
		}
		return err
	}
	m, err := requireMap(d.Value, stampPurpose)
	if err != nil {
		return err
	}
	v, _ := m.Get(t.field)
	if v, err = t.convertAny(v); err != nil {
		return err
	}
	d.Value = data.MapFrom(setEntry(copyEntries(m, 1), t.field, v))
	return nil
}
