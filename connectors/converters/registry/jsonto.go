package registry

import (
	"slices"
	"strings"

	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/connectors/internal/jackson"
)

// jsonReader makes the Connect schema of a JSON Schema.
type jsonReader struct {
	*jsonParsed
	open []*jackson.Node // schemas being read
}

// schema makes the schema of n, a part of doc. version is the registry's, 0 if
// unknown or if n is a part of the whole; optional makes it so.
func (r *jsonReader) schema(n, doc *jackson.Node, version int, optional bool) (*data.Schema, error) {
	if slices.Contains(r.open, n) {
		return nil, data.Fail("The JSON Schema contains itself; such schemas are not supported")
	}
	r.open = append(r.open, n)
	defer func() { r.open = r.open[:len(r.open)-1] }()
	if n.Kind != jackson.Object {
		return nil, data.Fail("The JSON Schema %s has no type; give it one", n.Append(nil))
	}
	if ref := n.Get("$ref"); ref != nil {
		to, in, err := r.resolve(ref.Text, doc)
		if err != nil {
			return nil, err
		}
		return r.schema(to, in, version, optional)
	}
	if s, done, err := r.choice(n, doc, version, optional); done || err != nil {
		return s, err
	}
	s, err := r.shape(n, doc)
	if err != nil {
		return nil, err
	}
	return r.annotate(s, n, version, optional)
}

func (r *jsonReader) annotate(s *data.Schema, n *jackson.Node, version int, optional bool) (*data.Schema, error) {
	if t := n.Get("title"); t != nil && t.Kind == jackson.Text && !s.HasName() {
		s = s.WithName(t.Text)
	}
	if v := n.Get("connect.version"); v != nil && v.Kind == jackson.Int {
		s = s.Versioned(int(int32(v.Int64())))
	} else if version > 0 {
		s = s.Versioned(version)
	}
	if d := n.Get("description"); d != nil && d.Kind == jackson.Text {
		s = s.Documented(d.Text)
	}
	if ps := n.Get("connect.parameters"); ps != nil && ps.Kind == jackson.Object {
		for i, p := range ps.Kids {
			s = s.With(ps.Names[i], plainText(p))
		}
	}
	if optional {
		s = s.Optional()
	}
	def := n.Get("default")
	if def == nil || def.Kind == jackson.Null {
		return s, nil
	}
	v, err := jsonValue(s, def)
	if err != nil {
		return nil, err
	}
	return s.WithDefault(v)
}

// resolve finds what a reference refers to, and the document it is in.
func (r *jsonReader) resolve(ref string, doc *jackson.Node) (to, in *jackson.Node, err error) {
	file, path, _ := strings.Cut(ref, "#")
	if file != "" {
		found := r.docs[file]
		if found == nil {
			return nil, nil, data.Fail("The JSON Schema refers to %s, which is not among its references", ref)
		}
		doc = found
	}
	n := doc
	switch {
	case path == "":
	case path[0] == '/':
		for part := range strings.SplitSeq(path[1:], "/") {
			part = strings.NewReplacer("~1", "/", "~0", "~", "%24", "$").Replace(part)
			if n = child(n, part); n == nil {
				break
			}
		}
	default:
		n = byID(doc, "#"+path)
	}
	if n == nil {
		return nil, nil, data.Fail("The JSON Schema refers to %s, which is not there", ref)
	}
	return n, doc, nil
}

func child(n *jackson.Node, name string) *jackson.Node {
	if n.Kind == jackson.Array {
		for i, k := range n.Kids {
			if string(jackson.Number(int64(i)).Text) == name {
				return k
			}
		}
		return nil
	}
	return n.Get(name)
}

// byID finds the schema that has an id of its own.
func byID(n *jackson.Node, id string) *jackson.Node {
	for _, key := range []string{"$id", "id", "$anchor"} {
		if v := n.Get(key); v != nil && v.Kind == jackson.Text && (v.Text == id || key == "$anchor" && "#"+v.Text == id) {
			return n
		}
	}
	for _, k := range n.Kids {
		if found := byID(k, id); found != nil {
			return found
		}
	}
	return nil
}

// deref follows references from the root.
func (r *jsonReader) deref(n *jackson.Node) *jackson.Node {
	for range 16 {
		ref := n.Get("$ref")
		if ref == nil {
			break
		}
		to, _, err := r.resolve(ref.Text, r.root)
		if err != nil {
			break
		}
		n = to
	}
	return n
}

func isNull(n *jackson.Node) bool {
	t := n.Get("type")
	return t != nil && t.Kind == jackson.Text && t.Text == "null"
}

// choice makes the schema of oneOf, anyOf, allOf and lists of types; done is
// false when n is none of these.
func (r *jsonReader) choice(n, doc *jackson.Node, version int, optional bool) (s *data.Schema, done bool, err error) {
	if all := n.Get("allOf"); all != nil {
		s, err = r.allOf(n, all, doc, version, optional)
		return s, true, err
	}
	list := n.Get("oneOf")
	if list == nil {
		list = n.Get("anyOf")
	}
	var members []*jackson.Node
	switch t := n.Get("type"); {
	case list != nil && n.Get("properties") != nil:
		return nil, false, nil // an object with conditions on it
	case list != nil:
		members = list.Kids
	case t != nil && t.Kind == jackson.Array:
		for _, k := range t.Kids {
			m := &jackson.Node{Kind: jackson.Object}
			for i, name := range n.Names {
				if name == "type" {
					m.Set("type", k)
				} else {
					m.Set(name, n.Kids[i])
				}
			}
			members = append(members, m)
		}
	default:
		return nil, false, nil
	}
	s, err = r.union(n, members, doc, version, optional)
	return s, true, err
}

func (r *jsonReader) union(n *jackson.Node, members []*jackson.Node, doc *jackson.Node, version int, optional bool) (*data.Schema, error) {
	if len(members) == 1 && r.flatten {
		return r.schema(members[0], doc, 0, false)
	}
	var other *jackson.Node
	nulls := 0
	for _, m := range members {
		if isNull(m) {
			nulls++
		} else {
			other = m
		}
	}
	if len(members) == 2 && nulls == 1 {
		return r.schema(other, doc, version, true)
	}
	var fields []data.Field
	for _, m := range members {
		if isNull(m) {
			optional = true
			continue
		}
		s, err := r.schema(m, doc, 0, true)
		if err != nil {
			return nil, err
		}
		fields = append(fields, data.F(jsonOneOf+".field."+jackson.Number(int64(len(fields))).Text, s))
	}
	s, err := data.NewStructSchema(jsonOneOf, fields...)
	if err != nil {
		return nil, err
	}
	return r.annotate(s, n, version, optional)
}

// allOf joins the properties of all, or takes the first part that has a type.
func (r *jsonReader) allOf(n, all, doc *jackson.Node, version int, optional bool) (*data.Schema, error) {
	joined := &jackson.Node{Kind: jackson.Object}
	required := &jackson.Node{Kind: jackson.Array}
	r.collect(n, doc, joined, required, 0)
	if len(joined.Names) > 0 {
		whole := typed("object")
		whole.Set("properties", joined)
		whole.Set("required", required)
		s, err := r.shape(whole, doc)
		if err != nil {
			return nil, err
		}
		return r.annotate(s, n, version, optional)
	}
	for _, key := range []string{"oneOf", "anyOf", "$ref", "enum", "type"} {
		for _, m := range all.Kids {
			if m.Get(key) != nil {
				return r.schema(m, doc, version, optional)
			}
		}
	}
	return nil, data.Fail("The JSON Schema %s has no type; give it one", n.Append(nil))
}

func (r *jsonReader) collect(n, doc, props, required *jackson.Node, depth int) {
	if depth > 32 {
		return
	}
	if ref := n.Get("$ref"); ref != nil {
		if to, in, err := r.resolve(ref.Text, doc); err == nil {
			r.collect(to, in, props, required, depth+1)
		}
		return
	}
	if p := n.Get("properties"); p != nil {
		for i, name := range p.Names {
			if props.Get(name) == nil {
				props.Set(name, p.Kids[i])
			}
		}
	}
	if q := n.Get("required"); q != nil {
		required.Kids = append(required.Kids, q.Kids...)
	}
	if all := n.Get("allOf"); all != nil {
		for _, m := range all.Kids {
			r.collect(m, doc, props, required, depth+1)
		}
	}
}

func (r *jsonReader) shape(n, doc *jackson.Node) (*data.Schema, error) {
	typ, connectType := "", ""
	if t := n.Get("type"); t != nil {
		typ = t.Text
	}
	if t := n.Get("connect.type"); t != nil {
		connectType = t.Text
	}
	symbols := n.Get("enum")
	if c := n.Get("const"); c != nil && symbols == nil {
		symbols = &jackson.Node{Kind: jackson.Array, Kids: []*jackson.Node{c}}
	}
	switch {
	case symbols != nil && (typ == "" || typ == "string"):
		return enumOf(symbols), nil
	case typ == "boolean":
		return data.Of(data.Bool), nil
	case typ == "integer" || typ == "number":
		return numberOf(typ, connectType)
	case typ == "string" && connectType == "bytes":
		return data.Of(data.Bytes), nil
	case typ == "string":
		return data.Of(data.String), nil
	case typ == "array" || typ == "" && n.Get("items") != nil:
		return r.arrayOf(n, doc, connectType)
	case typ == "object" || typ == "" && n.Get("properties") != nil:
		return r.objectOf(n, doc, connectType)
	case typ == "":
		return nil, data.Fail("The JSON Schema %s has no type; give it one", n.Append(nil))
	}
	return nil, data.Fail("Unsupported schema type %s", typ)
}

func numberOf(typ, connectType string) (*data.Schema, error) {
	for k, name := range jsonTypes {
		if name == connectType {
			return data.Of(k), nil
		}
	}
	switch {
	case connectType == "bytes":
		return data.Of(data.Bytes), nil
	case connectType != "":
		return nil, data.Fail("Unsupported type %s", connectType)
	case typ == "integer":
		return data.Of(data.Int64), nil
	}
	return data.Of(data.Float64), nil
}

func enumOf(symbols *jackson.Node) *data.Schema {
	s := data.Of(data.String).With(jsonEnum, "")
	for _, k := range symbols.Kids {
		symbol := plainText(k)
		if k.Kind == jackson.Null {
			symbol = nullMarker
		}
		s = s.With(jsonEnum+"."+symbol, symbol)
	}
	return s
}

func (r *jsonReader) arrayOf(n, doc *jackson.Node, connectType string) (*data.Schema, error) {
	items := n.Get("items")
	if items == nil || items.Kind != jackson.Object {
		return nil, data.Fail("Array schema did not specify the items type")
	}
	if props := items.Get("properties"); connectType == "map" && props != nil && props.Get("key") != nil && props.Get("value") != nil {
		key, err := r.schema(props.Get("key"), doc, 0, false)
		if err != nil {
			return nil, err
		}
		value, err := r.schema(props.Get("value"), doc, 0, false)
		if err != nil {
			return nil, err
		}
		return data.MapOf(key, value), nil
	}
	elem, err := r.schema(items, doc, 0, false)
	if err != nil {
		return nil, err
	}
	return data.ArrayOf(elem), nil
}

func (r *jsonReader) objectOf(n, doc *jackson.Node, connectType string) (*data.Schema, error) {
	if connectType == "map" {
		values := n.Get("additionalProperties")
		if values == nil {
			return nil, data.Fail("Map schema did not specify the value type")
		}
		elem, err := r.schema(values, doc, 0, false)
		if err != nil {
			return nil, err
		}
		return data.MapOf(data.Of(data.String), elem), nil
	}
	props, required := n.Get("properties"), n.Get("required")
	if props == nil {
		return data.NewStructSchema("")
	}
	type place struct {
		index int64
		field data.Field
	}
	places := make([]place, len(props.Kids))
	for i, k := range props.Kids {
		name := props.Names[i]
		optional := r.nonRequired && (required == nil || !slices.ContainsFunc(required.Kids, func(q *jackson.Node) bool { return q.Text == name }))
		s, err := r.schema(k, doc, 0, optional)
		if err != nil {
			return nil, err
		}
		places[i] = place{int64(i), data.F(name, s)}
		if at := k.Get("connect.index"); at != nil && at.Kind == jackson.Int {
			places[i].index = at.Int64()
		}
	}
	slices.SortStableFunc(places, func(a, b place) int { return int(a.index - b.index) })
	fields := make([]data.Field, len(places))
	for i, p := range places {
		fields[i] = p.field
	}
	return data.NewStructSchema("", fields...)
}
