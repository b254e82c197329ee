package registry

import (
	"encoding/binary"
	"math"

	"github.com/millwright-connect/millwright/connectors/data"
)

// record writes a struct by a record: fields are found by name, and what the
// struct has not gets the record's default.
func (w *avroWriter) record(s *data.Schema, a *avroSchema) (encoder, error) {
	if s.Kind() != data.StructKind || isUnion(s) {
		return nil, misfit(s, a)
	}
	if e := w.done[avroPair{s, a}]; e != nil {
		return func(dst []byte, v data.Value) ([]byte, error) { return (*e)(dst, v) }, nil
	}
	var whole encoder
	w.done[avroPair{s, a}] = &whole
	byName := make(map[string]int, len(s.Fields()))
	for i, f := range s.Fields() {
		byName[w.scrub1(f.Name)] = i
	}
	type field struct {
		at    int // in the struct; -1: the default
		write encoder
		def   []byte
	}
	fields := make([]field, len(a.fields))
	for i, f := range a.fields {
		at, ok := byName[f.name]
		if !ok {
			def, err := w.defaultBytes(&f)
			if err != nil {
				return nil, data.Fail("Avro record %s has a field %s without a default, which the record written has not", a.fullName(), f.name)
			}
			fields[i] = field{at: -1, def: def}
			continue
		}
		delete(byName, f.name)
		e, err := w.encoder(s.Fields()[at].Schema, f.schema)
		if err != nil {
			return nil, data.Fail("Field %s of Avro record %s: %w", f.name, a.fullName(), err)
		}
		fields[i] = field{at: at, write: e}
	}
	if w.strict {
		for name := range byName {
			return nil, data.Fail("Avro record %s has no field %s, which the record written has", a.fullName(), name)
		}
	}
	var alias *data.Schema // equal to s, of the struct seen last
	whole = func(dst []byte, v data.Value) ([]byte, error) {
		if v.Kind() != data.StructKind {
			return nil, wrongType(s, v)
		}
		st := v.Struct()
		if have := st.Schema(); have != s && have != alias {
			if !data.EqualSchemas(have.Required(), s.Required()) {
				return nil, data.Fail("Mismatching struct schema")
			}
			alias = have
		}
		var err error
		for i := range fields {
			f := &fields[i]
			if f.at < 0 {
				dst = append(dst, f.def...)
				continue
			}
			if dst, err = f.write(dst, w.fieldOf(st, f.at)); err != nil {
				return nil, err
			}
		}
		return dst, nil
	}
	return whole, nil
}

// defaultBytes encodes the default of a field.
func (w *avroWriter) defaultBytes(f *avroField) ([]byte, error) {
	if f.def == nil {
		return nil, misfit(data.Of(data.String), f.schema)
	}
	r := avroReader{w.avroConfig, map[*avroSchema]bool{}}
	first := f.schema
	var dst []byte
	if first.typ == "union" {
		first, dst = first.branches[0], []byte{0}
	}
	if first.typ == "null" {
		return dst, nil
	}
	s, err := r.schema(first, nil, false, 0)
	if err != nil {
		return nil, err
	}
	v, ok := r.defaultTo(s, first, f.def)
	if !ok {
		return nil, misfit(s, first)
	}
	write, err := (&avroWriter{avroConfig: w.avroConfig, done: map[avroPair]*encoder{}}).plain(s, first)
	if err != nil {
		return nil, err
	}
	return write(dst, v)
}

// writeAnything writes data without a schema: a record with one field for each
// type, of which one is set.
func writeAnything(dst []byte, v data.Value) ([]byte, error) {
	const fields = 9
	at := map[data.Kind]int{
		data.Bool: 0, data.Bytes: 1, data.Float64: 2, data.Float32: 3, data.Int8: 4, data.Int16: 4, data.Int32: 4, data.Int64: 5,
		data.String: 6, data.Array: 7, data.Map: 8, data.Null: -1,
	}
	set, ok := at[v.Kind()]
	if !ok {
		return nil, data.Fail("Unknown Java type for schemaless data: class %s", v.JavaClass())
	}
	for i := range fields {
		if i != set {
			dst = appendLong(dst, 0)
			continue
		}
		dst = appendLong(dst, 1)
		var err error
		switch v.Kind() {
		case data.Bool:
			b := byte(0)
			if v.Bool() {
				b = 1
			}
			dst = append(dst, b)
		case data.Bytes:
			dst = append(appendLong(dst, int64(len(v.Bytes()))), v.Bytes()...)
		case data.Float64:
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.Float64()))
		case data.Float32:
			dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(v.Float32()))
		case data.String:
			dst = append(appendLong(dst, int64(len(v.Str()))), v.Str()...)
		case data.Array:
			if len(v.List()) > 0 {
				dst = appendLong(dst, int64(len(v.List())))
			}
			for _, e := range v.List() {
				if dst, err = writeAnything(dst, e); err != nil {
					return nil, err
				}
			}
			dst = append(dst, 0)
		case data.Map:
			if dst, err = writeEntries(dst, v.Map(), writeAnything, writeAnything); err != nil {
				return nil, err
			}
		default:
			dst = appendLong(dst, v.Int())
		}
	}
	return dst, nil
}
