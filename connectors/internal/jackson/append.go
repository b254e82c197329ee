package jackson

import (
	"encoding/base64"
	"math"
	"strconv"

	"github.com/millwright-connect/millwright/connectors/data"
)

// AppendFloat64 appends f in the form of Double.toString; what JSON has no
// number for is quoted, as Jackson does.
func AppendFloat64(dst []byte, f float64) []byte {
	a := math.Abs(f)
	if a >= 1e-3 && a < 1e7 {
		for d, p := range powers {
			if x := math.Round(a * p); x/p == a { // the shortest decimal that reads back as f
				if f < 0 {
					dst = append(dst, '-')
				}
				return appendScaled(dst, uint64(x), d)
			}
		}
	}
	if f != f || a > math.MaxFloat64 {
		return append(data.AppendFloat64(append(dst, '"'), f), '"')
	}
	return data.AppendFloat64(dst, f)
}

// maxDecimals bounds the short decimals that AppendFloat64 looks for: readings
// of instruments seldom have more.
const maxDecimals = 6

// powers are the scales that AppendFloat64 tries.
var powers = [maxDecimals + 1]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6}

// appendScaled appends n × 10^-decimals, with at least one decimal.
func appendScaled(dst []byte, n uint64, decimals int) []byte {
	if decimals == 0 {
		return append(strconv.AppendUint(dst, n, 10), '.', '0')
	}
	var frac [maxDecimals + 1]byte
	for i := decimals; i > 0; i-- {
		frac[i] = byte('0' + n%10)
		n /= 10
	}
	frac[0] = '.'
	return append(strconv.AppendUint(dst, n, 10), frac[:decimals+1]...)
}

// AppendFloat32 appends f in the form of Float.toString; see AppendFloat64.
func AppendFloat32(dst []byte, f float32) []byte {
	if f != f || f-f != 0 {
		return append(data.AppendFloat32(append(dst, '"'), f), '"')
	}
	return data.AppendFloat32(dst, f)
}

// AppendBase64 appends b as a JSON string.
func AppendBase64(dst, b []byte) []byte {
	dst = base64.StdEncoding.AppendEncode(append(dst, '"'), b)
	return append(dst, '"')
}

// base64Values are the values of Base64's characters, -1 for others.
var base64Values = func() (t [256]int8) {
	const chars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range t {
		t[i] = -1
	}
	for i := range len(chars) {
		t[chars[i]] = int8(i)
	}
	return t
}()

// DecodeBase64 reads Base64 as Jackson does: in whole groups of four with
// white space allowed between them, and padding within the text too.
func DecodeBase64(s string) ([]byte, error) {
	out := make([]byte, 0, len(s)/4*3)
	for i := 0; ; {
		for i < len(s) && s[i] <= ' ' {
			i++
		}
		if i == len(s) {
			return out, nil
		}
		if len(s)-i < 4 {
			return nil, data.Errorf("java.io.IOException", "Base64 text ends within a group of four characters")
		}
		var bits uint32
		n := 0
		for ; n < 4; n++ {
			v := base64Values[s[i+n]]
			if v < 0 {
				break
			}
			bits = bits<<6 | uint32(v)
		}
		switch {
		case n == 4:
			out = append(out, byte(bits>>16), byte(bits>>8), byte(bits))
		case n == 3 && s[i+3] == '=':
			out = append(out, byte(bits>>10), byte(bits>>2))
		case n == 2 && s[i+2] == '=' && s[i+3] == '=':
			out = append(out, byte(bits>>4))
		default:
			return nil, data.Errorf("java.io.IOException", "%q at position %d is no Base64", s[i+n], i+n)
		}
		i += 4
	}
}

// Append appends n as compact JSON, numbers as they were written.
func (n *Node) Append(dst []byte) []byte {
	switch n.Kind {
	case False:
		return append(dst, "false"...)
	case True:
		return append(dst, "true"...)
	case Int, Float:
		return append(dst, n.Text...)
	case Text:
		return data.AppendJSONString(dst, n.Text)
	case Array:
		dst = append(dst, '[')
		for i, k := range n.Kids {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = k.Append(dst)
		}
		return append(dst, ']')
	case Object:
		dst = append(dst, '{')
		for i, k := range n.Kids {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = k.Append(append(data.AppendJSONString(dst, n.Names[i]), ':'))
		}
		return append(dst, '}')
	}
	return append(dst, "null"...)
}

// String makes the node of a text.
func String(s string) *Node { return &Node{Kind: Text, Text: s} }

// Number makes the node of a whole number.
func Number(i int64) *Node { return &Node{Kind: Int, Text: strconv.FormatInt(i, 10)} }

// Bool makes the node of a boolean.
func Bool(b bool) *Node {
	if b {
		return &Node{Kind: True}
	}
	return &Node{Kind: False}
}

// Set adds a member to an object.
func (n *Node) Set(name string, v *Node) {
	n.Names, n.Kids = append(n.Names, name), append(n.Kids, v)
}

// Real makes the node of a float of 32 or 64 bits; a text for what JSON has no
// number for.
func Real(f float64, bits int) *Node {
	var b []byte
	if bits == 32 {
		b = AppendFloat32(nil, float32(f))
	} else {
		b = AppendFloat64(nil, f)
	}
	if b[0] == '"' {
		return String(string(b[1 : len(b)-1]))
	}
	return &Node{Kind: Float, Text: string(b)}
}
