package data

import (
	"fmt"
	"unsafe"
)

// A Struct is the fields of one struct schema. Build it once, then share it: a
// stage that wants another struct builds another.
type Struct struct {
	schema *Schema
	fields []Value
}

// NewStruct returns a struct over values, in field order; values must not
// change afterwards. It panics when their number is wrong, and does not check
// them against the schema: see Check.
func NewStruct(s *Schema, values ...Value) *Struct {
	if len(values) != len(s.fields) {
		panic(fmt.Sprintf("data: %d values for the %d fields of %q", len(values), len(s.fields), s.name))
	}
	return &Struct{s, values}
}

// Schema returns the struct's schema.
func (s *Struct) Schema() *Schema { return s.schema }

// At returns the value of field i as it was set, without its default.
func (s *Struct) At(i int) Value { return s.fields[i] }

// Values returns all fields in order; the caller must not change them.
func (s *Struct) Values() []Value { return s.fields }

// Get returns the named field's value, its schema's default if it is null, and
// null when there is no such field.
func (s *Struct) Get(name string) Value {
	i := s.schema.Index(name)
	if i < 0 {
		return Value{}
	}
	if v := s.fields[i]; !v.IsNull() {
		return v
	}
	return s.schema.fields[i].Schema.def
}

// Value returns s as a Value.
func (s *Struct) Value() Value { return Value{p: unsafe.Pointer(s), kind: StructKind} }

// Datum returns s with its schema.
func (s *Struct) Datum() Datum { return Datum{s.schema, s.Value()} }

// Equal reports whether both structs have equal schemas and values.
func (s *Struct) Equal(o *Struct) bool {
	if s == o {
		return true
	}
	if !EqualSchemas(s.schema, o.schema) {
		return false
	}
	for i := range s.fields {
		if !Equal(s.fields[i], o.fields[i]) {
			return false
		}
	}
	return true
}

// A MapValue is a map in insertion order. Build it with NewMap, then share it.
type MapValue struct {
	entries []Entry
	index   map[string]int // of string keys, made when there are many entries
	scalars map[scalar]int // of the other keys that can be found by their bits
}

type scalar struct {
	kind Kind
	n    uint64
}

// An Entry is one key and value of a map.
type Entry struct{ Key, Value Value }

// NewMap returns a map over entries, which must not change afterwards. A later
// entry of the same key replaces an earlier one in place.
func NewMap(entries []Entry) *MapValue {
	m := &MapValue{}
	if len(entries) > mapIndexFrom {
		m.index = make(map[string]int, len(entries))
	}
	var seen uint64 // a bit for every key that looks like one of the entries so far
	for i, e := range entries {
		look := e.Key.look()
		is := seen&look != 0
		seen |= look
		at := -1
		if is {
			at = m.find(e.Key)
		}
		if at >= 0 {
			if len(m.entries) == i { // first duplicate: stop sharing the caller's slice
				m.entries = append([]Entry(nil), m.entries...)
			}
			m.entries[at].Value = e.Value
			continue
		}
		if len(m.entries) == i {
			m.entries = entries[:i+1]
		} else {
			m.entries = append(m.entries, e)
		}
		if m.index != nil {
			m.note(e.Key, len(m.entries)-1)
		}
	}
	return m
}

// mapIndexFrom is the number of entries above which an index pays: making one
// costs more than the few look-ups that most maps see.
const mapIndexFrom = 24

// look is a bit that equal keys have in common, and most others do not.
func (v Value) look() uint64 {
	if v.kind != String || v.n == 0 {
		return 1
	}
	s := v.Str()
	return 1 << ((uint(s[len(s)-1])*5 + uint(s[len(s)/2])*3 + uint(len(s))) & 63)
}

func (m *MapValue) note(key Value, at int) {
	switch {
	case key.kind == String:
		m.index[key.Str()] = at
	case byBits(key.kind):
		if m.scalars == nil {
			m.scalars = make(map[scalar]int)
		}
		m.scalars[scalar{key.kind, key.n}] = at
	}
}

// byBits reports whether keys of a kind are equal when, and only when, their
// bits are; floats are not, for there are many NaNs.
func byBits(k Kind) bool { return k >= Int8 && k <= Int64 || k == Bool || k == DateKind }

// MapFrom makes a map value over entries; see NewMap.
func MapFrom(entries []Entry) Value {
	return Value{p: unsafe.Pointer(NewMap(entries)), kind: Map}
}

// Value returns m as a Value.
func (m *MapValue) Value() Value { return Value{p: unsafe.Pointer(m), kind: Map} }

// Len returns the number of entries.
func (m *MapValue) Len() int { return len(m.entries) }

// Entries returns all entries in order; the caller must not change them.
func (m *MapValue) Entries() []Entry { return m.entries }

// Get returns the value of a string key, and whether it is there.
func (m *MapValue) Get(key string) (Value, bool) { return m.Lookup(Str(key)) }

// Lookup returns the value of a key, and whether it is there.
func (m *MapValue) Lookup(key Value) (Value, bool) {
	if i := m.find(key); i >= 0 {
		return m.entries[i].Value, true
	}
	return Value{}, false
}

func (m *MapValue) find(key Value) int {
	if m.index != nil && key.kind == String {
		if i, ok := m.index[key.Str()]; ok {
			return i
		}
		return -1
	}
	if m.index != nil && byBits(key.kind) {
		if i, ok := m.scalars[scalar{key.kind, key.n}]; ok {
			return i
		}
		return -1
	}
	if key.kind == String {
		for i := range m.entries {
			if k := &m.entries[i].Key; k.kind == String && k.n == key.n && k.Str() == key.Str() {
				return i
			}
		}
		return -1
	}
	for i := range m.entries {
		if Equal(m.entries[i].Key, key) {
			return i
		}
	}
	return -1
}

func (m *MapValue) equal(o *MapValue) bool {
	if m == o {
		return true
	}
	if len(m.entries) != len(o.entries) {
		return false
	}
	for _, e := range m.entries {
		v, ok := o.Lookup(e.Key)
		if !ok || !Equal(e.Value, v) {
			return false
		}
	}
	return true
}
