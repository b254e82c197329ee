// Package connect is what a connector author imports: the few contracts
// between a plugin and the worker that runs it.
//
// A plugin is a value of SourcePlugin, SinkPlugin, TransformPlugin,
// PredicatePlugin, ConverterPlugin or HeaderConverterPlugin, registered from
// its package's init. Its functions return objects that are ready for use; the
// objects' interfaces hold one or two methods, and optional abilities are
// further small interfaces, as in database/sql/driver.
//
// The package imports the standard library and connectors/data only.
package connect

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math"

	"github.com/millwright-connect/millwright/connectors/data"
)

// Props are properties as users write them and as the config topic keeps them.
type Props map[string]string

// An Object is a JSON object, the form of source partitions and offsets.
// Numbers read from the offsets topic are int64 where they are whole, else
// float64.
type Object = map[string]any

// A Record is what transforms see: the part of a record that they may change.
// The record itself is theirs; what it points to is shared and is replaced,
// never changed.
type Record struct {
	Topic     string
	Partition int32 // -1: let the producer choose
	Key       data.Datum
	Value     data.Datum // a null value is a tombstone
	Headers   []Header
	Timestamp int64 // milliseconds since the epoch, or NoTimestamp
	Offset    int64 // position in Kafka of a sink's record; -1 for a source's
}

// NoTimestamp is the timestamp of a record that has none (Java's null). It is
// not -1, which a source may mean as a time, though Kafka takes it for none.
const NoTimestamp = math.MinInt64

// A Header is one record header.
type Header struct {
	Key   string
	Value data.Datum
}

// A SourceRecord is a record with its place in the source. Make it with
// NewSourceRecord, which leaves Partition, Timestamp and Offset without a value.
type SourceRecord struct {
	Record
	Source   *SourcePartition // nil: no position is kept
	Position any              // marshals to an Object when, and only when, it is committed; nil: the position stays
	Boundary Boundary         // with transaction.boundary=connector: what ends after this record
}

// NewSourceRecord returns a record for topic with nothing else chosen.
func NewSourceRecord(topic string, source *SourcePartition, position any, key, value data.Datum) SourceRecord {
	return SourceRecord{
		Record: Record{Topic: topic, Partition: -1, Key: key, Value: value, Timestamp: NoTimestamp, Offset: -1},
		Source: source, Position: position,
	}
}

// A Boundary ends a transaction that the connector defines.
type Boundary uint8

// What happens after a record.
const (
	NoBoundary  Boundary = iota
	CommitAfter          // the transaction is committed after this record
	AbortAfter           // the transaction, this record in it, is dropped
)

// A SourcePartition names one stream of a source. Make it once, with
// NewSourcePartition, and let every record of the stream point to it.
type SourcePartition struct {
	Fields Object
	key    string
}

// NewSourcePartition makes the handle of one stream of a source. Fields hold
// strings, booleans, numbers and nil only.
func NewSourcePartition(fields Object) (*SourcePartition, error) {
	b, err := json.Marshal(fields) // sorts keys
	if err != nil {
		return nil, Failf("source partition %v cannot be written as JSON: %w", fields, err)
	}
	return &SourcePartition{fields, string(b)}, nil
}

// Key returns the canonical JSON of the partition.
func (p *SourcePartition) Key() string { return p.key }

// A SinkRecord is a record with its place in Kafka.
type SinkRecord struct {
	Record
	TimestampType int8            // 0 CreateTime, 1 LogAppendTime, -1 none
	Original      *TopicPartition // before transforms; Offset belongs to it
}

// TopicPartition is one partition of a topic.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// Metadata is where Kafka put a record.
type Metadata struct {
	TopicPartition
	Offset int64 // -1: the record was dropped before it reached Kafka
}

// A SourceTask reads records. All its methods but RecordCommitter's and
// Committer's are called from one goroutine.
type SourceTask interface {
	// Poll appends the records that are ready to dst, and blocks until there
	// are some or ctx ends; it may return none after a while. The task keeps no
	// reference to dst. Retry(err, after) asks to be called again; any other
	// error fails the task.
	Poll(ctx context.Context, dst []SourceRecord) ([]SourceRecord, error)
	// Close is called once, after the last Poll has returned, or after the
	// worker has given up on a Poll that does not return.
	io.Closer
}

// A SinkTask writes records. All its methods are called from one goroutine.
type SinkTask interface {
	// Put takes a batch, empty now and then. It returns nil, Retry(err, after)
	// to get the same batch again, or an error that fails the task. The batch
	// is the worker's again when Put returns; what records point to may be kept.
	Put(ctx context.Context, batch []SinkRecord) error
	io.Closer
}

// A Connector divides its work into tasks.
type Connector interface {
	// Tasks returns the properties of at most max tasks.
	Tasks(ctx context.Context, max int) ([]Props, error)
	io.Closer
}

// Optional abilities of tasks, found by type assertion.
type (
	// A Committer (source) is told that offsets have been committed. It may be
	// called while Poll runs.
	Committer interface {
		Commit(ctx context.Context) error
	}
	// A RecordCommitter (source) is told of each record that Kafka has taken or
	// that was dropped on the way. It may be called while Poll runs, in the
	// order of acknowledgement.
	RecordCommitter interface {
		CommitRecord(r *SourceRecord, m Metadata) error
	}
	// A Flusher (sink) makes what Put took durable before offsets are committed.
	Flusher interface {
		Flush(ctx context.Context, upTo map[TopicPartition]int64) error
	}
	// A PreCommitter (sink) says how far offsets may be committed, when it is
	// not all that Put took. It is called in place of Flush.
	PreCommitter interface {
		PreCommit(ctx context.Context, upTo map[TopicPartition]int64) (map[TopicPartition]int64, error)
	}
	// A Rebalancer (sink) is told of partitions that come and go.
	Rebalancer interface {
		Assigned(ctx context.Context, p []TopicPartition) error
		Revoked(ctx context.Context, p []TopicPartition) error
	}
)

// A PartitionOffset is one entry that a user wants to set; a nil Offset resets
// the partition.
type PartitionOffset struct{ Partition, Offset Object }

// A Meter shows figures of a plugin's own beside the worker's (KIP-877). It may
// be used from any goroutine.
type Meter interface {
	// Gauge shows what read returns, whenever somebody asks for the metrics, as
	// kafka_connect_plugins_NAME with the labels connector, task (of a task's
	// host) and tags, until the connector or task ends. It takes the place of an
	// earlier one with that name and those tags; a nil read ends it. A name that
	// ends in _total is a counter's. It returns an error for an empty name, and
	// for tags named connector or task.
	Gauge(name string, tags map[string]string, read func() float64) error
}

// Host is the worker as a connector sees it. But for Offset, its methods may be
// called from any goroutine.
type Host interface {
	Meter
	Name() string // of the connector
	Log() *slog.Logger
	Reconfigure()   // ask for Tasks to be called again
	Fail(err error) // mark the connector failed
	// Offset returns the last committed offset of a partition, or nil: of a
	// source connector's, for one that divides its work by what its tasks have
	// done. It reads to the end of the offsets' topic. It may be called until the
	// connector's Close, from one goroutine at a time. A sink's has none.
	Offset(ctx context.Context, p *SourcePartition) (Object, error)
}

// SourceHost is the worker as a source task sees it.
type SourceHost interface {
	Meter
	Name() string // of the connector
	Log() *slog.Logger
	// Offset returns the last committed offset of a partition, or nil.
	Offset(ctx context.Context, p *SourcePartition) (Object, error)
}

// SinkHost is the worker as a sink task sees it. But for Reject and Gauge, its methods
// may only be called from the task's own methods.
type SinkHost interface {
	Meter
	Name() string // of the connector
	Log() *slog.Logger
	Assignment() []TopicPartition
	Seek(p TopicPartition, offset int64)
	Pause(p ...TopicPartition)
	Resume(p ...TopicPartition)
	RequestCommit()
	// Reject hands a record that can never be written to the errors policy
	// (KIP-610): nil means it was tolerated and the task goes on; an error is
	// to be returned from Put. The offset of a rejected record is committed
	// only after its report is acknowledged.
	Reject(r *SinkRecord, cause error) error
}

// Support is a source's answer to whether it can do exactly-once.
type Support uint8

// Answers of SourcePlugin.ExactlyOnce.
const (
	SupportUnknown Support = iota // the plugin does not say
	Supported
	Unsupported
)

// SourcePlugin makes a kind of source known to the worker.
type SourcePlugin struct {
	Class   string   // what users write in connector.class
	Aliases []string // further class names
	Version string
	Config  func() Configurable // a fresh config with its definition; nil: no properties
	// Check finds what single properties cannot show; it adds to Errors of
	// infos, and returns Blame for properties that are not the plugin's. nil:
	// field checks are all there is.
	Check func(ctx context.Context, p Props, infos []ConfigInfo) error
	// Open starts the connector; nil: one task with the connector's properties.
	Open func(ctx context.Context, h Host, p Props) (Connector, error)
	// OpenTask starts one task. ctx bounds the call only.
	OpenTask func(ctx context.Context, h SourceHost, p Props) (SourceTask, error)
	// ExactlyOnce says whether the source, configured so, can do exactly-once;
	// nil: unknown (KIP-618).
	ExactlyOnce func(p Props) (Support, error)
	// OwnTransactions says whether the source can set Boundary; nil: it cannot.
	OwnTransactions func(p Props) (Support, error)
	// AlterOffsets checks offsets that a user wants to set (KIP-875), and tells
	// whether it had a way to do so; nil: they are taken unchecked.
	AlterOffsets func(ctx context.Context, p Props, offsets []PartitionOffset) (bool, error)
}

// SinkPlugin makes a kind of sink known to the worker; fields are as those of
// SourcePlugin. With a nil Open every one of tasks.max tasks gets the
// connector's properties.
type SinkPlugin struct {
	Class    string
	Aliases  []string
	Version  string
	Config   func() Configurable
	Check    func(ctx context.Context, p Props, infos []ConfigInfo) error
	Open     func(ctx context.Context, h Host, p Props) (Connector, error)
	OpenTask func(ctx context.Context, h SinkHost, p Props) (SinkTask, error)
	// AlterOffsets is told of consumer offsets to be set; nil values reset.
	AlterOffsets func(ctx context.Context, p Props, offsets map[TopicPartition]*int64) (bool, error)
}

// A Transform changes a record in place; false drops it. One that holds
// resources is an io.Closer as well. Calls come from one goroutine.
type Transform interface {
	Apply(r *Record) (keep bool, err error)
}

// TransformPlugin makes a kind of transform known to the worker.
type TransformPlugin struct {
	Class   string // Java's name, with $Key or $Value where there are two
	Aliases []string
	Version string
	Config  func() Configurable
	Open    func(p Props) (Transform, error)
}

// A Predicate decides whether a transform applies.
type Predicate interface {
	Test(r *Record) (bool, error)
}

// PredicatePlugin makes a kind of predicate known to the worker.
type PredicatePlugin struct {
	Class   string
	Aliases []string
	Version string
	Config  func() Configurable
	Open    func(p Props) (Predicate, error)
}

// A Converter turns data into bytes and back. One that holds resources is an
// io.Closer as well. Calls come from one goroutine.
type Converter interface {
	// Encode appends to dst and returns it. A nil result is a null (a
	// tombstone); an empty one is empty.
	Encode(dst []byte, topic string, h []Header, d data.Datum) ([]byte, error)
	// Decode keeps no reference to b. A nil b is a null.
	Decode(topic string, h []Header, b []byte) (data.Datum, error)
}

// ConverterPlugin makes a kind of converter known to the worker.
type ConverterPlugin struct {
	Class   string
	Aliases []string
	Version string
	Config  func() Configurable
	Open    func(p Props, isKey bool) (Converter, error)
}

// A HeaderConverter turns header values into bytes and back, as Converter does
// for keys and values.
type HeaderConverter interface {
	EncodeHeader(dst []byte, topic, name string, d data.Datum) ([]byte, error)
	DecodeHeader(topic, name string, b []byte) (data.Datum, error)
}

// HeaderConverterPlugin makes a kind of header converter known to the worker.
type HeaderConverterPlugin struct {
	Class   string
	Aliases []string
	Version string
	Config  func() Configurable
	Open    func(p Props) (HeaderConverter, error)
}
