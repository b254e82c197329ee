package modbus

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// Fields that records have besides the tags.
const (
	statusField = "status"
	errorField  = "error"
	valueField  = "value"
)

// ownFields cannot be names of tags where tags are fields themselves.
var ownFields = []string{deviceField, tsField, statusField, errorField}

// Values of the status field.
var (
	good    = data.Str("GOOD")
	partial = data.Str("PARTIAL")
	bad     = data.Str("BAD")
)

var keySchema = data.Of(data.String)

// A shape is what all records of a connector have in common. The values of a
// poll lie in one slice: the fields of record.mode=poll first, a scalar tag in
// its place among them, then the elements of arrays.
type shape struct {
	*config
	fixed  int            // fields before the tags
	values int            // all of a poll
	poll   *data.Schema   // of record.mode=poll
	tag    []*data.Schema // of record.mode=tag, by tag
}

func newShape(c *config) *shape {
	s := &shape{config: c, fixed: 2}
	own := []data.Field{data.F(deviceField, data.Of(data.String)), data.F(tsField, data.Timestamp())}
	var extra []data.Field
	if c.status {
		s.fixed = len(ownFields)
		extra = []data.Field{data.F(statusField, data.Of(data.String)), data.F(errorField, data.OptionalOf(data.String))}
	}
	fields := append(append([]data.Field{}, own...), extra...)
	s.values = s.fixed + len(c.tags)
	for i, t := range c.tags {
		fields = append(fields, data.F(t.name, t.schema))
		t.at = s.fixed + i
		if t.array {
			t.at = s.values
			s.values += t.count
		}
		value := t.schema
		if !c.status {
			value = value.Required()
		}
		one := append([]data.Field{own[0], data.F(tagField, data.Of(data.String)), own[1], data.F(valueField, value)}, extra...)
		s.tag = append(s.tag, data.StructOf("millwright.modbus.Value", one...).Versioned(1))
	}
	s.poll = data.StructOf("millwright.modbus.Poll", fields...).Versioned(1)
	return s
}

// A sample is what one poll of a device brought.
type sample struct {
	at     time.Time
	values []data.Value // see shape; null where a tag could not be read
	bad    []string     // by tag, why it could not be read; nil: all could
	why    string       // bad in one text
}

// A place is the offset of a record.
type place struct {
	TS int64 `json:"ts"`
}

// A stream makes the records of one device.
type stream struct {
	*shape
	label  data.Value                 // the device's name
	topic  []string                   // one, or by tag
	source []*connect.SourcePartition // one, or by tag
	key    []data.Datum               // one, or by tag

	// what was written last; nil or zero: nothing
	last   []data.Value // one poll's values, or each tag's own
	status []data.Value // one, or by tag
	sent   []time.Time  // one, or by tag
}

func newStream(s *shape, d deviceAddress) (*stream, error) {
	st := &stream{shape: s, label: data.Str(d.name)}
	add := func(key, tag string, fields connect.Object) error {
		fill := strings.NewReplacer("${device}", fit(d.name), "${unit}", strconv.Itoa(int(d.unit)), "${tag}", fit(tag))
		p, err := connect.NewSourcePartition(fields)
		st.topic = append(st.topic, fill.Replace(s.topic))
		st.source = append(st.source, p)
		st.key = append(st.key, data.Datum{Schema: keySchema, Value: data.Str(key)})
		return err
	}
	if s.mode == perPoll {
		if err := add(d.name, "", connect.Object{deviceField: d.name}); err != nil {
			return nil, err
		}
	} else {
		for _, t := range s.tags {
			if err := add(d.name+"/"+t.name, t.name, connect.Object{deviceField: d.name, tagField: t.name}); err != nil {
				return nil, err
			}
		}
		st.last = make([]data.Value, s.values)
	}
	st.status, st.sent = make([]data.Value, len(st.key)), make([]time.Time, len(st.key))
	return st, nil
}

// fit makes a name that a topic can have.
func fit(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, s)
}

// records appends the records of a poll; m's values are the records' from now on.
func (s *stream) records(dst []connect.SourceRecord, m *sample) []connect.SourceRecord {
	for i, t := range s.tags {
		if t.array && !m.failed(i) {
			m.values[s.fixed+i] = data.List(m.values[t.at : t.at+t.count : t.at+t.count])
		}
	}
	status, why := good, data.Value{}
	if m.bad != nil {
		status, why = partial, data.Str(m.why)
	}
	at := &place{m.at.UnixMilli()}
	if s.mode == perPoll {
		if s.onlyChange && !s.due(0, m.at, status) && s.same(m.values) {
			return dst
		}
		s.last, s.status[0], s.sent[0] = m.values, status, m.at
		return append(dst, s.record(0, at, s.whole(m.values, at, status, why)))
	}
	return s.single(dst, m, at)
}

// silent appends what is written when the device cannot be read at all.
func (s *stream) silent(dst []connect.SourceRecord, now time.Time, err error) []connect.SourceRecord {
	if !s.config.status {
		return dst
	}
	why, at := data.Str(err.Error()), &place{now.UnixMilli()}
	if s.mode == perPoll {
		values := make([]data.Value, s.values)
		s.last, s.status[0], s.sent[0] = values, bad, now
		return append(dst, s.record(0, at, s.whole(values, at, bad, why)))
	}
	for i, t := range s.tags {
		s.keep(i, t, nil)
		s.status[i], s.sent[i] = bad, now
		dst = append(dst, s.record(i, at, s.one(i, data.Value{}, at, bad, why)))
	}
	return dst
}

// single makes one record per tag.
func (s *stream) single(dst []connect.SourceRecord, m *sample, at *place) []connect.SourceRecord {
	for i, t := range s.tags {
		status, why := good, data.Value{}
		if m.failed(i) {
			if !s.config.status {
				continue
			}
			status, why = bad, data.Str(m.bad[i])
		}
		if s.onlyChange {
			if !s.due(i, m.at, status) && s.sameTag(i, t, m.values) {
				continue
			}
			s.keep(i, t, m.values)
		}
		s.status[i], s.sent[i] = status, m.at
		dst = append(dst, s.record(i, at, s.one(i, m.values[s.fixed+i], at, status, why)))
	}
	return dst
}

func (m *sample) failed(tag int) bool { return m.bad != nil && m.bad[tag] != "" }

func (s *stream) record(i int, at *place, value *data.Struct) connect.SourceRecord {
	r := connect.NewSourceRecord(s.topic[i], s.source[i], at, s.key[i], value.Datum())
	r.Timestamp = at.TS
	return r
}

func (s *stream) whole(values []data.Value, at *place, status, why data.Value) *data.Struct {
	values[0], values[1] = s.label, data.Millis(at.TS)
	if s.config.status {
		values[2], values[3] = status, why
	}
	n := s.fixed + len(s.tags)
	return data.NewStruct(s.poll, values[:n:n]...)
}

func (s *stream) one(i int, value data.Value, at *place, status, why data.Value) *data.Struct {
	values := append(make([]data.Value, 0, s.fixed+2), s.label, data.Str(s.tags[i].name), data.Millis(at.TS), value)
	if s.config.status {
		values = append(values, status, why)
	}
	return data.NewStruct(s.tag[i], values...)
}

// due reports whether record i is to be written whatever its values are.
func (s *stream) due(i int, now time.Time, status data.Value) bool {
	return s.sent[i].IsZero() || s.heartbeat > 0 && now.Sub(s.sent[i]) >= s.heartbeat || !data.Equal(s.status[i], status)
}

// same reports whether no tag has changed.
func (s *stream) same(values []data.Value) bool {
	for i, t := range s.tags {
		if !s.sameTag(i, t, values) {
			return false
		}
	}
	return true
}

func (s *stream) sameTag(i int, t *tag, values []data.Value) bool {
	field := s.fixed + i
	if s.last[field].IsNull() != values[field].IsNull() {
		return false
	}
	if s.last[field].IsNull() {
		return true
	}
	band := t.deadband
	if band < 0 {
		band = s.deadband
	}
	for at := t.at; at < t.at+t.count; at++ {
		if !near(s.last[at], values[at], band) {
			return false
		}
	}
	return true
}

// keep remembers what was written of a tag; nil: nothing could be read.
func (s *stream) keep(i int, t *tag, values []data.Value) {
	if values == nil {
		s.last[s.fixed+i] = data.Value{}
		return
	}
	copy(s.last[t.at:t.at+t.count], values[t.at:])
	s.last[s.fixed+i] = values[s.fixed+i]
}

// near reports whether a value is, within band, what it was.
func near(old, v data.Value, band float64) bool {
	if data.Equal(old, v) {
		return true
	}
	if band == 0 || old.Kind() != v.Kind() {
		return false
	}
	switch v.Kind() {
	case data.Int16, data.Int32, data.Int64:
		return math.Abs(float64(v.Int())-float64(old.Int())) <= band
	case data.Float32:
		return math.Abs(float64(v.Float32())-float64(old.Float32())) <= band
	case data.Float64:
		return math.Abs(v.Float64()-old.Float64()) <= band
	}
	return false
}
