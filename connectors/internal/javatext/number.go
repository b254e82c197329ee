package javatext

import (
	"math"
	"strconv"
	"strings"
)

// ParseInt is Byte.parseByte, Short.parseShort, Integer.parseInt and
// Long.parseLong: a sign, digits of any script, nothing else. False stands for
// their NumberFormatException.
func ParseInt(s string, bits int) (int64, bool) {
	if n, err := strconv.ParseInt(s, 10, bits); err == nil {
		return n, true
	}
	var b strings.Builder
	for i, r := range s {
		d, ok := digitValue(r)
		switch {
		case ok:
			b.WriteByte('0' + byte(d))
		case i == 0 && (r == '+' || r == '-'):
			b.WriteRune(r)
		default:
			return 0, false
		}
	}
	n, err := strconv.ParseInt(b.String(), 10, bits)
	return n, err == nil
}

// ParseFloat is Float.parseFloat (bits 32) and Double.parseDouble (bits 64):
// white space around the number and a type letter behind it are allowed, what
// is too large is infinite. False stands for their NumberFormatException.
func ParseFloat(s string, bits int) (float64, bool) {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	number := strings.TrimLeft(s, "+-")
	if len(s)-len(number) > 1 {
		return 0, false
	}
	hex := len(number) > 1 && number[0] == '0' && number[1]|0x20 == 'x'
	switch {
	case number == "NaN":
		return math.NaN(), true
	case number == "Infinity":
	case number == "":
		return 0, false
	default:
		allowed := "0123456789.eE+-"
		if hex {
			allowed = "0123456789abcdefABCDEF.xXpP+-"
		}
		if strings.IndexByte("fFdD", s[len(s)-1]) >= 0 && (!hex || strings.ContainsAny(s, "pP")) {
			s = s[:len(s)-1]
		}
		if strings.Trim(s, allowed) != "" {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(strings.TrimPrefix(s, "+"), bits)
	if err != nil && f == 0 { // a syntax error; out of range is infinite
		return 0, false
	}
	return f, true
}
