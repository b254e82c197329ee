package connect

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// A Field is one declared property; its methods refine the declaration.
type Field[T any] struct {
	meta
	dst     *T
	def     T
	parse   func(string) (T, error)
	text    func(T) string // as messages show a value; nil: as show
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
	unlisted                       bool
}

// field is what ConfigDef needs of a Field of any type. A prefix is what the
// names of the properties in p have before those of the declaration.
type field interface {
	info() *meta
	key() ConfigKey
	describe(p Props, prefix string) ConfigValue
	set(p Props, prefix string) error
	reread(value string) (*string, error)
}

func add[T any](d *ConfigDef, p *T, name, typ string, parse func(string) (T, error)) *Field[T] {
	f := &Field[T]{
		meta: meta{name: name, typ: typ, group: d.group, display: name, importance: Medium, width: WidthNone, order: -1},
		dst:  p, parse: parse,
	}
	if d.group != "" {
		f.order = d.orders[d.group] + 1
	}
	d.append(f)
	return f
}

// Default makes the property optional. Without it the property is required.
func (f *Field[T]) Default(v T) *Field[T] {
	f.def, f.hasDefault, f.nullDefault = v, true, false
	return f
}

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

// Unlisted keeps the property out of README tables: it is declared because Java
// declares it, and has no effect.
func (f *Field[T]) Unlisted() *Field[T] { f.unlisted = true; return f }

// Dependents lists properties whose checks look at this one.
func (f *Field[T]) Dependents(names ...string) *Field[T] { f.dependents = names; return f }

// Check adds a check of the value. Checks run in order and end at the first
// that refuses. A default is not checked.
func (f *Field[T]) Check(c ...Check[T]) *Field[T] { f.checks = append(f.checks, c...); return f }

// Suggest offers values for the user interface, given the other properties.
func (f *Field[T]) Suggest(s func(Props) []T) *Field[T] { f.suggest = s; return f }

// ShownIf hides the property unless the others call for it.
func (f *Field[T]) ShownIf(v func(Props) bool) *Field[T] { f.visible = v; return f }

func (f *Field[T]) info() *meta { return &f.meta }

func (f *Field[T]) show(v T) string { return show(any(v)) }

func (f *Field[T]) say(v T) string {
	if f.text != nil {
		return f.text(v)
	}
	return show(any(v))
}

// raw shows a value that could not be read, unless it is a secret.
func (f *Field[T]) raw(s string) string {
	if f.typ == "PASSWORD" {
		return hidden
	}
	return s
}

// set reads the property into its variable. As in Java, a list that must hold
// no value twice loses the repetitions here, and fails validation.
func (f *Field[T]) set(p Props, prefix string) error {
	name := prefix + f.name
	s, ok := p[name]
	if s == Null {
		ok = false
	}
	if !ok {
		if !f.hasDefault {
			return missing(name)
		}
		if !f.nullDefault {
			*f.dst = f.def
		}
		return nil
	}
	v, err := f.parse(s)
	if err != nil {
		return f.invalid(name, f.raw(s), err)
	}
	for _, c := range f.checks {
		if c.tidy != nil {
			v = c.tidy(v)
		}
	}
	for _, c := range f.checks {
		if err := c.Valid(v); err != nil {
			return f.invalid(f.name, f.say(v), err)
		}
	}
	*f.dst = v
	return nil
}

func missing(name string) error {
	return ConfigErrorf("Missing required configuration \"%s\" which has no default value.", name)
}

// invalid words what is wrong with a value. An Error is in its own words, and
// so is a PropertyError but for the name.
func (f *Field[T]) invalid(name, value string, err error) error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	var own PropertyError
	if errors.As(err, &own) {
		return ConfigErrorf("%s", strings.ReplaceAll(string(own), "{name}", name))
	}
	return ConfigErrorf("Invalid value %s for configuration %s: %v", value, name, err)
}

// read is set for the validate endpoint: all that is wrong, and the value, if
// there is one, as text.
func (f *Field[T]) read(p Props, prefix string) (value *string, errs []string) {
	name := prefix + f.name
	s, ok := p[name]
	switch {
	case !ok && f.nullDefault:
		return nil, nil
	case !ok && f.hasDefault:
		s := f.show(f.def)
		return &s, nil
	case !ok:
		errs = append(errs, missing(name).Error())
	case s == Null:
	default:
		v, err := f.parse(s)
		if err == nil {
			for _, c := range f.checks {
				if err := c.Valid(v); err != nil {
					errs = append(errs, f.invalid(f.name, f.say(v), err).Error())
					break
				}
			}
			s := f.shown(v, s)
			return &s, errs
		}
		errs = append(errs, f.invalid(name, f.raw(s), err).Error())
	}
	// As in Java, a check also sees that there is no value.
	for _, c := range f.checks {
		if c.Null != nil {
			errs = append(errs, f.invalid(f.name, "null", c.Null).Error())
			break
		}
	}
	return nil, errs
}

func (f *Field[T]) reread(value string) (*string, error) {
	if value == Null {
		return nil, nil
	}
	v, err := f.parse(value)
	if err != nil {
		return nil, f.invalid(f.name, f.raw(value), err)
	}
	s := f.shown(v, value)
	return &s, nil
}

// shown is show of a value that was parsed from text. Milliseconds that a
// Duration cannot hold are shown as they were given, as in Java.
func (f *Field[T]) shown(v T, text string) string {
	if _, ok := any(v).(time.Duration); ok {
		if n, err := parseInteger(text, 64, f.typ); err == nil {
			return strconv.FormatInt(n, 10)
		}
	}
	return f.show(v)
}

func (f *Field[T]) key() ConfigKey {
	k := ConfigKey{
		Name: f.name, Type: f.typ, Required: !f.hasDefault, Importance: f.importance, Documentation: f.doc,
		Width: f.width, DisplayName: f.display, Dependents: append([]string{}, f.dependents...), Order: f.order,
	}
	if f.group != "" {
		k.Group = &f.group
	}
	if f.hasDefault && !f.nullDefault {
		s := f.show(f.def)
		k.DefaultValue = &s
	}
	if len(f.checks) > 0 {
		texts := make([]string, len(f.checks))
		for i, c := range f.checks {
			texts[i] = c.Text
		}
		s := strings.Join(texts, ", ")
		k.Valid = &s
	}
	return k
}

func (f *Field[T]) describe(p Props, prefix string) ConfigValue {
	v := ConfigValue{Name: prefix + f.name, RecommendedValues: []string{}, Errors: []string{}, Visible: true}
	var errs []string
	v.Value, errs = f.read(p, prefix)
	v.Errors = append(v.Errors, errs...)
	if f.suggest == nil && f.visible == nil {
		return v
	}
	if prefix != "" {
		p = p.WithPrefix(prefix)
	}
	if f.suggest != nil {
		for _, s := range f.suggest(p) {
			v.RecommendedValues = append(v.RecommendedValues, f.show(s))
		}
	}
	if f.visible != nil {
		v.Visible = f.visible(p)
	}
	return v
}

// embedded is a field of another definition under a prefix.
type embedded struct {
	field
	meta   meta
	prefix string
}

func (e *embedded) info() *meta { return &e.meta }

func (e *embedded) key() ConfigKey {
	k := e.field.key()
	k.Name, k.Group, k.Order = e.meta.name, &e.meta.group, e.meta.order
	k.Dependents = append([]string{}, e.meta.dependents...)
	return k
}

func (e *embedded) describe(p Props, prefix string) ConfigValue {
	return e.field.describe(p, prefix+e.prefix)
}

func (e *embedded) set(p Props, prefix string) error { return e.field.set(p, prefix+e.prefix) }
