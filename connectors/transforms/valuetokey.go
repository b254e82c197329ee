package transforms

import (
	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func init() {
	register("ValueToKey", func() connect.Configurable { return new(valueToKeyConfig) }, openValueToKey)
}

type valueToKeyConfig struct {
	fields   []string
	defaults bool
}

func (c *valueToKeyConfig) Define(d *connect.ConfigDef) {
	d.List(&c.fields, "fields").Is(connect.High).Check(connect.NonEmptyListOf()).Doc("Fields of the value that make up the new key.")
	defineDefaults(d, &c.defaults)
}

type valueToKey struct {
	valueToKeyConfig
	plans planCache[*keyPlan]
}

// keyPlan is the schema of the key, and where its fields are in the value.
type keyPlan struct {
	schema *data.Schema
	from   []int
}

func openValueToKey(p connect.Props) (connect.Transform, error) {
	t := new(valueToKey)
	return t, connect.Parse(p, &t.valueToKeyConfig)
}

func (t *valueToKey) Apply(r *connect.Record) (bool, error) {
	const purpose = "copying fields from value to key"
	if r.Value.Schema == nil {
		m, err := requireMap(r.Value.Value, purpose)
		if err != nil {
			return true, err
		}
		entries := make([]data.Entry, len(t.fields))
		for i, name := range t.fields {
			v, _ := m.Get(name)
			entries[i] = data.Entry{Key: data.Str(name), Value: v}
		}
		r.Key = data.Datum{Value: data.MapFrom(entries)}
		return true, nil
	}
	s, err := requireStruct(r.Value.Value, purpose)
	if err != nil {
		return true, err
	}
	plan, err := t.plans.of(s.Schema(), t.plan)
	if err != nil {
		return true, err
	}
	fields := plan.schema.Fields()
	values := make([]data.Value, len(fields))
	for i, from := range plan.from {
		values[i] = get(s, from, t.defaults)
		if err := checkNull(&fields[i], values[i]); err != nil {
			return true, err
		}
	}
	r.Key = data.NewStruct(plan.schema, values...).Datum()
	r.Value.Schema = s.Schema()
	return true, nil
}

func (t *valueToKey) plan(s *data.Schema) (*keyPlan, error) {
	plan := &keyPlan{}
	var fields []data.Field
	for _, name := range t.fields {
		i := s.Index(name)
		if i < 0 {
			return nil, connect.DataErrorf("Field does not exist: %s", name)
		}
		fields, plan.from = append(fields, s.Fields()[i]), append(plan.from, i)
	}
	var err error
	plan.schema, err = data.NewStructSchema("", fields...)
	return plan, err
}
