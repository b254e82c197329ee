package javatext

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A DateFormat is a java.text.SimpleDateFormat for en_US in the zone UTC. It
// never changes and may be shared.
type DateFormat struct {
	pattern string
	parts   []part
	century int64 // first year of the hundred that two-digit years fall into
	start   int64 // the same as a point in time
}

// part is a literal text, or a field of the pattern with its number of letters.
type part struct {
	letter  byte // 0: literal
	count   int
	literal string
}

const letters = "GyMdkHmsSEDFwWahKzZYuXL"

// NewDateFormat compiles a pattern; the error is Java's
// IllegalArgumentException.
func NewDateFormat(pattern string) (*DateFormat, error) {
	f := &DateFormat{pattern: pattern}
	now := time.Now().UTC().AddDate(-80, 0, 0)
	f.start, f.century = now.UnixMilli(), int64(now.Year())
	var literal strings.Builder
	flush := func() {
		if literal.Len() > 0 {
			f.parts = append(f.parts, part{literal: literal.String()})
			literal.Reset()
		}
	}
	quoted := false
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case c == '\'' && i+1 < len(pattern) && pattern[i+1] == '\'':
			literal.WriteByte('\'')
			i++
		case c == '\'':
			quoted = !quoted
		case quoted || (c < 'a' || c > 'z') && (c < 'A' || c > 'Z'):
			literal.WriteByte(c)
		case strings.IndexByte(letters, c) < 0:
			return nil, &Error{illegalArgument, fmt.Sprintf("Illegal pattern character '%c'", c)}
		default:
			flush()
			n := 1
			for i+n < len(pattern) && pattern[i+n] == c {
				n++
			}
			if c == 'X' && n > 3 {
				return nil, &Error{illegalArgument, fmt.Sprintf("invalid ISO 8601 format: length=%d", n)}
			}
			f.parts = append(f.parts, part{letter: c, count: n})
			i += n - 1
		}
	}
	if quoted {
		return nil, &Error{illegalArgument, "Unterminated quote"}
	}
	flush()
	return f, nil
}

// Pattern returns the pattern.
func (f *DateFormat) Pattern() string { return f.pattern }

// Format returns the text of a time in milliseconds since 1970. A nil loc is
// UTC; Parse tells when it is another.
func (f *DateFormat) Format(millis int64, loc *time.Location) string {
	var buf [64]byte
	return string(f.Append(buf[:0], millis, loc))
}

// Append appends what Format returns.
func (f *DateFormat) Append(dst []byte, millis int64, loc *time.Location) []byte {
	m := at(millis, loc)
	for i := range f.parts {
		if p := &f.parts[i]; p.letter == 0 {
			dst = append(dst, p.literal...)
		} else {
			dst = m.append(dst, p.letter, p.count)
		}
	}
	return dst
}

var (
	monthNames = [...]string{
		"January", "February", "March", "April", "May", "June", "July", "August",
		"September", "October", "November", "December",
	}
	monthShort = [...]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}
	dayNames   = [...]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
	dayShort   = [...]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}
	amPMNames  = [...]string{"AM", "PM"}
	eraShort   = [...]string{"BC", "AD"}
	eraLong    = [...]string{"Before Christ", "Anno Domini"}
)

// append appends one field of a pattern.
func (m *moment) append(dst []byte, letter byte, count int) []byte {
	name := func(s string) []byte {
		if count < 4 {
			s = s[:3]
		}
		return append(dst, s...)
	}
	n := int64(0)
	switch letter {
	case 'G':
		e := 0
		if m.year > 0 {
			e = 1
		}
		return append(dst, eraShort[e]...) // SimpleDateFormat has no long form of it
	case 'y', 'Y':
		n = m.year
		if letter == 'Y' {
			n = m.weekYear()
		} else if n <= 0 {
			n = 1 - n
		}
		if count == 2 {
			return padded(dst, n%100, 2)
		}
	case 'M', 'L':
		if count >= 3 {
			return name(monthNames[m.month])
		}
		n = int64(m.month) + 1
	case 'E':
		return name(dayNames[m.dow-1])
	case 'a':
		return append(dst, amPMNames[m.hour/12]...)
	case 'z':
		return append(dst, m.zoneName(count >= 4)...)
	case 'Z', 'X':
		return m.appendOffset(dst, letter, count)
	default:
		n = int64(m.number(letter))
	}
	return padded(dst, n, count)
}

// number returns a field that is written as a plain number.
func (m *moment) number(letter byte) int {
	switch letter {
	case 'd':
		return m.dom
	case 'k':
		return (m.hour+23)%24 + 1
	case 'H':
		return m.hour
	case 'm':
		return m.minute
	case 's':
		return m.sec
	case 'S':
		return m.milli
	case 'D':
		return m.doy
	case 'F':
		return m.dayOfWeekInMonth()
	case 'w':
		return m.weekOfYear()
	case 'W':
		return m.weekOfMonth()
	case 'h':
		return (m.hour+11)%12 + 1
	case 'K':
		return m.hour % 12
	}
	return (m.dow+5)%7 + 1 // u
}

// appendOffset appends the zone's offset as RFC 822 (Z) or ISO 8601 (X) do.
func (m *moment) appendOffset(dst []byte, letter byte, count int) []byte {
	minutes := int64(m.offset / 60000)
	if letter == 'X' && m.offset == 0 {
		return append(dst, 'Z')
	}
	if minutes < 0 {
		dst, minutes = append(dst, '-'), -minutes
	} else {
		dst = append(dst, '+')
	}
	dst = padded(dst, minutes/60, 2)
	if letter == 'X' && count == 1 {
		return dst
	}
	if letter == 'X' && count == 3 {
		dst = append(dst, ':')
	}
	return padded(dst, minutes%60, 2)
}

// padded appends a number with at least width digits.
func padded(dst []byte, n int64, width int) []byte {
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	var buf [20]byte
	digits := strconv.AppendInt(buf[:0], n, 10)
	for i := len(digits); i < width; i++ {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}
