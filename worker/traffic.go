package worker

import (
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/worker/kafka"
	"github.com/millwright-connect/millwright/worker/metrics"
)

// counting makes each client that is made with it count its traffic for the
// metrics, from its beginning to its end.
func (w *Worker) counting(kind metrics.ClientKind) kgo.Opt {
	return kgo.WithHooks(&traffic{worker: w.metrics, kind: kind})
}

// clientKind is how the metrics call a kind of client. That of an internal topic
// is not among them: Java has three in its place.
func clientKind(k kafka.Kind) metrics.ClientKind {
	switch k {
	case kafka.Producer:
		return metrics.ProducerClient
	case kafka.Admin:
		return metrics.AdminClient
	case kafka.Internal: // the group member's
		return metrics.WorkerClient
	}
	return metrics.ConsumerClient
}

// traffic counts what one client at a time sends and receives; one that is made
// while another counts counts along with it.
type traffic struct {
	worker *metrics.Worker
	kind   metrics.ClientKind

	mu      sync.Mutex
	clients int
	count   *metrics.Client
}

// OnNewClient begins to count.
func (t *traffic) OnNewClient(cl *kgo.Client) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.clients++; t.clients == 1 {
		id, _ := cl.OptValue(kgo.ClientID).(string)
		t.count = t.worker.Client(t.kind, id)
	}
}

// OnClientClosed ends the metrics of the client.
func (t *traffic) OnClientClosed(*kgo.Client) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.clients--; t.clients == 0 {
		t.count.Close()
	}
}

func (t *traffic) counter() *metrics.Client {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count
}

// OnBrokerConnect counts a connection.
func (t *traffic) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err == nil {
		c := t.counter()
		c.Connections.Add(1)
		c.Connects.Add(1)
	}
}

// OnBrokerDisconnect counts the end of a connection.
func (t *traffic) OnBrokerDisconnect(kgo.BrokerMetadata, net.Conn) {
	c := t.counter()
	c.Connections.Add(-1)
	c.Closes.Add(1)
}

// OnBrokerWrite counts a request.
func (t *traffic) OnBrokerWrite(_ kgo.BrokerMetadata, _ int16, n int, _, _ time.Duration, err error) {
	c := t.counter()
	c.BytesOut.Add(int64(n))
	if err == nil {
		c.Requests.Add(1)
	}
}

// OnBrokerRead counts a response.
func (t *traffic) OnBrokerRead(_ kgo.BrokerMetadata, _ int16, n int, _, _ time.Duration, err error) {
	c := t.counter()
	c.BytesIn.Add(int64(n))
	if err == nil {
		c.Responses.Add(1)
	}
}

var (
	_ kgo.HookNewClient        = (*traffic)(nil)
	_ kgo.HookClientClosed     = (*traffic)(nil)
	_ kgo.HookBrokerConnect    = (*traffic)(nil)
	_ kgo.HookBrokerDisconnect = (*traffic)(nil)
	_ kgo.HookBrokerWrite      = (*traffic)(nil)
	_ kgo.HookBrokerRead       = (*traffic)(nil)
)
