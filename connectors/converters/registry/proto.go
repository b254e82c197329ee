package registry

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func init() {
	connect.Register(connect.ConverterPlugin{
		Class: "io.confluent.connect.protobuf.ProtobufConverter", Version: version,
		Config: func() connect.Configurable { return new(protoConfig) },
		Open: func(p connect.Props, isKey bool) (connect.Converter, error) {
			c := new(protoConfig)
			if err := connect.Parse(p, c); err != nil {
				return nil, err
			}
			return open(&c.settings, c, isKey)
		},
	})
}

// protoConfig is the configuration of ProtobufConverter.
type protoConfig struct {
	settings
	enhanced, scrub, intEnums, optional, proto2, wrapper, rawWrapper bool
	structForNulls, indexUnions, flatten, ignoreDefaults             bool
	schemasCache                                                     int
}

func (c *protoConfig) Define(d *connect.ConfigDef) {
	c.settings.Define(d)
	d.Boolean(&c.enhanced, "enhanced.protobuf.schema.support").Default(false).
		Doc("Whether types are read with their packages in their names.")
	d.Boolean(&c.scrub, "scrub.invalid.names").Default(false).
		Doc("Whether characters that Protobuf does not allow in names are replaced.")
	d.Boolean(&c.intEnums, "int.for.enums").Default(false).Doc("Whether enums are read as numbers, not as the names of their values.")
	d.Boolean(&c.optional, "optional.for.nullables").Default(false).
		Doc("Whether optional fields are marked optional, so that a null is told from a zero.")
	d.Boolean(&c.proto2, "optional.for.proto2").Default(true).
		Doc("Whether optional fields of proto2 that are not there are read as null, not as their default.")
	d.Boolean(&c.wrapper, "wrapper.for.nullables").Default(false).
		Doc("Whether optional fields are written as messages such as google.protobuf.StringValue, and those read as optional fields.")
	d.Boolean(&c.rawWrapper, "wrapper.for.raw.primitives").Default(true).
		Doc("Whether a record that is such a message is read as the value in it.")
	d.Boolean(&c.structForNulls, "generate.struct.for.nulls").Default(false).
		Doc("Whether a message that is not there is read as one without fields, not as null.")
	d.Boolean(&c.indexUnions, "generate.index.for.unions").Default(true).
		Doc("Whether the field that stands for a oneof has its number in its name.")
	d.Boolean(&c.flatten, "flatten.unions").Default(false).Doc("Whether the members of a oneof are fields of the message itself.")
	common(d, &c.ignoreDefaults, &c.schemasCache)
	d.Unsupported("skip.known.types", "files of google and confluent are never registered", "true")
	d.Unsupported("reference.subject.name.strategy", "schemas are registered whole, without references",
		"", "io.confluent.kafka.serializers.subject.DefaultReferenceSubjectNameStrategy")
}

func (*protoConfig) kind() sr.SchemaType { return sr.TypeProtobuf }

func (*protoConfig) writing(topic string) string {
	return "Failed to serialize Protobuf data from topic " + topic + ":"
}

func (*protoConfig) reading(topic string) string {
	return "Failed to deserialize data for topic " + topic + " to Protobuf:"
}

func (*protoConfig) tombstone(*data.Schema) (bool, error) { return true, nil }

func (c *protoConfig) outgoing(s *data.Schema) (*outgoing, error) {
	text, name, err := c.fromConnect(s)
	if err != nil {
		return nil, err
	}
	f, err := compileProto(text, nil)
	if err != nil {
		return nil, err
	}
	m := f.Messages().ByName(protoreflect.Name(name))
	write, err := c.encoder(s, m, true)
	if err != nil {
		return nil, err
	}
	return &outgoing{sr.Schema{Schema: text, Type: sr.TypeProtobuf}, string(m.FullName()), write}, nil
}

// encoder writes the place of the message in its file, and the message.
func (c *protoConfig) encoder(s *data.Schema, m protoreflect.MessageDescriptor, strict bool) (encoder, error) {
	body, err := (&protoEncoder{c, strict}).message(s, m)
	if err != nil {
		return nil, err
	}
	index := appendIndex(nil, m)
	return func(dst []byte, v data.Value) ([]byte, error) { return body(append(dst, index...), v) }, nil
}

// writer writes by the message of the schema's name, or the first of the file.
func (c *protoConfig) writer(s *data.Schema, by parsed, strict bool) (encoder, error) {
	if s == nil {
		return nil, data.Fail("Protobuf needs a schema; data without one goes with org.apache.kafka.connect.json.JsonConverter")
	}
	f := by.(*protoParsed).file
	m := f.Messages().ByName(protoreflect.Name(c.scrub1(unqualified(s.Name()))))
	if m == nil {
		m = f.Messages().Get(0)
	}
	return c.encoder(s, m, strict)
}

func (c *protoConfig) parse(s sr.Schema, refs []reference) (parsed, error) {
	f, err := compileProto(s.Schema, refs)
	if err != nil {
		return nil, err
	}
	return &protoParsed{c, f}, nil
}

// protoParsed is a Protobuf schema of the registry.
type protoParsed struct {
	*protoConfig
	file protoreflect.FileDescriptor
}

func (p *protoParsed) record(payload []byte) string {
	m, _, err := cutIndex(p.file, payload)
	if err != nil {
		return ""
	}
	return string(m.FullName())
}

// reader keeps a decoder for each message of the file that records name.
func (p *protoParsed) reader(version int) (decoder, error) {
	type known struct {
		schema *data.Schema
		read   protoValue
	}
	messages := map[protoreflect.FullName]*known{}
	return func(b []byte) (data.Datum, error) {
		m, body, err := cutIndex(p.file, b)
		if err != nil {
			return data.Datum{}, err
		}
		k := messages[m.FullName()]
		if k == nil {
			k = new(known)
			if k.schema, err = p.toConnect(m, version); err != nil {
				return data.Datum{}, err
			}
			if k.read, err = (&protoDecoders{p.protoConfig}).nested(k.schema, m); err != nil {
				return data.Datum{}, err
			}
			messages[m.FullName()] = k
		}
		v, err := k.read(0, append([]byte(nil), body...))
		if err != nil {
			return data.Datum{}, connect.Errorf(serializationException, "Error deserializing Protobuf message: %w", err)
		}
		return data.Datum{Schema: k.schema, Value: v}, nil
	}, nil
}
