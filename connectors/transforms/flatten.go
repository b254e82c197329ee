package transforms

import (
	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func init() {
	registerSides("Flatten", func() connect.Configurable { return new(flattenConfig) }, openFlatten)
}

type flattenConfig struct{ delimiter string }

func (c *flattenConfig) Define(d *connect.ConfigDef) {
	d.String(&c.delimiter, "delimiter").Default(".").Is(connect.Medium).
		Doc("What stands between the names of the outer and the inner field in the name of a field that was nested.")
}

type flatten struct {
	side
	flattenConfig
	plans planCache[*flatPlan]
}

// flatPlan is the flat schema and the way through the nested one.
type flatPlan struct {
	schema *data.Schema
	root   flatNode
}

// flatNode is a nested struct: for each of its fields the node below it, nil
// for a field that is a leaf.
type flatNode struct {
	below  []*flatNode
	leaves int // in all, below too
}

func openFlatten(s side, p connect.Props) (connect.Transform, error) {
	t := &flatten{side: s}
	return t, connect.Parse(p, &t.flattenConfig)
}

const flattenPurpose = "flattening"

func (t *flatten) Apply(r *connect.Record) (bool, error) {
	d := t.of(r)
	switch {
	case d.Value.IsNull():
		return true, nil
	case d.Schema == nil:
		m, err := requireMap(d.Value, flattenPurpose)
		if err != nil {
			return true, err
		}
		entries, err := t.flatMap(make([]data.Entry, 0, m.Len()), m, "")
		if err == nil {
			d.Value = data.MapFrom(entries)
		}
		return true, err
	}
	s, err := requireStruct(d.Value, flattenPurpose)
	if err != nil {
		return true, err
	}
	plan, err := t.plans.of(s.Schema(), t.plan)
	if err != nil {
		return true, err
	}
	values := make([]data.Value, plan.root.leaves)
	if _, err := plan.root.fill(values, plan.schema.Fields(), s); err != nil {
		return true, err
	}
	*d = data.NewStruct(plan.schema, values...).Datum()
	return true, nil
}

// fill puts the leaves of s into values and returns what is behind them.
func (n *flatNode) fill(values []data.Value, fields []data.Field, s *data.Struct) (rest []data.Value, err error) {
	for i, below := range n.below {
		at := len(fields) - len(values)
		if below == nil {
			v := get(s, i, true)
			if err := checkNull(&fields[at], v); err != nil {
				return nil, err
			}
			values[0], values = v, values[1:]
			continue
		}
		if v := s.At(i); v.Kind() == data.StructKind {
			if values, err = below.fill(values, fields, v.Struct()); err != nil {
				return nil, err
			}
		} else {
			values = values[below.leaves:]
		}
	}
	return values, nil
}

func (t *flatten) plan(s *data.Schema) (*flatPlan, error) {
	def := data.Value{}
	if s.DefaultValue().Kind() == data.StructKind {
		def = s.DefaultValue()
	}
	fields, root, err := t.flatSchema(nil, s, "", s.IsOptional(), def)
	if err != nil {
		return nil, err
	}
	schema, err := structLike(s, fields)
	return &flatPlan{schema, *root}, err
}

// flatSchema appends the leaves of s, which are optional, or have a default,
// where a struct around them is or has.
func (t *flatten) flatSchema(flat []data.Field, s *data.Schema, prefix string, optional bool, def data.Value) ([]data.Field, *flatNode, error) {
	node := &flatNode{}
	for i, f := range s.Fields() {
		name := t.name(prefix, f.Name)
		mayMiss := optional || f.Schema.IsOptional()
		own := f.Schema.DefaultValue()
		if own.IsNull() && def.Kind() == data.StructKind {
			own = get(def.Struct(), i, true)
		}
		var below *flatNode
		switch k := f.Schema.Kind(); k {
		case data.Map:
			return nil, nil, connect.DataErrorf("Flatten transformation does not support %s for record with schemas (for field %s).", k, name)
		case data.StructKind:
			var err error
			if flat, below, err = t.flatSchema(flat, f.Schema, name, mayMiss, own); err != nil {
				return nil, nil, err
			}
			node.leaves += below.leaves
		default:
			leaf, err := flatLeaf(f.Schema, mayMiss, own)
			if err != nil {
				return nil, nil, err
			}
			flat = append(flat, data.F(name, leaf))
			node.leaves++
		}
		node.below = append(node.below, below)
	}
	return flat, node, nil
}

func flatLeaf(s *data.Schema, optional bool, def data.Value) (*data.Schema, error) {
	out := s.Required()
	if optional {
		out = s.Optional()
	}
	if def.IsNull() {
		return out, nil
	}
	return out.WithDefault(def)
}

func (t *flatten) flatMap(flat []data.Entry, m *data.MapValue, prefix string) ([]data.Entry, error) {
	for _, e := range m.Entries() {
		name, err := textKey(&e)
		if err != nil {
			return nil, err
		}
		name = t.name(prefix, name)
		switch k := e.Value.Kind(); {
		case k > data.StructKind:
			return nil, connect.DataErrorf("Flatten transformation was passed a value of type %s which is not supported by Connect's data API", className(e.Value))
		case k == data.StructKind:
			return nil, connect.DataErrorf("Flatten transformation does not support %s for record without schemas (for field %s).", className(e.Value), name)
		case k == data.Map:
			if flat, err = t.flatMap(flat, e.Value.Map(), name); err != nil {
				return nil, err
			}
		default:
			flat = append(flat, data.Entry{Key: data.Str(name), Value: e.Value})
		}
	}
	return flat, nil
}

func (t *flatten) name(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + t.delimiter + name
}
