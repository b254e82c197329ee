package registry

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/millwright-connect/millwright/connectors/data"
)

// An avroWriter makes the encoders of values of Connect schemas by Avro
// schemas, their own or others'.
type avroWriter struct {
	*avroConfig
	strict bool
	done   map[avroPair]*encoder // records under way and done
}

type avroPair struct {
	s *data.Schema
	a *avroSchema
}

func misfit(s *data.Schema, a *avroSchema) error {
	name := a.typ
	if a.named() {
		name += " " + a.fullName()
	}
	return data.Fail("A value of %s cannot be written as Avro %s", s, name)
}

func appendLong(dst []byte, n int64) []byte { return binary.AppendVarint(dst, n) } // zigzag, as Avro's

// encoder makes the encoder of values of s, which may be nil, by a.
func (w *avroWriter) encoder(s *data.Schema, a *avroSchema) (encoder, error) {
	switch {
	case s == nil:
		if a.fullName() != anything.fullName() {
			return nil, data.Fail("Data without a schema cannot be written as Avro %s", a.typ)
		}
		return writeAnything, nil
	case a.typ == "union":
		return w.union(s, a)
	case isUnion(s):
		return w.unwrap(s, []*avroSchema{a})
	}
	write, err := w.plain(s, a)
	if err != nil {
		return nil, err
	}
	return func(dst []byte, v data.Value) ([]byte, error) {
		if v.IsNull() {
			return nil, data.Fail("Found null value for non-optional schema")
		}
		return write(dst, v)
	}, nil
}

// union writes the branch that s goes with.
func (w *avroWriter) union(s *data.Schema, a *avroSchema) (encoder, error) {
	if isUnion(s) {
		return w.unwrap(s, a.branches)
	}
	null, at := -1, -1
	var write encoder
	reason := misfit(s, a)
	for i, b := range a.branches {
		if b.typ == "null" {
			null = i
			continue
		}
		if at >= 0 {
			continue
		}
		if e, err := w.plain(s, b); err == nil {
			at, write = i, e
		} else if len(a.branches) <= 2 {
			reason = err
		}
	}
	if at < 0 {
		return nil, reason
	}
	return func(dst []byte, v data.Value) ([]byte, error) {
		if v.IsNull() {
			if null < 0 || !s.IsOptional() {
				return nil, data.Fail("Found null value for non-optional schema")
			}
			return appendLong(dst, int64(null)), nil
		}
		return write(appendLong(dst, int64(at)), v)
	}, nil
}

// unwrap writes the one field that is set of a struct which stands for a union.
func (w *avroWriter) unwrap(s *data.Schema, branches []*avroSchema) (encoder, error) {
	type member struct {
		at    int
		write encoder
	}
	members := make([]member, len(s.Fields()))
	null := slices.IndexFunc(branches, func(b *avroSchema) bool { return b.typ == "null" })
	for i, f := range s.Fields() {
		members[i].at = -1
		var first error
		for pass := range 2 { // by name, then by what fits
			for at, b := range branches {
				if members[i].at >= 0 || pass == 0 && w.member(b) != f.Name {
					continue
				}
				e, err := w.plain(f.Schema, b)
				if err == nil {
					members[i] = member{at, e}
				} else if first == nil {
					first = err
				}
			}
		}
		if members[i].at < 0 {
			return nil, first
		}
	}
	inUnion := len(branches) > 1
	return func(dst []byte, v data.Value) ([]byte, error) {
		if !v.IsNull() {
			st, err := structOf(s, v)
			if err != nil {
				return nil, err
			}
			for i, m := range members {
				if fv := w.fieldOf(st, i); !fv.IsNull() {
					if inUnion {
						dst = appendLong(dst, int64(m.at))
					}
					return m.write(dst, fv)
				}
			}
		}
		if null < 0 {
			return nil, data.Fail("Found null value for non-optional schema")
		}
		return appendLong(dst, int64(null)), nil
	}, nil
}

// fieldOf returns a field of a struct, its default if it is null and that is
// wanted.
func (c *avroConfig) fieldOf(st *data.Struct, i int) data.Value {
	v := st.At(i)
	if v.IsNull() && !c.ignoreDefaults {
		v = st.Schema().Fields()[i].Schema.DefaultValue()
	}
	return v
}

func structOf(s *data.Schema, v data.Value) (*data.Struct, error) {
	if v.Kind() != data.StructKind {
		return nil, wrongType(s, v)
	}
	if st := v.Struct(); data.EqualSchemas(st.Schema(), s) {
		return st, nil
	}
	return nil, data.Fail("Mismatching struct schema")
}

func wrongType(s *data.Schema, v data.Value) error {
	return data.Fail("Invalid type for %s: class %s", s.Kind(), v.JavaClass())
}

// plain writes values that are not null by a schema that is no union.
func (w *avroWriter) plain(s *data.Schema, a *avroSchema) (encoder, error) {
	switch a.typ {
	case "boolean":
		return scalar(s, a, data.Bool, func(dst []byte, v data.Value) []byte {
			if v.Bool() {
				return append(dst, 1)
			}
			return append(dst, 0)
		})
	case "int", "long":
		return whole(s, a)
	case "float", "double":
		return real(s, a)
	case "string":
		return scalar(s, a, data.String, func(dst []byte, v data.Value) []byte {
			return append(appendLong(dst, int64(len(v.Str()))), v.Str()...)
		})
	case "enum":
		return w.symbol(s, a)
	case "bytes", "fixed":
		return octets(s, a)
	case "array":
		return w.array(s, a)
	case "map":
		return w.mapping(s, a)
	case "record":
		return w.record(s, a)
	}
	return nil, misfit(s, a)
}

// scalar writes values of exactly one kind.
func scalar(s *data.Schema, a *avroSchema, kind data.Kind, write func([]byte, data.Value) []byte) (encoder, error) {
	if s.Kind() != kind {
		return nil, misfit(s, a)
	}
	return func(dst []byte, v data.Value) ([]byte, error) {
		if v.Kind() != kind {
			return nil, wrongType(s, v)
		}
		return write(dst, v), nil
	}, nil
}

// whole writes whole numbers and what stands for them.
func whole(s *data.Schema, a *avroSchema) (encoder, error) {
	switch k := s.Kind(); {
	case k < data.Int8 || k > data.Int64, k == data.Int64 && a.typ == "int":
		return nil, misfit(s, a)
	}
	scale := int64(1) // the schema of another may count finer
	if s.Name() == data.TimestampName || s.Name() == data.TimeName {
		switch a.text("logicalType") {
		case "timestamp-micros", "local-timestamp-micros", "time-micros":
			scale = 1000
		case "timestamp-nanos", "local-timestamp-nanos":
			scale = 1_000_000
		}
	}
	return func(dst []byte, v data.Value) ([]byte, error) {
		v, err := data.FromLogical(s, v)
		if err != nil {
			return nil, err
		}
		if v.Kind() != s.Kind() {
			return nil, wrongType(s, v)
		}
		return appendLong(dst, v.Int()*scale), nil
	}, nil
}

func real(s *data.Schema, a *avroSchema) (encoder, error) {
	k := s.Kind()
	if k < data.Int8 || k > data.Float64 || k == data.Float64 && a.typ == "float" || s.Name() != "" && k <= data.Int64 && isLogical(s) {
		return nil, misfit(s, a)
	}
	return func(dst []byte, v data.Value) ([]byte, error) {
		if v.Kind() != k {
			return nil, wrongType(s, v)
		}
		f := 0.0
		switch k {
		case data.Float32:
			f = float64(v.Float32())
			if a.typ == "float" {
				return binary.LittleEndian.AppendUint32(dst, math.Float32bits(v.Float32())), nil
			}
		case data.Float64:
			f = v.Float64()
		default:
			f = float64(v.Int())
		}
		if a.typ == "float" {
			return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(f))), nil
		}
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f)), nil
	}, nil
}

func isLogical(s *data.Schema) bool {
	switch s.Name() {
	case data.DateName, data.TimeName, data.TimestampName, data.DecimalName:
		return true
	}
	return false
}

func (w *avroWriter) symbol(s *data.Schema, a *avroSchema) (encoder, error) {
	if s.Kind() != data.String {
		return nil, misfit(s, a)
	}
	index := make(map[string]int64, len(a.symbols))
	for i, symbol := range a.symbols {
		index[symbol] = int64(i)
	}
	return func(dst []byte, v data.Value) ([]byte, error) {
		if v.Kind() != data.String {
			return nil, wrongType(s, v)
		}
		i, ok := index[v.Str()]
		if !ok {
			return nil, data.Fail("%q is no symbol of Avro enum %s", v.Str(), a.fullName())
		}
		return appendLong(dst, i), nil
	}, nil
}

// octets writes bytes and decimals, with their length unless that is fixed.
func octets(s *data.Schema, a *avroSchema) (encoder, error) {
	if s.Kind() != data.Bytes {
		return nil, misfit(s, a)
	}
	size, ok := isFixed(s)
	if a.typ == "fixed" && (ok && size != a.size || !ok && s.Name() != data.DecimalName) {
		return nil, misfit(s, a)
	}
	return func(dst []byte, v data.Value) ([]byte, error) {
		v, err := data.FromLogical(s, v)
		if err != nil {
			return nil, err
		}
		if v.Kind() != data.Bytes {
			return nil, wrongType(s, v)
		}
		b := v.Bytes()
		if a.typ != "fixed" {
			return append(appendLong(dst, int64(len(b))), b...), nil
		}
		if len(b) > a.size || len(b) < a.size && s.Name() != data.DecimalName {
			return nil, data.Fail("%d bytes are no value of Avro fixed %s of %d bytes", len(b), a.fullName(), a.size)
		}
		fill := byte(0)
		if len(b) > 0 && b[0]&0x80 != 0 {
			fill = 0xff // the sign
		}
		for range a.size - len(b) {
			dst = append(dst, fill)
		}
		return append(dst, b...), nil
	}, nil
}

func (w *avroWriter) array(s *data.Schema, a *avroSchema) (encoder, error) {
	if s.Kind() == data.Map && isEntry(a.items) {
		return w.entries(s, a)
	}
	if s.Kind() != data.Array {
		return nil, misfit(s, a)
	}
	elem, err := w.encoder(s.Elem(), a.items)
	if err != nil {
		return nil, err
	}
	return func(dst []byte, v data.Value) ([]byte, error) {
		if v.Kind() != data.Array {
			return nil, wrongType(s, v)
		}
		list := v.List()
		if len(list) > 0 {
			dst = appendLong(dst, int64(len(list)))
		}
		var err error
		for _, e := range list {
			if dst, err = elem(dst, e); err != nil {
				return nil, err
			}
		}
		return append(dst, 0), nil
	}, nil
}

// entries writes a map as an array of records of key and value.
func (w *avroWriter) entries(s *data.Schema, a *avroSchema) (encoder, error) {
	key, err := w.encoder(s.Key(), a.items.fields[0].schema)
	if err != nil {
		return nil, err
	}
	elem, err := w.encoder(s.Elem(), a.items.fields[1].schema)
	if err != nil {
		return nil, err
	}
	return func(dst []byte, v data.Value) ([]byte, error) {
		if v.Kind() != data.Map {
			return nil, wrongType(s, v)
		}
		return writeEntries(dst, v.Map(), key, elem)
	}, nil
}

func writeEntries(dst []byte, m *data.MapValue, key, elem encoder) (_ []byte, err error) {
	if m.Len() > 0 {
		dst = appendLong(dst, int64(m.Len()))
	}
	for _, e := range m.Entries() {
		if dst, err = key(dst, e.Key); err != nil {
			return nil, err
		}
		if dst, err = elem(dst, e.Value); err != nil {
			return nil, err
		}
	}
	return append(dst, 0), nil
}

func (w *avroWriter) mapping(s *data.Schema, a *avroSchema) (encoder, error) {
	if s.Kind() != data.Map || s.Key().Kind() != data.String {
		return nil, misfit(s, a)
	}
	elem, err := w.encoder(s.Elem(), a.items)
	if err != nil {
		return nil, err
	}
	key := func(dst []byte, k data.Value) ([]byte, error) {
		if k.Kind() != data.String {
			return nil, wrongType(s.Key(), k)
		}
		return append(appendLong(dst, int64(len(k.Str()))), k.Str()...), nil
	}
	return func(dst []byte, v data.Value) ([]byte, error) {
		if v.Kind() != data.Map {
			return nil, wrongType(s, v)
		}
		return writeEntries(dst, v.Map(), key, elem)
	}, nil
}
