package kafka

import (
	"net"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Traffic is where a client counts what it sends and receives; any field may be
// nil. The worker's metrics have such counters.
type Traffic struct {
	Connections, Connects, Closes *atomic.Int64
	Requests, Responses           *atomic.Int64
	BytesOut, BytesIn             *atomic.Int64
}

// Option makes a client count.
func (t Traffic) Option() kgo.Opt { return kgo.WithHooks(t) }

func add(c *atomic.Int64, n int) {
	if c != nil {
		c.Add(int64(n))
	}
}

// OnBrokerConnect counts a connection.
func (t Traffic) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err == nil {
		add(t.Connections, 1)
		add(t.Connects, 1)
	}
}

// OnBrokerDisconnect counts the end of a connection.
func (t Traffic) OnBrokerDisconnect(kgo.BrokerMetadata, net.Conn) {
	add(t.Connections, -1)
	add(t.Closes, 1)
}

// OnBrokerWrite counts a request.
func (t Traffic) OnBrokerWrite(_ kgo.BrokerMetadata, _ int16, n int, _, _ time.Duration, err error) {
	add(t.BytesOut, n)
	if err == nil {
		add(t.Requests, 1)
	}
}

// OnBrokerRead counts a response.
func (t Traffic) OnBrokerRead(_ kgo.BrokerMetadata, _ int16, n int, _, _ time.Duration, err error) {
	add(t.BytesIn, n)
	if err == nil {
		add(t.Responses, 1)
	}
}

var (
	_ kgo.HookBrokerConnect    = Traffic{}
	_ kgo.HookBrokerDisconnect = Traffic{}
	_ kgo.HookBrokerWrite      = Traffic{}
	_ kgo.HookBrokerRead       = Traffic{}
)
