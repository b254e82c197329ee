package worker

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A departure lets a consumer leave its group in the middle of a rebalance, as
// Java's consumer does. The client would first see the rebalance through: that
// takes until every other member has heard of it, a heartbeat interval at best,
// and until one that is stuck is given up at worst, while the task holds up its
// worker's own rebalance.
//
// The client tells its balancers when it begins to join and when it has an
// assignment, so that is how a departure knows where the client is. Once it has
// begun no join of the client goes out any more: a member that joined and then
// fell silent would hold up the whole group.
type departure struct {
	ctx    context.Context //nolint:containedctx // the client's own, see kgo.WithContext
	cut    context.CancelFunc
	static bool // group.instance.id is set: such a member does not leave

	mu     sync.Mutex
	client *kgo.Client // set once leaving
	until  time.Time   // by when a request to leave must be answered
	inJoin bool
}

func newDeparture(static bool) *departure {
	d := &departure{static: static}
	d.ctx, d.cut = context.WithCancel(context.Background())
	return d
}

// opts are what the client needs for it, after its own options.
func (d *departure) opts(balancers []kgo.GroupBalancer) []kgo.Opt {
	watched := make([]kgo.GroupBalancer, len(balancers))
	for i, b := range balancers {
		watched[i] = watchedBalancer{b, d}
	}
	return []kgo.Opt{kgo.WithContext(d.ctx), kgo.Balancers(watched...)}
}

// begin is called when the client is about to be told to leave, for which it
// has until ctx ends.
func (d *departure) begin(ctx context.Context, client *kgo.Client) {
	until, _ := ctx.Deadline()
	d.mu.Lock()
	d.client, d.until = client, until
	inJoin := d.inJoin
	d.mu.Unlock()
	switch {
	case inJoin && d.static:
		d.cut()
	case inJoin: // the broker then refuses the join, and the client tries another: see joins
		d.leave(client, until)
	}
}

// joins is called before the client sends a JoinGroup.
func (d *departure) joins() {
	d.mu.Lock()
	d.inJoin = true
	client, until := d.client, d.until
	d.mu.Unlock()
	if client == nil {
		return
	}
	// It may just have got the member id with which it is to join, and the group
	// waits for whoever has one.
	d.leave(client, until)
	d.cut()
}

func (d *departure) joined() {
	d.mu.Lock()
	d.inJoin = false
	d.mu.Unlock()
}

// leave takes the member that the client is, or is about to be, out of its
// group. Where that fails its session ends by itself.
func (d *departure) leave(client *kgo.Client, until time.Time) {
	id, _ := client.GroupMetadata()
	if id == "" || d.static {
		return
	}
	ctx, cancel := context.WithDeadline(d.ctx, until)
	defer cancel()
	group, _ := client.OptValue(kgo.ConsumerGroup).(string)
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.MemberID = group, id
	member := kmsg.NewLeaveGroupRequestMember()
	member.MemberID, member.Reason = id, kmsg.StringPtr("the consumer is being closed")
	req.Members = append(req.Members, member)
	_, _ = req.RequestWith(ctx, client)
}

// watchedBalancer tells a departure what the client is about.
type watchedBalancer struct {
	kgo.GroupBalancer
	d *departure
}

func (b watchedBalancer) JoinGroupMetadata(topics []string, current map[string][]int32, generation int32) []byte {
	b.d.joins()
	return b.GroupBalancer.JoinGroupMetadata(topics, current, generation)
}

func (b watchedBalancer) ParseSyncAssignment(assignment []byte) (map[string][]int32, error) {
	b.d.joined()
	return b.GroupBalancer.ParseSyncAssignment(assignment)
}
