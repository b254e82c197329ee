package javatext

import "time"

// Java's calendar fields, by the numbers of java.util.Calendar, so that a set
// of them orders as Java's does.
const (
	era = iota
	year
	month // 0 is January
	weekOfYear
	weekOfMonth
	dayOfMonth
	dayOfYear
	dayOfWeek // 1 is Sunday
	dayOfWeekInMonth
	amPM
	hour
	hourOfDay
	minute
	second
	millisecond
	zoneOffset
	dstOffset
	fieldCount

	weekYear     = fieldCount // not a field of Calendar, but one of its builder
	isoDayOfWeek = 1000       // 1 is Monday; becomes dayOfWeek when it is set
)

const (
	dayMillis   = 24 * 60 * 60 * 1000
	cutoverDay  = -141427 // 1582-10-15 in days since 1970: the first Gregorian day
	cutoverYear = 1582
	transitions = -2208988800000 // 1900-01-01
)

// moment is a point in time taken apart as java.util.GregorianCalendar does:
// Julian before 15 October 1582, weeks that begin on Sunday, week 1 the one
// with 1 January.
type moment struct {
	day                      int64 // since 1970-01-01
	year                     int64 // astronomical: 0 is 1 BC
	month, dom, doy, dow     int   // month from 0, day of week from 1 = Sunday
	hour, minute, sec, milli int
	offset, dst              int // of the zone in milliseconds; dst is contained in offset
	abbreviation, zone       string
}

// at takes apart a point in time in milliseconds since 1970. A nil loc is UTC.
func at(millis int64, loc *time.Location) (m moment) {
	m.abbreviation, m.zone = "UTC", "UTC"
	if loc != nil {
		t := time.UnixMilli(millis).In(loc)
		if millis < transitions { // Java knows of no other offset before that
			t = time.Date(time.Now().Year(), 1, 1, 0, 0, 0, 0, loc)
			if t.IsDST() {
				t = t.AddDate(0, 6, 0)
			}
		}
		name, offset := t.Zone()
		m.abbreviation, m.zone, m.offset = name, loc.String(), offset*1000
		if t.IsDST() {
			m.dst = 60 * 60 * 1000
		}
		millis += int64(m.offset)
	}
	m.day = floorDiv(millis, dayMillis)
	rest := int(millis - m.day*dayMillis)
	m.milli, rest = rest%1000, rest/1000
	m.sec, rest = rest%60, rest/60
	m.minute, m.hour = rest%60, rest/60
	m.year, m.month, m.dom = civil(m.day)
	m.doy = int(m.day-firstOfYear(m.year)) + 1
	m.dow = weekday(m.day)
	return m
}

// weekday returns the day of the week, 1 for Sunday.
func weekday(day int64) int { return int(floorMod(day+4, 7)) + 1 }

// onOrBefore returns the last day of the week dow that is not after day.
func onOrBefore(day int64, dow int64) int64 { return day - floorMod(day-(dow-5), 7) }

// civil returns year, month and day of month in the calendar of that day.
func civil(day int64) (y int64, mon, dom int) {
	if day < cutoverDay {
		return julian(day)
	}
	z := day + 719468 // since 0000-03-01
	c := floorDiv(z, 146097)
	doe := z - c*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	return fromMarch(yoe+c*400, doe-(365*yoe+yoe/4-yoe/100))
}

func julian(day int64) (y int64, mon, dom int) {
	z := day + 719470 // since 0000-03-01 (Julian)
	c := floorDiv(z, 1461)
	doc := z - c*1461
	yoc := (doc - doc/1460) / 365
	return fromMarch(yoc+c*4, doc-365*yoc)
}

// fromMarch turns a year that begins in March, and a day in it, into a date.
func fromMarch(y, doy int64) (int64, int, int) {
	m := (5*doy + 2) / 153
	dom := int(doy - (153*m+2)/5 + 1)
	if m < 10 {
		return y, int(m) + 2, dom
	}
	return y + 1, int(m) - 10, dom
}

// gregorianDay returns the day of a date of the Gregorian calendar, whenever.
func gregorianDay(y int64, mon int, dom int64) int64 {
	y, doy := toMarch(y, mon)
	return 365*y + floorDiv(y, 4) - floorDiv(y, 100) + floorDiv(y, 400) + doy + dom - 1 - 719468
}

// julianDay returns the day of a date of the Julian calendar, whenever.
func julianDay(y int64, mon int, dom int64) int64 {
	y, doy := toMarch(y, mon)
	return 365*y + floorDiv(y, 4) + doy + dom - 1 - 719470
}

func toMarch(y int64, mon int) (int64, int64) {
	m := int64(mon) - 2
	if m < 0 {
		m += 12
		y--
	}
	return y, (153*m + 2) / 5
}

func firstOfYear(y int64) int64 {
	if y <= cutoverYear {
		return julianDay(y, 0, 1)
	}
	return gregorianDay(y, 0, 1)
}

// firstOfWeekYear returns the Sunday that begins week 1 of a year.
func firstOfWeekYear(y int64) int64 { return onOrBefore(firstOfYear(y), 1) }

// weekYear returns the year that the week belongs to.
func (m *moment) weekYear() int64 {
	next := m.year + 1
	if m.year <= 0 {
		next = -m.year // a slip of Java, which counts on within the era
	}
	left := firstOfYear(m.year+1) - m.day // days of this year, with this one
	if first := firstOfYear(next); left <= first-onOrBefore(first, 1) {
		return m.year + 1
	}
	return m.year
}

// weekOfYear returns the number of the week, 1 when it reaches into next year.
func (m *moment) weekOfYear() int {
	if m.day >= firstOfWeekYear(m.year+1) {
		return 1
	}
	return int(m.day-firstOfWeekYear(m.year))/7 + 1
}

// firstOfMonth returns the first day of the month, which in October 1582 began
// Julian.
func (m *moment) firstOfMonth() int64 {
	first := m.day - int64(m.dom) + 1
	if first < cutoverDay && m.day >= cutoverDay {
		return julianDay(cutoverYear, m.month, 1)
	}
	return first
}

func (m *moment) weekOfMonth() int {
	return int(m.day-onOrBefore(m.firstOfMonth(), 1))/7 + 1
}

func (m *moment) dayOfWeekInMonth() int { return int(m.day-m.firstOfMonth())/7 + 1 }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func floorMod(a, b int64) int64 { return a - floorDiv(a, b)*b }
