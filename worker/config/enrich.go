package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// check is what is wrong with a version of a plugin that there is in the given
// versions.
func checkVersion(class, version string, available []string) error {
	r, err := parseRange(version)
	if err != nil || r == nil {
		return err
	}
	if slices.ContainsFunc(available, r.has) {
		return nil
	}
	return fmt.Errorf("Plugin %s not found that matches the version range %s, available versions: [%s]", class, r, strings.Join(available, ", "))
}

// own keeps an error as it is, in place of "Invalid value ...".
func own(err error) error {
	if err == nil {
		return nil
	}
	return connect.PropertyError(err.Error())
}

// defineClass declares connector.class and its version.
func (c *Connector) defineClass(d *connect.ConfigDef) {
	s := c.scope
	version, found := s.connectorVersion()
	unfit := func(string) error {
		if s.unfit != "" {
			return connect.PropertyError(s.unfit)
		}
		return nil
	}
	f := d.String(&c.Class, "connector.class").Is(high).Wide(connect.WidthLong).Display("Connector class").
		Doc(connectorTexts["connector.class"])
	if found {
		f.Check(connect.Check[string]{Text: "a connector of the version that is asked for", Valid: unfit})
	}
	f = d.String(new(string), "connector.plugin.version").Wide(connect.WidthMedium).Display("Connector version").
		Check(connect.Check[string]{Text: "version range", Valid: unfit}).Doc(connectorTexts["connector.plugin.version"])
	if !found {
		f.OrNone()
		return
	}
	f.Default(version).Suggest(func(connect.Props) []string { return []string{version} })
}

// connectorVersion returns the version of the connector in scope, if any is.
func (s *scope) connectorVersion() (version string, found bool) {
	name := s.props["connector.class"]
	if p, ok := s.plugins.Sources.Find(name); ok {
		return p.Version, true
	}
	p, ok := s.plugins.Sinks.Find(name)
	return p.Version, ok
}

// converterProperty is one of the three converters.
type converterProperty struct {
	at      *string
	name    string
	display string
	header  bool
}

// defineConverter declares a converter's class and its version. Defaults are
// the worker's; without a worker there are none.
func (s *scope) defineConverter(d *connect.ConfigDef, c converterProperty) {
	kind, names := "Converter", s.plugins.Converters.Names
	has := s.plugins.Converters.Canonical
	if c.header {
		kind, names, has = "HeaderConverter", s.plugins.HeaderConverters.Names, s.plugins.HeaderConverters.Canonical
	}
	find := visibleClass(s.plugins)
	chosen, explicit := s.props[c.name]
	class, known := find(strings.TrimSpace(chosen))
	if !explicit && s.worker != nil && s.unfit == "" {
		class = map[string]string{"key.converter": s.worker.KeyConverter, "value.converter": s.worker.ValueConverter, "header.converter": s.worker.HeaderConverter}[c.name]
		_, known = find(class)
	}
	_, fits := has(class)
	available := s.converterVersions(class)
	version := c.name + ".plugin.version"
	wanted, versioned := s.props[version]

	f := d.ClassIn(c.at, c.name, find).Is(low).Wide(connect.WidthShort).Display(c.display+" class").
		Check(connect.Check[string]{Text: "A concrete subclass of org.apache.kafka.connect.storage." + kind, Valid: func(v string) error {
			if _, ok := has(v); !ok {
				return connect.PropertyError(notA(v, kind))
			}
			if r, err := parseRange(wanted); versioned && err == nil && r != nil {
				return own(checkVersion(v, wanted, available))
			}
			return nil
		}}, connect.Check[string]{Text: "A class with a public, no-argument constructor", Valid: func(string) error { return nil }}).
		Doc(connectorTexts[c.name])
	v := d.String(new(string), version).OrNone().Is(low).Wide(connect.WidthShort).Display(c.display + " version").
		Check(connect.Check[string]{Text: "version range", Valid: func(v string) error {
			if !fits {
				return nil
			}
			if _, err := parseRange(v); err != nil || !explicit {
				return own(err)
			}
			return own(checkVersion(class, v, available))
		}}).Doc(connectorTexts[version])
	if s.worker == nil {
		f.OrNone()
		return
	}
	if s.unfit != "" {
		f.OrNone()
		v.ShownIf(func(connect.Props) bool { return known })
		return
	}
	f.Default(map[string]string{"key.converter": s.worker.KeyConverter, "value.converter": s.worker.ValueConverter, "header.converter": s.worker.HeaderConverter}[c.name]).
		Suggest(func(connect.Props) []string { return names() })
	if !known {
		v.ShownIf(func(connect.Props) bool { return false })
	}
	if fits && len(available) > 0 {
		v.Default(available[0]).Suggest(func(connect.Props) []string { return available[:1] })
	}
}

// converterVersions are the versions of a class as Java counts them: one for
// each kind of converter that it is.
func (s *scope) converterVersions(class string) (versions []string) {
	if p, ok := s.plugins.Converters.Find(class); ok {
		versions = append(versions, p.Version)
	}
	if p, ok := s.plugins.HeaderConverters.Find(class); ok {
		versions = append(versions, p.Version)
	}
	return versions
}

// aliased is a kind of plugin that a connector configures under names of the
// user's: transforms and predicates.
type aliased struct {
	property, group, kind string
	names                 func(*connect.Plugins) []string
	find                  func(ps *connect.Plugins, class string) (canonical, version string, config func() connect.Configurable, ok bool)
}

var transforms = aliased{
	"transforms", "Transforms", "Transformation", func(ps *connect.Plugins) []string { return ps.Transforms.Names() },
	func(ps *connect.Plugins, class string) (string, string, func() connect.Configurable, bool) {
		p, ok := ps.Transforms.Find(class)
		return p.Class, p.Version, p.Config, ok
	},
}

var predicates = aliased{
	"predicates", "Predicates", "Predicate", func(ps *connect.Plugins) []string { return ps.Predicates.Names() },
	func(ps *connect.Plugins, class string) (string, string, func() connect.Configurable, bool) {
		p, ok := ps.Predicates.Find(class)
		return p.Class, p.Version, p.Config, ok
	},
}

func transformClass(ps *connect.Plugins) func(string) (string, bool) { return transforms.class(ps) }
func predicateClass(ps *connect.Plugins) func(string) (string, bool) { return predicates.class(ps) }

// class finds the canonical name of a class. As in Java, short names of nested
// classes ($Key and $Value) are not known.
func (a aliased) class(ps *connect.Plugins) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if strings.Contains(name, "$") && !strings.Contains(name, ".") {
			return "", false
		}
		if class, _, _, ok := a.find(ps, name); ok {
			return class, true
		}
		if class, ok := visibleClass(ps)(name); ok {
			return class, true // of the wrong kind, which is found later
		}
		return name, len(nested(ps, name)) > 0
	}
}

// nested are the transforms that are nested in a class of that full name, which
// itself is abstract.
func nested(ps *connect.Plugins, name string) (classes []string) {
	if !strings.Contains(name, ".") {
		return nil
	}
	for _, class := range ps.Transforms.Names() {
		if strings.HasPrefix(class, name+"$") {
			classes = append(classes, class)
		}
	}
	return classes
}

// fault is what is wrong with a class as one of this kind.
func (a aliased) fault(ps *connect.Plugins, class string) error {
	if _, _, _, ok := a.find(ps, class); ok {
		return nil
	}
	if inner := nested(ps, class); a.kind == "Transformation" && len(inner) > 0 {
		return connect.PropertyError("This class is abstract and cannot be created. Did you mean " + strings.Join(inner, ", ") + "?")
	}
	return connect.PropertyError(notA(class, a.kind))
}

// defineAliases declares what the plugins under each alias need.
func (s *scope) defineAliases(d *connect.ConfigDef, a aliased) {
	var aliases []string
	if list, ok := s.props[a.property]; ok && list != connect.Null {
		aliases = listOf(list)
	}
	for i, alias := range aliases {
		if !slices.Contains(aliases[:i], alias) {
			s.defineAlias(d, a, alias)
		}
	}
}

func (s *scope) defineAlias(d *connect.ConfigDef, a aliased, alias string) {
	prefix, group := a.property+"."+alias+".", a.group+": "+alias
	kind := strings.ToLower(a.kind)
	find := a.class(s.plugins)
	class, known := find(strings.TrimSpace(s.props[prefix+"type"]))
	_, available, config, fits := a.find(s.plugins, class)
	fits = fits && known
	wanted, versioned := s.props[prefix+"plugin.version"]
	var unfit, negated error
	if _, typed := s.props[prefix+"type"]; versioned && typed {
		if _, unfit = parseRange(wanted); unfit == nil && fits {
			unfit = checkVersion(class, wanted, []string{available})
		}
	}
	if a.kind == "Transformation" {
		_, negate := s.props[prefix+"negate"]
		if _, predicate := s.props[prefix+"predicate"]; negate && !predicate {
			negated = connect.PropertyError("Config '" + prefix + "negate' was provided but there is no config '" + prefix + "predicate' defining a predicate to be negated.")
		}
	}
	d.Group(group)
	d.ClassIn(new(string), prefix+"type", find).Is(high).Wide(connect.WidthLong).Display(a.kind + " type for " + alias).Order(0).
		Suggest(func(connect.Props) []string { return a.names(s.plugins) }).
		Check(connect.Check[string]{Text: "valid configs for " + alias + " " + kind, Null: negated, Valid: func(v string) error {
			if negated != nil {
				return negated
			}
			if unfit != nil {
				return own(unfit)
			}
			return a.fault(s.plugins, v)
		}}).Doc("Class for the '" + alias + "' " + kind + ".")
	f := d.String(new(string), prefix+"plugin.version").OrNone().Is(high).Wide(connect.WidthLong).Display(a.kind + " version for " + alias).Order(1).
		Check(connect.Check[string]{Text: "version range", Valid: func(string) error { return own(unfit) }}).
		Doc("Version of the '" + alias + "' " + kind + ".")
	if !fits {
		return
	}
	f.Default(available).Suggest(func(connect.Props) []string { return []string{available} })
	if unfit == nil {
		d.Group("")
		d.Embed(prefix, group, 2, inAlias{config, a.kind == "Transformation"})
	}
}

// inAlias is a plugin's own properties with those that every transform has.
type inAlias struct {
	config    func() connect.Configurable
	transform bool
}

func (i inAlias) Define(d *connect.ConfigDef) {
	if i.transform {
		d.String(new(string), "predicate").OrNone().Doc("The alias of a predicate used to determine whether to apply this transformation.")
		d.Boolean(new(bool), "negate").Default(false).Doc("Whether the configured predicate should be negated.")
	}
	if i.config != nil {
		i.config().Define(d)
	}
}

// listOf reads a LIST as a definition does.
func listOf(text string) (list []string) {
	var d connect.ConfigDef
	d.List(&list, "l")
	_ = d.Parse(connect.Props{"l": text}) // a list without checks cannot be wrong
	return list
}
