package converters

import (
	"encoding/base64"
	"encoding/binary"
	"math/bits"

	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/connectors/internal/jackson"
)

// A parser reads payloads in one pass, from bytes to values. It answers only
// what is beyond doubt, in particular: JSON that follows the grammar, of the
// types of the schema. Its methods report false for all else, which then is
// read by way of a tree; so none of the rules for odd input is here.
//
// The bytes must be valid UTF-8. Texts are parts of one copy of them.
type parser struct {
	b     []byte
	i     int
	copy  string // of b; empty: not made yet
	stack []data.Value
	pairs []data.Entry
}

func (p *parser) reset(b []byte) { p.b, p.i, p.copy = b, 0, "" }

// root reads b, which is one value, followed by anything as far as Jackson
// lets it.
func (p *parser) root(r *reader, b []byte) (data.Value, bool) {
	p.reset(b)
	v, ok := p.value(r, 0)
	if ok && p.i < len(b) && !jackson.IsSpace(b[p.i]) {
		last := b[p.i-1]
		ok = last == '"' || last == '}' || last == ']'
	}
	p.reset(nil)
	return v, ok
}

// enclosed reads b, which is one value and the end of the object around it.
func (p *parser) enclosed(r *reader, b []byte) (data.Value, bool) {
	p.reset(b)
	v, ok := p.value(r, 1)
	ok = ok && p.peek() == '}'
	p.reset(nil)
	return v, ok
}

// peek skips space and returns the next byte, or 0 at the end.
func (p *parser) peek() byte {
	for p.i < len(p.b) {
		c := p.b[p.i]
		if c > ' ' {
			return c
		}
		if !jackson.IsSpace(c) {
			return 0
		}
		p.i++
	}
	return 0
}

// str returns a part of the text that outlives the bytes.
func (p *parser) str(from, to int) string {
	if p.copy == "" {
		p.copy = string(p.b)
	}
	return p.copy[from:to]
}

func repeat(c byte) uint64 { return 0x0101010101010101 * uint64(c) }

// quoted passes a string that begins at i; plain tells that it has no escapes,
// and then b[from:to] is its text. Without plain, i may be anywhere.
func (p *parser) quoted() (from, to int, plain bool) {
	b, i := p.b, p.i+1
	from = i
	for i+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, slash := w^repeat('"'), w^repeat('\\')
		stop := ((quote-repeat(1))&^quote | (slash-repeat(1))&^slash | (w-repeat(0x20))&^w) & repeat(0x80)
		if stop != 0 {
			i += bits.TrailingZeros64(stop) / 8
			p.i = i + 1
			return from, i, b[i] == '"'
		}
		i += 8
	}
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			p.i = i + 1
			return from, i, true
		case c == '\\', c < 0x20:
			return 0, 0, false
		}
	}
	return 0, 0, false
}

// text reads a string that begins at i.
func (p *parser) text() (string, bool) {
	at := p.i
	if from, to, plain := p.quoted(); plain {
		return p.str(from, to), true
	}
	s, end, err := jackson.Unquote(p.b, at)
	p.i = end
	return s, err == nil
}

// word passes a literal. What follows it is seen by the caller.
func (p *parser) word(w string) bool {
	if len(p.b)-p.i < len(w) || string(p.b[p.i:p.i+len(w)]) != w {
		return false
	}
	p.i += len(w)
	return true
}

// value reads the value of a schema; depth is the number of containers around.
func (p *parser) value(r *reader, depth int) (v data.Value, ok bool) {
	c := p.peek()
	if c == 'n' {
		if !p.word("null") {
			return v, false
		}
		return r.null()
	}
	if r.schema == nil {
		return p.any(r, c, depth)
	}
	if r.logical != plainType {
		return p.logical(r, c)
	}
	switch r.kind {
	case data.String:
		if c != '"' {
			return v, false
		}
		s, ok := p.text()
		return data.Str(s), ok
	case data.Bool:
		return p.bool(c)
	case data.Bytes:
		b, ok := p.base64(c)
		return data.Bin(b), ok
	case data.StructKind:
		if c != '{' || depth >= jackson.MaxDepth {
			return v, false
		}
		return p.structure(r, depth+1)
	case data.Map:
		if r.key.kind != data.String {
			if c != '[' || depth >= jackson.MaxDepth-1 {
				return v, false
			}
			return p.tuples(r, depth+1)
		}
		if c != '{' || depth >= jackson.MaxDepth {
			return v, false
		}
		return p.object(r.elem, depth+1)
	case data.Array:
		if c != '[' || depth >= jackson.MaxDepth {
			return v, false
		}
		return p.array(r.elem, depth+1)
	}
	n, ok := p.number()
	if !ok {
		return v, false
	}
	switch r.kind {
	case data.Float64:
		return data.F64(p.float64(&n)), true
	case data.Float32:
		return data.F32(p.float32(&n)), true
	}
	i, ok := n.int64()
	switch r.kind {
	case data.Int8:
		v = data.I8(int8(i))
	case data.Int16:
		v = data.I16(int16(i))
	case data.Int32:
		v = data.I32(int32(i))
	default:
		v = data.I64(i)
	}
	return v, ok
}

func (p *parser) bool(c byte) (data.Value, bool) {
	if c == 't' {
		return data.B(true), p.word("true")
	}
	return data.B(false), p.word("false")
}

func (p *parser) base64(c byte) ([]byte, bool) {
	if c != '"' {
		return nil, false
	}
	from, to, plain := p.quoted()
	if !plain {
		return nil, false
	}
	b := make([]byte, base64.StdEncoding.DecodedLen(to-from))
	n, err := base64.StdEncoding.Decode(b, p.b[from:to])
	return b[:n], err == nil
}

func (p *parser) logical(r *reader, c byte) (v data.Value, ok bool) {
	if r.logical == decimalType {
		if c != '"' || r.scaleErr != nil {
			return v, false
		}
		b, ok := p.base64(c)
		if !ok || len(b) == 0 {
			return v, false
		}
		return data.Dec(data.BigIntOf(b), int32(r.scale)), true
	}
	n, ok := p.number()
	if !ok {
		return v, false
	}
	i, ok := n.int64()
	switch r.logical {
	case dateType:
		return data.Millis(i * dayMillis), ok && i == int64(int32(i))
	case timeType:
		return data.Millis(i), ok && 0 <= i && i <= dayMillis
	default:
		return data.Millis(i), ok
	}
}

// any reads a value that has no schema; c is its first byte.
func (p *parser) any(r *reader, c byte, depth int) (v data.Value, ok bool) {
	switch c {
	case '"':
		s, ok := p.text()
		return data.Str(s), ok
	case '{':
		return p.object(r, depth+1)
	case '[':
		return p.array(r, depth+1)
	case 't', 'f':
		return p.bool(c)
	}
	n, ok := p.number()
	switch {
	case !ok:
		return v, false
	case n.float:
		return data.F64(p.float64(&n)), true
	}
	i, ok := n.int64()
	return data.I64(i), ok
}

// structure reads an object as a struct. Fields are expected in the schema's
// order, but need not be.
func (p *parser) structure(r *reader, depth int) (v data.Value, ok bool) {
	values := make([]data.Value, len(r.fields))
	p.i++
	if p.peek() == '}' {
		p.i++
	} else {
		for next := 0; ; {
			at, ok := p.field(r, next)
			if !ok {
				return v, false
			}
			if at < 0 { // no such field
				p.peek()
				ok = p.skip(depth)
			} else {
				values[at], ok = p.value(r.fields[at].r, depth)
				next = at + 1
			}
			if !ok {
				return v, false
			}
			c := p.peek()
			p.i++
			if c == '}' {
				break
			}
			if c != ',' {
				return v, false
			}
		}
	}
	for i := range values {
		if values[i].IsNull() {
			if values[i], ok = r.fields[i].r.null(); !ok {
				return v, false
			}
		}
	}
	return data.NewStruct(r.schema, values...).Value(), true
}

// field passes a name and its colon, and returns the field's position, which
// probably is next, or -1.
func (p *parser) field(r *reader, next int) (int, bool) {
	if p.peek() != '"' {
		return 0, false
	}
	if next < len(r.fields) {
		if q := r.fields[next].quote; len(p.b)-p.i >= len(q) && string(p.b[p.i:p.i+len(q)]) == string(q) {
			p.i += len(q)
			return next, true
		}
	}
	from, to, plain := p.quoted()
	if !plain || p.peek() != ':' {
		return 0, false
	}
	p.i++
	return r.schema.Index(string(p.b[from:to])), true
}

func (p *parser) object(elem *reader, depth int) (v data.Value, ok bool) {
	if depth > jackson.MaxDepth {
		return v, false
	}
	base := len(p.pairs)
	p.i++
	if p.peek() == '}' {
		p.i++
		return data.MapFrom(nil), true
	}
	for {
		var e data.Entry
		if p.peek() != '"' {
			break
		}
		name, ok := p.text()
		if !ok || p.peek() != ':' {
			break
		}
		p.i++
		e.Key = data.Str(name)
		if e.Value, ok = p.value(elem, depth); !ok {
			break
		}
		p.pairs = append(p.pairs, e)
		c := p.peek()
		p.i++
		if c == '}' {
			return data.MapFrom(p.popPairs(base)), true
		}
		if c != ',' {
			break
		}
	}
	p.popPairs(base)
	return v, false
}

// popPairs takes the entries from base on off the stack.
func (p *parser) popPairs(base int) []data.Entry {
	top := p.pairs[base:]
	entries := append([]data.Entry(nil), top...)
	clear(top)
	p.pairs = p.pairs[:base]
	return entries
}

func (p *parser) array(elem *reader, depth int) (v data.Value, ok bool) {
	if depth > jackson.MaxDepth {
		return v, false
	}
	base := len(p.stack)
	p.i++
	if p.peek() == ']' {
		p.i++
		return data.List(nil), true
	}
	for {
		if v, ok = p.value(elem, depth); !ok {
			break
		}
		p.stack = append(p.stack, v)
		c := p.peek()
		p.i++
		if c == ']' {
			return data.List(p.popValues(base)), true
		}
		if c != ',' {
			break
		}
	}
	p.popValues(base)
	return v, false
}

func (p *parser) popValues(base int) []data.Value {
	top := p.stack[base:]
	list := append([]data.Value(nil), top...)
	clear(top)
	p.stack = p.stack[:base]
	return list
}

// tuples reads a map that is written as an array of pairs.
func (p *parser) tuples(r *reader, depth int) (v data.Value, ok bool) {
	base := len(p.pairs)
	p.i++
	if p.peek() == ']' {
		p.i++
		return data.MapFrom(nil), true
	}
	for {
		e, ok := p.tuple(r, depth+1)
		if !ok {
			break
		}
		p.pairs = append(p.pairs, e)
		c := p.peek()
		p.i++
		if c == ']' {
			return data.MapFrom(p.popPairs(base)), true
		}
		if c != ',' {
			break
		}
	}
	p.popPairs(base)
	return v, false
}

func (p *parser) tuple(r *reader, depth int) (e data.Entry, ok bool) {
	if p.peek() != '[' {
		return e, false
	}
	p.i++
	if e.Key, ok = p.value(r.key, depth); !ok || p.peek() != ',' {
		return e, false
	}
	p.i++
	if e.Value, ok = p.value(r.elem, depth); !ok || p.peek() != ']' {
		return e, false
	}
	p.i++
	return e, true
}
