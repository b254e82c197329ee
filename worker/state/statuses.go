package state

import (
	"cmp"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// State is what a connector or task does, as the status topic and the REST API
// name it.
type State string

// The states. Destroyed is never in the topic: it is written as a tombstone.
const (
	StateUnassigned State = "UNASSIGNED"
	StateRunning    State = "RUNNING"
	StatePaused     State = "PAUSED"
	StateStopped    State = "STOPPED"
	StateFailed     State = "FAILED"
	StateRestarting State = "RESTARTING"
	StateDestroyed  State = "DESTROYED"
)

// A Status is how a connector or task is, and who says so.
type Status struct {
	State      State
	Trace      string // of what made it fail; "": none
	WorkerID   string // host:port of the worker's REST API
	Generation int    // of the group, when it was written
	Version    string // of the plugin; "": none
}

// A TaskStatus is the status of one task.
type TaskStatus struct {
	Task int
	Status
}

// A TopicStatus says that a connector uses a topic (KIP-558).
type TopicStatus struct {
	Topic      string
	Connector  string
	Task       int   // the task that was first seen to use it
	Discovered int64 // ms since the epoch
}

// Statuses is the meaning of the status topic. Its rules are those of Java's
// KafkaStatusBackingStore. Methods may be called from any goroutine; what they
// return does not change.
type Statuses struct {
	log *slog.Logger

	mu         sync.Mutex
	connectors map[string]*Status // nil: written by this worker, not yet read back
	tasks      map[string]map[int]*Status
	topics     map[string]map[string]TopicStatus // by connector and topic
}

// NewStatuses returns the meaning of an empty topic.
func NewStatuses(log *slog.Logger) *Statuses {
	return &Statuses{
		log: log, connectors: map[string]*Status{}, tasks: map[string]map[int]*Status{}, topics: map[string]map[string]TopicStatus{},
	}
}

// Connectors returns the sorted names of all connectors that have a status, or
// will have when what this worker has written is read.
func (s *Statuses) Connectors() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.connectors))
}

// Connector returns the status of a connector, nil if there is none.
func (s *Statuses) Connector(name string) *Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connectors[name]
}

// Task returns the status of a task, nil if there is none.
func (s *Statuses) Task(connector string, task int) *Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tasks[connector][task]
}

// Tasks returns the statuses of a connector's tasks in their order.
func (s *Statuses) Tasks(connector string) []TaskStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]TaskStatus, 0, len(s.tasks[connector]))
	for i, st := range s.tasks[connector] {
		list = append(list, TaskStatus{i, *st})
	}
	slices.SortFunc(list, func(a, b TaskStatus) int { return cmp.Compare(a.Task, b.Task) })
	return list
}

// Topic returns what is known of a topic's use by a connector.
func (s *Statuses) Topic(connector, topic string) (TopicStatus, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.topics[connector][topic]
	return t, ok
}

// Topics returns the topics that a connector uses, sorted by name.
func (s *Statuses) Topics(connector string) []TopicStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.topics[connector]), func(a, b TopicStatus) int { return cmp.Compare(a.Topic, b.Topic) })
}

// What the keys of the status topic begin with, and what parts a topic from a
// connector.
const (
	connectorStatusPrefix = "status-connector-"
	taskStatusPrefix      = "status-task-"
	topicStatusPrefix     = "status-topic-"
	topicSeparator        = ":connector-"
)

// PutConnector returns the record that sets a connector's status. With safe,
// it returns false when a worker of a later generation has set one: the status
// is old news then and not to be written.
func (s *Statuses) PutConnector(name string, st Status, safe bool) (KV, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, known := s.connectors[name]
	if !known {
		s.connectors[name] = nil
	}
	return putStatus(connectorStatusPrefix+name, last, st, safe)
}

// PutTask is PutConnector for a task.
func (s *Statuses) PutTask(connector string, task int, st Status, safe bool) (KV, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return putStatus(taskStatusPrefix+connector+"-"+strconv.Itoa(task), s.tasks[connector][task], st, safe)
}

func putStatus(key string, last *Status, st Status, safe bool) (KV, bool) {
	if safe && last != nil && last.WorkerID != st.WorkerID && last.Generation > st.Generation {
		return KV{}, false
	}
	if st.State == StateDestroyed {
		return KV{Key: []byte(key)}, true
	}
	return record(key, field{"state", string(st.State)}, field{"trace", orNull(st.Trace)}, field{"worker_id", st.WorkerID},
		field{"generation", st.Generation}, field{"version", orNull(st.Version)}), true
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// TopicRecord says that a connector uses a topic.
func TopicRecord(t TopicStatus) KV {
	return record(topicStatusPrefix+t.Topic+topicSeparator+t.Connector, field{"topic", []field{
		{"name", t.Topic}, {"connector", t.Connector}, {"task", t.Task}, {"discoverTimestamp", t.Discovered},
	}})
}

// TopicRemoval says that a connector does not use a topic any more.
func TopicRemoval(connector, topic string) KV {
	return KV{Key: []byte(topicStatusPrefix + topic + topicSeparator + connector)}
}

// Apply takes the next record of the topic.
func (s *Statuses) Apply(r Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if why := s.apply(string(r.Key), r.Value); why != "" {
		s.log.Error("ignoring a record of the status topic", "key", string(r.Key), "partition", r.Partition, "offset", r.Offset, "reason", why)
	}
}

// apply returns why a record is to be ignored, or "".
func (s *Statuses) apply(key string, value []byte) string {
	if name, ok := strings.CutPrefix(key, connectorStatusPrefix); ok {
		return s.applyConnector(name, value)
	}
	if strings.HasPrefix(key, taskStatusPrefix) {
		return s.applyTask(key, value)
	}
	if rest, ok := strings.CutPrefix(key, topicStatusPrefix); ok {
		return s.applyTopic(rest, value)
	}
	return "no kind of record has such a key"
}

func (s *Statuses) applyConnector(name string, value []byte) string {
	if name == "" {
		return "its key names no connector"
	}
	if value == nil {
		delete(s.connectors, name)
		delete(s.tasks, name)
		return ""
	}
	st, why := parseStatus(value)
	if why == "" {
		s.connectors[name] = st
	}
	return why
}

func (s *Statuses) applyTask(key string, value []byte) string {
	name, task, ok := taskOf(key, 2)
	if !ok {
		return "its key does not end in a connector's name and a task's number"
	}
	tasks := s.tasks[name]
	if value == nil {
		delete(tasks, task)
		if len(tasks) == 0 {
			delete(s.tasks, name)
		}
		return ""
	}
	st, why := parseStatus(value)
	if why != "" {
		return why
	}
	// A worker that gives a task up may say so after another, which has it
	// now, has said that it runs.
	if last := tasks[task]; st.State == StateUnassigned && last != nil && last.State == StateRunning && last.Generation >= st.Generation {
		return ""
	}
	if tasks == nil {
		tasks = map[int]*Status{}
		s.tasks[name] = tasks
	}
	tasks[task] = st
	return ""
}

func (s *Statuses) applyTopic(rest string, value []byte) string {
	// Java looks for the colon only, and takes the length of the separator.
	colon := strings.IndexByte(rest, ':')
	if colon <= 0 || len(rest) <= colon+len(topicSeparator) {
		return "its key does not name a topic and a connector"
	}
	topic, name := rest[:colon], rest[colon+len(topicSeparator):]
	if value == nil {
		delete(s.topics[name], topic)
		if len(s.topics[name]) == 0 {
			delete(s.topics, name)
		}
		return ""
	}
	v, err := parse(value)
	if err != nil {
		return "its value is not JSON: " + err.Error()
	}
	m, _ := v.(map[string]any)
	in, ok := m["topic"].(map[string]any)
	if !ok {
		return notA("'topic'", "map", m["topic"])
	}
	var t TopicStatus
	if t.Topic, ok = in["name"].(string); !ok {
		return notA("'name'", "string", in["name"])
	}
	if t.Connector, ok = in["connector"].(string); !ok {
		return notA("'connector'", "string", in["connector"])
	}
	task, ok := integer(in["task"])
	if !ok {
		return notA("'task'", "whole number", in["task"])
	}
	t.Task = int(task)
	if t.Discovered, ok = integer(in["discoverTimestamp"]); !ok {
		return notA("'discoverTimestamp'", "whole number", in["discoverTimestamp"])
	}
	if s.topics[name] == nil {
		s.topics[name] = map[string]TopicStatus{}
	}
	s.topics[name][topic] = t
	return ""
}

// parseStatus returns a status, or why there is none.
func parseStatus(value []byte) (*Status, string) {
	v, err := parse(value)
	if err != nil {
		return nil, "its value is not JSON: " + err.Error()
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, notA("value", "map", v)
	}
	var st Status
	why := ""
	text := func(field string) string {
		s, ok := m[field].(string)
		if !ok && m[field] != nil {
			why = notA("'"+field+"'", "string", m[field])
		}
		return s
	}
	st.State, st.Trace, st.WorkerID, st.Version = State(text("state")), text("trace"), text("worker_id"), text("version")
	if why != "" {
		return nil, why
	}
	switch st.State {
	case StateUnassigned, StateRunning, StatePaused, StateStopped, StateFailed, StateRestarting, StateDestroyed:
	default:
		return nil, "there is no state '" + string(st.State) + "'"
	}
	generation, ok := integer(m["generation"])
	if !ok {
		return nil, notA("'generation'", "whole number", m["generation"])
	}
	st.Generation = int(int32(generation))
	return &st, ""
}
