package converters

import "github.com/millwright-connect/millwright/connectors/internal/jackson"

// members finds the two members of an envelope.
func (p *parser) members(b []byte) (schema, payload []byte, ok bool) {
	p.reset(b)
	if p.peek() != '{' {
		return nil, nil, false
	}
	p.i++
	for {
		if p.peek() != '"' {
			return nil, nil, false
		}
		from, to, plain := p.quoted()
		if !plain || p.peek() != ':' {
			return nil, nil, false
		}
		p.i++
		p.peek()
		at := p.i
		if !p.skip(1) {
			return nil, nil, false
		}
		switch string(b[from:to]) {
		case "schema":
			if schema != nil {
				return nil, nil, false
			}
			schema = b[at:p.i]
		case "payload":
			if payload != nil {
				return nil, nil, false
			}
			payload = b[at:p.i]
		default:
			return nil, nil, false
		}
		switch p.peek() {
		case ',':
			p.i++
		case '}':
			return schema, payload, schema != nil && payload != nil
		default:
			return nil, nil, false
		}
	}
}

// skip passes a value and sees that it follows the grammar; i is at its first
// byte.
func (p *parser) skip(depth int) bool {
	if p.i >= len(p.b) {
		return false
	}
	c := p.b[p.i]
	switch c {
	case '"':
		at := p.i
		if _, _, plain := p.quoted(); plain {
			return true
		}
		p.i = at
		_, ok := p.text()
		return ok
	case 'n':
		return p.word("null")
	case 't':
		return p.word("true")
	case 'f':
		return p.word("false")
	case '{', '[':
		return depth < jackson.MaxDepth && p.skipAll(c, depth+1)
	}
	_, ok := p.number()
	return ok
}

// skipAll passes an object or an array.
func (p *parser) skipAll(open byte, depth int) bool {
	p.i++
	if p.peek() == open+2 { // ']' and '}' stand two after '[' and '{'
		p.i++
		return true
	}
	for {
		if open == '{' {
			if p.peek() != '"' || !p.skip(depth) || p.peek() != ':' {
				return false
			}
			p.i++
		}
		p.peek()
		if !p.skip(depth) {
			return false
		}
		c := p.peek()
		p.i++
		if c == open+2 {
			return true
		}
		if c != ',' {
			return false
		}
	}
}
