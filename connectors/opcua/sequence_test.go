package opcua

import (
	"math"
	"slices"
	"testing"

	"github.com/gopcua/opcua/ua"
)

func numbers(ms []*ua.NotificationMessage) (n []uint32) {
	for _, m := range ms {
		n = append(n, m.SequenceNumber)
	}
	return n
}

func TestSequence(t *testing.T) {
	const last = math.MaxUint32
	for name, c := range map[string]struct {
		next uint32
		come []uint32
		want []uint32
		gap  bool
		lost uint32   // what skip gives up on
		rest []uint32 // and returns
	}{
		"in order":      {1, []uint32{1, 2, 3}, []uint32{1, 2, 3}, false, 0, nil},
		"passed":        {1, []uint32{2, 1, 4, 3}, []uint32{1, 2, 3, 4}, false, 0, nil},
		"far passed":    {1, []uint32{4, 3, 2, 1}, []uint32{1, 2, 3, 4}, false, 0, nil},
		"twice":         {1, []uint32{1, 1, 2, 1, 3, 2}, []uint32{1, 2, 3}, false, 0, nil},
		"gap":           {1, []uint32{1, 3, 4}, []uint32{1}, true, 1, []uint32{3, 4}},
		"two gaps":      {1, []uint32{1, 4, 6}, []uint32{1}, true, 2, []uint32{4}},
		"held twice":    {1, []uint32{3, 3}, nil, true, 2, []uint32{3}},
		"wraps":         {last, []uint32{last, 1, 2}, []uint32{last, 1, 2}, false, 0, nil},
		"wraps, passed": {last, []uint32{1, last}, []uint32{last, 1}, false, 0, nil},
		"old":           {100, []uint32{99, 1, 100}, []uint32{100}, false, 0, nil},
	} {
		q := sequence{next: c.next}
		var got []uint32
		for _, n := range c.come {
			got = append(got, numbers(q.add(&ua.NotificationMessage{SequenceNumber: n}))...)
		}
		gap := q.gap()
		lost, rest := q.skip()
		if !slices.Equal(got, c.want) || gap != c.gap || lost != c.lost || !slices.Equal(numbers(rest), c.rest) {
			t.Errorf("%s: %v, gap %v, lost %d, then %v", name, got, gap, lost, numbers(rest))
		}
	}
}

// FuzzSequence: in whatever order messages come, they go on in order, and each
// goes on once or is counted as lost.
func FuzzSequence(f *testing.F) {
	f.Add([]byte{3, 1, 2, 9, 0, 0, 4})
	f.Fuzz(func(t *testing.T, come []byte) {
		q := sequence{next: 1}
		var got []uint32
		came, lost := map[uint32]bool{}, uint32(0)
		for _, b := range come {
			n := uint32(b) + 1
			if ahead(q.next, n) {
				continue // given up on, or there already
			}
			came[n] = true
			got = append(got, numbers(q.add(&ua.NotificationMessage{SequenceNumber: n}))...)
			if b%16 == 0 {
				l, due := q.skip()
				lost += l
				got = append(got, numbers(due)...)
			}
		}
		for q.gap() {
			l, due := q.skip()
			lost += l
			got = append(got, numbers(due)...)
		}
		if !slices.IsSorted(got) || len(got) != len(came) || lost+uint32(len(got)) != q.next-1 {
			t.Fatalf("%v: %v, %d lost, next %d", come, got, lost, q.next)
		}
	})
}
