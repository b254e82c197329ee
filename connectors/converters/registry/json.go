package registry

import (
	"bytes"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/connectors/internal/jackson"
)

func init() {
	connect.Register(connect.ConverterPlugin{
		Class: "io.confluent.connect.json.JsonSchemaConverter", Version: version,
		Config: func() connect.Configurable { return new(jsonConfig) },
		Open: func(p connect.Props, isKey bool) (connect.Converter, error) {
			c := new(jsonConfig)
			if err := connect.Parse(p, c); err != nil {
				return nil, err
			}
			return open(&c.settings, c, isKey)
		},
	})
}

// jsonConfig is the configuration of JsonSchemaConverter.
type jsonConfig struct {
	settings
	additional, nonRequired, flatten, ignoreDefaults, validate bool
	decimals                                                   string
	schemasCache                                               int
}

func (c *jsonConfig) Define(d *connect.ConfigDef) {
	c.settings.Define(d)
	d.Boolean(&c.additional, "object.additional.properties").Default(true).
		Doc("Whether the schemas of objects allow properties that they do not list.")
	d.Boolean(&c.nonRequired, "use.optional.for.nonrequired").Default(false).
		Doc("Whether properties that a schema does not require are read as optional fields.")
	d.String(&c.decimals, "decimal.format").Default("BASE64").Check(anyCase("BASE64", "NUMERIC")).Is(connect.Low).
		Doc("How decimals are written: BASE64 (of the unscaled number's bytes) or NUMERIC (a JSON number).")
	d.Boolean(&c.flatten, "flatten.singleton.unions").Default(true).Is(connect.Low).
		Doc("Whether a oneOf with one schema is read as that schema.")
	d.Boolean(&c.validate, "json.fail.invalid.schema").Default(false).
		Doc("Whether records are checked against the rules of their schema, such as ranges and patterns, when read and written.")
	common(d, &c.ignoreDefaults, &c.schemasCache)
	d.Unsupported("preserve.additional.properties", "properties that the schema does not list are left out", "false")
	d.Unsupported("json.write.dates.iso8601", "dates are numbers", "false")
	d.Unsupported("json.schema.spec.version", "schemas are of draft 7", "", "draft_7")
}

func anyCase(allowed ...string) connect.Check[string] {
	one := connect.OneOf(allowed...)
	return connect.Check[string]{Text: one.Text, Valid: func(v string) error { return one.Valid(strings.ToUpper(v)) }}
}

func (c *jsonConfig) numeric() bool { return strings.EqualFold(c.decimals, "NUMERIC") }

func (*jsonConfig) kind() sr.SchemaType { return sr.TypeJSON }

func (*jsonConfig) writing(topic string) string {
	return "Converting Kafka Connect data to byte[] failed due to serialization error of topic " + topic + ": "
}

func (*jsonConfig) reading(topic string) string {
	return "Converting byte[] to Kafka Connect data failed due to serialization error of topic " + topic + ": "
}

// tombstone: a null is written as JSON's null if the schema allows one.
func (c *jsonConfig) tombstone(s *data.Schema) (bool, error) {
	return s == nil || !s.IsOptional() && (s.DefaultValue().IsNull() || c.ignoreDefaults), nil
}

func (c *jsonConfig) outgoing(s *data.Schema) (*outgoing, error) {
	if s == nil {
		return nil, data.Fail("JSON Schema needs a schema; data without one goes with org.apache.kafka.connect.json.JsonConverter")
	}
	n, err := (&jsonMaker{jsonConfig: c, ids: map[string]bool{}}).schema(s, -1, false)
	if err != nil {
		return nil, err
	}
	text := string(n.Append(nil))
	name := ""
	if title := n.Get("title"); title != nil {
		name = title.Text
	}
	write, err := c.checked(jsonWriter{c}.encoder(s), text, nil)
	return &outgoing{sr.Schema{Schema: text, Type: sr.TypeJSON}, name, write}, err
}

// checked has payloads checked against the schema before they go out.
func (c *jsonConfig) checked(write encoder, text string, refs []reference) (encoder, error) {
	if !c.validate {
		return write, nil
	}
	check, err := validator(text, refs)
	if err != nil {
		return nil, err
	}
	return func(dst []byte, v data.Value) ([]byte, error) {
		n := len(dst)
		dst, err := write(dst, v)
		if err != nil {
			return nil, err
		}
		return dst, check(dst[n:])
	}, nil
}

// validator makes the check of payloads against a JSON Schema.
func validator(text string, refs []reference) (func(payload []byte) error, error) {
	const own = "mem:///schema.json"
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	for _, r := range append(refs, reference{own, text}) {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(r.schema))
		if err != nil {
			return nil, err
		}
		url := r.name
		if !strings.Contains(url, "://") {
			url = "mem:///" + url
		}
		if err := c.AddResource(url, doc); err != nil {
			return nil, connect.Errorf(serializationException, "%w", err)
		}
	}
	s, err := c.Compile(own)
	if err != nil {
		return nil, connect.Errorf(serializationException, "%w", err)
	}
	return func(payload []byte) error {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
		if err != nil {
			return err
		}
		if err := s.Validate(v); err != nil {
			return connect.Errorf(serializationException, "JSON does not follow its schema: %w", err)
		}
		return nil
	}, nil
}

// writer: JSON has no order or types of its own, so values are written as by
// their own schema, and the other schema checks them when that is wanted.
func (c *jsonConfig) writer(s *data.Schema, by parsed, strict bool) (encoder, error) {
	if s == nil {
		return nil, data.Fail("JSON Schema needs a schema; data without one goes with org.apache.kafka.connect.json.JsonConverter")
	}
	p := by.(*jsonParsed)
	if strict {
		if err := p.takes(s); err != nil {
			return nil, err
		}
	}
	return c.checked(jsonWriter{c}.encoder(s), p.text, p.refs)
}

func (c *jsonConfig) parse(s sr.Schema, refs []reference) (parsed, error) {
	n, err := jackson.Parse([]byte(s.Schema))
	if err != nil {
		return nil, err
	}
	p := &jsonParsed{jsonConfig: c, root: n, text: s.Schema, refs: refs, docs: map[string]*jackson.Node{}}
	for _, r := range refs {
		if p.docs[r.name], err = jackson.Parse([]byte(r.schema)); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// jsonParsed is a JSON Schema of the registry.
type jsonParsed struct {
	*jsonConfig
	root *jackson.Node
	text string
	refs []reference
	docs map[string]*jackson.Node // of refs, by name
}

func (p *jsonParsed) record([]byte) string {
	if t := p.root.Get("title"); t != nil {
		return t.Text
	}
	return ""
}

func (p *jsonParsed) reader(version int) (decoder, error) {
	s, err := (&jsonReader{jsonParsed: p}).schema(p.root, p.root, version, false)
	if err != nil {
		return nil, err
	}
	check := func([]byte) error { return nil }
	if p.validate {
		if check, err = validator(p.text, p.refs); err != nil {
			return nil, err
		}
	}
	return func(b []byte) (data.Datum, error) {
		n, err := jackson.Parse(b)
		if err != nil {
			return data.Datum{}, err
		}
		if err := check(b); err != nil {
			return data.Datum{}, err
		}
		if n.Kind == jackson.Missing {
			return data.Datum{}, nil
		}
		v, err := jsonValue(s, n)
		return data.Datum{Schema: s, Value: v}, err
	}, nil
}

// takes reports whether the schema has a place for all that s has: with
// additionalProperties false it must list every field.
func (p *jsonParsed) takes(s *data.Schema) error {
	n := (&jsonReader{jsonParsed: p}).deref(p.root)
	props, more := n.Get("properties"), n.Get("additionalProperties")
	if s.Kind() != data.StructKind || more == nil || more.Kind != jackson.False || props == nil {
		return nil
	}
	for _, f := range s.Fields() {
		if props.Get(f.Name) == nil {
			return data.Fail("The JSON Schema has no property %s, which the record written has", f.Name)
		}
	}
	return nil
}
