package converters

import (
	"encoding/binary"
	"math"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// A numberKind is one of the number converters: big-endian, two's complement
// or IEEE 754.
type numberKind struct {
	class, name string
	kind        data.Kind
	size        int
	decoder     string // as Java's errors name it
}

var numberKinds = [...]numberKind{
	{"ShortConverter", "short", data.Int16, 2, "ShortDeserializer"},
	{"IntegerConverter", "integer", data.Int32, 4, "IntegerDeserializer"},
	{"LongConverter", "long", data.Int64, 8, "LongDeserializer"},
	{"FloatConverter", "float", data.Float32, 4, "Deserializer"},
	{"DoubleConverter", "double", data.Float64, 8, "Deserializer"},
}

// numbers converts values of exactly one kind of number; the schema is not
// looked at, as in Java.
type numbers struct{ numberKind }

func (c *numbers) Encode(dst []byte, _ string, _ []connect.Header, d data.Datum) ([]byte, error) {
	v := d.Value
	switch {
	case v.IsNull():
		return nil, nil
	case v.Kind() != c.kind:
		class := javaClass(v)
		return nil, because("Failed to serialize to "+c.name+" (was "+class+"): ", data.Errorf("java.lang.ClassCastException", "%s cannot be cast to a %s", class, c.name))
	}
	switch c.kind {
	case data.Int16:
		return binary.BigEndian.AppendUint16(dst, uint16(v.Int())), nil
	case data.Int32:
		return binary.BigEndian.AppendUint32(dst, uint32(v.Int())), nil
	case data.Float32:
		return binary.BigEndian.AppendUint32(dst, bits32(v.Float32())), nil
	case data.Float64:
		return binary.BigEndian.AppendUint64(dst, bits64(v.Float64())), nil
	default:
		return binary.BigEndian.AppendUint64(dst, uint64(v.Int())), nil
	}
}

func (c *numbers) Decode(_ string, _ []connect.Header, b []byte) (data.Datum, error) {
	d := data.Datum{Schema: data.OptionalOf(c.kind)}
	if b == nil {
		return d, nil
	}
	if len(b) != c.size {
		return data.Datum{}, undecodable(c.name, "Size of data received by %s is not %d", c.decoder, c.size)
	}
	switch c.kind {
	case data.Int16:
		d.Value = data.I16(int16(binary.BigEndian.Uint16(b)))
	case data.Int32:
		d.Value = data.I32(int32(binary.BigEndian.Uint32(b)))
	case data.Float32:
		d.Value = data.F32(math.Float32frombits(binary.BigEndian.Uint32(b)))
	case data.Float64:
		d.Value = data.F64(math.Float64frombits(binary.BigEndian.Uint64(b)))
	default:
		d.Value = data.I64(int64(binary.BigEndian.Uint64(b)))
	}
	return d, nil
}

func (c *numbers) EncodeHeader(dst []byte, topic, _ string, d data.Datum) ([]byte, error) {
	return c.Encode(dst, topic, nil, d)
}

func (c *numbers) DecodeHeader(topic, _ string, b []byte) (data.Datum, error) {
	return c.Decode(topic, nil, b)
}

// bits32 and bits64 give the bits of a float, of a NaN those of Java's one NaN.
func bits32(f float32) uint32 {
	if f != f {
		return 0x7fc00000
	}
	return math.Float32bits(f)
}

func bits64(f float64) uint64 {
	if f != f {
		return 0x7ff8000000000000
	}
	return math.Float64bits(f)
}
