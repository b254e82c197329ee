package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/offsets"
	"github.com/millwright-connect/millwright/worker/kafka"
	"github.com/millwright-connect/millwright/worker/pipeline"
)

// A sourceRunner runs one source task: poll, transform, convert, produce, and
// commit the source offsets of what Kafka has acknowledged.
//
// Two goroutines share the tracker: the poll loop, which is Run's own, and the
// commit loop. Kafka's acknowledgements arrive on the producer's.
type sourceRunner struct {
	*taskRunner
	plugin  connect.SourcePlugin
	exactly bool // with exactly-once support
	store   *connectorOffsets
	tracker *offsets.Tracker
	pending offsets.Committable // could not be written yet; of whoever commits

	task    connect.SourceTask
	commits connect.Committer       // nil: the task does not ask
	each    connect.RecordCommitter // nil: the task does not ask

	producer atomic.Pointer[kgo.Client]
	failed   chan error // the first failure of a send, one slot
	topics   topicMemory
	admin    *kafka.Cluster // nil: the connector makes no topics
	lost     atomic.Bool    // abandoned: nothing counts any more
}

// inflight is a record on its way to Kafka. The record comes first, so that the
// pointer that the producer's promise gets is one to the whole: a closure per
// record would cost an allocation each.
type inflight struct {
	kgo.Record
	run    *sourceRunner
	handle offsets.Handle
	source *connect.SourceRecord // kept for RecordCommitter only
}

func acknowledged(rec *kgo.Record, err error) {
	f := (*inflight)(unsafe.Pointer(rec))
	f.run.acknowledge(f, err)
}

func newSourceRunner(t *taskRunner, p connect.SourcePlugin) runner {
	r := &sourceRunner{taskRunner: t, plugin: p, tracker: offsets.NewTracker(), failed: make(chan error, 1)}
	r.topics = topicMemory{w: t.w, id: t.id}
	if !t.w.settings.ExactlyOnceEnabled() {
		return r
	}
	r.exactly = true
	return &exactlyOnceRunner{sourceRunner: r}
}

// Run polls until ctx ends or the task fails.
func (r *sourceRunner) Run(ctx context.Context, started func()) error {
	return r.lifecycle(ctx, started, r.open, r.loop, r.close)
}

func (r *sourceRunner) open(ctx context.Context) error {
	props, err := r.prepare(ctx)
	if err != nil {
		return err
	}
	if err := r.openProducer(ctx); err != nil {
		return err
	}
	if r.store, err = r.w.offsetsOf(ctx, r.id.Connector, kafka.TaskName(r.id.Connector, r.id.Task), r.conn); err != nil {
		return err
	}
	if err := r.openTopicCreation(); err != nil {
		return err
	}
	r.task, err = r.plugin.OpenTask(ctx, sourceHost{r}, props)
	if err != nil {
		return err
	}
	r.commits, _ = r.task.(connect.Committer)
	r.each, _ = r.task.(connect.RecordCommitter)
	return nil
}

func (r *sourceRunner) loop(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var commits sync.WaitGroup
	commits.Go(func() { r.commitLoop(ctx) })
	err := r.pollLoop(ctx)
	cancel()
	commits.Wait()
	if r.lost.Load() {
		return nil
	}
	// As Java: what was sent gets the flush time-out to be acknowledged, and the
	// last commit is tried even when the task has failed.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.w.settings.OffsetFlushTimeout)
	defer cancel()
	if err := r.tracker.Drained(last); err != nil {
		r.log.Warn("some records were not acknowledged in time; they will be sent again", "records", r.tracker.InFlight())
	}
	if cerr := r.commit(last); cerr != nil {
		r.log.Error("last offset commit failed; records since the one before will be sent again", "error", cerr)
	}
	return err
}

func (r *sourceRunner) pollLoop(ctx context.Context) error {
	var (
		batch []connect.SourceRecord
		err   error
	)
	for {
		if !r.awaitRunning(ctx) {
			return nil
		}
		select {
		case err := <-r.failed:
			return err
		default:
		}
		batch, err = r.poll(ctx, batch)
		if err != nil || ctx.Err() != nil {
			if ctx.Err() != nil {
				// What the last poll has returned beside its error is not lost: it was
				// not tracked, so the source gives it again.
				return nil
			}
			if wait, again := connect.RetryAfter(err); again {
				r.log.Warn("poll failed; it is tried again", "error", err)
				if !sleep(ctx, max(wait, 100*time.Millisecond)) {
					return nil
				}
				continue
			}
			return err
		}
		if len(batch) == 0 {
			continue
		}
		if err := r.send(ctx, batch); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
}

func (r *sourceRunner) poll(ctx context.Context, batch []connect.SourceRecord) (_ []connect.SourceRecord, err error) {
	defer recovered(&err, "polling")
	began := time.Now()
	batch, err = r.task.Poll(ctx, batch[:0])
	if n := len(batch); n > 0 {
		r.metrics.Polled(n, time.Since(began))
	}
	return batch, err
}

// send encodes and produces one batch. Blocks while the producer's buffer is
// full, which is the back-pressure that the source feels.
func (r *sourceRunner) send(ctx context.Context, batch []connect.SourceRecord) error {
	slab := make([]inflight, len(batch))
	arena := r.pipe.Arena(len(batch))
	producer := r.producer.Load()
	var kept []connect.SourceRecord
	if r.each != nil {
		kept = append(kept, batch...) // the task may look at them after the next Poll
	}
	for i := range batch {
		rec, f := &batch[i], &slab[i]
		if kept != nil {
			f.source = &kept[i]
		}
		var (
			out  pipeline.Encoded
			keep bool
			err  error
		)
		arena, out, keep, err = r.pipe.Out(ctx, rec, arena)
		if err != nil {
			return err
		}
		if !keep {
			r.metrics.Filtered(1)
			r.commitRecord(f.source, connect.Metadata{Offset: -1})
			continue
		}
		if err := r.topics.ensure(ctx, rec.Topic); err != nil {
			return err
		}
		f.run = r
		f.handle = r.tracker.Submit(rec.Source, rec.Position)
		f.Topic, f.Key, f.Value, f.Headers = rec.Topic, out.Key, out.Value, kafkaHeaders(out.Headers)
		f.Partition = rec.Partition
		if rec.Timestamp >= 0 {
			f.Timestamp = time.UnixMilli(rec.Timestamp)
		}
		// Not the run's context: a task that is told to stop still has what it
		// polled sent and acknowledged. Abandon closes the producer instead.
		producer.Produce(context.Background(), &f.Record, acknowledged)
	}
	return nil
}

// kafkaHeaders looks at the pipeline's headers as the client's: see rawHeaders.
func kafkaHeaders(h []pipeline.RawHeader) []kgo.RecordHeader {
	if len(h) == 0 {
		return nil
	}
	return unsafe.Slice((*kgo.RecordHeader)(unsafe.Pointer(unsafe.SliceData(h))), len(h))
}

// acknowledge is called by the producer for every record, in order per
// partition.
func (r *sourceRunner) acknowledge(f *inflight, err error) {
	if r.lost.Load() {
		return
	}
	switch {
	case err == nil:
		r.metrics.Written(1)
		r.topics.used(f.Topic)
		r.tracker.Ack(f.handle)
		r.commitRecord(f.source, connect.Metadata{TopicPartition: connect.TopicPartition{Topic: f.Topic, Partition: f.Partition}, Offset: f.Offset})
	case errors.Is(err, kgo.ErrClientClosed):
		// The task has stopped: not acknowledged, so its offset stays.
	default:
		if terr := r.pipe.SendFailed(f.Topic, err); terr == nil {
			r.tracker.Ack(f.handle) // dropped, and the user wants it so
			r.commitRecord(f.source, connect.Metadata{Offset: -1})
			return
		} else {
			r.fail(connect.Failf("Unrecoverable exception from producer send callback: %w", terr))
		}
	}
}

func (r *sourceRunner) fail(err error) {
	select {
	case r.failed <- err:
	default:
	}
	r.wake()
}

func (r *sourceRunner) commitRecord(rec *connect.SourceRecord, m connect.Metadata) {
	if r.each == nil {
		return
	}
	var err error
	func() {
		defer recovered(&err, "committing a record")
		err = r.each.CommitRecord(rec, m)
	}()
	if err != nil {
		r.log.Error("the task failed to note an acknowledged record", "error", err)
	}
}

// commitLoop commits offsets every offset.flush.interval.ms.
func (r *sourceRunner) commitLoop(ctx context.Context) {
	tick := time.NewTicker(r.w.settings.OffsetFlushInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		limit, cancel := context.WithTimeout(ctx, r.w.settings.OffsetFlushTimeout)
		if err := r.commit(limit); err != nil && ctx.Err() == nil {
			r.log.Error("offset commit failed; it is tried again at the next interval", "error", err)
		}
		cancel()
	}
}

// commit writes the positions of the longest acknowledged prefix of every
// source partition. A failed write is made up for by the next.
func (r *sourceRunner) commit(ctx context.Context) error {
	began := time.Now()
	r.pending = r.pending.Then(r.tracker.Committable())
	if len(r.pending.Positions) > 0 {
		changes, err := r.pending.Changes()
		if err == nil && !r.tracker.Closed() {
			err = r.store.Set(ctx, changes)
		}
		if err != nil {
			r.metrics.CommitFailed()
			return err
		}
	}
	r.pending = offsets.Committable{}
	r.metrics.Committed(time.Since(began))
	if r.commits == nil || r.lost.Load() {
		return nil
	}
	var err error
	func() {
		defer recovered(&err, "committing")
		err = r.commits.Commit(ctx)
	}()
	return err
}

// Abandon cuts a task off that did not stop in time: the tracker and the
// producer are closed first, so that it can neither produce nor commit nor
// report.
func (r *sourceRunner) Abandon() {
	r.lost.Store(true)
	r.report.silence()
	r.tracker.Close()
	if p := r.producer.Load(); p != nil {
		go p.Close()
	}
}

func (r *sourceRunner) close() error {
	var err error
	if r.task != nil {
		func() {
			defer recovered(&err, "stopping the task")
			err = r.task.Close()
		}()
	}
	r.tracker.Close()
	if p := r.producer.Load(); p != nil {
		p.Close()
	}
	if r.store != nil {
		r.store.close()
	}
	if r.admin != nil {
		r.admin.Close()
	}
	r.closePipeline()
	return err
}

// sourceHost is the worker as a source task sees it.
type sourceHost struct{ r *sourceRunner }

func (h sourceHost) Name() string      { return h.r.id.Connector }
func (h sourceHost) Log() *slog.Logger { return h.r.log }
func (h sourceHost) Offset(_ context.Context, p *connect.SourcePartition) (connect.Object, error) {
	return h.r.store.Offset(p.Fields)
}

// sleep waits, and reports false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

var _ runner = (*sourceRunner)(nil)
