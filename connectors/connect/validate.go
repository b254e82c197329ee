package connect

import (
	"fmt"
	"slices"
	"strings"
)

// ConfigInfo is one entry of the validate endpoint's answer.
type ConfigInfo struct {
	Definition *ConfigKey  `json:"definition"` // nil: no definition declares the property
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
	Order         int        `json:"order_in_group"` // -1 without a group
	Width         Width      `json:"width"`
	DisplayName   string     `json:"display_name"`
	Dependents    []string   `json:"dependents"`
	Valid         *string    `json:"-"` // what the checks accept; nil: there are none
}

// ConfigValue is a property's value as the REST API shows it.
type ConfigValue struct {
	Name              string   `json:"name"`
	Value             *string  `json:"value"` // secrets as [hidden]
	RecommendedValues []string `json:"recommended_values"`
	Errors            []string `json:"errors"`
	Visible           bool     `json:"visible"`
}

// Fail adds to what is wrong with the value.
func (v *ConfigValue) Fail(format string, args ...any) {
	v.Errors = append(v.Errors, fmt.Sprintf(format, args...))
}

// Validate describes every property and what is wrong with its value.
func (d *ConfigDef) Validate(p Props) []ConfigInfo {
	out := make([]ConfigInfo, 0, len(d.fields))
	for _, f := range d.fields {
		k := f.key()
		out = append(out, ConfigInfo{&k, f.describe(p, "")})
	}
	return out
}

// Blame is an error for a plugin's Check to return: property, which the plugin
// does not declare, is wrong as text says. Several are joined with errors.Join.
func Blame(property, text string) error { return &blame{property, text} }

type blame struct{ property, text string }

func (b *blame) Error() string { return b.property + ": " + b.text }

// Blamed returns the properties that an error of a Check blames, as infos
// without a definition. Any other error among them is returned.
func Blamed(err error) ([]ConfigInfo, error) {
	switch e := err.(type) {
	case nil:
		return nil, nil
	case *blame:
		return []ConfigInfo{{Value: ConfigValue{Name: e.property, RecommendedValues: []string{}, Errors: []string{e.text}, Visible: true}}}, nil
	case interface{ Unwrap() []error }:
		var all []ConfigInfo
		for _, one := range e.Unwrap() {
			infos, err := Blamed(one)
			if err != nil {
				return nil, err
			}
			all = append(all, infos...)
		}
		return all, nil
	}
	return nil, err
}

// ValueOf returns the value of a property among infos, to which a plugin's
// Check adds what is wrong; nil if there is none.
func ValueOf(infos []ConfigInfo, name string) *ConfigValue {
	for i := range infos {
		if infos[i].Value.Name == name {
			return &infos[i].Value
		}
	}
	return nil
}

// An UnknownProperty is one that no definition declares.
type UnknownProperty struct {
	Name string
	Like string // the declared name that was probably meant; "" if none is near
}

func (u UnknownProperty) String() string {
	if u.Like == "" {
		return fmt.Sprintf("property %q is not known and has no effect", u.Name)
	}
	return fmt.Sprintf("property %q is not known and has no effect; did you mean %q?", u.Name, u.Like)
}

// Unknown returns the properties of p that d does not declare, sorted by name.
func (d *ConfigDef) Unknown(p Props) []UnknownProperty {
	var out []UnknownProperty
next:
	for name := range p {
		if d.Has(name) {
			continue
		}
		for _, o := range d.open {
			if strings.HasPrefix(name, o.prefix) {
				continue next
			}
		}
		out = append(out, UnknownProperty{name, Nearest(name, d.Names())})
	}
	slices.SortFunc(out, func(a, b UnknownProperty) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Nearest returns the candidate that name is probably a misspelling of, or "":
// one at most a third of whose letters differ.
func Nearest(name string, candidates []string) string {
	best, least := "", len(name)/3+1
	lower := strings.ToLower(name)
	for _, c := range candidates {
		if n := distance(lower, strings.ToLower(c), least); n < least {
			best, least = c, n
		}
	}
	return best
}

// distance counts the letters to insert, drop, change or swap with their
// neighbour, or gives up at limit.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit)
}
