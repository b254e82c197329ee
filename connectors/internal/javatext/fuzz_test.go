package javatext

import "testing"

// No pattern and no text make the package panic, and what a pattern writes it
// reads again.
func FuzzDateFormat(f *testing.F) {
	f.Add("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2017-01-03T06:30:01.864Z", int64(1483425001864))
	f.Add("YYYY-'W'ww-u z", "2017-W01-2 PST", int64(-62135596800000))
	f.Add("hh a G zzzz", "12 AM BC Coordinated Universal Time", int64(0))
	f.Fuzz(func(t *testing.T, pattern, text string, ms int64) {
		df, err := NewDateFormat(pattern)
		if err != nil {
			return
		}
		_, _, _ = df.Parse(text)
		if ms < -1e15 || ms > 1e15 {
			return
		}
		if pattern == "yyyy-MM-dd'T'HH:mm:ss.SSSXXX" && ms > -62135596800000 {
			if again, _, err := df.Parse(df.Format(ms, nil)); err != nil || again != ms {
				t.Errorf("%d is read as %d %v", ms, again, err)
			}
			return
		}
		_ = df.Format(ms, nil)
	})
}

// Every pattern that the parser takes is one that an engine takes.
func FuzzRegex(f *testing.F) {
	for _, p := range []string{`(?<n>a)\k<n>`, `[a-z&&[^b]]++`, `\Qa.b\E{2,3}?`, `(?i-s:\p{Lu}|\x{1F600})`, `(?=a)^$\b\R`} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		if len(pattern) > 40 {
			return
		}
		p, text, err := parseRegex(pattern)
		if err != nil {
			return
		}
		if _, err := NewRegex(pattern); err != nil {
			t.Errorf("%q, which became %q %q (%v): %v", pattern, text.general, text.plain, p.generally, err)
		}
	})
}
