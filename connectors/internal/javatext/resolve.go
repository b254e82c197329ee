package javatext

import "time"

// A calendarBuilder collects the fields that a text sets, in order: when fields
// contradict each other, Java lets the group win that was set last.
type calendarBuilder struct {
	value [fieldCount + 1]int64
	stamp [fieldCount + 1]int // 0: not set
	next  int
	loc   *time.Location // zone named by the text, nil for UTC
}

func (b *calendarBuilder) set(field int, v int64) {
	if field == isoDayOfWeek {
		field = dayOfWeek
		v = fromISO(v)
	}
	b.next++
	b.value[field], b.stamp[field] = v, b.next
}

// fromISO turns 1 = Monday into 1 = Sunday; what is no day of the week stays.
func fromISO(v int64) int64 {
	switch {
	case v < 1 || v > 7:
		return v
	case v == 7:
		return 1
	}
	return v + 1
}

// millis returns the point in time that the fields mean to a lenient
// GregorianCalendar.
func (b *calendarBuilder) millis() int64 {
	c := *b
	if c.stamp[weekYear] > c.stamp[year] {
		c.resolveWeek()
	}
	return c.compute()
}

// resolveWeek replaces week-year, week and day of the week by a date.
func (b *calendarBuilder) resolveWeek() {
	week, dow := int64(1), int64(1)
	if b.stamp[weekOfYear] > 0 {
		week = b.value[weekOfYear]
	}
	if b.stamp[dayOfWeek] > 0 {
		dow = b.value[dayOfWeek]
	}
	if dow < 1 || dow > 7 {
		if dow >= 8 {
			dow--
			week += dow / 7
			dow = dow%7 + 1
		} else {
			for dow <= 0 {
				dow += 7
				week--
			}
		}
		dow = fromISO(dow)
	}
	y := b.value[weekYear]
	if at(b.compute(), nil).year <= 0 { // the other fields choose the era
		y = 1 - y
	}
	var c calendarBuilder
	c.set(year, y)
	c.set(weekOfYear, 1)
	c.set(dayOfWeek, 1)
	date := at(c.compute()+(dow-1+7*(week-1))*dayMillis, nil)
	b.stamp[era] = 0 // years are astronomical without one
	b.set(year, date.year)
	b.set(month, int64(date.month))
	b.set(dayOfMonth, int64(date.dom))
}

// compute is Calendar.computeTime.
func (b *calendarBuilder) compute() int64 {
	y := int64(1970)
	if b.stamp[year] > 0 {
		y = b.value[year]
	}
	if b.stamp[era] > 0 && b.value[era] == 0 {
		y = 1 - y
	}
	var inDay int64
	if b.stamp[hourOfDay] > 0 && b.stamp[hourOfDay] >= b.halfDayStamp() {
		inDay = b.value[hourOfDay]
	} else if b.stamp[hour] > 0 || b.stamp[amPM] > 0 {
		inDay = b.value[hour] + 12*b.value[amPM]
	}
	inDay = ((inDay*60+b.value[minute])*60+b.value[second])*1000 + b.value[millisecond]
	extra := floorDiv(inDay, dayMillis)
	inDay -= extra * dayMillis

	// A date that both calendars have is Gregorian, one that neither has is
	// Julian.
	day := extra + b.dayIn(gregorianDay, y)
	if y < cutoverYear || day < cutoverDay || y == cutoverYear && b.countsFromYear() {
		day = extra + b.dayIn(julianDay, y)
	}
	return b.toUTC(day*dayMillis + inDay)
}

// halfDayStamp is the stamp of hour with AM or PM: complete only with both.
func (b *calendarBuilder) halfDayStamp() int {
	if b.stamp[hour] == 0 || b.stamp[amPM] == 0 {
		return 0
	}
	return max(b.stamp[hour], b.stamp[amPM])
}

// toUTC takes the offset of the zone from a local time.
func (b *calendarBuilder) toUTC(local int64) int64 {
	if b.stamp[zoneOffset] > 0 {
		return local - b.value[zoneOffset] - b.value[dstOffset]
	}
	if b.loc == nil {
		return local
	}
	m := at(local-int64(at(local, b.loc).offset), b.loc)
	std, save := int64(m.offset-m.dst), int64(m.dst)
	if b.stamp[dstOffset] > 0 {
		save = b.value[dstOffset]
	}
	return local - std - save
}

// group is a way to tell the day of the year.
type group uint8

const (
	byDayOfMonth group = iota
	byWeekOfMonth
	byDayOfWeekInMonth
	byDayOfYear
	byWeekOfYear
)

// days returns the group that was set last, as Calendar.selectFields chooses.
func (b *calendarBuilder) days() group {
	s := &b.stamp
	both := func(a, c int) int {
		if a == 0 || c == 0 {
			return 0
		}
		return max(a, c)
	}
	dow, dom := s[dayOfWeek], s[dayOfMonth]
	wom, dowim, woy := both(s[weekOfMonth], dow), both(s[dayOfWeekInMonth], dow), both(s[weekOfYear], dow)
	best := max(dom, wom, dowim, s[dayOfYear], woy)
	if best == 0 {
		wom, dowim, woy = s[weekOfMonth], max(s[dayOfWeekInMonth], dow), s[weekOfYear]
		if best = max(wom, dowim, woy); best == 0 {
			return byDayOfMonth // of the month alone, or of nothing
		}
	}
	switch {
	case best == dom:
		return byDayOfMonth
	case best == wom && s[weekOfMonth] >= s[weekOfYear], best == dowim && s[dayOfWeekInMonth] >= s[weekOfYear]:
		if wom == dowim && s[weekOfMonth] >= s[dayOfWeekInMonth] || wom != dowim && best == wom {
			return byWeekOfMonth
		}
		return byDayOfWeekInMonth
	case best == s[dayOfYear]:
		return byDayOfYear
	}
	return byWeekOfYear
}

// countsFromYear reports whether the day is told from the first of the year.
func (b *calendarBuilder) countsFromYear() bool {
	g := b.days()
	return g == byDayOfYear || g == byWeekOfYear
}

// dayIn returns the day that the fields mean in one of the two calendars.
func (b *calendarBuilder) dayIn(calendar func(y int64, mon int, dom int64) int64, y int64) int64 {
	g := b.days()
	mon := int64(0)
	if g <= byDayOfWeekInMonth {
		mon = b.value[month]
		y += floorDiv(mon, 12)
		mon = floorMod(mon, 12)
	}
	first := calendar(y, int(mon), 1)
	dow := int64(1)
	if b.stamp[dayOfWeek] > 0 {
		dow = b.value[dayOfWeek]
	}
	switch g {
	case byDayOfMonth:
		if b.stamp[dayOfMonth] > 0 {
			first += b.value[dayOfMonth] - 1
		}
		return first
	case byDayOfYear:
		return first + b.value[dayOfYear] - 1
	case byDayOfWeekInMonth:
		n := int64(1)
		if b.stamp[dayOfWeekInMonth] > 0 {
			n = b.value[dayOfWeekInMonth]
		}
		if n >= 0 {
			return onOrBefore(first+int64(int32(7*n))-1, dow)
		}
		next := calendar(y+(mon+1)/12, int((mon+1)%12), 1)
		return onOrBefore(next-1+int64(int32(7*(n+1))), dow)
	}
	days := int64(int32(7 * (b.value[weekOfMonth] - 1))) // Java's int overflows here
	if g == byWeekOfYear {
		days = 7 * (b.value[weekOfYear] - 1)
	}
	start := onOrBefore(first, 1)
	if b.stamp[dayOfWeek] > 0 {
		start = onOrBefore(start+6, dow)
	}
	return start + days
}
