package converters

import (
	"strconv"
	"unsafe"

	"github.com/millwright-connect/millwright/connectors/internal/jackson"
)

// A number is a JSON number: ±mant × 10^exp when digits did not overflow mant.
type number struct {
	mant  uint64
	exp   int
	neg   bool
	float bool // has a fraction or an exponent
	exact bool // mant holds all digits
	from  int
}

func (p *parser) number() (n number, ok bool) {
	b, i := p.b, p.i
	n.from = i
	if i < len(b) && b[i] == '-' {
		n.neg = true
		i++
	}
	first := i
	for i < len(b) && b[i]-'0' <= 9 {
		n.mant = n.mant*10 + uint64(b[i]-'0')
		i++
	}
	digits := i - first
	if digits == 0 {
		return n, false
	}
	if i < len(b) && b[i] == '.' {
		n.float = true
		i++
		first = i
		for i < len(b) && b[i]-'0' <= 9 {
			n.mant = n.mant*10 + uint64(b[i]-'0')
			i++
		}
		if i == first {
			return n, false
		}
		n.exp = first - i
		digits += i - first
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		n.float = true
		i++
		neg := false
		if i < len(b) && (b[i] == '-' || b[i] == '+') {
			neg = b[i] == '-'
			i++
		}
		first, e := i, 0
		for i < len(b) && b[i]-'0' <= 9 && i-first < 9 {
			e = e*10 + int(b[i]-'0')
			i++
		}
		if i == first || i-first >= 9 {
			return n, false
		}
		if neg {
			e = -e
		}
		n.exp += e
	}
	n.exact = digits <= 19 // 10^19 < 2^64
	p.i = i
	return n, i-n.from <= jackson.MaxNumber
}

// int64 returns a whole number if it fits.
func (n *number) int64() (int64, bool) {
	if n.float || !n.exact {
		return 0, false
	}
	if n.neg {
		return -int64(n.mant), n.mant <= 1<<63
	}
	return int64(n.mant), n.mant < 1<<63
}

// float64 returns the nearest float. A mantissa and a power of ten that are
// both exact floats give it in one rounding.
func (p *parser) float64(n *number) float64 {
	if n.exact && n.mant < 1<<53 && -22 <= n.exp && n.exp <= 22 {
		f := float64(n.mant)
		if n.exp < 0 {
			f /= powers[-n.exp]
		} else {
			f *= powers[n.exp]
		}
		if n.neg && f != 0 {
			f = -f
		}
		return f
	}
	return p.parseFloat(n, 64)
}

func (p *parser) float32(n *number) float32 {
	if n.exact && n.mant < 1<<24 && -10 <= n.exp && n.exp <= 10 {
		f := float32(n.mant)
		if n.exp < 0 {
			f /= float32(powers[-n.exp])
		} else {
			f *= float32(powers[n.exp])
		}
		if n.neg && f != 0 {
			f = -f
		}
		return f
	}
	return float32(p.parseFloat(n, 32))
}

func (p *parser) parseFloat(n *number, size int) float64 {
	b := p.b[n.from:p.i]
	lit := unsafe.String(unsafe.SliceData(b), len(b)) // nobody keeps it
	f, _ := strconv.ParseFloat(lit, size)
	if f == 0 && jackson.AllZero(lit) {
		return 0 // BigDecimal knows no -0
	}
	return f
}

var powers = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
	1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}
