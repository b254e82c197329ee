package data

import "strings"

// Project turns a value of schema source into one of schema target, as Java's
// SchemaProjector does: numbers are widened, fields that the source lacks get
// their default, others are dropped. The error is a SchemaProjectorException
// where the schemas do not go together, a DataException where the value does
// not fit.
func Project(source *Schema, v Value, target *Schema) (Value, error) {
	if source == nil || target == nil {
		return Value{}, Fail("a value without schema cannot be projected")
	}
	if err := compatible(source, target); err != nil {
		return Value{}, err
	}
	if source.optional && !target.optional {
		if target.def.kind == Null {
			return Value{}, Errorf(SchemaProjectorException,
				"Writer schema is optional, however, target schema does not provide a default value.")
		}
		if v.kind == Null {
			return target.def, nil
		}
	}
	if v.kind == Null {
		return v, nil
	}
	switch target.kind {
	case StructKind:
		return projectStruct(source, v, target)
	case Array:
		return projectArray(source, v, target)
	case Map:
		return projectMap(source, v, target)
	}
	if promotable(source.kind, target.kind) && isNumber(v.kind) {
		return promote(v, target.kind), nil
	}
	return v, nil
}

func promotable(from, to Kind) bool { return from >= Int8 && from <= to && to <= Float64 }

func promote(v Value, to Kind) Value {
	switch to {
	case Int8:
		return I8(int8(narrow(v)))
	case Int16:
		return I16(int16(narrow(v)))
	case Int32:
		return I32(int32(narrow(v)))
	case Int64:
		return I64(low(v))
	case Float32:
		if v.kind >= Int8 && v.kind <= Int64 {
			return F32(float32(v.Int()))
		}
		if v.kind == DecimalKind {
			return F32(float32(numberOf(v.Decimal()).float(32)))
		}
		return F32(float32(float(v)))
	}
	return F64(float(v))
}

// narrow is Number.intValue, which for floats saturates at the bounds of an int.
func narrow(v Value) int64 {
	n := low(v)
	if v.kind == Float32 || v.kind == Float64 {
		n = min(max(n, -1<<31), 1<<31-1)
	}
	return n
}

func compatible(source, target *Schema) error {
	switch {
	case source.kind != target.kind && !promotable(source.kind, target.kind):
		return Errorf(SchemaProjectorException, "Schema type mismatch. source type: %s and target type: %s", source.kind, target.kind)
	case source.name != target.name || source.emptyName != target.emptyName:
		return Errorf(SchemaProjectorException, "Schema name mismatch. source name: %s and target name: %s", nameOf(source), nameOf(target))
	case !sameParams(source.params, target.params):
		return Errorf(SchemaProjectorException, "Schema parameters not equal. source parameters: %s and target parameters: %s",
			paramsOf(source), paramsOf(target))
	}
	return nil
}

func nameOf(s *Schema) string {
	if !s.HasName() {
		return "null"
	}
	return s.name
}

func paramsOf(s *Schema) string {
	if len(s.params) == 0 {
		return "null"
	}
	var b strings.Builder
	for i, p := range s.params {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p.Key + "=" + p.Value)
	}
	return "{" + b.String() + "}"
}

func projectStruct(source *Schema, v Value, target *Schema) (Value, error) {
	if v.kind != StructKind {
		return Value{}, wrongClass(v, StructKind)
	}
	b := NewBuilder(target)
	for i, f := range target.fields {
		from := source.Field(f.Name)
		switch {
		case from != nil:
			old, err := v.Struct().Lookup(f.Name)
			if err != nil {
				return Value{}, err
			}
			w, err := Project(from, old, f.Schema)
			if err != nil {
				return Value{}, within(f.Name, err)
			}
			if err := b.Set(f.Name, w); err != nil {
				return Value{}, err
			}
		case f.Schema.optional:
		case f.Schema.def.kind != Null:
			b.fields[i] = f.Schema.def
		default:
			return Value{}, Errorf(SchemaProjectorException, "Required field `%s` is missing from source schema: %s", f.Name, source)
		}
	}
	return (&Struct{target, b.fields}).Value(), nil
}

// within names the field of an error of projection; other errors stay alone.
func within(field string, err error) error {
	if e, ok := err.(*Error); ok && e.Class == SchemaProjectorException {
		return &Error{Class: SchemaProjectorException, Message: "Error projecting " + field, Cause: err}
	}
	return err
}

func projectArray(source *Schema, v Value, target *Schema) (Value, error) {
	if v.kind != Array {
		return Value{}, wrongClass(v, Array)
	}
	out := make([]Value, len(v.List()))
	for i, e := range v.List() {
		w, err := Project(source.elem, e, target.elem)
		if err != nil {
			return Value{}, err
		}
		out[i] = w
	}
	return List(out), nil
}

func projectMap(source *Schema, v Value, target *Schema) (Value, error) {
	if v.kind != Map {
		return Value{}, wrongClass(v, Map)
	}
	out := make([]Entry, v.Map().Len())
	for i, e := range v.Map().entries {
		key, err := Project(source.key, e.Key, target.key)
		if err != nil {
			return Value{}, err
		}
		value, err := Project(source.elem, e.Value, target.elem)
		if err != nil {
			return Value{}, err
		}
		out[i] = Entry{key, value}
	}
	return MapFrom(out), nil
}

func wrongClass(v Value, want Kind) error {
	return Errorf("java.lang.ClassCastException", "class %s cannot be used as %s", v.JavaClass(), want)
}
