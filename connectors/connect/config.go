package connect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Importance ranks a property for its reader.
type Importance string

// The ranks.
const (
	High   Importance = "HIGH"
	Medium Importance = "MEDIUM"
	Low    Importance = "LOW"
)

// Width is how much room a property's value needs in a form.
type Width string

// The widths.
const (
	WidthNone   Width = "NONE"
	WidthShort  Width = "SHORT"
	WidthMedium Width = "MEDIUM"
	WidthLong   Width = "LONG"
)

// Configurable is what has properties: a struct whose Define binds its fields.
type Configurable interface{ Define(d *ConfigDef) }

// A ConfigDef declares properties: name, type, default, checks and help, and
// the variable that takes the value. It is the flag package's idea: one line
// per property is all that the parser, the validate endpoint and the README
// table need.
type ConfigDef struct {
	fields []field
	byName map[string]int
	groups []string
	orders map[string]int
	group  string
	open   []openPrefix
	common bool
}

// openPrefix binds properties whose names only the user knows.
type openPrefix struct {
	prefix, doc string
	dst         *Props
}

// Null stands in Props for a JSON null, which only a request to validate can
// hold: every property reads it as no value, and Validate's callers refuse it.
const Null = "\x00null"

// A Secret never prints itself.
type Secret string

const hidden = "[hidden]"

func (Secret) String() string { return hidden }

// GoString keeps %#v from printing the secret.
func (Secret) GoString() string { return hidden }

// MarshalText keeps encoders and slog's JSON from printing the secret.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Group sets the group of the fields declared after it; "" ends the group.
func (d *ConfigDef) Group(name string) { d.group = name }

// Common says that the definition begins with the properties that every connector
// has, which is where Java's MirrorMaker lists them. Else they follow. They are
// declared by the worker in either case.
func (d *ConfigDef) Common() { d.common = true }

// CommonFirst reports whether Common was called.
func (d *ConfigDef) CommonFirst() bool { return d.common }

// Groups returns the groups in the order of their first property.
func (d *ConfigDef) Groups() []string { return append([]string{}, d.groups...) }

// Names returns the declared properties in order.
func (d *ConfigDef) Names() []string {
	names := make([]string, len(d.fields))
	for i, f := range d.fields {
		names[i] = f.info().name
	}
	return names
}

// Has reports whether a property of that name is declared.
func (d *ConfigDef) Has(name string) bool { _, ok := d.byName[name]; return ok }

// Key returns the definition of a property.
func (d *ConfigDef) Key(name string) (ConfigKey, bool) {
	i, ok := d.byName[name]
	if !ok {
		return ConfigKey{}, false
	}
	return d.fields[i].key(), true
}

// Keys returns the definitions of all properties in order.
func (d *ConfigDef) Keys() []ConfigKey {
	keys := make([]ConfigKey, len(d.fields))
	for i, f := range d.fields {
		keys[i] = f.key()
	}
	return keys
}

// String declares a STRING.
func (d *ConfigDef) String(p *string, name string) *Field[string] {
	return add(d, p, name, "STRING", func(s string) (string, error) { return trim(s), nil })
}

// Password declares a PASSWORD.
func (d *ConfigDef) Password(p *Secret, name string) *Field[Secret] {
	return add(d, p, name, "PASSWORD", func(s string) (Secret, error) { return Secret(trim(s)), nil })
}

// Class declares a CLASS, held as its name and taken as it is written.
func (d *ConfigDef) Class(p *string, name string) *Field[string] {
	f := add(d, p, name, "CLASS", func(s string) (string, error) { return trim(s), nil })
	f.text = func(v string) string { return "class " + v }
	return f
}

// ClassIn declares a CLASS, held as the canonical name that find gives it. A
// name that find does not know is refused as Java refuses a class that is not
// on its path.
func (d *ConfigDef) ClassIn(p *string, name string, find func(class string) (canonical string, ok bool)) *Field[string] {
	f := d.Class(p, name)
	f.parse = func(s string) (string, error) {
		if class, ok := find(trim(s)); ok {
			return class, nil
		}
		return "", fmt.Errorf("Class %s could not be found.", s)
	}
	return f
}

// Boolean declares a BOOLEAN.
func (d *ConfigDef) Boolean(p *bool, name string) *Field[bool] {
	return add(d, p, name, "BOOLEAN", parseBoolean)
}

// Int declares an INT.
func (d *ConfigDef) Int(p *int, name string) *Field[int] {
	return add(d, p, name, "INT", func(s string) (int, error) {
		n, err := parseInteger(s, 32, "INT")
		return int(n), err
	})
}

// Short declares a SHORT.
func (d *ConfigDef) Short(p *int, name string) *Field[int] {
	return add(d, p, name, "SHORT", func(s string) (int, error) {
		n, err := parseInteger(s, 16, "SHORT")
		return int(n), err
	})
}

// Long declares a LONG.
func (d *ConfigDef) Long(p *int64, name string) *Field[int64] {
	return add(d, p, name, "LONG", func(s string) (int64, error) { return parseInteger(s, 64, "LONG") })
}

// Millis declares a LONG of milliseconds, held as a time.Duration. One too
// long for a Duration, 292 years, is cut to the longest there is.
func (d *ConfigDef) Millis(p *time.Duration, name string) *Field[time.Duration] {
	return add(d, p, name, "LONG", func(s string) (time.Duration, error) {
		n, err := parseInteger(s, 64, "LONG")
		return millis(n), err
	})
}

// IntMillis declares an INT of milliseconds, held as a time.Duration.
func (d *ConfigDef) IntMillis(p *time.Duration, name string) *Field[time.Duration] {
	return add(d, p, name, "INT", func(s string) (time.Duration, error) {
		n, err := parseInteger(s, 32, "INT")
		return millis(n), err
	})
}

// Double declares a DOUBLE.
func (d *ConfigDef) Double(p *float64, name string) *Field[float64] {
	return add(d, p, name, "DOUBLE", parseDouble)
}

// List declares a LIST of comma-separated texts.
func (d *ConfigDef) List(p *[]string, name string) *Field[[]string] {
	f := add(d, p, name, "LIST", func(s string) ([]string, error) { return parseList(s), nil })
	f.text = func(v []string) string { return "[" + strings.Join(v, ", ") + "]" }
	return f
}

// Prefixed binds all properties that begin with prefix, without it, to p: they
// are the user's own names, and none of them is unknown. Doc is for the README
// table.
func (d *ConfigDef) Prefixed(p *Props, prefix, doc string) {
	d.open = append(d.open, openPrefix{prefix, doc, p})
}

// Unsupported declares a property that a connector of the same class knows in
// Java and that has no meaning here. Set to anything but one of the harmless
// values it is refused, with why and what to do instead.
func (d *ConfigDef) Unsupported(name, why string, harmless ...string) {
	add(d, new(string), name, "STRING", func(s string) (string, error) {
		t := trim(s)
		for _, h := range harmless {
			if strings.EqualFold(t, h) {
				return t, nil
			}
		}
		return "", fmt.Errorf("Millwright does not support this property: %s", why)
	}).OrNone().Is(Low).Doc("Not supported: " + why)
}

// Embed declares the properties of c with a prefix to their names, as Java's
// ConfigDef.embed does: in the group named group, numbered from order on, sorted
// by group, required ones first, then by importance and name; the checks of c
// see, and speak of, the names without the prefix. Names in skip are left out.
func (d *ConfigDef) Embed(prefix, group string, order int, c Configurable, skip ...string) {
	var child ConfigDef
	c.Define(&child)
	for _, f := range child.sorted() {
		if slices.Contains(skip, f.info().name) {
			continue
		}
		e := &embedded{field: f, prefix: prefix, meta: *f.info()}
		e.meta.name = prefix + e.meta.name
		if e.meta.group != "" {
			e.meta.group = group + ": " + e.meta.group
		} else {
			e.meta.group = group
		}
		e.meta.order = order
		order++
		e.meta.dependents = nil
		for _, dep := range f.info().dependents {
			e.meta.dependents = append(e.meta.dependents, prefix+dep)
		}
		d.append(e)
	}
	for _, o := range child.open {
		d.open = append(d.open, openPrefix{prefix + o.prefix, o.doc, o.dst})
	}
}

func (d *ConfigDef) sorted() []field {
	rank := map[Importance]int{High: 0, Medium: 1, Low: 2}
	fields := slices.Clone(d.fields)
	slices.SortStableFunc(fields, func(x, y field) int {
		a, b := x.info(), y.info()
		required := func(m *meta) int {
			if m.hasDefault {
				return 1
			}
			return 0
		}
		return cmp.Or(
			cmp.Compare(slices.Index(d.groups, a.group), slices.Index(d.groups, b.group)), // no group: -1
			cmp.Compare(required(a), required(b)),
			cmp.Compare(rank[a.importance], rank[b.importance]),
			cmp.Compare(a.name, b.name))
	})
	return fields
}

// DeclaredTwice is the panic of a definition that declares a property twice; it
// is the property's name.
type DeclaredTwice string

func (d DeclaredTwice) Error() string { return "connect: property " + string(d) + " is declared twice" }

func (d *ConfigDef) append(f field) {
	m := f.info()
	if d.byName == nil {
		d.byName, d.orders = map[string]int{}, map[string]int{}
	}
	if _, dup := d.byName[m.name]; dup {
		panic(DeclaredTwice(m.name))
	}
	d.byName[m.name] = len(d.fields)
	d.fields = append(d.fields, f)
	if m.group == "" {
		return
	}
	if d.orders[m.group] == 0 {
		d.groups = append(d.groups, m.group)
	}
	d.orders[m.group]++
}

// Parse fills c from p, or returns what is wrong with the first bad property.
func Parse(p Props, c Configurable) error {
	var d ConfigDef
	c.Define(&d)
	return d.Parse(p)
}

// Parse fills the bound variables from p, or returns what is wrong with the
// first bad property.
func (d *ConfigDef) Parse(p Props) error {
	for _, f := range d.fields {
		if err := f.set(p, ""); err != nil {
			return err
		}
	}
	for _, o := range d.open {
		*o.dst = p.WithPrefix(o.prefix)
	}
	return nil
}

// WithPrefix returns the properties that begin with prefix, without it.
func (p Props) WithPrefix(prefix string) Props {
	out := Props{}
	for k, v := range p {
		if rest, ok := strings.CutPrefix(k, prefix); ok && rest != "" {
			out[rest] = v
		}
	}
	return out
}

// Read reads one value of a declared property, without its checks, and returns
// it as the validate endpoint shows it; nil for a null.
func (d *ConfigDef) Read(name, value string) (*string, error) {
	return d.fields[d.byName[name]].reread(value)
}
