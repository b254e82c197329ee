package converters

import (
	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// booleans is BooleanConverter: one byte, 1 or 0.
type booleans struct{}

func (booleans) Encode(dst []byte, _ string, _ []connect.Header, d data.Datum) ([]byte, error) {
	if d.Schema != nil && d.Schema.Kind() != data.Bool {
		return nil, data.Fail("Invalid schema type for BooleanConverter: %s", d.Schema.Kind())
	}
	switch {
	case d.Value.IsNull():
		return nil, nil
	case d.Value.Kind() != data.Bool:
		return nil, data.Fail("BooleanConverter is not compatible with objects of type %s", javaClass(d.Value))
	case d.Value.Bool():
		return append(dst, 1), nil
	}
	return append(dst, 0), nil
}

func (booleans) Decode(_ string, _ []connect.Header, b []byte) (data.Datum, error) {
	d := data.Datum{Schema: data.OptionalOf(data.Bool)}
	switch {
	case b == nil:
	case len(b) != 1:
		return data.Datum{}, undecodable("boolean", "Size of data received by BooleanDeserializer is not 1")
	case b[0] > 1:
		return data.Datum{}, undecodable("boolean", "Unexpected byte received by BooleanDeserializer: %d", int8(b[0]))
	default:
		d.Value = data.B(b[0] == 1)
	}
	return d, nil
}

func (c booleans) EncodeHeader(dst []byte, topic, _ string, d data.Datum) ([]byte, error) {
	return c.Encode(dst, topic, nil, d)
}

func (c booleans) DecodeHeader(topic, _ string, b []byte) (data.Datum, error) {
	return c.Decode(topic, nil, b)
}

// undecodable is Java's error for bytes that are not of the type.
func undecodable(typ, format string, args ...any) error {
	return because("Failed to deserialize "+typ+": ", data.Errorf(serializationException, format, args...))
}
