package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
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

	producer clientSlot
	promise  func(f *inflight, err error)
	topics   topicMemory
	admin    *kafka.Cluster // nil: the connector makes no topics
	telling  sync.Mutex     // of each: acknowledgements and drops come from two goroutines
}

// inflight is a record on its way to Kafka. The record comes first, so that the
// pointer that the producer's promise gets is one to the whole: a closure per
// record would cost an allocation each.
type inflight struct {
	kgo.Record
	run    *sourceRunner
	slab   *slab // nil in transactions, which look at records once more
	handle offsets.Handle
	source *connect.SourceRecord // kept for RecordCommitter only
}

func acknowledged(rec *kgo.Record, err error) {
	f := (*inflight)(unsafe.Pointer(rec))
	f.run.promise(f, err)
}

func newSourceRunner(t *taskRunner, p connect.SourcePlugin) runner {
	r := &sourceRunner{taskRunner: t, plugin: p, tracker: offsets.NewTracker()}
	r.promise = r.acknowledge
	r.topics = topicMemory{w: t.w, id: t.id}
	if !t.w.settings.ExactlyOnceEnabled() {
		return r
	}
	r.exactly = true
	e := &exactlyOnceRunner{sourceRunner: r}
	r.promise = e.written
	return e
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
		return constructed("producer", err)
	}
	if r.store, err = r.w.offsetsOf(ctx, r.id.Connector, kafka.TaskName(r.id.Connector, r.id.Task), r.conn); err != nil {
		return err
	}
	if err := r.openTopicCreation(); err != nil {
		return err
	}
	r.built = true
	r.task, err = r.plugin.OpenTask(ctx, sourceHost{r}, props)
	if err != nil {
		return err
	}
	r.commits, _ = r.task.(connect.Committer)
	r.each, _ = r.task.(connect.RecordCommitter)
	return nil
}

func (r *sourceRunner) loop(ctx context.Context) error {
	ticks, cancel := context.WithCancel(ctx)
	var commits sync.WaitGroup
	commits.Go(func() { r.commitLoop(ticks) })
	err := r.pollLoop(ctx)
	cancel()
	commits.Wait()
	// As Java: what was sent gets the flush time-out to be acknowledged, and the
	// last commit is tried even when the task has failed.
	flush, cancel := context.WithTimeout(r.life, r.w.settings.OffsetFlushTimeout)
	defer cancel()
	if r.producer.get().Flush(flush) != nil && !r.lost.Load() {
		r.log.Warn("some records were not acknowledged in time; they will be sent again", "records", r.tracker.InFlight())
	}
	last, cancel := context.WithTimeout(r.life, r.w.settings.OffsetFlushTimeout)
	defer cancel()
	if cerr := r.commit(last); cerr != nil && !r.lost.Load() {
		r.log.Error("last offset commit failed; records since the one before will be sent again", "error", cerr)
	}
	return err
}

func (r *sourceRunner) pollLoop(ctx context.Context) error {
	var batch []connect.SourceRecord
	for {
		if again, err := r.awaitRunning(ctx, 0, nil); !again {
			return err
		}
		// A pause and a failure end the poll that is under way, as a stop does.
		turn, end := context.WithCancel(ctx)
		for r.waits(end) && turn.Err() == nil {
			var err error
			if batch, err = r.pollAndSend(ctx, turn, batch); err != nil {
				end()
				return err
			}
		}
		end()
	}
}

// pollAndSend polls once and sends what came. A poll that ended because its
// context did has not failed, and what it returned all the same is sent: the
// task will not give it again.
func (r *sourceRunner) pollAndSend(ctx, turn context.Context, batch []connect.SourceRecord) ([]connect.SourceRecord, error) {
	batch, perr := r.poll(turn, batch)
	if len(batch) > 0 {
		if err := r.send(ctx, batch); err != nil {
			if ctx.Err() != nil {
				return batch, nil //nolint:nilerr // only a retry that was cut short
			}
			return batch, err
		}
	}
	switch wait, again := connect.RetryAfter(perr); {
	case perr == nil, turn.Err() != nil:
		return batch, nil //nolint:nilerr // see above
	case again:
		r.log.Warn("poll failed; it is tried again", "error", perr)
		sleep(turn, max(wait, retryPoll))
		return batch, nil
	}
	return batch, perr
}

// retryPoll is the least time between a poll that failed and the next.
const retryPoll = 100 * time.Millisecond

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
// full, which is the back-pressure that the source feels. ctx ends retries of
// transforms and converters only: a task that is told to stop still has what it
// polled sent and acknowledged. Abandon closes the producer instead.
func (r *sourceRunner) send(ctx context.Context, batch []connect.SourceRecord) error {
	slab := newSlab(len(batch), r.pipe)
	defer slab.landed()
	arena := slab.arena
	producer := r.producer.get()
	var kept []connect.SourceRecord
	if r.each != nil {
		kept = append(kept, batch...) // the task may look at them after the next Poll
	}
	for i := range batch {
		rec, f := &batch[i], &slab.records[i]
		if kept != nil {
			f.source = &kept[i]
		}
		var (
			keep bool
			err  error
		)
		if arena, keep, err = r.encode(ctx, rec, f, arena); err != nil {
			return err
		}
		if !keep {
			if r.each != nil && r.awaitLetters(ctx) != nil {
				continue // not told: its dead letter may be lost, and the source gives it again
			}
			r.commitRecord(f.source, connect.Metadata{Offset: -1})
			continue
		}
		slab.arena = arena // a bigger piece, it may be
		slab.left.Add(1)
		f.slab, f.handle = slab, r.tracker.Submit(rec.Source, rec.Position)
		producer.Produce(context.Background(), &f.Record, acknowledged)
	}
	return nil
}

// encode makes of a record what the producer takes. A false keep drops it.
func (r *sourceRunner) encode(ctx context.Context, rec *connect.SourceRecord, f *inflight, arena []byte) (_ []byte, keep bool, err error) {
	arena, out, keep, err := r.pipe.Out(ctx, rec, arena)
	if err != nil {
		return arena, false, err
	}
	if !keep {
		r.metrics.Filtered(1)
		return arena, false, nil
	}
	switch {
	case rec.Timestamp >= 0:
		f.Timestamp = time.UnixMilli(rec.Timestamp)
	case rec.Timestamp != connect.NoTimestamp && rec.Timestamp != -1: // Kafka's own word for none
		return arena, false, connect.Errorf("org.apache.kafka.common.InvalidRecordException", "Invalid record timestamp %d", rec.Timestamp)
	}
	if rec.Partition < -1 {
		return arena, false, connect.Errorf("java.lang.IllegalArgumentException",
			"Invalid partition: %d. Partition number should always be non-negative or null.", rec.Partition)
	}
	if err := r.topics.ensure(ctx, rec.Topic); err != nil {
		return arena, false, err
	}
	f.run = r
	f.Topic, f.Partition = rec.Topic, rec.Partition
	f.Key, f.Value, f.Headers = out.Key, out.Value, kafkaHeaders(out.Headers)
	return arena, true, nil
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
	defer f.slab.landed()
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
			r.fail(failedBy(terr, "Unrecoverable exception from producer send callback"))
		}
	}
}

func (r *sourceRunner) commitRecord(rec *connect.SourceRecord, m connect.Metadata) {
	if r.each == nil {
		return
	}
	r.telling.Lock()
	defer r.telling.Unlock()
	if err := guarded("committing a record", func() error { return r.each.CommitRecord(rec, m) }); err != nil {
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
	// The positions pass over records that were dropped: their letters come first.
	if err := r.awaitLetters(ctx); err != nil {
		r.metrics.CommitFailed()
		return err
	}
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
	if r.commits == nil || r.lost.Load() || r.tracker.Closed() {
		return nil
	}
	return guarded("committing", func() error { return r.commits.Commit(ctx) })
}

// awaitLetters waits for the dead letters of what was polled so far. One that
// could not be written fails the task, and no position is committed any more:
// started again it gets the record again.
func (r *sourceRunner) awaitLetters(ctx context.Context) error {
	err := r.pipe.Await(ctx)
	if err != nil && ctx.Err() == nil {
		r.tracker.Close()
		r.fail(failedBy(err, "A record could not be written to the dead letter queue"))
	}
	return err
}

// Abandon cuts a task off that did not stop in time: the tracker and the
// producer are closed, and a commit under way is called off, so that it can
// neither produce nor commit nor report.
func (r *sourceRunner) Abandon() {
	r.cut()
	r.tracker.Close()
	go r.producer.close()
}

func (r *sourceRunner) close() error {
	var err error
	if r.task != nil {
		err = guarded("stopping the task", r.task.Close)
	}
	r.tracker.Close()
	r.producer.close()
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
func (h sourceHost) Gauge(name string, tags map[string]string, read func() float64) error {
	return h.r.metrics.Gauge(name, tags, read)
}

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
