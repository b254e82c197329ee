package data

// Check reports whether v may stand under s: its kind is the one that s
// describes, null only where s is optional. The error is a DataException with
// the text of Java's ConnectSchema.validateValue.
func (s *Schema) Check(v Value) error { return s.check(v, place{}) }

// CheckField is Check for the value of a struct's field, which the error names.
func (s *Schema) CheckField(name string, v Value) error {
	return s.check(v, place{field: name, isField: true})
}

// A place is where a value is, as messages name it. It holds no pointer to
// another place, so that a check that finds nothing allocates nothing.
type place struct {
	field   string
	isField bool
	path    uint64 // two bits for each container, the innermost lowest
}

const (
	inElement = iota + 1
	inKey
	inValue
)

// in returns the place inside of a container; the innermost 32 are named.
func (p place) in(what uint64) place {
	p.path = p.path<<2 | what
	return p
}

func (p place) String() string {
	text := ""
	for path := p.path; path != 0; path >>= 2 {
		text += [...]string{"", "element of array ", "key of map ", "value of map "}[path&3]
	}
	if p.isField {
		return text + `field: "` + p.field + `"`
	}
	return text + "value"
}

func (s *Schema) check(v Value, at place) error {
	if v.kind == Null {
		if !s.optional {
			return Fail("Invalid value: null used for required %s, schema type: %s", at.String(), s.kind)
		}
		return nil
	}
	want := s.kind
	if logical := s.logical(); logical != Null {
		want = logical
	}
	if v.kind != want {
		name := ""
		if s.HasName() {
			name = ` "` + s.name + `"`
		}
		return Fail("Invalid Java object for schema%s with type %s: class %s for %s", name, s.kind, v.JavaClass(), at.String())
	}
	switch v.kind {
	case StructKind:
		if s.kind != StructKind || !EqualSchemas(v.Struct().schema, s) {
			return Fail("Struct schemas do not match.")
		}
		return v.Struct().Check()
	case Array:
		return s.checkElements(v, at.in(inElement))
	case Map:
		return s.checkEntries(v, at.in(inKey), at.in(inValue))
	}
	return nil
}

func (s *Schema) checkElements(v Value, in place) error {
	if s.elem == nil {
		return Fail("No schema defined for %s", in.String())
	}
	for _, e := range v.List() {
		if err := s.elem.check(e, in); err != nil {
			return err
		}
	}
	return nil
}

func (s *Schema) checkEntries(v Value, key, value place) error {
	if s.key == nil {
		return Fail("No schema defined for %s", key.String())
	}
	if s.elem == nil {
		return Fail("No schema defined for %s", value.String())
	}
	for _, e := range v.Map().entries {
		if err := s.key.check(e.Key, key); err != nil {
			return err
		}
		if err := s.elem.check(e.Value, value); err != nil {
			return err
		}
	}
	return nil
}

// logical returns the kind of the values of a logical type, Null if s is none.
// It goes by the name alone, as Java does.
func (s *Schema) logical() Kind {
	if len(s.name) < len(DateName) || s.name[:len(logicalPrefix)] != logicalPrefix {
		return Null
	}
	switch s.name {
	case DateName, TimeName, TimestampName:
		return DateKind
	case DecimalName:
		return DecimalKind
	}
	return Null
}

const logicalPrefix = "org.apache.kafka.connect.data."

// Check reports whether every field of s holds what its schema asks for; a
// required field may be null if its schema has a default.
func (s *Struct) Check() error {
	for i, f := range s.schema.fields {
		v := s.fields[i]
		if v.kind == Null && (f.Schema.optional || f.Schema.def.kind != Null) {
			continue
		}
		if err := f.Schema.CheckField(f.Name, v); err != nil {
			return err
		}
	}
	return nil
}

// WithDefault returns s with a checked default value, or the
// SchemaBuilderException of Java's SchemaBuilder.defaultValue. A null, where it
// is allowed, means no default. A struct never fits, as Java compares its
// schema with the builder, which is not one yet.
func (s *Schema) WithDefault(v Value) (*Schema, error) {
	err := s.Check(v)
	if err == nil && s.kind == StructKind && !v.IsNull() {
		err = Fail("Struct schemas do not match.")
	}
	if err != nil {
		return nil, &Error{Class: SchemaBuilderException, Message: "Invalid default value", Cause: err}
	}
	return s.Default(v), nil
}

// NewStructSchema is StructOf for fields that come from outside: what is wrong
// with them is an error, a SchemaBuilderException with Java's text.
func NewStructSchema(name string, fields ...Field) (*Schema, error) {
	seen := make(map[string]struct{}, len(fields))
	for _, f := range fields {
		_, dup := seen[f.Name]
		switch {
		case f.Name == "":
			return nil, Errorf(SchemaBuilderException, "fieldName cannot be null.")
		case f.Schema == nil:
			return nil, Errorf(SchemaBuilderException, "fieldSchema for field %s cannot be null.", f.Name)
		case dup:
			return nil, Errorf(SchemaBuilderException, "Cannot create field because of field name duplication %s", f.Name)
		}
		seen[f.Name] = struct{}{}
	}
	return StructOf(name, fields...), nil
}

// String renders s as Java does in messages: Schema{STRING}, or
// Schema{name:STRUCT} when it has a name.
func (s *Schema) String() string {
	switch {
	case s == nil:
		return "null"
	case s.HasName():
		return "Schema{" + s.name + ":" + s.kind.String() + "}"
	}
	return "Schema{" + s.kind.String() + "}"
}
