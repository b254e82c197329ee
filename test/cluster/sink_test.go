package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A sinkTask keeps what it is given until it is flushed, as a sink with a buffer
// does: what it loses with a crash must come again.
type sinkTask struct {
	*run
	host   connect.SinkHost
	owned  map[connect.TopicPartition]bool
	buffer []record
}

func (p *plant) sinkPlugin(n *node) connect.SinkPlugin {
	return connect.SinkPlugin{
		Class: "test.SinkConnector", Version: "1",
		Open: func(_ context.Context, _ connect.Host, props connect.Props) (connect.Connector, error) {
			return division(props), nil
		},
		OpenTask: func(ctx context.Context, h connect.SinkHost, props connect.Props) (connect.SinkTask, error) {
			if due(&p.faults.hangOpen) {
				time.Sleep(hang)
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return &sinkTask{run: p.begin(ctx, n, h.Name()+"/"+props["task"]), host: h, owned: map[connect.TopicPartition]bool{}}, nil
		},
	}
}

func (t *sinkTask) Put(ctx context.Context, batch []connect.SinkRecord) error {
	t.under(ctx)
	defer t.enter("Put")()
	if len(batch) > 0 {
		if due(&t.p.faults.hangPut) {
			time.Sleep(hang)
		}
		if due(&t.p.faults.retryPut) {
			return connect.Retry(errors.New("not now"), 3*time.Second)
		}
	}
	for i := range batch {
		r := &batch[i]
		if !t.owned[*r.Original] {
			t.p.never("sink %s is given a record of %v, which it does not have", t.id, *r.Original)
		}
		t.buffer = append(t.buffer, record{r.Original.Topic, r.Original.Partition, r.Offset})
	}
	return nil
}

func (t *sinkTask) Flush(context.Context, map[connect.TopicPartition]int64) error {
	defer t.enter("Flush")()
	if due(&t.p.faults.failFlush) {
		t.buffer = nil // lost
		return errors.New("the disk is full")
	}
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	for _, r := range t.buffer {
		t.p.written[r] = true
	}
	t.buffer = nil
	return nil
}

func (t *sinkTask) Assigned(_ context.Context, parts []connect.TopicPartition) error {
	defer t.enter("Assigned")()
	for _, tp := range parts {
		if t.owned[tp] {
			t.p.never("sink %s gets %v, which it has", t.id, tp)
		}
		t.owned[tp] = true
	}
	if got := t.host.Assignment(); len(got) != len(t.owned) {
		t.p.never("sink %s has %v, and the host says %v", t.id, t.owned, got)
	}
	return nil
}

func (t *sinkTask) Revoked(_ context.Context, parts []connect.TopicPartition) error {
	defer t.enter("Revoked")()
	for _, tp := range parts {
		if !t.owned[tp] {
			t.p.never("sink %s loses %v, which it does not have", t.id, tp)
		}
		delete(t.owned, tp)
		t.buffer = slices.DeleteFunc(t.buffer, func(r record) bool { return r.topic == tp.Topic && r.partition == tp.Partition })
	}
	return nil
}

func (t *sinkTask) Close() error {
	defer t.enter("Close")()
	if due(&t.p.faults.hangClose) {
		time.Sleep(hang)
	}
	return nil
}

// produce writes n records for sinks.
func (p *plant) produce(n int) {
	p.Helper()
	for i := range n {
		p.client.Produce(p.Context(), kgo.StringRecord(fmt.Sprint(i)), nil) // a fault may hit one
	}
	if err := p.client.Flush(p.Context()); err != nil {
		p.Fatal(err)
	}
}

// produced returns how many records there are for sinks.
func (p *plant) produced() (n int) {
	p.Helper()
	var ends kadm.ListedOffsets
	p.eventually("an answer", func() (ok bool) { // a fault may hit this client too
		var err error
		ends, err = kadm.NewClient(p.client).ListEndOffsets(p.Context(), "in")
		return err == nil && ends.Error() == nil
	})
	ends.Each(func(o kadm.ListedOffset) { n += int(o.Offset) })
	return n
}

// checkSink holds the committed offsets of a sink against what it has written.
func (p *plant) checkSink(name string) {
	p.Helper()
	committed := p.committed(name)
	p.mu.Lock()
	written := maps.Clone(p.written)
	p.mu.Unlock()
	for c := range committed {
		for n := range c.offset {
			if !written[record{c.topic, c.partition, n}] {
				p.Errorf("sink %s has committed %d of %s-%d, but never wrote record %d", name, c.offset, c.topic, c.partition, n)
				break
			}
		}
	}
}

// drained tells that a sink has committed all records.
func (p *plant) drained(name string) func() bool {
	n := p.produced()
	return func() bool {
		sum := 0
		for c := range p.committed(name) {
			sum += int(c.offset)
		}
		return sum == n
	}
}

func TestSinkMoves(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.join("a", nil)
		p.put("snk", connect.Props{"connector.class": "test.SinkConnector", "tasks.max": "3", "topics": "in"})
		p.eventually("tasks", p.running("snk", 3))
		p.produce(1000)
		p.join("b", nil)
		p.produce(1000)
		p.eventually("all records", p.drained("snk"))
		p.crash("a")
		p.produce(1000)
		p.eventually("all records", p.drained("snk"))
		p.checkSink("snk")
	})
}

// A flush that fails when the task pauses loses what the task had: it is read
// again when the task goes on, and nothing is committed of it before.
func TestFlushFailsAtPause(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.join("a", nil)
		p.put("snk", connect.Props{"connector.class": "test.SinkConnector", "topics": "in"})
		p.eventually("the task", p.running("snk", 1))
		p.produce(100)
		time.Sleep(100 * time.Millisecond) // less than a flush interval
		p.faults.failFlush.Add(1)
		p.ask(func(ctx context.Context, n *node) error { return n.Pause(ctx, "snk") })
		time.Sleep(10 * time.Second)
		if p.faults.failFlush.Load() != 0 {
			t.Error("the task was not flushed when it paused")
		}
		p.checkSink("snk")
		p.ask(func(ctx context.Context, n *node) error { return n.Resume(ctx, "snk") })
		p.eventually("all records", p.drained("snk"))
		p.checkSink("snk")
	})
}
