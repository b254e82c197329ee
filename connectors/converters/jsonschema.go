package converters

import (
	"strconv"

	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/connectors/internal/jackson"
)

// typeNames are the types of schemas in JSON.
var typeNames = [...]string{
	data.Int8: "int8", data.Int16: "int16", data.Int32: "int32", data.Int64: "int64",
	data.Float32: "float", data.Float64: "double", data.Bool: "boolean", data.String: "string", data.Bytes: "bytes",
	data.Array: "array", data.Map: "map", data.StructKind: "struct",
}

var kindsByName = func() map[string]data.Kind {
	m := map[string]data.Kind{}
	for k, name := range typeNames {
		if name != "" {
			m[name] = data.Kind(k)
		}
	}
	return m
}()

// appendSchema appends the schema of w as JSON, with the members in the order
// of Java's; field is the name that it has in a struct.
func (j *jsonConverter) appendSchema(dst []byte, w *writer, field string) (_ []byte, err error) {
	s := w.schema
	if s == nil {
		return append(dst, "null"...), nil
	}
	dst = append(append(append(dst, `{"type":"`...), typeNames[s.Kind()]...), '"')
	switch s.Kind() {
	case data.Array:
		dst, err = j.appendSchema(append(dst, `,"items":`...), w.elem, "")
	case data.Map:
		if dst, err = j.appendSchema(append(dst, `,"keys":`...), w.key, ""); err == nil {
			dst, err = j.appendSchema(append(dst, `,"values":`...), w.elem, "")
		}
	case data.StructKind:
		dst = append(dst, `,"fields":[`...)
		for i, f := range s.Fields() {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = j.appendSchema(dst, w.fields[i].w, f.Name); err != nil {
				return nil, err
			}
			dst = dst[:len(dst)-1] // the field's name stands last
			dst = append(data.AppendJSONString(append(dst, `,"field":`...), f.Name), '}')
		}
		dst = append(dst, ']')
	}
	if err != nil {
		return nil, err
	}
	dst = strconv.AppendBool(append(dst, `,"optional":`...), s.IsOptional())
	if s.HasName() {
		dst = data.AppendJSONString(append(dst, `,"name":`...), s.Name())
	}
	if v, ok := s.Version(); ok {
		dst = strconv.AppendInt(append(dst, `,"version":`...), int64(v), 10)
	}
	if s.HasDoc() {
		dst = data.AppendJSONString(append(dst, `,"doc":`...), s.Doc())
	}
	if len(s.Params()) > 0 {
		for i, p := range s.Params() {
			lead := `,"parameters":{`
			if i > 0 {
				lead = ","
			}
			dst = data.AppendJSONString(append(data.AppendJSONString(append(dst, lead...), p.Key), ':'), p.Value)
		}
		dst = append(dst, '}')
	}
	if def := s.DefaultValue(); !def.IsNull() {
		if dst, err = w.append(append(dst, `,"default":`...), def, 0); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

// schemaOf builds the schema that JSON describes; a JSON null is no schema.
func (j *jsonConverter) schemaOf(n *jackson.Node) (*data.Schema, error) {
	if n.Kind == jackson.Null {
		return nil, nil
	}
	typ := n.Get("type")
	if typ == nil || typ.Kind != jackson.Text {
		return nil, data.Fail("Schema must contain 'type' field")
	}
	kind, ok := kindsByName[typ.Text]
	if !ok {
		return nil, data.Fail("Unknown schema type: %s", typ.Text)
	}
	s, err := j.shapeOf(n, kind)
	if err != nil {
		return nil, err
	}
	if o := n.Get("optional"); o != nil && o.Kind == jackson.True {
		s = s.Optional()
	}
	if m := n.Get("name"); m != nil && m.Kind == jackson.Text {
		if s = s.WithName(m.Text); m.Text == "" {
			s = s.WithEmptyName()
		}
	}
	if v := n.Get("version"); v != nil && v.Kind == jackson.Int {
		s = s.Versioned(int(int32(v.Int64())))
	}
	if d := n.Get("doc"); d != nil && d.Kind == jackson.Text {
		s = s.Documented(d.Text)
	}
	if ps := n.Get("parameters"); ps != nil && ps.Kind == jackson.Object {
		for i, p := range ps.Kids {
			if p.Kind != jackson.Text {
				return nil, data.Fail("Schema parameters must have string values.")
			}
			s = s.With(ps.Names[i], p.Text)
		}
	}
	if d := n.Get("default"); d != nil {
		v, err := newReader(s, j.useDefaults).fromTree(d)
		if err != nil {
			return nil, err
		}
		return s.WithDefault(v)
	}
	return s, nil
}

// shapeOf builds the part of a schema that depends on its type.
func (j *jsonConverter) shapeOf(n *jackson.Node, kind data.Kind) (*data.Schema, error) {
	switch kind {
	case data.Array:
		items := n.Get("items")
		if items == nil || items.Kind == jackson.Null {
			return nil, data.Fail("Array schema did not specify the element type")
		}
		elem, err := j.schemaOf(items)
		if err != nil {
			return nil, err
		}
		return data.ArrayOf(elem), nil
	case data.Map:
		keys, values := n.Get("keys"), n.Get("values")
		if keys == nil {
			return nil, data.Fail("Map schema did not specify the key type")
		}
		if values == nil {
			return nil, data.Fail("Map schema did not specify the value type")
		}
		key, err := j.schemaOf(keys)
		if err != nil {
			return nil, err
		}
		elem, err := j.schemaOf(values)
		switch {
		case err != nil:
			return nil, err
		case key == nil:
			return nil, data.Errorf(data.SchemaBuilderException, "keySchema cannot be null.")
		case elem == nil:
			return nil, data.Errorf(data.SchemaBuilderException, "valueSchema cannot be null.")
		}
		return data.MapOf(key, elem), nil
	case data.StructKind:
		list := n.Get("fields")
		if list == nil || list.Kind != jackson.Array {
			return nil, data.Fail("Struct schema's \"fields\" argument is not an array.")
		}
		fields := make([]data.Field, len(list.Kids))
		for i, f := range list.Kids {
			name := f.Get("field")
			if name == nil || name.Kind != jackson.Text {
				return nil, data.Fail("Struct schema's field name not specified properly")
			}
			s, err := j.schemaOf(f)
			if err != nil {
				return nil, err
			}
			fields[i] = data.F(name.Text, s)
		}
		return data.NewStructSchema("", fields...)
	}
	return data.Of(kind), nil
}
