package data

import "strings"

// tokens splits text at : , { } [ ] and ", each a token of its own unless a
// backslash stands before it.
type tokens struct {
	text     string
	at       int
	ahead    string // a token that was read but not taken
	hasAhead bool
	last     string
}

// mark returns where the next token begins, for rewind.
func (t *tokens) mark() int { return t.at - len(t.ahead) }

func (t *tokens) rewind(to int) { *t = tokens{text: t.text, at: to} }

func (t *tokens) more() bool { return t.hasAhead || t.at < len(t.text) }

func (t *tokens) next() string {
	if t.hasAhead {
		t.last = t.ahead
		t.ahead, t.hasAhead = "", false
	} else {
		t.last = t.read()
	}
	return t.last
}

// nextOf takes n tokens and returns their text, or takes none.
func (t *tokens) nextOf(n int) (string, bool) {
	start := t.mark()
	for range n {
		if !t.more() {
			t.rewind(start)
			return "", false
		}
		t.next()
	}
	return t.text[start:t.at], true
}

func (t *tokens) read() string {
	start, escaped := t.at, false
	for ; t.at < len(t.text); t.at++ {
		switch t.text[t.at] {
		case '\\':
			escaped = !escaped
		case ':', ',', '{', '}', '[', ']', '"':
			if !escaped {
				if t.at == start {
					t.at++
				}
				return t.text[start:t.at]
			}
			escaped = false
		default:
			escaped = false
		}
	}
	return t.text[start:]
}

// take takes the next token if it is want, blanks around it aside. Blank tokens
// before it are gone even if it is not.
func (t *tokens) take(want string) bool {
	if !t.hasAhead {
		if !t.more() {
			return false
		}
		t.ahead, t.hasAhead = t.read(), true
	}
	for trim(t.ahead) == "" && t.at < len(t.text) {
		t.ahead = t.read()
	}
	if trim(t.ahead) != want {
		return false
	}
	t.ahead, t.hasAhead = "", false
	return true
}

// trim is Java's String.trim, which takes off all that is not above a space.
func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
}
