package group

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millwright-connect/millwright/worker/assign"
)

// realMember joins a group on the broker that KAFKA_BOOTSTRAP names and obeys
// its events. The last assignment arrives in the channel it returns.
func realMember(t *testing.T, group, url string, connectors map[string]int) (*kgo.Client, <-chan *Assignment, context.CancelFunc) {
	client, err := kgo.NewClient(kgo.SeedBrokers(os.Getenv("KAFKA_BOOTSTRAP")), kgo.ClientID("connect-1"))
	if err != nil {
		t.Fatal(err)
	}
	m := New(Config{
		Client: client, Group: group, URL: url, Protocol: Sessioned,
		Session: 6 * time.Second, Rebalance: 30 * time.Second, Heartbeat: 100 * time.Millisecond, RetryBackoff: 50 * time.Millisecond,
		Snapshot: func(context.Context) (int64, map[string]int, error) { return 41, connectors, nil },
	})
	ctx, cancel := context.WithCancel(context.Background())
	events, done := make(chan *Assignment, 100), make(chan struct{})
	go func() {
		defer close(done)
		m.Run(ctx)
	}()
	go func() {
		for {
			select {
			case e := <-m.Events():
				if a, is := e.(*Assignment); is {
					m.Revoked(a)
					events <- a
				} else {
					t.Errorf("%s: %+v", url, e)
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return client, events, func() {
		cancel()
		<-done
		client.Close()
	}
}

// within fails the test unless the channel brings an assignment that is as
// wanted before long.
func within(t *testing.T, events <-chan *Assignment, want string, is func(*Assignment) bool) *Assignment {
	t.Helper()
	limit := time.After(time.Minute)
	var last *Assignment
	for {
		select {
		case last = <-events:
			if is(last) {
				return last
			}
		case <-limit:
			t.Fatalf("no assignment with %s, the last is %+v", want, last)
		}
	}
}

// On a real broker: two members share the work, the broker shows what the
// contract's group cases read from Java's workers, and one takes over when the
// other leaves.
func TestRealBroker(t *testing.T) {
	if os.Getenv("KAFKA_BOOTSTRAP") == "" {
		t.Skip("no Kafka broker: set KAFKA_BOOTSTRAP to its address")
	}
	name := fmt.Sprintf("group-test-%d", time.Now().UnixNano())
	connectors := map[string]int{"one": 3, "two": 2}
	client, first, stopFirst := realMember(t, name, "http://first:8083/", connectors)
	defer stopFirst()
	within(t, first, "all work", func(a *Assignment) bool { return len(a.All.Tasks) == 5 && len(a.All.Connectors) == 2 && a.Leader })
	_, second, stopSecond := realMember(t, name, "http://second:8083/", connectors)
	b := within(t, second, "half of the work", func(a *Assignment) bool { return len(a.All.Tasks) == 2 && len(a.All.Connectors) == 1 })
	a := within(t, first, "half of the work", func(a *Assignment) bool { return len(a.All.Tasks) == 3 && a.Generation == b.Generation })
	if a.LeaderID != b.LeaderID || !a.Leader || b.Leader || b.LeaderURL != "http://first:8083/" || a.ConfigOffset != 41 {
		t.Errorf("assignments disagree: %+v, %+v", a, b)
	}
	if url, ok := a.TaskOwner(b.All.Tasks[0]); !ok || url != "http://second:8083/" {
		t.Errorf("the leader knows %q as the owner of %s", url, b.All.Tasks[0])
	}

	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{name}
	resp, err := req.RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	g := resp.Groups[0]
	if g.ProtocolType != "connect" || g.Protocol != "sessioned" || len(g.Members) != 2 {
		t.Errorf("the broker shows %s, %s, %d members", g.ProtocolType, g.Protocol, len(g.Members))
	}
	var held []string
	for _, member := range g.Members {
		meta, err := DecodeMetadata(member.ProtocolMetadata)
		if err != nil {
			t.Fatal(err)
		}
		wire, err := DecodeAssignment(member.MemberAssignment)
		if err != nil {
			t.Fatal(err)
		}
		again, err := wire.Append(nil)
		if err != nil || !bytes.Equal(again, member.MemberAssignment) {
			t.Errorf("the assignment has more than is read: %x", member.MemberAssignment)
		}
		// A member that got all of its work in the round that it joined with had
		// nothing before.
		before := assign.Held{}
		if meta.Allocation != nil {
			before = meta.Allocation.Assigned
		}
		if meta.Version != 2 || meta.ConfigOffset != 41 || meta.Allocation != nil && meta.Allocation.Leader != a.LeaderID {
			t.Errorf("metadata %+v", meta)
		}
		if wire.Version != 2 || wire.Error != 0 || wire.Leader != a.LeaderID || wire.LeaderURL != "http://first:8083/" || wire.ConfigOffset != 41 || wire.Delay != 0 || !wire.Revoked.Empty() {
			t.Errorf("assignment %+v", wire)
		}
		for _, h := range []assign.Held{before, wire.Assigned} {
			for _, id := range h.Tasks {
				held = append(held, id.String())
			}
		}
	}
	slices.Sort(held)
	if want := []string{"one-0", "one-1", "one-2", "two-0", "two-1"}; !reflect.DeepEqual(held, want) {
		t.Errorf("by the members' bytes they have %v, want %v", held, want)
	}

	stopSecond()
	within(t, first, "all work", func(a *Assignment) bool { return len(a.All.Tasks) == 5 && len(a.All.Connectors) == 2 })
}
