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

// TestSignOfLife: a sign of life tells of messages that have not come.
func TestSignOfLife(t *testing.T) {
	q := sequence{next: 5}
	for n, want := range map[uint32]bool{4: false, 5: false, 5 + mostHeld + 1: false, 7: true} {
		q.until = 0
		if q.sent(n); q.gap() != want {
			t.Errorf("%d: %v", n, q.gap())
		}
	}
	q.until = 7
	if lost, due := q.skip(); lost != 2 || due != nil || q.next != 7 || q.gap() {
		t.Errorf("%d %v, next %d", lost, due, q.next)
	}
	for _, n := range []uint32{6, 7, 5, 6} { // they come nevertheless
		t.Log(n, numbers(q.add(&ua.NotificationMessage{SequenceNumber: n})))
	}
	if q.next != 8 || len(q.missed) != 0 {
		t.Errorf("next %d, missed %v", q.next, q.missed)
	}
	q = sequence{next: 1, held: map[uint32]*ua.NotificationMessage{1 << 30: {SequenceNumber: 1 << 30}}}
	if lost, due := q.skip(); lost != 1<<30-1 || len(due) != 1 || len(q.missed) != mostMissed {
		t.Errorf("%d lost, %d due, %d remembered", lost, len(due), len(q.missed))
	}
}

// FuzzSequence: in whatever order messages come, each goes on once, and those
// that never came are counted as lost.
func FuzzSequence(f *testing.F) {
	f.Add([]byte{3, 1, 2, 9, 0, 0, 4})
	f.Fuzz(func(t *testing.T, come []byte) {
		q := sequence{next: 1}
		got, came, lost := map[uint32]bool{}, map[uint32]bool{}, 0
		deliver := func(ms []*ua.NotificationMessage) {
			for _, n := range numbers(ms) {
				if got[n] || !came[n] {
					t.Fatalf("%v: %d once more", come, n)
				}
				got[n] = true
			}
		}
		skip := func() {
			n, due := q.skip()
			lost += int(n)
			deliver(due)
		}
		for _, b := range come {
			n := uint32(b) + 1
			if b%7 == 3 {
				q.sent(n)
				continue
			}
			if b%16 == 0 {
				skip()
			}
			late := q.missed[n]
			came[n] = true
			deliver(q.add(&ua.NotificationMessage{SequenceNumber: n}))
			if late {
				lost--
			}
		}
		for q.gap() {
			skip()
		}
		if len(got) != len(came) || lost != len(q.missed) || lost+len(got) != int(q.next)-1 {
			t.Fatalf("%v: %v of %v, %d lost, next %d", come, got, came, lost, q.next)
		}
	})
}
