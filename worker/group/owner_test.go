package group

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Work moves only after its old owner has stopped it, however long that takes
// and whatever else changes meanwhile.
func TestSlowStop(t *testing.T) {
	inPlant(t, func(p *plant) {
		slow := func(w *worker, _ *Config) { w.stopTime = 20 * time.Second }
		p.configure(three)
		a, b := p.add(slow), p.add(slow)
		p.sleep(time.Minute)
		c := p.add(nil)
		p.sleep(10 * time.Second)
		p.configure(map[string]int{"a": 3, "b": 2, "c": 4, "d": 5})
		p.sleep(5 * time.Second)
		if n := len(p.starts(c)); n > 4+1 {
			t.Errorf("the new worker runs %d before the others have stopped anything", n)
		}
		p.sleep(5 * time.Minute)
		p.settled(a, b, c)
		p.noneLost()
	})
}

// An owner that hangs is not a member for longer than the rebalance timeout.
func TestHungOwner(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.configure(three)
		a := p.add(nil)
		p.sleep(10 * time.Second)
		hang := make(chan struct{})
		b := p.add(func(w *worker, _ *Config) { w.deaf = hang })
		p.sleep(50 * time.Second)
		if n := p.members(a); n != 2 {
			t.Errorf("%d members before the rebalance timeout", n)
		}
		p.sleep(20 * time.Second)
		if n := p.members(a); n != 1 {
			t.Errorf("%d members after the rebalance timeout", n)
		}
		p.sleep(2 * time.Minute)
		p.settled(a)
		close(hang)
		p.sleep(2 * time.Minute)
		p.settled(a, b)
	})
}

// Until the leader knows as much of the config topic as the others, nobody's
// work changes.
func TestLeaderIsBehind(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.configure(three)
		a, b := p.add(nil), p.add(nil)
		p.sleep(10 * time.Second)
		if b.assignment().Leader {
			a, b = b, a
		}
		before := a.assignment()
		a.set(func() { a.lag = 1 })
		p.configure(map[string]int{"a": 3})
		p.sleep(10 * time.Second)
		for _, w := range []*worker{a, b} {
			got := w.assignment()
			if got.Err == nil || got.ConfigOffset != p.offset || !got.New.Empty() || !got.Revoked.Empty() {
				t.Errorf("%s has %+v", w.name, got)
			}
		}
		if got := a.assignment(); len(got.All.Tasks) != len(before.All.Tasks) {
			t.Errorf("the leader is to run %v, was %v", got.All, before.All)
		}
		if n := a.m.Stats().Rebalances; n > 150 {
			t.Errorf("%d rebalances in ten seconds", n)
		}
		a.set(func() { a.lag = 0 })
		p.sleep(10 * time.Second)
		p.settled(a, b)
		p.noneLost()
	})
}

// A worker that cannot read the config topic does not join; one that is in the
// group stays in it until it is missed in a rebalance.
func TestConfigTopicCannotBeRead(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.configure(three)
		a, b := p.add(nil), p.add(nil)
		c := p.add(func(w *worker, _ *Config) { w.stale = true })
		p.sleep(time.Minute)
		p.settled(a, b)
		if c.assignment() != nil || p.members(a) != 2 {
			t.Errorf("the worker that reads nothing has %+v, %d members", c.assignment(), p.members(a))
		}
		b.set(func() { b.stale = true })
		b.m.Rejoin("to see")
		p.sleep(time.Minute)
		p.settled(a, b)
		p.noneLost()
		p.configure(map[string]int{"a": 3, "b": 2})
		p.sleep(90 * time.Second)
		if l := b.lost(); len(l) != 1 || len(p.starts(b)) != 0 {
			t.Errorf("the rebalance timeout after it was missed in a rebalance, the worker runs %v, lost: %v", p.starts(b), l)
		}
		b.set(func() { b.stale = false })
		c.set(func() { c.stale = false })
		p.sleep(3 * time.Minute)
		p.settled(a, b, c)
	})
}

func TestProtocolIsTheOneThatAllSpeak(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.configure(three)
		a := p.add(nil)
		p.sleep(10 * time.Second)
		if got := a.assignment().Protocol; got != Sessioned {
			t.Errorf("alone: %s", got)
		}
		b := p.add(func(_ *worker, c *Config) { c.Protocol = Compatible })
		p.sleep(10 * time.Second)
		p.settled(a, b)
		if got := a.assignment().Protocol; got != Compatible {
			t.Errorf("with one that speaks only compatible: %s", got)
		}
	})
}

// Asking often is asking once, or twice if a join is under way.
func TestRejoinIsIdempotent(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.configure(three)
		a := p.add(nil)
		p.sleep(10 * time.Second)
		before := a.m.Stats()
		for range 1000 {
			a.m.Rejoin("often")
		}
		p.sleep(10 * time.Second)
		after := a.m.Stats()
		if n := after.Rebalances - before.Rebalances; n < 1 || n > 2 {
			t.Errorf("%d rebalances", n)
		}
		if after.Heartbeats <= before.Heartbeats || after.LastHeartbeat.IsZero() || after.LastRebalance.IsZero() || after.RebalanceTotal < after.RebalanceMax {
			t.Errorf("stats %+v", after)
		}
		p.settled(a)
	})
}

func TestFatal(t *testing.T) {
	for _, tt := range []struct {
		err  *kerr.Error
		want string
	}{
		{kerr.GroupAuthorizationFailed, "grant the worker's principal READ"},
		{kerr.InconsistentGroupProtocol, "connect.protocol=eager"},
		{kerr.InvalidSessionTimeout, "group.min.session.timeout.ms"},
		{kerr.InvalidGroupID, "group.id"},
		{kerr.GroupMaxSizeReached, "group.max.size"},
		{kerr.UnsupportedVersion, "too old"},
	} {
		t.Run(tt.err.Message, func(t *testing.T) {
			inPlant(t, func(p *plant) {
				p.broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Err: tt.err, Count: -1})
				a := p.add(nil)
				p.sleep(time.Minute)
				a.cancel() // the owner sees Run's return in a worker
				<-a.done
				if a.err == nil || !strings.Contains(a.err.Error(), tt.want) {
					t.Errorf("Run returned %v, want something with %q", a.err, tt.want)
				}
			})
		})
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := Config{Protocol: Sessioned, Session: 10, Rebalance: 60, Heartbeat: 3, RetryBackoff: 1}
	for want, change := range map[string]func(*Config){
		"connect.protocol=eager is not supported": func(c *Config) { c.Protocol = Eager },
		`connect.protocol is "x"`:                 func(c *Config) { c.Protocol = "x" },
		"session.timeout.ms is 0s":                func(c *Config) { c.Session = 0 },
		"must be less than session.timeout.ms":    func(c *Config) { c.Heartbeat = 10 },
	} {
		c := good
		change(&c)
		if err := New(c).Run(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want something with %q", err, want)
		}
	}
}

// A real eager worker in the group: we are told to mend that. And an eager
// worker cannot join us, nor disturb us.
func TestEagerWorker(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.configure(three)
		a := p.add(nil)
		p.sleep(10 * time.Second)
		eager := func(group string) error {
			req := kmsg.NewPtrJoinGroupRequest()
			req.Group, req.ProtocolType, req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = group, protocolType, 30000, 30000
			offers, err := Offers(Eager, WireMetadata{URL: "http://eager/"})
			if err != nil {
				t.Fatal(err)
			}
			one := kmsg.NewJoinGroupRequestProtocol()
			one.Name, one.Metadata = offers[0].Name, offers[0].Metadata
			req.Protocols = append(req.Protocols, one)
			resp, err := req.RequestWith(p.Context(), a.client)
			if err != nil {
				return err
			}
			if resp.ErrorCode == kerr.MemberIDRequired.Code {
				req.MemberID = resp.MemberID
				if resp, err = req.RequestWith(p.Context(), a.client); err != nil {
					return err
				}
			}
			return kerr.ErrorForCode(resp.ErrorCode)
		}
		if err := eager("connect-cluster"); !errors.Is(err, kerr.InconsistentGroupProtocol) {
			t.Errorf("the eager worker is answered %v", err)
		}
		p.sleep(10 * time.Second)
		p.settled(a)
		p.noneLost()
		if err := eager("old-cluster"); err != nil {
			t.Fatal(err)
		}
		b := p.add(func(_ *worker, c *Config) { c.Group = "old-cluster" })
		p.sleep(time.Second)
		b.cancel()
		<-b.done
		if b.err == nil || !strings.Contains(b.err.Error(), `group "old-cluster" has members that use connect.protocol=eager`) {
			t.Errorf("Run returned %v", b.err)
		}
	})
}

// Whatever befalls a group, nothing runs twice, and it settles in the end.
func TestAnyHistory(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inPlant(t, func(p *plant) {
				r := rand.New(rand.NewPCG(seed, 7))
				if seed%3 == 0 {
					p.delay = 0
				}
				p.configure(three)
				live := []*worker{p.add(nil)}
				for range 25 {
					at := r.IntN(len(live))
					switch r.IntN(8) {
					case 0, 1:
						if len(live) < 5 {
							live = append(live, p.add(func(w *worker, _ *Config) { w.stopTime = time.Duration(r.IntN(5000)) * time.Millisecond }))
						}
					case 2:
						if len(live) > 1 {
							live[at].crash()
							live = slices.Delete(live, at, at+1)
						}
					case 3:
						if len(live) > 1 {
							live[at].stop()
							live = slices.Delete(live, at, at+1)
						}
					case 4, 5:
						p.configure(map[string]int{"a": r.IntN(6), "b": 2, fmt.Sprint("c", r.IntN(4)): r.IntN(9)})
					case 6:
						fault := p.isolate(live[at])
						p.sleep(time.Duration(r.IntN(30)) * time.Second)
						fault.Remove()
					case 7:
						keys := []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat}
						errs := []*kerr.Error{kerr.NotCoordinator, kerr.RebalanceInProgress, kerr.UnknownMemberID, kerr.IllegalGeneration, kerr.CoordinatorLoadInProgress}
						p.broker.Fault(kfake.Fault{Keys: keys[r.IntN(3):][:1], Err: errs[r.IntN(5)], Count: 1 + r.IntN(3)})
					}
					p.sleep(time.Duration(r.IntN(15000)) * time.Millisecond)
				}
				p.sleep(15 * time.Minute)
				p.settled(live...)
			})
		})
	}
}
