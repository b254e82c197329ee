package group

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var three = map[string]int{"a": 3, "b": 2, "c": 4}

// noneLost fails if a worker has ever lost its membership.
func (p *plant) noneLost() {
	p.Helper()
	for _, w := range p.workers {
		if l := w.lost(); len(l) > 0 {
			p.Errorf("%s lost its membership: %v", w.name, l)
		}
	}
}

func TestThreeWorkersShareTheWork(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.configure(three)
		a, b := p.add(nil), p.add(nil)
		p.sleep(10 * time.Second)
		p.settled(a, b)
		c := p.add(nil)
		p.sleep(20 * time.Second)
		p.settled(a, b, c)
		p.configure(map[string]int{"a": 1, "b": 2, "d": 6})
		p.sleep(20 * time.Second)
		p.settled(a, b, c)
		p.noneLost()
	})
}

// What a crashed worker ran is kept for its return, for the delay, and is then
// shared by the others, which do not touch what they ran all along.
func TestCrash(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.configure(three)
		a, b, c := p.add(nil), p.add(nil), p.add(nil)
		p.sleep(30 * time.Second)
		p.settled(a, b, c)
		if c.assignment().Leader { // a new leader has no memory and would not wait
			a, c = c, a
		}
		before := len(p.starts(a)) + len(p.starts(b))
		gen := a.assignment().Generation
		c.crash()
		p.sleep(20 * time.Second)
		if got := a.assignment(); got.Generation == gen || got.Delay <= 0 {
			t.Errorf("10 s after the session has expired the assignment is %+v", got)
		}
		if now := len(p.starts(a)) + len(p.starts(b)); now != before {
			t.Errorf("during the delay the others run %d, not %d", now, before)
		}
		p.sleep(time.Minute)
		p.settled(a, b)
		p.noneLost()
	})
}

func TestCrashedWorkerComesBackWithinTheDelay(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.configure(three)
		a, b, c := p.add(nil), p.add(nil), p.add(nil)
		p.sleep(30 * time.Second)
		if c.assignment().Leader { // a new leader has no memory and would not wait
			a, c = c, a
		}
		had := p.starts(c)
		kept := len(p.starts(a)) + len(p.starts(b))
		c.crash()
		p.sleep(25 * time.Second)
		d := p.add(nil)
		p.sleep(time.Minute)
		p.settled(a, b, d)
		if got := p.starts(d); len(got) != len(had) {
			t.Errorf("the worker that came back runs %v, it ran %v", got, had)
		}
		if now := len(p.starts(a)) + len(p.starts(b)); now != kept {
			t.Errorf("the others run %d, they ran %d", now, kept)
		}
	})
}

// A worker that is stopped says goodbye, and the group knows at once.
func TestLeave(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.configure(three)
		a, b := p.add(nil), p.add(nil)
		p.sleep(10 * time.Second)
		b.cancel()
		<-b.done
		if n := p.members(a); n != 1 {
			t.Errorf("the broker knows %d members right after one has left", n)
		}
		if b.err == nil || !strings.Contains(b.err.Error(), "canceled") {
			t.Errorf("Run returned %v", b.err)
		}
		p.sleep(70 * time.Second)
		p.settled(a)
	})
}

// The coordinator is out of reach of one worker for longer than its session.
// The worker stops everything in time. If it comes back within the delay it
// goes on with just what it had; a leader starts anew.
func TestIsolatedWorkerKeepsItsWorkWithinTheDelay(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.configure(three)
		a, b := p.add(nil), p.add(nil)
		p.sleep(10 * time.Second)
		if b.assignment().Leader {
			a, b = b, a
		}
		others, had := p.starts(a), p.starts(b)
		fault := p.isolate(b)
		p.sleep(13 * time.Second)
		if n := len(p.starts(b)); n != 0 || len(b.lost()) != 1 || !strings.Contains(b.lost()[0], "session.timeout.ms") {
			t.Errorf("13 s after the last contact %d run on, lost: %v", n, b.lost())
		}
		p.sleep(17 * time.Second)
		if now := p.starts(a); len(now) != len(others) {
			t.Errorf("the other runs %v within the delay", now)
		}
		fault.Remove()
		p.sleep(30 * time.Second)
		p.settled(a, b)
		if !maps.Equal(p.starts(a), others) {
			t.Errorf("the other worker's work was moved: %v, was %v", p.starts(a), others)
		}
		for id, n := range p.starts(b) {
			if n != had[id]+1 {
				t.Errorf("%s was started %d times, it was %d before", id, n, had[id])
			}
		}
	})
}

// After the delay others have its work, and it comes with empty hands: what
// the others run is not disturbed but for balance.
func TestIsolatedWorkerComesBackLate(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.delay = time.Second
		p.configure(three)
		a, b := p.add(nil), p.add(nil)
		p.sleep(10 * time.Second)
		if b.assignment().Leader {
			a, b = b, a
		}
		fault := p.isolate(b)
		p.sleep(30 * time.Second)
		p.settled(a)
		fault.Remove()
		p.sleep(30 * time.Second)
		p.settled(a, b)
		for id, n := range p.starts(a) {
			if n > 2 {
				t.Errorf("%s was started %d times", id, n)
			}
		}
	})
}

func TestLeaderIsIsolated(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.configure(three)
		a, b := p.add(nil), p.add(nil)
		p.sleep(10 * time.Second)
		if b.assignment().Leader {
			a, b = b, a
		}
		fault := p.isolate(a)
		p.sleep(30 * time.Second)
		p.settled(b)
		fault.Remove()
		p.sleep(30 * time.Second)
		p.settled(a, b)
	})
}

// The only worker of a group must not wait for itself.
func TestLoneWorkerIsIsolated(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.configure(three)
		a := p.add(nil)
		p.sleep(10 * time.Second)
		fault := p.isolate(a)
		p.sleep(20 * time.Second)
		if n := len(p.starts(a)); n != 0 {
			t.Errorf("%d run on", n)
		}
		fault.Remove()
		p.sleep(10 * time.Second)
		p.settled(a)
	})
}

// Errors of the coordinator that pass are waited out, in whatever request they
// come, without a loss of the membership.
func TestPassingErrors(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat} {
		for _, e := range []*kerr.Error{kerr.NotCoordinator, kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress, kerr.UnknownServerError, kerr.RebalanceInProgress} {
			t.Run(key.Name()+" "+e.Message, func(t *testing.T) {
				inPlant(t, func(p *plant) {
					p.configure(three)
					a, b := p.add(nil), p.add(nil)
					p.sleep(10 * time.Second)
					h := p.broker.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: e, Count: 2})
					p.configure(map[string]int{"a": 5, "z": 2})
					p.sleep(30 * time.Second)
					p.settled(a, b)
					p.noneLost()
					if h.Hits() != 2 {
						t.Errorf("%d requests failed", h.Hits())
					}
				})
			})
		}
	}
}

// On the coordinator's word that we are no member everything stops, and we
// join anew.
func TestDisowned(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat} {
		for _, e := range []*kerr.Error{kerr.UnknownMemberID, kerr.IllegalGeneration, kerr.FencedInstanceID} {
			t.Run(key.Name()+" "+e.Message, func(t *testing.T) {
				inPlant(t, func(p *plant) {
					p.configure(three)
					a, b := p.add(nil), p.add(nil)
					p.sleep(10 * time.Second)
					p.broker.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: e, Count: 1})
					if key == kmsg.Heartbeat {
						p.sleep(5 * time.Second) // in a round a heartbeat's bad news do not count
					}
					p.configure(map[string]int{"a": 5, "z": 2})
					p.sleep(90 * time.Second)
					p.settled(a, b)
					if n := len(a.lost()) + len(b.lost()); n != 1 {
						t.Errorf("%d memberships were lost: %v %v", n, a.lost(), b.lost())
					}
				})
			})
		}
	}
}

// The broker of the coordinator goes away and another takes over.
func TestCoordinatorMoves(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.configure(three)
		a, b := p.add(nil), p.add(nil)
		p.sleep(10 * time.Second)
		old := p.broker.CoordinatorFor("connect-cluster")
		if err := p.broker.RemoveNode(old); err != nil {
			t.Fatal(err)
		}
		p.sleep(2 * time.Minute)
		if now := p.broker.CoordinatorFor("connect-cluster"); now == old {
			t.Fatal("the coordinator has not moved")
		}
		p.settled(a, b)
	})
}

// Work that is taken from some members for another is given to it in a second
// round, of which those that lose nothing hear only from a heartbeat: the next
// must not be a whole interval away.
func TestFollowUpRoundIsNotWaitedFor(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.configure(three)
		slow := func(w *worker, _ *Config) { w.stopTime = time.Second }
		a, b := p.add(slow), p.add(slow)
		p.sleep(10 * time.Second)
		p.settled(a, b)
		c := p.add(nil)
		for c.assignment() == nil { // as soon as the others have heard of it
			p.sleep(10 * time.Millisecond)
		}
		p.sleep(1600 * time.Millisecond)
		p.settled(a, b, c)
	})
}
