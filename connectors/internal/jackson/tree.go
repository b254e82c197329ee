// Package jackson reads JSON into trees as Java's Jackson does, with its
// leniencies and limits, and writes numbers and bytes as it does. Texts are
// written by data.AppendJSONString.
//
// The package imports data and the standard library.
package jackson

import (
	"math/big"
	"slices"
	"strconv"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/millwright-connect/millwright/connectors/data"
)

// MaxDepth is how deep JSON may be nested.
const MaxDepth = 1000

// serializationException is Java's name of the error for what is no JSON.
const serializationException = "org.apache.kafka.common.errors.SerializationException"

// A Kind is a kind of JSON value, as finely as Java tells them apart.
type Kind uint8

// The kinds.
const (
	Missing Kind = iota // there was no value at all
	Null
	False
	True
	Int
	Float
	Text
	Array
	Object
)

// String returns Jackson's name of the kind.
func (k Kind) String() string {
	return [...]string{"MISSING", "NULL", "BOOLEAN", "BOOLEAN", "NUMBER", "NUMBER", "STRING", "ARRAY", "OBJECT"}[k]
}

// A Node is one JSON value read into a tree.
type Node struct {
	Kind  Kind
	Text  string // of text; the literal of a number
	Names []string
	Kids  []*Node // of an array, or the members of an object
}

// Get returns a member of an object, or nil.
func (n *Node) Get(name string) *Node {
	for i, m := range n.Names {
		if m == name {
			return n.Kids[i]
		}
	}
	return nil
}

// Decimal returns a number exactly, as unscaled × 10^-scale.
func (n *Node) Decimal() (unscaled *big.Int, scale int32) {
	unscaled, scale, _ = parseDecimal(n.Text)
	return unscaled, scale
}

func parseDecimal(lit string) (*big.Int, int32, bool) {
	digits := make([]byte, 0, len(lit))
	scale := int64(0)
	for i := 0; i < len(lit); i++ {
		switch c := lit[i]; c {
		case '.':
			for i++; i < len(lit) && lit[i]|0x20 != 'e'; i++ {
				digits = append(digits, lit[i])
				scale++
			}
			i--
		case 'e', 'E':
			exp, err := strconv.ParseInt(lit[i+1:], 10, 32)
			if err != nil {
				return nil, 0, false
			}
			scale -= exp
			i = len(lit)
		default:
			digits = append(digits, c)
		}
	}
	if scale != int64(int32(scale)) {
		return nil, 0, false
	}
	n, ok := new(big.Int).SetString(string(digits), 10)
	return n, int32(scale), ok
}

// Int64 returns a number's whole part, cut to 64 bits as Java casts it; 0 for
// what is no number.
func (n *Node) Int64() int64 {
	if n.Kind != Int && n.Kind != Float {
		return 0
	}
	if v, err := strconv.ParseInt(n.Text, 10, 64); err == nil {
		return v
	}
	u, scale := n.Decimal()
	switch {
	case scale <= -64: // a multiple of 2^64
		return 0
	case scale < 0:
		u = new(big.Int).Mul(u, pow10(int64(-scale)))
	case int(scale) > len(n.Text):
		return 0
	case scale > 0:
		u = new(big.Int).Quo(u, pow10(int64(scale)))
	}
	low := new(big.Int).And(u, new(big.Int).SetUint64(1<<64-1)) // of two's complement
	return int64(low.Uint64())
}

func pow10(n int64) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(n), nil) }

// Float returns a number as the nearest float; 0 for what is no number.
func (n *Node) Float(bits int) float64 {
	if n.Kind != Int && n.Kind != Float {
		return 0
	}
	f, _ := strconv.ParseFloat(n.Text, bits) // out of range: ±Inf, as in Java
	if f == 0 && AllZero(n.Text) {
		return 0 // BigDecimal knows no -0
	}
	return f
}

// AllZero reports whether a number has no other digit than 0.
func AllZero(lit string) bool {
	for i := 0; i < len(lit) && lit[i]|0x20 != 'e'; i++ {
		if '1' <= lit[i] && lit[i] <= '9' {
			return false
		}
	}
	return true
}

// Unquote reads the string that begins at b[i], and returns where it ends.
func Unquote(b []byte, i int) (string, int, error) {
	p := treeParser{b: b, i: i}
	s, err := p.text()
	return s, p.i, err
}

// A treeParser reads JSON with Jackson's leniencies and limits: the first value
// counts and what follows is not looked at, leading zeros are allowed, the last
// of two members of one name wins.
type treeParser struct {
	b    []byte
	i    int
	free []Node // made in one go
}

func (p *treeParser) node(k Kind) *Node {
	if len(p.free) == 0 {
		p.free = make([]Node, 16)
	}
	n := &p.free[0]
	p.free = p.free[1:]
	n.Kind = k
	return n
}

// Parse reads the first value of b, in UTF-8, UTF-16 or UTF-32.
func Parse(b []byte) (*Node, error) {
	p := treeParser{b: toUTF8(b)}
	p.space()
	if p.i == len(p.b) {
		return &Node{}, nil
	}
	n, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if n.Kind == Int || n.Kind == Float {
		if p.i < len(p.b) && !IsSpace(p.b[p.i]) {
			return nil, p.fail("a space between values")
		}
	}
	return n, nil
}

// IsSpace reports whether c is white space of JSON.
func IsSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

func (p *treeParser) space() {
	for p.i < len(p.b) && IsSpace(p.b[p.i]) {
		p.i++
	}
}

// fail says where the text is no JSON, and what was expected.
func (p *treeParser) fail(want string) error {
	if p.i >= len(p.b) {
		return data.Errorf(serializationException, "JSON ends at byte %d where %s is expected", p.i, want)
	}
	r, _ := utf8.DecodeRune(p.b[p.i:])
	return data.Errorf(serializationException, "bad JSON at byte %d: %q where %s is expected", p.i, r, want)
}

// peek skips space and returns the next byte, or 0 at the end.
func (p *treeParser) peek() byte {
	if p.space(); p.i < len(p.b) {
		return p.b[p.i]
	}
	return 0
}

func (p *treeParser) value(depth int) (*Node, error) {
	switch c := p.peek(); c {
	case '{', '[':
		if depth >= MaxDepth {
			return nil, data.Errorf(serializationException, "JSON is nested deeper than %d", MaxDepth)
		}
		if c == '{' {
			return p.object(depth)
		}
		return p.array(depth)
	case '"':
		s, err := p.text()
		n := p.node(Text)
		n.Text = s
		return n, err
	case 't':
		return p.literal("true", True)
	case 'f':
		return p.literal("false", False)
	case 'n':
		return p.literal("null", Null)
	default:
		return p.number()
	}
}

func (p *treeParser) literal(word string, kind Kind) (*Node, error) {
	if len(p.b)-p.i < len(word) || string(p.b[p.i:p.i+len(word)]) != word {
		return nil, p.fail("a value")
	}
	p.i += len(word)
	if p.i < len(p.b) {
		if c := p.b[p.i]; c >= 0x7f || c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' {
			return nil, p.fail("the end of " + word)
		}
	}
	return p.node(kind), nil
}

func (p *treeParser) number() (*Node, error) {
	from, kind := p.i, Int
	if p.i < len(p.b) && p.b[p.i] == '-' {
		p.i++
	}
	if p.digits() == 0 {
		return nil, p.fail("a value")
	}
	if p.i < len(p.b) && p.b[p.i] == '.' {
		p.i++
		kind = Float
		if p.digits() == 0 {
			return nil, p.fail("a digit")
		}
	}
	if p.i < len(p.b) && p.b[p.i]|0x20 == 'e' {
		p.i++
		kind = Float
		if p.i < len(p.b) && (p.b[p.i] == '+' || p.b[p.i] == '-') {
			p.i++
		}
		if p.digits() == 0 {
			return nil, p.fail("a digit")
		}
	}
	n := p.node(kind)
	n.Text = string(p.b[from:p.i])
	if len(n.Text) > MaxNumber {
		return nil, data.Errorf(serializationException, "a number in the JSON is longer than %d characters", MaxNumber)
	}
	if kind == Float {
		if _, _, ok := parseDecimal(n.Text); !ok {
			return nil, data.Errorf(serializationException, "number %s in the JSON is out of range", n.Text)
		}
	}
	return n, nil
}

// MaxNumber is the length of the longest number that is read.
const MaxNumber = 1000

// digits skips digits and tells how many there were.
func (p *treeParser) digits() int {
	from := p.i
	for p.i < len(p.b) && p.b[p.i]-'0' <= 9 {
		p.i++
	}
	return p.i - from
}

func (p *treeParser) array(depth int) (*Node, error) {
	n := p.node(Array)
	p.i++
	if p.peek() == ']' {
		p.i++
		return n, nil
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.Kids = append(n.Kids, v)
		switch p.peek() {
		case ',':
			p.i++
		case ']':
			p.i++
			return n, nil
		default:
			return nil, p.fail("',' or ']'")
		}
	}
}

func (p *treeParser) object(depth int) (*Node, error) {
	n := p.node(Object)
	p.i++
	if p.peek() == '}' {
		p.i++
		return n, nil
	}
	var at map[string]int // of many members
	for {
		if p.peek() != '"' {
			return nil, p.fail("a name")
		}
		name, err := p.text()
		if err != nil {
			return nil, err
		}
		if p.peek() != ':' {
			return nil, p.fail("':'")
		}
		p.i++
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if i := n.index(name, at); i >= 0 {
			n.Kids[i] = v
		} else {
			n.Names, n.Kids = append(n.Names, name), append(n.Kids, v)
			switch {
			case at != nil:
				at[name] = len(n.Kids) - 1
			case len(n.Names) > few:
				at = make(map[string]int, 4*few)
				for i, name := range n.Names {
					at[name] = i
				}
			}
		}
		switch p.peek() {
		case ',':
			p.i++
		case '}':
			p.i++
			return n, nil
		default:
			return nil, p.fail("',' or '}'")
		}
	}
}

// few is how many members are looked through one by one.
const few = 16

// index returns where the member of a name is, or -1; at tells, if it is there.
func (n *Node) index(name string, at map[string]int) int {
	if at != nil {
		if i, ok := at[name]; ok {
			return i
		}
		return -1
	}
	return slices.Index(n.Names, name)
}

// text reads a string. Escapes of the halves of a surrogate pair are joined; a
// half that has no partner becomes U+FFFD.
func (p *treeParser) text() (string, error) {
	for i := p.i + 1; i < len(p.b); i++ { // most are plain
		if c := p.b[i]; c == '"' {
			s := string(p.b[p.i+1 : i])
			p.i = i + 1
			return s, nil
		} else if c == '\\' || c < 0x20 || c >= utf8.RuneSelf {
			break
		}
	}
	var out []byte
	half := rune(0)
	emit := func(r rune) {
		if half != 0 {
			if full := utf16.DecodeRune(half, r); full != unicode.ReplacementChar {
				out, half = utf8.AppendRune(out, full), 0
				return
			}
			out, half = utf8.AppendRune(out, unicode.ReplacementChar), 0
		}
		if 0xd800 <= r && r < 0xdc00 {
			half = r
			return
		}
		out = utf8.AppendRune(out, r) // a lone low half becomes U+FFFD
	}
	for p.i++; p.i < len(p.b); {
		c := p.b[p.i]
		switch {
		case c == '"':
			p.i++
			if half != 0 {
				out = utf8.AppendRune(out, unicode.ReplacementChar)
			}
			return string(out), nil
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			emit(r)
		case c < 0x20:
			return "", p.fail("an escape")
		default:
			r, err := p.char()
			if err != nil {
				return "", err
			}
			emit(r)
		}
	}
	return "", p.fail("the end of a string")
}

// char reads one character as Jackson does, which takes longer forms than
// needed.
func (p *treeParser) char() (rune, error) {
	c := p.b[p.i]
	n, r := 0, rune(0)
	switch {
	case c < 0x80:
		r = rune(c)
	case c&0xe0 == 0xc0:
		n, r = 1, rune(c&0x1f)
	case c&0xf0 == 0xe0:
		n, r = 2, rune(c&0x0f)
	case c&0xf8 == 0xf0:
		n, r = 3, rune(c&0x07)
	default:
		return 0, p.fail("UTF-8")
	}
	p.i++
	for range n {
		if p.i >= len(p.b) || p.b[p.i]&0xc0 != 0x80 {
			return 0, p.fail("UTF-8")
		}
		r = r<<6 | rune(p.b[p.i]&0x3f)
		p.i++
	}
	if n > 0 && utf16.IsSurrogate(r) {
		p.i -= n + 1
		return 0, p.fail("UTF-8")
	}
	return r, nil
}

func (p *treeParser) escape() (rune, error) {
	p.i++
	if p.i >= len(p.b) {
		return 0, p.fail("an escape")
	}
	c := p.b[p.i]
	p.i++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		if len(p.b)-p.i >= 4 {
			if r, err := strconv.ParseUint(string(p.b[p.i:p.i+4]), 16, 16); err == nil {
				p.i += 4
				return rune(r), nil
			}
		}
	}
	p.i--
	return 0, p.fail("an escape")
}

// toUTF8 finds out as Jackson does, by a byte order mark or the zeros around
// the first character, how the text is encoded.
func toUTF8(b []byte) []byte {
	if len(b) < 2 {
		return b
	}
	if len(b) >= 4 { // a mark counts only then
		switch {
		case b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf:
			return b[3:]
		case b[0] == 0 && b[1] == 0 && (b[2] == 0xfe && b[3] == 0xff || b[2] == 0):
			return fromUTF32(b, 0)
		case b[2] == 0 && b[3] == 0 && (b[0] == 0xff && b[1] == 0xfe || b[1] == 0):
			return fromUTF32(b, 3)
		case b[0] == 0xfe && b[1] == 0xff:
			return fromUTF16(b, 0)
		case b[0] == 0xff && b[1] == 0xfe:
			return fromUTF16(b, 1)
		}
	}
	switch {
	case b[0] == 0:
		return fromUTF16(b, 0)
	case b[1] == 0:
		return fromUTF16(b, 1)
	}
	return b
}

const byteOrderMark = 0xfeff

func fromUTF16(b []byte, high int) []byte {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, uint16(b[high])<<8|uint16(b[1-high]))
	}
	if len(units) > 0 && units[0] == byteOrderMark {
		units = units[1:]
	}
	return []byte(string(utf16.Decode(units)))
}

func fromUTF32(b []byte, high int) []byte {
	var out []byte
	for i := 0; len(b) >= 4; i, b = i+1, b[4:] {
		r := rune(b[high])<<24 | rune(b[high^1])<<16 | rune(b[high^2])<<8 | rune(b[high^3])
		if i > 0 || r != byteOrderMark {
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}
