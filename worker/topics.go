package worker

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/millwright-connect/millwright/worker/state"
	"github.com/millwright-connect/millwright/worker/topiclog"
)

// A topicLog is where the records of one internal topic are kept: in Kafka
// (topiclog.Log), or, in standalone mode, in memory or a file.
type topicLog interface {
	Append(ctx context.Context, kvs ...state.KV) error
	// Claim and AppendClaimed are the leader's: see topiclog.
	Claim(ctx context.Context) error
	AppendClaimed(ctx context.Context, kvs ...state.KV) error
	Sync(ctx context.Context) error
	Run(ctx context.Context) error
	Close()
}

// configTopic is the config topic with its meaning.
type configTopic struct {
	log      topicLog
	state    *state.Configs
	happened chan struct{} // one slot: there are events to look at
}

func newConfigTopic(log *slog.Logger) *configTopic {
	return &configTopic{state: state.NewConfigs(log), happened: make(chan struct{}, 1)}
}

// apply takes a record of the topic.
func (c *configTopic) apply(r topiclog.Record) {
	c.state.Apply(r)
	select {
	case c.happened <- struct{}{}:
	default:
	}
}

func (c *configTopic) Snapshot() *state.Snapshot      { return c.state.Snapshot() }
func (c *configTopic) Changed() <-chan struct{}       { return c.state.Changed() }
func (c *configTopic) Sync(ctx context.Context) error { return c.log.Sync(ctx) }

// Append writes what any worker may write.
func (c *configTopic) Append(ctx context.Context, kvs ...state.KV) error {
	return c.log.Append(ctx, kvs...)
}

// Claim makes this worker the only one that AppendAsLeader works for, with
// exactly-once support. What an earlier leader has committed can be read then,
// and it cannot commit more.
func (c *configTopic) Claim(ctx context.Context) error { return c.log.Claim(ctx) }

// AppendAsLeader writes what only the leader may write, under its claim.
func (c *configTopic) AppendAsLeader(ctx context.Context, kvs ...state.KV) error {
	err := c.log.AppendClaimed(ctx, kvs...)
	if errors.Is(err, topiclog.ErrFenced) {
		return refuse(Conflict, "Cannot complete request momentarily due to a conflicting operation (another worker leads the group now)")
	}
	return err
}

// statusTopic is the status topic with its meaning.
type statusTopic struct {
	log    topicLog
	state  *state.Statuses
	worker string // worker_id
	queue  *statusWriter
	epoch  atomic.Int64 // counts resets of topics
}

func newStatusTopic(log *slog.Logger, worker string) *statusTopic {
	t := &statusTopic{state: state.NewStatuses(log), worker: worker}
	t.queue = newStatusWriter(log, t.write)
	return t
}

// apply takes a record of the topic.
func (t *statusTopic) apply(r topiclog.Record) {
	t.state.Apply(r)
	if r.Value == nil && len(r.Key) > len(topicKey) && string(r.Key[:len(topicKey)]) == topicKey {
		t.epoch.Add(1)
	}
}

const topicKey = "status-topic-"

func (t *statusTopic) write(ctx context.Context, changes []statusChange) error {
	// Whether a safe status may be written depends on what others have written. A
	// worker that comes back from a freeze has not read that yet.
	if slices.ContainsFunc(changes, func(c statusChange) bool { return c.safe }) {
		if err := t.log.Sync(ctx); err != nil {
			return err
		}
	}
	kvs := make([]state.KV, 0, len(changes))
	for _, c := range changes {
		if kv, ok := t.record(c); ok {
			kvs = append(kvs, kv)
		}
	}
	return t.log.Append(ctx, kvs...)
}

func (t *statusTopic) record(c statusChange) (state.KV, bool) {
	switch st := (state.Status{State: c.state, Trace: c.trace, WorkerID: t.worker, Generation: int(c.generation), Version: c.version}); {
	case c.reset:
		return state.TopicRemoval(c.id.Connector, c.topic), true
	case c.topic != "":
		return state.TopicRecord(state.TopicStatus{Topic: c.topic, Connector: c.id.Connector, Task: c.id.Task, Discovered: time.Now().UnixMilli()}), true
	case c.id.Task == connectorUnit:
		return t.state.PutConnector(c.id.Connector, st, c.safe)
	default:
		return t.state.PutTask(c.id.Connector, c.id.Task, st, c.safe)
	}
}

func (t *statusTopic) noteTopic(id unitID, topic string) {
	if _, known := t.state.Topic(id.Connector, topic); !known {
		t.queue.put(statusChange{id: id, topic: topic})
	}
}

// forget writes the statuses of what no longer exists, on the leader after each
// rebalance, as Java does.
func (t *statusTopic) forget(s *state.Snapshot, generation int32) {
	for _, name := range t.state.Connectors() {
		c := s.Connectors[name]
		gone := c == nil || c.Props == nil
		for _, task := range t.state.Tasks(name) {
			if gone || task.Task >= len(c.Tasks) {
				t.queue.put(statusChange{id: unitID{name, task.Task}, state: state.StateDestroyed, generation: generation})
			}
		}
		if gone {
			t.queue.put(statusChange{id: unitID{name, connectorUnit}, state: state.StateDestroyed, generation: generation})
			t.resetTopics(name)
		}
	}
}

func (t *statusTopic) resetTopics(name string) {
	for _, topic := range t.state.Topics(name) {
		t.queue.put(statusChange{id: unitID{name, connectorUnit}, topic: topic.Topic, reset: true})
	}
}
