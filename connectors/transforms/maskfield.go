package transforms

import (
	"math/big"
	"slices"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/connectors/internal/javatext"
)

func init() {
	registerSides("MaskField", func() connect.Configurable { return new(maskFieldConfig) }, openMaskField)
}

type maskFieldConfig struct {
	fields      []string
	replacement string
	defaults    bool
}

func (c *maskFieldConfig) Define(d *connect.ConfigDef) {
	d.List(&c.fields, "fields").Is(connect.High).Check(connect.NonEmptyListOf()).Doc("Fields to mask.")
	d.String(&c.replacement, "replacement").OrNone().Is(connect.Low).Check(connect.NonEmpty()).
		Doc("What the fields get in place of an empty value; it has to suit their types, which are numbers or texts.")
	defineDefaults(d, &c.defaults)
}

type maskField struct {
	side
	maskFieldConfig
	custom bool
	masks  [data.OtherKind + 1]mask // by kind, made when they are first needed
	plans  planCache[[]bool]        // which fields of a schema are masked
}

type mask struct {
	known bool
	value data.Value
	err   error
}

func openMaskField(s side, p connect.Props) (connect.Transform, error) {
	t := &maskField{side: s, custom: given(p, "replacement")}
	err := connect.Parse(p, &t.maskFieldConfig)
	var fields []string
	for _, name := range t.fields {
		if !slices.Contains(fields, name) {
			fields = append(fields, name)
		}
	}
	t.fields = javatext.HashOrder(fields)
	return t, err
}

func (t *maskField) Apply(r *connect.Record) (bool, error) {
	const purpose = "mask fields"
	d := t.of(r)
	if d.Schema == nil {
		m, err := requireMap(d.Value, purpose)
		if err != nil {
			return true, err
		}
		entries := copyEntries(m, len(t.fields))
		for _, name := range t.fields {
			v, _ := m.Get(name)
			if v, err = t.masked(v); err != nil {
				return true, err
			}
			entries = setEntry(entries, name, v)
		}
		d.Value = data.MapFrom(entries)
		return true, nil
	}
	s, err := requireStruct(d.Value, purpose)
	if err != nil {
		return true, err
	}
	plan, err := t.plans.of(s.Schema(), t.plan)
	if err != nil {
		return true, err
	}
	fields := s.Schema().Fields()
	values := make([]data.Value, len(fields))
	for i := range fields {
		v := get(s, i, t.defaults)
		if plan[i] {
			if v, err = t.masked(v); err != nil {
				return true, err
			}
		}
		if err := checkNull(&fields[i], v); err != nil {
			return true, err
		}
		values[i] = v
	}
	d.Value = data.NewStruct(s.Schema(), values...).Value()
	return true, nil
}

func (t *maskField) plan(s *data.Schema) ([]bool, error) {
	masked := make([]bool, len(s.Fields()))
	for i, f := range s.Fields() {
		masked[i] = slices.Contains(t.fields, f.Name)
	}
	return masked, nil
}

func (t *maskField) masked(v data.Value) (data.Value, error) {
	k := v.Kind()
	if k == data.Null {
		return v, nil
	}
	m := &t.masks[k]
	if !m.known {
		m.known = true
		if t.custom {
			m.value, m.err = t.replaced(v)
		} else {
			m.value, m.err = emptied(v)
		}
	}
	return m.value, m.err
}

// emptied returns what is nothing among the values of v's class.
func emptied(v data.Value) (data.Value, error) {
	switch v.Kind() {
	case data.Bool:
		return data.B(false), nil
	case data.Int8:
		return data.I8(0), nil
	case data.Int16:
		return data.I16(0), nil
	case data.Int32:
		return data.I32(0), nil
	case data.Int64:
		return data.I64(0), nil
	case data.Float32:
		return data.F32(0), nil
	case data.Float64:
		return data.F64(0), nil
	case data.BigIntKind:
		return data.BigInt(new(big.Int)), nil
	case data.DecimalKind:
		return data.Dec(new(big.Int), 0), nil
	case data.DateKind:
		return data.Millis(0), nil
	case data.String:
		return data.Str(""), nil
	case data.Array:
		return data.List([]data.Value{}), nil
	case data.Map:
		return data.MapFrom(nil), nil
	}
	return v, connect.DataErrorf("Cannot mask value of type: %s", className(v))
}

// replaced returns the replacement as a value of v's class.
func (t *maskField) replaced(v data.Value) (data.Value, error) {
	text := data.Str(t.replacement)
	notNumber := func() error {
		return connect.DataErrorf("Unable to convert %s (class java.lang.String) to number", t.replacement)
	}
	switch k := v.Kind(); k {
	case data.Int8, data.Int16, data.Int32, data.Int64, data.Float32, data.Float64:
		return data.Convert(data.Datum{Value: text}, data.Of(k))
	case data.String:
		return text, nil
	case data.DecimalKind:
		d, err := data.ParseDecimal(t.replacement)
		if err != nil {
			return v, notNumber()
		}
		return data.Dec(d.Unscaled, d.Scale), nil
	case data.BigIntKind:
		n, ok := new(big.Int).SetString(t.replacement, 10)
		if !ok {
			return v, notNumber()
		}
		return data.BigInt(n), nil
	}
	return v, connect.DataErrorf("Cannot mask value of type %s with custom replacement.", className(v))
}
