package registry

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/millwright-connect/millwright/connectors/data"
)

// avroInput is a payload being read. The first thing wrong with it is kept, and
// from then on everything read is zero. Texts are parts of one copy of it.
type avroInput struct {
	b    []byte
	i    int
	copy string
	err  error
}

// An avroDecoder reads one value.
type avroDecoder func(in *avroInput) data.Value

func (in *avroInput) fail(err error) {
	if in.err == nil {
		in.err = err
	}
	in.i = len(in.b)
}

func (in *avroInput) long() int64 {
	if in.i < len(in.b) && in.b[in.i] < 0x80 {
		c := in.b[in.i]
		in.i++
		return int64(c>>1) ^ -int64(c&1)
	}
	n, size := binary.Varint(in.b[in.i:])
	if size <= 0 {
		in.fail(errShort)
		return 0
	}
	in.i += size
	return n
}

// take passes n bytes and returns where they began.
func (in *avroInput) take(n int64) (int, bool) {
	if n < 0 || n > int64(len(in.b)-in.i) {
		in.fail(errShort)
		return 0, false
	}
	at := in.i
	in.i += int(n)
	return at, true
}

func (in *avroInput) text() string {
	n := in.long()
	at, ok := in.take(n)
	if !ok || n == 0 {
		return ""
	}
	if in.copy == "" {
		in.copy = string(in.b)
	}
	return in.copy[at : at+int(n)]
}

func (in *avroInput) bytes(n int64) []byte {
	at, ok := in.take(n)
	if !ok {
		return nil
	}
	return append(make([]byte, 0, n), in.b[at:at+int(n)]...)
}

// blocks calls item for each item of an array or map. Items of no bytes, as
// nulls are, are bounded all the same.
func (in *avroInput) blocks(item func()) {
	const most = 1 << 24
	for total := int64(0); in.err == nil; {
		n := in.long()
		if n == 0 {
			return
		}
		if n < 0 {
			n = -n
			in.long() // the block's size in bytes
		}
		if total += n; n < 0 || total > most {
			in.fail(fmt.Errorf("an array or map of more than %d items", most))
			return
		}
		for range n {
			if item(); in.err != nil {
				return
			}
		}
	}
}

// avroDecoders makes the decoders of values of an Avro schema as values of the
// Connect schema that toConnect made of it.
type avroDecoders struct {
	*avroConfig
}

func (c *avroDecoders) decoder(s *data.Schema, a *avroSchema) (avroDecoder, error) {
	if s == nil {
		return readAnything, nil
	}
	switch a.typ {
	case "boolean":
		return func(in *avroInput) data.Value {
			at, ok := in.take(1)
			return data.B(ok && in.b[at] != 0)
		}, nil
	case "int", "long":
		return integers(s), nil
	case "float":
		return func(in *avroInput) data.Value {
			at, ok := in.take(4)
			if !ok {
				return data.Value{}
			}
			return data.F32(math.Float32frombits(binary.LittleEndian.Uint32(in.b[at:])))
		}, nil
	case "double":
		return func(in *avroInput) data.Value {
			at, ok := in.take(8)
			if !ok {
				return data.Value{}
			}
			return data.F64(math.Float64frombits(binary.LittleEndian.Uint64(in.b[at:])))
		}, nil
	case "string":
		return func(in *avroInput) data.Value { return data.Str(in.text()) }, nil
	case "enum":
		return func(in *avroInput) data.Value {
			n := in.long()
			if n < 0 || n >= int64(len(a.symbols)) {
				in.fail(fmt.Errorf("enum %s has no symbol %d", a.fullName(), n))
				return data.Value{}
			}
			return data.Str(a.symbols[n])
		}, nil
	case "bytes":
		return logicalBytes(s, func(in *avroInput) []byte { return in.bytes(in.long()) }), nil
	case "fixed":
		return logicalBytes(s, func(in *avroInput) []byte { return in.bytes(int64(a.size)) }), nil
	case "array":
		if s.Kind() == data.Map {
			return c.entries(s, a)
		}
		return c.array(s, a)
	case "map":
		return c.mapping(s, a)
	case "record":
		return c.record(s, a)
	case "union":
		return c.union(s, a)
	}
	return nil, data.Fail("Couldn't translate unsupported schema type %s.", a.typ)
}

func integers(s *data.Schema) avroDecoder {
	switch {
	case s.Name() == data.DateName:
		return func(in *avroInput) data.Value { return data.Millis(int64(int32(in.long())) * 86_400_000) }
	case s.Name() == data.TimestampName, s.Name() == data.TimeName:
		return func(in *avroInput) data.Value { return toLogical(s, in) }
	case s.Kind() == data.Int8:
		return func(in *avroInput) data.Value { return data.I8(int8(in.long())) }
	case s.Kind() == data.Int16:
		return func(in *avroInput) data.Value { return data.I16(int16(in.long())) }
	case s.Kind() == data.Int32:
		return func(in *avroInput) data.Value { return data.I32(int32(in.long())) }
	}
	return func(in *avroInput) data.Value { return data.I64(in.long()) }
}

func toLogical(s *data.Schema, in *avroInput) data.Value {
	v := data.I64(in.long())
	if s.Kind() == data.Int32 {
		v = data.I32(int32(v.Int()))
	}
	v, err := data.ToLogical(s, v)
	if err != nil {
		in.fail(err)
	}
	return v
}

func logicalBytes(s *data.Schema, read func(in *avroInput) []byte) avroDecoder {
	if s.Name() != data.DecimalName {
		return func(in *avroInput) data.Value { return data.Bin(read(in)) }
	}
	return func(in *avroInput) data.Value {
		v, err := data.ToLogical(s, data.Bin(read(in)))
		if err != nil {
			in.fail(err)
		}
		return v
	}
}

func (c *avroDecoders) array(s *data.Schema, a *avroSchema) (avroDecoder, error) {
	elem, err := c.decoder(s.Elem(), a.items)
	if err != nil {
		return nil, err
	}
	return func(in *avroInput) data.Value {
		var list []data.Value
		in.blocks(func() { list = append(list, elem(in)) })
		return data.List(list)
	}, nil
}

func (c *avroDecoders) entries(s *data.Schema, a *avroSchema) (avroDecoder, error) {
	key, err := c.decoder(s.Key(), a.items.fields[0].schema)
	if err != nil {
		return nil, err
	}
	elem, err := c.decoder(s.Elem(), a.items.fields[1].schema)
	if err != nil {
		return nil, err
	}
	return readEntries(key, elem), nil
}

func readEntries(key, elem avroDecoder) avroDecoder {
	return func(in *avroInput) data.Value {
		var entries []data.Entry
		in.blocks(func() {
			k := key(in)
			entries = append(entries, data.Entry{Key: k, Value: elem(in)})
		})
		return data.MapFrom(entries)
	}
}

func (c *avroDecoders) mapping(s *data.Schema, a *avroSchema) (avroDecoder, error) {
	elem, err := c.decoder(s.Elem(), a.items)
	if err != nil {
		return nil, err
	}
	return readEntries(func(in *avroInput) data.Value { return data.Str(in.text()) }, elem), nil
}

func (c *avroDecoders) record(s *data.Schema, a *avroSchema) (avroDecoder, error) {
	fields := make([]avroDecoder, len(a.fields))
	for i, f := range a.fields {
		d, err := c.decoder(s.Fields()[i].Schema, f.schema)
		if err != nil {
			return nil, err
		}
		fields[i] = d
	}
	return func(in *avroInput) data.Value {
		values := make([]data.Value, len(fields))
		for i, d := range fields {
			values[i] = d(in)
		}
		return data.NewStruct(s, values...).Value()
	}, nil
}

func (c *avroDecoders) union(s *data.Schema, a *avroSchema) (avroDecoder, error) {
	branches := make([]avroDecoder, len(a.branches))
	field := 0
	for i, b := range a.branches {
		switch {
		case b.typ == "null":
			branches[i] = func(in *avroInput) data.Value { return data.Value{} }
			continue
		case isUnion(s):
			d, err := c.decoder(s.Fields()[field].Schema, b)
			if err != nil {
				return nil, err
			}
			at := field
			branches[i] = func(in *avroInput) data.Value {
				values := make([]data.Value, len(s.Fields()))
				values[at] = d(in)
				return data.NewStruct(s, values...).Value()
			}
			field++
		default:
			d, err := c.decoder(s, b)
			if err != nil {
				return nil, err
			}
			branches[i] = d
		}
	}
	return func(in *avroInput) data.Value {
		n := in.long()
		if n < 0 || n >= int64(len(branches)) {
			in.fail(fmt.Errorf("a union has no branch %d", n))
			return data.Value{}
		}
		return branches[n](in)
	}, nil
}

// readAnything reads what writeAnything writes.
func readAnything(in *avroInput) data.Value {
	readers := [...]avroDecoder{
		func(in *avroInput) data.Value {
			at, ok := in.take(1)
			return data.B(ok && in.b[at] != 0)
		},
		func(in *avroInput) data.Value { return data.Bin(in.bytes(in.long())) },
		func(in *avroInput) data.Value {
			at, ok := in.take(8)
			if !ok {
				return data.Value{}
			}
			return data.F64(math.Float64frombits(binary.LittleEndian.Uint64(in.b[at:])))
		},
		func(in *avroInput) data.Value {
			at, ok := in.take(4)
			if !ok {
				return data.Value{}
			}
			return data.F32(math.Float32frombits(binary.LittleEndian.Uint32(in.b[at:])))
		},
		func(in *avroInput) data.Value { return data.I32(int32(in.long())) },
		func(in *avroInput) data.Value { return data.I64(in.long()) },
		func(in *avroInput) data.Value { return data.Str(in.text()) },
		func(in *avroInput) data.Value {
			var list []data.Value
			in.blocks(func() { list = append(list, readAnything(in)) })
			return data.List(list)
		},
		readEntries(readAnything, readAnything),
	}
	var v data.Value
	for _, read := range readers {
		if in.long() == 0 || in.err != nil {
			continue
		}
		if got := read(in); v.IsNull() {
			v = got
		}
	}
	return v
}
