package cluster

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// faults is what the connectors of the tests do wrong at the moment. Each is a
// number of times.
type faults struct {
	hangPoll, hangPut, hangOpen, hangClose atomic.Int32 // wait longer than a graceful stop
	retryPoll, retryPut                    atomic.Int32
	failFlush                              atomic.Int32
}

func due(n *atomic.Int32) bool {
	for {
		v := n.Load()
		if v <= 0 {
			return false
		}
		if n.CompareAndSwap(v, v-1) {
			return true
		}
	}
}

// hang is longer than a graceful stop, and deaf.
const hang = 20 * time.Second

// A sourceTask gives numbers, a few each time, and remembers them in its offset.
type sourceTask struct {
	*run
	source *connect.SourcePartition
	next   int64
}

func (p *plant) sourcePlugin(n *node) connect.SourcePlugin {
	return connect.SourcePlugin{
		Class: "test.SourceConnector", Version: "1",
		Open: func(_ context.Context, _ connect.Host, props connect.Props) (connect.Connector, error) {
			return division(props), nil
		},
		OpenTask: func(ctx context.Context, h connect.SourceHost, props connect.Props) (connect.SourceTask, error) {
			if due(&p.faults.hangOpen) {
				time.Sleep(hang)
			}
			source, err := connect.NewSourcePartition(connect.Object{"task": props["task"]})
			if err != nil {
				return nil, err
			}
			t := &sourceTask{source: source}
			o, err := h.Offset(ctx, source)
			if err != nil {
				return nil, err
			}
			if o != nil {
				t.next, _ = o["next"].(int64)
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			t.run = p.begin(ctx, n, h.Name()+"/"+props["task"])
			return t, nil
		},
	}
}

// division is a connector that numbers its tasks.
type division connect.Props

func (d division) Tasks(_ context.Context, most int) ([]connect.Props, error) {
	tasks := make([]connect.Props, most)
	for i := range tasks {
		tasks[i] = connect.Props{"task": strconv.Itoa(i), "topics": d["topics"]}
	}
	return tasks, nil
}

func (division) Close() error { return nil }

func (t *sourceTask) Poll(ctx context.Context, dst []connect.SourceRecord) ([]connect.SourceRecord, error) {
	t.under(ctx)
	defer t.enter("Poll")()
	if due(&t.p.faults.hangPoll) {
		time.Sleep(hang)
	}
	if due(&t.p.faults.retryPoll) {
		return dst, connect.Retry(errors.New("not now"), time.Second)
	}
	select {
	case <-ctx.Done():
		return dst, ctx.Err()
	case <-time.After(100 * time.Millisecond):
	}
	for range 1 + t.next%5 {
		dst = append(dst, connect.NewSourceRecord("out", t.source, connect.Object{"next": t.next + 1}, data.Datum{},
			data.Datum{Schema: data.Of(data.String), Value: data.Str(t.id + "/" + strconv.FormatInt(t.next, 10))}))
		t.next++
	}
	return dst, nil
}

func (t *sourceTask) Close() error {
	defer t.enter("Close")()
	if due(&t.p.faults.hangClose) {
		time.Sleep(hang)
	}
	return nil
}

// checkSource holds the committed offsets of a source against its topic.
func (p *plant) checkSource(name string, tasks int) {
	p.Helper()
	w := p.any()
	var at map[string]int64
	p.eventually("offsets of "+name, func() bool {
		offsets, err := w.Offsets(p.Context(), name)
		at = map[string]int64{}
		for _, o := range offsets {
			at[o.Partition["task"].(string)], _ = o.Offset["next"].(int64)
		}
		return err == nil && len(at) >= tasks
	})
	got := p.topic("out") // read after the offsets: what those say must be there
	for task, next := range at {
		for n := range next {
			if got[fmt.Sprintf("%s/%s/%d", name, task, n)] == 0 {
				p.Errorf("source %s, task %s has committed %d, but record %d is not in Kafka", name, task, next, n)
				break
			}
		}
	}
}

func TestSourceMoves(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.join("a", nil)
		p.put("src", connect.Props{"connector.class": "test.SourceConnector", "tasks.max": "3"})
		p.eventually("tasks", p.running("src", 3))
		p.join("b", nil)
		time.Sleep(time.Minute)
		p.checkSource("src", 3)
		p.crash("a")
		time.Sleep(2 * time.Minute)
		p.eventually("tasks", p.running("src", 3))
		p.checkSource("src", 3)
	})
}
