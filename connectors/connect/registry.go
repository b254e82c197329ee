package connect

import (
	"slices"
	"strings"
)

// Type is a kind of plugin, in the words of the REST API.
type Type string

// The kinds of plugins.
const (
	Source           Type = "source"
	Sink             Type = "sink"
	Transformation   Type = "transformation"
	PredicateType    Type = "predicate"
	ConverterType    Type = "converter"
	HeaderConverting Type = "header_converter"
)

// Plugins is a set of plugins. The worker reads one; Registered is the one that
// init functions fill, and tests make their own. The zero Plugins is empty.
type Plugins struct {
	Sources          Classes[SourcePlugin]
	Sinks            Classes[SinkPlugin]
	Transforms       Classes[TransformPlugin]
	Predicates       Classes[PredicatePlugin]
	Converters       Classes[ConverterPlugin]
	HeaderConverters Classes[HeaderConverterPlugin]
}

// Registered holds what the linked packages have registered.
var Registered Plugins

// Register adds plugins of any kind to Registered. It is for init functions
// and panics on a mistake.
func Register(plugins ...any) {
	for _, p := range plugins {
		Registered.Add(p)
	}
}

// Add adds one plugin of any kind, and panics when it is incomplete or its
// class is taken.
func (ps *Plugins) Add(plugin any) {
	switch p := plugin.(type) {
	case SourcePlugin:
		ps.Sources.add(p.Class, p.Aliases, p, p.OpenTask != nil)
	case SinkPlugin:
		ps.Sinks.add(p.Class, p.Aliases, p, p.OpenTask != nil)
	case TransformPlugin:
		ps.Transforms.add(p.Class, p.Aliases, p, p.Open != nil)
	case PredicatePlugin:
		ps.Predicates.add(p.Class, p.Aliases, p, p.Open != nil)
	case ConverterPlugin:
		ps.Converters.add(p.Class, p.Aliases, p, p.Open != nil)
	case HeaderConverterPlugin:
		ps.HeaderConverters.add(p.Class, p.Aliases, p, p.Open != nil)
	default:
		panic("connect: Add takes plugins by value")
	}
}

// Classes are the plugins of one kind, found by class name as Connect does:
// full name, simple name, or simple name without what its kind is called
// (FileStreamSource for FileStreamSourceConnector).
type Classes[T any] struct {
	byName  map[string]T // classes and aliases
	classes []string     // canonical, sorted
	short   map[string]string
	canon   map[string]string // class or alias → canonical class
}

func (c *Classes[T]) add(class string, aliases []string, p T, complete bool) {
	if class == "" || !complete {
		panic("connect: incomplete plugin " + class)
	}
	if c.byName == nil {
		c.byName, c.short, c.canon = map[string]T{}, map[string]string{}, map[string]string{}
	}
	for _, name := range append([]string{class}, aliases...) {
		if _, dup := c.byName[name]; dup {
			panic("connect: class " + name + " is registered twice")
		}
		c.byName[name], c.canon[name] = p, class
		simple := name[strings.LastIndexByte(name, '.')+1:]
		if strings.Contains(simple, "$") {
			continue // a nested class has no short name in Java
		}
		for _, s := range []string{simple, prune(simple)} {
			if at, taken := c.short[s]; taken && at != class {
				c.short[s] = "" // ambiguous, as in Java: no such alias
			} else {
				c.short[s] = class
			}
		}
	}
	at, _ := slices.BinarySearch(c.classes, class)
	c.classes = slices.Insert(c.classes, at, class)
}

// prune drops the word for the kind from a simple name, as Java's PluginUtils.
func prune(simple string) string {
	for _, suffix := range []string{"Connector", "HeaderConverter", "Converter", "Transformation", "Predicate"} {
		if s, ok := strings.CutSuffix(simple, suffix); ok && s != "" {
			return s
		}
	}
	return simple
}

// Find returns the plugin of a class, alias or short name.
func (c *Classes[T]) Find(name string) (p T, ok bool) {
	if p, ok = c.byName[name]; ok {
		return p, true
	}
	if class := c.short[name]; class != "" {
		p, ok = c.byName[class]
	}
	return p, ok
}

// Canonical returns the canonical class of a class, alias or short name.
func (c *Classes[T]) Canonical(name string) (string, bool) {
	if class, ok := c.canon[name]; ok {
		return class, true
	}
	class := c.short[name]
	return class, class != ""
}

// Names returns the canonical classes, sorted.
func (c *Classes[T]) Names() []string { return slices.Clone(c.classes) }

// A Listed plugin is one entry of GET /connector-plugins.
type Listed struct {
	Class   string `json:"class"`
	Type    Type   `json:"type"`
	Version string `json:"version"`
}

// List returns all plugins in Java's order: sinks, sources, converters, header
// converters, predicates, transformations; each by class.
func (ps *Plugins) List() []Listed {
	var out []Listed
	for _, c := range ps.Sinks.classes {
		out = append(out, Listed{c, Sink, ps.Sinks.byName[c].Version})
	}
	for _, c := range ps.Sources.classes {
		out = append(out, Listed{c, Source, ps.Sources.byName[c].Version})
	}
	for _, c := range ps.Converters.classes {
		out = append(out, Listed{c, ConverterType, ps.Converters.byName[c].Version})
	}
	for _, c := range ps.HeaderConverters.classes {
		out = append(out, Listed{c, HeaderConverting, ps.HeaderConverters.byName[c].Version})
	}
	for _, c := range ps.Predicates.classes {
		out = append(out, Listed{c, PredicateType, ps.Predicates.byName[c].Version})
	}
	for _, c := range ps.Transforms.classes {
		out = append(out, Listed{c, Transformation, ps.Transforms.byName[c].Version})
	}
	return out
}
