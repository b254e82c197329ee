package transforms

import (
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func init() {
	registerSides("InsertField", func() connect.Configurable { return new(insertFieldConfig) }, openInsertField)
}

type insertFieldConfig struct {
	topic, partition, offset, timestamp, static, value string

	defaults bool
}

func (c *insertFieldConfig) Define(d *connect.ConfigDef) {
	const suffix = " A name that ends in ! makes a required field, one that ends in ? or in neither an optional one."
	d.String(&c.topic, "topic.field").OrNone().Doc("Field for the topic of the record." + suffix)
	d.String(&c.partition, "partition.field").OrNone().Doc("Field for the Kafka partition." + suffix)
	d.String(&c.offset, "offset.field").OrNone().Doc("Field for the Kafka offset; only records of sinks have one." + suffix)
	d.String(&c.timestamp, "timestamp.field").OrNone().Doc("Field for the timestamp of the record." + suffix)
	d.String(&c.static, "static.field").OrNone().Doc("Field for the text of static.value." + suffix)
	d.String(&c.value, "static.value").OrNone().Doc("Text that static.field gets in every record.")
	defineDefaults(d, &c.defaults)
}

// insertion is one field that is put in.
type insertion struct {
	name   string
	schema *data.Schema
	// value returns the value without and with schema; ok is false when the
	// record has none.
	value func(r *connect.Record) (plain, typed data.Value, ok bool, err error)
}

type insertField struct {
	side
	insertions []insertion
	defaults   bool
	schemas    planCache[*data.Schema]
}

func openInsertField(s side, p connect.Props) (connect.Transform, error) {
	var c insertFieldConfig
	if err := connect.Parse(p, &c); err != nil {
		return nil, err
	}
	t := &insertField{side: s, defaults: c.defaults}
	t.add(p, "topic.field", c.topic, data.Of(data.String), func(r *connect.Record) (data.Value, data.Value, bool, error) {
		v := data.Str(r.Topic)
		return v, v, true, nil
	})
	t.add(p, "partition.field", c.partition, data.Of(data.Int32), func(r *connect.Record) (data.Value, data.Value, bool, error) {
		v := data.I32(r.Partition)
		return v, v, r.Partition >= 0, nil
	})
	t.add(p, "offset.field", c.offset, data.Of(data.Int64), func(r *connect.Record) (data.Value, data.Value, bool, error) {
		if r.Offset < 0 {
			return data.Value{}, data.Value{}, false, connect.DataErrorf(
				"Only SinkRecord supported for [field insertion], found: org.apache.kafka.connect.source.SourceRecord")
		}
		v := data.I64(r.Offset)
		return v, v, true, nil
	})
	t.add(p, "timestamp.field", c.timestamp, data.Timestamp(), func(r *connect.Record) (data.Value, data.Value, bool, error) {
		return data.I64(r.Timestamp), data.Millis(r.Timestamp), hasTimestamp(r), nil
	})
	text := data.Str(c.value)
	t.add(p, "static.field", c.static, data.Of(data.String), func(*connect.Record) (data.Value, data.Value, bool, error) {
		return text, text, true, nil
	})
	if len(t.insertions) == 0 {
		return nil, connect.ConfigErrorf("No field insertion configured")
	}
	if given(p, "static.field") && !given(p, "static.value") {
		return nil, badValue("static.value", "null", "No value specified for static field: "+t.insertions[len(t.insertions)-1].name)
	}
	return t, nil
}

func hasTimestamp(r *connect.Record) bool { return r.Timestamp != connect.NoTimestamp }

func (t *insertField) add(p connect.Props, property, name string, schema *data.Schema, value func(*connect.Record) (data.Value, data.Value, bool, error)) {
	if !given(p, property) {
		return
	}
	required := strings.HasSuffix(name, "!")
	if required || strings.HasSuffix(name, "?") {
		name = name[:len(name)-1]
	}
	if !required {
		schema = schema.Optional()
	}
	t.insertions = append(t.insertions, insertion{name, schema, value})
}

func (t *insertField) Apply(r *connect.Record) (bool, error) {
	d := t.of(r)
	switch {
	case d.Value.IsNull():
		return true, nil
	case d.Schema == nil:
		return true, t.schemaless(r, d)
	}
	const purpose = "field insertion"
	s, err := requireStruct(d.Value, purpose)
	if err != nil {
		return true, err
	}
	schema, err := t.schemas.of(s.Schema(), t.withInsertions)
	if err != nil {
		return true, err
	}
	fields := s.Schema().Fields()
	values := make([]data.Value, len(fields)+len(t.insertions))
	for i := range fields {
		values[i] = get(s, i, t.defaults)
		if err := checkNull(&fields[i], values[i]); err != nil {
			return true, err
		}
	}
	for i := range t.insertions {
		_, v, ok, err := t.insertions[i].value(r)
		if err != nil {
			return true, err
		}
		if ok {
			values[len(fields)+i] = v
		}
	}
	*d = data.NewStruct(schema, values...).Datum()
	return true, nil
}

// withInsertions returns the schema that comes out: the old fields, then the
// new ones.
func (t *insertField) withInsertions(s *data.Schema) (*data.Schema, error) {
	fields := append([]data.Field(nil), s.Fields()...)
	for i := range t.insertions {
		fields = append(fields, data.F(t.insertions[i].name, t.insertions[i].schema))
	}
	return structLike(s, fields)
}

func (t *insertField) schemaless(r *connect.Record, d *data.Datum) error {
	m, err := requireMap(d.Value, "field insertion")
	if err != nil {
		return err
	}
	entries := copyEntries(m, len(t.insertions))
	for i := range t.insertions {
		v, _, ok, err := t.insertions[i].value(r)
		if err != nil {
			return err
		}
		if ok {
			entries = setEntry(entries, t.insertions[i].name, v)
		}
	}
	d.Value = data.MapFrom(entries)
	return nil
}
