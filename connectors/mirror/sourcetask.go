package mirror

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/worker/kafka"
)

// A place is the offset of a record at the source, and knows its stream, which
// acknowledgements would else have to look up.
type place struct {
	Offset int64 `json:"offset"`
	stream *stream
}

// A stream is one partition that a task mirrors.
type stream struct {
	topicPartition
	remote string
	source *connect.SourcePartition
	sync   *syncState // nil: no offset syncs are written
	meter
}

// A sourceTask mirrors partitions.
type sourceTask struct {
	closers
	log      *slog.Logger
	consumer *kgo.Client
	streams  map[topicPartition]*stream
	syncs    *syncWriter // or nil
	wait     time.Duration
	limit    int
	said     fault
}

func openSourceTask(ctx context.Context, h connect.SourceHost, p connect.Props) (connect.SourceTask, error) {
	var c sourceTaskConfig
	if err := c.parse(p); err != nil {
		return nil, err
	}
	t := &sourceTask{log: h.Log(), wait: c.pollTimeout, streams: map[topicPartition]*stream{}}
	if err := t.open(ctx, h, &c); err != nil {
		_ = t.Close()
		return nil, err
	}
	return t, nil
}

func (t *sourceTask) open(ctx context.Context, h connect.SourceHost, c *sourceTaskConfig) error {
	cls := &clients{config: &c.config, name: h.Name(), log: h.Log()}
	policy := newPolicy(&c.config)
	if c.emitSyncs {
		producer, _, err := cls.open(c.location, kafka.Producer, "offset-syncs-"+c.location+"-producer")
		if err != nil {
			return err
		}
		t.add(func() { closeProducer(producer) })
		t.syncs = &syncWriter{topic: policy.offsetSyncs(c.other(c.location)), maxLag: c.maxLag, log: t.log, send: func(r *kgo.Record, done func(*kgo.Record, error)) {
			producer.Produce(context.Background(), r, done)
		}}
	}
	s, opts, err := cls.options(atSource, kafka.Consumer, "replication-consumer")
	if err != nil {
		return err
	}
	t.limit = s.MaxPollRecords
	start := map[string]map[int32]kgo.Offset{}
	fresh := 0
	for _, text := range c.partitions {
		tp, err := parsePartition(text)
		if err != nil {
			return err
		}
		st := &stream{topicPartition: tp, remote: policy.remote(c.source, tp.topic)}
		if st.source, err = connect.NewSourcePartition(connect.Object{clusterField: c.source, topicField: tp.topic, partitionField: tp.partition}); err != nil {
			return err
		}
		if t.syncs != nil {
			st.sync = newSyncState(tp)
		}
		if err := st.meter.show(h, c.source, c.target, st.remote, tp.partition); err != nil {
			return err
		}
		t.streams[tp] = st
		from, err := committed(ctx, h, st.source)
		if err != nil {
			return err
		}
		if start[tp.topic] == nil {
			start[tp.topic] = map[int32]kgo.Offset{}
		}
		if from < 0 {
			fresh++
			start[tp.topic][tp.partition] = s.StartOffset()
		} else {
			start[tp.topic][tp.partition] = kgo.NewOffset().At(from + 1)
		}
	}
	if t.consumer, err = kgo.NewClient(append(opts, kgo.ConsumePartitions(start))...); err != nil {
		return connect.Errorf("org.apache.kafka.common.KafkaException", "Failed to construct kafka consumer: %w", err)
	}
	t.add(t.consumer.Close)
	t.log.Info("mirror task starts", "source", c.source, "target", c.target, "partitions", len(t.streams), "never mirrored before", fresh)
	return nil
}

// committed returns the offset of the last record that was mirrored, -1 if
// there is none.
func committed(ctx context.Context, h connect.SourceHost, p *connect.SourcePartition) (int64, error) {
	o, err := h.Offset(ctx, p)
	if err != nil || o[offsetField] == nil {
		return -1, err
	}
	n, ok := o[offsetField].(int64)
	if !ok {
		return -1, connect.Failf("offset %s of %s must be {%q: n}; reset the connector's offsets or set such a one", javaMap(o), p.Key(), offsetField)
	}
	return n, nil
}

// Poll returns the records that have come, after a while none. A batch's offsets
// are one allocation, and so are its headers.
func (t *sourceTask) Poll(ctx context.Context, dst []connect.SourceRecord) ([]connect.SourceRecord, error) {
	bounded, cancel := context.WithTimeout(ctx, t.wait)
	defer cancel()
	fetches := t.consumer.PollRecords(bounded, t.limit)
	if err := ctx.Err(); err != nil && fetches.NumRecords() == 0 {
		return dst, err
	}
	n, headers := 0, 0
	fetches.EachRecord(func(r *kgo.Record) { n++; headers += len(r.Headers) })
	b := batch{places: make([]place, 0, n), headers: make([]connect.Header, 0, headers), now: time.Now().UnixMilli()}
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if p.Err != nil {
			t.failed(p)
		}
		if len(p.Records) == 0 {
			return
		}
		if s := t.streams[topicPartition{p.Topic, p.Partition}]; s != nil {
			dst = b.convert(dst, s, p.Records)
		}
	})
	return dst, nil
}

// failed logs why a partition cannot be read. As in Java, the task goes on: the
// client tries again.
func (t *sourceTask) failed(p kgo.FetchTopicPartition) {
	if errors.Is(p.Err, context.DeadlineExceeded) || errors.Is(p.Err, context.Canceled) || errors.Is(p.Err, kgo.ErrClientClosed) {
		return
	}
	if t.said.again(p.Err, time.Now()) {
		t.log.Warn("Failure during poll.", "topic", p.Topic, "partition", p.Partition, "error", p.Err)
	}
}

// A fault keeps the log from being told the same thing too often.
type fault struct {
	text string
	at   time.Time
}

func (f *fault) again(err error, now time.Time) bool {
	if f.text == err.Error() && now.Sub(f.at) < 30*time.Second {
		return false
	}
	f.text, f.at = err.Error(), now
	return true
}

// A batch holds what the records of one poll share.
type batch struct {
	places  []place
	headers []connect.Header
	now     int64
}

func (b *batch) convert(dst []connect.SourceRecord, s *stream, records []*kgo.Record) []connect.SourceRecord {
	bytes := 0
	for _, r := range records {
		b.places = append(b.places, place{r.Offset, s})
		out := connect.SourceRecord{
			Record: connect.Record{
				Topic: s.remote, Partition: r.Partition, Offset: -1, Timestamp: r.Timestamp.UnixMilli(),
				Key:   data.Datum{Schema: optionalSchema, Value: data.Bin(r.Key)},
				Value: data.Datum{Schema: bytesSchema, Value: data.Bin(r.Value)},
			},
			Source: s.source, Position: &b.places[len(b.places)-1],
		}
		if r.Attrs.TimestampType() < 0 {
			out.Timestamp = connect.NoTimestamp
		}
		if len(r.Headers) > 0 {
			out.Headers = b.header(r.Headers)
		}
		bytes += len(r.Value)
		dst = append(dst, out)
	}
	s.meter.read(b.now-records[len(records)-1].Timestamp.UnixMilli(), bytes)
	return dst
}

func (b *batch) header(from []kgo.RecordHeader) []connect.Header {
	first := len(b.headers)
	for _, h := range from {
		schema := bytesSchema
		if h.Value == nil {
			schema = optionalSchema
		}
		b.headers = append(b.headers, connect.Header{Key: h.Key, Value: data.Datum{Schema: schema, Value: data.Bin(h.Value)}})
	}
	return b.headers[first:len(b.headers):len(b.headers)]
}

// CommitRecord learns where the target has put a record.
func (t *sourceTask) CommitRecord(r *connect.SourceRecord, m connect.Metadata) error {
	p, ok := r.Position.(*place)
	if !ok || m.Offset < 0 {
		return nil // a transform dropped it: there is no pair of offsets
	}
	p.stream.meter.wrote(time.Now().UnixMilli() - r.Timestamp)
	if t.syncs != nil {
		t.syncs.wrote(p.stream.sync, p.Offset, m.Offset)
	}
	return nil
}

// Commit writes the offset syncs that have waited for it.
func (t *sourceTask) Commit(context.Context) error {
	if t.syncs != nil {
		t.syncs.flush()
	}
	return nil
}
