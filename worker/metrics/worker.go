// Package metrics counts what a worker, its connectors, its tasks and its Kafka
// clients do, and shows the counters to Prometheus under the names that the
// dashboards of Apache Kafka Connect ask for.
//
// Counters are atomics, or are noted once per batch; all else (rates, windows,
// names) happens when Prometheus scrapes. It imports prometheus/client_golang
// only.
package metrics

import (
	"sync"
	"sync/atomic"
	"time"
)

// A Worker holds the counters of one worker. Its methods may be called from any
// goroutine.
type Worker struct {
	born time.Time

	mu         sync.Mutex
	connectors map[string]*Connector
	tasks      map[taskKey]*Task
	clients    map[*Client]bool

	clientID string // of the worker's group member

	connectorStarts, taskStarts starts
	rebalance                   rebalance
}

type taskKey struct {
	connector string
	task      int
}

// NewWorker returns counters at zero.
func NewWorker() *Worker {
	return &Worker{born: time.Now(), connectors: map[string]*Connector{}, tasks: map[taskKey]*Task{}, clients: map[*Client]bool{}}
}

// Identify says which client id the worker's group member has:
// connect-HOST:PORT, unless client.id says otherwise.
func (w *Worker) Identify(clientID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clientID = clientID
}

// ClientID returns what Identify was called with.
func (w *Worker) ClientID() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clientID
}

// Task begins the metrics of a task, in place of an earlier one of its name.
func (w *Worker) Task(connector string, task int, info TaskInfo) *Task {
	t := &Task{connector: connector, id: task, info: info, born: time.Now(), worker: w}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tasks[taskKey{connector, task}] = t
	return t
}

// A Connector is the state of one connector.
type Connector struct {
	name   string
	source bool
	plugin Plugin
	worker *Worker
	state  states
	gauges gauges
}

// Connector begins the metrics of a connector, in place of an earlier one of
// its name.
func (w *Worker) Connector(name string, source bool, plugin Plugin) *Connector {
	c := &Connector{name: name, source: source, plugin: plugin, worker: w}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.connectors[name] = c
	return c
}

// Is sets the connector's state. The first Running is a start that succeeded,
// a Failed before it one that did not.
func (c *Connector) Is(s State) {
	c.state.set(s)
	if (s == Running || s == Failed) && c.state.first() {
		c.worker.connectorStarts.note(s == Running)
	}
}

// Close ends the connector's metrics.
func (c *Connector) Close() {
	c.worker.mu.Lock()
	defer c.worker.mu.Unlock()
	if c.worker.connectors[c.name] == c {
		delete(c.worker.connectors, c.name)
	}
}

// ConnectorStarted says that a connector runs.
func (w *Worker) ConnectorStarted(name string) { w.connectorIs(name, Running) }

// ConnectorFailed says that a connector has failed.
func (w *Worker) ConnectorFailed(name string) { w.connectorIs(name, Failed) }

func (w *Worker) connectorIs(name string, s State) {
	w.mu.Lock()
	c := w.connectors[name]
	w.mu.Unlock()
	if c != nil {
		c.Is(s)
	} else if s == Failed {
		w.connectorStarts.note(false) // it never came as far as having metrics
	}
}

// starts counts starts and how they went.
type starts struct {
	success, failure atomic.Int64
	recent           share
}

func (s *starts) note(ok bool) {
	if ok {
		s.success.Add(1)
	} else {
		s.failure.Add(1)
	}
	s.recent.note(ok)
}

// An Assignment is what a rebalance ended in.
type Assignment struct {
	Leader            string // URL of the leader
	Protocol          string // eager, compatible or sessioned
	Generation        int
	Connectors, Tasks int // of this worker
}

// rebalance is the state of the worker's group.
type rebalance struct {
	mu    sync.Mutex
	began time.Time // zero: none is going on
	ended time.Time // zero: there was none
	last  Assignment
	count int64
	took  window
}

// RebalanceStarted says that the worker waits for a new assignment.
func (w *Worker) RebalanceStarted() {
	w.rebalance.mu.Lock()
	defer w.rebalance.mu.Unlock()
	if w.rebalance.began.IsZero() {
		w.rebalance.began = time.Now()
	}
}

// RebalanceDone says that the worker has a new assignment.
func (w *Worker) RebalanceDone(a Assignment) {
	w.rebalance.mu.Lock()
	defer w.rebalance.mu.Unlock()
	r := &w.rebalance
	r.ended, r.last = time.Now(), a
	if !r.began.IsZero() {
		r.took.noteTime(r.ended.Sub(r.began))
	}
	r.count++
	r.began = time.Time{}
}

// A ClientKind is the kind of a Kafka client, as metrics name it.
type ClientKind string

// The kinds of clients.
const (
	ProducerClient ClientKind = "producer"
	ConsumerClient ClientKind = "consumer"
	AdminClient    ClientKind = "admin_client"
	WorkerClient   ClientKind = "connect" // of the worker itself
)

// A Client counts the traffic of one Kafka client.
type Client struct {
	Connections         atomic.Int64 // open now
	Connects, Closes    atomic.Int64
	Requests, Responses atomic.Int64
	BytesOut, BytesIn   atomic.Int64

	kind   ClientKind
	id     string
	born   time.Time
	worker *Worker

	requestRate, responseRate, outRate, inRate, connectRate, closeRate rate
}

// Client begins the metrics of a client; Close ends them.
func (w *Worker) Client(kind ClientKind, id string) *Client {
	c := &Client{kind: kind, id: id, born: time.Now(), worker: w}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clients[c] = true
	return c
}

// Close ends the client's metrics.
func (c *Client) Close() {
	c.worker.mu.Lock()
	defer c.worker.mu.Unlock()
	delete(c.worker.clients, c)
}
