package transforms

import (
	"slices"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/connectors/internal/javatext"
)

func init() {
	registerSides("Cast", func() connect.Configurable { return new(castConfig) }, openCast)
}

type castConfig struct {
	spec     []string
	defaults bool
}

func (c *castConfig) Define(d *connect.ConfigDef) {
	d.List(&c.spec, "spec").Is(connect.High).Check(connect.Check[[]string]{
		Text: pairs,
		Null: connect.PropertyError("Must specify at least one field to cast."),
		Valid: func(v []string) error {
			_, err := parseCasts(v)
			return err
		},
	}).Doc("Fields with their new types, as field:type pairs, or one type alone for the whole key or value. The types are int8, int16, int32, int64, " +
		"float32, float64, boolean and string; bytes can become a string only, as base64.")
	defineDefaults(d, &c.defaults)
}

// casts are the types that are wanted: of the whole, or of fields by name.
type casts struct {
	whole  data.Kind // Null: fields
	fields []fieldCast
}

type fieldCast struct {
	name string
	to   data.Kind
}

const (
	castOutputs = "[INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING]"
	castInputs  = "[INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING, BYTES]"
)

func parseCasts(spec []string) (c casts, err error) {
	if len(spec) == 0 {
		return c, connect.ConfigErrorf("Must specify at least one field to cast.")
	}
	for _, s := range spec {
		parts := splitColon(s)
		var to data.Kind
		switch len(parts) {
		case 0:
			return c, badValue("spec", listText(spec), "Invalid cast: "+s)
		case 1:
			if to, err = castKind(parts[0]); err != nil {
				return c, err
			}
			c.whole = to
		case 2:
			if to, err = castKind(parts[1]); err != nil {
				return c, err
			}
			c.set(strings.TrimSpace(parts[0]), to)
		default:
			return c, badValue("renames", listText(spec), "Invalid rename mapping: "+s)
		}
	}
	if c.whole != data.Null && len(spec) > 1 {
		return c, connect.ConfigErrorf("Cast transformations that specify a type to cast the entire value to may only specify a single cast in their spec")
	}
	c.sort()
	return c, nil
}

// sort puts the fields in the order in which Java casts them, of which the first
// that fails is reported.
func (c *casts) sort() {
	names := make([]string, len(c.fields))
	for i, f := range c.fields {
		names[i] = f.name
	}
	names = javatext.HashOrder(names)
	slices.SortFunc(c.fields, func(a, b fieldCast) int { return slices.Index(names, a.name) - slices.Index(names, b.name) })
}

func (c *casts) set(name string, to data.Kind) {
	for i := range c.fields {
		if c.fields[i].name == name {
			c.fields[i].to = to
			return
		}
	}
	c.fields = append(c.fields, fieldCast{name, to})
}

func (c *casts) kindOf(name string) data.Kind {
	for i := range c.fields {
		if c.fields[i].name == name {
			return c.fields[i].to
		}
	}
	return data.Null
}

func castKind(s string) (data.Kind, error) {
	s = strings.TrimSpace(s)
	for k := data.Int8; k <= data.StructKind; k++ {
		if k.String() == strings.ToUpper(s) {
			if k > data.String {
				return k, connect.ConfigErrorf("Cast transformation does not support casting to %s; supported types are %s", k, castOutputs)
			}
			return k, nil
		}
	}
	return data.Null, badValue("Invalid type found in casting spec: "+s,
		"java.lang.IllegalArgumentException: No enum constant org.apache.kafka.connect.data.Schema.Type."+strings.ToUpper(s), "")
}

type cast struct {
	side
	casts
	defaults bool
	plans    planCache[*castPlan]
}

// castPlan is the schema that comes out, with the new types of its fields.
type castPlan struct {
	schema *data.Schema
	to     []data.Kind // of each field; Null: as it is
}

func openCast(s side, p connect.Props) (connect.Transform, error) {
	var c castConfig
	if err := connect.Parse(p, &c); err != nil {
		return nil, err
	}
	casts, err := parseCasts(c.spec)
	return &cast{side: s, casts: casts, defaults: c.defaults}, err
}

const castPurpose = "cast types"

func (t *cast) Apply(r *connect.Record) (bool, error) {
	d := t.of(r)
	switch {
	case d.Value.IsNull():
		return true, nil
	case d.Schema == nil:
		return true, t.schemaless(d)
	}
	plan, err := t.plans.of(d.Schema, t.plan)
	if err != nil {
		return true, err
	}
	if t.whole != data.Null {
		v, err := castValue(d.Schema, d.Value, t.whole)
		if err != nil {
			return true, err
		}
		*d = data.Datum{Schema: plan.schema, Value: v}
		return true, nil
	}
	s, err := requireStruct(d.Value, castPurpose)
	if err != nil {
		return true, err
	}
	if s.Schema() != d.Schema {
		if plan, err = t.plans.of(s.Schema(), t.plan); err != nil {
			return true, err
		}
	}
	fields := s.Schema().Fields()
	values := make([]data.Value, len(fields))
	for i := range fields {
		v := get(s, i, t.defaults)
		if to := plan.to[i]; to != data.Null {
			if v, err = castValue(fields[i].Schema, v, to); err != nil {
				return true, err
			}
		}
		if err := checkNull(&fields[i], v); err != nil {
			return true, err
		}
		values[i] = v
	}
	*d = data.NewStruct(plan.schema, values...).Datum()
	return true, nil
}

func (t *cast) plan(s *data.Schema) (*castPlan, error) {
	if t.whole != data.Null {
		out, err := castSchema(s, basics(s, data.Of(t.whole)), t.whole)
		return &castPlan{schema: out}, err
	}
	fields, err := requireFields(s)
	if err != nil {
		return nil, err
	}
	plan := &castPlan{to: make([]data.Kind, len(fields))}
	newFields := make([]data.Field, len(fields))
	for i, f := range fields {
		newFields[i] = f
		if to := t.kindOf(f.Name); to != data.Null {
			plan.to[i] = to
			if newFields[i].Schema, err = castSchema(f.Schema, data.Of(to), to); err != nil {
				return nil, err
			}
		}
	}
	out, err := structLike(s, newFields)
	if err != nil {
		return nil, err
	}
	plan.schema, err = castSchema(s, out, data.StructKind)
	return plan, err
}

// castSchema makes out, the schema of what from is cast to, optional if from is
// and gives it from's default.
func castSchema(from, out *data.Schema, to data.Kind) (*data.Schema, error) {
	if from.IsOptional() {
		out = out.Optional()
	}
	if from.DefaultValue().IsNull() {
		return out, nil
	}
	v, err := castValue(from, from.DefaultValue(), to)
	if err != nil {
		return nil, err
	}
	return out.WithDefault(v)
}

func (t *cast) schemaless(d *data.Datum) error {
	if t.whole != data.Null {
		v, err := castValue(nil, d.Value, t.whole)
		if err == nil {
			d.Value = v
		}
		return err
	}
	m, err := requireMap(d.Value, castPurpose)
	if err != nil {
		return err
	}
	entries := copyEntries(m, len(t.fields))
	for _, f := range t.fields {
		v, _ := m.Get(f.name)
		if v, err = castValue(nil, v, f.to); err != nil {
			return err
		}
		entries = setEntry(entries, f.name, v)
	}
	d.Value = data.MapFrom(entries)
	return nil
}
