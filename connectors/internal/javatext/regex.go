package javatext

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/dlclark/regexp2"
)

// A Regex is a java.util.regex.Pattern. It may be used by many goroutines.
//
// Patterns are translated, so that one means what it means in Java. Texts that
// are plain ASCII, as Kafka's topic names are, go to package regexp when the
// pattern needs nothing that it lacks (look-around, back references, possessive
// quantifiers); all else goes to regexp2, which backtracks as Java does.
type Regex struct {
	groups      int
	names       map[string]int
	find, whole *regexp.Regexp // nil: regexp2 only
	general     func() (find, whole *regexp2.Regexp, err error)
}

// NewRegex compiles a pattern; the error is Java's PatternSyntaxException.
func NewRegex(pattern string) (*Regex, error) {
	p, text, err := parseRegex(pattern)
	if err != nil {
		return nil, err
	}
	r := &Regex{groups: p.groups, names: p.names}
	if !p.generally {
		if r.find, err = regexp.Compile(text.plain); err == nil {
			r.whole, err = regexp.Compile(`\A(?:` + text.plain + `)\z`)
		}
		if err != nil {
			r.find = nil
		}
	}
	var once sync.Once
	var find, whole *regexp2.Regexp
	var broken error
	r.general = func() (*regexp2.Regexp, *regexp2.Regexp, error) {
		once.Do(func() {
			if find, broken = regexp2.Compile(text.general, regexp2.None); broken == nil {
				whole, broken = regexp2.Compile(`\A(?:`+text.general+`)\z`, regexp2.None)
			}
		})
		return find, whole, broken
	}
	if r.find == nil {
		if _, _, err := r.general(); err != nil {
			return nil, &Error{patternSyntax, fmt.Sprintf("%v\n%s", err, pattern)}
		}
	}
	return r, nil
}

// Matches reports whether the pattern matches the whole text.
func (r *Regex) Matches(text string) (bool, error) {
	if r.find != nil && plain(text) {
		return r.whole.MatchString(text), nil
	}
	_, whole, err := r.general()
	if err != nil {
		return false, err
	}
	return whole.MatchString(text)
}

// ReplaceFirst returns the text with the first match replaced, in which $1 and
// ${name} stand for groups and a backslash quotes; the text itself when there
// is no match. The error is Java's IllegalArgumentException or
// IndexOutOfBoundsException over the replacement.
func (r *Regex) ReplaceFirst(text, replacement string) (string, error) {
	if r.find != nil && plain(text) {
		m := r.find.FindStringSubmatchIndex(text)
		if m == nil {
			return text, nil
		}
		return r.expand(text, m[0], m[1], replacement, func(n int) string {
			if m[2*n] < 0 {
				return ""
			}
			return text[m[2*n]:m[2*n+1]]
		})
	}
	find, _, err := r.general()
	if err != nil {
		return "", err
	}
	m, err := find.FindStringMatch(text)
	if m == nil || err != nil {
		return text, err
	}
	runes := []rune(text)
	from := len(string(runes[:m.Index]))
	to := from + len(string(runes[m.Index:m.Index+m.Length]))
	return r.expand(text, from, to, replacement, func(n int) string { return m.GroupByNumber(n).String() })
}

// plain reports whether the text has but ASCII and no line ends.
func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c >= 0x80 || c == '\n' || c == '\r' {
			return false
		}
	}
	return true
}

func (r *Regex) expand(text string, from, to int, replacement string, group func(int) string) (string, error) {
	var b strings.Builder
	b.Grow(len(text) + len(replacement))
	b.WriteString(text[:from])
	for i := 0; i < len(replacement); {
		c := replacement[i]
		i++
		switch c {
		case '\\':
			if i == len(replacement) {
				return "", &Error{illegalArgument, "character to be escaped is missing"}
			}
			b.WriteByte(replacement[i]) // the other bytes of a character follow by themselves
			i++
		case '$':
			n, end, err := r.groupIn(replacement, i)
			if err != nil {
				return "", err
			}
			b.WriteString(group(n))
			i = end
		default:
			b.WriteByte(c)
		}
	}
	b.WriteString(text[to:])
	return b.String(), nil
}

// groupIn reads the group after a dollar sign.
func (r *Regex) groupIn(s string, i int) (n, end int, err error) {
	bad := func(format string, args ...any) (int, int, error) {
		return 0, 0, &Error{illegalArgument, fmt.Sprintf(format, args...)}
	}
	if i == len(s) {
		return bad("Illegal group reference: group index is missing")
	}
	if s[i] == '{' {
		end = i + 1
		for end < len(s) && (isDigit(s[end]) || 'a' <= s[end]|0x20 && s[end]|0x20 <= 'z') {
			end++
		}
		name := s[i+1 : end]
		if name == "" {
			return bad("named capturing group has 0 length name")
		}
		if end == len(s) || s[end] != '}' {
			return bad("named capturing group is missing trailing '}'")
		}
		if isDigit(name[0]) {
			return bad("capturing group name {%s} starts with digit character", name)
		}
		n, ok := r.names[name]
		if !ok {
			return bad("No group with name {%s}", name)
		}
		return n, end + 1, nil
	}
	if !isDigit(s[i]) {
		return bad("Illegal group reference")
	}
	n = int(s[i] - '0')
	for i++; i < len(s) && isDigit(s[i]) && n*10+int(s[i]-'0') <= r.groups; i++ {
		n = n*10 + int(s[i]-'0')
	}
	if n > r.groups {
		return 0, 0, &Error{outOfBounds, fmt.Sprintf("No group %d", n)}
	}
	return n, i, nil
}
