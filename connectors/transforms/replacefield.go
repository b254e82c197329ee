package transforms

import (
	"slices"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/connectors/internal/javatext"
)

func init() {
	registerSides("ReplaceField", func() connect.Configurable { return new(replaceFieldConfig) }, openReplaceField)
}

type replaceFieldConfig struct {
	exclude, include, renames []string

	defaults bool
}

const pairs = "list of colon-delimited pairs, e.g. <code>foo:bar,abc:xyz</code>"

func (c *replaceFieldConfig) Define(d *connect.ConfigDef) {
	d.List(&c.exclude, "exclude").Default([]string{}).Check(connect.ListOf()).
		Doc("Fields to leave out; it wins over include.")
	d.List(&c.include, "include").Default([]string{}).Check(connect.ListOf()).
		Doc("Fields to keep; when it is empty, all are kept that exclude does not name.")
	d.List(&c.renames, "renames").Default([]string{}).Check(connect.That(pairs, func(v []string) error {
		_, err := parseRenames(v)
		return err
	})).Doc("New names of fields, as old:new pairs.")
	defineDefaults(d, &c.defaults)
}

type rename struct{ from, to string }

func parseRenames(list []string) ([]rename, error) {
	var renames []rename
	for _, pair := range list {
		parts := splitColon(pair)
		if len(parts) != 2 {
			return nil, badValue("renames", listText(list), "Invalid rename mapping: "+pair)
		}
		renames = slices.DeleteFunc(renames, func(r rename) bool { return r.from == parts[0] })
		renames = append(renames, rename{parts[0], parts[1]})
	}
	from := make([]string, len(renames))
	for i, r := range renames {
		from[i] = r.from
	}
	order := javatext.HashOrder(from)
	slices.SortFunc(renames, func(a, b rename) int { return slices.Index(order, a.from) - slices.Index(order, b.from) })
	return renames, nil
}

// splitColon is Java's split(":"), which drops empty parts at the end.
func splitColon(s string) []string {
	parts := strings.Split(s, ":")
	for len(parts) > 0 && parts[len(parts)-1] == "" && s != "" {
		parts = parts[:len(parts)-1]
	}
	return parts
}

// listText renders a list as Java does.
func listText(list []string) string { return "[" + strings.Join(list, ", ") + "]" }

type replaceField struct {
	side
	replaceFieldConfig
	names []rename
	plans planCache[*replacePlan]
}

// replacePlan is the struct that comes out, and where its fields come from.
type replacePlan struct {
	schema *data.Schema
	from   []int
	strict []bool // the field takes the value of another, which may not fit
}

func openReplaceField(s side, p connect.Props) (connect.Transform, error) {
	t := &replaceField{side: s}
	if err := connect.Parse(p, &t.replaceFieldConfig); err != nil {
		return nil, err
	}
	var err error
	t.names, err = parseRenames(t.renames)
	return t, err
}

func (t *replaceField) keeps(name string) bool {
	return !slices.Contains(t.exclude, name) && (len(t.include) == 0 || slices.Contains(t.include, name))
}

func (t *replaceField) renamed(name string) string {
	for _, r := range t.names {
		if r.from == name {
			return r.to
		}
	}
	return name
}

// original returns the field that a new name stands for. As in Java it goes by
// the names alone, whether or not such a field was renamed.
func (t *replaceField) original(name string) string {
	for _, r := range slices.Backward(t.names) {
		if r.to == name {
			return r.from
		}
	}
	return name
}

func (t *replaceField) Apply(r *connect.Record) (bool, error) {
	d := t.of(r)
	switch {
	case d.Value.IsNull():
		return true, nil
	case d.Schema == nil:
		return true, t.schemaless(d)
	}
	s, err := requireStruct(d.Value, "field replacement")
	if err != nil {
		return true, err
	}
	plan, err := t.plans.of(s.Schema(), t.plan)
	if err != nil {
		return true, err
	}
	values := make([]data.Value, len(plan.from))
	fields := plan.schema.Fields()
	for i, from := range plan.from {
		if from < 0 {
			return true, connect.DataErrorf("%s is not a valid field name", t.original(fields[i].Name))
		}
		values[i] = get(s, from, t.defaults)
		check := checkNull
		if plan.strict[i] {
			check = checkAll
		}
		if err := check(&fields[i], values[i]); err != nil {
			return true, err
		}
	}
	*d = data.NewStruct(plan.schema, values...).Datum()
	return true, nil
}

func checkAll(f *data.Field, v data.Value) error { return f.Schema.CheckField(f.Name, v) }

func (t *replaceField) plan(s *data.Schema) (*replacePlan, error) {
	var fields []data.Field
	for _, f := range s.Fields() {
		if t.keeps(f.Name) {
			fields = append(fields, data.F(t.renamed(f.Name), f.Schema))
		}
	}
	schema, err := structLike(s, fields)
	if err != nil {
		return nil, err
	}
	plan := &replacePlan{schema, make([]int, len(fields)), make([]bool, len(fields))}
	for i, f := range fields {
		from := s.Index(t.original(f.Name))
		plan.from[i] = from
		plan.strict[i] = from >= 0 && s.Fields()[from].Schema != f.Schema
	}
	return plan, nil
}

func (t *replaceField) schemaless(d *data.Datum) error {
	m, err := requireMap(d.Value, "field replacement")
	if err != nil {
		return err
	}
	entries := make([]data.Entry, 0, m.Len())
	for _, e := range m.Entries() {
		name, err := textKey(&e)
		if err != nil {
			return err
		}
		if t.keeps(name) {
			entries = append(entries, data.Entry{Key: data.Str(t.renamed(name)), Value: e.Value})
		}
	}
	d.Value = data.MapFrom(entries)
	return nil
}
