package transforms

import (
	"strconv"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

const (
	illegalArgument = "java.lang.IllegalArgumentException"
	classCast       = "java.lang.ClassCastException"
	nullPointer     = "java.lang.NullPointerException"
)

// requireMap returns a schemaless value, which has to be a map.
func requireMap(v data.Value, purpose string) (*data.MapValue, error) {
	if v.Kind() != data.Map {
		return nil, connect.DataErrorf("Only Map objects supported in absence of schema for [%s], found: %s", purpose, v.JavaClass())
	}
	return v.Map(), nil
}

// requireStruct returns a value with a schema, which has to be a struct.
func requireStruct(v data.Value, purpose string) (*data.Struct, error) {
	if v.Kind() != data.StructKind {
		return nil, connect.DataErrorf("Only Struct objects supported for [%s], found: %s", purpose, v.JavaClass())
	}
	return v.Struct(), nil
}

// requireFields returns the fields of a schema, which has to be a struct's.
func requireFields(s *data.Schema) ([]data.Field, error) {
	if s.Kind() != data.StructKind {
		return nil, connect.DataErrorf("Cannot list fields on non-struct type")
	}
	return s.Fields(), nil
}

// className names the class of a value as Java's Class.toString does.
func className(v data.Value) string { return "class " + v.JavaClass() }

// get returns field i of s, with its default if it is null and that is wanted.
func get(s *data.Struct, i int, withDefault bool) data.Value {
	v := s.At(i)
	if v.IsNull() && withDefault {
		return s.Schema().Fields()[i].Schema.DefaultValue()
	}
	return v
}

// checkNull reports a null that the field cannot take. It is all that has to be
// asked of a value that comes from a field of the same schema.
func checkNull(f *data.Field, v data.Value) error {
	if v.IsNull() && !f.Schema.IsOptional() {
		return f.Schema.CheckField(f.Name, v)
	}
	return nil
}

// basics gives s the name, version, doc and parameters of another schema.
func basics(from, s *data.Schema) *data.Schema {
	switch {
	case from.Name() != "":
		s = s.WithName(from.Name())
	case from.HasName():
		s = s.WithEmptyName()
	}
	if v, ok := from.Version(); ok {
		s = s.Versioned(v)
	}
	if from.HasDoc() {
		s = s.Documented(from.Doc())
	}
	for _, p := range from.Params() {
		s = s.With(p.Key, p.Value)
	}
	return s
}

// structLike returns a required struct schema with the basics of another.
func structLike(from *data.Schema, fields []data.Field) (*data.Schema, error) {
	s, err := data.NewStructSchema("", fields...)
	if err != nil {
		return nil, err
	}
	return basics(from, s), nil
}

// copyEntries returns the entries of a map in a slice with room for more.
func copyEntries(m *data.MapValue, more int) []data.Entry {
	return append(make([]data.Entry, 0, m.Len()+more), m.Entries()...)
}

// setEntry replaces the value of a text key, or adds it.
func setEntry(entries []data.Entry, name string, v data.Value) []data.Entry {
	for i := range entries {
		if k := entries[i].Key; k.Kind() == data.String && k.Str() == name {
			entries[i].Value = v
			return entries
		}
	}
	return append(entries, data.Entry{Key: data.Str(name), Value: v})
}

// textKey returns the key of a map's entry, which has to be a text.
func textKey(e *data.Entry) (string, error) {
	switch e.Key.Kind() {
	case data.String:
		return e.Key.Str(), nil
	case data.Null:
		return "", connect.Errorf(nullPointer, "a null is no name of a field")
	}
	return "", connect.Errorf(classCast, "%s cannot be cast to class java.lang.String", className(e.Key))
}

// badValue is Java's ConfigException about a value; a problem may be missing.
func badValue(name, value, problem string) error {
	if problem != "" {
		problem = ": " + problem
	}
	return connect.ConfigErrorf("Invalid value %s for configuration %s%s", value, name, problem)
}

func writeInt(b *strings.Builder, n int64) { b.WriteString(strconv.FormatInt(n, 10)) }
