package registry

import (
	"maps"
	"slices"
	"strings"

	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/connectors/internal/jackson"
	"github.com/millwright-connect/millwright/connectors/internal/javatext"
)

const (
	jsonSpace  = "io.confluent.connect.json"
	idParam    = jsonSpace + ".Id"
	jsonEnum   = jsonSpace + ".Enum"
	jsonOneOf  = jsonSpace + ".OneOf"
	nullMarker = "<NULL>" // stands for null among the symbols of an enum
)

var jsonTypes = map[data.Kind]string{
	data.Int8: "int8", data.Int16: "int16", data.Int32: "int32", data.Int64: "int64", data.Float32: "float32", data.Float64: "float64",
}

// jsonMaker makes the JSON Schema of a Connect schema, with the members in the
// order in which Java prints them, since the registry tells texts apart.
type jsonMaker struct {
	*jsonConfig
	ids map[string]bool // of schemas that may be referred to
}

func isOneOf(s *data.Schema) bool { return s.Kind() == data.StructKind && s.Name() == jsonOneOf }

// schema makes the schema of s; index is its place among fields, -1 for none.
func (m *jsonMaker) schema(s *data.Schema, index int, ignoreOptional bool) (*jackson.Node, error) {
	if s == nil {
		return nil, data.Fail("JSON Schema needs a schema for each part of the data")
	}
	id, _ := s.Param(idParam)
	if id != "" {
		m.ids[id] = true
	}
	body := &jackson.Node{Kind: jackson.Object}
	extra := map[string]*jackson.Node{}
	combined, err := m.shape(s, body, extra)
	if err != nil {
		return nil, err
	}
	if combined {
		if id != "" {
			body.Names, body.Kids = append([]string{"$id"}, body.Names...), append([]*jackson.Node{jackson.String(id)}, body.Kids...)
		}
		return withExtra(body, extra, index), nil
	}
	n := &jackson.Node{Kind: jackson.Object}
	if s.HasName() {
		n.Set("title", jackson.String(s.Name()))
	}
	if s.HasDoc() {
		n.Set("description", jackson.String(s.Doc()))
	}
	if id != "" {
		n.Set("$id", jackson.String(id))
	}
	if !s.DefaultValue().IsNull() {
		b, err := jsonWriter{m.jsonConfig}.encoder(s)(nil, s.DefaultValue())
		if err != nil {
			return nil, err
		}
		def, err := jackson.Parse(b)
		if err != nil {
			return nil, err
		}
		n.Set("default", def)
	}
	n.Names, n.Kids = append(n.Names, body.Names...), append(n.Kids, body.Kids...)
	if v, ok := s.Version(); ok {
		extra["connect.version"] = jackson.Number(int64(v))
	}
	params := map[string]*jackson.Node{}
	for _, p := range s.Params() {
		if !strings.HasPrefix(p.Key, jsonSpace) {
			params[p.Key] = jackson.String(p.Value)
		}
	}
	if len(params) > 0 {
		extra["connect.parameters"] = object(params)
	}
	if !s.IsOptional() || ignoreOptional {
		return withExtra(n, extra, index), nil
	}
	return withExtra(oneOf([]*jackson.Node{typed("null"), withExtra(n, extra, -1)}), nil, index), nil
}

func typed(name string) *jackson.Node {
	n := &jackson.Node{Kind: jackson.Object}
	n.Set("type", jackson.String(name))
	return n
}

func oneOf(list []*jackson.Node) *jackson.Node {
	n := &jackson.Node{Kind: jackson.Object}
	n.Set("oneOf", &jackson.Node{Kind: jackson.Array, Kids: list})
	return n
}

// withExtra adds what JSON Schema does not know.
func withExtra(n *jackson.Node, extra map[string]*jackson.Node, index int) *jackson.Node {
	if index >= 0 {
		if extra == nil {
			extra = map[string]*jackson.Node{}
		}
		extra["connect.index"] = jackson.Number(int64(index))
	}
	for _, k := range javatext.HashOrder(slices.Sorted(maps.Keys(extra))) {
		n.Set(k, extra[k])
	}
	return n
}

// shape sets what depends on the type, and reports whether that is a choice of
// schemas, which takes no more.
func (m *jsonMaker) shape(s *data.Schema, n *jackson.Node, extra map[string]*jackson.Node) (combined bool, err error) {
	set := func(name string) { n.Set("type", jackson.String(name)) }
	switch k := s.Kind(); k {
	case data.Int8, data.Int16, data.Int32, data.Int64:
		set("integer")
		extra["connect.type"] = jackson.String(jsonTypes[k])
	case data.Float32, data.Float64:
		set("number")
		extra["connect.type"] = jackson.String(jsonTypes[k])
	case data.Bool:
		set("boolean")
	case data.String:
		if _, ok := s.Param(jsonEnum); !ok {
			set("string")
			return false, nil
		}
		symbols := &jackson.Node{Kind: jackson.Array}
		for _, p := range s.Params() {
			if symbol, ok := strings.CutPrefix(p.Key, jsonEnum+"."); ok {
				node := jackson.String(symbol)
				if symbol == nullMarker {
					node = &jackson.Node{Kind: jackson.Null}
				}
				symbols.Kids = append(symbols.Kids, node)
			}
		}
		n.Set("enum", symbols)
	case data.Bytes:
		if s.Name() == data.DecimalName && m.numeric() {
			set("number")
		} else {
			set("string")
		}
		extra["connect.type"] = jackson.String("bytes")
	case data.Array:
		set("array")
		items, err := m.refer(s.Elem(), -1)
		n.Set("items", items)
		return false, err
	case data.Map:
		return false, m.mapOf(s, n, extra)
	default:
		return m.structOf(s, n)
	}
	return false, nil
}

// refer is schema, or a reference to it where it stands already.
func (m *jsonMaker) refer(s *data.Schema, index int) (*jackson.Node, error) {
	if s != nil {
		if id, ok := s.Param(idParam); ok && m.ids[id] {
			n := &jackson.Node{Kind: jackson.Object}
			n.Set("$ref", jackson.String(id))
			return n, nil
		}
	}
	return m.schema(s, index, false)
}

// textKeys reports whether a map is written as an object.
func textKeys(s *data.Schema) bool { return s.Key().Kind() == data.String && !s.Key().IsOptional() }

func (m *jsonMaker) mapOf(s *data.Schema, n *jackson.Node, extra map[string]*jackson.Node) error {
	extra["connect.type"] = jackson.String("map")
	if textKeys(s) {
		values, err := m.schema(s.Elem(), -1, false)
		n.Set("type", jackson.String("object"))
		n.Set("additionalProperties", values)
		return err
	}
	key, err := m.schema(s.Key(), 0, false)
	if err != nil {
		return err
	}
	value, err := m.schema(s.Elem(), 1, false)
	if err != nil {
		return err
	}
	entry := typed("object")
	entry.Set("properties", object(map[string]*jackson.Node{"key": key, "value": value}))
	n.Set("type", jackson.String("array"))
	n.Set("items", entry)
	return nil
}

func (m *jsonMaker) structOf(s *data.Schema, n *jackson.Node) (combined bool, err error) {
	var list []*jackson.Node
	if s.IsOptional() {
		list = append(list, typed("null"))
	}
	switch {
	case isOneOf(s):
		for i, f := range s.Fields() {
			c, err := m.schema(f.Schema.Required(), i, true)
			if err != nil {
				return true, err
			}
			list = append(list, c)
		}
		n.Set("oneOf", &jackson.Node{Kind: jackson.Array, Kids: list})
		return true, nil
	case s.IsOptional():
		c, err := m.schema(s.Required(), -1, false)
		n.Set("oneOf", &jackson.Node{Kind: jackson.Array, Kids: append(list, c)})
		return true, err
	}
	n.Set("type", jackson.String("object"))
	props := map[string]*jackson.Node{}
	for i, f := range s.Fields() {
		if props[f.Name], err = m.refer(f.Schema, i); err != nil {
			return false, err
		}
	}
	if len(props) > 0 {
		n.Set("properties", object(props))
	}
	if !m.additional {
		n.Set("additionalProperties", jackson.Bool(false))
	}
	return false, nil
}

// object makes an object with its members in the order of a Java HashMap.
func object(members map[string]*jackson.Node) *jackson.Node {
	n := &jackson.Node{Kind: jackson.Object}
	for _, k := range javatext.HashOrder(slices.Sorted(maps.Keys(members))) {
		n.Set(k, members[k])
	}
	return n
}
