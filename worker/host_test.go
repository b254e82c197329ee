package worker_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/worker"
	"github.com/millwright-connect/millwright/worker/metrics"
)

// A curious connector asks for what its task has committed, whenever it divides
// its work, and shows the answer as a metric; its task shows its number.
type curious struct {
	h     connect.Host
	p     connect.Props
	found atomic.Int64
}

var lastCurious atomic.Pointer[curious]

var counted = connect.Object{"of": "the counting"}

func init() {
	connect.Register(connect.SourcePlugin{
		Class: "test.CuriousConnector", Version: "1",
		Open: func(_ context.Context, h connect.Host, p connect.Props) (connect.Connector, error) {
			c := &curious{h: h, p: p}
			lastCurious.Store(c)
			return c, h.Gauge("found", nil, func() float64 { return float64(c.found.Load()) })
		},
		OpenTask: func(ctx context.Context, h connect.SourceHost, p connect.Props) (connect.SourceTask, error) {
			source, err := connect.NewSourcePartition(counted)
			if err != nil {
				return nil, err
			}
			return &counting{source: source, topic: p["topic"]}, h.Gauge("depth", map[string]string{"plc": "press"}, func() float64 { return 7 })
		},
	})
}

func (c *curious) Tasks(ctx context.Context, _ int) ([]connect.Props, error) {
	p, err := connect.NewSourcePartition(counted)
	if err != nil {
		return nil, err
	}
	o, err := c.h.Offset(ctx, p)
	if n, ok := o["n"].(int64); ok {
		c.found.Store(n)
	}
	return []connect.Props{c.p}, err
}

func (c *curious) Close() error { return nil }

type counting struct {
	source *connect.SourcePartition
	topic  string
	n      int
}

func (c *counting) Poll(ctx context.Context, dst []connect.SourceRecord) ([]connect.SourceRecord, error) {
	if c.n == 5 {
		<-ctx.Done()
		return dst, nil
	}
	c.n++
	return append(dst, connect.NewSourceRecord(c.topic, c.source, connect.Object{"n": c.n}, data.Datum{}, data.Datum{Schema: data.Of(data.String), Value: data.Str("x")})), nil
}

func (c *counting) Close() error { return nil }

// TestHosts: a connector reads what its tasks have committed, from the worker's
// topic and from one of its own, and figures of plugins are among the metrics
// as long as the plugin runs.
func TestHosts(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.AllowAutoTopicCreation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	w := start(t, c.ListenAddrs()[0], nil)
	for i, own := range []string{"", "own-offsets"} {
		name := fmt.Sprintf("curious%d", i)
		props := connect.Props{"name": name, "connector.class": "test.CuriousConnector", "topic": "t"}
		if own != "" {
			props["offsets.storage.topic"] = own
		}
		if _, err := w.Create(t.Context(), name, props, ""); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the connector to see what was committed", func() bool {
			x := lastCurious.Load()
			if x == nil || x.h.Name() != name {
				return false
			}
			x.h.Reconfigure()
			return x.found.Load() == 5
		})
		eventually(t, "the task to run", running(w, name, 1))
		found, depth := fmt.Sprintf(`kafka_connect_plugins_found{connector="%s"} 5`, name), fmt.Sprintf(`kafka_connect_plugins_depth{connector="%s",plc="press",task="0"} 7`, name)
		shown := func(line string) func() bool { return func() bool { return strings.Contains(gathered(t, w), line) } }
		eventually(t, found, shown(found))
		eventually(t, depth, shown(depth))
		if err := w.Pause(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the paused connector's figures to go", func() bool { return !shown(found)() })
		if _, err := lastCurious.Load().h.Offset(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "after it was closed") {
			t.Errorf("an offset was read for a closed connector: %v", err)
		}
		if err := w.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the task's figures to go", func() bool { return !shown(depth)() })
	}
}

func gathered(t *testing.T, w *worker.Worker) string {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(metrics.NewCollector(w.Metrics(), metrics.Families{Strimzi: true}, metrics.Info{})); err != nil {
		t.Fatal(err)
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range families {
		for _, m := range f.GetMetric() {
			b.WriteString(f.GetName() + "{")
			for i, l := range m.GetLabel() {
				if i > 0 {
					b.WriteString(",")
				}
				fmt.Fprintf(&b, "%s=%q", l.GetName(), l.GetValue())
			}
			fmt.Fprintf(&b, "} %v\n", m.GetGauge().GetValue()+m.GetCounter().GetValue())
		}
	}
	return b.String()
}
