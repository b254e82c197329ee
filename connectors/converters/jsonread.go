package converters

import (
	"bytes"
	"unicode/utf8"

	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/connectors/internal/jackson"
)

// A reader reads the payloads of one schema.
type reader struct {
	schema   *data.Schema // nil: without a schema
	kind     data.Kind
	logical  logical
	optional bool
	def      data.Value
	scale    int   // of decimals
	scaleErr error // why there is none
	fields   []fieldReader
	key      *reader
	elem     *reader
	lead     []byte // the envelope up to the payload, as it was last seen
}

type fieldReader struct {
	name  string
	quote []byte // "name":
	r     *reader
}

func newReader(s *data.Schema, useDefaults bool) *reader {
	if s == nil {
		return &reader{}
	}
	r := &reader{schema: s, kind: s.Kind(), logical: logicalOf(s), optional: s.IsOptional()}
	if useDefaults {
		r.def = s.DefaultValue()
	}
	if r.logical == decimalType {
		r.scale, r.scaleErr = scaleOf(s)
	}
	switch s.Kind() {
	case data.Array:
		r.elem = newReader(s.Elem(), useDefaults)
	case data.Map:
		r.key, r.elem = newReader(s.Key(), useDefaults), newReader(s.Elem(), useDefaults)
	case data.StructKind:
		r.fields = make([]fieldReader, len(s.Fields()))
		for i, f := range s.Fields() {
			r.fields[i] = fieldReader{f.Name, append(data.AppendJSONString(nil, f.Name), ':'), newReader(f.Schema, useDefaults)}
		}
	}
	return r
}

const noEnvelope = `JsonConverter with schemas.enable requires "schema" and "payload" fields and may not contain additional fields.` +
	` If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter configuration.`

// unreadable is Java's error for what is no JSON.
func unreadable(cause error) error {
	return because("Converting byte[] to Kafka Connect data failed due to serialization error: ", cause)
}

// payload reads b as a value of r's schema.
func (j *jsonConverter) payload(r *reader, b []byte) (data.Datum, error) {
	if utf8.Valid(b) {
		if v, ok := j.parse.root(r, b); ok {
			return data.Datum{Schema: r.schema, Value: v}, nil
		}
	}
	n, err := jackson.Parse(b)
	if err != nil {
		return data.Datum{}, unreadable(err)
	}
	v, err := r.fromTree(n)
	if err != nil {
		return data.Datum{}, err
	}
	return data.Datum{Schema: r.schema, Value: v}, nil
}

// envelope reads b as {"schema":…,"payload":…}. That the schema is the last one
// again is seen from its bytes.
func (j *jsonConverter) envelope(b []byte) (data.Datum, error) {
	if r := j.lastReader; r != nil && bytes.HasPrefix(b, r.lead) && utf8.Valid(b[len(r.lead):]) {
		if v, ok := j.parse.enclosed(r, b[len(r.lead):]); ok {
			return data.Datum{Schema: r.schema, Value: v}, nil
		}
	}
	if utf8.Valid(b) {
		if schema, payload, ok := j.parse.members(b); ok {
			r, err := j.readerOf(schema)
			if err != nil {
				return data.Datum{}, err
			}
			j.lastReader = r
			return j.payload(r, payload)
		}
	}
	n, err := jackson.Parse(b)
	if err != nil {
		return data.Datum{}, unreadable(err)
	}
	schema, payload := n.Get("schema"), n.Get("payload")
	if n.Kind != jackson.Object || len(n.Kids) != 2 || schema == nil || payload == nil {
		return data.Datum{}, data.Fail("%s", noEnvelope)
	}
	s, err := j.schemaOf(schema)
	if err != nil {
		return data.Datum{}, err
	}
	v, err := newReader(s, j.useDefaults).fromTree(payload)
	if err != nil {
		return data.Datum{}, err
	}
	return data.Datum{Schema: s, Value: v}, nil
}

// readerOf returns the reader of a schema in JSON from the cache, and makes it
// if it is not there.
func (j *jsonConverter) readerOf(schema []byte) (*reader, error) {
	if r := j.readers[string(schema)]; r != nil {
		return r, nil
	}
	n, err := jackson.Parse(schema)
	if err != nil {
		return nil, unreadable(err)
	}
	s, err := j.schemaOf(n)
	if err != nil {
		return nil, err
	}
	r := newReader(s, j.useDefaults)
	r.lead = append(append(append(r.lead, `{"schema":`...), schema...), `,"payload":`...)
	if len(j.readers) >= j.cacheSize {
		clear(j.readers)
	}
	j.readers[string(schema)] = r
	return r, nil
}

// null returns what a null, or a value that is not there, stands for, and
// whether it may be.
func (r *reader) null() (data.Value, bool) {
	return r.def, r.optional || r.schema == nil || !r.def.IsNull()
}

// fromTree makes the value of a node, nil for one that is not there, as Java's
// JsonConverter does: a node of another type than the schema's mostly becomes
// the zero of it.
func (r *reader) fromTree(n *jackson.Node) (data.Value, error) {
	switch {
	case r.schema == nil:
		return r.anyFromTree(n)
	case n == nil || n.Kind == jackson.Null:
		v, ok := r.null()
		if !ok {
			return v, data.Fail("Invalid null value for required %s field", r.kind)
		}
		return v, nil
	case r.logical != plainType:
		return r.logicalFromTree(n)
	}
	switch r.kind {
	case data.Bool:
		return data.B(n.Kind == jackson.True), nil
	case data.Int8:
		return data.I8(int8(n.Int64())), nil
	case data.Int16:
		return data.I16(int16(n.Int64())), nil
	case data.Int32:
		return data.I32(int32(n.Int64())), nil
	case data.Int64:
		return data.I64(n.Int64()), nil
	case data.Float32:
		return data.F32(float32(n.Float(32))), nil
	case data.Float64:
		return data.F64(n.Float(64)), nil
	case data.String:
		if n.Kind != jackson.Text {
			return data.Value{}, nil
		}
		return data.Str(n.Text), nil
	case data.Bytes:
		if n.Kind != jackson.Text {
			return data.Value{}, nil
		}
		b, err := jackson.DecodeBase64(n.Text)
		if err != nil {
			return data.Value{}, because("Invalid bytes field", err)
		}
		return data.Bin(b), nil
	case data.Array:
		return r.listFromTree(n)
	case data.Map:
		return r.mapFromTree(n)
	default:
		return r.structFromTree(n)
	}
}

func (r *reader) anyFromTree(n *jackson.Node) (data.Value, error) {
	if n == nil {
		return data.Value{}, nil
	}
	switch n.Kind {
	case jackson.False, jackson.True:
		return data.B(n.Kind == jackson.True), nil
	case jackson.Int:
		return data.I64(n.Int64()), nil
	case jackson.Float:
		return data.F64(n.Float(64)), nil
	case jackson.Text:
		return data.Str(n.Text), nil
	case jackson.Array:
		return r.listFromTree(n)
	case jackson.Object:
		return r.mapFromTree(n)
	}
	return data.Value{}, nil
}

func (r *reader) elemReader() *reader {
	if r.elem == nil {
		return r
	}
	return r.elem
}

func (r *reader) listFromTree(n *jackson.Node) (data.Value, error) {
	list := make([]data.Value, len(n.Kids))
	for i, k := range n.Kids {
		v, err := r.elemReader().fromTree(k)
		if err != nil {
			return v, err
		}
		list[i] = v
	}
	return data.List(list), nil
}

func (r *reader) mapFromTree(n *jackson.Node) (data.Value, error) {
	entries := make([]data.Entry, len(n.Kids))
	if r.schema == nil || r.key.kind == data.String {
		if n.Kind != jackson.Object {
			return data.Value{}, data.Fail("Maps with string fields should be encoded as JSON objects, but found %s", n.Kind)
		}
		for i, k := range n.Kids {
			v, err := r.elemReader().fromTree(k)
			if err != nil {
				return v, err
			}
			entries[i] = data.Entry{Key: data.Str(n.Names[i]), Value: v}
		}
		return data.MapFrom(entries), nil
	}
	if n.Kind != jackson.Array {
		return data.Value{}, data.Fail("Maps with non-string fields should be encoded as JSON array of tuples, but found %s", n.Kind)
	}
	for i, pair := range n.Kids {
		if pair.Kind != jackson.Array {
			return data.Value{}, data.Fail("Found invalid map entry instead of array tuple: %s", pair.Kind)
		}
		if len(pair.Kids) != 2 {
			return data.Value{}, data.Fail("Found invalid map entry, expected length 2 but found :%d", len(pair.Kids))
		}
		k, err := r.key.fromTree(pair.Kids[0])
		if err != nil {
			return k, err
		}
		v, err := r.elem.fromTree(pair.Kids[1])
		if err != nil {
			return v, err
		}
		entries[i] = data.Entry{Key: k, Value: v}
	}
	return data.MapFrom(entries), nil
}

func (r *reader) structFromTree(n *jackson.Node) (data.Value, error) {
	if n.Kind != jackson.Object {
		return data.Value{}, data.Fail("Structs should be encoded as JSON objects, but found %s", n.Kind)
	}
	values := make([]data.Value, len(r.fields))
	for i := range r.fields {
		f := &r.fields[i]
		v, err := f.r.fromTree(n.Get(f.name))
		if err == nil {
			err = f.r.schema.CheckField(f.name, v)
		}
		if err != nil {
			return v, err
		}
		values[i] = v
	}
	return data.NewStruct(r.schema, values...).Value(), nil
}

func (r *reader) logicalFromTree(n *jackson.Node) (data.Value, error) {
	isInt := n.Kind == jackson.Int
	switch r.logical {
	case decimalType:
		return r.decimalFromTree(n)
	case timestampType:
		if !isInt {
			return data.Value{}, data.Fail("Invalid type for Timestamp, underlying representation should be integral but was %s", n.Kind)
		}
		return data.Millis(n.Int64()), nil
	}
	ms := n.Int64()
	if !isInt || ms != int64(int32(ms)) || len(n.Text) > 11 {
		return data.Value{}, data.Fail("Invalid type for %s, underlying representation should be integer but was %s", r.logical, n.Kind)
	}
	if r.logical == dateType {
		return data.Millis(ms * dayMillis), nil
	}
	if ms < 0 || ms > dayMillis {
		return data.Value{}, errNoTime
	}
	return data.Millis(ms), nil
}

var errNoTime = data.Fail("Time values must use number of milliseconds greater than 0 and less than %d", dayMillis)

func (r *reader) decimalFromTree(n *jackson.Node) (data.Value, error) {
	switch n.Kind {
	case jackson.Int, jackson.Float:
		return data.Dec(n.Decimal()), nil
	case jackson.Text:
		b, err := jackson.DecodeBase64(n.Text)
		if err == nil && len(b) == 0 {
			err = data.Errorf("java.lang.NumberFormatException", "Zero length BigInteger")
		}
		if err == nil {
			err = r.scaleErr
		}
		if err != nil {
			return data.Value{}, because("Invalid bytes for Decimal field", err)
		}
		return data.Dec(data.BigIntOf(b), int32(r.scale)), nil
	}
	return data.Value{}, data.Fail("Invalid type for Decimal, underlying representation should be numeric or bytes but was %s", n.Kind)
}
