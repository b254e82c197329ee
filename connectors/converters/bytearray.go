package converters

import (
	"bytes"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// byteArrays is ByteArrayConverter: bytes pass as they are, and nothing else
// passes.
type byteArrays struct{}

func (byteArrays) Encode(dst []byte, _ string, _ []connect.Header, d data.Datum) ([]byte, error) {
	if d.Schema != nil && d.Schema.Kind() != data.Bytes {
		return nil, data.Fail("Invalid schema type for ByteArrayConverter: %s", d.Schema.Kind())
	}
	switch d.Value.Kind() {
	case data.Null:
		return nil, nil
	case data.Bytes:
		return appendBytes(dst, d.Value.Bytes()), nil
	}
	return nil, data.Fail("ByteArrayConverter is not compatible with objects of type %s", javaClass(d.Value))
}

func (byteArrays) Decode(_ string, _ []connect.Header, b []byte) (data.Datum, error) {
	if b == nil {
		return data.Datum{Schema: data.OptionalOf(data.Bytes)}, nil
	}
	return data.Datum{Schema: data.OptionalOf(data.Bytes), Value: data.Bin(bytes.Clone(b))}, nil
}

func (c byteArrays) EncodeHeader(dst []byte, topic, _ string, d data.Datum) ([]byte, error) {
	return c.Encode(dst, topic, nil, d)
}

func (c byteArrays) DecodeHeader(topic, _ string, b []byte) (data.Datum, error) {
	return c.Decode(topic, nil, b)
}

// appendBytes appends b, and never returns nil: an empty result is not a null.
func appendBytes[T []byte | string](dst []byte, b T) []byte {
	if dst = append(dst, b...); dst == nil {
		return []byte{}
	}
	return dst
}
