package data

// Java's calendar is Julian before 15 October 1582, and so are the dates that
// it parses and writes. Days below count from 1970-01-01; year 0 is 1 BC.

const (
	dayMillis    = 24 * 60 * 60 * 1000
	firstDay     = -719_162 // 0001-01-01, Gregorian
	gregorianDay = -141_427 // 1582-10-15, the first day of the Gregorian calendar
)

// Civil returns the date of a day since the epoch in Java's calendar: Julian
// before 1582-10-15. Year 0 is 1 BC.
func Civil(day int64) (year int64, month, dayOfMonth int) {
	y, m, d := civil(day)
	return y, int(m), int(d)
}

// DayOf returns the day since the epoch of a date in Java's calendar. Months
// and days outside their range carry over, as in a lenient Calendar.
func DayOf(year int64, month, dayOfMonth int) int64 {
	return dayOf(year, int64(month), int64(dayOfMonth))
}

func civil(day int64) (y, m, d int64) {
	if day < gregorianDay {
		return julian(day)
	}
	// Years begin in March, so that the leap day is the last one.
	n := day - firstDay + 306 // since 0000-03-01
	era := floorDiv(n, 146_097)
	n -= era * 146_097
	yoe := (n - n/1460 + n/36_524 - n/146_096) / 365
	return fromMarch(era*400+yoe, n-(365*yoe+yoe/4-yoe/100))
}

func julian(day int64) (y, m, d int64) {
	n := day - firstDay + 306 + 2 // Julian 0000-03-01 is two days before the Gregorian one
	era := floorDiv(n, 1461)
	n -= era * 1461
	yoe := (n - n/1460) / 365
	return fromMarch(era*4+yoe, n-365*yoe)
}

// fromMarch makes a date from a year that begins in March and its day.
func fromMarch(y, doy int64) (year, m, d int64) {
	mp := (5*doy + 2) / 153
	d = doy - (153*mp+2)/5 + 1
	if mp < 10 {
		return y, mp + 3, d
	}
	return y + 1, mp - 9, d
}

func dayOf(year, month, d int64) int64 {
	y := int64(int32(year + floorDiv(month-1, 12))) // an int in Java
	m := floorMod(month-1, 12) + 1
	leap := y - 1
	n := 365*leap + floorDiv(367*m-362, 12) + d - 1
	if m > 2 {
		n -= 2
	}
	j := n + floorDiv(leap, 4) - 2
	if m > 2 && floorMod(y, 4) == 0 {
		j++
	}
	j += firstDay
	g := n + floorDiv(leap, 4) - floorDiv(leap, 100) + floorDiv(leap, 400)
	if m > 2 && floorMod(y, 4) == 0 && (floorMod(y, 100) != 0 || floorMod(y, 400) == 0) {
		g++
	}
	g += firstDay
	switch {
	case year < 1582:
		return j
	case g >= gregorianDay:
		return g
	}
	return j
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func floorMod(a, b int64) int64 { return a - floorDiv(a, b)*b }
