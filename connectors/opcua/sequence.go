package opcua

import "github.com/gopcua/opcua/ua"

// A sequence puts the notifications of a subscription in order. Several publish
// requests are under way at once, so answers may pass each other on the way
// through goroutines; and one that does not come at all leaves a gap, for which
// the server may be asked.
type sequence struct {
	next   uint32 // the number that is due
	until  uint32 // the server has sent all before this number; 0: it has not said
	held   map[uint32]*ua.NotificationMessage
	missed map[uint32]bool // given up on; one that comes nevertheless is good
}

// Bounds of what a sequence remembers.
const (
	mostHeld   = 64
	mostMissed = 1000
)

// after returns the number that follows n: 0 is never used.
func after(n uint32) uint32 {
	if n++; n == 0 {
		n = 1
	}
	return n
}

// ahead reports whether number a comes after b.
func ahead(a, b uint32) bool { return int32(a-b) > 0 } //nolint:gosec // numbers wrap

// add takes a message and returns those that are due now, in order. A message
// that was there before is dropped.
func (q *sequence) add(m *ua.NotificationMessage) []*ua.NotificationMessage {
	switch n := m.SequenceNumber; {
	case n == q.next:
		q.next = after(n)
		return append([]*ua.NotificationMessage{m}, q.pull()...)
	case ahead(n, q.next):
		if q.held == nil {
			q.held = map[uint32]*ua.NotificationMessage{}
		}
		q.held[n] = m
	case q.missed[n]:
		delete(q.missed, n)
		return []*ua.NotificationMessage{m}
	}
	return nil
}

// sent notes what a sign of life says: n is the number of the next message. A
// number far away is not believed.
func (q *sequence) sent(n uint32) {
	if ahead(n, q.next) && n-q.next <= mostHeld {
		q.until = n
	}
}

// pull returns held messages that have become due.
func (q *sequence) pull() (due []*ua.NotificationMessage) {
	for {
		m, ok := q.held[q.next]
		if !ok {
			return due
		}
		delete(q.held, q.next)
		due = append(due, m)
		q.next = after(q.next)
	}
}

// gap reports whether a message that was sent has not come.
func (q *sequence) gap() bool {
	return len(q.held) > 0 || q.until != 0 && ahead(q.until, q.next)
}

// skip gives up on what is due, up to the first message that came after it. It
// returns how many messages that are, and those due then.
func (q *sequence) skip() (lost uint32, due []*ua.NotificationMessage) {
	if !q.gap() {
		return 0, nil
	}
	first := q.until
	if first == 0 || !ahead(first, q.next) {
		first = q.next + 1<<31 - 1 // beyond all
	}
	for n := range q.held {
		if ahead(first, n) {
			first = n
		}
	}
	if len(q.missed) > mostMissed {
		q.missed = nil
	}
	for q.next != first {
		if lost++; lost <= mostMissed {
			if q.missed == nil {
				q.missed = map[uint32]bool{}
			}
			q.missed[q.next] = true
			q.next = after(q.next)
			continue
		}
		lost += first - q.next - 1
		q.next = first
	}
	return lost, q.pull()
}
