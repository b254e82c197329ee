package registry

import (
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func init() {
	connect.Register(connect.ConverterPlugin{
		Class: "io.confluent.connect.avro.AvroConverter", Version: version,
		Config: func() connect.Configurable { return new(avroConfig) },
		Open: func(p connect.Props, isKey bool) (connect.Converter, error) {
			c := new(avroConfig)
			if err := connect.Parse(p, c); err != nil {
				return nil, err
			}
			return open(&c.settings, c, isKey)
		},
	})
}

func (*avroConfig) kind() sr.SchemaType { return sr.TypeAvro }

func (*avroConfig) writing(topic string) string {
	return "Failed to serialize Avro data from topic " + topic + ":"
}

func (*avroConfig) reading(topic string) string {
	return "Failed to deserialize data for topic " + topic + " to Avro:"
}

func (*avroConfig) tombstone(s *data.Schema) (bool, error) {
	if s != nil && !s.IsOptional() {
		return false, data.Fail("Found null value for non-optional schema")
	}
	return true, nil
}

func (c *avroConfig) outgoing(s *data.Schema) (*outgoing, error) {
	a, err := c.fromConnect(s)
	if err != nil {
		return nil, err
	}
	write, err := c.writer(s, &avroParsed{c, a}, false)
	if err != nil {
		return nil, err
	}
	return &outgoing{sr.Schema{Schema: a.String(), Type: sr.TypeAvro}, recordName(a), write}, nil
}

// recordName names the record type whose values a describes.
func recordName(a *avroSchema) string {
	if a.named() {
		return a.fullName()
	}
	return ""
}

func (c *avroConfig) writer(s *data.Schema, by parsed, strict bool) (encoder, error) {
	a := by.(*avroParsed).schema
	w := avroWriter{c, strict, map[avroPair]*encoder{}}
	write, err := w.encoder(s, a)
	if err != nil || a.typ != "bytes" {
		return write, err
	}
	// Bytes that are no part of anything stand alone, without their length.
	return func(dst []byte, v data.Value) ([]byte, error) {
		v, err := data.FromLogical(s, v)
		if err != nil {
			return nil, err
		}
		if v.Kind() != data.Bytes {
			return nil, wrongType(s, v)
		}
		return append(dst, v.Bytes()...), nil
	}, nil
}

func (c *avroConfig) parse(s sr.Schema, refs []reference) (parsed, error) {
	a, err := parseAvro(s.Schema, refs)
	if err != nil {
		return nil, connect.Errorf(serializationException, "%w", err)
	}
	return &avroParsed{c, a}, nil
}

// avroParsed is an Avro schema of the registry.
type avroParsed struct {
	*avroConfig
	schema *avroSchema
}

func (p *avroParsed) record([]byte) string { return recordName(p.schema) }

func (p *avroParsed) reader(version int) (decoder, error) {
	s, err := p.toConnect(p.schema, version)
	if err != nil {
		return nil, err
	}
	if p.schema.typ == "bytes" {
		return func(b []byte) (data.Datum, error) {
			v, err := data.ToLogical(s, data.Bin(append([]byte{}, b...)))
			return data.Datum{Schema: s, Value: v}, err
		}, nil
	}
	read, err := (&avroDecoders{p.avroConfig}).decoder(s, p.schema)
	if err != nil {
		return nil, err
	}
	return func(b []byte) (data.Datum, error) {
		in := avroInput{b: b}
		v := read(&in)
		if in.err != nil {
			return data.Datum{}, connect.Errorf(serializationException, "Error deserializing Avro message: %w", in.err)
		}
		return data.Datum{Schema: s, Value: v}, nil
	}, nil
}
