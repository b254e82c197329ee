// Package converters holds the converters and header converters that come with
// Apache Kafka, under their Java class names: they turn keys, values and
// headers into the same bytes as Java's and back.
//
// JSON is where the time of most pipelines goes, so it is written for speed:
// what depends on a schema alone is worked out once per schema, and a record's
// payload goes straight between bytes and values. Whatever is not plain is left
// to a second, slower reader which does as Jackson and Java's JsonConverter do;
// the fast one only ever answers what the slow one would.
//
// The package imports connect, data and the standard library.
package converters

import (
	"maps"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// version is what the plugins report: that of the Java classes whose behaviour
// they have.
const version = "4.3.1"

// Names of the Java exceptions that are not of Connect itself.
const serializationException = "org.apache.kafka.common.errors.SerializationException"

// roleName is the property that tells a converter what it is for; the worker
// sets it, whatever the user wrote.
const roleName = "converter.type"

// role is the property that all converters share.
type role struct{ use string }

func (r *role) Define(d *connect.ConfigDef) {
	d.String(&r.use, roleName).Check(connect.OneOf("key", "value", "header")).Is(connect.Low).Order(-1).
		Doc("What the converter is used for: key, value or header. Set by the worker.")
}

// as returns p with the role set.
func as(p connect.Props, use string) connect.Props {
	q := maps.Clone(p)
	if q == nil {
		q = connect.Props{}
	}
	q[roleName] = use
	return q
}

// both is a converter that serves keys, values and headers alike.
type both interface {
	connect.Converter
	connect.HeaderConverter
}

// register makes a class known as a converter and as a header converter.
func register(class string, config func() connect.Configurable, open func(connect.Props) (both, error)) {
	connect.Register(
		connect.ConverterPlugin{
			Class: class, Version: version, Config: config,
			Open: func(p connect.Props, isKey bool) (connect.Converter, error) {
				if isKey {
					return open(as(p, "key"))
				}
				return open(as(p, "value"))
			},
		},
		connect.HeaderConverterPlugin{
			Class: class, Version: version, Config: config,
			Open: func(p connect.Props) (connect.HeaderConverter, error) { return open(as(p, "header")) },
		},
	)
}

func init() {
	roleOnly := func() connect.Configurable { return new(role) }
	register("org.apache.kafka.connect.json.JsonConverter",
		func() connect.Configurable { return new(jsonConfig) },
		func(p connect.Props) (both, error) { return openJSON(p) })
	register("org.apache.kafka.connect.storage.StringConverter",
		func() connect.Configurable { return new(textConfig) },
		func(p connect.Props) (both, error) { return openText(p) })
	register("org.apache.kafka.connect.converters.ByteArrayConverter", roleOnly,
		func(connect.Props) (both, error) { return byteArrays{}, nil })
	register("org.apache.kafka.connect.converters.BooleanConverter", roleOnly,
		func(connect.Props) (both, error) { return booleans{}, nil })
	for _, n := range numberKinds {
		register("org.apache.kafka.connect.converters."+n.class, roleOnly,
			func(connect.Props) (both, error) { return &numbers{n}, nil })
	}
	connect.Register(connect.HeaderConverterPlugin{
		Class: "org.apache.kafka.connect.storage.SimpleHeaderConverter", Version: version,
		Config: func() connect.Configurable { return none{} },
		Open:   func(connect.Props) (connect.HeaderConverter, error) { return simpleHeaders{}, nil },
	})
}

// none is the configuration of what has no properties.
type none struct{}

func (none) Define(*connect.ConfigDef) {}

// javaClass names a value's class as Java's messages do.
func javaClass(v data.Value) string { return "class " + v.JavaClass() }

// because is a DataException with a cause, whose text the message does not
// repeat.
func because(message string, cause error) *data.Error {
	return &data.Error{Class: data.DataException, Message: message, Cause: cause}
}
