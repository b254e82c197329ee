package converters

import (
	"fmt"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/connectors/internal/jackson"
)

// jsonConfig is the configuration of JsonConverter.
type jsonConfig struct {
	role
	schemas     bool
	cacheSize   int
	content     string
	decimals    string
	useDefaults bool
}

func (c *jsonConfig) Define(d *connect.ConfigDef) {
	c.role.Define(d)
	d.Group("Schemas")
	d.Boolean(&c.schemas, "schemas.enable").Default(true).Is(connect.High).Order(0).Wide(connect.WidthMedium).
		Display("Enable Schemas").Doc("Whether every key and value carries its schema, as {\"schema\":..., \"payload\":...}.")
	d.Int(&c.cacheSize, "schemas.cache.size").Default(1000).Is(connect.High).Order(1).Wide(connect.WidthMedium).
		Display("Schema Cache Size").Doc("How many schemas the converter keeps at most, in each direction.")
	d.String(&c.content, "schema.content").OrNone().Is(connect.High).Order(2).Wide(connect.WidthMedium).
		Display("Schema Content").Doc("A schema in JSON that all messages read from Kafka follow; the messages are then plain" +
		" payloads without one. Has an effect only on sinks and with schemas.enable=true. Without it each message brings its own schema.")
	d.Group("Serialization")
	d.String(&c.decimals, "decimal.format").Default("BASE64").Check(decimalFormats).Is(connect.Low).Order(0).Wide(connect.WidthMedium).
		Display("Decimal Format").Doc("How decimals are written: BASE64 (of the unscaled number's bytes) or NUMERIC (a JSON number); upper or lower case.")
	d.Boolean(&c.useDefaults, "replace.null.with.default").Default(true).Is(connect.Low).Order(1).Wide(connect.WidthMedium).
		Display("Replace null with default").Doc("Whether a null in a field with a default value is replaced by the default; otherwise it stays null.")
}

var decimalFormats = connect.Check[string]{
	Text: "(case insensitive) [NUMERIC, BASE64]",
	Valid: func(v string) error {
		if strings.EqualFold(v, "BASE64") || strings.EqualFold(v, "NUMERIC") {
			return nil
		}
		return fmt.Errorf("String must be one of (case insensitive): NUMERIC, BASE64")
	},
}

// jsonConverter is JsonConverter. What it does by schema is cached: for
// writing by the schema's pointer, for reading by the schema's text. It is used
// from one goroutine.
type jsonConverter struct {
	schemas     bool
	numeric     bool // decimals as JSON numbers
	useDefaults bool
	cacheSize   int

	writers    map[*data.Schema]*writer
	lastWriter *writer // of the schema seen last

	readers    map[string]*reader // by the text of the schema
	lastReader *reader
	fixed      *reader // of schema.content; nil: messages bring their schemas
	plain      *reader // of data without a schema
	parse      parser
}

func openJSON(p connect.Props) (*jsonConverter, error) {
	var c jsonConfig
	if err := connect.Parse(p, &c); err != nil {
		return nil, err
	}
	j := &jsonConverter{
		schemas: c.schemas, numeric: strings.EqualFold(c.decimals, "NUMERIC"), useDefaults: c.useDefaults,
		cacheSize: c.cacheSize, writers: map[*data.Schema]*writer{}, readers: map[string]*reader{},
	}
	j.plain = newReader(nil, j.useDefaults)
	if c.content != "" {
		n, err := jackson.Parse([]byte(c.content))
		if err != nil {
			return nil, because("Failed to parse schema in converter config due to serialization error: ", err)
		}
		s, err := j.schemaOf(n)
		if err != nil {
			return nil, err
		}
		if s != nil {
			j.fixed = newReader(s, j.useDefaults)
		}
	}
	return j, nil
}

// Encode writes d as JSON: the payload alone, or in an envelope with its schema.
func (j *jsonConverter) Encode(dst []byte, _ string, _ []connect.Header, d data.Datum) ([]byte, error) {
	if d.Schema == nil && d.Value.IsNull() {
		return nil, nil
	}
	w := j.lastWriter
	if w == nil || w.schema != d.Schema {
		var err error
		if w, err = j.writerOf(d.Schema); err != nil {
			return nil, err
		}
	}
	dst = append(dst, w.envelope...)
	dst, err := w.append(dst, d.Value, 0)
	if err != nil {
		return nil, err
	}
	if j.schemas {
		dst = append(dst, '}')
	}
	return dst, nil
}

// Decode reads JSON of the form that Encode writes, or, with schema.content, a
// payload of that schema.
func (j *jsonConverter) Decode(_ string, _ []connect.Header, b []byte) (data.Datum, error) {
	switch {
	case b == nil:
		return data.Datum{}, nil
	case !j.schemas:
		return j.payload(j.plain, b)
	case j.fixed != nil:
		return j.payload(j.fixed, b)
	}
	return j.envelope(b)
}

func (j *jsonConverter) EncodeHeader(dst []byte, topic, _ string, d data.Datum) ([]byte, error) {
	return j.Encode(dst, topic, nil, d)
}

func (j *jsonConverter) DecodeHeader(topic, _ string, b []byte) (data.Datum, error) {
	return j.Decode(topic, nil, b)
}
