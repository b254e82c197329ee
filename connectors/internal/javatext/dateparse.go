package javatext

import (
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Parse reads a time in milliseconds since 1970 from the head of a text; what
// follows is ignored, as in Java. loc is the zone when the text names one that
// is not UTC, else nil: a SimpleDateFormat that has read such a name goes on to
// write in that zone. The error is Java's ParseException.
func (f *DateFormat) Parse(text string) (millis int64, loc *time.Location, err error) {
	p := dateParser{text: text, f: f}
	for i := range f.parts {
		part := &f.parts[i]
		if part.letter == 0 {
			if !strings.HasPrefix(text[p.at:], part.literal) {
				return 0, nil, p.fail()
			}
			p.at += len(part.literal)
			continue
		}
		p.width = 0
		if i+1 < len(f.parts) && f.parts[i+1].numeric() {
			p.width = part.count
		}
		if !p.field(part.letter, part.count) {
			return 0, nil, p.fail()
		}
	}
	millis = p.b.millis()
	if p.ambiguous && millis < f.start {
		p.b.value[year] += 100
		p.b.value[weekYear] += 100
		millis = p.b.millis()
	}
	return millis, p.b.loc, nil
}

// numeric reports whether the part is digits only, so that a number before it
// ends where its pattern letters do.
func (p *part) numeric() bool {
	switch p.letter {
	case 'M', 'L':
		return p.count <= 2
	case 0, 'G', 'E', 'a', 'z', 'Z', 'X':
		return false
	}
	return true
}

// dateParser is the state of one Parse.
type dateParser struct {
	text      string
	at        int
	width     int // of the number to read, 0: as far as digits go
	f         *DateFormat
	b         calendarBuilder
	ambiguous bool // the year is the one that two centuries share
}

func (p *dateParser) fail() error {
	return &Error{parseException, `Unparseable date: "` + p.text + `"`}
}

var plainField = map[byte]int{
	'd': dayOfMonth, 'H': hourOfDay, 'm': minute, 's': second, 'S': millisecond, 'D': dayOfYear,
	'F': dayOfWeekInMonth, 'w': weekOfYear, 'W': weekOfMonth, 'K': hour, 'u': isoDayOfWeek,
}

// field reads one field and moves on.
func (p *dateParser) field(letter byte, count int) bool {
	from := p.at // names are looked for here, numbers after white space
	at := from
	for at < len(p.text) && (p.text[at] == ' ' || p.text[at] == '\t') {
		at++
	}
	if at == len(p.text) {
		return false
	}
	switch letter {
	case 'G':
		return p.name(era, 0, eraShort[:], eraLong[:])
	case 'a':
		return p.name(amPM, 0, amPMNames[:])
	case 'E':
		return p.name(dayOfWeek, 1, dayNames[:], dayShort[:])
	case 'z', 'Z':
		return p.zone(at)
	case 'X':
		return p.isoZone(at, count)
	case 'M', 'L':
		if count > 2 {
			return p.name(month, 0, monthNames[:], monthShort[:])
		}
	}
	n, end, ok := p.number(from, at)
	if !ok {
		return false
	}
	p.at = end
	switch letter {
	case 'y', 'Y':
		if count <= 2 && twoDigits(p.text[at:end]) {
			p.ambiguous = n == p.f.century%100
			if n < p.f.century%100 {
				n += 100
			}
			n += p.f.century / 100 * 100
		}
		if letter == 'Y' {
			p.b.set(weekYear, n)
		} else {
			p.b.set(year, n)
		}
	case 'M', 'L':
		p.b.set(month, n-1)
	case 'k':
		if n == 24 {
			n = 0
		}
		p.b.set(hourOfDay, n)
	case 'h':
		if n == 12 {
			n = 0
		}
		p.b.set(hour, n)
	default:
		p.b.set(plainField[letter], n)
	}
	return true
}

// twoDigits reports whether s is two digits of any script.
func twoDigits(s string) bool {
	n := 0
	for _, r := range s {
		if _, ok := digitValue(r); !ok {
			return false
		}
		n++
	}
	return n == 2
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// number reads a number at an offset as DecimalFormat does, cut to 32 bits.
func (p *dateParser) number(from, at int) (n int64, end int, ok bool) {
	text := p.text
	if p.width > 0 {
		stop := from // in characters, as Java counts
		for range p.width {
			if stop == len(text) {
				return 0, 0, false
			}
			_, size := utf8.DecodeRuneInString(text[stop:])
			stop += size
		}
		text = text[:max(stop, at)]
	}
	return decimal(text, at)
}

// decimal reads an integer the way of a DecimalFormat for en_US that takes
// integers only: a minus sign, digits of any script, an exponent, infinity, NaN.
func decimal(text string, at int) (n int64, end int, ok bool) {
	negative := strings.HasPrefix(text[at:], "-")
	if strings.HasPrefix(text[at:], "NaN") {
		return 0, at + 3, true
	}
	if negative {
		at++
	}
	if strings.HasPrefix(text[at:], "∞") {
		if negative {
			return math.MinInt32, at + len("∞"), true
		}
		return math.MaxInt32, at + len("∞"), true
	}
	digits := at
	v, whole := uint64(0), true // whole: no overflow, no fraction
	f := 0.0
	for at < len(text) {
		r, size := utf8.DecodeRuneInString(text[at:])
		d, ok := digitValue(r)
		if !ok {
			break
		}
		f = f*10 + float64(d)
		if v = v*10 + uint64(d); v > math.MaxInt64/10 {
			whole = f < 1<<63 && v <= math.MaxInt64
			v = min(v, math.MaxInt64)
		}
		at += size
	}
	if at == digits {
		return 0, at, false
	}
	if exp, end, ok := exponent(text, at); ok {
		f *= math.Pow10(exp)
		at = end
		if whole = f == math.Trunc(f) && f < 1<<63; whole {
			v = uint64(f)
		}
	}
	switch {
	case whole && negative: // a Long, of which the low bits are taken
		return int64(int32(-int64(v))), at, true
	case whole:
		return int64(int32(int64(v))), at, true
	case negative: // a Double, of which the nearest int is taken
		return int64(max(-f, math.MinInt32)), at, true
	}
	return int64(min(f, math.MaxInt32)), at, true
}

// exponent reads E and a number, which may follow the digits.
func exponent(text string, at int) (exp, end int, ok bool) {
	if !strings.HasPrefix(text[at:], "E") {
		return 0, at, false
	}
	at++
	sign := 1
	if strings.HasPrefix(text[at:], "-") {
		sign = -1
		at++
	}
	digits := at
	for at < len(text) && isDigit(text[at]) {
		exp = min(exp*10+int(text[at]-'0'), 400)
		at++
	}
	return sign * exp, at, at > digits
}

// digitValue is Character.digit(r, 10): the value of a decimal digit of any
// script, but for those that are two chars in Java.
func digitValue(r rune) (int, bool) {
	switch {
	case '0' <= r && r <= '9':
		return int(r - '0'), true
	case r < 0x80:
		return 0, false
	}
	for _, run := range unicode.Nd.R16 { // runs of tens, each from zero to nine
		if rune(run.Lo) <= r && r <= rune(run.Hi) {
			return int(r-rune(run.Lo)) % 10, true
		}
	}
	return 0, false
}

// name reads the longest of the names that the text goes on with.
func (p *dateParser) name(field int, first int64, lists ...[]string) bool {
	best, value := 0, 0
	for _, names := range lists {
		for i, s := range names {
			if len(s) > best && len(p.text)-p.at >= len(s) && strings.EqualFold(p.text[p.at:p.at+len(s)], s) {
				best, value = len(s), i
			}
		}
	}
	if best == 0 {
		return false
	}
	p.b.set(field, int64(value)+first)
	p.at += best
	return true
}

// zone reads a zone's name, GMT with an offset, or an RFC 822 offset.
func (p *dateParser) zone(at int) bool {
	switch c := p.text[at]; {
	case c == '+':
		return p.offset(at+1, 1, 0, false)
	case c == '-':
		return p.offset(at+1, -1, 0, false)
	case len(p.text)-p.at >= 3 && strings.EqualFold(p.text[p.at:p.at+3], "GMT") && (c == 'G' || c == 'g'):
		at = p.at + 3
		if at < len(p.text) && p.text[at] == '+' {
			return p.offset(at+1, 1, 0, true)
		}
		if at < len(p.text) && p.text[at] == '-' {
			return p.offset(at+1, -1, 0, true)
		}
		return p.utc(at)
	}
	z, index := zoneNamed(p.text[at:])
	if z == nil {
		return false
	}
	p.b.loc = z.loc
	save := int64(0)
	if index >= 2 {
		save = z.saving
	}
	// One name for both times, or a zone that saves no more: the zone decides.
	same := index < 2 && strings.EqualFold(z.names[index], z.names[index+2])
	if !same && (index < 2 || save != 0) {
		p.b.stamp[zoneOffset] = 0
		p.b.set(dstOffset, save)
	}
	p.at = at + len(z.names[index])
	return true
}

func (p *dateParser) utc(end int) bool {
	p.b.set(zoneOffset, 0)
	p.b.set(dstOffset, 0)
	p.at = end
	return true
}

// isoZone reads Z or an ISO 8601 offset.
func (p *dateParser) isoZone(at, count int) bool {
	switch p.text[at] {
	case 'Z':
		return p.utc(at + 1)
	case '+':
		return p.offset(at+1, 1, count, count == 3)
	case '-':
		return p.offset(at+1, -1, count, count == 3)
	}
	return false
}

// offset reads hours and, unless count is 1, minutes.
func (p *dateParser) offset(at int, sign int64, count int, colon bool) bool {
	digit := func() (int64, bool) {
		if at < len(p.text) && isDigit(p.text[at]) {
			at++
			return int64(p.text[at-1] - '0'), true
		}
		return 0, false
	}
	hours, ok := digit()
	if !ok || at == len(p.text) {
		return false
	}
	if d, ok := digit(); ok {
		hours = hours*10 + d
	} else if count > 0 || !colon {
		return false
	}
	if hours > 23 {
		return false
	}
	minutes := int64(0)
	if count != 1 {
		if colon {
			if at == len(p.text) || p.text[at] != ':' {
				return false
			}
			at++
		}
		tens, ok1 := digit()
		ones, ok2 := digit()
		if minutes = tens*10 + ones; !ok1 || !ok2 || minutes > 59 {
			return false
		}
	}
	p.b.set(zoneOffset, sign*(hours*60+minutes)*60000)
	p.b.set(dstOffset, 0)
	p.at = at
	return true
}
