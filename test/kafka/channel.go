package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/test/vectors"
)

// An event is what a test plugin tells the test.
type event struct {
	Kind       string          `json:"e"`
	Worker     string          `json:"w"`
	Connector  string          `json:"connector"`
	Task       string          `json:"task,omitempty"`
	N          int             `json:"n,omitempty"`
	Record     *vectors.Record `json:"record,omitempty"`
	Partitions []partition     `json:"partitions,omitzero"`
}

type partition connect.TopicPartition

// MarshalJSON encodes a partition as [topic, number].
func (p partition) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{p.Topic, p.Partition})
}

func partitions(of []connect.TopicPartition) []partition {
	all := make([]partition, len(of))
	for i, p := range of {
		all[i] = partition(p)
	}
	return all
}

// A channel tells the test what happens in this worker, one event after the
// other. Without an address it drops them, so that the worker can be tried by
// hand.
type channel struct {
	url, worker string
	queue       chan message
	ended       chan struct{}
}

// A message is an event, or the wish to know when all before it have arrived.
type message struct {
	event   event
	arrived chan struct{}
}

// How long a plugin waits for the test to know of an event, and how much is
// sent at once.
const (
	arrival = 10 * time.Second
	atOnce  = 2000
)

func newChannel() *channel {
	c := &channel{
		url: os.Getenv("CONNECT_BRIDGE_URL"), worker: os.Getenv("CONNECT_BRIDGE_WORKER"),
		queue: make(chan message, 20000), ended: make(chan struct{}),
	}
	go c.run()
	return c
}

// send queues an event.
func (c *channel) send(e event) {
	e.Worker = c.worker
	c.queue <- message{event: e}
}

// tell sends an event and waits until it has arrived.
func (c *channel) tell(e event) {
	c.send(e)
	c.flush()
}

func (c *channel) flush() {
	m := message{arrived: make(chan struct{})}
	c.queue <- m
	select {
	case <-m.arrived:
	case <-time.After(arrival):
		fmt.Fprintln(os.Stderr, "bridge: an event takes its time to arrive")
	}
}

func (c *channel) run() {
	for m := range c.queue {
		var (
			events  []event
			waiting []chan struct{}
		)
		for n := 0; ; n++ {
			if m.arrived != nil {
				waiting = append(waiting, m.arrived)
			} else {
				events = joined(events, m.event)
			}
			if n == atOnce || len(c.queue) == 0 {
				break
			}
			m = <-c.queue
		}
		if len(events) > 0 && c.url != "" {
			c.post(events)
		}
		for _, w := range waiting {
			close(w)
		}
	}
}

// joined adds an event, or its count to that of the last one when both are of
// the same kind and task.
func joined(events []event, e event) []event {
	if n := len(events) - 1; n >= 0 && e.N > 0 && events[n].Kind == e.Kind && events[n].Connector == e.Connector && events[n].Task == e.Task {
		events[n].N += e.N
		return events
	}
	return append(events, e)
}

func (c *channel) post(events []event) {
	body, err := json.Marshal(events)
	for try := 0; err == nil && try < 3; try++ {
		if err = c.request(body); err == nil {
			return
		}
	}
	fmt.Fprintln(os.Stderr, "bridge:", err)
}

func (c *channel) request(body []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*arrival)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"events", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusNoContent {
		return fmt.Errorf("%s from the test", res.Status)
	}
	return nil
}
