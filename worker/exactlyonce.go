package worker

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/offsets"
	"github.com/millwright-connect/millwright/worker/pipeline"
	"github.com/millwright-connect/millwright/worker/state"
)

// Where a transaction ends (transaction.boundary, KIP-618).
const (
	boundaryPoll      = "poll"
	boundaryInterval  = "interval"
	boundaryConnector = "connector"
)

// An exactlyOnceRunner runs one source task so that its records and its offsets
// reach Kafka together or not at all: both are written in one transaction, under
// a transactional id that only one living producer can hold.
type exactlyOnceRunner struct {
	*sourceRunner
	mode     string
	interval time.Duration

	open      bool // a transaction is
	began     time.Time
	positions map[*connect.SourcePartition]any // to be committed with the transaction
	sent      []*inflight                      // for RecordCommitter, once the transaction is committed
	dropped   []*connect.SourceRecord
	mu        sync.Mutex // guards sent and dropped: promises come on the producer's goroutine
}

// Run polls until ctx ends or the task fails.
func (r *exactlyOnceRunner) Run(ctx context.Context, started func()) error {
	return r.lifecycle(ctx, started, r.openFenced, r.loop, r.close)
}

// openFenced makes sure that no task of an earlier generation can write any
// more before the first offset is read.
func (r *exactlyOnceRunner) openFenced(ctx context.Context) error {
	r.positions = map[*connect.SourcePartition]any{}
	if err := r.w.fenced(ctx, r.id.Connector); err != nil {
		return err
	}
	if err := r.sourceRunner.open(ctx); err != nil {
		return err
	}
	r.mode, r.interval = strings.ToLower(r.settings.TransactionBoundary), r.settings.TransactionInterval
	return nil
}

func (r *exactlyOnceRunner) loop(ctx context.Context) error {
	err := r.pollLoop(ctx)
	if r.lost.Load() {
		return nil
	}
	if !r.open {
		return err
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.w.settings.OffsetFlushTimeout)
	defer cancel()
	if err == nil && r.mode != boundaryConnector {
		return r.endTransaction(last)
	}
	if aerr := r.abort(last); aerr != nil {
		r.log.Warn("the open transaction could not be aborted; Kafka ends it when it times out", "error", aerr)
	}
	return err
}

func (r *exactlyOnceRunner) pollLoop(ctx context.Context) error {
	var batch []connect.SourceRecord
	for {
		if t, _ := r.targeted(); t != state.Started && r.open && r.mode != boundaryConnector {
			if err := r.endTransaction(ctx); err != nil {
				return err
			}
		}
		if !r.awaitRunning(ctx) {
			return nil
		}
		var err error
		pollCtx, cancel := r.untilDue(ctx)
		batch, err = r.poll(pollCtx, batch)
		cancel()
		switch wait, again := connect.RetryAfter(err); {
		case ctx.Err() != nil:
			return nil
		case err == nil, errors.Is(err, context.DeadlineExceeded) && pollCtx.Err() != nil:
		case again:
			r.log.Warn("poll failed; it is tried again", "error", err)
			if !sleep(ctx, max(wait, 100*time.Millisecond)) {
				return nil
			}
			continue
		default:
			return err
		}
		// A stop must not cut a batch in two: what was polled is sent in full.
		whole := context.WithoutCancel(ctx)
		if len(batch) > 0 {
			if err := r.sendBatch(whole, batch); err != nil {
				return err
			}
		}
		due := r.mode == boundaryPoll && len(batch) > 0 || r.mode == boundaryInterval && time.Since(r.began) >= r.interval
		if r.open && due {
			if err := r.endTransaction(whole); err != nil {
				return err
			}
		}
	}
}

// untilDue bounds a poll by the end of the open transaction's interval, so that
// a source that falls silent still has its records committed.
func (r *exactlyOnceRunner) untilDue(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.mode != boundaryInterval || !r.open {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, r.began.Add(r.interval))
}

func (r *exactlyOnceRunner) sendBatch(ctx context.Context, batch []connect.SourceRecord) error {
	slab := make([]inflight, len(batch))
	kept := append([]connect.SourceRecord(nil), batch...)
	arena := r.pipe.Arena(len(batch))
	producer := r.producer.Load()
	for i := range batch {
		rec, f := &batch[i], &slab[i]
		f.run, f.source = r.sourceRunner, &kept[i]
		var (
			out  pipeline.Encoded
			keep bool
			err  error
		)
		if arena, out, keep, err = r.pipe.Out(ctx, rec, arena); err != nil {
			return err
		}
		if keep {
			if err := r.topics.ensure(ctx, rec.Topic); err != nil {
				return err
			}
			if err := r.begin(); err != nil {
				return err
			}
			f.Topic, f.Key, f.Value, f.Headers, f.Partition = rec.Topic, out.Key, out.Value, kafkaHeaders(out.Headers), rec.Partition
			if rec.Timestamp >= 0 {
				f.Timestamp = time.UnixMilli(rec.Timestamp)
			}
			if rec.Source != nil && rec.Position != nil {
				r.positions[rec.Source] = rec.Position
			}
			producer.Produce(ctx, &f.Record, r.written(f))
		} else {
			r.metrics.Filtered(1)
			r.mu.Lock()
			r.dropped = append(r.dropped, f.source)
			r.mu.Unlock()
		}
		if r.mode == boundaryConnector {
			if err := r.atBoundary(ctx, rec.Boundary); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *exactlyOnceRunner) atBoundary(ctx context.Context, b connect.Boundary) error {
	switch {
	case b == connect.CommitAfter && r.open:
		return r.endTransaction(ctx)
	case b == connect.AbortAfter && r.open:
		return r.abort(ctx)
	}
	return nil
}

// written is the promise of a record in a transaction. Whatever fails to be
// written fails the transaction; errors.tolerance has no say in that.
func (r *exactlyOnceRunner) written(f *inflight) func(*kgo.Record, error) {
	return func(rec *kgo.Record, err error) {
		if r.lost.Load() {
			return
		}
		if err != nil {
			if !errors.Is(err, kgo.ErrAborting) {
				r.fail(connect.Failf("Unrecoverable exception from producer send callback: %w", err))
			}
			return
		}
		r.metrics.Written(1)
		r.topics.used(rec.Topic)
		if r.each != nil {
			r.mu.Lock()
			r.sent = append(r.sent, f)
			r.mu.Unlock()
		}
	}
}

func (r *exactlyOnceRunner) begin() error {
	if r.open {
		return nil
	}
	if err := r.producer.Load().BeginTransaction(); err != nil {
		return connect.Failf("a transaction could not be begun: %w", err)
	}
	r.open, r.began = true, time.Now()
	return nil
}

// endTransaction writes the offsets into the transaction and commits it.
func (r *exactlyOnceRunner) endTransaction(ctx context.Context) error {
	began := time.Now()
	producer := r.producer.Load()
	changes, err := r.changes()
	if err != nil {
		return err
	}
	records, err := r.store.Records(changes)
	if err != nil {
		return err
	}
	for _, rec := range records {
		producer.Produce(ctx, rec, func(rec *kgo.Record, err error) {
			if err != nil && !errors.Is(err, kgo.ErrAborting) {
				r.fail(connect.Failf("offsets could not be written to topic %s: %w", rec.Topic, err))
			}
		})
	}
	if err := producer.Flush(ctx); err != nil {
		return connect.Failf("Failed to flush records and offsets of the transaction: %w", err)
	}
	select {
	case err := <-r.failed:
		if aerr := r.abort(ctx); aerr != nil {
			r.log.Warn("the failed transaction could not be aborted", "error", aerr)
		}
		r.metrics.CommitFailed()
		return err
	default:
	}
	if err := producer.EndTransaction(ctx, kgo.TryCommit); err != nil {
		r.metrics.CommitFailed()
		if errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) {
			return connect.Failf("this task was fenced off by a newer one: %w", err)
		}
		return connect.Failf("Failed to commit producer transaction: %w", err)
	}
	r.open = false
	r.metrics.Committed(time.Since(began))
	r.metrics.Transaction(len(r.sent))
	clear(r.positions)
	r.store.Committed(ctx, changes)
	r.afterCommit(ctx)
	return nil
}

func (r *exactlyOnceRunner) changes() ([]connect.PartitionOffset, error) {
	changes := make([]connect.PartitionOffset, 0, len(r.positions))
	for source, position := range r.positions {
		o, err := offsets.ToObject(position)
		if err != nil {
			return nil, err
		}
		changes = append(changes, connect.PartitionOffset{Partition: source.Fields, Offset: o})
	}
	return changes, nil
}

func (r *exactlyOnceRunner) afterCommit(ctx context.Context) {
	r.mu.Lock()
	sent, dropped := r.sent, r.dropped
	r.sent, r.dropped = nil, nil
	r.mu.Unlock()
	for _, f := range sent {
		r.commitRecord(f.source, connect.Metadata{TopicPartition: connect.TopicPartition{Topic: f.Topic, Partition: f.Partition}, Offset: f.Offset})
	}
	for _, d := range dropped {
		r.commitRecord(d, connect.Metadata{Offset: -1})
	}
	if r.commits != nil {
		if err := guarded("committing", func() error { return r.commits.Commit(ctx) }); err != nil {
			r.log.Error("the task failed to note a commit", "error", err)
		}
	}
}

// abort drops the open transaction. The offsets of its records stay to be
// committed with the next one, as in Java: an aborted record is one that the
// connector does not want, not one to be read again.
func (r *exactlyOnceRunner) abort(ctx context.Context) error {
	producer := r.producer.Load()
	r.open = false
	if err := producer.AbortBufferedRecords(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	r.sent = nil
	r.mu.Unlock()
	return producer.EndTransaction(ctx, kgo.TryAbort)
}

// fenced has the leader fence earlier generations of a connector's tasks, where
// that was not done since its tasks were written.
func (w *Worker) fenced(ctx context.Context, name string) error {
	if err := w.configs.Sync(ctx); err != nil {
		return err
	}
	if c := w.configs.Snapshot().Connectors[name]; c != nil && !c.NeedsFencing {
		return nil
	}
	err := w.Fence(ctx, name)
	var moved *MovedError
	if errors.As(err, &moved) {
		err = w.peers.Fence(ctx, moved.URL, name)
	}
	if err != nil {
		return connect.Failf("Failed to perform zombie fencing: %w", err)
	}
	return w.configs.Sync(ctx)
}

// Fence makes sure, on the leader, that no task of an earlier generation of an
// exactly-once source can write any more, and notes how many tasks the current
// one has (KIP-618).
func (w *Worker) Fence(ctx context.Context, name string) error {
	if err := w.lead(ctx, "Only the leader may perform zombie fencing."); err != nil {
		return err
	}
	_, err, _ := w.fencings.Do(name, func() (any, error) { return nil, w.fence(ctx, name) })
	return err
}

func (w *Worker) fence(ctx context.Context, name string) error {
	if err := w.configs.Sync(ctx); err != nil {
		return err
	}
	c, err := w.find(name)
	if err != nil {
		return err
	}
	if w.TypeOf(c.Props) != string(connect.Source) {
		return refuse(BadRequest, "Connector %s is not a source connector", name)
	}
	if !c.NeedsFencing {
		return nil
	}
	// With one task before and one now the new producer fences the old one by
	// itself; without a record no producer with a transactional id was started.
	if c.TaskCount >= 0 && (c.TaskCount != 1 || len(c.Tasks) != 1) {
		ids := make([]string, c.TaskCount)
		for n := range ids {
			ids[n] = w.transactionalID(unitID{name, n})
		}
		if err := w.fenceProducers(ctx, name, ids); err != nil {
			return err
		}
	}
	generation := c.Generation
	return w.write(ctx, "Only the leader may perform zombie fencing.", func(s *state.Snapshot) ([]state.KV, error) {
		now := s.Connectors[name]
		if now == nil {
			return nil, refuse(NotFound, "Connector %s not found", name)
		}
		if now.Generation != generation {
			return nil, refuse(Conflict, "Fencing failed because new task configurations were generated for the connector")
		}
		return []state.KV{state.TaskCountRecord(name, len(now.Tasks))}, nil
	})
}

// transactionalID is Java's, so that Java and Millwright fence each other.
func (w *Worker) transactionalID(id unitID) string {
	return w.settings.GroupID + "-" + id.String()
}

var _ runner = (*exactlyOnceRunner)(nil)
