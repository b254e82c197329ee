package worker

import (
	"sync"
	"sync/atomic"

	"github.com/millwright-connect/millwright/worker/pipeline"
)

// A slab is what one batch of a source needs on its way to Kafka: its records,
// and the bytes of their keys and values. When all of them have been taken or
// refused, another batch gets it, so that a busy source makes no garbage.
type slab struct {
	records []inflight
	arena   []byte
	left    atomic.Int64 // records on their way, and one for who sends
}

var slabs = sync.Pool{New: func() any { return new(slab) }}

// newSlab returns a slab for n records, whose sender has to call landed once.
func newSlab(n int, p *pipeline.Pipeline) *slab {
	s := slabs.Get().(*slab)
	if cap(s.records) < n {
		s.records = make([]inflight, n)
	}
	s.records, s.arena = s.records[:n], p.Arena(s.arena, n)
	s.left.Store(1)
	return s
}

// landed counts off a record, or the sender. The last one must not touch what
// is in the slab any more.
func (s *slab) landed() {
	if s == nil || s.left.Add(-1) > 0 {
		return
	}
	clear(s.records)
	slabs.Put(s)
}
