package main

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/test/vectors"
)

// sink is a sink that reports what it gets. A rejecting one hands every record
// to the errors policy.
func (c *channel) sink(class string, rejecting bool) connect.SinkPlugin {
	return connect.SinkPlugin{
		Class: integration + class, Version: version, Config: noProperties,
		Open: func(_ context.Context, h connect.Host, p connect.Props) (connect.Connector, error) {
			return c.open(h.Name(), p, "")
		},
		OpenTask: func(_ context.Context, h connect.SinkHost, p connect.Props) (connect.SinkTask, error) {
			t := &told{c: c, host: h, at: event{Connector: p["connector.name"], Task: p["task.id"]}, since: map[connect.TopicPartition]int{}}
			t.tell("task.start")
			if rejecting {
				return rejects{t, newRejecter(h)}, nil
			}
			return t, nil
		},
		AlterOffsets: func(_ context.Context, p connect.Props, _ map[connect.TopicPartition]*int64) (bool, error) {
			return isTrue(p["alter.offsets.result"]), nil
		},
	}
}

// A told task tells the test all it is told.
type told struct {
	c     *channel
	host  connect.SinkHost
	at    event                          // of the task, to copy
	since map[connect.TopicPartition]int // records since the last commit
}

func (t *told) tell(kind string) {
	e := t.at
	e.Kind = kind
	t.c.tell(e)
}

func (t *told) send(e event) {
	e.Connector, e.Task = t.at.Connector, t.at.Task
	t.c.send(e)
}

// Put reports every record.
func (t *told) Put(_ context.Context, batch []connect.SinkRecord) error {
	for i := range batch {
		r := &batch[i]
		r0 := vectors.Record{Record: r.Record, Kind: "sink", TimestampType: timestampType(r.TimestampType)}
		r0.Headers = slices.Clone(r.Headers)
		t.send(event{Kind: "record", Record: &r0})
		t.count(r)
	}
	return nil
}

func (t *told) count(r *connect.SinkRecord) {
	t.since[connect.TopicPartition{Topic: r.Topic, Partition: r.Partition}]++
}

func timestampType(t int8) string {
	switch t {
	case 0:
		return "CreateTime"
	case 1:
		return "LogAppendTime"
	}
	return "NoTimestampType"
}

// PreCommit reports what is committed.
func (t *told) PreCommit(_ context.Context, upTo map[connect.TopicPartition]int64) (map[connect.TopicPartition]int64, error) {
	t.send(event{Kind: "partitions.committed", Partitions: partitions(slices.Collect(maps.Keys(upTo)))})
	for tp := range upTo {
		if n := t.since[tp]; n > 0 {
			t.send(event{Kind: "commits", N: n})
			t.since[tp] = 0
		}
	}
	return upTo, nil
}

// Assigned reports partitions that come.
func (t *told) Assigned(_ context.Context, p []connect.TopicPartition) error {
	t.send(event{Kind: "partitions.assigned", Partitions: partitions(p)})
	return nil
}

// Revoked reports partitions that go.
func (t *told) Revoked(_ context.Context, p []connect.TopicPartition) error {
	t.send(event{Kind: "partitions.revoked", Partitions: partitions(p)})
	for _, tp := range p {
		delete(t.since, tp)
	}
	return nil
}

// Close reports the stop.
func (t *told) Close() error {
	t.tell("task.stop")
	return nil
}

// A rejects task rejects every record: those at even offsets at once, the
// others from a goroutine, so that rejections come out of order.
type rejects struct {
	*told
	later *rejecter
}

// Put rejects every record.
func (t rejects) Put(_ context.Context, batch []connect.SinkRecord) error {
	for i := range batch {
		r := &batch[i]
		t.send(event{Kind: "records", N: 1})
		t.count(r)
		if r.Offset%2 != 0 {
			t.later.queue <- *r
			continue
		}
		if err := t.host.Reject(r, errErrant); err != nil {
			return err
		}
	}
	return nil
}

// Close waits for the rejections that are under way.
func (t rejects) Close() error {
	close(t.later.queue)
	<-t.later.ended
	return nil
}

var errErrant = errors.New("an errant record")

type rejecter struct {
	queue chan connect.SinkRecord
	ended chan struct{}
}

func newRejecter(h connect.SinkHost) *rejecter {
	r := &rejecter{queue: make(chan connect.SinkRecord, 1000), ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		for rec := range r.queue {
			_ = h.Reject(&rec, errErrant) // what is not tolerated shows in the even ones
		}
	}()
	return r
}
