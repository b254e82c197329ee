package file

import (
	"hash/fnv"
	"math"
	"math/big"
	"strconv"

	"github.com/millwright-connect/millwright/connectors/data"
)

// appendText appends v as Java's String.valueOf writes it, which is what the
// lines of Java's file sink are.
func appendText(dst []byte, v data.Value) []byte {
	switch v.Kind() {
	case data.Null:
		return append(dst, "null"...)
	case data.String:
		return append(dst, v.Str()...)
	case data.Int8, data.Int16, data.Int32, data.Int64:
		return strconv.AppendInt(dst, v.Int(), 10)
	case data.Float32:
		return appendFloat(dst, float64(v.Float32()), 32)
	case data.Float64:
		return appendFloat(dst, v.Float64(), 64)
	case data.Bool:
		return strconv.AppendBool(dst, v.Bool())
	case data.Bytes:
		// Java prints the identity of an array; ours is made of its contents, so
		// that the same bytes give the same line.
		h := fnv.New32a()
		h.Write(v.Bytes())
		return strconv.AppendUint(append(dst, "[B@"...), uint64(h.Sum32()), 16)
	case data.Array:
		dst = append(dst, '[')
		for i, e := range v.List() {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendText(dst, e)
		}
		return append(dst, ']')
	case data.Map:
		dst = append(dst, '{')
		for i, e := range v.Map().Entries() {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendText(append(appendText(dst, e.Key), '='), e.Value)
		}
		return append(dst, '}')
	case data.StructKind:
		return appendStruct(dst, v.Struct())
	case data.DateKind:
		return v.Time().Local().AppendFormat(dst, "Mon Jan 02 15:04:05 MST 2006")
	case data.DecimalKind:
		return appendDecimal(dst, v.Decimal())
	case data.BigIntKind:
		return v.BigInt().Append(dst, 10)
	}
	return append(dst, v.String()...)
}

func appendStruct(dst []byte, s *data.Struct) []byte {
	dst = append(dst, "Struct{"...)
	first := true
	for i, f := range s.Schema().Fields() {
		if s.At(i).IsNull() {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = appendText(append(append(dst, f.Name...), '='), s.At(i))
	}
	return append(dst, '}')
}

// appendFloat writes as Double.toString and Float.toString: at least one digit
// after the point, an exponent below 1e-3 and from 1e7 on.
func appendFloat(dst []byte, f float64, bits int) []byte {
	switch a := math.Abs(f); {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 0):
		if f < 0 {
			dst = append(dst, '-')
		}
		return append(dst, "Infinity"...)
	case a == 0 || a >= 1e-3 && a < 1e7:
		n := len(dst)
		dst = strconv.AppendFloat(dst, f, 'f', -1, bits)
		return withPoint(dst, n)
	}
	var e [32]byte
	text := strconv.AppendFloat(e[:0], f, 'e', -1, bits)
	at := len(text) - 1
	for text[at] != 'e' {
		at--
	}
	exp, _ := strconv.Atoi(string(text[at+1:]))
	n := len(dst)
	dst = withPoint(append(dst, text[:at]...), n)
	return strconv.AppendInt(append(dst, 'E'), int64(exp), 10)
}

// withPoint appends .0 to a number, from n on in dst, that has no point.
func withPoint(dst []byte, n int) []byte {
	for _, c := range dst[n:] {
		if c == '.' {
			return dst
		}
	}
	return append(dst, ".0"...)
}

// appendDecimal writes as BigDecimal.toString: with an exponent when the scale
// is negative or more than six zeros would follow the point.
func appendDecimal(dst []byte, d *data.DecimalValue) []byte {
	digits := new(big.Int).Abs(d.Unscaled).String()
	exp := int64(len(digits)) - 1 - int64(d.Scale)
	if d.Scale >= 0 && exp >= -6 {
		return append(dst, d.String()...)
	}
	if d.Unscaled.Sign() < 0 {
		dst = append(dst, '-')
	}
	dst = append(dst, digits[0])
	if len(digits) > 1 {
		dst = append(append(dst, '.'), digits[1:]...)
	}
	if exp != 0 {
		dst = append(dst, 'E')
		if exp > 0 {
			dst = append(dst, '+')
		}
		dst = strconv.AppendInt(dst, exp, 10)
	}
	return dst
}
