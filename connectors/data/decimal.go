package data

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ParseDecimal reads a number as Java's BigDecimal(String) does: sign, digits
// with a point among them, exponent. The scale is kept as written. The error is
// a NumberFormatException.
func ParseDecimal(s string) (*DecimalValue, error) {
	n, err := scanNumber(s)
	if err != nil {
		return nil, err
	}
	return n.decimal(), nil
}

// A number is a decimal number as it was written: ± digits × 10^-scale. Its
// digits are ASCII, without zeros before them; none stand for zero.
type number struct {
	negative bool
	digits   string
	scale    int32
}

func notNumber(s string) error {
	return Errorf("java.lang.NumberFormatException", "%q is not a decimal number", s)
}

func scanNumber(s string) (n number, err error) {
	rest := s
	if rest != "" && (rest[0] == '+' || rest[0] == '-') {
		n.negative = rest[0] == '-'
		rest = rest[1:]
	}
	digits := make([]byte, 0, 24)
	seen, scale, point := false, int64(0), false
	for rest != "" && rest[0] != 'e' && rest[0] != 'E' {
		if rest[0] == '.' {
			if point {
				return n, notNumber(s)
			}
			point, rest = true, rest[1:]
			continue
		}
		d, size := digit(rest)
		if d < 0 {
			return n, notNumber(s)
		}
		seen, rest = true, rest[size:]
		if point {
			scale++
		}
		if d != 0 || len(digits) > 0 {
			digits = append(digits, byte('0'+d))
		}
	}
	if !seen {
		return n, notNumber(s)
	}
	if rest != "" {
		exp, ok := exponent(rest[1:])
		if !ok {
			return n, notNumber(s)
		}
		scale -= exp
	}
	if scale != int64(int32(scale)) {
		return n, notNumber(s)
	}
	n.digits, n.scale = string(digits), int32(scale)
	return n, nil
}

// exponent reads what follows the E: at most ten digits that count, within the
// range of an int.
func exponent(s string) (exp int64, ok bool) {
	negative := false
	if s != "" && (s[0] == '+' || s[0] == '-') {
		negative = s[0] == '-'
		s = s[1:]
	}
	for s != "" {
		d, size := digit(s)
		if d < 0 {
			return 0, false
		}
		ok, s = true, s[size:]
		if exp = exp*10 + int64(d); exp > math.MaxInt32+1 {
			return 0, false
		}
	}
	if negative {
		exp = -exp
	}
	return exp, ok && exp == int64(int32(exp))
}

// digit returns the value of the decimal digit, of any script, that s begins
// with, -1 if there is none.
func digit(s string) (value, size int) {
	if s[0] < utf8.RuneSelf {
		if s[0] >= '0' && s[0] <= '9' {
			return int(s[0] - '0'), 1
		}
		return -1, 1
	}
	r, size := utf8.DecodeRuneInString(s)
	if r > math.MaxUint16 || !unicode.Is(unicode.Nd, r) {
		return -1, size
	}
	for _, run := range unicode.Nd.R16 {
		if uint16(r) <= run.Hi {
			return int(uint16(r)-run.Lo) % 10, size
		}
	}
	return -1, size
}

func (n *number) isZero() bool { return n.digits == "" }

func (n *number) unscaled() *big.Int {
	u := new(big.Int)
	if !n.isZero() {
		u.SetString(n.digits, 10)
	}
	if n.negative {
		u.Neg(u)
	}
	return u
}

func (n *number) decimal() *DecimalValue { return &DecimalValue{n.unscaled(), n.scale} }

// integer returns n if it is a whole number that an int64 holds.
func (n *number) integer() (int64, bool) {
	if n.isZero() {
		return 0, true
	}
	whole := int64(len(n.digits)) - int64(n.scale) // digits before the point
	if whole < 1 || whole > 19 {
		return 0, false
	}
	digits, zeros := n.digits, 0
	if n.scale > 0 {
		if strings.Trim(digits[whole:], "0") != "" {
			return 0, false
		}
		digits = digits[:whole]
	} else {
		zeros = -int(n.scale)
	}
	u, err := strconv.ParseUint(digits+"0000000000000000000"[:zeros], 10, 64)
	switch {
	case err != nil:
		return 0, false
	case n.negative && u <= 1<<63:
		return -int64(u), true
	case !n.negative && u <= math.MaxInt64:
		return int64(u), true
	}
	return 0, false
}

// float rounds n to the nearest float of 32 or 64 bits, ±Inf if there is none.
func (n *number) float(size int) float64 {
	if n.isZero() {
		return 0
	}
	f, _ := strconv.ParseFloat(n.digits+"e"+strconv.FormatInt(-int64(n.scale), 10), size)
	if n.negative {
		return -f
	}
	return f
}

// numberOf returns d in the form that scanNumber gives.
func numberOf(d *DecimalValue) *number {
	n := &number{scale: d.Scale, negative: d.Unscaled.Sign() < 0}
	if d.Unscaled.Sign() != 0 {
		n.digits = strings.TrimPrefix(d.Unscaled.String(), "-")
	}
	return n
}

// Float64 returns the nearest float, ±Inf if d is too large.
func (d *DecimalValue) Float64() float64 { return numberOf(d).float(64) }

// Int64 returns the low 64 bits of d without its fraction, as Java's
// BigDecimal.longValue does.
func (d *DecimalValue) Int64() int64 { return numberOf(d).lowBits() }

func (n *number) lowBits() int64 {
	whole := int64(len(n.digits)) - int64(n.scale)
	if n.isZero() || whole < 1 || n.scale <= -64 { // 10^64 is a multiple of 2^64
		return 0
	}
	x := *n
	if x.scale > 0 {
		x.digits, x.scale = x.digits[:whole], 0
	}
	u := x.unscaled()
	if x.scale < 0 {
		u.Mul(u, new(big.Int).Exp(big.NewInt(10), big.NewInt(-int64(x.scale)), nil))
	}
	return lowBits(u)
}

// lowBits returns the low 64 bits of x in two's complement.
func lowBits(x *big.Int) int64 {
	low := new(big.Int).And(x, new(big.Int).SetUint64(math.MaxUint64))
	return int64(low.Uint64())
}

// Text returns d as Java's BigDecimal.toString: plain for numbers that are
// neither large nor tiny, else with an exponent (1E+400, 1.5E-7).
func (d *DecimalValue) Text() string { return string(d.appendText(nil)) }

func (d *DecimalValue) appendText(dst []byte) []byte {
	if d.Scale == 0 {
		return d.Unscaled.Append(dst, 10)
	}
	start := len(dst)
	dst = d.Unscaled.Append(dst, 10)
	if dst[start] == '-' {
		start++
	}
	digits := string(dst[start:])
	exp := int64(len(digits)) - 1 - int64(d.Scale)
	dst = dst[:start]
	switch {
	case d.Scale > 0 && exp >= 0:
		point := len(digits) - int(d.Scale)
		dst = append(append(dst, digits[:point]...), '.')
		return append(dst, digits[point:]...)
	case d.Scale > 0 && exp >= -6:
		dst = append(append(dst, '0', '.'), "00000"[:-exp-1]...)
		return append(dst, digits...)
	}
	dst = append(dst, digits[0])
	if len(digits) > 1 {
		dst = append(append(dst, '.'), digits[1:]...)
	}
	if exp == 0 {
		return dst
	}
	dst = append(dst, 'E')
	if exp > 0 {
		dst = append(dst, '+')
	}
	return strconv.AppendInt(dst, exp, 10)
}
