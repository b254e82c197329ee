// Package transforms holds the transforms and predicates of Apache Kafka 4.3,
// one file for each, under their Java class names.
//
// A transform looks at a schema once: it works out what is to be done with
// records of that schema (the new schema, which field goes where) and keeps
// that plan for the sixteen schemas seen last, so that a record costs the
// values of its new struct and nothing else. Contents are shared between
// records and stages, so they are replaced and never changed.
//
// The package imports connect, data and javatext.
package transforms

import (
	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

const (
	version = "4.3.1" // of Kafka, whose classes these are
	prefix  = "org.apache.kafka.connect.transforms."
)

// A side is what a transform works on: the record's key or its value.
type side bool

const (
	key   side = true
	value side = false
)

func (s side) of(r *connect.Record) *data.Datum {
	if s == key {
		return &r.Key
	}
	return &r.Value
}

// register registers a transform that works on the record as a whole.
func register(class string, config func() connect.Configurable, open func(connect.Props) (connect.Transform, error)) {
	connect.Register(connect.TransformPlugin{Class: prefix + class, Version: version, Config: config, Open: open})
}

// registerSides registers a transform of keys and one of values.
func registerSides(class string, config func() connect.Configurable, open func(side, connect.Props) (connect.Transform, error)) {
	register(class+"$Key", config, func(p connect.Props) (connect.Transform, error) { return open(key, p) })
	register(class+"$Value", config, func(p connect.Props) (connect.Transform, error) { return open(value, p) })
}

// given reports whether a property has a value, the empty text being one.
func given(p connect.Props, name string) bool {
	v, ok := p[name]
	return ok && v != connect.Null
}

// defineDefaults declares the property that most transforms have (KIP-1040).
func defineDefaults(d *connect.ConfigDef, p *bool) {
	d.Boolean(p, "replace.null.with.default").Default(true).Is(connect.Medium).
		Doc("A null in a field that has a default: true puts the default in its place, false keeps the null.")
}
