package worker

import (
	"context"
	"sync"

	"github.com/millwright-connect/millwright/worker/assign"
	"github.com/millwright-connect/millwright/worker/group"
	"github.com/millwright-connect/millwright/worker/state"
	"github.com/millwright-connect/millwright/worker/topiclog"
)

// Standalone mode is the same worker with other edges: the config and status
// topics are in memory, the offsets in a file, and the group is this worker
// alone.

// A memoryLog is an internal topic of a single worker that does not outlive it.
type memoryLog struct {
	mu    sync.Mutex
	next  int64
	apply func(topiclog.Record)
	keep  func(kvs []state.KV) error // nil: nothing is kept
}

func (l *memoryLog) Append(_ context.Context, kvs ...state.KV) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, kv := range kvs {
		l.apply(topiclog.Record{Offset: l.next, Key: kv.Key, Value: kv.Value})
		l.next++
	}
	if l.keep != nil {
		return l.keep(kvs)
	}
	return nil
}

func (l *memoryLog) AppendClaimed(ctx context.Context, kvs ...state.KV) error {
	return l.Append(ctx, kvs...)
}

func (l *memoryLog) Claim(context.Context) error   { return nil }
func (l *memoryLog) Sync(context.Context) error    { return nil }
func (l *memoryLog) Run(ctx context.Context) error { <-ctx.Done(); return nil }
func (l *memoryLog) Close()                        {}

// A soloMember is a group of one: every round gives it everything.
type soloMember struct {
	url    string
	view   func(ctx context.Context) (int64, map[string]int, error)
	events chan group.Event
	rejoin chan struct{}
}

func newSoloMember(url string, view func(context.Context) (int64, map[string]int, error)) *soloMember {
	m := &soloMember{url: url, view: view, events: make(chan group.Event), rejoin: make(chan struct{}, 1)}
	m.Rejoin("the worker has started")
	return m
}

func (m *soloMember) Events() <-chan group.Event { return m.events }
func (m *soloMember) Revoked(*group.Assignment)  {}

func (m *soloMember) Rejoin(string) {
	select {
	case m.rejoin <- struct{}{}:
	default:
	}
}

func (m *soloMember) Run(ctx context.Context) error {
	for generation := int32(1); ; generation++ {
		select {
		case <-ctx.Done():
			return nil
		case <-m.rejoin:
		}
		offset, connectors, err := m.view(ctx)
		if err != nil {
			return nil //nolint:nilerr // the worker is stopping: nothing else fails here
		}
		a := &group.Assignment{
			Generation: generation, MemberID: "standalone", Protocol: group.Compatible, Leader: true, LeaderID: "standalone",
			LeaderURL: m.url, ConfigOffset: offset,
		}
		for _, name := range sorted(connectors) {
			a.All.Connectors = append(a.All.Connectors, name)
			for n := range connectors[name] {
				a.All.Tasks = append(a.All.Tasks, assign.TaskID{Connector: name, Task: n})
			}
		}
		select {
		case m.events <- a:
		case <-ctx.Done():
			return nil
		}
	}
}

var (
	_ topicLog   = (*topiclog.Log)(nil)
	_ topicLog   = (*memoryLog)(nil)
	_ membership = (*group.Member)(nil)
	_ membership = (*soloMember)(nil)
)
