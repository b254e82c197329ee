package registry

import (
	"github.com/millwright-connect/millwright/connectors/connect"
)

// avroConfig is the configuration of AvroConverter.
type avroConfig struct {
	settings
	enhanced, scrub, meta, optionalKeys, flatten, ignoreDefaults bool
	schemasCache                                                 int
}

func (c *avroConfig) Define(d *connect.ConfigDef) {
	c.settings.Define(d)
	d.Boolean(&c.enhanced, "enhanced.avro.schema.support").Default(false).
		Doc("Whether enums are kept as such, and the members of unions are named with their namespaces.")
	d.Boolean(&c.scrub, "scrub.invalid.names").Default(false).
		Doc("Whether characters that Avro does not allow in names are replaced.")
	d.Boolean(&c.meta, "connect.meta.data").Default(true).Is(connect.Low).
		Doc("Whether schemas hold what Avro has no place for, such as names and versions, in properties of their own.")
	d.Boolean(&c.optionalKeys, "allow.optional.map.keys").Default(false).Is(connect.Low).
		Doc("Whether maps with optional texts for keys are written as Avro maps.")
	d.Boolean(&c.flatten, "flatten.singleton.unions").Default(true).Is(connect.Low).
		Doc("Whether a union of one type is read as that type.")
	common(d, &c.ignoreDefaults, &c.schemasCache)
	d.Unsupported("discard.type.doc.default", "it is deprecated; leave it out", "false")
}

// common declares what the three formats share besides the registry's settings.
func common(d *connect.ConfigDef, ignoreDefaults *bool, cache *int) {
	d.Boolean(ignoreDefaults, "ignore.default.for.nullables").Default(false).
		Doc("Whether a null in an optional field stays null although the field has a default value.")
	d.Int(cache, "schemas.cache.config").Default(1000).Is(connect.Low).Doc("How many converted schemas are kept; see max.schemas.per.subject.")
	d.Unsupported("generalized.sum.type.support", "unions and enums are those of the format", "false")
}

const (
	avroSpace     = "io.confluent.connect.avro"
	defaultName   = "ConnectDefault"
	unionName     = avroSpace + ".Union"
	enumParam     = avroSpace + ".Enum"
	recordDoc     = avroSpace + ".record.doc"
	fieldDoc      = avroSpace + ".field.doc."
	enumDoc       = avroSpace + ".enum.doc."
	enumDefault   = avroSpace + ".enum.default."
	defaultFlag   = avroSpace + ".field.default"
	mapEntry      = "MapEntry"
	fixedSize     = "connect.fixed.size"
	precisionProp = "connect.decimal.precision"

	defaultPrecision = 64
)

// scrubbed replaces what Avro and Protobuf do not allow in a name, as
// Confluent's converters do: by way of URL encoding.
func scrubbed(name string, prefixed func(first byte) bool) string {
	ok := name == "" || !prefixed(name[0])
	for i := 0; i < len(name) && ok; i++ {
		ok = plainNameByte(name[i])
	}
	if ok {
		return name
	}
	const hex = "0123456789ABCDEF"
	var b []byte
	if prefixed(name[0]) {
		b = append(b, 'x')
	}
	for i := range len(name) {
		switch c := name[i]; {
		case plainNameByte(c):
			b = append(b, c)
		case c == '-', c == '.', c == '*', c == ' ': // which URL encoding keeps, or makes '+'
			b = append(b, '_')
		default:
			b = append(b, '_', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}

func plainNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
