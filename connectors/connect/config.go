package connect

import (
	"fmt"
	"slices"
	"strconv"
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
	group  string
}

// Group sets the group of the fields declared after it.
func (d *ConfigDef) Group(name string) { d.group = name }

// A Secret never prints itself.
type Secret string

func (Secret) String() string { return "[hidden]" }

// GoString keeps %#v from printing the secret.
func (Secret) GoString() string { return "[hidden]" }

// String declares a STRING.
func (d *ConfigDef) String(p *string, name string) *Field[string] {
	return add(d, p, name, "STRING", func(s string) (string, error) { return s, nil })
}

// Password declares a PASSWORD.
func (d *ConfigDef) Password(p *Secret, name string) *Field[Secret] {
	return add(d, p, name, "PASSWORD", func(s string) (Secret, error) { return Secret(s), nil })
}

// Class declares a CLASS, held as its name.
func (d *ConfigDef) Class(p *string, name string) *Field[string] {
	return add(d, p, name, "CLASS", func(s string) (string, error) { return strings.TrimSpace(s), nil })
}

// Boolean declares a BOOLEAN.
func (d *ConfigDef) Boolean(p *bool, name string) *Field[bool] {
	return add(d, p, name, "BOOLEAN", func(s string) (bool, error) {
		switch strings.ToLower(strings.TrimSpace(s)) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
		return false, fmt.Errorf("Expected value to be either true or false")
	})
}

// Int declares an INT.
func (d *ConfigDef) Int(p *int, name string) *Field[int] {
	return add(d, p, name, "INT", func(s string) (int, error) {
		n, err := integer(s, 32, "INT")
		return int(n), err
	})
}

// Short declares a SHORT.
func (d *ConfigDef) Short(p *int, name string) *Field[int] {
	return add(d, p, name, "SHORT", func(s string) (int, error) {
		n, err := integer(s, 16, "SHORT")
		return int(n), err
	})
}

// Long declares a LONG.
func (d *ConfigDef) Long(p *int64, name string) *Field[int64] {
	return add(d, p, name, "LONG", func(s string) (int64, error) { return integer(s, 64, "LONG") })
}

// Millis declares a LONG of milliseconds, held as a time.Duration.
func (d *ConfigDef) Millis(p *time.Duration, name string) *Field[time.Duration] {
	f := add(d, p, name, "LONG", func(s string) (time.Duration, error) {
		n, err := integer(s, 64, "LONG")
		return time.Duration(n) * time.Millisecond, err
	})
	f.show = showMillis
	return f
}

// IntMillis declares an INT of milliseconds, held as a time.Duration.
func (d *ConfigDef) IntMillis(p *time.Duration, name string) *Field[time.Duration] {
	f := add(d, p, name, "INT", func(s string) (time.Duration, error) {
		n, err := integer(s, 32, "INT")
		return time.Duration(n) * time.Millisecond, err
	})
	f.show = showMillis
	return f
}

func showMillis(v time.Duration) string { return strconv.FormatInt(v.Milliseconds(), 10) }

// Double declares a DOUBLE.
func (d *ConfigDef) Double(p *float64, name string) *Field[float64] {
	return add(d, p, name, "DOUBLE", func(s string) (float64, error) {
		n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err != nil {
			return 0, fmt.Errorf("Not a number of type DOUBLE")
		}
		return n, nil
	})
}

// List declares a LIST of comma-separated texts.
func (d *ConfigDef) List(p *[]string, name string) *Field[[]string] {
	f := add(d, p, name, "LIST", func(s string) ([]string, error) {
		if s = strings.TrimSpace(s); s == "" {
			return []string{}, nil
		}
		list := strings.Split(s, ",")
		for i := range list {
			list[i] = strings.TrimSpace(list[i])
		}
		return list, nil
	})
	f.show = func(v []string) string { return strings.Join(v, ",") }
	return f
}

func integer(s string, bits int, typ string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, bits)
	if err != nil {
		return 0, fmt.Errorf("Not a number of type %s", typ)
	}
	return n, nil
}

// A Check accepts or refuses a value. Text describes it, as Java's validators
// describe themselves.
type Check[T any] struct {
	Text  string
	Valid func(v T) error
}

// A Field is one declared property; its methods refine the declaration.
type Field[T any] struct {
	meta
	dst     *T
	def     T
	parse   func(string) (T, error)
	show    func(T) string
	checks  []Check[T]
	suggest func(Props) []T
	visible func(Props) bool
}

type meta struct {
	name, typ, doc, group, display string
	width                          Width
	importance                     Importance
	order                          int
	dependents                     []string
	hasDefault, nullDefault        bool
}

func add[T any](d *ConfigDef, p *T, name, typ string, parse func(string) (T, error)) *Field[T] {
	f := &Field[T]{meta: meta{name: name, typ: typ, group: d.group, display: name, importance: Medium, width: WidthNone},
		dst: p, parse: parse, show: func(v T) string { return fmt.Sprint(v) }}
	for _, g := range d.fields {
		if g.info().name == name {
			panic("connect: property " + name + " is declared twice")
		}
		if g.info().group == d.group {
			f.order++
		}
	}
	f.order++
	d.fields = append(d.fields, f)
	return f
}

// Default makes the property optional. Without it the property is required.
func (f *Field[T]) Default(v T) *Field[T] { f.def, f.hasDefault = v, true; return f }

// OrNone makes the property optional with no default (Java's null): its
// variable keeps the zero value.
func (f *Field[T]) OrNone() *Field[T] { f.hasDefault, f.nullDefault = true, true; return f }

// Doc sets the help text.
func (f *Field[T]) Doc(s string) *Field[T] { f.doc = s; return f }

// Is sets the importance; Medium if not called.
func (f *Field[T]) Is(i Importance) *Field[T] { f.importance = i; return f }

// Wide sets the width.
func (f *Field[T]) Wide(w Width) *Field[T] { f.width = w; return f }

// Display sets the display name; the property's name if not called.
func (f *Field[T]) Display(s string) *Field[T] { f.display = s; return f }

// Order sets the place in the group, for definitions that must equal Java's.
func (f *Field[T]) Order(n int) *Field[T] { f.order = n; return f }

// Dependents lists properties whose checks look at this one.
func (f *Field[T]) Dependents(names ...string) *Field[T] { f.dependents = names; return f }

// Check adds a check of the value.
func (f *Field[T]) Check(c ...Check[T]) *Field[T] { f.checks = append(f.checks, c...); return f }

// Suggest offers values for the user interface, given the other properties.
func (f *Field[T]) Suggest(s func(Props) []T) *Field[T] { f.suggest = s; return f }

// ShownIf hides the property unless the others call for it.
func (f *Field[T]) ShownIf(v func(Props) bool) *Field[T] { f.visible = v; return f }

type field interface {
	info() *meta
	describe(p Props) ConfigInfo
	set(p Props) error
}

func (f *Field[T]) info() *meta { return &f.meta }

func (f *Field[T]) read(p Props) (v T, err error) {
	s, ok := p[f.name]
	switch {
	case !ok && f.hasDefault:
		return f.def, nil
	case !ok:
		return v, ConfigErrorf("Missing required configuration %q which has no default value.", f.name)
	}
	if v, err = f.parse(s); err != nil {
		return v, ConfigErrorf("Invalid value %s for configuration %s: %v", s, f.name, err)
	}
	for _, c := range f.checks {
		if err := c.Valid(v); err != nil {
			if e, ok := err.(*Error); ok {
				return v, e
			}
			return v, ConfigErrorf("Invalid value %s for configuration %s: %v", f.show(v), f.name, err)
		}
	}
	return v, nil
}

func (f *Field[T]) set(p Props) (err error) { *f.dst, err = f.read(p); return err }

// ConfigInfo is one entry of the validate endpoint's answer.
type ConfigInfo struct {
	Definition ConfigKey   `json:"definition"`
	Value      ConfigValue `json:"value"`
}

// ConfigKey is a property's definition as the REST API shows it.
type ConfigKey struct {
	Name          string     `json:"name"`
	Type          string     `json:"type"`
	Required      bool       `json:"required"`
	DefaultValue  *string    `json:"default_value"`
	Importance    Importance `json:"importance"`
	Documentation string     `json:"documentation"`
	Group         *string    `json:"group"`
	Width         Width      `json:"width"`
	DisplayName   string     `json:"display_name"`
	Dependents    []string   `json:"dependents"`
	Order         int        `json:"order"`
}

// ConfigValue is a property's value as the REST API shows it.
type ConfigValue struct {
	Name              string   `json:"name"`
	Value             *string  `json:"value"`
	RecommendedValues []string `json:"recommended_values"`
	Errors            []string `json:"errors"`
	Visible           bool     `json:"visible"`
}

func (f *Field[T]) describe(p Props) ConfigInfo {
	k := ConfigKey{Name: f.name, Type: f.typ, Required: !f.hasDefault, Importance: f.importance, Documentation: f.doc,
		Width: f.width, DisplayName: f.display, Dependents: append([]string{}, f.dependents...), Order: f.order}
	if f.group != "" {
		k.Group = &f.group
	}
	if f.hasDefault && !f.nullDefault {
		s := f.show(f.def)
		k.DefaultValue = &s
	}
	v := ConfigValue{Name: f.name, RecommendedValues: []string{}, Errors: []string{}, Visible: f.visible == nil || f.visible(p)}
	if t, err := f.read(p); err != nil {
		v.Errors = append(v.Errors, err.Error())
		if s, ok := p[f.name]; ok {
			v.Value = &s
		}
	} else if _, set := p[f.name]; set || !f.nullDefault {
		s := f.show(t)
		v.Value = &s
	}
	if f.suggest != nil {
		for _, s := range f.suggest(p) {
			v.RecommendedValues = append(v.RecommendedValues, f.show(s))
		}
	}
	return ConfigInfo{k, v}
}

// Validate describes every property and what is wrong with its value.
func (d *ConfigDef) Validate(p Props) []ConfigInfo {
	out := make([]ConfigInfo, 0, len(d.fields))
	for _, f := range d.fields {
		out = append(out, f.describe(p))
	}
	return out
}

// Names returns the declared properties in order.
func (d *ConfigDef) Names() []string {
	names := make([]string, len(d.fields))
	for i, f := range d.fields {
		names[i] = f.info().name
	}
	return names
}

// Parse fills c from p, or returns what is wrong with the first bad property.
func Parse(p Props, c Configurable) error {
	var d ConfigDef
	c.Define(&d)
	for _, f := range d.fields {
		if err := f.set(p); err != nil {
			return err
		}
	}
	return nil
}

// OneOf accepts only the listed texts.
func OneOf(allowed ...string) Check[string] {
	text := "[" + strings.Join(allowed, ", ") + "]"
	return Check[string]{text, func(v string) error {
		if slices.Contains(allowed, v) {
			return nil
		}
		return fmt.Errorf("String must be one of: %s", strings.Join(allowed, ", "))
	}}
}

// AtLeast accepts lo and more.
func AtLeast[T int | int64 | float64 | time.Duration](lo T) Check[T] {
	return Check[T]{fmt.Sprintf("[%v,...]", lo), func(v T) error {
		if v >= lo {
			return nil
		}
		return fmt.Errorf("Value must be at least %v", lo)
	}}
}
