package modbus

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"

	"github.com/millwright-connect/millwright/connectors/data"
)

// A scale turns raw numbers into the user's: raw*factor + offset.
type scale struct {
	factor, divisor, offset float64 // divisor 0: multiply
}

// newScale divides by 10 where the user wrote *0.1: 3*0.1 is not 0.3 in binary
// floating point, but 3/10 is.
func newScale(factor, offset float64) scale {
	s := scale{factor: factor, offset: offset}
	if inverse := math.Round(1 / factor); math.Abs(factor) < 1 && !math.IsInf(inverse, 0) && 1/inverse == factor {
		s.divisor = inverse
	}
	return s
}

func (s *scale) apply(v float64) data.Value {
	if s.divisor != 0 {
		return data.F64(v/s.divisor + s.offset)
	}
	return data.F64(v*s.factor + s.offset)
}

// What the uint64.as property can say.
const (
	uintInt     = "int64"
	uintDecimal = "decimal"
	uintString  = "string"
)

func (o order) u16(b []byte) uint16 {
	if o.swapBytes {
		return binary.LittleEndian.Uint16(b)
	}
	return binary.BigEndian.Uint16(b)
}

func (o order) u32(b []byte) uint32 {
	hi, lo := uint32(o.u16(b)), uint32(o.u16(b[2:]))
	if o.swapWords {
		hi, lo = lo, hi
	}
	return hi<<16 | lo
}

func (o order) u64(b []byte) uint64 {
	hi, lo := uint64(o.u32(b)), uint64(o.u32(b[4:]))
	if o.swapWords {
		hi, lo = lo, hi
	}
	return hi<<32 | lo
}

// decode fills dst with as many elements of the tag, whose registers, two bytes
// each as they came, begin at b. An error is about one value that has no form
// in the tag's schema.
func (t *tag) decode(dst []data.Value, b []byte, wideUint string) error {
	o := t.order
	switch {
	case t.scaled:
		for i := range dst {
			dst[i] = t.scale.apply(t.number(b[i*2*t.size:]))
		}
	case t.kind == boolKind:
		dst[0] = data.B(o.u16(b)>>t.bit&1 != 0)
	case t.kind == int16Kind:
		for i := range dst {
			dst[i] = data.I16(int16(o.u16(b[2*i:])))
		}
	case t.kind == uint16Kind:
		for i := range dst {
			dst[i] = data.I32(int32(o.u16(b[2*i:])))
		}
	case t.kind == int32Kind:
		for i := range dst {
			dst[i] = data.I32(int32(o.u32(b[4*i:])))
		}
	case t.kind == uint32Kind:
		for i := range dst {
			dst[i] = data.I64(int64(o.u32(b[4*i:])))
		}
	case t.kind == int64Kind:
		for i := range dst {
			dst[i] = data.I64(int64(o.u64(b[8*i:])))
		}
	case t.kind == uint64Kind:
		for i := range dst {
			var err error
			if dst[i], err = wide(o.u64(b[8*i:]), wideUint); err != nil {
				return err
			}
		}
	case t.kind == float32Kind:
		for i := range dst {
			dst[i] = data.F32(math.Float32frombits(o.u32(b[4*i:])))
		}
	case t.kind == float64Kind:
		for i := range dst {
			dst[i] = data.F64(math.Float64frombits(o.u64(b[8*i:])))
		}
	case t.kind == stringKind:
		for i := range dst {
			dst[i] = data.Str(t.text(b[i*2*t.size : (i+1)*2*t.size]))
		}
	}
	return nil
}

// number reads one value of a numeric kind.
func (t *tag) number(b []byte) float64 {
	switch t.kind {
	case int16Kind:
		return float64(int16(t.order.u16(b)))
	case uint16Kind:
		return float64(t.order.u16(b))
	case int32Kind:
		return float64(int32(t.order.u32(b)))
	case uint32Kind:
		return float64(t.order.u32(b))
	case int64Kind:
		return float64(int64(t.order.u64(b)))
	case uint64Kind:
		return float64(t.order.u64(b))
	case float32Kind:
		return float64(math.Float32frombits(t.order.u32(b)))
	default:
		return math.Float64frombits(t.order.u64(b))
	}
}

// wide gives a uint64 one of the forms that Connect has for it.
func wide(n uint64, form string) (data.Value, error) {
	switch {
	case form == uintDecimal:
		return data.Dec(new(big.Int).SetUint64(n), 0), nil
	case form == uintString:
		return data.Str(strconv.FormatUint(n, 10)), nil
	case n > math.MaxInt64:
		return data.Value{}, fmt.Errorf("a number above %d does not fit an INT64; set %s=%s or %s", int64(math.MaxInt64), wideUintProperty, uintDecimal, uintString)
	}
	return data.I64(int64(n)), nil
}

// text reads a string: up to the first NUL, without the blanks that fill it up,
// as UTF-8 or, where it is not, as Latin-1.
func (t *tag) text(b []byte) string {
	if t.order.swapBytes {
		swapped := make([]byte, len(b))
		for i := 0; i < len(b); i += 2 {
			swapped[i], swapped[i+1] = b[i+1], b[i]
		}
		b = swapped
	}
	b = b[:t.chars]
	if at := bytes.IndexByte(b, 0); at >= 0 {
		b = b[:at]
	}
	b = bytes.TrimRight(b, " ")
	if utf8.Valid(b) {
		return string(b)
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}
