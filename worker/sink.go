package worker

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
	"unsafe"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/pipeline"
	"github.com/millwright-connect/millwright/worker/state"
)

// A sinkRunner runs one sink task: fetch, convert, transform, put, commit.
//
// The task's methods are called under turn, by the loop and, between two of its
// turns, by the rebalance callbacks of the consumer: never two at a time.
type sinkRunner struct {
	*taskRunner
	plugin   connect.SinkPlugin
	consumer clientSlot
	topics   topicMemory
	most     int // max.poll.records
	unknown  unknownTopics

	discovery    sync.WaitGroup     // of new topics, where the client cannot do it
	endDiscovery context.CancelFunc // nil: it can

	turn chan struct{} // full while somebody has it; what follows is theirs
	task connect.SinkTask

	batch   []connect.SinkRecord // of which Put did not return yet with success
	retryAt time.Time            // when it is put again; zero: it has not been put
	owned   map[connect.TopicPartition]bool
	seen    map[connect.TopicPartition]int64 // next offset after what was converted
	done    map[connect.TopicPartition]int64 // where a flush that fails goes back to: committed, or where reading began
	seeks   map[connect.TopicPartition]int64 // still to be carried out
	placed  map[connect.TopicPartition]int64 // seeks of partitions that have given no record yet

	commitAt time.Time
	asked    bool // the task asked for a commit
	finished bool // the task is about to be closed: no more calls of it
}

func newSinkRunner(t *taskRunner, p connect.SinkPlugin) runner {
	return &sinkRunner{
		taskRunner: t, plugin: p, topics: topicMemory{w: t.w, id: t.id}, turn: make(chan struct{}, 1),
		owned: map[connect.TopicPartition]bool{}, seen: map[connect.TopicPartition]int64{}, done: map[connect.TopicPartition]int64{},
		seeks: map[connect.TopicPartition]int64{}, placed: map[connect.TopicPartition]int64{},
	}
}

// Run consumes until ctx ends or the task fails.
func (r *sinkRunner) Run(ctx context.Context, started func()) error {
	return r.lifecycle(ctx, started, r.open, r.loop, r.close)
}

// take waits for the turn. It returns false when the task is abandoned, which
// may have the turn for ever, or when ctx ends.
func (r *sinkRunner) take(ctx context.Context) bool {
	if r.lost.Load() {
		return false
	}
	select {
	case r.turn <- struct{}{}:
		return true
	case <-r.life.Done():
	case <-ctx.Done():
	}
	return false
}

func (r *sinkRunner) give() { <-r.turn }

// locked runs f in a turn; a task that was abandoned gets none.
func (r *sinkRunner) locked(f func() error) error {
	if !r.take(r.life) {
		return nil
	}
	defer r.give()
	return f()
}

func (r *sinkRunner) open(ctx context.Context) error {
	props, err := r.prepare(ctx)
	if err != nil {
		return err
	}
	consumer, err := r.consumerOpts()
	if err != nil {
		return constructed("consumer", err)
	}
	r.built = true
	if r.task, err = r.plugin.OpenTask(ctx, sinkHost{r}, props); err != nil {
		return err
	}
	// The consumer joins its group only now: a task that cannot start disturbs
	// nobody. Callbacks that come at once wait for the turn.
	return r.locked(func() error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return r.openConsumer(ctx, consumer)
	})
}

func (r *sinkRunner) loop(ctx context.Context) error {
	r.commitAt = time.Now().Add(r.w.settings.OffsetFlushInterval)
	for {
		again, err := r.awaitResumed(ctx)
		if !again || r.lost.Load() {
			return err
		}
		if err := r.step(ctx); err != nil {
			return err
		}
		r.dropDeleted(ctx)
	}
}

// awaitResumed waits while the task is paused. The consumer stays in its group
// and keeps its partitions; it just is not polled. As in Java what is due is
// committed first, and then the task gets an empty batch at every interval, so
// that what it buffers is written.
func (r *sinkRunner) awaitResumed(ctx context.Context) (bool, error) {
	if t, _ := r.targeted(); t == state.Started {
		return ctx.Err() == nil && r.failed() == nil, r.failed()
	}
	idle := func() error {
		return r.locked(func() error {
			if len(r.batch) == 0 {
				if err := r.deliver(ctx); err != nil {
					return err
				}
			}
			r.commit(ctx)
			return nil
		})
	}
	if err := r.locked(func() error { r.commit(ctx); return nil }); err != nil {
		return false, err
	}
	return r.awaitRunning(ctx, r.w.settings.OffsetFlushInterval, idle)
}

// step fetches and puts one batch, or waits until there is something to do.
func (r *sinkRunner) step(ctx context.Context) error {
	fetches := r.fetch(ctx)
	defer r.consumer.get().AllowRebalance()
	return r.locked(func() error {
		if err := r.failed(); err != nil {
			return err
		}
		if err := r.fetchErrors(fetches); err != nil {
			return err
		}
		if err := r.convert(ctx, fetches); err != nil {
			if ctx.Err() != nil { // a retry was cut short
				return nil //nolint:nilerr // nothing of it counts
			}
			return err
		}
		if ctx.Err() == nil && (len(r.batch) == 0 || !time.Now().Before(r.retryAt)) {
			if err := r.deliver(ctx); err != nil {
				return err
			}
		}
		r.applySeeks()
		if r.asked || !time.Now().Before(r.commitAt) {
			r.commit(ctx)
		}
		return nil
	})
}

// fetch returns what the consumer has, or waits for it, at most until a commit
// is due. While a batch is to be put again it waits without fetching.
func (r *sinkRunner) fetch(ctx context.Context) kgo.Fetches {
	held := false
	until := r.commitAt // written by this goroutine only
	_ = r.locked(func() error {
		r.applySeeks()
		held = len(r.batch) > 0
		if held && r.retryAt.Before(until) {
			until = r.retryAt
		}
		return nil
	})
	if !held {
		if f := r.consumer.get().PollRecords(nil, r.most); len(f) > 0 { //nolint:staticcheck // as documented: nil does not wait
			return f
		}
	}
	wait, end := context.WithDeadline(ctx, until)
	defer end()
	if !r.waits(end) {
		return nil
	}
	if held {
		<-wait.Done()
		return nil
	}
	return r.consumer.get().PollRecords(wait, r.most)
}

// convert turns fetched records into the batch, and notes how far it goes.
func (r *sinkRunner) convert(ctx context.Context, fetches kgo.Fetches) error {
	n := fetches.NumRecords()
	if n == 0 {
		return nil
	}
	r.metrics.Read(n)
	r.batch = slices.Grow(r.batch, n)
	var failed error
	fetches.EachPartition(func(ftp kgo.FetchTopicPartition) {
		if failed != nil || len(ftp.Records) == 0 {
			return
		}
		tp := connect.TopicPartition{Topic: ftp.Topic, Partition: ftp.Partition}
		if _, elsewhere := r.seeks[tp]; elsewhere || !r.owned[tp] {
			return // revoked since it was fetched, or about to be read from elsewhere
		}
		if _, known := r.done[tp]; !known {
			r.done[tp] = ftp.Records[0].Offset
		}
		delete(r.placed, tp)
		var next int64
		if next, failed = r.convertPartition(ctx, &tp, ftp.Records); next >= 0 {
			r.seen[tp] = next
		}
	})
	return failed
}

// convertPartition returns the offset after the last record that was converted
// or dropped, or -1.
func (r *sinkRunner) convertPartition(ctx context.Context, tp *connect.TopicPartition, records []*kgo.Record) (next int64, err error) {
	next = -1
	var raw pipeline.Raw // of all of them in turn: the pipeline keeps none, and one of each would be garbage
	for _, rec := range records {
		raw = pipeline.Raw{
			Topic: tp.Topic, Partition: tp.Partition, Offset: rec.Offset, Timestamp: rec.Timestamp.UnixMilli(),
			TimestampType: rec.Attrs.TimestampType(), Key: rec.Key, Value: rec.Value, Headers: rawHeaders(rec.Headers),
		}
		r.batch = append(r.batch, connect.SinkRecord{Original: tp})
		last := &r.batch[len(r.batch)-1]
		keep, err := r.pipe.In(ctx, &raw, last)
		if last.Topic != "" { // as in Java, what cannot be decoded uses no topic
			r.topics.used(tp.Topic)
		}
		if !keep || err != nil {
			r.batch = r.batch[:len(r.batch)-1]
		}
		if err != nil {
			return next, err
		}
		next = rec.Offset + 1
	}
	return next, nil
}

// rawHeaders looks at the same headers as the pipeline does: the two types have
// the same fields in the same order, which the conversion below holds them to.
func rawHeaders(h []kgo.RecordHeader) []pipeline.RawHeader {
	if len(h) == 0 {
		return nil
	}
	return unsafe.Slice((*pipeline.RawHeader)(unsafe.Pointer(unsafe.SliceData(h))), len(h))
}

var _ = kgo.RecordHeader(pipeline.RawHeader{})

// deliver puts the batch. If the task asks for it again later, it stays; what
// rebalances take away until then leaves it.
func (r *sinkRunner) deliver(ctx context.Context) error {
	began := time.Now()
	err := guarded("putting records", func() error { return r.task.Put(ctx, r.batch) })
	if err == nil {
		if n := len(r.batch); n > 0 {
			r.metrics.Sent(n, time.Since(began))
		}
		clear(r.batch)
		r.batch, r.retryAt = r.batch[:0], time.Time{}
		r.pipe.Taken()
		return nil
	}
	wait, again := connect.RetryAfter(err)
	switch {
	case again:
		r.metrics.Retried()
		r.log.Warn("put failed; the batch is tried again", "error", err, "records", len(r.batch))
		r.retryAt = time.Now().Add(cmp.Or(wait, time.Second))
		return nil
	case ctx.Err() != nil:
		return nil //nolint:nilerr // told to stop in the middle of it: not committed, so it comes again
	}
	return failedBy(err, "Exiting WorkerSinkTask due to unrecoverable exception.")
}

// Abandon cuts a task off that did not stop in time: its consumer leaves the
// group, so that it can commit nothing and others get its partitions.
func (r *sinkRunner) Abandon() {
	r.cut()
	go r.consumer.close()
}

func (r *sinkRunner) close() error {
	if r.endDiscovery != nil {
		r.endDiscovery()
		r.discovery.Wait()
	}
	r.finish()
	// The consumer stays in its group until the task has closed, as Java's does:
	// who changes the group's offsets meanwhile is refused.
	var err error
	if r.task != nil {
		err = guarded("stopping the task", r.task.Close)
	}
	r.consumer.close()
	r.closePipeline()
	return err
}

// finish commits what the task has taken, and takes its partitions away. After
// it the consumer's callbacks find nothing to do.
func (r *sinkRunner) finish() {
	_ = r.locked(func() error {
		parts := slices.SortedFunc(maps.Keys(r.owned), cmpTP)
		if err := r.releaseParts(parts, r.task != nil); err != nil {
			r.log.Warn("the task failed to close its partitions", "error", err)
		}
		r.finished = true
		return nil
	})
}

func cmpTP(a, b connect.TopicPartition) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
}

// sinkHost is the worker as a sink task sees it.
type sinkHost struct{ r *sinkRunner }

func (h sinkHost) Name() string      { return h.r.id.Connector }
func (h sinkHost) Log() *slog.Logger { return h.r.log }

func (h sinkHost) Gauge(name string, tags map[string]string, read func() float64) error {
	return h.r.metrics.Gauge(name, tags, read)
}

func (h sinkHost) Assignment() []connect.TopicPartition {
	return slices.SortedFunc(maps.Keys(h.r.owned), cmpTP)
}
func (h sinkHost) Seek(p connect.TopicPartition, offset int64) { h.r.seeks[p] = offset }
func (h sinkHost) RequestCommit()                              { h.r.asked = true }

func (h sinkHost) Pause(p ...connect.TopicPartition) {
	if cl := h.r.consumer.get(); cl != nil && len(p) > 0 {
		cl.PauseFetchPartitions(unflatten(p))
	}
}

func (h sinkHost) Resume(p ...connect.TopicPartition) {
	if cl := h.r.consumer.get(); cl != nil && len(p) > 0 {
		cl.ResumeFetchPartitions(unflatten(p))
	}
}

func (h sinkHost) Reject(rec *connect.SinkRecord, cause error) error {
	return h.r.pipe.Reject(rec, cause)
}

var _ runner = (*sinkRunner)(nil)
