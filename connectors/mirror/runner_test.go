package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/connecttest"
	"github.com/millwright-connect/millwright/worker/kafka"
)

// inBubble runs f in fake time with two clusters in a network of their own.
func inBubble(t *testing.T, f func(t *testing.T, a, b site)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var network kfake.VirtualNetwork
		kafka.Dial = func(ctx context.Context, _ []string, netw, address string) (net.Conn, error) {
			return network.DialContext(ctx, netw, address)
		}
		defer func() { kafka.Dial = nil }()
		at := func(port int) (s site, end func()) {
			c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.ListenFn(network.Listen))
			if err != nil {
				t.Fatal(err)
			}
			s.seeds = c.ListenAddrs()[0]
			s.dial = kgo.Dialer(network.DialContext)
			s.cl, err = kgo.NewClient(kgo.SeedBrokers(s.seeds), s.dial, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DisableClientMetrics(), kgo.MetadataMinAge(10*time.Millisecond))
			if err != nil {
				t.Fatal(err)
			}
			s.Client = kadm.NewClient(s.cl)
			return s, func() { s.cl.Close(); c.Close() }
		}
		a, endA := at(9092)
		defer endA()
		b, endB := at(9093)
		defer endB()
		f(t, a, b)
	})
}

// A runner is a small worker: it runs a connector and its tasks, and writes what
// they poll to the target.
type runner struct {
	t      *testing.T
	to     site
	plugin connect.SourcePlugin
	props  connect.Props
	max    int
	host   *connecttest.Host
	stored *connecttest.SourceHost
	cancel context.CancelFunc
	done   sync.WaitGroup
}

func run(t *testing.T, to site, plugin connect.SourcePlugin, p connect.Props, max int) *runner {
	t.Helper()
	stored := &connecttest.SourceHost{}
	r := &runner{t: t, to: to, plugin: plugin, props: p, max: max, host: &connecttest.Host{Stored: stored}, stored: stored}
	r.start()
	return r
}

func (r *runner) start() {
	r.t.Helper()
	c, err := r.plugin.Open(r.t.Context(), r.host, r.props)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	r.done.Go(func() {
		defer c.Close()
		for ctx.Err() == nil {
			tasks, err := c.Tasks(ctx, r.max)
			if _, retry := connect.RetryAfter(err); err != nil && !retry {
				r.t.Error(err)
			}
			now, stop := context.WithCancel(ctx)
			var running sync.WaitGroup
			for _, p := range tasks {
				running.Go(func() { r.task(now, p) })
			}
			select {
			case <-ctx.Done():
			case <-r.host.Reconfiguring():
			}
			stop()
			running.Wait()
		}
	})
}

func (r *runner) stop() {
	r.cancel()
	r.done.Wait()
}

func (r *runner) task(ctx context.Context, p connect.Props) {
	task, err := r.plugin.OpenTask(ctx, r.stored, p)
	if err != nil {
		if ctx.Err() == nil {
			r.t.Error(err)
		}
		return
	}
	defer task.Close()
	var batch []connect.SourceRecord
	for committed := time.Now(); ctx.Err() == nil; {
		batch, err = task.Poll(ctx, batch[:0])
		if err != nil && !errors.Is(err, ctx.Err()) {
			r.t.Error(err)
			return
		}
		for i := range batch {
			r.write(task, &batch[i])
		}
		if c, ok := task.(connect.Committer); ok && time.Since(committed) > time.Second {
			committed = time.Now()
			if err := c.Commit(ctx); err != nil {
				r.t.Error(err)
			}
		}
	}
	if c, ok := task.(connect.Committer); ok {
		_ = c.Commit(context.Background())
	}
}

// write does what converters and the producer do.
func (r *runner) write(task connect.SourceTask, s *connect.SourceRecord) {
	out := &kgo.Record{Topic: s.Topic, Partition: s.Partition, Timestamp: time.UnixMilli(s.Timestamp)}
	if !s.Key.Value.IsNull() {
		out.Key = s.Key.Value.Bytes()
	}
	if !s.Value.Value.IsNull() {
		out.Value = s.Value.Value.Bytes()
	}
	for _, h := range s.Headers {
		kept := kgo.RecordHeader{Key: h.Key}
		if !h.Value.Value.IsNull() {
			kept.Value = h.Value.Value.Bytes()
		}
		out.Headers = append(out.Headers, kept)
	}
	if err := r.to.cl.ProduceSync(context.Background(), out).FirstErr(); err != nil {
		r.t.Error(err)
		return
	}
	b, _ := json.Marshal(s.Position)
	var o struct{ Offset int64 }
	_ = json.Unmarshal(b, &o)
	r.stored.Keep(s.Source.Key(), connect.Object{"offset": o.Offset})
	if c, ok := task.(connect.RecordCommitter); ok {
		m := connect.Metadata{TopicPartition: connect.TopicPartition{Topic: out.Topic, Partition: out.Partition}, Offset: out.Offset}
		if err := c.CommitRecord(s, m); err != nil {
			r.t.Error(err)
		}
	}
}
