package worker

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/offsets"
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
//
// All of it happens on the goroutine that polls; promises only count.
type exactlyOnceRunner struct {
	*sourceRunner
	mode     string
	interval time.Duration

	open      bool        // a transaction is
	due       time.Time   // with an interval: of the next commit
	positions positions   // to be committed with the transaction
	size      int         // records in the transaction
	told      []*inflight // for RecordCommitter, once the transaction is committed; in order
}

// Run polls until ctx ends or the task fails.
func (r *exactlyOnceRunner) Run(ctx context.Context, started func()) error {
	return r.lifecycle(ctx, started, r.openFenced, r.loop, r.close)
}

// openFenced makes sure that no task of an earlier generation can write any
// more before the first offset is read.
func (r *exactlyOnceRunner) openFenced(ctx context.Context) error {
	r.positions.reset()
	if err := r.w.fenced(ctx, r.id.Connector); err != nil {
		return err
	}
	if err := r.sourceRunner.open(ctx); err != nil {
		return err
	}
	r.mode, r.interval = strings.ToLower(r.settings.TransactionBoundary), r.settings.TransactionInterval
	return nil
}

// loop polls, and then ends the transaction that is open: with a commit if all
// is well, as it holds whole records of a source that can go on after them.
func (r *exactlyOnceRunner) loop(ctx context.Context) error {
	err := r.pollLoop(ctx)
	if err == nil && r.mode != boundaryConnector {
		err = r.commitTransaction()
	}
	if r.open && !r.lost.Load() {
		if aerr := r.abort(); aerr != nil {
			r.log.Warn("the open transaction could not be aborted; Kafka ends it when it times out", "error", aerr)
		}
	}
	return err
}

func (r *exactlyOnceRunner) pollLoop(ctx context.Context) error {
	var batch []connect.SourceRecord
	for {
		// A pause may last: an open transaction would hold up the topic's readers,
		// and time out.
		if t, _ := r.targeted(); t != state.Started && r.mode != boundaryConnector {
			if err := r.commitTransaction(); err != nil {
				return err
			}
		}
		if again, err := r.awaitRunning(ctx, 0, nil); !again {
			return err
		}
		if r.due.IsZero() {
			r.due = time.Now().Add(r.interval)
		}
		turn, end := r.turn(ctx)
		for r.waits(end) && turn.Err() == nil {
			wasOpen := r.open
			var err error
			if batch, err = r.pollAndCommit(ctx, turn, batch); err != nil {
				end()
				return err
			}
			if r.open != wasOpen {
				break // the next turn has another end
			}
		}
		end()
	}
}

// turn bounds polls by the end of the open transaction's interval, so that a
// source that falls silent still has its records committed.
func (r *exactlyOnceRunner) turn(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.mode != boundaryInterval || !r.open {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, r.due)
}

// pollAndCommit polls once, sends what came, and commits if that is due. As in
// pollAndSend a poll that ended with its context has not failed.
func (r *exactlyOnceRunner) pollAndCommit(ctx, turn context.Context, batch []connect.SourceRecord) ([]connect.SourceRecord, error) {
	batch, perr := r.poll(turn, batch)
	if len(batch) > 0 {
		if err := r.sendBatch(ctx, batch); err != nil {
			if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				// A retry was cut short, and so was the batch: the source may have
				// given all its records one position, so none of them may count.
				aerr := r.abort()
				r.positions.reset()
				r.told = nil
				return batch, aerr
			}
			return batch, err
		}
	}
	wait, again := connect.RetryAfter(perr)
	if perr != nil && turn.Err() == nil && !again {
		return batch, perr
	}
	if now := time.Now(); r.mode == boundaryPoll || r.mode == boundaryInterval && !now.Before(r.due) {
		r.due = now.Add(r.interval)
		if err := r.commitTransaction(); err != nil {
			return batch, err
		}
	}
	if again && turn.Err() == nil {
		r.log.Warn("poll failed; it is tried again", "error", perr)
		sleep(turn, max(wait, retryPoll))
	}
	return batch, nil
}

func (r *exactlyOnceRunner) sendBatch(ctx context.Context, batch []connect.SourceRecord) error {
	slab := make([]inflight, len(batch))
	arena := r.pipe.Arena(nil, len(batch))
	producer := r.producer.get()
	var kept []connect.SourceRecord
	if r.each != nil {
		kept = append(kept, batch...) // the task may look at them after the next Poll
	}
	for i := range batch {
		rec, f := &batch[i], &slab[i]
		var (
			keep bool
			err  error
		)
		if arena, keep, err = r.encode(ctx, rec, f, arena); err != nil {
			return err
		}
		if r.each != nil {
			f.source = &kept[i]
			r.told = append(r.told, f)
		}
		if !keep {
			f.Offset = -1
		} else {
			if rec.Topic == r.store.topic {
				// Its open transaction would hang the task's own reads of offsets.
				return connect.Failf("Source tasks may not produce to their own offsets topics when exactly-once support is enabled")
			}
			if err := r.begin(); err != nil {
				return err
			}
			producer.Produce(context.Background(), &f.Record, acknowledged)
			r.size++
			if rec.Source != nil && rec.Position != nil {
				r.positions.set(rec.Source, rec.Position)
			}
		}
		if r.mode == boundaryConnector && rec.Boundary != connect.NoBoundary {
			if err := r.atBoundary(rec.Boundary); err != nil {
				return err
			}
		}
	}
	return nil
}

// atBoundary ends the transaction where the connector wants that. The offsets of
// records that were aborted are committed, as in Java: an aborted record is one
// that the connector does not want, not one to be read again.
func (r *exactlyOnceRunner) atBoundary(b connect.Boundary) error {
	if b == connect.AbortAfter {
		if !r.open {
			r.log.Warn("Ignoring request by task to abort transaction as the current transaction is empty")
		} else if err := r.abort(); err != nil {
			return failedBy(err, "Failed to abort producer transaction")
		}
	}
	return r.commitTransaction()
}

// written is the promise of a record in a transaction. Whatever fails to be
// written fails the transaction; errors.tolerance has no say in that.
func (r *exactlyOnceRunner) written(f *inflight, err error) {
	switch {
	case r.lost.Load(), errors.Is(err, kgo.ErrAborting), errors.Is(err, kgo.ErrClientClosed):
	case err != nil:
		r.fail(r.flushFailed(err))
	default:
		r.metrics.Written(1)
		r.topics.used(f.Topic)
	}
}

func (r *exactlyOnceRunner) begin() error {
	if r.open {
		return nil
	}
	if err := r.producer.get().BeginTransaction(); err != nil {
		return failedBy(err, "Failed to begin producer transaction")
	}
	r.open = true
	return nil
}

// commitTransaction writes the offsets into the transaction and commits it. If
// there is nothing to write, the task is told of what was dropped all the same.
// It goes on when the task is told to stop, until the task is abandoned.
func (r *exactlyOnceRunner) commitTransaction() error {
	if err := r.awaitLetters(r.life); err != nil { // no part of the transaction, but of what its positions pass over
		return err
	}
	if !r.open && len(r.positions.list) == 0 {
		r.committed()
		return nil
	}
	began := time.Now()
	changes, err := r.writeTransaction()
	if err != nil {
		r.metrics.CommitFailed()
		return err
	}
	r.open = false
	r.metrics.Committed(time.Since(began))
	r.metrics.Transaction(r.size)
	r.size = 0
	r.positions.reset()
	r.store.Committed(r.life, changes)
	r.committed()
	return nil
}

func (r *exactlyOnceRunner) writeTransaction() ([]connect.PartitionOffset, error) {
	changes, err := offsets.Committable{Positions: r.positions.list}.Changes()
	if err != nil {
		return nil, err
	}
	records, err := r.store.Records(changes)
	if err != nil {
		return nil, err
	}
	if err := r.begin(); err != nil { // after an abort there are offsets, and no transaction
		return nil, err
	}
	producer := r.producer.get()
	for _, rec := range records {
		producer.Produce(context.Background(), rec, func(_ *kgo.Record, err error) {
			if err != nil && !errors.Is(err, kgo.ErrAborting) && !errors.Is(err, kgo.ErrClientClosed) {
				r.fail(r.flushFailed(err))
			}
		})
	}
	if err := producer.Flush(r.life); err != nil {
		return nil, r.flushFailed(err)
	}
	if err := r.failed(); err != nil {
		return nil, err
	}
	if err := producer.EndTransaction(r.life, kgo.TryCommit); err != nil {
		return nil, r.flushFailed(err)
	}
	return changes, nil
}

// flushFailed is Java's error of a transaction that could not be written.
func (r *exactlyOnceRunner) flushFailed(err error) error {
	if errors.Is(err, kerr.InvalidProducerEpoch) {
		return failedBy(err, "The task "+r.id.String()+" was unable to finish writing records to Kafka before its producer transaction expired. "+
			"It may be necessary to reconfigure this connector in order for it to run healthily with exactly-once support. "+
			"Options for this include: tune the connector's producer configuration for higher throughput, "+
			"increase the transaction timeout for the connector's producers, "+
			"decrease the offset commit interval (if using interval-based transaction boundaries), "+
			"or use the 'poll' transaction boundary (if the connector is not already configured to use it).")
	}
	return failedBy(err, "Failed to flush offsets and/or records for task "+r.id.String())
}

// positions are the last of each source partition. Tasks make handles of
// partitions once, but one may make them for every record.
type positions struct {
	list []offsets.Position
	at   map[string]int
	last *connect.SourcePartition
	n    int // where last is
}

func (p *positions) reset() {
	p.list, p.last = p.list[:0], nil
	if p.at == nil {
		p.at = map[string]int{}
	}
	clear(p.at)
}

func (p *positions) set(source *connect.SourcePartition, position any) {
	if source != p.last {
		n, ok := p.at[source.Key()]
		if !ok {
			n = len(p.list)
			p.at[source.Key()] = n
			p.list = append(p.list, offsets.Position{Source: source})
		}
		p.last, p.n = source, n
	}
	p.list[p.n].Position = position
}

// committed tells the task what has become of its records.
func (r *exactlyOnceRunner) committed() {
	for _, f := range r.told {
		r.commitRecord(f.source, connect.Metadata{TopicPartition: connect.TopicPartition{Topic: f.Topic, Partition: f.Partition}, Offset: f.Offset})
	}
	r.told = nil
	if r.commits != nil && !r.lost.Load() {
		if err := guarded("committing", func() error { return r.commits.Commit(r.life) }); err != nil {
			r.log.Error("the task failed to note a commit", "error", err)
		}
	}
}

// abort drops the records of the open transaction. Their positions stay, for who
// goes on to commit those.
func (r *exactlyOnceRunner) abort() error {
	if !r.open {
		return nil
	}
	limit, cancel := context.WithTimeout(r.life, r.w.settings.OffsetFlushTimeout)
	defer cancel()
	producer := r.producer.get()
	if err := producer.AbortBufferedRecords(limit); err != nil {
		return err
	}
	if err := producer.EndTransaction(limit, kgo.TryAbort); err != nil {
		return err
	}
	r.open, r.size = false, 0
	for _, f := range r.told {
		f.Offset = -1 // dropped
	}
	return nil
}

var _ runner = (*exactlyOnceRunner)(nil)
