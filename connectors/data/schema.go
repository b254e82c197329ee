// Package data is Connect's data model: schemas, and values that follow them.
// It imports the standard library only and knows nothing of connectors.
package data

import (
	"slices"
	"strconv"
)

// Kind is the type of a value. The kinds from Int8 to StructKind are also the
// types a schema can have; DateKind, DecimalKind, BigIntKind and OtherKind
// exist for values only, as the Java classes that logical types stand for do.
type Kind uint8

// The kinds, in the order of Java's Schema.Type, then those of values only.
const (
	Null       Kind = iota // the zero Value
	Int8                   // Java byte
	Int16                  // Java short
	Int32                  // Java int
	Int64                  // Java long
	Float32                // Java float
	Float64                // Java double
	Bool                   // Java boolean
	String                 // UTF-8 text
	Bytes                  // byte[]
	Array                  // List
	Map                    // Map, in insertion order
	StructKind             // Struct
	// DateKind is a point in time as java.util.Date holds it, milliseconds
	// since the epoch; the value of the Date, Time and Timestamp logical types.
	DateKind
	// DecimalKind is a BigDecimal; the value of the Decimal logical type.
	DecimalKind
	// BigIntKind is a BigInteger; no schema describes it.
	BigIntKind
	// OtherKind is anything else a driver may hand out; no schema describes it.
	OtherKind
)

// String returns Java's name of a schema type ("INT8", "STRUCT"), or a plain
// word for the kinds of values only.
func (k Kind) String() string {
	return [...]string{
		"NULL", "INT8", "INT16", "INT32", "INT64", "FLOAT32", "FLOAT64", "BOOLEAN", "STRING", "BYTES",
		"ARRAY", "MAP", "STRUCT", "DATE", "DECIMAL", "BIGINT", "OTHER",
	}[k]
}

// Names of the logical types that every Connect converter knows.
const (
	DateName      = "org.apache.kafka.connect.data.Date"      // days since the epoch, over Int32
	TimeName      = "org.apache.kafka.connect.data.Time"      // milliseconds of the day, over Int32
	TimestampName = "org.apache.kafka.connect.data.Timestamp" // milliseconds since the epoch, over Int64
	DecimalName   = "org.apache.kafka.connect.data.Decimal"   // unscaled big-endian Bytes, parameter "scale"
)

// A Schema describes values. Schemas never change once built, so they are
// shared freely and compared by pointer first. A nil *Schema means schemaless.
type Schema struct {
	kind       Kind
	optional   bool
	hasVersion bool
	emptyName  bool // the name is there, and empty
	emptyDoc   bool // the doc text is there, and empty
	version    int
	name, doc  string
	params     []Param
	def        Value // Null: none
	key, elem  *Schema
	fields     []Field
	index      map[string]int // of structs with more than indexFrom fields
}

// A Param is one schema parameter, such as a decimal's scale.
type Param struct{ Key, Value string }

// A Field is one field of a struct schema.
type Field struct {
	Name   string
	Schema *Schema
}

// F makes a field; it keeps schema declarations short.
func F(name string, s *Schema) Field { return Field{name, s} }

const indexFrom = 8

var (
	required = primitives(false)
	optional = primitives(true)
)

func primitives(opt bool) (p [StructKind]Schema) {
	for k := range p {
		p[k] = Schema{kind: Kind(k), optional: opt}
	}
	return p
}

// Of returns the plain required schema of a scalar kind (Int8 to Bytes); it is
// shared. StructOf, ArrayOf and MapOf build the rest.
func Of(k Kind) *Schema {
	if k < Int8 || k > Bytes {
		panic("data: no plain schema of kind " + k.String())
	}
	return &required[k]
}

// OptionalOf returns the plain optional schema of a scalar kind; it is shared.
func OptionalOf(k Kind) *Schema {
	if k < Int8 || k > Bytes {
		panic("data: no plain schema of kind " + k.String())
	}
	return &optional[k]
}

// ArrayOf returns the schema of an array.
func ArrayOf(elem *Schema) *Schema { return &Schema{kind: Array, elem: elem} }

// MapOf returns the schema of a map.
func MapOf(key, elem *Schema) *Schema { return &Schema{kind: Map, key: key, elem: elem} }

// StructOf returns the schema of a struct with these fields, in this order. It
// panics when two fields have one name; NewStructSchema returns an error.
func StructOf(name string, fields ...Field) *Schema {
	s := &Schema{kind: StructKind, name: name, fields: fields}
	seen := make(map[string]int, len(fields))
	for i, f := range fields {
		if _, dup := seen[f.Name]; dup {
			panic("data: two fields of struct " + name + " are named " + f.Name)
		}
		seen[f.Name] = i
	}
	if len(fields) > indexFrom {
		s.index = seen
	}
	return s
}

// Date is the logical type of a day: values are DateKind at midnight UTC.
func Date() *Schema { return dateSchema }

// Time is the logical type of a time of day: values are DateKind on 1970-01-01.
func Time() *Schema { return timeSchema }

// Timestamp is the logical type of a point in time: values are DateKind.
func Timestamp() *Schema { return timestampSchema }

// Decimal is the logical type of a BigDecimal of the given scale.
func Decimal(scale int) *Schema {
	return Of(Bytes).Named(DecimalName, 1).With("scale", strconv.Itoa(scale))
}

var (
	dateSchema      = Of(Int32).Named(DateName, 1)
	timeSchema      = Of(Int32).Named(TimeName, 1)
	timestampSchema = Of(Int64).Named(TimestampName, 1)
)

// The methods below return a changed copy; call them when a schema is built,
// not per record.

// Optional returns s with null allowed.
func (s *Schema) Optional() *Schema {
	if s.optional {
		return s
	}
	if s.kind <= Bytes && s == &required[s.kind] {
		return &optional[s.kind]
	}
	c := *s
	c.optional = true
	return &c
}

// Required returns s with null not allowed.
func (s *Schema) Required() *Schema {
	if !s.optional {
		return s
	}
	c := *s
	c.optional = false
	return &c
}

// Default returns s with a default value; it does not check v, see Check.
func (s *Schema) Default(v Value) *Schema { c := *s; c.def = v; return &c }

// Documented returns s with a doc text, which may be empty.
func (s *Schema) Documented(doc string) *Schema {
	c := *s
	c.doc, c.emptyDoc = doc, doc == ""
	return &c
}

// Named returns s with a name and a version.
func (s *Schema) Named(name string, version int) *Schema {
	c := *s
	c.name, c.emptyName, c.version, c.hasVersion = name, false, version, true
	return &c
}

// WithName returns s with a name and the version it had; empty takes the name
// away, see WithEmptyName.
func (s *Schema) WithName(name string) *Schema {
	c := *s
	c.name, c.emptyName = name, false
	return &c
}

// WithEmptyName returns s with a name that is there but empty, which Java keeps
// apart from none.
func (s *Schema) WithEmptyName() *Schema { c := *s; c.name, c.emptyName = "", true; return &c }

// Versioned returns s with a version and the name it had.
func (s *Schema) Versioned(version int) *Schema {
	c := *s
	c.version, c.hasVersion = version, true
	return &c
}

// With returns s with a parameter added or replaced.
func (s *Schema) With(key, value string) *Schema {
	c := *s
	c.params = slices.Clone(s.params)
	for i := range c.params {
		if c.params[i].Key == key {
			c.params[i].Value = value
			return &c
		}
	}
	c.params = append(c.params, Param{key, value})
	return &c
}

// Kind returns the type that the schema describes.
func (s *Schema) Kind() Kind { return s.kind }

// IsOptional reports whether null is allowed.
func (s *Schema) IsOptional() bool { return s.optional }

// Name returns the schema's name, empty if it has none.
func (s *Schema) Name() string { return s.name }

// HasName reports whether there is a name, be it empty.
func (s *Schema) HasName() bool { return s.name != "" || s.emptyName }

// Version returns the version and whether there is one.
func (s *Schema) Version() (int, bool) { return s.version, s.hasVersion }

// Doc returns the doc text.
func (s *Schema) Doc() string { return s.doc }

// HasDoc reports whether there is a doc text, be it empty; Java writes an empty one too.
func (s *Schema) HasDoc() bool { return s.doc != "" || s.emptyDoc }

// DefaultValue returns the default, Null if there is none.
func (s *Schema) DefaultValue() Value { return s.def }

// Params returns the parameters; the caller must not change them.
func (s *Schema) Params() []Param { return s.params }

// Param returns one parameter.
func (s *Schema) Param(key string) (string, bool) {
	for _, p := range s.params {
		if p.Key == key {
			return p.Value, true
		}
	}
	return "", false
}

// Key returns the schema of a map's keys.
func (s *Schema) Key() *Schema { return s.key }

// Elem returns the schema of an array's elements or a map's values.
func (s *Schema) Elem() *Schema { return s.elem }

// Fields returns a struct's fields; the caller must not change them.
func (s *Schema) Fields() []Field { return s.fields }

// Index returns the position of the named field, or -1.
func (s *Schema) Index(name string) int {
	if s.index != nil {
		if i, ok := s.index[name]; ok {
			return i
		}
		return -1
	}
	for i := range s.fields {
		if s.fields[i].Name == name {
			return i
		}
	}
	return -1
}

// Field returns the schema of the named field, or nil.
func (s *Schema) Field(name string) *Schema {
	if i := s.Index(name); i >= 0 {
		return s.fields[i].Schema
	}
	return nil
}

// EqualSchemas reports whether a and b describe the same values with the same
// name, version, doc, parameters and default.
func EqualSchemas(a, b *Schema) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil || a.kind != b.kind || a.optional != b.optional || a.hasVersion != b.hasVersion ||
		a.version != b.version || a.name != b.name || a.emptyName != b.emptyName || a.doc != b.doc || a.emptyDoc != b.emptyDoc || len(a.fields) != len(b.fields) {
		return false
	}
	if !sameParams(a.params, b.params) {
		return false
	}
	for i := range a.fields {
		if a.fields[i].Name != b.fields[i].Name || !EqualSchemas(a.fields[i].Schema, b.fields[i].Schema) {
			return false
		}
	}
	return Equal(a.def, b.def) && EqualSchemas(a.key, b.key) && EqualSchemas(a.elem, b.elem)
}

// sameParams compares without order; keys are unique.
func sameParams(a, b []Param) bool {
	if len(a) != len(b) {
		return false
	}
	for _, p := range a {
		if !slices.Contains(b, p) {
			return false
		}
	}
	return true
}
