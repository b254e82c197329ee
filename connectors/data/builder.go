package data

// A Builder makes one struct field by field, checking each value; it is for
// structs whose schema or values come from outside. NewStruct and Batch are
// faster and check nothing.
type Builder struct {
	schema *Schema
	fields []Value
}

// NewBuilder returns a builder of one struct of s.
func NewBuilder(s *Schema) *Builder {
	return &Builder{s, make([]Value, len(s.fields))}
}

// Set sets a field. The error, a DataException, says that there is no such
// field or that its schema does not take v.
func (b *Builder) Set(name string, v Value) error {
	i := b.schema.Index(name)
	if i < 0 {
		return noField(name)
	}
	if err := b.schema.fields[i].Schema.CheckField(name, v); err != nil {
		return err
	}
	b.fields[i] = v
	return nil
}

// Struct returns the struct, which is checked for required fields that were not
// set. The builder must not be used after it.
func (b *Builder) Struct() (*Struct, error) {
	s := &Struct{b.schema, b.fields}
	if err := s.Check(); err != nil {
		return nil, err
	}
	return s, nil
}

// Lookup is Get, with Java's DataException when there is no such field.
func (s *Struct) Lookup(name string) (Value, error) {
	if s.schema.Index(name) < 0 {
		return Value{}, noField(name)
	}
	return s.Get(name), nil
}

func noField(name string) error { return Fail("%s is not a valid field name", name) }

// A Batch makes many structs of one schema from two allocations per slab. The
// structs of a slab are freed together, so a Batch is for records that live and
// die as one poll's batch does.
type Batch struct {
	schema  *Schema
	size    int
	structs []Struct
	values  []Value
}

// NewBatch returns a batch that expects n structs of s; more may be made.
func NewBatch(s *Schema, n int) *Batch { return &Batch{schema: s, size: max(n, 1)} }

// New returns a new struct and its fields, all null, for the caller to fill at
// once, in schema order. Neither changes after that.
func (b *Batch) New() (*Struct, []Value) {
	width := len(b.schema.fields)
	if len(b.structs) == 0 {
		b.structs = make([]Struct, b.size)
		b.values = make([]Value, b.size*width)
	}
	s := &b.structs[0]
	s.schema, s.fields = b.schema, b.values[:width:width]
	b.structs, b.values = b.structs[1:], b.values[width:]
	return s, s.fields
}
