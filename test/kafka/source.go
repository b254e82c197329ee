package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

const (
	integration = "org.apache.kafka.connect.integration."
	version     = "some great version"
)

// none declares no properties.
type none struct{}

// Define declares nothing.
func (none) Define(*connect.ConfigDef) {}

func noProperties() connect.Configurable { return none{} }

// source is a source of numbered records that reports what it does.
func (c *channel) source(class string) connect.SourcePlugin {
	return connect.SourcePlugin{
		Class: integration + class, Version: version, Config: noProperties,
		Open: func(_ context.Context, h connect.Host, p connect.Props) (connect.Connector, error) {
			return c.open(h.Name(), p, p["num.tasks"])
		},
		OpenTask: c.openSource,
		ExactlyOnce: func(p connect.Props) (connect.Support, error) {
			return support(p["custom.exactly.once.support"], connect.SupportUnknown, "oops")
		},
		OwnTransactions: func(p connect.Props) (connect.Support, error) {
			return support(p["custom.transaction.boundaries"], connect.Unsupported, "oh no :(")
		},
		AlterOffsets: func(_ context.Context, p connect.Props, _ []connect.PartitionOffset) (bool, error) {
			return isTrue(p["alter.offsets.result"]), nil
		},
	}
}

func isTrue(s string) bool { return strings.EqualFold(s, "true") }

func support(answer string, otherwise connect.Support, failure string) (connect.Support, error) {
	switch strings.ToLower(answer) {
	case "supported":
		return connect.Supported, nil
	case "unsupported":
		return connect.Unsupported, nil
	case "null":
		return connect.SupportUnknown, nil
	case "fail":
		return 0, connect.Failf("%s", failure)
	}
	return otherwise, nil
}

// A reporting connector says when it starts and stops, and fails when its
// properties ask for it.
type reporting struct {
	c     *channel
	name  string
	props connect.Props
	tasks int // -1: as many as allowed
}

func (c *channel) open(name string, p connect.Props, tasks string) (*reporting, error) {
	r := &reporting{c: c, name: name, props: p, tasks: -1}
	c.tell(event{Kind: "connector.start", Connector: name})
	if isTrue(p["connector.start.inject.error"]) {
		_ = r.Close() // what did not start cleans up itself; Java's worker calls stop
		return nil, errors.New("Injecting errors during connector start")
	}
	if tasks != "" {
		var err error
		if r.tasks, err = strconv.Atoi(tasks); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Tasks adds to the connector's properties the names of the connector and the task.
func (r *reporting) Tasks(_ context.Context, most int) ([]connect.Props, error) {
	if r.tasks >= 0 {
		most = r.tasks
	}
	tasks := make([]connect.Props, most)
	for i := range tasks {
		tasks[i] = maps.Clone(r.props)
		tasks[i]["connector.name"], tasks[i]["task.id"] = r.name, fmt.Sprintf("%s-%d", r.name, i)
	}
	return tasks, nil
}

// Close reports the stop.
func (r *reporting) Close() error {
	r.c.tell(event{Kind: "connector.stop", Connector: r.name})
	if isTrue(r.props["connector.stop.inject.error"]) {
		return errors.New("Injecting errors during connector stop")
	}
	return nil
}

// A numbered task counts from its last committed number on.
type numbered struct {
	c           *channel
	at          event // of the task, to copy
	id, topic   string
	source      *connect.SourcePartition
	batch       int64
	rate        int64 // records per second; below 0: as fast as can be
	most        int64
	first, last int64 // numbers
	began       time.Time
	prior, next int64 // transaction boundaries: Fibonacci's numbers
}

func (c *channel) openSource(ctx context.Context, h connect.SourceHost, p connect.Props) (connect.SourceTask, error) {
	t := &numbered{
		c: c, id: p["task.id"], topic: "sequential-topic", at: event{Connector: p["connector.name"], Task: p["task.id"]},
		began: time.Now(), next: 1,
	}
	if topic, ok := p["topic"]; ok {
		t.topic = topic
	}
	var err error
	if t.source, err = connect.NewSourcePartition(connect.Object{"task.id": t.id}); err != nil {
		return nil, err
	}
	for _, n := range []struct {
		property  string
		otherwise int64
		into      *int64
	}{{"messages.per.poll", 1, &t.batch}, {"throughput", -1, &t.rate}, {"max.messages", 1<<63 - 1, &t.most}} {
		*n.into = n.otherwise
		if s, ok := p[n.property]; ok {
			if *n.into, err = strconv.ParseInt(s, 10, 64); err != nil {
				return nil, err
			}
		}
	}
	offset, err := h.Offset(ctx, t.source)
	if err != nil {
		return nil, err
	}
	t.first, _ = offset["saved"].(int64)
	t.last = t.first
	t.tell("task.start")
	if isTrue(p["task-"+t.id+".start.inject.error"]) {
		_ = t.Close() // as above
		return nil, errors.New("Injecting errors during task start")
	}
	t.boundary()
	return t, nil
}

func (t *numbered) tell(kind string) {
	e := t.at
	e.Kind = kind
	t.c.tell(e)
}

func (t *numbered) count(kind string, n int) {
	e := t.at
	e.Kind, e.N = kind, n
	t.c.send(e)
}

// Poll returns the next records, at the pace that was asked for.
func (t *numbered) Poll(ctx context.Context, dst []connect.SourceRecord) ([]connect.SourceRecord, error) {
	if !t.due(ctx) {
		return dst, nil
	}
	n := min(t.most-t.last, t.batch)
	t.count("records", int(n))
	for range n {
		t.last++
		no := strconv.FormatInt(t.last, 10)
		r := connect.NewSourceRecord(t.topic, t.source, connect.Object{"saved": t.last}, text("key-"+t.id+"-"+no), text("value-"+t.id+"-"+no))
		r.Headers = []connect.Header{{Key: "header-" + no, Value: data.Datum{Schema: data.Of(data.Int64), Value: data.I64(t.last)}}}
		if t.last == t.next {
			r.Boundary = connect.CommitAfter
			if t.last%2 == 0 {
				r.Boundary = connect.AbortAfter
			}
			t.boundary()
		}
		dst = append(dst, r)
	}
	return dst, nil
}

func text(s string) data.Datum { return data.Datum{Schema: data.Of(data.String), Value: data.Str(s)} }

// due waits until the next records may be returned, and reports false when
// there are none any more.
func (t *numbered) due(ctx context.Context) bool {
	if t.last >= t.most || t.rate == 0 {
		<-ctx.Done()
		return false
	}
	if t.rate < 0 {
		return true
	}
	at := t.began.Add(time.Duration(float64(t.last-t.first) / float64(t.rate) * float64(time.Second)))
	select {
	case <-time.After(time.Until(at)):
		return true
	case <-ctx.Done():
		return false
	}
}

// boundary finds the next end of a transaction.
func (t *numbered) boundary() {
	for t.next <= t.last {
		t.next, t.prior = t.next+t.prior, t.next
	}
}

// CommitRecord reports an acknowledged record.
func (t *numbered) CommitRecord(*connect.SourceRecord, connect.Metadata) error {
	t.count("commits", 1)
	return nil
}

// Close reports the stop.
func (t *numbered) Close() error {
	t.tell("task.stop")
	return nil
}
