// Package registry holds the converters that keep their schemas in a Confluent
// compatible schema registry: Avro, JSON Schema and Protobuf, under the class
// names, with the properties and byte for byte in the wire format of
// Confluent's, so that both read each other's records and schemas.
//
// A record is a zero byte, the schema's id in four bytes, and the payload.
// Which schema a Connect schema becomes, its id, and how values are written by
// it are worked out once; then a record costs neither a request nor a look at
// its schema.
//
// The package imports connect, data, connectors/internal and the client
// libraries of the registry and the formats.
package registry

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// version is what the plugins report: that of the Confluent converters whose
// behaviour they have.
const version = "8.1.0"

// A codec is one of the formats.
type codec interface {
	// kind is what the registry calls the format.
	kind() sr.SchemaType
	// outgoing makes the schema that values of s (nil: without a schema) are
	// written by.
	outgoing(s *data.Schema) (*outgoing, error)
	// writer makes the encoder of values of s by a schema that the registry
	// has. With strict, it must have a place for all that s has.
	writer(s *data.Schema, by parsed, strict bool) (encoder, error)
	// parse reads a schema of the registry.
	parse(s sr.Schema, refs []reference) (parsed, error)
	// tombstone reports whether a null of schema s is written as no value.
	tombstone(s *data.Schema) (bool, error)
	// texts are the heads of error messages for a topic.
	writing(topic string) string
	reading(topic string) string
}

// outgoing is a schema to be registered, and how to write by it.
type outgoing struct {
	schema sr.Schema
	record string // the name of the record type; empty if it is none
	write  encoder
}

// parsed is a schema of the registry.
type parsed interface {
	// record names the record type of a payload, empty if it is none.
	record(payload []byte) string
	// reader makes the decoder; version is that of the schema under its
	// subject, 0 if unknown.
	reader(version int) (decoder, error)
}

type (
	encoder func(dst []byte, v data.Value) ([]byte, error)
	decoder func(payload []byte) (data.Datum, error)
)

// converter is a converter of any format. It is used from one goroutine.
type converter struct {
	*client
	codec   codec
	isKey   bool
	subject string // the strategy

	writers    map[writerKey]*written
	lastWrite  writerKey
	lastWriter *written
	readers    map[readerKey]decoder
	lastRead   readerKey
	lastReader decoder
}

type writerKey struct {
	topic  string
	schema *data.Schema
}

type readerKey struct {
	topic string
	id    int
}

// written is how values of one schema are written to one topic.
type written struct {
	header [5]byte
	write  encoder
	until  time.Time // when the latest schema is to be asked for again; zero: never
}

func open(s *settings, c codec, isKey bool) (*converter, error) {
	cl, err := s.client()
	if err != nil {
		return nil, err
	}
	strategy := s.valueSubject
	if isKey {
		strategy = s.keySubject
	}
	return &converter{
		client: cl, codec: c, isKey: isKey, subject: strategy,
		writers: map[writerKey]*written{}, readers: map[readerKey]decoder{},
	}, nil
}

// Encode writes d with the id of its schema, which is registered if need be.
func (c *converter) Encode(dst []byte, topic string, _ []connect.Header, d data.Datum) ([]byte, error) {
	if d.Value.IsNull() {
		if none, err := c.codec.tombstone(d.Schema); none || err != nil {
			return nil, err
		}
	}
	w, err := c.writerOf(topic, d.Schema)
	if err != nil {
		return nil, wrap(err, c.codec.writing(topic))
	}
	dst, err = w.write(append(dst, w.header[:]...), d.Value)
	if err != nil {
		return nil, wrap(err, c.codec.writing(topic))
	}
	return dst, nil
}

func (c *converter) writerOf(topic string, s *data.Schema) (*written, error) {
	k := writerKey{topic, s}
	if w := c.lastWriter; w != nil && c.lastWrite == k && (w.until.IsZero() || time.Now().Before(w.until)) {
		return w, nil
	}
	w := c.writers[k]
	if w == nil || !w.until.IsZero() && !time.Now().Before(w.until) {
		var err error
		if w, err = c.newWriter(topic, s); err != nil {
			return nil, err
		}
		if len(c.writers) >= max(1, c.settings.cacheSize) {
			clear(c.writers)
		}
		c.writers[k] = w
	}
	c.lastWrite, c.lastWriter = k, w
	return w, nil
}

func (c *converter) newWriter(topic string, s *data.Schema) (*written, error) {
	out, err := c.codec.outgoing(s)
	if err != nil {
		return nil, err
	}
	name, err := subject(c.subject, topic, out.record, c.isKey)
	if err != nil {
		return nil, err
	}
	w := &written{write: out.write}
	var id int
	switch {
	case c.settings.useID >= 0:
		id = c.settings.useID
		by, err := c.byID(id)
		if err != nil {
			return nil, err
		}
		if w.write, err = c.writeBy(s, by, c.settings.idStrict); err != nil {
			return nil, fmt.Errorf("schema %d, which use.schema.id demands: %w", id, err)
		}
	case c.settings.useLatest:
		latest, err := c.latest(name)
		if err != nil {
			return nil, err
		}
		id = latest.ID
		if w.write, err = c.writeBy(s, latest.Schema, c.settings.latestStrict); err != nil {
			return nil, fmt.Errorf("the latest schema of subject %s, which use.latest.version demands: %w", name, err)
		}
		if ttl := c.settings.latestTTL; ttl >= 0 {
			w.until = time.Now().Add(time.Duration(ttl) * time.Second)
		}
	default:
		if id, err = c.register(name, out.schema); err != nil {
			return nil, err
		}
	}
	binary.BigEndian.PutUint32(w.header[1:], uint32(id))
	return w, nil
}

func (c *converter) writeBy(s *data.Schema, by sr.Schema, strict bool) (encoder, error) {
	p, err := c.parse(by)
	if err != nil {
		return nil, err
	}
	return c.codec.writer(s, p, strict)
}

func (c *converter) parse(s sr.Schema) (parsed, error) {
	if s.Type != c.codec.kind() {
		return nil, connect.Errorf(serializationException, "the schema is %s, not %s", s.Type, c.codec.kind())
	}
	refs, err := c.references(s)
	if err != nil {
		return nil, err
	}
	return c.codec.parse(s, refs)
}

var errMagic = connect.Errorf(serializationException, "Unknown magic byte!")

// Decode reads what Encode, or any other serializer of the format, wrote.
func (c *converter) Decode(topic string, h []connect.Header, b []byte) (data.Datum, error) {
	if b == nil {
		return data.Datum{}, nil
	}
	d, err := c.decode(topic, h, b)
	if err != nil {
		return data.Datum{}, wrap(err, c.codec.reading(topic))
	}
	return d, nil
}

func (c *converter) decode(topic string, h []connect.Header, b []byte) (data.Datum, error) {
	k := readerKey{topic: topic}
	if len(b) >= 5 && b[0] == 0 {
		k.id = int(binary.BigEndian.Uint32(b[1:]))
		b = b[5:]
	} else {
		id, err := c.idInHeaders(h)
		if err != nil {
			return data.Datum{}, err
		}
		k.id = id
	}
	read := c.lastReader
	if read == nil || c.lastRead != k {
		if read = c.readers[k]; read == nil {
			var err error
			if read, err = c.newReader(k, b); err != nil {
				return data.Datum{}, err
			}
			if len(c.readers) >= max(1, c.settings.cacheSize) {
				clear(c.readers)
			}
			c.readers[k] = read
		}
		c.lastRead, c.lastReader = k, read
	}
	return read(b)
}

func (c *converter) newReader(k readerKey, payload []byte) (decoder, error) {
	s, err := c.byID(k.id)
	if err != nil {
		return nil, err
	}
	p, err := c.parse(s)
	if err != nil {
		return nil, fmt.Errorf("schema %d: %w", k.id, err)
	}
	v := 0
	if name, err := subject(c.subject, k.topic, p.record(payload), c.isKey); err == nil {
		if v, err = c.version(name, s); err != nil {
			return nil, err
		}
	}
	return p.reader(v)
}

// idInHeaders finds the schema's global id where newer serializers may put it:
// in a header, as the byte 1 and 16 bytes.
func (c *converter) idInHeaders(h []connect.Header) (int, error) {
	name := "__value_schema_id"
	if c.isKey {
		name = "__key_schema_id"
	}
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].Key != name || h[i].Value.Value.Kind() != data.Bytes {
			continue
		}
		b := h[i].Value.Value.Bytes()
		if len(b) != 17 || b[0] != 1 {
			break
		}
		return c.idOf([16]byte(b[1:]))
	}
	return 0, errMagic
}

// idOf returns an id of our own for a global one, whose schema it keeps.
func (c *converter) idOf(guid [16]byte) (int, error) {
	if id, ok := c.guids[guid]; ok {
		return id, nil
	}
	text := fmt.Sprintf("%x-%x-%x-%x-%x", guid[:4], guid[4:6], guid[6:8], guid[8:10], guid[10:])
	s, err := c.byGUID(text)
	if err != nil {
		return 0, err
	}
	id := -1 - len(c.guids) // the registry's are positive
	c.guids[guid], c.schemas[id] = id, s.Schema
	return id, nil
}

// errShort is the error for a payload that ends too early.
var errShort = errors.New("the payload ends too early")
