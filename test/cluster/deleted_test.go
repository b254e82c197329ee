package cluster

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A sink gives up the partitions of a topic that is deleted, as Java's do, and
// gets those of a new one of the same name.
func TestSinkOfDeletedTopic(t *testing.T) {
	inPlant(t, func(p *plant) {
		const topic = "lot"
		fill := func(n int) {
			p.Helper()
			for range n {
				if err := p.client.ProduceSync(p.Context(), &kgo.Record{Topic: topic, Value: []byte("x")}).FirstErr(); err != nil {
					p.Fatal(err)
				}
			}
		}
		has := func(n int) func() bool {
			return func() bool {
				p.mu.Lock()
				defer p.mu.Unlock()
				return p.written[record{topic, 0, int64(n - 1)}]
			}
		}
		create := func() {
			p.Helper()
			if err := p.broker.CreateTopic(topic, 1, nil); err != nil {
				p.Fatal(err)
			}
		}
		create()
		p.join("a", nil)
		p.put("snk", connect.Props{"connector.class": "test.SinkConnector", "topics": "in," + topic})
		p.eventually("tasks", p.running("snk", 1))
		fill(3)
		p.eventually("records", has(3))
		if err := p.broker.DeleteTopic(topic); err != nil {
			p.Fatal(err)
		}
		p.eventually("no partition of what is gone", func() bool {
			groups, err := kadm.NewClient(p.client).DescribeGroups(p.Context(), "connect-snk")
			at := groups.AssignedPartitions()
			return err == nil && len(at["in"]) == 4 && len(at[topic]) == 0
		})
		p.client.PurgeTopicsFromClient(topic)
		p.mu.Lock()
		clear(p.written)
		p.mu.Unlock()
		create()
		fill(2)
		p.eventually("records of the new topic", has(2))
		p.produce(10)
		p.eventually("records of the other topic", func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			return len(p.written) >= 12
		})
	})
}
