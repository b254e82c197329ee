package mirror

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// maxOutstanding bounds the offset syncs that are on their way.
const maxOutstanding = 10

// A syncWriter writes offset syncs: at once where a partition has moved so far
// from its last sync that translated offsets would be stale, else when offsets
// are committed, so that a partition that falls silent ends with the right one.
// Its methods may be called from any goroutine.
type syncWriter struct {
	topic  string
	maxLag int64
	log    *slog.Logger
	send   func(*kgo.Record, func(*kgo.Record, error))

	mu          sync.Mutex
	outstanding int
	pending     []*syncState // in the order in which they became so
	delayed     []*syncState
}

// A syncState is what a syncWriter knows of one partition of the source.
type syncState struct {
	topicPartition
	upstream, downstream int64 // of the last record; -1: none
	synced               int64 // downstream of the last sync; -1: none
	pending, delayed     bool
	listed               bool     // among the delayed, be it so still or not
	next, late           [2]int64 // the pending and the delayed sync: upstream, downstream
}

func newSyncState(t topicPartition) *syncState {
	return &syncState{topicPartition: t, upstream: -1, downstream: -1, synced: -1}
}

// stale tells whether a record needs a sync at once: it is the first, or far
// from the last sync, or one side has jumped.
func (s *syncState) stale(upstream, downstream, maxLag int64) bool {
	now := s.synced == -1 || // one past the last sync is what offsets are translated to
		downstream-(s.synced+1) >= maxLag ||
		upstream-s.upstream != 1 ||
		downstream < s.downstream
	if now {
		s.synced = downstream
	}
	s.upstream, s.downstream = upstream, downstream
	return now
}

// wrote takes note of a record that the target has taken.
func (w *syncWriter) wrote(s *syncState, upstream, downstream int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !s.stale(upstream, downstream, w.maxLag) {
		s.late, s.delayed = [2]int64{upstream, downstream}, true
		if !s.listed {
			s.listed = true
			w.delayed = append(w.delayed, s)
		}
		return
	}
	s.delayed = false
	w.queue(s, [2]int64{upstream, downstream})
	w.fire()
}

func (w *syncWriter) queue(s *syncState, sync [2]int64) {
	s.next = sync
	if !s.pending {
		s.pending = true
		w.pending = append(w.pending, s)
	}
}

// flush sends what has waited for a commit.
func (w *syncWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.delayed {
		if s.delayed {
			w.queue(s, s.late)
		}
		s.delayed, s.listed = false, false
	}
	w.delayed = w.delayed[:0]
	w.fire()
}

// fire sends pending syncs as long as not too many are on their way; done goes
// on with the rest.
func (w *syncWriter) fire() {
	n := 0
	for n < len(w.pending) && w.outstanding < maxOutstanding {
		s := w.pending[n]
		n++
		s.pending = false
		w.outstanding++
		o := offsetSync{s.topicPartition, s.next[0], s.next[1]}
		w.send(&kgo.Record{Topic: w.topic, Partition: 0, Key: o.key(), Value: o.value()}, w.done)
	}
	w.pending = append(w.pending[:0], w.pending[n:]...)
}

func (w *syncWriter) done(_ *kgo.Record, err error) {
	if err != nil {
		w.log.Error("Failure sending offset sync.", "error", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outstanding--
	w.fire()
}

// flushTime bounds how long a task that ends waits for its last syncs.
const flushTime = 5 * time.Second

// closeProducer sends what is left and closes.
func closeProducer(cl *kgo.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	_ = cl.Flush(ctx) // what could not be sent will be made up for by later syncs
	cl.Close()
}
