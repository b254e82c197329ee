package config

import (
	"slices"
	"strconv"
	"strings"
)

// A versionRange says which versions of a plugin will do, in the notation of
// Maven that Connect takes since 4.1 (KIP-891): 1.2 and [1.2] are just that
// version, [1.0,2.0) and (,3] are intervals, several may follow each other.
type versionRange struct {
	parts []interval
}

type interval struct {
	low, high           string // "": no bound, unless single
	lowClosed, hiClosed bool
	single              bool
}

// parseRange reads a range; nil stands for any version. Messages are Maven's.
func parseRange(text string) (*versionRange, error) {
	if text == "latest" {
		return nil, nil
	}
	spec := strings.TrimSpace(text)
	if !strings.HasPrefix(spec, "[") && !strings.HasPrefix(spec, "(") {
		spec = "[" + spec + "]"
	}
	r := &versionRange{}
	rest, upper, bounded := spec, "", false
	for strings.HasPrefix(rest, "[") || strings.HasPrefix(rest, "(") {
		end := strings.IndexAny(rest, ")]")
		if end < 0 {
			return nil, errText("Unbounded range: " + spec)
		}
		part, err := parseInterval(rest[:end+1])
		if err != nil {
			return nil, err
		}
		if len(r.parts) > 0 && bounded && (!part.single && part.low == "" || compareVersions(part.low, upper) < 0) {
			return nil, errText("Ranges overlap: " + spec)
		}
		upper, bounded = part.high, part.high != "" || part.single
		r.parts = append(r.parts, part)
		rest = strings.TrimSpace(rest[end+1:])
		rest = strings.TrimSpace(strings.TrimPrefix(rest, ","))
	}
	if rest != "" {
		return nil, errText("Only fully-qualified sets allowed in multiple set scenario: " + spec)
	}
	return r, nil
}

func parseInterval(spec string) (i interval, err error) {
	i.lowClosed, i.hiClosed = spec[0] == '[', spec[len(spec)-1] == ']'
	inner := strings.TrimSpace(spec[1 : len(spec)-1])
	low, high, two := strings.Cut(inner, ",")
	if !two {
		if !i.lowClosed || !i.hiClosed {
			return i, errText("Single version must be surrounded by []: " + spec)
		}
		i.low, i.high, i.single = inner, inner, true
		return i, nil
	}
	i.low, i.high = strings.TrimSpace(low), strings.TrimSpace(high)
	if i.low == "" || i.high == "" {
		return i, nil
	}
	if c := compareVersions(i.high, i.low); c < 0 || c == 0 && (!i.lowClosed || !i.hiClosed) {
		return i, errText("Range defies version ordering: " + spec)
	}
	return i, nil
}

// String writes the range as Maven does.
func (r *versionRange) String() string {
	var b strings.Builder
	for n, i := range r.parts {
		if n > 0 {
			b.WriteByte(',')
		}
		b.WriteString(map[bool]string{true: "[", false: "("}[i.lowClosed] + i.low + "," + i.high + map[bool]string{true: "]", false: ")"}[i.hiClosed])
	}
	return b.String()
}

// has reports whether a version is in the range.
func (r *versionRange) has(version string) bool {
	return r == nil || slices.ContainsFunc(r.parts, func(i interval) bool {
		if i.low != "" || i.single {
			if c := compareVersions(version, i.low); c < 0 || c == 0 && !i.lowClosed {
				return false
			}
		}
		if i.high != "" || i.single {
			if c := compareVersions(version, i.high); c > 0 || c == 0 && !i.hiClosed {
				return false
			}
		}
		return true
	})
}

// compareVersions orders versions as Maven does for what versions usually look
// like: numbers by value, words below numbers, alpha < beta < milestone < rc <
// snapshot < the release < sp < other words.
func compareVersions(a, b string) int {
	x, y := versionParts(a), versionParts(b)
	for n := range max(len(x), len(y)) {
		if c := comparePart(partAt(x, n), partAt(y, n)); c != 0 {
			return c
		}
	}
	return 0
}

func partAt(parts []string, n int) string {
	if n < len(parts) {
		return parts[n]
	}
	return ""
}

// versionParts cuts at dots, dashes and between digits and letters.
func versionParts(v string) []string {
	var parts []string
	at, digits := 0, false
	v = strings.ToLower(v)
	for i, r := range v {
		d := r >= '0' && r <= '9'
		if r == '.' || r == '-' || r == '_' {
			parts = append(parts, v[at:i])
			at = i + 1
		} else if i > at && d != digits {
			parts = append(parts, v[at:i])
			at = i
		}
		digits = d
	}
	parts = append(parts, v[at:])
	parts = slices.DeleteFunc(parts, func(p string) bool { return p == "" })
	for len(parts) > 0 && rankOf(parts[len(parts)-1]) == rankOf("") { // trailing zeros and release words add nothing
		parts = parts[:len(parts)-1]
	}
	return parts
}

func comparePart(a, b string) int {
	m, notA := strconv.ParseUint(zero(a), 10, 64)
	n, notB := strconv.ParseUint(zero(b), 10, 64)
	if notA == nil && notB == nil && (a != "" || b != "") {
		switch {
		case m < n:
			return -1
		case m > n:
			return 1
		}
		return 0
	}
	if c := rankOf(a) - rankOf(b); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

func zero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}

func rankOf(part string) int {
	switch part {
	case "a", "alpha":
		return 0
	case "b", "beta":
		return 1
	case "m", "milestone":
		return 2
	case "rc", "cr":
		return 3
	case "snapshot":
		return 4
	case "", "0", "ga", "final", "release":
		return 5
	case "sp":
		return 6
	}
	if part[0] >= '0' && part[0] <= '9' {
		return 8
	}
	return 7
}
