package registry

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/connectors/internal/jackson"
)

// An avroSchema is a schema of Avro 1.11.
type avroSchema struct {
	typ         string // null, boolean, …, record, enum, fixed, array, map, union
	space, name string // of record, enum and fixed
	doc         string
	fields      []avroField
	symbols     []string
	enumDefault string
	size        int           // of fixed
	items       *avroSchema   // of array and map
	branches    []*avroSchema // of union
	props       []avroProp    // what is not Avro's own, in order
}

type avroField struct {
	name, doc string
	schema    *avroSchema
	def       *jackson.Node // nil: none
	props     []avroProp
}

type avroProp struct {
	key   string
	value *jackson.Node
}

var avroPrimitives = []string{"null", "boolean", "int", "long", "float", "double", "bytes", "string"}

func (a *avroSchema) named() bool { return a.typ == "record" || a.typ == "enum" || a.typ == "fixed" }

func (a *avroSchema) fullName() string {
	if a.space == "" {
		return a.name
	}
	return a.space + "." + a.name
}

// prop returns what is not Avro's own, nil if it is not there.
func (a *avroSchema) prop(key string) *jackson.Node {
	for i := range a.props {
		if a.props[i].key == key {
			return a.props[i].value
		}
	}
	return nil
}

// text returns a prop if it is a text.
func (a *avroSchema) text(key string) string {
	if n := a.prop(key); n != nil && n.Kind == jackson.Text {
		return n.Text
	}
	return ""
}

// set adds a prop; one that is there stays.
func (a *avroSchema) set(key string, v *jackson.Node) {
	if a.prop(key) == nil {
		a.props = append(a.props, avroProp{key, v})
	}
}

// nullable returns the other branch of a union of two with null.
func (a *avroSchema) nullable() *avroSchema {
	if a.typ == "union" && len(a.branches) == 2 {
		for i, b := range a.branches {
			if b.typ == "null" {
				return a.branches[1-i]
			}
		}
	}
	return nil
}

// String returns the schema as Java's Schema.toString writes it, which is what
// goes to the registry.
func (a *avroSchema) String() string {
	return string(a.append(nil, "", map[string]*avroSchema{}))
}

func (a *avroSchema) append(dst []byte, space string, seen map[string]*avroSchema) []byte {
	switch {
	case a.typ == "union":
		dst = append(dst, '[')
		for i, b := range a.branches {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = b.append(dst, space, seen)
		}
		return append(dst, ']')
	case slices.Contains(avroPrimitives, a.typ) && len(a.props) == 0:
		return data.AppendJSONString(dst, a.typ)
	case a.named() && seen[a.fullName()] != nil:
		if a.space == space && !slices.Contains(avroPrimitives, a.name) {
			return data.AppendJSONString(dst, a.name)
		}
		return data.AppendJSONString(dst, a.fullName())
	}
	dst = data.AppendJSONString(append(dst, `{"type":`...), a.typ)
	if a.named() {
		seen[a.fullName()] = a
		dst = data.AppendJSONString(append(dst, `,"name":`...), a.name)
		if a.space != space {
			dst = data.AppendJSONString(append(dst, `,"namespace":`...), a.space)
		}
		if a.doc != "" {
			dst = data.AppendJSONString(append(dst, `,"doc":`...), a.doc)
		}
		space = a.space
	}
	switch a.typ {
	case "record":
		dst = append(dst, `,"fields":[`...)
		for i := range a.fields {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = a.fields[i].append(dst, space, seen)
		}
		dst = append(dst, ']')
	case "enum":
		dst = append(dst, `,"symbols":[`...)
		for i, s := range a.symbols {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = data.AppendJSONString(dst, s)
		}
		dst = append(dst, ']')
		if a.enumDefault != "" {
			dst = data.AppendJSONString(append(dst, `,"default":`...), a.enumDefault)
		}
	case "fixed":
		dst = fmt.Appendf(dst, `,"size":%d`, a.size)
	case "array":
		dst = a.items.append(append(dst, `,"items":`...), space, seen)
	case "map":
		dst = a.items.append(append(dst, `,"values":`...), space, seen)
	}
	return append(appendProps(dst, a.props), '}')
}

func (f *avroField) append(dst []byte, space string, seen map[string]*avroSchema) []byte {
	dst = data.AppendJSONString(append(dst, `{"name":`...), f.name)
	dst = f.schema.append(append(dst, `,"type":`...), space, seen)
	if f.doc != "" {
		dst = data.AppendJSONString(append(dst, `,"doc":`...), f.doc)
	}
	if f.def != nil {
		dst = f.def.Append(append(dst, `,"default":`...))
	}
	return append(appendProps(dst, f.props), '}')
}

func appendProps(dst []byte, props []avroProp) []byte {
	for _, p := range props {
		dst = p.value.Append(append(data.AppendJSONString(append(dst, ','), p.key), ':'))
	}
	return dst
}

// An avroParser reads schemas; names keeps the named ones.
type avroParser struct{ names map[string]*avroSchema }

// parseAvro reads a schema and those it refers to, in that they come first.
func parseAvro(text string, refs []reference) (*avroSchema, error) {
	p := avroParser{map[string]*avroSchema{}}
	for _, r := range refs {
		if _, err := p.parse(r.schema); err != nil {
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
	}
	return p.parse(text)
}

func (p *avroParser) parse(text string) (*avroSchema, error) {
	n, err := jackson.Parse([]byte(text))
	if err != nil {
		return p.schema(jackson.String(text), "") // a bare name such as int
	}
	return p.schema(n, "")
}

func (p *avroParser) schema(n *jackson.Node, space string) (*avroSchema, error) {
	switch n.Kind {
	case jackson.Text:
		return p.byName(n.Text, space)
	case jackson.Array:
		a := &avroSchema{typ: "union"}
		for _, k := range n.Kids {
			b, err := p.schema(k, space)
			if err != nil {
				return nil, err
			}
			a.branches = append(a.branches, b)
		}
		return a, nil
	case jackson.Object:
		return p.object(n, space)
	}
	return nil, fmt.Errorf("%s is no Avro schema", n.Append(nil))
}

func (p *avroParser) byName(name, space string) (*avroSchema, error) {
	if slices.Contains(avroPrimitives, name) {
		return &avroSchema{typ: name}, nil
	}
	if !strings.Contains(name, ".") && space != "" {
		if a := p.names[space+"."+name]; a != nil {
			return a, nil
		}
	}
	if a := p.names[name]; a != nil {
		return a, nil
	}
	return nil, fmt.Errorf("Avro type %q is not defined", name)
}

// own are the attributes that each type has of itself.
var own = map[string][]string{
	"record": {"fields"}, "error": {"fields"}, "enum": {"symbols", "default"}, "fixed": {"size"}, "array": {"items"}, "map": {"values"},
}

func (p *avroParser) object(n *jackson.Node, space string) (a *avroSchema, err error) {
	t := n.Get("type")
	if t == nil {
		return nil, fmt.Errorf("an Avro schema has no type: %s", n.Append(nil))
	}
	if t.Kind != jackson.Text {
		return p.schema(t, space) // {"type":{"type":…}}
	}
	a = &avroSchema{typ: t.Text}
	if a.typ == "error" {
		a.typ = "record"
	}
	switch {
	case a.named():
		if err := p.name(a, n, space); err != nil {
			return nil, err
		}
		space = a.space
	case a.typ == "array" || a.typ == "map":
	case !slices.Contains(avroPrimitives, a.typ):
		return p.byName(a.typ, space)
	}
	for i, key := range n.Names {
		reserved := key == "type" || slices.Contains(own[t.Text], key) ||
			a.named() && slices.Contains([]string{"name", "namespace", "doc", "aliases"}, key)
		if !reserved {
			a.props = append(a.props, avroProp{key, n.Kids[i]})
		}
	}
	need := func(key string, kind jackson.Kind) *jackson.Node {
		k := n.Get(key)
		if k == nil || kind != jackson.Missing && k.Kind != kind {
			err = fmt.Errorf("Avro %s %s has no %s", a.typ, a.name, key)
			return &jackson.Node{Kind: kind}
		}
		return k
	}
	switch a.typ {
	case "record":
		for _, f := range need("fields", jackson.Array).Kids {
			field, err := p.field(f, space)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", a.name, err)
			}
			a.fields = append(a.fields, field)
		}
	case "enum":
		for _, s := range need("symbols", jackson.Array).Kids {
			a.symbols = append(a.symbols, s.Text)
		}
		if d := n.Get("default"); d != nil {
			a.enumDefault = d.Text
		}
	case "fixed":
		a.size = int(need("size", jackson.Int).Int64())
	case "array":
		a.items, err = p.schema(need("items", jackson.Missing), space)
	case "map":
		a.items, err = p.schema(need("values", jackson.Missing), space)
	}
	return a, err
}

func (p *avroParser) name(a *avroSchema, n *jackson.Node, space string) error {
	name := n.Get("name")
	if name == nil || name.Kind != jackson.Text || name.Text == "" {
		return fmt.Errorf("an Avro %s has no name", a.typ)
	}
	a.space = space
	if s := n.Get("namespace"); s != nil && s.Kind == jackson.Text {
		a.space = s.Text
	}
	a.name = name.Text
	if i := strings.LastIndexByte(a.name, '.'); i >= 0 {
		a.space, a.name = a.name[:i], a.name[i+1:]
	}
	if d := n.Get("doc"); d != nil && d.Kind == jackson.Text {
		a.doc = d.Text
	}
	if p.names[a.fullName()] != nil {
		return fmt.Errorf("Avro type %s is defined twice", a.fullName())
	}
	p.names[a.fullName()] = a
	return nil
}

func (p *avroParser) field(n *jackson.Node, space string) (f avroField, err error) {
	name, typ := n.Get("name"), n.Get("type")
	if name == nil || name.Kind != jackson.Text || typ == nil {
		return f, fmt.Errorf("an Avro field has no name or no type: %s", n.Append(nil))
	}
	f = avroField{name: name.Text, def: n.Get("default")}
	if f.schema, err = p.schema(typ, space); err != nil {
		return f, fmt.Errorf("field %s: %w", f.name, err)
	}
	if d := n.Get("doc"); d != nil && d.Kind == jackson.Text {
		f.doc = d.Text
	}
	for i, key := range n.Names {
		if !slices.Contains([]string{"name", "type", "doc", "default", "order", "aliases"}, key) {
			f.props = append(f.props, avroProp{key, n.Kids[i]})
		}
	}
	return f, nil
}
