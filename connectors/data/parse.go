package data

import (
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Parse finds what value a text stands for, as Java's Values.parseString does:
// null, booleans, numbers in the smallest type that holds them, ISO 8601 dates,
// arrays [1,2] and maps {"a":1} of these, else the text itself. A text that is
// null gives a null without schema; Parse never fails.
func Parse(s string) Datum {
	if s == "" {
		return Datum{Of(String), Str(s)}
	}
	p := parser{tokens{text: s}}
	d, err := p.value(false)
	if err != nil {
		return Datum{Of(String), Str(s)}
	}
	return d
}

type parser struct{ tokens }

// notValue is the reason for which a text is no array or map. Nobody sees it:
// such a text stands for itself.
type notValue string

func (e notValue) Error() string { return string(e) }

// value reads one value; embedded, in an array or a map, it must be one, else
// any text will do. No value at all is a null without schema.
func (p *parser) value(embedded bool) (Datum, error) {
	switch {
	case !p.more():
		return Datum{}, nil
	case embedded && p.take(`"`):
		return p.quoted(), nil
	case p.literal(embedded, "null"):
		return Datum{}, nil
	case p.literal(embedded, "true"):
		return Datum{Of(Bool), B(true)}, nil
	case p.literal(embedded, "false"):
		return Datum{Of(Bool), B(false)}, nil
	}
	start := p.mark()
	d, found, err := p.container()
	if err != nil {
		p.rewind(start)
	} else if found {
		return d, nil
	}
	token := p.next()
	if trim(token) == "" {
		return Datum{Of(String), Str(token)}, nil
	}
	return p.scalar(embedded, trim(token))
}

// literal takes a token that is a whole value: embedded, what follows is the
// caller's, else nothing may follow.
func (p *parser) literal(embedded bool, want string) bool {
	start := p.mark()
	if p.take(want) && (embedded || !p.more()) {
		return true
	}
	p.rewind(start)
	return false
}

func (p *parser) container() (d Datum, found bool, err error) {
	switch {
	case p.take("["):
		d, err = p.array()
		return d, true, err
	case p.take("{"):
		d, err = p.entries()
		return d, true, err
	}
	return Datum{}, false, nil
}

func (p *parser) scalar(embedded bool, token string) (Datum, error) {
	r, _ := utf8.DecodeRuneInString(token)
	isDigit := r <= math.MaxUint16 && unicode.Is(unicode.Nd, r)
	if isDigit {
		if d, ok := p.temporal(token); ok {
			return d, nil
		}
	}
	if isDigit || r == '+' || r == '-' {
		if n, err := scanNumber(token); err == nil {
			return n.datum(), nil
		}
	}
	if embedded {
		return Datum{}, notValue("not a value that may be embedded")
	}
	return Datum{Of(String), Str(p.text)}, nil
}

// temporal reads a time or timestamp, which its colons split into five tokens,
// or a date.
func (p *parser) temporal(token string) (Datum, bool) {
	start := p.mark()
	if rest, ok := p.nextOf(4); ok {
		if d, ok := parseTemporal(token + rest); ok {
			return d, true
		}
	}
	p.rewind(start)
	return parseTemporal(token)
}

func parseTemporal(s string) (Datum, bool) {
	return parseISO(strings.ReplaceAll(s, `\:`, ":"))
}

// datum returns n in the smallest type that holds it; floats may lose digits.
func (n *number) datum() Datum {
	if i, ok := n.integer(); ok {
		switch {
		case i == int64(int8(i)):
			return Datum{Of(Int8), I8(int8(i))}
		case i == int64(int16(i)):
			return Datum{Of(Int16), I16(int16(i))}
		case i == int64(int32(i)):
			return Datum{Of(Int32), I32(int32(i))}
		}
		return Datum{Of(Int64), I64(i)}
	}
	if n.scale != 0 {
		if f := n.float(32); !math.IsInf(f, 0) {
			return Datum{Of(Float32), F32(float32(f))}
		}
		if f := n.float(64); !math.IsInf(f, 0) {
			return Datum{Of(Float64), F64(f)}
		}
	}
	return Datum{Decimal(int(n.scale)), Dec(n.unscaled(), n.scale)}
}

// quoted reads a text up to its closing quote. Dates are recognized in quotes,
// all else is text; escapes stay as they are.
func (p *parser) quoted() Datum {
	var b strings.Builder
	for p.more() && !p.take(`"`) {
		b.WriteString(p.next())
	}
	if d, ok := parseTemporal(b.String()); ok {
		return d
	}
	return Datum{Of(String), Str(b.String())}
}

func (p *parser) array() (Datum, error) {
	var values []Value
	var common merger
	for p.more() {
		if p.take("]") {
			return alignArray(values, common.schema)
		}
		if p.take(",") {
			return Datum{}, notValue("an array element is empty")
		}
		e, err := p.value(true)
		if err != nil {
			return Datum{}, err
		}
		common.add(e.Schema)
		values = append(values, e.Value)
		end := p.mark()
		if p.take("]") {
			p.rewind(end)
		} else if !p.take(",") {
			return Datum{}, notValue("array elements without , between them")
		}
	}
	return Datum{}, notValue("an array without ] at its end")
}

func alignArray(values []Value, elem *Schema) (Datum, error) {
	if elem == nil { // nothing but nulls, or nothing in common
		return Datum{ArrayOf(nil), List(values)}, nil
	}
	for i := range values {
		v, err := Convert(Datum{nil, values[i]}, elem)
		if err != nil {
			return Datum{}, err
		}
		values[i] = v
	}
	return Datum{ArrayOf(elem), List(values)}, nil
}

func (p *parser) entries() (Datum, error) {
	var entries []Entry
	var keys, values merger
	for p.more() {
		if p.take("}") {
			return alignMap(NewMap(entries).entries, keys.schema, values.schema)
		}
		if p.take(",") {
			return Datum{}, notValue("a map entry without key and value")
		}
		key, err := p.value(true)
		switch {
		case err != nil:
			return Datum{}, err
		case key.Value.IsNull():
			return Datum{}, notValue("a map entry with a null key")
		case !p.take(":"):
			return Datum{}, notValue("a map entry without :")
		}
		value, err := p.value(true)
		if err != nil {
			return Datum{}, err
		}
		p.take(",")
		entries = append(entries, Entry{key.Value, value.Value})
		keys.add(key.Schema)
		values.add(value.Schema)
	}
	return Datum{}, notValue("a map without } at its end")
}

// alignMap converts keys and values to their common schemas; values are left
// alone when the keys have none.
func alignMap(entries []Entry, key, value *Schema) (Datum, error) {
	if key == nil {
		return Datum{MapOf(nil, nil), MapFrom(entries)}, nil
	}
	var err error
	for i := range entries {
		e := &entries[i]
		if e.Key, err = Convert(Datum{nil, e.Key}, key); err != nil {
			return Datum{}, err
		}
		if value == nil {
			continue
		}
		if e.Value, err = Convert(Datum{nil, e.Value}, value); err != nil {
			return Datum{}, err
		}
	}
	return Datum{MapOf(key, value), MapFrom(entries)}, nil
}

// A merger finds the schema that all elements have in common: the widest of
// number types, else the one type of all. It is nil before the first element
// and when there is none.
type merger struct {
	schema *Schema
	apart  bool
}

func (m *merger) add(s *Schema) {
	switch {
	case s == nil || m.apart:
	case m.schema == nil:
		m.schema = s
	default:
		m.schema = merge(m.schema, s)
		m.apart = m.schema == nil
	}
}

func merge(a, b *Schema) *Schema {
	if a.kind != b.kind {
		switch {
		case a.kind > Float64 || b.kind > Float64:
			return nil
		case a.kind > b.kind:
			return a
		}
		return b
	}
	if a.optional == b.optional {
		if a.optional {
			return a
		}
		return b
	}
	if !EqualSchemas(a, b) {
		return nil
	}
	return a
}
