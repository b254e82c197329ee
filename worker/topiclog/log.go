// Package topiclog is one compacted Kafka topic used as a log of key-value
// records: open (read to the end), tail, append, sync. It is the only way in
// which the worker's stores touch Kafka, as KafkaBasedLog is in Java. Each log
// has its own client. It imports franz-go and nothing of the worker.
package topiclog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A Record is one record read from the topic. Key and Value never change, but
// they are parts of a bigger buffer: a store that keeps few of them copies
// those. A nil Value is a tombstone. The type has no name of its own, so that
// stores can take it without importing this package.
type Record = struct {
	Offset    int64
	Timestamp int64 // milliseconds since the epoch
	Partition int32
	Key       []byte
	Value     []byte
}

// A KV is one record to be written; a nil Value deletes the key.
type KV = struct{ Key, Value []byte }

// Config says which topic, how to reach it, and what to do with its records.
type Config struct {
	Topic        string
	Opts         []kgo.Opt // client settings: brokers, TLS, SASL, client id
	ProducerOpts []kgo.Opt // applied after Opts; acks stay "all"
	LeaderOpts   []kgo.Opt // of the transactional producer of Claim, in place of both; nil: both

	// ReadCommitted hides records of open and aborted transactions.
	ReadCommitted bool
	// AwaitOpen has Sync wait for the transactions that are open when it is called.
	// Without, it may miss what others have committed: readers of committed
	// records do not see beyond the first open transaction, which somebody may have
	// left behind when it was killed.
	AwaitOpen bool

	// Blocked, if not nil, is called from time to time while Sync waits for long:
	// it may find out what holds it up, or end it.
	Blocked func(context.Context)

	// TransactionalID, if not empty, is for AppendClaimed: see Claim.
	TransactionalID string
	// BeforeClaim, if not nil, is called each time before the transactional id is
	// taken over.
	BeforeClaim func(context.Context) error

	// Apply is called for each record, in the order of its partition, from
	// Open and Run only, so never from two goroutines at once.
	Apply func(Record)

	Log *slog.Logger // nil: slog.Default
}

// ErrTruncated says that the topic is not the one that was read: it was
// made anew or cut, and what was applied from it is void. The way
// out is to open the log again with empty stores.
var ErrTruncated = errors.New("the topic was recreated or truncated while in use")

// lookupTimeout is how long Open bears with a topic that no broker knows: one
// just created takes a moment to be known by all of them.
const lookupTimeout = 30 * time.Second

// stallCheck is how long a partition may lie behind a known end without a
// record arriving before the log asks whether there is one at all.
const stallCheck = time.Second

// checkEvery is how long a topic may be silent before Run asks whether it is
// still there: of a topic that was deleted, readers hear nothing.
const checkEvery = time.Minute

// openTooLong is how long Sync waits in silence for what others have open. What
// a killed task leaves open ends when its successor starts.
const openTooLong = 5 * time.Second

// warnEvery is how long the same warning is not repeated.
const warnEvery = 30 * time.Second

// A Log reads and writes one topic. Its methods may be called from any
// goroutine.
type Log struct {
	cfg Config
	cl  *kgo.Client
	adm *kadm.Client

	mu    sync.Mutex
	next  map[int32]int64 // by partition: all records below are applied
	wrote map[int32]int64 // by partition: the end of what this log has written
	moved chan struct{}   // closed and replaced when next changes or done is set
	done  error           // why Run has ended

	warned   string // the last warning, and when
	warnedAt time.Time

	id kadm.TopicID // zero: the brokers are too old to say

	claim claim
}

// Open connects and calls Apply for all that the topic holds at the time of
// the call. It waits for brokers that cannot be reached until ctx ends; ctx
// bounds the call only. The topic has to exist.
func Open(ctx context.Context, cfg Config) (*Log, error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	cfg.Log = cfg.Log.With("topic", cfg.Topic)
	isolation := kgo.ReadUncommitted()
	if cfg.ReadCommitted {
		isolation = kgo.ReadCommitted()
	}
	opts := []kgo.Opt{
		kgo.MetadataMinAge(250 * time.Millisecond), // so a new leader is found soon
		kgo.FetchMaxWait(10 * time.Second),         // a record ends the wait: long costs nothing but keeps an idle log idle
		kgo.ProducerLinger(0),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
	}
	opts = append(opts, cfg.Opts...)
	opts = append(opts, cfg.ProducerOpts...)
	opts = append(
		opts,
		kgo.ConsumeTopics(cfg.Topic),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(isolation),
		kgo.KeepControlRecords(),                             // they move positions, and ends are after them
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), // murmur2, as Java's
		kgo.RequiredAcks(kgo.AllISRAcks()),
	)
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("topic %q: kafka client: %w", cfg.Topic, err)
	}
	l := &Log{cfg: cfg, cl: cl, adm: kadm.NewClient(cl), next: map[int32]int64{}, wrote: map[int32]int64{}, moved: make(chan struct{})}
	if err := l.readToEnd(ctx); err != nil {
		cl.Close()
		return nil, fmt.Errorf("read topic %q to its end: %w", cfg.Topic, err)
	}
	return l, nil
}

// Run tails the topic until ctx ends, and then returns nil. It survives
// brokers that come and go; it returns an error when the topic cannot be read
// any more, ErrTruncated among them. It is called once.
func (l *Log) Run(ctx context.Context) error {
	var err error
	for err == nil && ctx.Err() == nil {
		wait, cancel := context.WithTimeout(ctx, checkEvery)
		var n int
		n, err = l.poll(wait)
		silent := wait.Err() != nil
		cancel()
		switch {
		case errors.Is(err, errUnknown): // asked again by and by
			if err = l.check(ctx); err == nil {
				sleep(ctx, stallCheck)
			}
		case err == nil && n == 0 && silent:
			err = l.check(ctx)
		}
	}
	switch {
	case ctx.Err() != nil:
		err = nil // what went wrong at the very end does not matter
	case err != nil:
		err = fmt.Errorf("read topic %q: %w", l.cfg.Topic, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done = err
	if l.done == nil {
		l.done = fmt.Errorf("topic %q is not read any more: %w", l.cfg.Topic, context.Cause(ctx))
	}
	l.signal()
	return err
}

// Sync returns when all that was in the topic before the call has been
// applied, and all that this log has written. It needs Run to run, and fails
// when Run has ended.
func (l *Log) Sync(ctx context.Context) error {
	ends, err := l.syncEnds(ctx)
	if err == nil {
		l.mu.Lock()
		for p, end := range l.wrote {
			// Kafka makes a committed transaction visible a moment after it
			// has said so; until then ends may lie before it.
			ends[p] = max(ends[p], end)
		}
		l.mu.Unlock()
		err = l.await(ctx, ends)
	}
	if err != nil {
		return fmt.Errorf("read topic %q to its end: %w", l.cfg.Topic, err)
	}
	return nil
}

// Append writes records and returns when all in-sync replicas have them. The
// records of a partition are in the order given, but not as a unit: after an
// error, the end of ctx among them, some may be in the topic, or come to be.
func (l *Log) Append(ctx context.Context, kvs ...KV) error {
	wrote, err := l.write(ctx, l.cl, kvs)
	if err == nil {
		l.written(wrote)
	}
	return err
}

// write returns the ends of the partitions it has written to. It returns when
// ctx ends even if the client cannot tell yet what became of the records: once
// sent, they stay with the client until a broker answers.
//
// The client fails all that waits for a partition when the context of the first
// record in the queue ends. Others of this worker write to the same topic: what
// failed because one of them gave up is written again, all of it, so that the
// order stays.
func (l *Log) write(ctx context.Context, cl *kgo.Client, kvs []KV) (map[int32]int64, error) {
	for {
		wrote, err := l.writeOnce(ctx, cl, kvs)
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			return wrote, err
		}
	}
}

func (l *Log) writeOnce(ctx context.Context, cl *kgo.Client, kvs []KV) (map[int32]int64, error) {
	results := make(chan error, len(kvs))
	recs := make([]kgo.Record, len(kvs))
	for i, kv := range kvs {
		recs[i] = kgo.Record{Topic: l.cfg.Topic, Key: kv.Key, Value: kv.Value}
		cl.Produce(ctx, &recs[i], func(r *kgo.Record, err error) {
			if err != nil {
				err = fmt.Errorf("write %q to topic %q: %w", r.Key, l.cfg.Topic, err)
			}
			results <- err
		})
	}
	var failed error
	for range recs {
		select {
		case err := <-results:
			failed = cmp.Or(failed, err)
		case <-ctx.Done():
			return nil, fmt.Errorf("write to topic %q: %w", l.cfg.Topic, context.Cause(ctx))
		}
	}
	if failed != nil {
		return nil, failed
	}
	wrote := make(map[int32]int64)
	for i := range recs {
		wrote[recs[i].Partition] = max(wrote[recs[i].Partition], recs[i].Offset+1)
	}
	return wrote, nil
}

func (l *Log) written(ends map[int32]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, end := range ends {
		l.wrote[p] = max(l.wrote[p], end)
	}
}

// Partitions returns the number of partitions that Open saw.
func (l *Log) Partitions() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.next)
}

// Close frees the log's connections. It does not wait for Run, which returns
// soon after, if it still runs.
func (l *Log) Close() {
	l.Relinquish()
	l.cl.Close()
}

// readToEnd is Open's part of the reading, before Run takes over.
func (l *Log) readToEnd(ctx context.Context) error {
	starts, err := l.offsets(ctx, l.adm.ListStartOffsets)
	if err != nil {
		return err
	}
	ends, err := l.ends(ctx)
	if err != nil {
		return err
	}
	if topics, err := l.adm.ListTopics(ctx, l.cfg.Topic); err == nil {
		l.id = topics[l.cfg.Topic].ID
	}
	l.next = starts
	for len(l.behind(ends)) > 0 {
		wait, cancel := context.WithTimeout(ctx, stallCheck)
		n, err := l.poll(wait)
		cancel()
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case n == 0:
			l.probe(ctx, l.behind(ends))
		}
	}
	return nil
}

// poll applies what the next fetch brings, and returns the number of records.
func (l *Log) poll(ctx context.Context) (int, error) {
	fetches := l.cl.PollFetches(ctx)
	var failed error
	n := 0
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		for _, r := range p.Records {
			if r.Attrs.IsControl() {
				continue
			}
			l.cfg.Apply(Record{Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Partition: r.Partition, Key: r.Key, Value: r.Value})
		}
		if k := len(p.Records); k > 0 {
			n += k
			l.move(p.Partition, p.Records[k-1].Offset+1)
		}
		switch {
		case p.Err == nil, failed != nil, ctx.Err() != nil && errors.Is(p.Err, ctx.Err()):
		case errors.Is(p.Err, kerr.UnknownTopicID):
			failed = errUnknown
		case truncated(p.Err):
			failed = fmt.Errorf("partition %d: %w: %w", p.Partition, ErrTruncated, p.Err)
		case permanent(p.Err):
			failed = p.Err
		default:
			l.warn("reading the topic is being retried", "error", p.Err)
		}
	})
	return n, failed
}

func truncated(err error) bool {
	var lost *kgo.ErrDataLoss
	return errors.As(err, &lost) || errors.Is(err, kerr.OffsetOutOfRange)
}

// errUnknown says that brokers do not know the topic under the id that it had.
var errUnknown = errors.New("the topic is unknown")

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// warn logs trouble that may mend itself: once in a while, not at each try. It
// reports whether it has.
func (l *Log) warn(msg string, attrs ...any) bool {
	l.mu.Lock()
	now := time.Now()
	again := msg == l.warned && now.Sub(l.warnedAt) < warnEvery
	if !again {
		l.warned, l.warnedAt = msg, now
	}
	l.mu.Unlock()
	if !again {
		l.cfg.Log.Warn(msg, attrs...)
	}
	return !again
}

// permanent tells errors that another try does not mend from those of a
// network or a cluster in motion.
func permanent(err error) bool {
	if errors.Is(err, kgo.ErrClientClosed) {
		return true
	}
	var ke *kerr.Error
	return errors.As(err, &ke) && !ke.Retriable
}

// move says that all records of a partition below next are applied.
func (l *Log) move(partition int32, next int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next[partition] < next {
		l.next[partition] = next
		l.signal()
	}
}

// signal wakes those who wait; mu is held.
func (l *Log) signal() {
	close(l.moved)
	l.moved = make(chan struct{})
}
