package kafka

import (
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A login is the entry of a JAAS configuration that Java's clients use.
type login struct {
	module  string
	options map[string]string
}

// parseJAAS reads the value of sasl.jaas.config: a login module class, a
// control flag, options as key=value, and a semicolon. Errors never show what
// was read beyond keys: values are secrets.
func parseJAAS(text string) (l login, err error) {
	bad := func(format string, args ...any) (login, error) {
		return login{}, connect.Errorf(illegalArgument, format, args...)
	}
	words := jaasScanner{s: text}
	module, _ := words.next()
	if module == "" || module == ";" {
		return bad("Login module not specified in JAAS config")
	}
	switch flag, _ := words.next(); strings.ToUpper(flag) {
	case "REQUIRED", "REQUISITE", "SUFFICIENT", "OPTIONAL":
	case "", ";":
		return bad("Login module control flag not specified in JAAS config")
	default:
		for _, begin := range []string{"req", "suf", "opt"} {
			if strings.HasPrefix(strings.ToLower(flag), begin) { // a mistyped flag; anything else may be a secret
				return bad("Invalid login module control flag '%s' in JAAS config", flag)
			}
		}
		return bad("Invalid login module control flag in JAAS config; write: required")
	}
	l = login{module, map[string]string{}}
	for {
		key, quoted := words.next()
		switch {
		case key == "" && !quoted:
			return bad("JAAS config entry not terminated by semi-colon")
		case key == ";" && !quoted:
			if rest, _ := words.next(); rest != "" {
				return bad("JAAS config property contains more than one login module")
			}
			return l, nil
		}
		if eq, _ := words.next(); eq != "=" {
			return bad("Value not specified for key '%s' in JAAS config", key)
		}
		value, quoted := words.next()
		if !quoted && (value == "" || value == ";" || value == "=") {
			return bad("Value not specified for key '%s' in JAAS config", key)
		}
		l.options[key] = value
	}
}

// jaasScanner splits a JAAS configuration into words, texts in quotes, and the
// marks = and ;. Comments are those of Java.
type jaasScanner struct {
	s string
	i int
}

// next returns the next word; an empty one that is not quoted is the end.
func (j *jaasScanner) next() (word string, quoted bool) {
	for j.i < len(j.s) {
		c, rest := j.s[j.i], j.s[j.i:]
		switch {
		case c <= ' ':
			j.i++
		case strings.HasPrefix(rest, "//"):
			j.skip("\n", 2)
		case strings.HasPrefix(rest, "/*"):
			j.skip("*/", 2)
		case c == '=' || c == ';':
			j.i++
			return string(c), false
		case c == '"' || c == '\'':
			return j.quoted(c), true
		default:
			from := j.i
			for j.i < len(j.s) && j.s[j.i] > ' ' && !strings.ContainsRune(`=;"'`, rune(j.s[j.i])) {
				j.i++
			}
			return j.s[from:j.i], false
		}
	}
	return "", false
}

func (j *jaasScanner) skip(end string, from int) {
	if n := strings.Index(j.s[j.i+from:], end); n >= 0 {
		j.i += from + n + len(end)
	} else {
		j.i = len(j.s)
	}
}

func (j *jaasScanner) quoted(end byte) string {
	var b strings.Builder
	for j.i++; j.i < len(j.s); j.i++ {
		switch c := j.s[j.i]; {
		case c == end:
			j.i++
			return b.String()
		case c == '\\' && j.i+1 < len(j.s):
			j.i++
			switch e := j.s[j.i]; e {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case 'r':
				b.WriteByte('\r')
			default:
				b.WriteByte(e)
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
