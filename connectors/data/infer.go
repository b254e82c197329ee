package data

// Infer returns the schema that a value without one has, as Java's
// Values.inferSchema does: nil for a null, an empty container, a container of
// different types, dates and decimals. A container of nothing but nulls is an
// error, a SchemaBuilderException.
func Infer(v Value) (*Schema, error) {
	switch {
	case v.kind >= Int8 && v.kind <= Bytes:
		return Of(v.kind), nil
	case v.kind == StructKind:
		return v.Struct().schema, nil
	case v.kind == Array:
		var elem detector
		for _, e := range v.List() {
			if ok, err := elem.add(e); !ok {
				return nil, err
			}
		}
		if len(v.List()) == 0 {
			return nil, nil
		}
		s, err := elem.schema()
		if err != nil {
			return nil, err
		}
		return ArrayOf(s), nil
	case v.kind == Map && v.Map().Len() > 0:
		return inferMap(v.Map())
	}
	return nil, nil
}

func inferMap(m *MapValue) (*Schema, error) {
	var keys, values detector
	for _, e := range m.entries {
		if ok, err := keys.add(e.Key); !ok {
			return nil, err
		}
		if ok, err := values.add(e.Value); !ok {
			return nil, err
		}
	}
	key, err := keys.schema()
	if err != nil {
		return nil, err
	}
	value, err := values.schema()
	if err != nil {
		return nil, err
	}
	return MapOf(key, value), nil
}

// A detector finds the one type that all elements have. Only the type counts:
// the elements of an array of arrays, or of structs, are not looked at.
type detector struct {
	kind     Kind
	optional bool
}

func (d *detector) add(v Value) (bool, error) {
	if v.kind == Null {
		d.optional = true
		return true, nil
	}
	s, err := Infer(v)
	if s == nil || d.kind != Null && d.kind != s.kind {
		return false, err
	}
	d.kind = s.kind
	return true, nil
}

func (d *detector) schema() (*Schema, error) {
	if d.kind == Null {
		return nil, Errorf(SchemaBuilderException, "type cannot be null")
	}
	return &Schema{kind: d.kind, optional: d.optional}, nil
}
