package data

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// FromLogical returns the plain value that stands for v on the wire, if s is
// one of Connect's logical types: Int32 for Date and Time, Int64 for Timestamp,
// Bytes for Decimal. Any other value is returned as it is. The error is a
// DataException: v does not fit the type.
func FromLogical(s *Schema, v Value) (Value, error) {
	if s == nil || v.kind == Null {
		return v, nil
	}
	want := s.logical()
	if want == Null {
		return v, nil
	}
	if v.kind != want {
		return Value{}, Fail("%s is not a value of %s", Text(v), s.name)
	}
	switch s.name {
	case DateName:
		if floorMod(v.Int(), dayMillis) != 0 {
			return Value{}, Fail("Kafka Connect Date type should not have any time fields set to non-zero values.")
		}
		return I32(int32(v.Int() / dayMillis)), nil
	case TimeName:
		if v.Int() < 0 || v.Int() > dayMillis {
			return Value{}, Fail("Kafka Connect Time type should not have any date fields set to non-zero values.")
		}
		return I32(int32(v.Int())), nil
	case TimestampName:
		return I64(v.Int()), nil
	}
	return s.unscaled(v.Decimal())
}

// unscaled returns the bytes of d, if it has the scale that s gives.
func (s *Schema) unscaled(d *DecimalValue) (Value, error) {
	scale, err := s.scale()
	if err != nil {
		return Value{}, err
	}
	if d.Scale != scale {
		return Value{}, Fail("Decimal value has mismatching scale for given Decimal schema. "+
			"Schema has scale %d, value has scale %d.", scale, d.Scale)
	}
	return Bin(AppendBigInt(nil, d.Unscaled)), nil
}

// ToLogical returns the value of a logical type for which v stands on the wire;
// it is the inverse of FromLogical.
func ToLogical(s *Schema, v Value) (Value, error) {
	if s == nil || v.kind == Null {
		return v, nil
	}
	if s.logical() == Null {
		return v, nil
	}
	if v.kind != s.kind {
		return Value{}, Fail("%s is not a value of type %s, as %s needs it", Text(v), s.kind, s.name)
	}
	switch s.name {
	case DateName:
		return Millis(v.Int() * dayMillis), nil
	case TimeName:
		return timeOfDay(v.Int())
	case TimestampName:
		return Millis(v.Int()), nil
	}
	scale, err := s.scale()
	if err != nil {
		return Value{}, err
	}
	b := v.Bytes()
	if len(b) == 0 {
		return Value{}, Errorf("java.lang.NumberFormatException", "Zero length BigInteger")
	}
	return Dec(BigIntOf(b), scale), nil
}

func timeOfDay(ms int64) (Value, error) {
	if ms < 0 || ms > dayMillis {
		return Value{}, Fail("Time values must use number of milliseconds greater than 0 and less than 86400000")
	}
	return Millis(ms), nil
}

// scale returns the scale of a Decimal schema.
func (s *Schema) scale() (int32, error) {
	text, ok := s.Param("scale")
	if !ok {
		return 0, Fail("Invalid Decimal schema: scale parameter not found.")
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, &Error{Class: DataException, Message: "Invalid scale parameter found in Decimal schema: ", Cause: err}
	}
	return int32(n), nil
}

// AppendBigInt appends x as Java's BigInteger.toByteArray: two's complement,
// big-endian, in as few bytes as hold it, at least one.
func AppendBigInt(dst []byte, x *big.Int) []byte {
	if x.IsInt64() {
		n := x.Int64()
		size := 1
		for size < 8 && n>>(8*size-1) != 0 && n>>(8*size-1) != -1 {
			size++
		}
		for i := size - 1; i >= 0; i-- {
			dst = append(dst, byte(n>>(8*i)))
		}
		return dst
	}
	if x.Sign() > 0 {
		size := x.BitLen()/8 + 1 // a bit for the sign
		start := len(dst)
		dst = append(dst, make([]byte, size)...)
		x.FillBytes(dst[start:])
		return dst
	}
	y := new(big.Int).Not(x) // -x-1
	size := y.BitLen()/8 + 1
	start := len(dst)
	dst = append(dst, make([]byte, size)...)
	y.FillBytes(dst[start:])
	for i := start; i < len(dst); i++ {
		dst[i] = ^dst[i]
	}
	return dst
}

// BigIntOf reads what AppendBigInt writes; no bytes are zero.
func BigIntOf(b []byte) *big.Int {
	if len(b) <= 8 {
		n := int64(0)
		if len(b) > 0 && b[0] >= 0x80 {
			n = -1
		}
		for _, c := range b {
			n = n<<8 | int64(c)
		}
		return big.NewInt(n)
	}
	x := new(big.Int).SetBytes(b)
	if b[0] >= 0x80 {
		x.Sub(x, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return x
}

// maxPlain bounds the zeros that a plain form may have; BigDecimal has no such
// bound and runs out of memory instead.
const maxPlain = 1 << 20

// String renders the decimal without exponent, as BigDecimal.toPlainString,
// unless it would have more than a million zeros.
func (d *DecimalValue) String() string {
	if d.Scale > maxPlain || d.Scale < -maxPlain {
		return d.Text()
	}
	s := new(big.Int).Abs(d.Unscaled).String()
	switch {
	case d.Scale < 0:
		if d.Unscaled.Sign() != 0 {
			s += strings.Repeat("0", int(-d.Scale))
		}
	case d.Scale > 0:
		if n := int(d.Scale) - len(s); n >= 0 {
			s = strings.Repeat("0", n+1) + s
		}
		s = s[:len(s)-int(d.Scale)] + "." + s[len(s)-int(d.Scale):]
	}
	if d.Unscaled.Sign() < 0 {
		return "-" + s
	}
	return s
}

// saturate converts a float to an integer as Java's (long) does: NaN is zero,
// and what is too large is the largest.
func saturate(f float64) int64 {
	switch {
	case f != f:
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}
