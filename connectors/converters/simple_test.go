package converters

import (
	"math"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func TestCharsets(t *testing.T) {
	for _, c := range []struct{ name, text, bytes, back string }{
		{"UTF-8", "é€😀", "é€😀", "é€😀"},
		{"US-ASCII", "aé😀", "a??", "a??"},
		{"ISO-8859-1", "aé€", "a\xe9?", "aé?"},
		{"windows-1252", "aé€\u0081", "a\xe9\x80?", "aé€?"},
		{"UTF-16", "é😀", "\xfe\xff\x00\xe9\xd8\x3d\xde\x00", "é😀"},
		{"utf-16le", "é😀", "\xe9\x00\x3d\xd8\x00\xde", "é😀"},
		{"UTF-16BE", "", "", ""},
	} {
		conv, err := openText(as(connect.Props{"converter.encoding": c.name}, "value"))
		if err != nil {
			t.Fatal(err)
		}
		b, err := conv.Encode(nil, "t", nil, data.Datum{Value: data.Str(c.text)})
		if err != nil || b == nil || string(b) != c.bytes {
			t.Errorf("%s: %q is written as %q, %v, want %q", c.name, c.text, b, err, c.bytes)
		}
		if d, err := conv.Decode("t", nil, b); err != nil || d.Value.Str() != c.back {
			t.Errorf("%s: %q is read as %q, %v, want %q", c.name, b, d.Value.Str(), err, c.back)
		}
	}
}

func TestMalformedUTF8(t *testing.T) {
	for in, want := range map[string]string{ // as new String(bytes, UTF_8) of Java
		"a\xffb": "a\ufffdb", "\xe2\x82": "\ufffd", "\xe2\x82a": "\ufffda", "\xf0\x9f\x98": "\ufffd", "\xc0\x80": "\ufffd\ufffd",
		"\xed\xa0\x80": "\ufffd", "\xf5\x80": "\ufffd\ufffd", "\xe2\x28\xa1": "\ufffd(\ufffd", "\xef\xbf\xbd": "\ufffd",
	} {
		if got := decodeUTF8([]byte(in)); got != want {
			t.Errorf("%q is read as %q, want %q", in, got, want)
		}
	}
}

func TestNumbersWriteOneNaN(t *testing.T) {
	odd := math.Float64frombits(0x7ff8000000000001)
	b, err := (&numbers{numberKinds[4]}).Encode(nil, "t", nil, data.Datum{Value: data.F64(odd)})
	if want := "\x7f\xf8\x00\x00\x00\x00\x00\x00"; err != nil || string(b) != want {
		t.Errorf("NaN is written as %x, %v", b, err)
	}
}

// TestNullsAndEmpties sees that a null stays apart from what is empty.
func TestNullsAndEmpties(t *testing.T) {
	text, err := openText(as(nil, "value"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]connect.Converter{"text": text, "bytes": byteArrays{}} {
		empty := data.Str("")
		if name == "bytes" {
			empty = data.Bin([]byte{})
		}
		if b, err := c.Encode(nil, "t", nil, data.Datum{Value: empty}); err != nil || b == nil || len(b) != 0 {
			t.Errorf("%s: empty is written as %v, %v", name, b, err)
		}
		if b, err := c.Encode(nil, "t", nil, data.Datum{}); err != nil || b != nil {
			t.Errorf("%s: null is written as %v, %v", name, b, err)
		}
		if d, err := c.Decode("t", nil, []byte{}); err != nil || d.Value.IsNull() {
			t.Errorf("%s: empty is read as %v, %v", name, d.Value, err)
		}
		if d, err := c.Decode("t", nil, nil); err != nil || !d.Value.IsNull() {
			t.Errorf("%s: null is read as %v, %v", name, d.Value, err)
		}
	}
}
