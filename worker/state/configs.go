package state

import (
	"encoding/base64"
	"log/slog"
	"strings"
	"sync"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A Record is one record of a topic, as topiclog applies it (the two types are
// one, so that this package needs no Kafka client). A nil Value is a tombstone.
type Record = struct {
	Offset    int64
	Timestamp int64 // milliseconds since the epoch
	Partition int32
	Key       []byte
	Value     []byte
}

// A KV is a record to be written, as topiclog appends it.
type KV = struct{ Key, Value []byte }

// Configs is the meaning of the config topic: records go in, snapshots and
// events come out. Its rules are those of Java's KafkaConfigBackingStore, on
// the record for a record that makes no sense too: it is logged and passed
// over. Methods may be called from any goroutine.
type Configs struct {
	log     *slog.Logger
	changed chan struct{}

	mu         sync.Mutex
	live       bool
	offset     int64
	session    *SessionKey
	connectors map[string]*connector
	snapshot   *Snapshot // nil: to be made
	events     []Event
}

// A connector is all that records have said of a name, whether there is a
// connector of that name or not: records of one topic come in any order.
type connector struct {
	Connector
	exists   bool
	target   bool                  // a target state is known; not so before the first record
	count    int                   // of tasks, as the last commit record said
	tasks    map[int]connect.Props // may hold more than count
	deferred map[int]connect.Props // written since the last commit; nil before the first
	built    *Connector            // for snapshots; nil: to be made
}

// NewConfigs returns the meaning of an empty topic.
func NewConfigs(log *slog.Logger) *Configs {
	return &Configs{log: log, changed: make(chan struct{}, 1), connectors: map[string]*connector{}}
}

// Live says that the topic has been read to its end once: from here on records
// are events too. Requests in records before that have been seen to by others
// or are void.
func (c *Configs) Live() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live = true
}

// Changed returns a channel that holds a token when something was applied
// since the last one was taken. It has one reader.
func (c *Configs) Changed() <-chan struct{} { return c.changed }

// Snapshot returns the state of things after the last record applied.
func (c *Configs) Snapshot() *Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.snapshot == nil {
		s := &Snapshot{Offset: c.offset, SessionKey: c.session, Connectors: make(map[string]*Connector, len(c.connectors))}
		for name, e := range c.connectors {
			if e.exists {
				s.Connectors[name] = e.build()
			}
		}
		c.snapshot = s
	}
	return c.snapshot
}

// Events returns what has happened since the last call, in order. Levels, that
// is configs, tasks and target states, are better taken from Snapshot.
func (c *Configs) Events() []Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.events
	c.events = nil
	return e
}

func (e *connector) build() *Connector {
	if e.built != nil {
		return e.built
	}
	b := e.Connector
	if !e.Inconsistent && e.count > 0 {
		b.Tasks = make([]connect.Props, e.count)
		for i := range b.Tasks {
			b.Tasks[i] = e.tasks[i]
		}
	}
	e.built = &b
	return e.built
}

// Apply takes the next record of the topic.
func (c *Configs) Apply(r Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := string(r.Key)
	v, err := parse(r.Value)
	if err != nil {
		// As in Java, such a record does not even count for the offset; the
		// workers of a group have to agree on it.
		c.ignore(r, "its value is not JSON: "+err.Error())
		return
	}
	c.offset = r.Offset + 1
	if why := c.apply(key, r, v); why != "" {
		c.ignore(r, why)
	}
	c.snapshot = nil
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// ignore never shows the value, which may hold secrets.
func (c *Configs) ignore(r Record, why string) {
	c.log.Error("ignoring a record of the config topic", "key", string(r.Key), "offset", r.Offset, "reason", why)
}

// apply returns why a record is to be ignored, or "".
func (c *Configs) apply(key string, r Record, v any) string {
	if name, ok := strings.CutPrefix(key, targetPrefix); ok {
		return c.applyTarget(name, r.Offset, v)
	}
	if name, ok := strings.CutPrefix(key, connectorPrefix); ok {
		return c.applyConnector(name, r.Offset, v)
	}
	if strings.HasPrefix(key, taskPrefix) {
		return c.applyTask(key, v)
	}
	if name, ok := strings.CutPrefix(key, commitPrefix); ok {
		return c.applyCommit(name, r.Offset, v)
	}
	if name, ok := strings.CutPrefix(key, restartPrefix); ok {
		return c.applyRestart(name, v)
	}
	if name, ok := strings.CutPrefix(key, fencingPrefix); ok {
		return c.applyTaskCount(name, v)
	}
	if key == sessionKey {
		return c.applySessionKey(v)
	}
	if name, ok := strings.CutPrefix(key, loggerPrefix); ok {
		return c.applyLogger(name, v)
	}
	return "no kind of record has such a key"
}

// of returns what is known of a name, to be changed.
func (c *Configs) of(name string) *connector {
	e := c.connectors[name]
	if e == nil {
		e = &connector{Connector: Connector{Name: name, PropsOffset: -1, TargetOffset: -1, TasksOffset: -1, TaskCount: -1}}
		c.connectors[name] = e
	}
	e.built = nil
	return e
}

func (c *Configs) event(e Event) {
	if c.live {
		c.events = append(c.events, e)
	}
}

// remove forgets the connector but, as Java, not its target state and its
// fencing, which have records of their own.
func (e *connector) remove() {
	e.exists = false
	e.Props, e.PropsOffset = nil, -1
	e.tasks, e.deferred, e.count, e.TasksOffset = nil, nil, 0, -1
	e.AppliedProps = nil
}

func (c *Configs) applyTarget(name string, offset int64, v any) string {
	if v == nil {
		// Written when the connector is removed. Should the connector be there
		// all the same, it is started.
		e := c.of(name)
		e.target, e.Target, e.TargetOffset = e.exists, "", offset
		if e.exists {
			e.Target = Started
		}
		return ""
	}
	m, ok := v.(map[string]any)
	if !ok {
		return notA("value", "map", v)
	}
	// state.v2 is there since STOPPED is; workers of before write and read
	// state only.
	state, ok := m["state.v2"].(string)
	if !ok {
		if state, ok = m["state"].(string); !ok {
			return notA("'state'", "string", m["state"])
		}
	}
	target := TargetState(state)
	switch target {
	case Started, Paused, Stopped:
	default:
		return "there is no target state " + state
	}
	e := c.of(name)
	changed := !e.target || e.Target != target
	e.target, e.Target, e.TargetOffset = true, target, offset
	if changed && e.exists {
		c.event(Event{Kind: TargetChanged, Connector: name})
	}
	return ""
}

func (c *Configs) applyConnector(name string, offset int64, v any) string {
	if v == nil {
		c.of(name).remove()
		c.event(Event{Kind: ConnectorRemoved, Connector: name})
		return ""
	}
	props, why := properties(v)
	if why != "" {
		return why
	}
	e := c.of(name)
	if !e.exists {
		e.Created = offset
	}
	e.exists, e.Props, e.PropsOffset = true, props, offset
	if !e.target {
		e.target, e.Target = true, Started
	}
	c.event(Event{Kind: ConnectorChanged, Connector: name})
	return ""
}

func (c *Configs) applyTask(key string, v any) string {
	name, task, ok := taskOf(key, 1)
	if !ok {
		return "its key does not end in a connector's name and a task's number"
	}
	props, why := properties(v)
	if why != "" {
		return why
	}
	e := c.of(name)
	if e.deferred == nil {
		e.deferred = map[int]connect.Props{}
	}
	e.deferred[task] = props
	return ""
}

// applyCommit makes the tasks written since the last commit those of the
// connector, if they are all there. Compaction may have removed some, or a
// leader may have died between writing them: then the connector is
// inconsistent until its tasks are written anew.
func (c *Configs) applyCommit(name string, offset int64, v any) string {
	e := c.of(name)
	if !e.exists {
		// The connector was removed, and compaction has taken the trace of
		// that: what is left of its tasks means nothing.
		e.remove()
		return ""
	}
	m, ok := v.(map[string]any)
	if !ok {
		return notA("value", "map", v)
	}
	count, ok := integer(m["tasks"])
	if !ok {
		return notA("'tasks'", "whole number", m["tasks"])
	}
	var updated []int
	if complete(e.deferred, count) {
		if e.deferred != nil {
			if e.tasks == nil {
				e.tasks = map[int]connect.Props{}
			}
			for i, p := range e.deferred {
				e.tasks[i] = p
				updated = append(updated, i)
			}
			e.Generation++
		}
		e.Inconsistent, e.AppliedProps = false, e.Props
	} else {
		c.log.Debug("a set of tasks is not complete, compaction may have taken some", "connector", name, "tasks", count)
		e.Inconsistent = true
	}
	clear(e.deferred)
	e.count, e.TasksOffset = int(count), offset
	e.NeedsFencing = true
	c.event(Event{Kind: TasksChanged, Connector: name, Tasks: updated})
	return ""
}

// complete tells whether tasks 0 to count-1 are there. There may be more: of a
// set that was bigger once, compaction leaves the upper ones.
func complete(tasks map[int]connect.Props, count int64) bool {
	if int64(len(tasks)) < count {
		return false
	}
	for i := range count {
		if _, ok := tasks[int(i)]; !ok {
			return false
		}
	}
	return true
}

func (c *Configs) applyRestart(name string, v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return notA("value", "map", v)
	}
	onlyFailed, _ := m["only-failed"].(bool)
	includeTasks, _ := m["include-tasks"].(bool)
	c.event(Event{Kind: RestartRequested, Connector: name, Restart: RestartRequest{name, onlyFailed, includeTasks}})
	return ""
}

func (c *Configs) applyTaskCount(name string, v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return notA("value", "map", v)
	}
	count, ok := integer(m["task-count"])
	if !ok {
		return notA("'task-count'", "whole number", m["task-count"])
	}
	e := c.of(name)
	e.TaskCount, e.NeedsFencing = int(count), false
	return ""
}

func (c *Configs) applySessionKey(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return notA("value", "map", v)
	}
	text, ok := m["key"].(string)
	if !ok {
		return notA("'key'", "string", m["key"])
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "'key' is not base64"
	}
	if len(key) == 0 {
		return "'key' is empty"
	}
	algorithm, ok := m["algorithm"].(string)
	if !ok {
		return notA("'algorithm'", "string", m["algorithm"])
	}
	created, ok := integer(m["creation-timestamp"])
	if !ok {
		return notA("'creation-timestamp'", "whole number", m["creation-timestamp"])
	}
	c.session = &SessionKey{Algorithm: algorithm, Key: key, Created: created}
	c.event(Event{Kind: SessionKeyChanged})
	return ""
}

func (c *Configs) applyLogger(name string, v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return notA("value", "map", v)
	}
	level, ok := m["level"].(string)
	if !ok {
		return notA("'level'", "string", m["level"])
	}
	c.event(Event{Kind: LoggerLevelSet, Logger: LoggerLevel{name, level}})
	return ""
}
