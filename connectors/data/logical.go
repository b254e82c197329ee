package data

import (
	"math/big"
	"strings"
)

// String renders the decimal without exponent, as BigDecimal.toPlainString.
func (d *DecimalValue) String() string {
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
