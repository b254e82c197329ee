package converters

import (
	"strings"
	"unicode/utf8"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// textConfig is the configuration of StringConverter.
type textConfig struct {
	role
	encoding string
}

func (c *textConfig) Define(d *connect.ConfigDef) {
	c.role.Define(d)
	d.String(&c.encoding, "converter.encoding").Default("UTF-8").Is(connect.High).Order(-1).Wide(connect.WidthMedium).
		Display("Encoding").Doc("The character set of the bytes, by its Java name: UTF-8, US-ASCII, ISO-8859-1, " +
		"windows-1252, UTF-16, UTF-16BE or UTF-16LE.")
}

// texts is StringConverter: any value in the form of its toString.
type texts struct {
	charset *charset // nil: UTF-8
}

func openText(p connect.Props) (*texts, error) {
	var c textConfig
	if err := connect.Parse(p, &c); err != nil {
		return nil, err
	}
	cs, ok := charsets[strings.ToLower(c.encoding)]
	if !ok {
		return nil, &data.Error{
			Class: serializationException, Message: "Unsupported encoding " + c.encoding,
			Cause: data.Errorf("java.nio.charset.UnsupportedCharsetException", "%s", c.encoding),
		}
	}
	return &texts{charset: cs}, nil
}

func (c *texts) Encode(dst []byte, _ string, _ []connect.Header, d data.Datum) ([]byte, error) {
	v := d.Value
	if v.IsNull() {
		return nil, nil
	}
	if c.charset != nil {
		return c.charset.encode(appendBytes(dst, ""), data.Text(v)), nil
	}
	if v.Kind() == data.String {
		if s := v.Str(); utf8.ValidString(s) {
			return appendBytes(dst, s), nil
		}
		return appendBytes(dst, strings.ToValidUTF8(v.Str(), "\uFFFD")), nil
	}
	return data.AppendText(dst, v), nil
}

func (c *texts) Decode(_ string, _ []connect.Header, b []byte) (data.Datum, error) {
	d := data.Datum{Schema: data.OptionalOf(data.String)}
	switch {
	case b == nil:
	case c.charset != nil:
		d.Value = data.Str(c.charset.decode(b))
	default:
		d.Value = data.Str(decodeUTF8(b))
	}
	return d, nil
}

func (c *texts) EncodeHeader(dst []byte, topic, _ string, d data.Datum) ([]byte, error) {
	return c.Encode(dst, topic, nil, d)
}

func (c *texts) DecodeHeader(topic, _ string, b []byte) (data.Datum, error) {
	return c.Decode(topic, nil, b)
}

// decodeUTF8 reads UTF-8 as Java's String does: one U+FFFD stands for each
// longest run that could have begun a character.
func decodeUTF8(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	out := make([]byte, 0, len(b)+8)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			n = malformed(b)
		}
		out, b = utf8.AppendRune(out, r), b[n:]
	}
	return string(out)
}

// malformed returns the length of the broken character that b begins with.
func malformed(b []byte) int {
	lo, hi, need := byte(0x80), byte(0xbf), 0
	switch c := b[0]; {
	case 0xc2 <= c && c <= 0xdf:
		need = 1
	case c == 0xe0:
		need, lo = 2, 0xa0
	case c == 0xed: // Java takes a surrogate's three bytes for one broken character
		if len(b) >= 3 && b[1]&0xc0 == 0x80 && b[2]&0xc0 == 0x80 {
			return 3
		}
		need = 2
	case 0xe1 <= c && c <= 0xef:
		need = 2
	case c == 0xf0:
		need, lo = 3, 0x90
	case 0xf1 <= c && c <= 0xf3:
		need = 3
	case c == 0xf4:
		need, hi = 3, 0x8f
	}
	n := 1
	for n <= need && n < len(b) && lo <= b[n] && b[n] <= hi {
		n, lo, hi = n+1, 0x80, 0xbf
	}
	return n
}
