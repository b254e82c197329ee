package modbus

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/millwright-connect/millwright/connectors/data"
)

// An area is one of the four tables of a Modbus device.
type area uint8

const (
	coils area = iota
	discretes
	holdings
	inputs
	areas // their number
)

func (a area) String() string { return [...]string{"coil", "discrete", "holding", "input"}[a] }
func (a area) bits() bool     { return a <= discretes }

var areaNames = map[string]area{
	"coil": coils, "coils": coils, "discrete": discretes, "discretes": discretes,
	"holding": holdings, "input": inputs,
}

// A kind is how the registers of a value are read.
type kind uint8

const (
	boolKind kind = iota // a coil, a discrete input, or one bit of a register
	int16Kind
	uint16Kind
	int32Kind
	uint32Kind
	int64Kind
	uint64Kind
	float32Kind
	float64Kind
	stringKind
)

var kindNames = map[string]kind{
	"bool": boolKind, "int16": int16Kind, "uint16": uint16Kind, "int32": int32Kind, "uint32": uint32Kind,
	"int64": int64Kind, "uint64": uint64Kind, "float32": float32Kind, "float64": float64Kind,
}

// words is how many registers one value of a kind takes; a string's depends.
func (k kind) words() int {
	return [...]int{1, 1, 1, 2, 2, 4, 4, 2, 4, 0}[k]
}

// An order says how bytes lie in a register and registers in a value.
type order struct{ swapBytes, swapWords bool }

var orders = map[string]order{
	"abcd": {}, "cdab": {swapWords: true}, "badc": {swapBytes: true}, "dcba": {true, true},
	"ab": {}, "ba": {swapBytes: true},
	"abcdefgh": {}, "ghefcdab": {swapWords: true}, "badcfehg": {swapBytes: true}, "hgfedcba": {true, true},
}

// A tag is one named value of a device, or an array of them.
type tag struct {
	name     string
	area     area
	start    int // zero-based address of the first register or bit
	base     int // what the user adds to it
	size     int // registers, or bits, of one element
	count    int // elements
	array    bool
	kind     kind
	order    order
	bit      int // of a register; -1: none
	chars    int // bytes of a string
	scaled   bool
	scale    scale
	deadband float64 // less than 0: that of the connector
	unit     string
	schema   *data.Schema // of the value, optional
	at       int          // where the elements begin among a poll's values
}

func (t *tag) end() int { return t.start + t.size*t.count }

// place names the addresses of a tag as the user counts.
func (t *tag) place() string {
	if t.bit >= 0 {
		return fmt.Sprintf("%s %d.%d", t.area, t.start+t.base, t.bit)
	}
	return span(t.area, t.start+t.base, t.end()-t.start)
}

func span(a area, start, count int) string {
	if count == 1 {
		return fmt.Sprintf("%s %d", a, start)
	}
	return fmt.Sprintf("%s %d-%d", a, start, start+count-1)
}

// rules are what tags take from the connector.
type rules struct {
	order    order
	base     int // address of the first register as the user counts, 0 or 1
	wideUint string
}

// listed parses one item of the registers property: name:area:address...
func (r *rules) listed(item string) (*tag, error) {
	name, rest, ok := strings.Cut(item, ":")
	if !ok {
		return nil, fmt.Errorf("%q: write name:area:address:type, such as temp:holding:100:float32", item)
	}
	return r.tag(strings.TrimSpace(name), rest)
}

// tag parses area:address[:type][:order][*scale][+offset][:deadband=n][:unit=text].
func (r *rules) tag(name, spec string) (*tag, error) {
	t := &tag{name: name, base: r.base, bit: -1, deadband: -1, order: r.order}
	if err := r.fill(t, spec); err != nil {
		return nil, fmt.Errorf("register %q (%s): %w", name, spec, err)
	}
	t.schema = t.makeSchema(r.wideUint)
	return t, nil
}

func (r *rules) fill(t *tag, spec string) error {
	if t.name == "" || strings.ContainsFunc(t.name, unfit) || strings.ContainsAny(t.name, ":,") {
		return fmt.Errorf("the name must not be empty nor hold white space, : or ,")
	}
	parts := strings.Split(spec, ":")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	if len(parts) < 2 {
		return fmt.Errorf("write area:address:type, such as holding:100:float32")
	}
	var ok bool
	if t.area, ok = areaNames[strings.ToLower(parts[0])]; !ok {
		return fmt.Errorf("area %q is none of coil, discrete, holding, input", parts[0])
	}
	first, last, err := r.address(t, parts[1])
	if err != nil {
		return err
	}
	typed := false
	for _, p := range parts[2:] {
		if typed, err = t.option(p, typed); err != nil {
			return err
		}
	}
	return t.settle(typed, first, last)
}

// address reads 100, 0-99 or 20.3, and takes the base off.
func (r *rules) address(t *tag, s string) (first, last int, err error) {
	from, to, ranged := strings.Cut(s, "-")
	if reg, bit, ok := strings.Cut(s, "."); ok && !ranged {
		if t.bit, err = strconv.Atoi(bit); err != nil || t.bit < 0 || t.bit > 15 {
			return 0, 0, fmt.Errorf("bit %q of address %q is not a number from 0 to 15 (0 is the least significant)", bit, s)
		}
		from = reg
	}
	if first, err = r.number(from); err != nil {
		return 0, 0, err
	}
	if last = first; ranged {
		t.array = true
		if last, err = r.number(to); err != nil {
			return 0, 0, err
		}
		if last < first {
			return 0, 0, fmt.Errorf("range %q ends before it begins", s)
		}
	}
	return first, last, nil
}

// An addressError is an address that no device has. Whether it is one depends on
// where the user counts from.
type addressError struct {
	text string
	base int
}

func (e *addressError) Error() string {
	return fmt.Sprintf("address %q is not a number from %d to %d (address.base=%d)", e.text, e.base, 65535+e.base, e.base)
}

func (r *rules) number(s string) (int, error) {
	digits, base := s, 10
	if hex, ok := strings.CutPrefix(strings.ToLower(s), "0x"); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || int(n)-r.base < 0 || int(n)-r.base > 65535 {
		return 0, &addressError{s, r.base}
	}
	return int(n) - r.base, nil
}

var optionForm = regexp.MustCompile(`^([a-zA-Z0-9()]*)(?:\*(-?` + numberForm + `))?([+-]` + numberForm + `)?$`)

const numberForm = `(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?`

// option reads a type, an order, or key=value.
func (t *tag) option(p string, typed bool) (bool, error) {
	if p == "" {
		return typed, fmt.Errorf("there is nothing after a colon")
	}
	if key, value, ok := strings.Cut(p, "="); ok {
		switch strings.ToLower(key) {
		case "deadband":
			n, err := strconv.ParseFloat(value, 64)
			if err != nil || !(n >= 0) || math.IsInf(n, 0) {
				return typed, fmt.Errorf("deadband %q is not a number of 0 or more", value)
			}
			t.deadband = n
		case "unit":
			t.unit = value
		default:
			return typed, fmt.Errorf("%q is not known; there are deadband=n and unit=text", p)
		}
		return typed, nil
	}
	m := optionForm.FindStringSubmatch(p)
	if m == nil {
		return typed, fmt.Errorf("%q is neither a type nor a byte order, with *scale and +offset or -offset after it where wanted", p)
	}
	if m[2] != "" || m[3] != "" {
		if err := t.setScale(m[2], m[3]); err != nil {
			return typed, err
		}
	}
	word := strings.ToLower(m[1])
	if o, ok := orders[word]; ok {
		t.order = o
		return typed, nil
	}
	if word == "" && (m[2] != "" || m[3] != "") {
		return typed, nil
	}
	if typed {
		return typed, fmt.Errorf("%q is no byte order; there are ABCD, CDAB, BADC and DCBA", m[1])
	}
	if n, ok := strings.CutPrefix(word, "string("); ok {
		var err error
		if t.chars, err = strconv.Atoi(strings.TrimSuffix(n, ")")); err != nil || t.chars < 1 || !strings.HasSuffix(n, ")") {
			return typed, fmt.Errorf("type %q must be string(n), n being the length in bytes", m[1])
		}
		t.kind = stringKind
		return true, nil
	}
	k, ok := kindNames[word]
	if !ok {
		return typed, fmt.Errorf("type %q is none of bool, int16, uint16, int32, uint32, int64, uint64, float32, float64, string(n)", m[1])
	}
	t.kind = k
	return true, nil
}

func (t *tag) setScale(factor, offset string) error {
	t.scaled = true
	f, o := 1.0, 0.0
	var err error
	if factor != "" {
		if f, err = strconv.ParseFloat(factor, 64); err != nil || f == 0 {
			return fmt.Errorf("scale %q must be a number other than 0", factor)
		}
	}
	if offset != "" {
		if o, err = strconv.ParseFloat(offset, 64); err != nil {
			return fmt.Errorf("offset %q is out of range", offset)
		}
	}
	t.scale = newScale(f, o)
	return nil
}

// settle checks what the parts make together and sets the shape of the tag.
func (t *tag) settle(typed bool, first, last int) error {
	if !typed && !t.area.bits() && t.bit < 0 {
		t.kind = uint16Kind
	}
	switch {
	case t.area.bits() && t.bit >= 0:
		return fmt.Errorf("a %s is one bit already; write its address without .%d", t.area, t.bit)
	case t.area.bits() && t.kind != boolKind:
		return fmt.Errorf("a %s is a bool", t.area)
	case t.bit >= 0 && t.kind != boolKind:
		return fmt.Errorf("a bit of a register is a bool")
	case !t.area.bits() && t.bit < 0 && t.kind == boolKind:
		return fmt.Errorf("a bool in a register needs its bit, such as %s:%d.0", t.area, first)
	case t.scaled && (t.kind == boolKind || t.kind == stringKind):
		return fmt.Errorf("only numbers have a scale and an offset")
	}
	if t.size = t.kind.words(); t.kind == stringKind {
		t.size = (t.chars + 1) / 2
	}
	t.start, t.count = first, 1
	if t.array {
		n := last - first + 1
		if n%t.size != 0 {
			return fmt.Errorf("the range has %d registers, and a value takes %d: the last one would be cut", n, t.size)
		}
		t.count = n / t.size
	}
	if t.end() > 65536 {
		return fmt.Errorf("it ends at address %d, and the last one is %d", t.end()-1+t.base, 65535+t.base)
	}
	return nil
}

func (t *tag) makeSchema(wideUint string) *data.Schema {
	var s *data.Schema
	switch {
	case t.scaled:
		s = data.OptionalOf(data.Float64)
	case t.kind == uint64Kind && wideUint == uintDecimal:
		s = data.Decimal(0).Optional()
	case t.kind == uint64Kind && wideUint == uintString:
		s = data.OptionalOf(data.String)
	default:
		s = data.OptionalOf([...]data.Kind{
			data.Bool, data.Int16, data.Int32, data.Int32, data.Int64, data.Int64, data.Int64,
			data.Float32, data.Float64, data.String,
		}[t.kind])
	}
	if t.array {
		s = data.ArrayOf(s.Required()).Optional()
	}
	if t.unit != "" {
		s = s.With("unit", t.unit)
	}
	return s
}

// checkOverlap refuses tags that share addresses in part, which is nearly
// always a slip in a long list. Whole registers may be read twice: as bits, or
// as another type.
func checkOverlap(tags []*tag) error {
	sorted := slices.Clone(tags)
	slices.SortStableFunc(sorted, func(a, b *tag) int {
		switch {
		case a.area != b.area:
			return int(a.area) - int(b.area)
		case a.start != b.start:
			return a.start - b.start
		}
		return b.end() - a.end() // the longer one first
	})
	var widest *tag // that reaches farthest in its area, bits left out
	for _, t := range sorted {
		if t.bit >= 0 {
			continue
		}
		if widest != nil && widest.area == t.area && t.start < widest.end() && (t.start != widest.start || t.end() != widest.end()) {
			return fmt.Errorf("registers %q (%s) and %q (%s) overlap; if that is meant, set %s=true", widest.name, widest.place(), t.name, t.place(), overlapProperty)
		}
		if widest == nil || widest.area != t.area || t.end() > widest.end() {
			widest = t
		}
	}
	return nil
}
