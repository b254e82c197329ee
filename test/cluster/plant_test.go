// Package cluster runs groups of whole workers against a fake broker, in fake
// time and in a network that can be cut, and checks what holds whatever happens:
// no record is lost, no offset is committed too early, no task runs twice.
package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
	_ "github.com/millwright-connect/millwright/connectors/converters"
	"github.com/millwright-connect/millwright/worker"
	"github.com/millwright-connect/millwright/worker/config"
	"github.com/millwright-connect/millwright/worker/kafka"
)

const broker = "127.0.0.1:9092"

// A plant is a broker, workers, and the connectors of the tests.
type plant struct {
	*testing.T
	net    kfake.VirtualNetwork
	broker *kfake.Cluster
	client *kgo.Client // the test's own
	began  time.Time
	faults faults

	mu      sync.Mutex
	workers map[string]*node
	all     map[string]*node // those that have ended too
	runs    []*run           // of tasks, all that ever were
	written map[record]bool  // what sinks have made durable
	wrong   []string         // what must never happen and did
}

// A run is one life of a task.
type run struct {
	p      *plant
	n      *node
	id     string          // connector/task
	ctx    context.Context //nolint:containedctx // of its last call: it ends when the task is told to stop
	busy   bool
	closed bool
}

// begin notes a task that opens. It must be the only one, but for those that
// were told to stop, and those on a machine that is cut off or was until lately.
func (p *plant) begin(ctx context.Context, n *node, id string) *run {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &run{p: p, n: n, id: id, ctx: ctx}
	for _, o := range p.runs {
		if o.id == id && !o.closed && o.ctx.Err() == nil && !o.n.lately() && !n.lately() {
			p.wrong = append(p.wrong, fmt.Sprintf("%v: task %s opens on %s while it runs on %s", time.Since(p.began), id, n.name, o.n.name))
		}
	}
	p.runs = append(p.runs, r)
	return r
}

// under notes the context that the task is told to stop with.
func (r *run) under(ctx context.Context) {
	r.p.mu.Lock()
	defer r.p.mu.Unlock()
	r.ctx = ctx
}

// enter checks that a task's methods are called one at a time, and not after
// its end.
func (r *run) enter(what string) (leave func()) {
	r.p.mu.Lock()
	defer r.p.mu.Unlock()
	if r.closed || r.busy {
		r.p.wrong = append(r.p.wrong, fmt.Sprintf("%v: %s: %s after its end, or beside another call", time.Since(r.p.began), r.id, what))
	}
	r.busy = true
	return func() {
		r.p.mu.Lock()
		defer r.p.mu.Unlock()
		r.busy = false
		r.closed = r.closed || what == "Close"
	}
}

type record struct {
	topic     string
	partition int32
	offset    int64
}

// A node is a machine with one worker.
type node struct {
	*worker.Worker
	p      *plant
	name   string
	cancel context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex
	cut   bool
	whole time.Time // when it was plugged in again
	conns map[net.Conn]bool
}

// lately tells that the node is cut off, or was so lately that it may not know
// yet that its group has gone on without it.
func (n *node) lately() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cut || time.Since(n.whole) < time.Minute
}

func (n *node) dial(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	cut := n.cut
	n.mu.Unlock()
	if cut {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	if strings.HasPrefix(address, n.name+":") {
		address = broker
	}
	c, err := n.p.net.DialContext(ctx, network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns[c] = true
	return c, nil
}

// unplug cuts the node off: what it sends from now on reaches nobody.
func (n *node) unplug() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut = true
	for c := range n.conns {
		c.Close()
	}
	clear(n.conns)
}

func (n *node) plug() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut, n.whole = false, time.Now()
}

// inPlant runs f in a bubble of fake time.
func inPlant(t *testing.T, f func(p *plant)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &plant{T: t, began: time.Now(), workers: map[string]*node{}, all: map[string]*node{}, written: map[record]bool{}}
		var err error
		p.broker, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(9092), kfake.ListenFn(p.net.Listen), kfake.SeedTopics(4, "in"), kfake.SeedTopics(2, "out"))
		if err != nil {
			t.Fatal(err)
		}
		defer p.broker.Close()
		kafka.Dial = func(ctx context.Context, bootstrap []string, network, address string) (net.Conn, error) {
			name, _, _ := strings.Cut(bootstrap[0], ":")
			p.mu.Lock()
			n := p.all[name]
			p.mu.Unlock()
			return n.dial(ctx, network, address)
		}
		if p.client, err = kgo.NewClient(kgo.SeedBrokers(broker), kgo.Dialer(p.net.DialContext), kgo.DefaultProduceTopic("in"), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()), kgo.DisableClientMetrics()); err != nil {
			t.Fatal(err)
		}
		defer p.client.Close()
		defer func() {
			for _, name := range slices.Sorted(maps.Keys(p.workers)) {
				p.leave(name)
			}
			time.Sleep(2 * hang) // for those that were abandoned
			p.checkClosed()
			for _, w := range p.wrong {
				t.Error(w)
			}
		}()
		f(p)
	})
}

// never notes what must not happen.
func (p *plant) never(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrong = append(p.wrong, fmt.Sprintf("%v: ", time.Since(p.began))+fmt.Sprintf(format, args...))
}

func (p *plant) plugins(n *node) *connect.Plugins {
	var ps connect.Plugins
	for _, class := range []string{"org.apache.kafka.connect.storage.StringConverter", "org.apache.kafka.connect.converters.ByteArrayConverter"} {
		c, ok := connect.Registered.Converters.Find(class)
		if !ok {
			p.Fatal("no", class)
		}
		ps.Add(c)
	}
	h, ok := connect.Registered.HeaderConverters.Find("org.apache.kafka.connect.storage.SimpleHeaderConverter")
	if !ok {
		p.Fatal("no header converter")
	}
	ps.Add(h)
	ps.Add(p.sourcePlugin(n))
	ps.Add(p.sinkPlugin(n))
	return &ps
}

// join starts a worker and waits until it can answer.
func (p *plant) join(name string, props connect.Props) *node {
	p.Helper()
	all := connect.Props{
		"bootstrap.servers": name + ":9092", "group.id": "plant",
		"config.storage.topic": "configs", "offset.storage.topic": "offsets", "status.storage.topic": "statuses",
		"config.storage.replication.factor": "1", "offset.storage.replication.factor": "1", "status.storage.replication.factor": "1",
		"offset.storage.partitions": "2", "status.storage.partitions": "2",
		"key.converter": "org.apache.kafka.connect.storage.StringConverter", "value.converter": "org.apache.kafka.connect.storage.StringConverter",
		"offset.flush.interval.ms": "1000", "scheduled.rebalance.max.delay.ms": "10000", "connector.client.config.override.policy": "All",
		// kfake miscounts the joining members when one that waits in SyncGroup
		// dies, and waits out the rebalance timeout, which it starts anew at each
		// repeated JoinGroup: so keep the one short, and repeat late.
		"rebalance.timeout.ms": "20000", "session.timeout.ms": "10000", "heartbeat.interval.ms": "3000", "request.timeout.ms": "120000",
		"consumer.max.poll.interval.ms": "20000", "consumer.session.timeout.ms": "10000", "consumer.request.timeout.ms": "120000",
	}
	maps.Copy(all, props)
	n := &node{p: p, name: name, done: make(chan struct{}), conns: map[net.Conn]bool{}}
	plugins := p.plugins(n)
	s, err := config.ParseWorker(all, config.Distributed, plugins)
	if err != nil {
		p.Fatal(err)
	}
	level := slog.LevelError + 4
	if os.Getenv("DEBUG") != "" {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(p.Output(), &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.String("t", name+" "+time.Since(p.began).String())
		}
		return a
	}}))
	n.Worker = worker.New(worker.Options{Settings: s, Plugins: plugins, Log: log, URL: "http://" + name + ":8083/", WorkerID: name + ":8083", Peers: peers{p}})
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel = cancel
	p.mu.Lock()
	p.workers[name], p.all[name] = n, n
	p.mu.Unlock()
	go func() {
		defer close(n.done)
		if err := n.Run(ctx); err != nil && ctx.Err() == nil {
			p.never("worker %s ended: %v", name, err)
		}
	}()
	select {
	case <-n.Started():
	case <-n.done:
	}
	return n
}

// leave ends a worker in good order.
func (p *plant) leave(name string) {
	p.mu.Lock()
	n := p.workers[name]
	p.mu.Unlock()
	if n == nil {
		return
	}
	n.cancel()
	<-n.done
	n.unplug() // the process ends, and so does what was abandoned
	p.mu.Lock()
	delete(p.workers, name)
	p.mu.Unlock()
}

// crash cuts a worker off and ends it: nothing of its end reaches the others.
func (p *plant) crash(name string) {
	p.mu.Lock()
	n := p.workers[name]
	p.mu.Unlock()
	n.unplug()
	p.leave(name)
}

// any returns a worker that lives.
func (p *plant) any() *node {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.workers[slices.Sorted(maps.Keys(p.workers))[0]]
}

// checkClosed is called when all workers have ended.
func (p *plant) checkClosed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.runs {
		if !r.closed {
			p.Errorf("task %s on %s was not closed", r.id, r.n.name)
		}
	}
}

// peers carries requests between workers.
type peers struct{ p *plant }

func (ps peers) at(url string) (*node, error) {
	name, _, _ := strings.Cut(strings.TrimPrefix(url, "http://"), ":")
	ps.p.mu.Lock()
	defer ps.p.mu.Unlock()
	n := ps.p.workers[name]
	if n != nil {
		n.mu.Lock()
		defer n.mu.Unlock()
		if !n.cut {
			return n, nil
		}
	}
	return nil, errors.New("no worker answers at " + url)
}

func (ps peers) PutTasks(ctx context.Context, url, connector string, tasks []connect.Props) error {
	n, err := ps.at(url)
	if err != nil {
		return err
	}
	return n.PutTasks(ctx, connector, tasks)
}

func (ps peers) Fence(ctx context.Context, url, connector string) error {
	n, err := ps.at(url)
	if err != nil {
		return err
	}
	return n.Fence(ctx, connector)
}

// ask has the request carried out by whoever can, as REST forwarding does.
func (p *plant) ask(f func(ctx context.Context, n *node) error) {
	p.Helper()
	p.eventually("the request to be carried out", func() bool {
		p.mu.Lock()
		nodes := slices.SortedFunc(maps.Values(p.workers), func(a, b *node) int { return cmp.Compare(a.name, b.name) })
		p.mu.Unlock()
		for _, n := range nodes {
			ctx, cancel := context.WithTimeout(p.Context(), 90*time.Second)
			err := f(ctx, n)
			cancel()
			if err == nil {
				return true
			}
			p.Logf("%v: %s: %v", time.Since(p.began), n.name, err)
		}
		return false
	})
}

func (p *plant) put(name string, props connect.Props) {
	p.Helper()
	all := connect.Props{"name": name}
	maps.Copy(all, props)
	p.ask(func(ctx context.Context, n *node) error { _, _, err := n.PutConfig(ctx, name, all); return err })
}

// eventually waits, in fake time, for what must come.
func (p *plant) eventually(what string, ok func() bool) {
	p.Helper()
	for deadline := time.Now().Add(15 * time.Minute); !ok(); time.Sleep(500 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.Fatalf("%v: waited in vain for %s; %v", time.Since(p.began), what, p.wrong)
		}
	}
}

// running tells that the status topic says so of a connector and its tasks. A
// task that is no more may have a status until the next rebalance, as in Java.
func (p *plant) running(name string, tasks int) func() bool {
	return func() bool {
		s, err := p.any().Status(name)
		if err != nil || s.Connector.State != "RUNNING" || len(s.Tasks) < tasks {
			return false
		}
		return !slices.ContainsFunc(s.Tasks, func(t worker.TaskState) bool { return (t.State == "RUNNING") != (t.ID < tasks) })
	}
}

// topic returns the values of a topic, by how often they are there.
func (p *plant) topic(name string) map[string]int {
	p.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.Dialer(p.net.DialContext), kgo.ConsumeTopics(name), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableClientMetrics())
	if err != nil {
		p.Fatal(err)
	}
	defer cl.Close()
	var ends kadm.ListedOffsets
	p.eventually("an answer", func() (ok bool) {
		ends, err = kadm.NewClient(cl).ListEndOffsets(p.Context(), name)
		return err == nil && ends.Error() == nil
	})
	left := int64(0)
	ends.Each(func(o kadm.ListedOffset) { left += o.Offset })
	got := map[string]int{}
	for left > 0 {
		fs := cl.PollFetches(p.Context())
		fs.EachRecord(func(r *kgo.Record) { got[string(r.Value)]++; left-- })
	}
	return got
}

// committed returns what a sink's group has committed.
func (p *plant) committed(connector string) map[record]bool {
	p.Helper()
	var offsets kadm.OffsetResponses
	p.eventually("an answer", func() (ok bool) {
		var err error
		offsets, err = kadm.NewClient(p.client).FetchOffsets(p.Context(), "connect-"+connector)
		return err == nil && offsets.Error() == nil
	})
	m := map[record]bool{}
	offsets.Each(func(o kadm.OffsetResponse) {
		if o.Err == nil && o.At >= 0 {
			m[record{o.Topic, o.Partition, o.At}] = true
		}
	})
	return m
}
