package mirror

import (
	"encoding/binary"
	"fmt"
)

// The records of MirrorMaker's own topics, in the form of Kafka's protocol:
// numbers big-endian, texts after their length in two bytes. Values, but for
// those of offset syncs, begin with their version, which is 0.

// A topicPartition is one partition of a topic.
type topicPartition struct {
	topic     string
	partition int32
}

// String shows it as Java does.
func (t topicPartition) String() string { return fmt.Sprintf("%s-%d", t.topic, t.partition) }

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

func appendPartition(b []byte, t topicPartition) []byte {
	return binary.BigEndian.AppendUint32(appendText(b, t.topic), uint32(t.partition))
}

// A reader takes what records are made of; bad is set, and what it returns
// is nothing, once there is less than there should be.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n > len(r.b) {
		r.bad = true
		return make([]byte, 8)
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) text() string {
	n := int16(binary.BigEndian.Uint16(r.take(2)))
	if n < 0 || r.bad || int(n) > len(r.b) {
		r.bad = true
		return ""
	}
	return string(r.take(int(n)))
}

func (r *reader) int64() int64 { return int64(binary.BigEndian.Uint64(r.take(8))) }

func (r *reader) partition() topicPartition {
	return topicPartition{r.text(), int32(binary.BigEndian.Uint32(r.take(4)))}
}

// version reads the version of a value, of which there is one so far.
func (r *reader) version() {
	if binary.BigEndian.Uint16(r.take(2)) != 0 {
		r.bad = true
	}
}

// An offsetSync says that the record at upstream of a partition at the source
// became the record at downstream of the remote topic's.
type offsetSync struct {
	topicPartition
	upstream, downstream int64
}

func (o offsetSync) key() []byte {
	return appendPartition(make([]byte, 0, 6+len(o.topic)), o.topicPartition)
}

func (o offsetSync) value() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 16), uint64(o.upstream))
	return binary.BigEndian.AppendUint64(b, uint64(o.downstream))
}

// readOffsetSync reads a record of an offset-syncs topic.
func readOffsetSync(key, value []byte) (o offsetSync, ok bool) {
	k, v := reader{b: key}, reader{b: value}
	o.topicPartition = k.partition()
	o.upstream, o.downstream = v.int64(), v.int64()
	return o, !k.bad && !v.bad
}

// A checkpoint says that a group that has come to upstream of a partition at
// the source can go on at downstream of the remote topic's, which is named.
type checkpoint struct {
	group string
	topicPartition
	upstream, downstream int64
	metadata             string
}

func (c checkpoint) key() []byte {
	return appendPartition(appendText(nil, c.group), c.topicPartition)
}

func (c checkpoint) value() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 2, 20+len(c.metadata)), uint64(c.upstream))
	return appendText(binary.BigEndian.AppendUint64(b, uint64(c.downstream)), c.metadata)
}

// readCheckpoint reads a record of a checkpoints topic.
func readCheckpoint(key, value []byte) (c checkpoint, ok bool) {
	k, v := reader{b: key}, reader{b: value}
	c.group, c.topicPartition = k.text(), k.partition()
	v.version()
	c.upstream, c.downstream, c.metadata = v.int64(), v.int64(), v.text()
	return c, !k.bad && !v.bad
}

// A heartbeat says that the way from source to target worked at a time, in
// milliseconds since the epoch.
type heartbeat struct {
	source, target string
	timestamp      int64
}

func (h heartbeat) key() []byte { return appendText(appendText(nil, h.source), h.target) }

func (h heartbeat) value() []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 2, 10), uint64(h.timestamp))
}

// readHeartbeat reads a record of a heartbeats topic.
func readHeartbeat(key, value []byte) (h heartbeat, ok bool) {
	k, v := reader{b: key}, reader{b: value}
	h.source, h.target = k.text(), k.text()
	v.version()
	h.timestamp = v.int64()
	return h, !k.bad && !v.bad
}
