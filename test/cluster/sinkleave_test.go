package cluster

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A task that is stopped while its group rebalances leaves the group at once. It
// must not wait for another member that is stuck, and hold up its worker, and it
// must leave nothing behind for which the group would wait.
func TestSinkLeavesInTheMiddleOfARebalance(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.join("a", nil)
		stuck, end := p.stuckMember("connect-snk")
		defer end()
		p.put("snk", connect.Props{"connector.class": "test.SinkConnector", "topics": "in"})
		p.eventually("the task", p.running("snk", 1))
		time.Sleep(100 * time.Millisecond) // its consumer waits for the other member
		if got := p.groupMembers("connect-snk"); len(got) != 2 {
			t.Fatalf("the members are %v", got)
		}
		p.ask(func(ctx context.Context, n *node) error { return n.Stop(ctx, "snk") })
		time.Sleep(100 * time.Millisecond)
		if got := p.groupMembers("connect-snk"); len(got) != 1 || got[0] != stuck {
			t.Errorf("100 ms after the connector was stopped the members are %v, want %s alone", got, stuck)
		}
		p.checkClosed()
	})
}

// stuckMember joins a consumer group and then takes part in no rebalance any
// more, though it says that it is alive. It returns its member id.
func (p *plant) stuckMember(group string) (id string, end func()) {
	p.Helper()
	assigned, held := make(chan struct{}, 1), make(chan struct{})
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.Dialer(p.net.DialContext), kgo.DisableClientMetrics(), kgo.DisableAutoCommit(),
		kgo.ConsumerGroup(group), kgo.ConsumeTopics("in"), kgo.Balancers(kgo.RangeBalancer()), kgo.RebalanceTimeout(5*time.Minute), kgo.RequestTimeoutOverhead(2*time.Minute),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { assigned <- struct{}{} }),
		kgo.OnPartitionsRevoked(func(context.Context, *kgo.Client, map[string][]int32) { <-held }))
	if err != nil {
		p.Fatal(err)
	}
	<-assigned
	id, _ = cl.GroupMetadata()
	return id, func() {
		close(held)
		cl.Close()
	}
}

func (p *plant) groupMembers(group string) (ids []string) {
	p.Helper()
	groups, err := kadm.NewClient(p.client).DescribeGroups(p.Context(), group)
	if err != nil || groups[group].Err != nil {
		p.Fatal(err, groups[group].Err)
	}
	for _, m := range groups[group].Members {
		ids = append(ids, m.MemberID)
	}
	return ids
}
