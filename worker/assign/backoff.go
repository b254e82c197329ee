package assign

import (
	"math"
	"math/big"
)

// backoff is Java's ExponentialBackoff with an initial interval of 1 ms, a
// multiplier of 40 and no jitter; 0 if the longest is 0. The exponent is cut
// at log40(longest), and the power of that can fall just short of a whole
// number: Java then says 999 for 1000, and so do we. Java's mathematics is
// (almost always) correctly rounded, package math's is not, hence big.Float.
func backoff(attempts int, longest int64) int64 {
	if longest <= 1 {
		return longest
	}
	ln40 := ln(40)
	top, _ := ln(float64(longest)).Float64()
	base, _ := ln40.Float64()
	exponent := big.NewFloat(min(float64(attempts), top/base)).SetPrec(precision)
	power, _ := exp(exponent.Mul(exponent, ln40)).Float64()
	return min(int64(power), longest)
}

const precision = 120 // bits

// ln is the natural logarithm, good to about 100 bits: math.Log and one step
// of Newton's method.
func ln(x float64) *big.Float {
	l := big.NewFloat(math.Log(x)).SetPrec(precision)
	step := new(big.Float).SetPrec(precision).Quo(big.NewFloat(x), exp(l))
	return l.Add(l, step.Sub(step, big.NewFloat(1)))
}

// exp is e to the power of x, for the small numbers of this file: the series
// for a fraction of x, squared back up.
func exp(x *big.Float) *big.Float {
	const halvings = 8
	x = new(big.Float).SetPrec(precision).SetMantExp(x, -halvings)
	sum, term := big.NewFloat(1).SetPrec(precision), big.NewFloat(1).SetPrec(precision)
	for n := 1.0; n <= 24; n++ {
		term.Mul(term, x)
		term.Quo(term, big.NewFloat(n))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum
}
