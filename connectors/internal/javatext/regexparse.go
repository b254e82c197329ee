package javatext

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf16"
)

// piece is a part of a translated pattern, in the words of regexp2, which has
// all that Java has, and in those of package regexp, which is right for texts
// of ASCII without line ends only, and not at all when the parser says so.
type piece struct {
	general, plain string
	empty          bool // may match nothing
}

func same(text string) piece { return piece{general: text, plain: text} }

func (p piece) then(o piece) piece {
	return piece{p.general + o.general, p.plain + o.plain, p.empty && o.empty}
}

func (p piece) wrap(open, end string) piece {
	p.general, p.plain = open+p.general+end, open+p.plain+end
	return p
}

type char struct {
	r      rune
	quoted bool // between \Q and \E
}

// regexFlags are the flags that a pattern can set within itself.
type regexFlags struct{ i, u, m, s, d, x, U bool }

type regexParser struct {
	pattern   string
	chars     []char
	at        int
	flags     regexFlags
	groups    int
	depth     int // of the open groups
	names     map[string]int
	generally bool // package regexp cannot do it
}

func parseRegex(pattern string) (p *regexParser, out piece, err error) {
	p = &regexParser{pattern: pattern, names: map[string]int{}}
	p.chars = unquote(pattern)
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			err = e
		}
	}()
	out = p.alternatives()
	if p.at < len(p.chars) {
		p.at++
		p.fail("Unmatched closing ')'", p.at-2)
	}
	return p, out, nil
}

// unquote takes out \Q and \E and marks what is between them.
func unquote(pattern string) []char {
	var out []char
	runes := []rune(pattern)
	quoted := false
	for i := 0; i < len(runes); i++ {
		next := rune(0)
		if i+1 < len(runes) {
			next = runes[i+1]
		}
		switch {
		case quoted && runes[i] == '\\' && next == 'E':
			quoted = false
			i++
		case quoted:
			out = append(out, char{runes[i], true})
		case runes[i] == '\\' && next == 'Q':
			quoted = true
			i++
		case runes[i] == '\\' && i+1 < len(runes):
			out = append(out, char{r: '\\'}, char{r: next})
			i++
		default:
			out = append(out, char{r: runes[i]})
		}
	}
	return out
}

// fail ends the parse as Java does, with the place where it stood.
func (p *regexParser) fail(message string, index int) {
	for _, c := range p.chars[:max(0, min(index, len(p.chars)))] {
		if c.quoted && !isWord(c.r) {
			index++ // Java puts a backslash before each of these
		}
	}
	if index >= 0 {
		message += fmt.Sprintf(" near index %d", index)
	}
	text := message + "\n" + p.pattern
	if index >= 0 && index < len(utf16.Encode([]rune(p.pattern))) {
		text += "\n" + strings.Repeat(" ", index) + "^"
	}
	panic(&Error{patternSyntax, text})
}

func isWord(r rune) bool { return r < 0x80 && (isDigit(byte(r)) || 'a' <= r|0x20 && r|0x20 <= 'z') }

// skip passes white space and comments when the pattern may have some.
func (p *regexParser) skip() {
	for p.flags.x && p.at < len(p.chars) && !p.chars[p.at].quoted {
		switch c := p.chars[p.at].r; {
		case strings.ContainsRune(" \t\n\v\f\r", c):
			p.at++
		case c == '#':
			for p.at < len(p.chars) && p.chars[p.at].r != '\n' {
				p.at++
			}
		default:
			return
		}
	}
}

// peek returns the next character if it can have a meaning: -1 at the end and
// for a quoted one.
func (p *regexParser) peek() rune {
	p.skip()
	return p.look(0)
}

func (p *regexParser) look(ahead int) rune {
	if i := p.at + ahead; i < len(p.chars) && !p.chars[i].quoted {
		return p.chars[i].r
	}
	return -1
}

func (p *regexParser) end() bool { p.skip(); return p.at >= len(p.chars) }

// accept passes c, if that is next.
func (p *regexParser) accept(c rune) bool {
	if p.peek() != c {
		return false
	}
	p.at++
	return true
}

func (p *regexParser) alternatives() piece {
	out := p.sequence()
	for p.accept('|') {
		o := p.sequence()
		out = piece{out.general + "|" + o.general, out.plain + "|" + o.plain, out.empty || o.empty}
	}
	return out
}

func (p *regexParser) sequence() piece {
	out := piece{empty: true}
	for !p.end() {
		var a piece
		switch c := p.peek(); c {
		case '|', ')':
			return out
		case '(':
			g, ok := p.group()
			if !ok {
				continue
			}
			a = g
		case '?', '*', '+':
			p.fail(fmt.Sprintf("Dangling meta character '%c'", c), p.at)
		case '{': // nothing is repeated
			a = piece{empty: true}.wrap("(?:", ")")
		case '^':
			p.at++
			a = p.caret()
		case '$':
			p.at++
			a = p.dollar()
		default:
			if class, ok := p.escapedAssertion(); ok {
				a = class
			} else {
				a = p.oneOf(p.oneChar())
			}
		}
		out = out.then(p.quantified(a))
	}
	return out
}

func (p *regexParser) oneOf(s set) piece {
	if len(s) == 0 {
		p.generally = true
		return piece{general: "(?!)"}
	}
	return same(s.String())
}

// oneChar reads what stands for one character: a class, an escape, a literal.
func (p *regexParser) oneChar() set {
	if p.chars[p.at].quoted {
		p.at++
		return p.single(p.chars[p.at-1].r)
	}
	switch c := p.peek(); c {
	case '.':
		p.at++
		switch {
		case p.flags.s:
			return everything
		case p.flags.d:
			return oneOf("\n").not()
		}
		return endSet.not()
	case '[':
		p.at++
		return p.class(true)
	case '\\':
		p.at++
		s, r := p.escape(false)
		if s == nil {
			return p.single(r)
		}
		return s
	default:
		p.at++
		return p.single(c)
	}
}

// single is one character under the flags.
func (p *regexParser) single(r rune) set { return p.fold(between(r, r)) }

func (p *regexParser) fold(s set) set {
	if p.flags.i {
		return s.folded(p.flags.u)
	}
	return s
}

func (p *regexParser) caret() piece {
	if !p.flags.m {
		return piece{`\A`, `\A`, true}
	}
	p.generally = true
	if p.flags.d {
		return piece{general: `(?:(?!\z)(?:\A|(?<=\n)))`, empty: true}
	}
	return piece{general: `(?:(?!\z)(?:\A|(?<=` + endSet.String() + `)(?<!\r(?=\n))))`, empty: true}
}

func (p *regexParser) dollar() piece {
	ends := endSet.String()
	switch {
	case p.flags.m && p.flags.d:
		return piece{`(?=\z|\n)`, `\z`, true}
	case p.flags.m:
		return piece{`(?:(?=\z|` + ends + `)(?<!\r(?=\n)))`, `\z`, true}
	case p.flags.d:
		return piece{`(?=\n?\z)`, `\z`, true}
	}
	return piece{`(?:(?=(?:\r\n|` + ends + `)?\z)(?<!\r(?=\n\z)))`, `\z`, true}
}

// quantified reads the quantifier that may follow.
func (p *regexParser) quantified(a piece) piece {
	low, high := 1, 1
	switch c := p.peek(); c {
	case '?':
		low = 0
	case '*':
		low, high = 0, math.MaxInt
	case '+':
		high = math.MaxInt
	case '{':
		low, high = p.counts()
	default:
		return a
	}
	p.at++
	text := ""
	switch {
	case low == 0 && high == 1:
		text = "?"
	case low == 0 && high == math.MaxInt:
		text = "*"
	case low == 1 && high == math.MaxInt:
		text = "+"
	case high == math.MaxInt:
		text = fmt.Sprintf("{%d,}", low)
	case low == high:
		text = fmt.Sprintf("{%d}", low)
	default:
		text = fmt.Sprintf("{%d,%d}", low, high)
	}
	if a.empty && high > 1 || max(low, high) > 1000 && high != math.MaxInt {
		p.generally = true // where the engines are not of one mind, or one refuses
	}
	possessive := false
	if p.accept('?') {
		text += "?"
	} else if p.accept('+') {
		possessive, p.generally = true, true
	}
	if possessive { // Java gives back nothing of a single turn either
		a = a.wrap("(?>(?>", ")"+text+")")
	} else {
		a = a.wrap("", text)
	}
	a.empty = a.empty || low == 0
	return a
}

// counts reads {n}, {n,} or {n,m} up to the closing brace.
func (p *regexParser) counts() (low, high int) {
	if c := p.look(1); c < '0' || c > '9' {
		p.fail("Illegal repetition", p.at+1)
	}
	p.at++
	number := func() int {
		n := 0
		for c := p.look(0); '0' <= c && c <= '9'; c = p.look(0) {
			if n = n*10 + int(c-'0'); n > math.MaxInt32 {
				p.fail("Illegal repetition range", p.at)
			}
			p.at++
		}
		return n
	}
	low = number()
	high = low
	if p.look(0) == ',' {
		p.at++
		if high = math.MaxInt; p.look(0) != '}' {
			high = number()
		}
	}
	if p.look(0) != '}' {
		p.fail("Unclosed counted closure", p.at)
	}
	if high < low {
		p.fail("Illegal repetition range", p.at)
	}
	return low, high
}

// group reads a group; ok is false when it only sets flags.
func (p *regexParser) group() (out piece, ok bool) {
	flags := p.flags
	p.at++
	open := "("
	if !p.accept('?') {
		p.groups++
	} else {
		c := p.look(0)
		p.at++
		switch {
		case c == ':':
			open = "(?:"
		case c == '>', c == '=', c == '!':
			open = "(?" + string(c)
			p.generally = true
		case c == '<' && (p.look(0) == '=' || p.look(0) == '!'):
			open = "(?<" + string(p.look(0))
			p.at++
			p.generally = true
		case c == '<':
			name := p.groupName()
			if _, dup := p.names[name]; dup {
				p.fail("Named capturing group <"+name+"> is already defined", p.at-1)
			}
			p.groups++
			p.names[name] = p.groups
		case c == '$' || c == '@':
			p.fail("Unknown group type", p.at-1)
		default:
			p.at--
			p.setFlags()
			c = p.look(0)
			p.at++
			if c == ')' {
				return piece{}, false
			}
			if c != ':' {
				p.fail("Unknown inline modifier", p.at-1)
			}
			open = "(?:"
		}
	}
	p.depth++
	out = p.alternatives()
	p.depth--
	if !p.accept(')') {
		p.fail("Unclosed group", p.at)
	}
	out = out.wrap(open, ")")
	if strings.HasSuffix(open, "=") || strings.HasSuffix(open, "!") {
		out.empty = true
	}
	p.flags = flags
	return out, true
}

func (p *regexParser) groupName() string {
	var b strings.Builder
	for {
		c := p.look(0)
		p.at++
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		switch {
		case b.Len() == 0 && !letter:
			p.fail("capturing group name does not start with a Latin letter", p.at-1)
		case letter || '0' <= c && c <= '9':
			b.WriteRune(c)
		case c == '>':
			return b.String()
		default:
			p.fail("named capturing group is missing trailing '>'", p.at-1)
		}
	}
}

// setFlags reads the flags of (?ims-x).
func (p *regexParser) setFlags() {
	on := true
	for {
		switch p.look(0) {
		case 'i':
			p.flags.i = on
		case 'm':
			p.flags.m = on
		case 's':
			p.flags.s = on
		case 'd':
			p.flags.d = on
		case 'u':
			p.flags.u = on
		case 'x':
			p.flags.x = on
		case 'U':
			p.flags.U = on
			p.flags.u = p.flags.u || on
		case 'c': // canonical equivalence, which Kafka's names do not need
		case '-':
			on = false
		default:
			return
		}
		p.at++
	}
}
