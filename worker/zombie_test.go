package worker_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// A counter is a source of numbers that can turn deaf: it then sleeps through
// its graceful stop, and gives what it has all the same.
type counter struct {
	source *connect.SourcePartition
	topic  string
	next   int64
	told   int64 // of CommitRecord: numbers written, in order
}

// deaf is how many polls still turn deaf; slept counts those that did.
var deaf, slept, misled atomic.Int32

func init() {
	connect.Register(connect.SourcePlugin{
		Class: "test.CounterConnector", Version: "1",
		ExactlyOnce:     func(connect.Props) (connect.Support, error) { return connect.Supported, nil },
		OwnTransactions: func(connect.Props) (connect.Support, error) { return connect.Supported, nil },
		OpenTask: func(ctx context.Context, h connect.SourceHost, p connect.Props) (connect.SourceTask, error) {
			source, err := connect.NewSourcePartition(connect.Object{"the": "only"})
			if err != nil {
				return nil, err
			}
			c := &counter{source: source, topic: p["topic"]}
			o, err := h.Offset(ctx, source)
			if o != nil {
				c.next, _ = o["next"].(int64)
			}
			c.told = c.next
			return c, err
		},
	})
}

func (c *counter) Poll(ctx context.Context, dst []connect.SourceRecord) ([]connect.SourceRecord, error) {
	if n := deaf.Add(-1); n >= 0 {
		slept.Add(1)
		time.Sleep(2 * time.Second)
	} else {
		deaf.Add(1)
		select {
		case <-ctx.Done():
			return dst, ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
	for range 50 {
		// A handle for every record, as careless tasks make them.
		source, err := connect.NewSourcePartition(c.source.Fields)
		if err != nil {
			return dst, err
		}
		dst = append(dst, connect.NewSourceRecord(c.topic, source, connect.Object{"next": c.next + 1}, data.Datum{},
			data.Datum{Schema: data.Of(data.String), Value: data.Str(fmt.Sprint(c.next))}))
		c.next++
		if c.next%70 == 0 {
			dst[len(dst)-1].Boundary = connect.CommitAfter
		}
	}
	return dst, nil
}

func (c *counter) CommitRecord(r *connect.SourceRecord, m connect.Metadata) error {
	if s, _ := data.Format(r.Value.Value); s != fmt.Sprint(c.told) || m.Offset < 0 || m.Topic != c.topic {
		misled.Add(1)
	}
	c.told++
	return nil
}

func (c *counter) Close() error { return nil }

// TestZombies abandons tasks in the middle of their work, which they go on with
// for a while: a reader of committed records sees every number once, in order.
func TestZombies(t *testing.T) {
	bootstrap := bootstrapOrSkip(t)
	for _, boundary := range []string{"poll", "interval", "connector"} {
		t.Run(boundary, func(t *testing.T) {
			deaf.Store(0)
			misled.Store(0)
			w := start(t, bootstrap, connect.Props{"exactly.once.source.support": "enabled", "task.shutdown.graceful.timeout.ms": "300"})
			topic := fmt.Sprintf("zombies%d", time.Now().UnixNano())
			if _, err := w.Create(t.Context(), "src", connect.Props{
				"name": "src", "connector.class": "test.CounterConnector", "topic": topic,
				"exactly.once.support": "required", "transaction.boundary": boundary, "transaction.boundary.interval.ms": "30",
			}, ""); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the source to run", running(w, "src", 1))
			for range 4 {
				before := slept.Load()
				deaf.Add(1)
				eventually(t, "a deaf poll", func() bool { return slept.Load() > before })
				if err := w.RestartTask(t.Context(), "src", 0); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second) // the zombie wakes in between, and the next one in the middle of its work
			}
			eventually(t, "the source to run", running(w, "src", 1))
			if err := w.Stop(t.Context(), "src"); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the source to stop", func() bool { s, err := w.Status("src"); return err == nil && len(s.Tasks) == 0 })
			o, err := w.Offsets(t.Context(), "src")
			if err != nil || len(o) != 1 {
				t.Fatal(o, err)
			}
			n, _ := o[0].Offset["next"].(int64)
			if n < 500 {
				t.Errorf("only %d records", n)
			}
			for i, v := range readAll(t, bootstrap, topic, int(n)) {
				if v != fmt.Sprint(i) {
					t.Fatalf("record %d is %s", i, v)
				}
			}
			if m := misled.Load(); m > 0 {
				t.Errorf("the task was told wrongly %d times", m)
			}
		})
	}
}
