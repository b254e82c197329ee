package data

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"
)

// AppendFloat64 appends f as Java's Double.toString writes it: "1.0", "1.0E10",
// "NaN", "-Infinity". The digits are those of Java up to 18, which now and then
// has one digit more than needed, since the vectors and most installations are
// of that age. A value always reads back to itself.
func AppendFloat64(dst []byte, f float64) []byte {
	const fraction = 52
	b := math.Float64bits(f)
	exp, frac := int(b>>fraction&0x7ff), b&(1<<fraction-1)
	if exp == 0x7ff || exp == 0 && frac == 0 {
		return appendSpecial(dst, f)
	}
	significant := fraction + 1
	if exp == 0 {
		shift := bits.LeadingZeros64(frac) - (63 - fraction)
		significant -= shift
		frac <<= shift
		exp = 1 - shift
	} else {
		frac |= 1 << fraction
	}
	return appendDigits(dst, f < 0, frac, exp-1023, significant)
}

// AppendFloat32 appends f as Java's Float.toString writes it; see AppendFloat64.
func AppendFloat32(dst []byte, f float32) []byte {
	const fraction = 23
	b := math.Float32bits(f)
	exp, frac := int(b>>fraction&0xff), b&(1<<fraction-1)
	if exp == 0xff || exp == 0 && frac == 0 {
		return appendSpecial(dst, float64(f))
	}
	significant := fraction + 1
	if exp == 0 {
		shift := bits.LeadingZeros32(frac) - (31 - fraction)
		significant -= shift
		frac <<= shift
		exp = 1 - shift
	} else {
		frac |= 1 << fraction
	}
	return appendDigits(dst, f < 0, uint64(frac)<<(52-fraction), exp-127, significant)
}

func appendSpecial(dst []byte, f float64) []byte {
	switch {
	case f != f:
		return append(dst, "NaN"...)
	case f > 0:
		return append(dst, "Infinity"...)
	case f < 0:
		return append(dst, "-Infinity"...)
	case math.Signbit(f):
		return append(dst, "-0.0"...)
	}
	return append(dst, "0.0"...)
}

// decimalDigits are the digits of a float: 0.d1d2d3… × 10^exp.
type decimalDigits struct {
	d   [32]byte
	n   int
	exp int
}

func (x *decimalDigits) add(q int64) {
	x.d[x.n] = byte('0' + q)
	x.n++
}

// roundUp adds one to the last digit; zeros that arise at the end stay.
func (x *decimalDigits) roundUp() {
	i := x.n - 1
	for ; i > 0 && x.d[i] == '9'; i-- {
		x.d[i] = '0'
	}
	if x.d[i] == '9' {
		x.d[i] = '1'
		x.exp++
		return
	}
	x.d[i]++
}

// appendDigits writes frac × 2^(exp-52), where frac has its highest bit at 52
// and significant bits that count.
func appendDigits(dst []byte, negative bool, frac uint64, exp, significant int) []byte {
	var x decimalDigits
	tail := bits.TrailingZeros64(frac)
	width := 53 - tail          // bits of the odd part
	tiny := max(0, width-exp-1) // bits behind the binary point
	if tiny == 0 && exp <= 62 && exp >= -21 {
		x.whole(frac, exp, significant)
	} else {
		x.develop(frac>>tail, exp, width, tiny, significant, estimate(frac, exp))
	}
	if negative {
		dst = append(dst, '-')
	}
	return x.appendTo(dst)
}

// whole makes the digits of an integer. Digits that its bits do not determine
// are rounded away.
func (x *decimalDigits) whole(frac uint64, exp, significant int) {
	n := frac
	if exp >= 52 {
		n <<= exp - 52
	} else {
		n >>= 52 - exp
	}
	if exp > significant {
		if drop := (exp - significant - 1) * 30103 / 100000; drop > 0 {
			p := pow5[drop] << drop
			rest := n % p
			n /= p
			x.exp += drop
			if rest >= p/2 {
				n++
			}
		}
	}
	for n%10 == 0 {
		n /= 10
		x.exp++
	}
	x.n = len(strconv.AppendUint(x.d[:0], n, 10))
	x.exp += x.n
}

// estimate returns the decimal exponent, or one too much.
func estimate(frac uint64, exp int) int {
	mantissa := math.Float64frombits(1023<<52 | frac&(1<<52-1))
	return int(math.Floor((mantissa-1.5)*0.289529654 + 0.176091259 + float64(exp)*0.301029995663981))
}

// pow5 are the powers of five that fit 64 bits.
var pow5 = func() (p [28]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 5
	}
	return p
}()

// fiveBits is an upper bound of the bits of 5^n.
func fiveBits(n int) int {
	switch {
	case n == 0:
		return 0
	case n < 27:
		return bits.Len64(pow5[n])
	}
	return 3 * n
}

// develop makes digits as Steele and White do: the value is b/s, and m/s is
// half the distance to the next float. It stops when what is left is below m.
// The widths of the arithmetic matter, since m may overflow.
func (x *decimalDigits) develop(odd uint64, exp, width, tiny, significant, dec int) {
	b5, s5 := max(0, -dec), max(0, dec)
	b2, s2 := b5+tiny+exp, s5+tiny
	m2 := b2 - significant
	b2 -= width - 1
	common := min(b2, s2)
	b2, s2, m2 = b2-common, s2-common, m2-common
	if width == 1 {
		m2-- // below a power of two floats are half as far apart
	}
	if m2 < 0 {
		b2, s2, m2 = b2-m2, s2-m2, 0
	}
	bBits, tenBits := width+b2+fiveBits(b5), s2+1+fiveBits(s5+1)
	switch {
	case bBits < 32 && tenBits < 32:
		developIn(x, int32(odd)*int32(pow5[b5])<<b2, int32(pow5[s5])<<s2, int32(pow5[b5])<<m2, dec)
	case bBits < 64 && tenBits < 64:
		developIn(x, int64(odd)*int64(pow5[b5])<<b2, int64(pow5[s5])<<s2, int64(pow5[b5])<<m2, dec)
	default:
		x.developBig(odd, b5, b2, s5, s2, m2, dec)
	}
}

// more reports whether the form with an exponent, which needs two digits, or
// the digits themselves ask for more than the first.
func more(dec int) bool { return dec < -3 || dec >= 8 }

func developIn[T int32 | int64](x *decimalDigits, b, s, m T, dec int) {
	tens := s * 10
	q := b / s
	b, m = 10*(b%s), m*10
	low, high := b < m, b+m > tens
	if q == 0 && !high {
		dec--
	} else {
		x.add(int64(q))
	}
	if more(dec) {
		low, high = false, false
	}
	for !low && !high {
		q = b / s
		b, m = 10*(b%s), m*10
		low, high = true, true
		if m > 0 {
			low, high = b < m, b+m > tens
		}
		x.add(int64(q))
	}
	left := int64(b<<1 - tens)
	x.exp = dec + 1
	x.round(low, high, left)
}

func (x *decimalDigits) developBig(odd uint64, b5, b2, s5, s2, m2, dec int) {
	five := big.NewInt(5)
	power := func(n int) *big.Int { return new(big.Int).Exp(five, big.NewInt(int64(n)), nil) }
	b := power(b5)
	m := new(big.Int).Lsh(b, uint(m2))
	b.Mul(b, new(big.Int).SetUint64(odd)).Lsh(b, uint(b2))
	s := power(s5)
	s.Lsh(s, uint(s2))
	ten := big.NewInt(10)
	tens := new(big.Int).Mul(s, ten)
	q, sum := new(big.Int), new(big.Int)
	step := func() (digit int64, low, high bool) {
		q.QuoRem(b, s, b)
		b.Mul(b, ten)
		m.Mul(m, ten)
		return q.Int64(), b.Cmp(m) < 0, tens.Cmp(sum.Add(b, m)) <= 0
	}
	digit, low, high := step()
	if digit == 0 && !high {
		dec--
	} else {
		x.add(digit)
	}
	if more(dec) {
		low, high = false, false
	}
	for !low && !high {
		digit, low, high = step()
		x.add(digit)
	}
	left := int64(0)
	if low && high {
		left = int64(b.Lsh(b, 1).Cmp(tens))
	}
	x.exp = dec + 1
	x.round(low, high, left)
}

// round rounds the last digit by the reason for which the digits ended; left
// compares what is left with one half.
func (x *decimalDigits) round(low, high bool, left int64) {
	if high && (!low || left > 0 || left == 0 && x.d[x.n-1]&1 != 0) {
		x.roundUp()
	}
}

func (x *decimalDigits) appendTo(dst []byte) []byte {
	digits := x.d[:x.n]
	zeros := func(n int) {
		for range n {
			dst = append(dst, '0')
		}
	}
	switch {
	case x.exp > 0 && x.exp < 8:
		n := min(x.n, x.exp)
		dst = append(dst, digits[:n]...)
		zeros(x.exp - n)
		dst = append(dst, '.')
		if n < x.n {
			return append(dst, digits[n:]...)
		}
		return append(dst, '0')
	case x.exp <= 0 && x.exp > -3:
		dst = append(dst, '0', '.')
		zeros(-x.exp)
		return append(dst, digits...)
	}
	dst = append(dst, digits[0], '.')
	if x.n > 1 {
		dst = append(dst, digits[1:]...)
	} else {
		dst = append(dst, '0')
	}
	dst = append(dst, 'E')
	return strconv.AppendInt(dst, int64(x.exp-1), 10)
}
