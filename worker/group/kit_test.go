package group

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millwright-connect/millwright/worker/assign"
)

// A plant is a group of workers on a kfake cluster, in fake time. It plays the
// herders: every worker runs what it is told, and the plant sees to it that
// nothing ever runs twice.
type plant struct {
	*testing.T
	net     kfake.VirtualNetwork
	broker  *kfake.Cluster
	delay   time.Duration // scheduled.rebalance.max.delay.ms
	workers []*worker
	start   time.Time

	mu         sync.Mutex
	offset     int64
	connectors map[string]int
	running    map[assign.TaskID]*worker
	moved      map[assign.TaskID]int // how often each was started
}

// A worker is one member and its owner.
type worker struct {
	p      *plant
	name   string
	m      *Member
	client *kgo.Client
	cancel context.CancelFunc
	done   chan struct{}
	err    error // of Run, once done is closed

	stopTime time.Duration // how long a task takes to stop
	deaf     chan struct{} // if set, the owner reads no event until it is closed

	mu    sync.Mutex
	lag   int64 // how far config snapshots are behind
	last  *Assignment
	seen  []Event
	stale bool // snapshots fail
}

// inPlant runs f in a bubble of fake time.
func inPlant(t *testing.T, f func(p *plant)) {
	synctest.Test(t, func(t *testing.T) {
		p := &plant{T: t, delay: time.Minute, start: time.Now(), offset: 1, connectors: map[string]int{}, running: map[assign.TaskID]*worker{}, moved: map[assign.TaskID]int{}}
		var err error
		p.broker, err = kfake.NewCluster(kfake.NumBrokers(2), kfake.Ports(9092, 9093), kfake.ListenFn(p.net.Listen), kfake.SeedTopics(1, "connect-configs"))
		if err != nil {
			t.Fatal(err)
		}
		defer p.broker.Close()
		defer func() {
			for _, w := range p.workers {
				w.stop()
			}
		}()
		f(p)
	})
}

// configure sets the connectors and tells all workers, as their config logs do.
func (p *plant) configure(connectors map[string]int) {
	p.mu.Lock()
	p.offset++
	p.connectors = maps.Clone(connectors)
	p.mu.Unlock()
	for _, w := range p.workers {
		w.m.Rejoin("connectors have changed")
	}
}

func (p *plant) add(change func(*worker, *Config)) *worker {
	p.Helper()
	name := fmt.Sprintf("w%d", len(p.workers))
	client, err := kgo.NewClient(kgo.SeedBrokers(p.broker.ListenAddrs()...), kgo.Dialer(p.net.DialContext), kgo.ClientID(name), kgo.DisableClientMetrics(),
		// kfake miscounts the joining members when one that waits in
		// SyncGroup dies, and waits out the rebalance timeout, which it
		// starts anew at each repeated JoinGroup: so repeat it late.
		kgo.RequestTimeoutOverhead(2*time.Minute))
	if err != nil {
		p.Fatal(err)
	}
	w := &worker{p: p, name: name, client: client, done: make(chan struct{})}
	cfg := Config{
		Client: client, Group: "connect-cluster", URL: "http://" + name + ":8083/", Protocol: Sessioned,
		Session: 10 * time.Second, Rebalance: 60 * time.Second, Heartbeat: 3 * time.Second, RetryBackoff: 100 * time.Millisecond, MaxDelay: p.delay,
		Snapshot: w.snapshot, Log: slog.New(slog.NewTextHandler(p.Output(), &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.String("t", name+" "+time.Since(p.start).String())
			}
			return a
		}})),
	}
	if change != nil {
		change(w, &cfg)
	}
	w.m = New(cfg)
	ctx, cancel := context.WithCancel(p.Context())
	w.cancel = cancel
	p.workers = append(p.workers, w)
	own := make(chan struct{})
	go func() {
		defer close(own)
		w.own(ctx)
	}()
	go func() {
		defer close(w.done)
		w.err = w.m.Run(ctx)
		<-own
	}()
	return w
}

func (w *worker) snapshot(context.Context) (int64, map[string]int, error) {
	w.mu.Lock()
	stale, lag := w.stale, w.lag
	w.mu.Unlock()
	if stale {
		return 0, nil, errors.New("the config topic cannot be read")
	}
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	return w.p.offset - lag, w.p.connectors, nil
}

// own does what a herder does with events.
func (w *worker) own(ctx context.Context) {
	for {
		if w.deaf != nil {
			select {
			case <-w.deaf:
			case <-ctx.Done():
			}
		}
		select {
		case e := <-w.m.Events():
			w.take(ctx, e)
		case <-ctx.Done():
			w.keep(assign.Held{})
			return
		}
	}
}

func (w *worker) take(ctx context.Context, e Event) {
	w.mu.Lock()
	w.seen = append(w.seen, e)
	w.mu.Unlock()
	a, is := e.(*Assignment)
	if !is {
		w.keep(assign.Held{})
		return
	}
	if !a.Revoked.Empty() {
		select {
		case <-time.After(w.stopTime):
		case <-ctx.Done():
		}
		w.keep(a.All)
		w.m.Revoked(a)
	}
	w.run(a.All)
	w.mu.Lock()
	w.last = a
	w.mu.Unlock()
}

func unitsOf(h assign.Held) map[assign.TaskID]bool {
	out := map[assign.TaskID]bool{}
	for _, c := range h.Connectors {
		out[assign.TaskID{Connector: c, Task: connectorTask}] = true
	}
	for _, t := range h.Tasks {
		out[t] = true
	}
	return out
}

// keep stops all that runs here but what is in h.
func (w *worker) keep(h assign.Held) {
	stays := unitsOf(h)
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	maps.DeleteFunc(w.p.running, func(id assign.TaskID, by *worker) bool { return by == w && !stays[id] })
}

// run starts what of h does not run yet.
func (w *worker) run(h assign.Held) {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	for id := range unitsOf(h) {
		switch by := w.p.running[id]; by {
		case w:
		case nil:
			w.p.running[id] = w
			w.p.moved[id]++
		default:
			w.p.Errorf("after %v %s is started on %s while it runs on %s", time.Since(w.p.start), id, w.name, by.name)
		}
	}
}

// set changes what is guarded by w.mu.
func (w *worker) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// stop ends the worker as a signal does.
func (w *worker) stop() {
	w.cancel()
	<-w.done
	w.client.Close()
}

// crash ends the worker without a farewell.
func (w *worker) crash() {
	w.client.Close()
	w.stop()
}

func (w *worker) assignment() *Assignment {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// lost returns the reasons of all Lost events so far.
func (w *worker) lost() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, e := range w.seen {
		if l, is := e.(*Lost); is {
			out = append(out, l.Reason)
		}
	}
	return out
}

// isolate has the coordinator answer nothing that w sends, until the fault is
// removed: as far as the group can tell, w is gone.
func (p *plant) isolate(w *worker) *kfake.FaultHandle {
	mine := func(member string) bool { return strings.HasPrefix(member, w.name+"-") }
	return p.broker.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat}, Err: kerr.CoordinatorNotAvailable, Count: -1,
		When: func(r kmsg.Request) bool {
			switch r := r.(type) {
			case *kmsg.JoinGroupRequest:
				return mine(r.MemberID)
			case *kmsg.SyncGroupRequest:
				return mine(r.MemberID)
			case *kmsg.HeartbeatRequest:
				return mine(r.MemberID)
			}
			return false
		},
	})
}

// starts returns how often everything that runs on w now was started.
func (p *plant) starts(w *worker) map[assign.TaskID]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[assign.TaskID]int{}
	for id, by := range p.running {
		if by == w {
			out[id] = p.moved[id]
		}
	}
	return out
}

// members returns the number of members that the broker knows.
func (p *plant) members(by *worker) int {
	p.Helper()
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{"connect-cluster"}
	resp, err := req.RequestWith(p.Context(), by.client)
	if err != nil {
		p.Fatal(err)
	}
	return len(resp.Groups[0].Members)
}

// sleep lets protocol time pass.
func (p *plant) sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// settled checks that the live workers run all that is configured, evenly, and
// agree on one leader and generation.
func (p *plant) settled(live ...*worker) {
	p.Helper()
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	want := map[assign.TaskID]bool{}
	for c, n := range p.connectors {
		for i := connectorTask; i < n; i++ {
			want[assign.TaskID{Connector: c, Task: i}] = true
		}
	}
	loads := map[*worker]int{}
	for id, by := range p.running {
		if !want[id] || !slices.Contains(live, by) {
			p.Errorf("%s runs on %s", id, by.name)
		}
		delete(want, id)
		if id.Task != connectorTask {
			loads[by]++
		}
	}
	for id := range want {
		p.Errorf("%s does not run", id)
	}
	least, most, leaders := 1<<30, 0, 0
	for _, w := range live {
		least, most = min(least, loads[w]), max(most, loads[w])
		a := w.assignment()
		if a == nil {
			p.Fatalf("%s has no assignment", w.name)
		}
		first := live[0].assignment()
		if a.Generation != first.Generation || a.LeaderID != first.LeaderID || a.LeaderURL != first.LeaderURL || a.ConfigOffset != p.offset {
			p.Errorf("%s and %s disagree: %+v, %+v, config offset %d", w.name, live[0].name, a, first, p.offset)
		}
		if a.Leader {
			leaders++
			for id, by := range p.running {
				url, ok := a.TaskOwner(id)
				if id.Task == connectorTask {
					url, ok = a.ConnectorOwner(id.Connector)
				}
				if !ok || url != by.m.cfg.URL {
					p.Errorf("the leader knows %q as the owner of %s, which runs on %s", url, id, by.name)
				}
			}
			if len(a.Members()) != len(live) {
				p.Errorf("the leader knows %v", a.Members())
			}
		}
	}
	if leaders != 1 {
		p.Errorf("%d leaders", leaders)
	}
	if most-least > 1 {
		p.Errorf("uneven loads, from %d to %d tasks", least, most)
	}
}
