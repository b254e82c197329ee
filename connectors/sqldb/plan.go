package sqldb

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// An operation is what is done with the rows of a chunk.
type operation uint8

const (
	opInsert operation = iota
	opUpsert
	opUpdate
	opDelete
)

// An origin is where in a record a field's value is.
type origin uint8

const (
	ofKey      origin = iota // the whole key, a primitive
	ofKeyField               // field index of the key
	ofValueField
	ofTopic
	ofPartition
	ofOffset
)

// A field is one column that a plan writes and where its values come from.
type field struct {
	name   string // of the column, as the table has it
	schema *data.Schema
	from   origin
	index  int
	key    bool       // of the primary key
	def    data.Value // written for null
	form   form       // how the dialect writes it
	cast   string     // PostgreSQL: type to cast to, or ""
}

// A form is a dialect's own number for a way to write values.
type form uint8

// value returns the field's value of a record.
func (f *field) value(r *connect.SinkRecord) data.Value {
	var v data.Value
	switch f.from {
	case ofKey:
		v = r.Key.Value
	case ofKeyField:
		v = r.Key.Value.Struct().At(f.index)
	case ofValueField:
		v = r.Value.Value.Struct().At(f.index)
	case ofTopic:
		return data.Str(r.Topic)
	case ofPartition:
		return data.I32(r.Partition)
	case ofOffset:
		return data.I64(r.Offset)
	}
	if v.IsNull() {
		return f.def
	}
	return v
}

// A plan is how records of one shape become rows of one table. Fields of the
// key come first.
type plan struct {
	op     operation
	table  *table
	fields []field
	keys   int // so many of fields are the key
	queue  *queue
	sql    sqlText
}

// sqlText is the fixed part of a plan's statement, which its dialect makes.
type sqlText struct{ head, tail string }

// A shape is what plans depend on. Schemas are compared by pointer first, and
// in full where a converter makes a new one for each record.
type shape struct {
	topic      string
	key, value *data.Schema
	tombstone  bool
}

func (a *shape) equal(b *shape) bool {
	return a.topic == b.topic && a.tombstone == b.tombstone && sameSchema(a.key, b.key) && sameSchema(a.value, b.value)
}

func sameSchema(a, b *data.Schema) bool { return a == b || data.EqualSchemas(a, b) }

func shapeOf(r *connect.SinkRecord) shape {
	return shape{r.Topic, r.Key.Schema, r.Value.Schema, r.Value.Value.IsNull()}
}

// fieldsOf decides what a record of this shape writes, without a look at the
// table.
func (c *config) fieldsOf(s *shape, table string) ([]field, operation, error) {
	keys, err := c.keyFields(s, table)
	if err != nil {
		return nil, 0, err
	}
	if s.tombstone {
		return keys, opDelete, nil
	}
	fields := keys
	for i, f := range s.value.Fields() {
		if len(c.whitelist) > 0 && !slices.Contains(c.whitelist, f.Name) || named(keys, f.Name) {
			continue
		}
		fields = append(fields, c.structField(f, ofValueField, i, false))
	}
	if len(fields) == 0 {
		return nil, 0, connect.DataErrorf("No fields found using key and value schemas for table: %s; check pk.mode, pk.fields and fields.whitelist", table)
	}
	op := map[string]operation{modeInsert: opInsert, modeUpsert: opUpsert, modeUpdate: opUpdate}[c.insertMode]
	if op == opUpdate && len(fields) == len(keys) {
		return nil, 0, connect.DataErrorf("no field is left to update in table %s beside its key (%s); check fields.whitelist", table, strings.Join(names(keys), ","))
	}
	return fields, op, nil
}

func (c *config) structField(f data.Field, from origin, i int, key bool) field {
	x := field{name: f.Name, schema: f.Schema, from: from, index: i, key: key}
	if c.fillDefaults {
		x.def = f.Schema.DefaultValue()
	}
	return x
}

func named(fields []field, name string) bool {
	return slices.ContainsFunc(fields, func(f field) bool { return f.name == name })
}

func names(fields []field) []string {
	out := make([]string, len(fields))
	for i := range fields {
		out[i] = fields[i].name
	}
	return out
}

// keyFields returns the fields of the primary key.
func (c *config) keyFields(s *shape, table string) ([]field, error) {
	switch c.pkMode {
	case pkKafka:
		n := c.pkFields
		if len(n) == 0 {
			n = defaultKafkaFields
		}
		return []field{
			{name: n[0], schema: data.Of(data.String), from: ofTopic, key: true},
			{name: n[1], schema: data.Of(data.Int32), from: ofPartition, key: true},
			{name: n[2], schema: data.Of(data.Int64), from: ofOffset, key: true},
		}, nil
	case pkKey:
		if s.key == nil {
			return nil, connect.DataErrorf("PK mode for table '%s' is RECORD_KEY, but record key schema is missing; "+
				"use a key.converter with schemas, or the ValueToKey transform, or another pk.mode", table)
		}
		switch s.key.Kind() {
		case data.StructKind:
			return c.pick(s.key, ofKeyField, "key", table)
		case data.Array, data.Map:
			return nil, connect.DataErrorf("the record key for table '%s' is %s; a primary key must be a primitive or a struct of primitives", table, s.key.Kind())
		}
		if len(c.pkFields) != 1 {
			return nil, connect.DataErrorf("Need exactly one PK column defined since the key schema for records is a primitive type, defined columns are: [%s]; "+
				"set pk.fields to the name of the column", strings.Join(c.pkFields, ", "))
		}
		return []field{{name: c.pkFields[0], schema: s.key, from: ofKey, key: true}}, nil
	case pkValue:
		return c.pick(s.value, ofValueField, "value", table)
	}
	return nil, nil
}

// pick returns the fields of a struct that pk.fields names, or all.
func (c *config) pick(s *data.Schema, from origin, what, table string) (keys []field, err error) {
	if len(c.pkFields) == 0 {
		for i, f := range s.Fields() {
			keys = append(keys, c.structField(f, from, i, true))
		}
		return keys, nil
	}
	for _, name := range c.pkFields {
		i := s.Index(name)
		if i < 0 {
			return nil, connect.DataErrorf("PK mode for table '%s' is RECORD_%s with configured PK fields [%s], but record %s schema does not contain field: %s",
				table, strings.ToUpper(what), strings.Join(c.pkFields, ", "), what, name)
		}
		keys = append(keys, c.structField(s.Fields()[i], from, i, true))
	}
	return keys, nil
}

// checkRecord refuses records without what the configuration needs. The texts
// are near those of Confluent's sink, which users look up.
func (c *config) checkRecord(name string, r *connect.SinkRecord) error {
	v := &r.Value
	if v.Value.IsNull() && c.deletes {
		if r.Key.Value.IsNull() {
			return connect.DataErrorf("Sink connector '%s' is configured with 'delete.enabled=true' and 'pk.mode=record_key' and therefore requires a key to delete by, "+
				"but found record at %s with a null key and a null value", name, place(r))
		}
		return c.checkKey(name, r)
	}
	if v.Value.Kind() != data.StructKind || v.Schema == nil || v.Schema.Kind() != data.StructKind {
		mend := "use a value.converter with schemas, such as JsonConverter with schemas.enable=true, or wrap the value with the HoistField transform"
		if v.Value.IsNull() {
			mend = "set delete.enabled=true with pk.mode=record_key to delete rows by tombstones, or drop tombstones with the Filter transform"
		}
		return connect.DataErrorf("Sink connector '%s' is configured with 'delete.enabled=%v' and 'pk.mode=%s' and therefore requires records with a "+
			"non-null Struct value and non-null Struct schema, but found record at %s with a %s value and %s value schema; %s",
			name, c.deletes, c.pkMode, place(r), kindWord(v.Value.Kind()), schemaWord(v.Schema), mend)
	}
	return c.checkKey(name, r)
}

func (c *config) checkKey(name string, r *connect.SinkRecord) error {
	if c.pkMode != pkKey {
		return nil
	}
	k := &r.Key
	if k.Schema != nil && k.Schema.Kind() == data.StructKind && k.Value.Kind() != data.StructKind || k.Value.IsNull() {
		return connect.DataErrorf("Sink connector '%s' is configured with 'pk.mode=record_key' and therefore requires records with a non-null key, "+
			"but found record at %s with a %s key and %s key schema", name, place(r), kindWord(k.Value.Kind()), schemaWord(k.Schema))
	}
	return nil
}

func place(r *connect.SinkRecord) string {
	return fmt.Sprintf("(topic='%s',partition=%d,offset=%d,timestamp=%d)", r.Topic, r.Partition, r.Offset, r.Timestamp)
}

func kindWord(k data.Kind) string {
	if k == data.Null {
		return "null"
	}
	return k.String()
}

func schemaWord(s *data.Schema) string {
	if s == nil {
		return "null"
	}
	return s.Kind().String()
}
