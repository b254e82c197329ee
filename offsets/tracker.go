package offsets

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A Tracker knows which of a task's records Kafka has taken, and so how far
// the offsets of each source partition may be committed: as far as all records
// up to there are acknowledged. It is Java's SubmittedRecords.
//
// Submit and Drop are called from the goroutine that polls the task; Ack from
// any, without a lock; the rest from any. In the long run nothing is allocated.
type Tracker struct {
	inFlight atomic.Int64
	closed   atomic.Bool
	waiting  atomic.Bool // someone waits for drained

	mu      sync.Mutex
	seq     uint64
	last    *queue
	byPtr   map[*connect.SourcePartition]*queue
	byKey   map[string]*queue
	none    *queue        // of records without a partition; nil when empty
	queues  []*queue      // all that are not empty
	spare   []*queue      // emptied, for reuse
	free    [3]*chunk     // emptied, by size
	drained chan struct{} // made by those who wait, closed by who ends the wait
}

// A Handle stands for one record submitted. The zero Handle stands for none.
type Handle struct {
	queue *queue
	slot  *slot
	seq   uint64
}

// A slot holds one record. Its state is the record's sequence number, shifted,
// with a flag: so an Ack that comes twice, or for a record that is long gone,
// finds another state than it expects.
type slot struct {
	state    atomic.Uint64
	position any
}

const (
	waits   = iota + 1 // for its ack
	acked              //
	dropped            // never reached the producer
	flags   = 3        // mask
)

// A chunk is a part of a queue. Slots do not move, so that Ack needs no lock.
type chunk struct {
	slots []slot
	size  int // index into sizes
	next  *chunk
}

// The first chunk of a queue is small, for there may be thousands of
// partitions; those after it are bigger.
var sizes = [3]int{8, 64, 512}

// A queue holds the records of one source partition in the order of Submit.
type queue struct {
	source     *connect.SourcePartition // the first pointer seen; nil for records without
	pointers   []*connect.SourcePartition
	head, tail *chunk
	first, end int // of head and tail: slots[first:] and slots[:end] are in use
	records    int // submitted and neither committable nor dropped
	slots      int // in use
	taken      taken
}

// taken is what was found committable in a queue since the last Committable:
// the last position, if moved, and the number of records.
type taken struct {
	position any
	moved    bool
	records  int
}

// NewTracker returns a Tracker without records.
func NewTracker() *Tracker {
	return &Tracker{byPtr: map[*connect.SourcePartition]*queue{}, byKey: map[string]*queue{}}
}

// Submit takes note of a record that is about to be sent, in order. A nil
// source is a record that has no position. A nil position leaves that of the
// source where it is.
func (t *Tracker) Submit(source *connect.SourcePartition, position any) Handle {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := t.last
	if q == nil || q.source != source {
		q = t.queueOf(source)
		t.last = q
	}
	last := q.tail
	if last != nil && q.end == len(last.slots) {
		// Commits may be a minute apart, and a busy task acknowledges millions
		// of records in one: they are not to be kept until then.
		t.take(q)
	}
	if q.tail == nil || q.end == len(q.tail.slots) {
		c := t.chunk(last)
		if q.tail == nil {
			q.head, q.first = c, 0
		} else {
			q.tail.next = c
		}
		q.tail, q.end = c, 0
	}
	s := &q.tail.slots[q.end]
	q.end++
	q.slots++
	q.records++
	t.seq++
	s.position = position
	s.state.Store(t.seq<<2 | waits)
	t.inFlight.Add(1)
	return Handle{q, s, t.seq}
}

// queueOf finds the queue of a partition that the last record was not of.
func (t *Tracker) queueOf(source *connect.SourcePartition) *queue {
	if source == nil {
		if t.none == nil {
			t.none = t.newQueue(nil)
		}
		return t.none
	}
	if q := t.byPtr[source]; q != nil {
		return q
	}
	// Handles are to be made once, but a task may make one per record.
	q := t.byKey[source.Key()]
	if q == nil {
		q = t.newQueue(source)
		t.byKey[source.Key()] = q
	}
	t.byPtr[source] = q
	q.pointers = append(q.pointers, source)
	return q
}

func (t *Tracker) newQueue(source *connect.SourcePartition) *queue {
	var q *queue
	if n := len(t.spare); n > 0 {
		q, t.spare = t.spare[n-1], t.spare[:n-1]
	} else {
		q = new(queue)
	}
	q.source = source
	t.queues = append(t.queues, q)
	return q
}

// chunk returns a chunk to follow the given one.
func (t *Tracker) chunk(after *chunk) *chunk {
	size := 0
	if after != nil {
		size = min(after.size+1, len(sizes)-1)
	}
	c := t.free[size]
	if c == nil {
		return &chunk{slots: make([]slot, sizes[size]), size: size}
	}
	t.free[size], c.next = c.next, nil
	return c
}

// Ack says that Kafka has the record. More than one call is as good as one.
func (t *Tracker) Ack(h Handle) {
	if h.slot != nil && h.slot.state.CompareAndSwap(h.seq<<2|waits, h.seq<<2|acked) {
		t.landed()
	}
}

// Drop forgets a record that was refused before it was sent: it neither holds
// offsets up nor moves them. It reports whether the record was waiting.
func (t *Tracker) Drop(h Handle) bool {
	if h.slot == nil {
		return false
	}
	t.mu.Lock()
	done := h.slot.state.CompareAndSwap(h.seq<<2|waits, h.seq<<2|dropped)
	if done { // so the slot is in use, and in the same queue still
		h.slot.position = nil
		h.queue.records--
	}
	t.mu.Unlock()
	if done {
		t.landed()
	}
	return done
}

// landed counts a record that is not in flight any more.
func (t *Tracker) landed() {
	if t.inFlight.Add(-1) > 0 || !t.waiting.Load() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wake()
}

func (t *Tracker) wake() {
	if t.drained != nil {
		close(t.drained)
		t.drained = nil
		t.waiting.Store(false)
	}
}

// InFlight returns the number of records submitted and not acknowledged.
func (t *Tracker) InFlight() int { return int(t.inFlight.Load()) }

// Drained waits until no record is in flight, the tracker is closed, or ctx
// ends, which is the only error.
func (t *Tracker) Drained(ctx context.Context) error {
	for {
		t.mu.Lock()
		if t.drained == nil {
			t.drained = make(chan struct{})
		}
		drained := t.drained
		// First the flag, then the count: an Ack in between sees the flag.
		t.waiting.Store(true)
		if t.inFlight.Load() == 0 || t.closed.Load() {
			t.wake()
			t.mu.Unlock()
			return nil
		}
		t.mu.Unlock()
		select {
		case <-drained:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Close ends the tracking: later calls change nothing, and there is nothing to
// commit any more. So a task that was given up cannot commit.
func (t *Tracker) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed.Store(true)
	t.wake()
}

// Closed tells whether Close was called; who holds a Committable from before
// has to ask.
func (t *Tracker) Closed() bool { return t.closed.Load() }

// Committable takes the acknowledged records off the heads of the queues, and
// returns the last positions of those.
func (t *Tracker) Committable() Committable {
	t.mu.Lock()
	defer t.mu.Unlock()
	var c Committable
	if t.closed.Load() {
		return c
	}
	left := t.queues[:0]
	for _, q := range t.queues {
		t.take(q)
		if q.taken.moved && q.source != nil {
			if c.Positions == nil {
				c.Positions = make([]Position, 0, len(t.queues))
			}
			c.Positions = append(c.Positions, Position{q.source, q.taken.position})
		}
		c.Records += q.taken.records
		q.taken = taken{}
		c.Pending += q.records
		if q.records > c.LargestQueue {
			c.LargestQueue, c.LargestPartition = q.records, q.source
		}
		if q.slots == 0 {
			t.retire(q)
			continue
		}
		c.Queues++
		left = append(left, q)
	}
	clear(t.queues[len(left):])
	t.queues = left
	return c
}

// take removes what may be committed from a queue and notes it in q.taken.
func (t *Tracker) take(q *queue) {
	n := 0
	for q.slots > 0 {
		s := &q.head.slots[q.first]
		state := s.state.Load() & flags
		if state == waits {
			break
		}
		if state == acked {
			n++
			if s.position != nil {
				q.taken.position, q.taken.moved = s.position, true
			}
		}
		s.position = nil
		q.slots--
		if q.first++; q.first == len(q.head.slots) {
			c := q.head
			if q.head = c.next; q.head == nil {
				q.tail = nil
			}
			q.first = 0
			c.next, t.free[c.size] = t.free[c.size], c
		}
	}
	q.records -= n
	q.taken.records += n
}

// retire keeps an empty queue for reuse, and its partition costs nothing.
func (t *Tracker) retire(q *queue) {
	if q.source == nil {
		t.none = nil
	} else {
		delete(t.byKey, q.source.Key())
	}
	for _, p := range q.pointers {
		delete(t.byPtr, p)
	}
	if t.last == q {
		t.last = nil
	}
	clear(q.pointers)
	if q.tail != nil { // partly used
		q.tail.next, t.free[q.tail.size] = t.free[q.tail.size], q.tail
	}
	*q = queue{pointers: q.pointers[:0]}
	t.spare = append(t.spare, q)
}

// A Position is how far one source partition may be committed.
type Position struct {
	Source   *connect.SourcePartition
	Position any // see ToObject
}

// Committable is what Tracker.Committable has found.
type Committable struct {
	Positions []Position // one for each partition that has moved
	Records   int        // that may be committed now
	Pending   int        // that may not: unacknowledged, or behind one that is
	Queues    int        // partitions with pending records
	// LargestQueue is the most pending records of a partition, and
	// LargestPartition that partition; nil also for records without one.
	LargestQueue     int
	LargestPartition *connect.SourcePartition
}

// Empty tells that there were no records at all.
func (c Committable) Empty() bool { return c.Records == 0 && c.Pending == 0 && len(c.Positions) == 0 }

// Then returns c followed by what was found later: to carry over what could
// not be written.
func (c Committable) Then(later Committable) Committable {
	later.Records += c.Records
	if len(c.Positions) == 0 {
		return later
	}
	at := make(map[string]int, len(c.Positions)+len(later.Positions))
	merged := make([]Position, 0, cap(c.Positions)+len(later.Positions))
	for _, list := range [...][]Position{c.Positions, later.Positions} {
		for _, p := range list {
			i, ok := at[p.Source.Key()]
			if !ok {
				at[p.Source.Key()] = len(merged)
				merged = append(merged, p)
				continue
			}
			merged[i] = p
		}
	}
	later.Positions = merged
	return later
}

// Changes makes of the positions what Store.Set takes. A position that makes
// no object is an error of the task; positions that are nil are not in
// Positions in the first place.
func (c Committable) Changes() ([]connect.PartitionOffset, error) {
	changes := make([]connect.PartitionOffset, 0, len(c.Positions))
	for _, p := range c.Positions {
		o, err := ToObject(p.Position)
		if err != nil {
			return nil, err
		}
		changes = append(changes, connect.PartitionOffset{Partition: p.Source.Fields, Offset: o})
	}
	return changes, nil
}
