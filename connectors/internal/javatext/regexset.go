package javatext

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// A set is characters as sorted ranges that do not touch: lo, hi, lo, hi ...
type set []rune

func oneOf(chars string) set {
	var s set
	for _, r := range chars {
		s = append(s, r, r)
	}
	return s.normal()
}

func between(pairs ...rune) set { return set(pairs).normal() }

func fromTable(t *unicode.RangeTable) set {
	var s set
	for _, r := range t.R16 {
		for c := rune(r.Lo); c <= rune(r.Hi); c += rune(r.Stride) {
			if r.Stride == 1 {
				s = append(s, c, rune(r.Hi))
				break
			}
			s = append(s, c, c)
		}
	}
	for _, r := range t.R32 {
		for c := rune(r.Lo); c <= rune(r.Hi); c += rune(r.Stride) {
			if r.Stride == 1 {
				s = append(s, c, rune(r.Hi))
				break
			}
			s = append(s, c, c)
		}
	}
	return s.normal()
}

// normal sorts the ranges and joins those that touch.
func (s set) normal() set {
	type span struct{ lo, hi rune }
	spans := make([]span, 0, len(s)/2)
	for i := 0; i < len(s); i += 2 {
		spans = append(spans, span{s[i], s[i+1]})
	}
	slices.SortFunc(spans, func(a, b span) int { return int(a.lo - b.lo) })
	out := make(set, 0, len(s))
	for _, r := range spans {
		if n := len(out); n > 0 && r.lo <= out[n-1]+1 {
			out[n-1] = max(out[n-1], r.hi)
		} else {
			out = append(out, r.lo, r.hi)
		}
	}
	return out
}

func (s set) or(o set) set { return append(slices.Clone(s), o...).normal() }

func (s set) not() set {
	out, next := set{}, rune(0)
	for i := 0; i < len(s); i += 2 {
		if s[i] > next {
			out = append(out, next, s[i]-1)
		}
		next = s[i+1] + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, next, unicode.MaxRune)
	}
	return out
}

func (s set) and(o set) set { return s.not().or(o.not()).not() }

// folded adds the other case of every letter: of ASCII letters only, or of all.
func (s set) folded(all bool) set {
	out := slices.Clone(s)
	for i := 0; i < len(s); i += 2 {
		for r := s[i]; r <= s[i+1]; r++ {
			if r > unicode.MaxASCII && !all || r > 0x1ffff {
				break
			}
			if all {
				for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
					out = append(out, f, f)
				}
			} else if 'a' <= r|0x20 && r|0x20 <= 'z' {
				out = append(out, r^0x20, r^0x20)
			}
		}
	}
	return out.normal()
}

// String writes the set as a class that both engines read.
func (s set) String() string {
	if len(s) == 2 && s[0] == s[1] {
		return literal(s[0])
	}
	open, ranges := "[", s
	if n := s.not(); len(n) > 0 && len(n) < len(s) {
		open, ranges = "[^", n
	}
	var b strings.Builder
	b.WriteString(open)
	for i := 0; i < len(ranges); i += 2 {
		b.WriteString(classed(ranges[i]))
		if ranges[i+1] > ranges[i] {
			if ranges[i+1] > ranges[i]+1 {
				b.WriteByte('-')
			}
			b.WriteString(classed(ranges[i+1]))
		}
	}
	b.WriteByte(']')
	return b.String()
}

func literal(r rune) string {
	if strings.ContainsRune(`\.+*?()|[]{}^$#`, r) {
		return `\` + string(r)
	}
	return classed(r)
}

func classed(r rune) string {
	switch {
	case strings.ContainsRune(`\]^-[`, r):
		return `\` + string(r)
	case r < ' ' || r == 0x7f:
		return fmt.Sprintf(`\x%02x`, r)
	case r >= 0xd800 && r <= 0xdfff: // no text has half a character
		return "\ufffd"
	}
	return string(r)
}

var (
	digitSet   = between('0', '9')
	wordSet    = between('a', 'z', 'A', 'Z', '0', '9', '_', '_')
	spaceSet   = oneOf(" \t\n\v\f\r")
	blankSet   = oneOf(" \t\u00a0\u1680\u180e\u202f\u205f\u3000").or(between('\u2000', '\u200a'))
	lineSet    = oneOf("\n\v\f\r\u0085\u2028\u2029")
	endSet     = oneOf("\n\r\u0085\u2028\u2029")
	lowerSet   = between('a', 'z')
	upperSet   = between('A', 'Z')
	alphaSet   = lowerSet.or(upperSet)
	punctSet   = between('!', '/', ':', '@', '[', '`', '{', '~')
	everything = between(0, unicode.MaxRune)
)

// posix are the names of ASCII classes, which are Java's own.
func posix(name string) (set, bool) {
	switch name {
	case "ASCII":
		return between(0, 0x7f), true
	case "Alnum":
		return alphaSet.or(digitSet), true
	case "Alpha":
		return alphaSet, true
	case "Blank":
		return oneOf(" \t"), true
	case "Cntrl":
		return between(0, 0x1f, 0x7f, 0x7f), true
	case "Digit":
		return digitSet, true
	case "Graph":
		return between('!', '~'), true
	case "Lower":
		return lowerSet, true
	case "Print":
		return between(' ', '~'), true
	case "Punct":
		return punctSet, true
	case "Space":
		return spaceSet, true
	case "Upper":
		return upperSet, true
	case "XDigit":
		return digitSet.or(between('a', 'f', 'A', 'F')), true
	case "L1":
		return between(0, 0xff), true
	case "all":
		return everything, true
	}
	return nil, false
}

// property returns the characters of a \p{name}.
func property(name string) (set, bool) {
	if s, ok := posix(name); ok {
		return s, true
	}
	key, value, hasKey := strings.Cut(name, "=")
	if hasKey {
		switch strings.ToLower(key) {
		case "sc", "script":
			return script(value)
		case "gc", "general_category":
			return category(value)
		}
		return nil, false
	}
	if rest, ok := strings.CutPrefix(name, "java"); ok {
		return javaProperty(rest)
	}
	if rest, ok := strings.CutPrefix(name, "Is"); ok {
		if s, ok := binary(rest); ok {
			return s, true
		}
		if s, ok := category(rest); ok {
			return s, true
		}
		return script(rest)
	}
	return category(name)
}

func category(name string) (set, bool) {
	switch name {
	case "LC":
		return union("Lu", "Ll", "Lt"), true
	case "LD":
		return union("L", "Nd"), true
	case "Cn":
		var all set
		for _, c := range []string{"L", "M", "N", "P", "S", "Z", "C"} {
			all = all.or(fromTable(unicode.Categories[c]))
		}
		return all.not(), true
	}
	t, ok := unicode.Categories[name]
	if !ok {
		return nil, false
	}
	return fromTable(t), true
}

func script(name string) (set, bool) {
	for s, t := range unicode.Scripts {
		if strings.EqualFold(s, name) {
			return fromTable(t), true
		}
	}
	return nil, false
}

func union(categories ...string) (s set) {
	for _, c := range categories {
		s = s.or(fromTable(unicode.Categories[c]))
	}
	return s
}

// binary returns the Unicode properties that Java knows after Is.
func binary(name string) (set, bool) {
	tables := map[string][]*unicode.RangeTable{
		"ALPHABETIC":  {unicode.L, unicode.Nl, unicode.Other_Alphabetic},
		"LETTER":      {unicode.L},
		"IDEOGRAPHIC": {unicode.Ideographic},
		"LOWERCASE":   {unicode.Ll, unicode.Other_Lowercase},
		"UPPERCASE":   {unicode.Lu, unicode.Other_Uppercase},
		"TITLECASE":   {unicode.Lt},
		"WHITE_SPACE": {unicode.White_Space},
		"WHITESPACE":  {unicode.White_Space},
		"CONTROL":     {unicode.Cc},
		"PUNCTUATION": {unicode.P},
		"HEX_DIGIT":   {unicode.Nd, unicode.Hex_Digit},
		"HEXDIGIT":    {unicode.Nd, unicode.Hex_Digit},
		"DIGIT":       {unicode.Nd},
		"ALNUM":       {unicode.L, unicode.Nl, unicode.Other_Alphabetic, unicode.Nd},
	}
	name = strings.ToUpper(name)
	if name == "ASSIGNED" {
		s, _ := category("Cn")
		return s.not(), true
	}
	list, ok := tables[name]
	var s set
	for _, t := range list {
		s = s.or(fromTable(t))
	}
	return s, ok
}

// javaProperty returns what the methods of java.lang.Character say.
func javaProperty(name string) (set, bool) {
	switch name {
	case "LowerCase":
		return binary("LOWERCASE")
	case "UpperCase":
		return binary("UPPERCASE")
	case "Alphabetic":
		return binary("ALPHABETIC")
	case "Ideographic":
		return binary("IDEOGRAPHIC")
	case "TitleCase":
		return category("Lt")
	case "Digit":
		return category("Nd")
	case "Defined":
		return binary("ASSIGNED")
	case "Letter":
		return category("L")
	case "LetterOrDigit":
		return category("LD")
	case "SpaceChar":
		return category("Z")
	case "Whitespace":
		nbsp := oneOf("\u00a0\u2007\u202f")
		return union("Z").and(nbsp.not()).or(between('\t', '\r', 0x1c, 0x1f)), true
	case "ISOControl":
		return between(0, 0x1f, 0x7f, 0x9f), true
	case "JavaIdentifierStart":
		return union("L", "Nl", "Sc", "Pc"), true
	case "JavaIdentifierPart":
		return union("L", "Nl", "Sc", "Pc", "Nd", "Mc", "Mn", "Cf").or(between(0, 8, 0x0e, 0x1b, 0x7f, 0x9f)), true
	}
	return nil, false
}
