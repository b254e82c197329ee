package opcua

import (
	"log/slog"
	"time"
	"unsafe"

	"github.com/gopcua/opcua/ua"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

var keySchema = data.Of(data.String)

// textSchema is that of value.format=string.
var textSchema = data.StructOf("millwright.opcua.Text",
	data.F("node", data.Of(data.String)),
	data.F("value", data.OptionalOf(data.String)),
).Versioned(1)

// Fields of a record's value.
const (
	structFields = 7
	textFields   = 2
)

// recordSchema is that of value.format=struct for values of a shape.
func recordSchema(s shape, uint64Format string) *data.Schema {
	name := s.name()
	if s.kind == ua.TypeIDUint64 && uint64Format == int64Format {
		name += "AsInt64"
	}
	when := data.Timestamp().Optional()
	return data.StructOf("millwright.opcua."+name,
		data.F("node", data.Of(data.String)),
		data.F("name", data.OptionalOf(data.String)),
		data.F("value", s.schema(uint64Format)),
		data.F("source_timestamp", when),
		data.F("server_timestamp", when),
		data.F("status", data.Of(data.Int64)),
		data.F("status_text", data.Of(data.String)),
	).Versioned(1)
}

// A position is the offset of a node: the time of its last value, from which a
// history could be read on.
type position struct {
	Time time.Time `json:"source_timestamp"`
}

// records turns readings into records. It belongs to one goroutine.
type records struct {
	values
	format   string
	clock    string
	endpoint string
	log      *slog.Logger
	losses   *losses

	schemas  map[shape]*data.Schema
	statuses map[ua.StatusCode]data.Value
	told     time.Time // when an overflow was last logged
}

func newRecords(c *config, log *slog.Logger, l *losses) *records {
	return &records{
		values: values{c.uint64Format}, format: c.format, clock: c.clock, endpoint: c.endpoint, log: log, losses: l,
		schemas: map[shape]*data.Schema{}, statuses: map[ua.StatusCode]data.Value{},
	}
}

// append appends one record for each reading. A batch's values and positions
// are one allocation each.
func (c *records) append(dst []connect.SourceRecord, readings []reading, now time.Time) []connect.SourceRecord {
	fields := structFields
	if c.format == stringFormat {
		fields = textFields
	}
	slab, positions := make([]data.Value, len(readings)*fields), make([]position, len(readings))
	var texts []byte
	if c.format == stringFormat {
		texts = make([]byte, 0, 16*len(readings))
	}
	for i, r := range readings {
		v := slab[i*fields : (i+1)*fields : (i+1)*fields]
		var schema *data.Schema
		if c.format == stringFormat {
			schema = textSchema
			texts = c.text(v, r, texts)
		} else {
			schema = c.fill(v, r)
		}
		if isOverflow(r.value.Status) {
			c.overflowed(r.node, now)
		}
		at := r.value.SourceTimestamp
		if at.IsZero() {
			at = r.value.ServerTimestamp
		}
		if at.IsZero() || at.Equal(endOfTime) {
			at = now
		}
		positions[i].Time = at
		record := connect.NewSourceRecord(r.node.topic, r.node.source, &positions[i], r.node.key, data.NewStruct(schema, v...).Datum())
		record.Timestamp = c.time(r.value, at, now)
		dst = append(dst, record)
	}
	return dst
}

// time chooses the record's timestamp. Kafka takes none before 1970.
func (c *records) time(v *ua.DataValue, at, now time.Time) int64 {
	switch c.clock {
	case arrivalClock:
		at = now
	case serverClock:
		if at = v.ServerTimestamp; at.IsZero() || at.Equal(endOfTime) {
			at = now
		}
	}
	if ms := at.UnixMilli(); ms >= 0 {
		return ms
	}
	return now.UnixMilli()
}

// fill sets the fields and returns their schema: that of the node's last value
// for a null.
func (c *records) fill(v []data.Value, r reading) *data.Schema {
	n := r.node
	if s := shapeOf(r.value.Value); s.kind != 0 && s != n.last {
		n.last, n.schema = s, nil
	}
	if n.schema == nil {
		if n.schema = c.schemas[n.last]; n.schema == nil {
			n.schema = recordSchema(n.last, c.uint64Format)
			c.schemas[n.last] = n.schema
		}
	}
	v[0], v[1] = n.key.Value, n.name
	if r.value.Value != nil && r.value.Value.Value() != nil {
		v[2] = c.of(r.value.Value.Value())
	}
	v[3], v[4] = timestamp(r.value.SourceTimestamp), timestamp(r.value.ServerTimestamp)
	v[5], v[6] = data.I64(int64(r.value.Status)), c.status(r.value.Status)
	return n.schema
}

func (c *records) text(v []data.Value, r reading, texts []byte) []byte {
	v[0] = r.node.key.Value
	if x := r.value.Value; x != nil && x.Value() != nil {
		start := len(texts)
		texts = appendText(texts, x.Value())
		t := texts[start:] // never written again: growth moves on, and leaves it
		v[1] = data.Str(unsafe.String(unsafe.SliceData(t), len(t)))
	}
	return texts
}

// overflowBits say that the server's queue of the node dropped values before, or
// with discard.oldest=false after, this one.
const (
	infoTypeBits ua.StatusCode = 0xc00
	dataValueBit ua.StatusCode = 0x400
	overflowBit  ua.StatusCode = 0x080
)

func isOverflow(code ua.StatusCode) bool {
	return code&infoTypeBits == dataValueBit && code&overflowBit != 0
}

var goodText = data.Str("Good")

// status returns the name of a status code with what its bits add.
func (c *records) status(code ua.StatusCode) data.Value {
	if code == ua.StatusGood {
		return goodText
	}
	if v, ok := c.statuses[code]; ok {
		return v
	}
	s := statusName(code)
	if isOverflow(code) {
		s += ", Overflow"
	}
	v := data.Str(s)
	if len(c.statuses) < 1000 {
		c.statuses[code] = v
	}
	return v
}

// overflowed counts dropped values and logs them, at most each ten seconds.
func (c *records) overflowed(n *node, now time.Time) {
	total := c.losses.overflows.Add(1)
	if now.Sub(c.told) < 10*time.Second {
		return
	}
	c.told = now
	c.log.Warn("the server's queue of a node was full and dropped values; raise queue.size, lower publishing.interval.ms, or read less",
		"endpoint", c.endpoint, "node", n.text, "overflows in all", total)
}
