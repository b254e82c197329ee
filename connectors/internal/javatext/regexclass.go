package javatext

import (
	"strconv"
	"strings"
)

// escapedAssertion reads an escape that does not stand for one character:
// boundaries, line ends and back references.
func (p *regexParser) escapedAssertion() (piece, bool) {
	if p.peek() != '\\' {
		return piece{}, false
	}
	c := p.look(1)
	word := "[_\\p{L}\\p{Nd}]"
	switch {
	case c == 'A' || c == 'G':
		p.at += 2
		return piece{`\A`, `\A`, true}, true
	case c == 'z':
		p.at += 2
		return piece{`\z`, `\z`, true}, true
	case c == 'Z':
		p.at += 2
		multi := p.flags.m
		p.flags.m = false
		d := p.dollar()
		p.flags.m = multi
		return d, true
	case c == 'b' && (p.look(2) != '{' || p.look(3) != 'g'):
		p.at += 2
		return piece{`(?:(?<=` + word + `)(?!` + word + `)|(?<!` + word + `)(?=` + word + `))`, `\b`, true}, true
	case c == 'B':
		p.at += 2
		return piece{`(?:(?<=` + word + `)(?=` + word + `)|(?<!` + word + `)(?!` + word + `))`, `\B`, true}, true
	case c == 'R':
		p.at += 2
		return piece{general: `(?>\r\n|` + lineSet.String() + `)`, plain: lineSet.String()}, true
	case '1' <= c && c <= '9':
		p.at++
		return p.reference(), true
	case c == 'k':
		p.at += 2
		if p.look(0) != '<' {
			p.fail(`\k is not followed by '<' for named capturing group`, p.at)
		}
		p.at++
		name := p.groupName()
		n, ok := p.names[name]
		if !ok {
			p.fail("named capturing group <"+name+"> does not exist", p.at-1)
		}
		return p.backTo(n), true
	}
	return piece{}, false
}

// reference reads a number, as many digits as there are groups.
func (p *regexParser) reference() piece {
	n := int(p.look(0) - '0')
	p.at++
	for c := p.look(0); '0' <= c && c <= '9' && n*10+int(c-'0') <= p.groups; c = p.look(0) {
		n = n*10 + int(c-'0')
		p.at++
	}
	return p.backTo(n)
}

func (p *regexParser) backTo(n int) piece {
	p.generally = true
	if n > p.groups {
		return piece{general: "(?!)"} // a group that is not there never matches
	}
	open := "(?:"
	if p.flags.i {
		open = "(?i:"
	}
	return piece{general: open + `\` + strconv.Itoa(n) + ")", empty: true}
}

// escape reads what follows a backslash: a class, or one character.
func (p *regexParser) escape(inClass bool) (set, rune) {
	if p.at >= len(p.chars) {
		// Java reads past the end here, and complains of what it misses there.
		switch {
		case inClass:
			p.fail("Unclosed character class", p.at)
		case p.depth > 0:
			p.fail("Unclosed group", p.at+1)
		}
		p.fail("Unexpected internal error", p.at)
	}
	c := p.chars[p.at].r
	p.at++
	class := func(s set, negative bool) (set, rune) {
		if negative {
			s = s.not()
		}
		return s, 0
	}
	switch c {
	case 'd', 'D':
		return class(p.unicoded(digitSet, "DIGIT"), c == 'D')
	case 'w', 'W':
		s := wordSet
		if p.flags.U {
			s, _ = binary("ALPHABETIC")
			s = s.or(union("M", "Nd", "Pc")).or(between(0x200c, 0x200d))
		}
		return class(s, c == 'W')
	case 's', 'S':
		return class(p.unicoded(spaceSet, "WHITE_SPACE"), c == 'S')
	case 'h', 'H':
		return class(blankSet, c == 'H')
	case 'v', 'V':
		return class(lineSet, c == 'V')
	case 'p', 'P':
		return class(p.family(), c == 'P')
	case 'N', 'X', 'b':
		if !inClass || c == 'N' {
			p.fail(`Millwright does not know the escape \`+string(c)+` in this form`, p.at-1)
		}
	case 'a':
		return nil, 7
	case 'e':
		return nil, 0x1b
	case 'f':
		return nil, '\f'
	case 'n':
		return nil, '\n'
	case 'r':
		return nil, '\r'
	case 't':
		return nil, '\t'
	case 'c':
		if p.at >= len(p.chars) {
			p.fail("Illegal control escape sequence", p.at-1)
		}
		p.at++
		return nil, p.chars[p.at-1].r ^ 64
	case '0':
		return nil, p.octal()
	case 'x':
		return nil, p.hex()
	case 'u':
		return nil, p.utf16()
	}
	if 'a' <= c|0x20 && c|0x20 <= 'z' || '1' <= c && c <= '9' {
		p.fail("Illegal/unsupported escape sequence", p.at-1)
	}
	return nil, c
}

// unicoded is s, or with the flag U the Unicode property.
func (p *regexParser) unicoded(s set, name string) set {
	if p.flags.U {
		s, _ = binary(name)
	}
	return s
}

func (p *regexParser) digitsOf(base rune, most int) (n rune, count int) {
	for count < most {
		d := p.look(0)
		switch {
		case '0' <= d && d <= '9':
			d -= '0'
		case 'a' <= d|0x20 && d|0x20 <= 'f':
			d = d | 0x20 - 'a' + 10
		default:
			return n, count
		}
		if d >= base {
			return n, count
		}
		n = n*base + d
		count++
		p.at++
	}
	return n, count
}

func (p *regexParser) octal() rune {
	most := 2
	if c := p.look(0); '0' <= c && c <= '3' {
		most = 3
	}
	n, count := p.digitsOf(8, most)
	if count == 0 {
		p.fail("Illegal octal escape sequence", p.at)
	}
	return n
}

func (p *regexParser) hex() rune {
	if p.look(0) == '{' {
		p.at++
		n, count := p.digitsOf(16, 8)
		if count == 0 || p.look(0) != '}' {
			p.fail("Unclosed hexadecimal escape sequence", p.at)
		}
		if n > 0x10ffff {
			p.fail("Hexadecimal codepoint is too big", p.at)
		}
		p.at++
		return n
	}
	n, count := p.digitsOf(16, 2)
	if count < 2 {
		p.fail("Illegal hexadecimal escape sequence", p.at)
	}
	return n
}

// utf16 reads four digits, twice for a character of two halves.
func (p *regexParser) utf16() rune {
	n, count := p.digitsOf(16, 4)
	if count < 4 {
		p.fail("Illegal Unicode escape sequence", p.at)
	}
	if n>>10 == 0xd800>>10 && p.look(0) == '\\' && p.look(1) == 'u' {
		at := p.at
		p.at += 2
		if low, count := p.digitsOf(16, 4); count == 4 && low>>10 == 0xdc00>>10 {
			return (n-0xd800)<<10 + (low - 0xdc00) + 0x10000
		}
		p.at = at
	}
	return n
}

// family reads the name of a property.
func (p *regexParser) family() set {
	name := ""
	if p.look(0) != '{' {
		if p.at < len(p.chars) {
			name = string(p.chars[p.at].r)
		}
		p.at++
	} else {
		var b strings.Builder
		for p.at++; p.look(0) != '}'; p.at++ {
			if p.at >= len(p.chars) {
				p.fail("Unclosed character family", p.at)
			}
			b.WriteRune(p.chars[p.at].r)
		}
		p.at++
		if name = b.String(); name == "" {
			p.fail("Empty character family", p.at-1)
		}
	}
	if p.flags.i && strings.Contains(" Lower Upper Lu Ll Lt IsLowercase IsUppercase IsTitlecase javaLowerCase javaUpperCase javaTitleCase ", " "+name+" ") {
		if name == "Lower" || name == "Upper" {
			return alphaSet
		}
		return union("Lu", "Ll", "Lt")
	}
	s, ok := property(name)
	if !ok {
		p.fail("Unknown character property name {"+name+"}", p.at-1)
	}
	return s
}

// class reads what is in brackets, the opening one being read. Unless whole, it
// is the right side of && and ends before the closing bracket.
func (p *regexParser) class(whole bool) set {
	var s set
	some, negative := false, false
	add := func(o set) { s, some = s.or(o), true }
	if whole && p.accept('^') {
		negative = true
	}
	for {
		if p.end() {
			p.fail("Unclosed character class", p.at-1)
		}
		switch {
		case p.peek() == '[':
			p.at++
			add(p.class(true))
			continue
		case p.peek() == '&' && p.look(1) == '&':
			p.at += 2
			var right set
			any := false
			for !p.end() && p.peek() != ']' && p.peek() != '&' {
				any = true
				if p.peek() == '[' {
					p.at++
					right = right.or(p.class(true))
				} else {
					right = right.or(p.class(false))
				}
			}
			switch {
			case !some && !any:
				p.fail("Bad class syntax", p.at)
			case !some:
				s, some = right, true
			case any:
				s = s.and(right)
			}
			continue
		case p.peek() == ']' && some:
			if whole {
				p.at++
			}
			if negative {
				s = s.not()
			}
			return s
		}
		add(p.span())
	}
}

// span reads one character, a range, or an escaped class.
func (p *regexParser) span() set {
	from, s := p.classChar()
	if s != nil {
		return s
	}
	if p.peek() != '-' || p.look(1) == ']' || p.look(1) == '[' {
		return p.fold(between(from, from))
	}
	p.at++
	if p.end() || p.peek() == '\\' && p.at+1 == len(p.chars) {
		p.fail("Illegal character range", len(p.chars))
	}
	to, s := p.classChar()
	if s != nil || to < from {
		p.fail("Illegal character range", p.at-1)
	}
	return p.fold(between(from, to))
}

func (p *regexParser) classChar() (rune, set) {
	p.skip()
	if p.at >= len(p.chars) {
		p.fail("Unclosed character class", p.at-1)
	}
	c := p.chars[p.at]
	p.at++
	if c.r != '\\' || c.quoted {
		return c.r, nil
	}
	s, r := p.escape(true)
	return r, s
}
