package converters

import (
	"github.com/millwright-connect/millwright/connectors/data"
)

// simpleHeaders is SimpleHeaderConverter: text, from which the type is guessed
// when read.
type simpleHeaders struct{}

func (simpleHeaders) EncodeHeader(dst []byte, _, _ string, d data.Datum) ([]byte, error) {
	if d.Value.IsNull() {
		return nil, nil
	}
	b, err := data.AppendFormat(dst, d.Value)
	if b == nil && err == nil {
		b = []byte{}
	}
	return b, err
}

func (simpleHeaders) DecodeHeader(_, _ string, b []byte) (data.Datum, error) {
	if b == nil {
		return data.Datum{}, nil
	}
	return data.Parse(decodeUTF8(b)), nil
}
