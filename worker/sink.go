package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
	"unsafe"

	"github.com/twmb/franz-go/pkg/kerr"
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
	plugin connect.SinkPlugin

	turn     sync.Mutex
	task     connect.SinkTask
	cl       *kgo.Client
	held     []connect.SinkRecord // of a put that is to be tried again
	batch    []connect.SinkRecord
	seen     map[connect.TopicPartition]int64 // next offset after what was handed to the task
	done     map[connect.TopicPartition]int64 // committed
	owned    map[connect.TopicPartition]bool
	most     int // max.poll.records
	seeks    map[connect.TopicPartition]int64
	commitAt time.Time
	asked    bool // the task asked for a commit
	failure  error
	commits  int64
	lost     bool // abandoned
	topics   topicMemory
}

func newSinkRunner(t *taskRunner, p connect.SinkPlugin) runner {
	r := &sinkRunner{taskRunner: t, plugin: p}
	r.topics = topicMemory{w: t.w, id: t.id}
	return r
}

// Run consumes until ctx ends or the task fails.
func (r *sinkRunner) Run(ctx context.Context, started func()) error {
	return r.lifecycle(ctx, started, r.open, r.loop, r.close)
}

func (r *sinkRunner) open(ctx context.Context) error {
	r.seen, r.done = map[connect.TopicPartition]int64{}, map[connect.TopicPartition]int64{}
	r.owned, r.seeks = map[connect.TopicPartition]bool{}, map[connect.TopicPartition]int64{}
	props, err := r.prepare(ctx)
	if err != nil {
		return err
	}
	// The consumer joins its group at once; partitions that come before the task
	// is open wait for turn.
	r.turn.Lock()
	defer r.turn.Unlock()
	if err := r.openConsumer(ctx); err != nil {
		return err
	}
	r.task, err = r.plugin.OpenTask(ctx, sinkHost{r}, props)
	return err
}

func (r *sinkRunner) loop(ctx context.Context) error {
	r.commitAt = time.Now().Add(r.w.settings.OffsetFlushInterval)
	for {
		if t, _ := r.targeted(); t != state.Started {
			// The consumer stays in its group and keeps its partitions; it just is
			// not polled. What is due is committed first.
			if err := r.locked(func() error { r.commit(ctx); return r.failure }); err != nil {
				return err
			}
			if !r.awaitRunning(ctx) {
				return r.stopLoop()
			}
		}
		if ctx.Err() != nil {
			return r.stopLoop()
		}
		if err := r.step(ctx); err != nil {
			return err
		}
	}
}

// stopLoop commits what was put before the task is closed.
func (r *sinkRunner) stopLoop() error {
	return r.locked(func() error {
		last, cancel := context.WithTimeout(context.Background(), r.w.settings.OffsetFlushTimeout)
		defer cancel()
		r.commit(last)
		return nil
	})
}

func (r *sinkRunner) locked(f func() error) error {
	r.turn.Lock()
	defer r.turn.Unlock()
	return f()
}

// step fetches and puts one batch, or waits until a commit is due.
func (r *sinkRunner) step(ctx context.Context) error {
	until := time.Until(r.commitAt)
	if until <= 0 {
		until = 0
	}
	wait, cancel := context.WithTimeout(ctx, until)
	r.mu.Lock()
	r.poke = cancel
	r.mu.Unlock()
	defer cancel()
	fetches := r.cl.PollRecords(wait, r.maxPoll())
	defer r.cl.AllowRebalance()

	r.turn.Lock()
	defer r.turn.Unlock()
	if r.failure != nil {
		return r.failure
	}
	if err := r.fetchErrors(fetches); err != nil {
		return err
	}
	if err := r.convert(ctx, fetches); err != nil {
		return err
	}
	if len(r.batch) > 0 || fetches.NumRecords() == 0 {
		if err := r.deliver(ctx); err != nil {
			return err
		}
	}
	r.applySeeks()
	if r.asked || !time.Now().Before(r.commitAt) {
		r.commit(ctx)
	}
	return r.failure
}

// fetchErrors picks what the user has to know out of what the client retries
// by itself.
func (r *sinkRunner) fetchErrors(fetches kgo.Fetches) error {
	var failed error
	fetches.EachError(func(topic string, p int32, err error) {
		switch {
		case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, kgo.ErrClientClosed):
		case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.GroupAuthorizationFailed), errors.Is(err, kerr.SaslAuthenticationFailed):
			failed = connect.Failf("the consumer may not read topic %s: %w", topic, err)
		default:
			r.log.Warn("fetch failed; it is tried again", "topic", topic, "partition", p, "error", err)
		}
	})
	return failed
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
		if !r.owned[tp] {
			return // revoked since it was fetched
		}
		original := &connect.TopicPartition{Topic: tp.Topic, Partition: tp.Partition}
		r.topics.used(tp.Topic)
		for _, rec := range ftp.Records {
			raw := pipeline.Raw{Topic: tp.Topic, Partition: tp.Partition, Offset: rec.Offset, Timestamp: rec.Timestamp.UnixMilli(),
				TimestampType: rec.Attrs.TimestampType(), Key: rec.Key, Value: rec.Value, Headers: rawHeaders(rec.Headers)}
			r.batch = append(r.batch, connect.SinkRecord{Original: original})
			keep, err := r.pipe.In(ctx, &raw, &r.batch[len(r.batch)-1])
			if err != nil {
				failed = err
				return
			}
			if !keep {
				r.batch = r.batch[:len(r.batch)-1]
			}
			r.seen[tp] = rec.Offset + 1
		}
	})
	return failed
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

// deliver puts the batch, again and again while the task asks for that. Between
// tries rebalances may happen; what they take away leaves the batch.
func (r *sinkRunner) deliver(ctx context.Context) error {
	for {
		began := time.Now()
		err := guarded("putting records", func() error { return r.task.Put(ctx, r.batch) })
		if err == nil {
			if n := len(r.batch); n > 0 {
				r.metrics.Sent(n, time.Since(began))
			}
			clear(r.batch)
			r.batch = r.batch[:0]
			r.pipe.Taken()
			return nil
		}
		wait, again := connect.RetryAfter(err)
		if !again {
			if ctx.Err() != nil {
				r.forgetBatch() // told to stop in the middle of it: not committed, so it comes again
				return nil
			}
			return connect.Failf("Exiting WorkerSinkTask due to unrecoverable exception.: %w", err)
		}
		r.metrics.Retried()
		r.log.Warn("put failed; the batch is tried again", "error", err, "records", len(r.batch))
		r.turn.Unlock()
		r.cl.AllowRebalance()
		ok := sleep(ctx, cmp.Or(wait, time.Second))
		r.turn.Lock()
		if !ok {
			// The batch was not taken: its offsets must not be committed.
			r.forgetBatch()
			return nil
		}
		if r.failure != nil {
			return r.failure
		}
		r.batch = slices.DeleteFunc(r.batch, func(s connect.SinkRecord) bool { return !r.owned[*s.Original] })
	}
}

// forgetBatch takes back that the batch was seen.
func (r *sinkRunner) forgetBatch() {
	for i := range r.batch {
		tp := *r.batch[i].Original
		if at, ok := r.seen[tp]; ok && r.batch[i].Offset < at {
			r.seen[tp] = r.batch[i].Offset
		}
	}
	r.batch = r.batch[:0]
}

// commit flushes the task and commits what it says may be committed. A failure
// rewinds nothing: it is tried again at the next interval, as offsets only grow.
func (r *sinkRunner) commit(ctx context.Context) {
	r.asked = false
	r.commitAt = time.Now().Add(r.w.settings.OffsetFlushInterval)
	if len(r.seen) == 0 || r.lost {
		return
	}
	upTo := maps.Clone(r.seen)
	r.uncount(upTo)
	r.commitPartitions(ctx, upTo, true)
}

// commitPartitions commits the offsets of some partitions as far as the task
// allows.
func (r *sinkRunner) commitPartitions(ctx context.Context, upTo map[connect.TopicPartition]int64, rewind bool) {
	began := time.Now()
	allowed, err := r.preCommit(ctx, maps.Clone(upTo))
	if err == nil {
		// A rejected record's offset is committed only once its report is safe.
		err = r.pipe.Await(ctx)
	}
	if err != nil {
		r.metrics.CommitFailed()
		if !rewind {
			r.log.Error("the task could not flush before its partitions were taken away; their last records will be read again", "error", err)
			return
		}
		r.log.Error("the task could not flush; going back to the last committed offsets", "error", err)
		r.rewind()
		return
	}
	commit := map[string]map[int32]kgo.EpochOffset{}
	for tp, at := range allowed {
		most, ok := upTo[tp]
		switch {
		case !ok || !r.owned[tp]:
			r.log.Warn("the task wants to commit a partition that it does not have; ignored", "topic", tp.Topic, "partition", tp.Partition)
			continue
		case at > most:
			r.log.Warn("the task wants to commit beyond what it was given; ignored", "topic", tp.Topic, "partition", tp.Partition, "offset", at)
			continue
		case r.done[tp] == at:
			continue
		}
		if commit[tp.Topic] == nil {
			commit[tp.Topic] = map[int32]kgo.EpochOffset{}
		}
		commit[tp.Topic][tp.Partition] = kgo.EpochOffset{Epoch: -1, Offset: at}
	}
	if len(commit) == 0 {
		r.metrics.CommitSkipped()
		return
	}
	r.commits++
	if err := r.commitOffsets(ctx, commit); err != nil {
		r.metrics.CommitFailed()
		r.log.Error("offset commit failed; it is tried again at the next interval", "error", err)
		return
	}
	for topic, parts := range commit {
		for p, eo := range parts {
			r.done[connect.TopicPartition{Topic: topic, Partition: p}] = eo.Offset
		}
	}
	r.metrics.Committed(time.Since(began))
}

func (r *sinkRunner) preCommit(ctx context.Context, upTo map[connect.TopicPartition]int64) (allowed map[connect.TopicPartition]int64, err error) {
	defer recovered(&err, "flushing")
	if t, ok := r.task.(connect.PreCommitter); ok {
		return t.PreCommit(ctx, upTo)
	}
	if t, ok := r.task.(connect.Flusher); ok {
		return upTo, t.Flush(ctx, upTo)
	}
	return upTo, nil
}

// rewind goes back to the last committed offsets after a flush that failed: the
// task may have lost what it was given.
func (r *sinkRunner) rewind() {
	for tp := range r.seen {
		if at, ok := r.done[tp]; ok {
			r.seeks[tp] = at
		}
	}
	r.applySeeks()
}

func (r *sinkRunner) applySeeks() {
	if len(r.seeks) == 0 {
		return
	}
	set := map[string]map[int32]kgo.EpochOffset{}
	for tp, at := range r.seeks {
		if !r.owned[tp] {
			continue
		}
		if set[tp.Topic] == nil {
			set[tp.Topic] = map[int32]kgo.EpochOffset{}
		}
		set[tp.Topic][tp.Partition] = kgo.EpochOffset{Epoch: -1, Offset: at}
		r.seen[tp] = at
	}
	clear(r.seeks)
	r.cl.SetOffsets(set)
}

func (r *sinkRunner) commitOffsets(ctx context.Context, commit map[string]map[int32]kgo.EpochOffset) error {
	var failed error
	r.cl.CommitOffsetsSync(ctx, commit, commitResult(&failed))
	return failed
}

// assigned and revoked are the consumer's callbacks; they run while the loop
// is between two turns.
func (r *sinkRunner) assigned(ctx context.Context, cl *kgo.Client, got map[string][]int32) {
	r.turn.Lock()
	defer r.turn.Unlock()
	parts := flatten(got)
	for _, tp := range parts {
		r.owned[tp] = true
	}
	r.metrics.Partitions(len(r.owned))
	if err := r.startingPoints(ctx, cl, parts); err != nil {
		r.stopWith(err)
		return
	}
	r.log.Info("partitions assigned", "partitions", fmt.Sprint(parts))
	if t, ok := r.task.(connect.Rebalancer); ok && len(parts) > 0 && r.failure == nil {
		if err := guarded("opening partitions", func() error { return t.Assigned(ctx, parts) }); err != nil {
			r.stopWith(err)
		}
	}
}

func (r *sinkRunner) revoked(ctx context.Context, _ *kgo.Client, gone map[string][]int32) {
	r.release(ctx, flatten(gone), true)
}

func (r *sinkRunner) lostPartitions(ctx context.Context, _ *kgo.Client, gone map[string][]int32) {
	r.release(ctx, flatten(gone), false)
}

func (r *sinkRunner) release(ctx context.Context, parts []connect.TopicPartition, commit bool) {
	r.turn.Lock()
	defer r.turn.Unlock()
	if len(parts) == 0 || r.lost {
		return
	}
	if commit && r.task != nil && r.failure == nil {
		upTo := map[connect.TopicPartition]int64{}
		for _, tp := range parts {
			if at, ok := r.seen[tp]; ok {
				upTo[tp] = at
			}
		}
		r.uncount(upTo)
		if len(upTo) > 0 {
			limit, cancel := context.WithTimeout(ctx, r.w.settings.OffsetFlushTimeout)
			r.commitPartitions(limit, upTo, false)
			cancel()
		}
	}
	if t, ok := r.task.(connect.Rebalancer); ok && r.failure == nil {
		if err := guarded("closing partitions", func() error { return t.Revoked(ctx, parts) }); err != nil {
			r.stopWith(err)
		}
	}
	for _, tp := range parts {
		delete(r.owned, tp)
		delete(r.seen, tp)
		delete(r.done, tp)
		delete(r.seeks, tp)
	}
	r.metrics.Partitions(len(r.owned))
	r.log.Info("partitions revoked", "partitions", fmt.Sprint(parts))
}

// uncount lowers upTo to before a batch that is still to be put.
func (r *sinkRunner) uncount(upTo map[connect.TopicPartition]int64) {
	for i := range r.batch {
		tp := *r.batch[i].Original
		if at, ok := upTo[tp]; ok && r.batch[i].Offset < at {
			upTo[tp] = r.batch[i].Offset
		}
	}
}

// stopWith fails the task from a callback.
func (r *sinkRunner) stopWith(err error) {
	if r.failure == nil {
		r.failure = err
	}
	r.wake()
}

// Abandon cuts a task off that did not stop in time: its consumer leaves the
// group, so that it can commit nothing.
func (r *sinkRunner) Abandon() {
	r.report.silence()
	if r.cl != nil {
		go r.cl.Close()
	}
}

func (r *sinkRunner) close() error {
	if r.cl != nil {
		r.cl.AllowRebalance()
		r.cl.CloseAllowingRebalance() // leaves the group, which revokes what is left
	}
	var err error
	if r.task != nil {
		err = guarded("stopping the task", r.task.Close)
	}
	r.closePipeline()
	return err
}

func flatten(m map[string][]int32) []connect.TopicPartition {
	var out []connect.TopicPartition
	for topic, parts := range m {
		for _, p := range parts {
			out = append(out, connect.TopicPartition{Topic: topic, Partition: p})
		}
	}
	slices.SortFunc(out, cmpTP)
	return out
}

func cmpTP(a, b connect.TopicPartition) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
}

// sinkHost is the worker as a sink task sees it.
type sinkHost struct{ r *sinkRunner }

func (h sinkHost) Name() string      { return h.r.id.Connector }
func (h sinkHost) Log() *slog.Logger { return h.r.log }

func (h sinkHost) Assignment() []connect.TopicPartition {
	return slices.SortedFunc(maps.Keys(h.r.owned), cmpTP)
}
func (h sinkHost) Seek(p connect.TopicPartition, offset int64) { h.r.seeks[p] = offset }
func (h sinkHost) RequestCommit()                              { h.r.asked = true }

func (h sinkHost) Pause(p ...connect.TopicPartition) { h.r.cl.PauseFetchPartitions(unflatten(p)) }
func (h sinkHost) Resume(p ...connect.TopicPartition) {
	h.r.cl.ResumeFetchPartitions(unflatten(p))
}

func (h sinkHost) Reject(rec *connect.SinkRecord, cause error) error {
	return h.r.pipe.Reject(rec, cause)
}

func unflatten(parts []connect.TopicPartition) map[string][]int32 {
	m := map[string][]int32{}
	for _, p := range parts {
		m[p.Topic] = append(m[p.Topic], p.Partition)
	}
	return m
}
