package data

import (
	"math"
	"unicode/utf16"
)

// The patterns of dates, times and timestamps in the text form of values, in
// the letters of Java's SimpleDateFormat.
const (
	isoDate      = "y-M-d"
	isoTime      = "H:m:s.SZ"
	isoTimestamp = isoDate + "T" + isoTime
)

// parseISO reads text of a length that a date, time or timestamp has. It is
// as lenient as SimpleDateFormat: a number may have any number of digits and
// any value, spaces before it, and text may follow the last one.
func parseISO(s string) (d Datum, ok bool) {
	var schema *Schema
	var pattern string
	switch units(s) {
	case 10:
		schema, pattern = dateSchema, isoDate
	case 13:
		schema, pattern = timeSchema, isoTime
	case 24:
		schema, pattern = timestampSchema, isoTimestamp
	default:
		return Datum{}, false
	}
	ms, ok := parsePattern(s, pattern)
	return Datum{schema, Millis(ms)}, ok
}

// units counts the UTF-16 units of s, its length in Java.
func units(s string) (n int) {
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

func parsePattern(s, pattern string) (ms int64, ok bool) {
	year, month, day, tod := int64(1970), int64(1), int64(1), int64(0)
	for i := range len(pattern) {
		var n int64
		switch c := pattern[i]; c {
		case '-', ':', '.', 'T', 'Z':
			if s == "" || s[0] != c {
				return 0, false
			}
			s = s[1:]
			continue
		}
		if n, s, ok = field(s); !ok {
			return 0, false
		}
		switch pattern[i] {
		case 'y':
			year = n
		case 'M':
			month = n
		case 'd':
			day = n
		case 'H':
			tod += n * 3_600_000
		case 'm':
			tod += n * 60_000
		case 's':
			tod += n * 1000
		case 'S':
			tod += n
		}
	}
	return dayOf(year, int64(int32(month-1))+1, day)*dayMillis + tod, true
}

// field reads one number as SimpleDateFormat does: blanks, a sign, digits and,
// by an oversight of Java's, an exponent.
func field(s string) (n int64, rest string, ok bool) {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	negative := s != "" && s[0] == '-'
	if negative {
		s = s[1:]
	}
	value := 0.0
	for s != "" {
		d, size := digit(s)
		if d < 0 {
			break
		}
		ok, s = true, s[size:]
		n, value = n*10+int64(d), value*10+float64(d)
	}
	if ok && s != "" && s[0] == 'E' {
		if exp, after, found := tens(s[1:]); found {
			s = after
			value *= math.Pow10(exp)
			n = saturate(value)
		}
	}
	if negative {
		n, value = -n, -value
	}
	if math.Abs(value) >= math.MaxInt64 { // a double in Java, which saturates
		return min(max(saturate(value), math.MinInt32), math.MaxInt32), s, ok
	}
	return int64(int32(n)), s, ok
}

// tens reads the exponent; the digits are cut where a double ends anyway.
func tens(s string) (exp int, rest string, ok bool) {
	negative := s != "" && s[0] == '-'
	if negative {
		s = s[1:]
	}
	for s != "" {
		d, size := digit(s)
		if d < 0 {
			break
		}
		ok, s = true, s[size:]
		exp = min(exp*10+d, 1000)
	}
	if negative {
		exp = -exp
	}
	return exp, s, ok
}

// appendISO writes a time, a date or a timestamp, whichever ms looks like, as
// Java's Values.dateFormatFor chooses.
func appendISO(dst []byte, ms int64) []byte {
	day, tod := floorDiv(ms, dayMillis), floorMod(ms, dayMillis)
	if ms >= dayMillis {
		y, m, d := civil(day)
		dst = appendPadded(dst, y, 4)
		dst = append(dst, '-')
		dst = appendPadded(dst, m, 2)
		dst = append(dst, '-')
		dst = appendPadded(dst, d, 2)
		if tod == 0 {
			return dst
		}
		dst = append(dst, 'T')
	}
	dst = appendPadded(dst, tod/3_600_000, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, tod/60_000%60, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, tod/1000%60, 2)
	dst = append(dst, '.')
	dst = appendPadded(dst, tod%1000, 3)
	return append(dst, 'Z')
}
