package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const pace = 5 * time.Millisecond

// leads reports whether a worker leads its group by what it has logged last.
var leaderLine = regexp.MustCompile(`assignment received .*leader=(http\S+)`)

func leader(c *cluster) *worker {
	c.Helper()
	var found *worker
	until(c, "the group has a leader", func() string {
		for _, w := range c.workers {
			all := leaderLine.FindAllStringSubmatch(w.printed(), -1)
			if !w.alive() || len(all) == 0 {
				continue
			}
			for _, l := range c.workers {
				if l.alive() && strings.HasPrefix(all[len(all)-1][1], l.base+"/") {
					found = l
					return ""
				}
			}
		}
		return "no worker names one that is alive"
	})
	return found
}

// other returns the worker of two that is not w.
func other(c *cluster, w *worker) *worker {
	for _, o := range c.workers {
		if o != w {
			return o
		}
	}
	return nil
}

// alone waits until all units of a connector run at one worker.
func alone(w *worker, name string, tasks int) {
	w.Helper()
	until(w, name+" runs at "+w.id()+" alone", func() string {
		s, err := w.status(name)
		if err != nil {
			return err.Error()
		}
		at := []unit{s.Connector}
		for _, t := range s.Tasks {
			at = append(at, t.unit)
		}
		for _, u := range at {
			if u.Worker != w.id() || u.State != "RUNNING" {
				return fmt.Sprintf("%+v", s)
			}
		}
		if len(s.Tasks) != tasks {
			return fmt.Sprintf("%d tasks", len(s.Tasks))
		}
		return ""
	})
}

// spread waits until the tasks of a connector run at n workers.
func spread(w *worker, n int, names ...string) {
	w.Helper()
	until(w, fmt.Sprintf("tasks run at %d workers", n), func() string {
		at := map[string]bool{}
		for _, name := range names {
			s, err := w.status(name)
			if err != nil {
				return err.Error()
			}
			for _, t := range s.Tasks {
				if t.State != "RUNNING" {
					return fmt.Sprintf("%+v", s)
				}
				at[t.Worker] = true
			}
		}
		if len(at) != n {
			return fmt.Sprintf("they run at %v", at)
		}
		return ""
	})
}

// TestKillNine kills a worker while records flow, the follower first, then the
// one that leads by then.
func TestKillNine(t *testing.T) {
	t.Parallel()
	k := shared(t)
	c := newCluster(t, k.at, "scheduled.rebalance.max.delay.ms", "1500")
	c.add()
	c.add()
	a := newFlow(t, k, c.workers[0], "a", 4, 2, pace)
	b := newFlow(t, k, c.workers[1], "b", 1, 1, pace)
	flows := []*flow{a, b}
	spread(c.workers[0], 2, a.source, a.sink, b.source, b.sink)
	for _, role := range []string{"follower", "leader"} {
		for _, f := range flows {
			f.through(t)
		}
		victim := leader(c)
		if role == "follower" {
			victim = other(c, victim)
		}
		rest := other(c, victim)
		logged := len(rest.printed())
		victim.kill()
		for _, f := range flows {
			f.honest(t, k, rest)
		}
		for _, f := range flows {
			alone(rest, f.source, 1)
			alone(rest, f.sink, len(rest.await(f.sink, "RUNNING", map[*flow]int{a: 2, b: 1}[f]).Tasks))
			f.through(t)
			f.honest(t, k, rest)
		}
		// A leader that lives waits for the lost worker to come back.
		if delayed := regexp.MustCompile(`assignment received .*delay=[1-9]`).MatchString(rest.printed()[logged:]); role == "follower" && !delayed {
			t.Error("tasks moved without scheduled.rebalance.max.delay.ms")
		}
		victim.start()
		victim.ready()
		spread(rest, 2, a.source, a.sink, b.source, b.sink)
	}
	for _, f := range flows {
		f.stop()
		f.through(t)
		f.honest(t, k, c.workers[0])
	}
}

// TestGracefulStop stops workers in turn while records flow: nothing comes
// twice, and the group is left at once.
func TestGracefulStop(t *testing.T) {
	t.Parallel()
	k := shared(t)
	// With this session time-out nothing moves because a member was missed.
	c := newCluster(t, k.at, "session.timeout.ms", "120000", "rebalance.timeout.ms", "120000")
	c.add()
	c.add()
	f := newFlow(t, k, c.workers[0], "g", 4, 4, pace)
	c.workers[0].put(f.sink, fileSink(f.out, f.topic, "tasks.max", "4", "consumer.override.session.timeout.ms", "120000"))
	c.workers[0].await(f.sink, "RUNNING", 4)
	for _, w := range []*worker{c.workers[0], c.workers[1], c.workers[0]} {
		spread(w, 2, f.source, f.sink)
		f.through(t)
		if code := w.stop(); code != 128+int(syscall.SIGTERM) {
			t.Errorf("exit code %d, want 143 as Java's", code)
		}
		if n, err := k.members(c.id); err != nil || n != 1 {
			t.Errorf("the group has %d members after the stop, want 1 (%v)", n, err)
		}
		rest := other(c, w)
		alone(rest, f.source, 1)
		alone(rest, f.sink, 4)
		f.through(t)
		w.start()
		w.ready()
	}
	f.stop()
	have := f.through(t)
	if more := twice(have); more != nil {
		t.Errorf("came twice: %v", more)
	}
	if more := twice(counts(k.values(f.topic))); more != nil {
		t.Errorf("are in the topic twice: %v", more)
	}
	for _, w := range c.workers {
		if code := w.stop(); code != 143 {
			t.Errorf("exit code %d, want 143", code)
		}
	}
}

// TestFrozenWorker stops a worker as a paused virtual machine is, for longer
// than its sessions last. What it still has in hand when it wakes does no harm.
func TestFrozenWorker(t *testing.T) {
	t.Parallel()
	k := shared(t)
	c := newCluster(t, k.at)
	c.add()
	c.add()
	f := newFlow(t, k, c.workers[0], "f", 4, 4, pace)
	spread(c.workers[0], 2, f.sink)
	f.through(t)
	frozen := other(c, leader(c))
	rest := other(c, frozen)
	frozen.signal(syscall.SIGSTOP)
	alone(rest, f.source, 1)
	alone(rest, f.sink, 4)
	f.through(t)
	frozen.signal(syscall.SIGCONT)
	spread(rest, 2, f.source, f.sink)
	f.through(t)
	f.honest(t, k, rest)
	f.stop()
	f.through(t)
	// From here on each line comes once: nobody but the owner reads a partition.
	until(t, "the sink has committed all", func() string {
		ends, err := k.admin.ListEndOffsets(k.Context(), f.topic)
		must(t, err)
		at := k.committed("connect-"+f.sink, f.topic)
		for p := range f.partitions {
			if end, _ := ends.Lookup(f.topic, int32(p)); end.Offset > at[int32(p)] {
				return fmt.Sprintf("partition %d: %d of %d", p, at[int32(p)], end.Offset)
			}
		}
		return ""
	})
	n := f.written()
	f.append(t, 300)
	have := f.through(t)
	for i := n; i < n+300; i++ {
		if l := line(f.name, i); have[l] != 1 {
			t.Fatalf("%s came %d times after the frozen worker was back", l, have[l])
		}
	}
}

// TestPause pauses from one worker what runs at another, and restarts all
// workers: it stays paused.
func TestPause(t *testing.T) {
	t.Parallel()
	k := shared(t)
	c := newCluster(t, k.at)
	c.add()
	c.add()
	p := newFlow(t, k, c.workers[0], "p", 2, 2, pace)
	marker := newFlow(t, k, c.workers[0], "m", 1, 1, pace)
	p.through(t)
	seen := func(state string) {
		t.Helper()
		for _, w := range c.workers {
			w.await(p.source, state, 1)
			w.await(p.sink, state, 2)
		}
	}
	c.workers[0].call("PUT", "/connectors/"+p.source+"/pause", nil, nil)
	c.workers[1].call("PUT", "/connectors/"+p.sink+"/pause", nil, nil)
	seen("PAUSED")
	out := len(linesOf(t, p.out))
	topic := len(k.values(p.topic))
	k.produce(p.topic, 2, "while-paused-0", "while-paused-1")
	marker.through(t) // as long as others take, nothing of it passes
	if n := len(k.values(p.topic)); n != topic+2 {
		t.Errorf("a paused source wrote %d records", n-topic-2)
	}
	if n := len(linesOf(t, p.out)); n != out {
		t.Errorf("a paused sink wrote %d lines", n-out)
	}
	for _, w := range c.workers {
		w.stop()
	}
	for _, w := range c.workers {
		w.start()
	}
	for _, w := range c.workers {
		w.ready()
	}
	seen("PAUSED")
	marker.through(t)
	if n := len(k.values(p.topic)); n != topic+2 {
		t.Errorf("a paused source wrote %d records after a restart", n-topic-2)
	}
	c.workers[1].call("PUT", "/connectors/"+p.source+"/resume", nil, nil)
	c.workers[0].call("PUT", "/connectors/"+p.sink+"/resume", nil, nil)
	seen("RUNNING")
	p.stop()
	have := p.through(t)
	if have["while-paused-0"] != 1 || have["while-paused-1"] != 1 || twice(have) != nil {
		t.Errorf("lines of the pause came %d and %d times; twice: %v", have["while-paused-0"], have["while-paused-1"], twice(have))
	}
}

// TestHealth asks the program itself, as a container's health check does.
func TestHealth(t *testing.T) {
	t.Parallel()
	k := shared(t)
	c := newCluster(t, k.at)
	w := c.add()
	if code, out := run(t, nil, "health", w.base); code != 0 || !strings.Contains(out, `"status":"healthy"`) {
		t.Errorf("exit code %d: %s", code, out)
	}
	status, body, err := w.try(http.MethodGet, "/health", nil)
	if err != nil || status != http.StatusOK {
		t.Errorf("%d %s %v", status, body, err)
	}
	w.stop()
	if code, out := run(t, nil, "health", w.base); code != 1 || !strings.Contains(out, "does not answer") {
		t.Errorf("exit code %d: %s", code, out)
	}
}
