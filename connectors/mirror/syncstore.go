package mirror

import "sync"

// slots is how many offset syncs are kept of a partition. They lie the farther
// apart the older they are, doubling from slot to slot, so that 64 of them span
// all offsets there can be.
const slots = 64

// A syncStore knows for places of the source's partitions where they are at the
// target. Its methods may be called from any goroutine.
type syncStore struct {
	mu     sync.Mutex
	syncs  map[topicPartition]*[slots]*offsetSync
	latest bool // only the last sync of each partition counts, while the store is being read
	read   bool // to the end: before, nothing is translated
}

func newSyncStore(latest bool) *syncStore {
	return &syncStore{syncs: map[topicPartition]*[slots]*offsetSync{}, latest: latest}
}

// apply takes a record of the offset-syncs topic.
func (s *syncStore) apply(o offsetSync) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.syncs[o.topicPartition]
	if kept == nil {
		kept = new([slots]*offsetSync)
		s.syncs[o.topicPartition] = kept
	} else if (s.read || !s.latest) && o.upstream >= kept[0].upstream {
		insert(kept, &o)
		return
	}
	for i := range kept {
		kept[i] = &o
	}
}

// done says that the topic has been read to its end.
func (s *syncStore) done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read = true
}

// translate returns the downstream offset from which a group can go on that has
// come to an upstream offset: at the very record where that is known, else
// right behind the last known record before it. It is -1 for an offset before
// all that is known; false says that nothing is known at all.
func (s *syncStore) translate(t topicPartition, upstream int64) (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.syncs[t]
	if kept == nil || !s.read {
		return 0, false
	}
	for _, o := range kept {
		switch {
		case o.upstream == upstream:
			return o.downstream, true
		case o.upstream < upstream:
			return o.downstream + 1, true
		}
	}
	return -1, true
}

// insert puts a sync before the others. A slot keeps what it has as long as
// that is close enough to the slot before it; else it takes the newest of the
// older syncs that is neither too far from that slot nor too near to either
// neighbour. The slots come out as Java's do, which two tasks that follow each
// other, one here and one there, depend on.
func insert(kept *[slots]*offsetSync, o *offsetSync) {
	old := *kept
	kept[0] = o
	choice, from := o, 0 // from: where in old the search goes on
	for i := 1; i < slots; i++ {
		before := kept[i-1]
		for {
			candidate := old[from]
			spaced := apart(before, candidate, i-1)
			fits := spaced && near(before, candidate, i-1, i) && (i == slots-1 || apart(candidate, kept[i+1], i))
			useless := !spaced || from < slots-1 && candidate == old[from+1]
			if fits {
				choice = candidate
			}
			if fits || useless {
				from++
			}
			if !useless || from >= i {
				break
			}
		}
		if near(before, kept[i], i-1, i) {
			return // and so is all that follows
		}
		kept[i] = choice
	}
}

// near tells whether the sync of slot i is close enough to that of slot j, an
// older one: within 2^j - 2^i records. A sync is always close to itself.
func near(a, b *offsetSync, i, j int) bool {
	bound := b.upstream + 1<<j - 1<<i
	return a == b || bound < 0 /* overflown */ || a.upstream <= bound
}

// apart tells whether the sync of slot i is far enough from an older one.
func apart(a, b *offsetSync, i int) bool {
	bound := b.upstream + 1<<max(i-2, 0)
	return a == b || bound >= 0 && a.upstream >= bound
}
