package transforms

import (
	"slices"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func init() {
	registerSides("HeaderFrom", func() connect.Configurable { return new(headerFromConfig) }, openHeaderFrom)
}

type headerFromConfig struct {
	fields, headers []string
	operation       string
	defaults        bool
}

func (c *headerFromConfig) Define(d *connect.ConfigDef) {
	d.List(&c.fields, "fields").Is(connect.High).Check(nonEmptyList()).Doc("Fields whose values become headers.")
	d.List(&c.headers, "headers").Is(connect.High).Check(nonEmptyList()).Doc("Names of the headers, one for each field in the order of fields.")
	d.String(&c.operation, "operation").Is(connect.High).Check(connect.OneOf("move", "copy")).
		Doc("move takes the fields out of the key or value, copy leaves them there.")
	defineDefaults(d, &c.defaults)
}

// nonEmptyList refuses an empty list; unlike connect.NonEmptyListOf it lets a
// text stand twice.
func nonEmptyList() connect.Check[[]string] {
	const empty = "Empty list"
	return connect.Check[[]string]{
		Text: "non-empty list",
		Null: connect.PropertyError("Invalid value null for configuration {name}: " + empty),
		Valid: func(v []string) error {
			if len(v) == 0 {
				return connect.PropertyError("Invalid value [] for configuration {name}: " + empty)
			}
			return nil
		},
	}
}

type headerFrom struct {
	side
	headerFromConfig
	move  bool
	plans planCache[*headerPlan]
}

// headerPlan tells where the headers are in a struct, and what is left of it.
type headerPlan struct {
	from   []int        // of each header
	schema *data.Schema // when fields are moved
	left   []int        // the fields of schema
}

func openHeaderFrom(s side, p connect.Props) (connect.Transform, error) {
	t := &headerFrom{side: s}
	if err := connect.Parse(p, &t.headerFromConfig); err != nil {
		return nil, err
	}
	if len(t.fields) != len(t.headers) {
		return nil, connect.ConfigErrorf("'fields' config must have the same number of elements as 'headers' config.")
	}
	t.move = t.operation == "move"
	return t, nil
}

func (t *headerFrom) Apply(r *connect.Record) (bool, error) {
	d := t.of(r)
	if d.Schema == nil {
		return true, t.schemaless(r, d)
	}
	s, err := requireStruct(d.Value, "header "+t.operation)
	if err != nil {
		return true, err
	}
	plan, err := t.plans.of(s.Schema(), t.plan)
	if err != nil {
		return true, err
	}
	headers := append(make([]connect.Header, 0, len(r.Headers)+len(t.headers)), r.Headers...)
	for i, name := range t.headers {
		headers = append(headers, connect.Header{Key: name, Value: data.Datum{
			Schema: s.Schema().Fields()[plan.from[i]].Schema, Value: get(s, plan.from[i], t.defaults),
		}})
	}
	if t.move {
		values := make([]data.Value, len(plan.left))
		for i, from := range plan.left {
			values[i] = get(s, from, t.defaults)
			if err := checkNull(&s.Schema().Fields()[from], values[i]); err != nil {
				return true, err
			}
		}
		*d = data.NewStruct(plan.schema, values...).Datum()
	}
	r.Headers = headers
	return true, nil
}

func (t *headerFrom) plan(s *data.Schema) (*headerPlan, error) {
	plan := &headerPlan{}
	for _, name := range t.fields {
		i := s.Index(name)
		if i < 0 {
			return nil, connect.Errorf(nullPointer, "the field %s, which is to become a header, is not in the record's schema", name)
		}
		plan.from = append(plan.from, i)
	}
	var fields []data.Field
	for i, f := range s.Fields() {
		if !slices.Contains(t.fields, f.Name) {
			fields, plan.left = append(fields, f), append(plan.left, i)
		}
	}
	var err error
	plan.schema, err = structLike(s, fields)
	return plan, err
}

func (t *headerFrom) schemaless(r *connect.Record, d *data.Datum) error {
	m, err := requireMap(d.Value, "header "+t.operation)
	if err != nil {
		return err
	}
	headers := append(make([]connect.Header, 0, len(r.Headers)+len(t.headers)), r.Headers...)
	for i, name := range t.headers {
		v, _ := m.Get(t.fields[i])
		header := data.Datum{Value: v}
		if v.Kind() == data.StructKind {
			header = v.Struct().Datum() // a header of a struct always has its schema
		}
		headers = append(headers, connect.Header{Key: name, Value: header})
	}
	if t.move {
		entries := slices.DeleteFunc(copyEntries(m, 0), func(e data.Entry) bool {
			return e.Key.Kind() == data.String && slices.Contains(t.fields, e.Key.Str())
		})
		d.Value = data.MapFrom(entries)
	}
	r.Headers = headers
	return nil
}
