package opcua

import "github.com/gopcua/opcua/ua"

// A sequence puts the notifications of a subscription in order. Several publish
// requests are under way at once, so answers may pass each other on the way
// through goroutines; and one that does not come at all leaves a gap, for which
// the server may be asked.
type sequence struct {
	next uint32 // the number that is due
	held map[uint32]*ua.NotificationMessage
}

// mostHeld is how many notifications wait for one that is due.
const mostHeld = 64

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
	}
	return nil
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

// gap reports whether messages wait for one that is due.
func (q *sequence) gap() bool { return len(q.held) > 0 }

// skip gives up on what is due up to the first held message. It returns how
// many messages that are, and those due then.
func (q *sequence) skip() (lost uint32, due []*ua.NotificationMessage) {
	if len(q.held) == 0 {
		return 0, nil
	}
	first, any := uint32(0), false
	for n := range q.held {
		if !any || ahead(first, n) {
			first, any = n, true
		}
	}
	lost = first - q.next
	q.next = first
	return lost, q.pull()
}
