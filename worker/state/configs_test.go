package state

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A topic writes records to a Configs in order.
type topic struct {
	*Configs
	next int64
}

func newTopic() *topic {
	return &topic{Configs: NewConfigs(slog.New(slog.DiscardHandler))}
}

func (t *topic) put(kvs ...KV) *Snapshot {
	for _, kv := range kvs {
		t.Apply(Record{Offset: t.next, Key: kv.Key, Value: kv.Value})
		t.next++
	}
	return t.Snapshot()
}

func props(v string) connect.Props { return connect.Props{"v": v} }

func TestSnapshotOffsets(t *testing.T) {
	c := newTopic()
	if s := c.Snapshot(); s.Offset != 0 || len(s.Connectors) != 0 || s.SessionKey != nil {
		t.Fatalf("empty topic: %+v", s)
	}
	first := c.put(ConnectorRecord("c", props("1")))
	x := first.Connectors["c"]
	if x.Target != Started || x.PropsOffset != 0 || x.TargetOffset != -1 || x.TasksOffset != -1 || x.TaskCount != -1 || x.Generation != 0 || first.Offset != 1 {
		t.Errorf("new connector: %+v", x)
	}
	c.put(TargetRecord("c", Paused))
	c.put(TaskRecords("c", []connect.Props{props("1"), props("2")})...)
	if x := c.Snapshot().Connectors["c"]; x.Tasks != nil || x.Target != Paused || x.TargetOffset != 1 {
		t.Errorf("tasks without a commit took effect: %+v", x)
	}
	second := c.put(CommitRecord("c", 2))
	x = second.Connectors["c"]
	if len(x.Tasks) != 2 || x.Tasks[1]["v"] != "2" || x.TasksOffset != 4 || x.Generation != 1 || !x.NeedsFencing || x.AppliedProps["v"] != "1" || second.Offset != 5 {
		t.Errorf("after the commit: %+v", x)
	}
	x = c.put(ConnectorRecord("c", props("2"))).Connectors["c"]
	if x.AppliedProps["v"] != "1" || x.Props["v"] != "2" || len(x.Tasks) != 2 {
		t.Errorf("after new properties: %+v", x)
	}
	x = c.put(TaskCountRecord("c", 2)).Connectors["c"]
	if x.TaskCount != 2 || x.NeedsFencing {
		t.Errorf("after fencing: %+v", x)
	}
	// What was handed out before has not changed.
	if x := first.Connectors["c"]; x.Props["v"] != "1" || x.Tasks != nil || first.Offset != 1 {
		t.Errorf("the first snapshot has changed: %+v", x)
	}
	if x := second.Connectors["c"]; x.Props["v"] != "1" || x.TaskCount != -1 {
		t.Errorf("the second snapshot has changed: %+v", x)
	}
	if again, s := c.Snapshot(), c.Snapshot(); s != again {
		t.Error("a snapshot is made anew though nothing has changed")
	}
	c.put(ConnectorRecord("d", props("1")))
	if c.Snapshot().Connectors["c"] != x {
		t.Error("a connector is made anew though it has not changed")
	}
	if s := c.put(RemovalRecords("c")...); s.Connectors["c"] != nil || len(s.Connectors) != 1 {
		t.Errorf("after removal: %v", s.Connectors)
	}
	x = c.put(ConnectorRecord("c", props("3"))).Connectors["c"]
	if x.Target != Started || x.Tasks != nil || x.TasksOffset != -1 || x.AppliedProps != nil || x.TaskCount != 2 {
		t.Errorf("made again: %+v", x)
	}
}

// What compaction can leave is told from what a leader wrote in full.
func TestIncompleteTasks(t *testing.T) {
	c := newTopic()
	tasks := TaskRecords("c", []connect.Props{props("1"), props("2"), props("3")})
	c.put(ConnectorRecord("c", props("1")), tasks[0], tasks[2])
	x := c.put(CommitRecord("c", 3)).Connectors["c"]
	if !x.Inconsistent || x.Tasks != nil || x.TasksOffset != 3 || x.Generation != 0 || x.AppliedProps != nil {
		t.Errorf("one missing: %+v", x)
	}
	// The two that were there are void, they do not complete a later set.
	x = c.put(tasks[1], CommitRecord("c", 3)).Connectors["c"]
	if !x.Inconsistent {
		t.Errorf("completed by old ones: %+v", x)
	}
	x = c.put(append(tasks, CommitRecord("c", 2))...).Connectors["c"]
	if x.Inconsistent || len(x.Tasks) != 2 || x.Generation != 1 {
		t.Errorf("more than needed: %+v", x)
	}
	x = c.put(CommitRecord("c", 0)).Connectors["c"]
	if x.Inconsistent || len(x.Tasks) != 0 {
		t.Errorf("no tasks: %+v", x)
	}
}

func TestChanged(t *testing.T) {
	c := newTopic()
	c.put(ConnectorRecord("c", props("1")))
	c.put(ConnectorRecord("c", props("2")))
	<-c.Changed()
	select {
	case <-c.Changed():
		t.Error("two tokens")
	default:
	}
	c.put(KV{Key: []byte("connector-c"), Value: []byte("garbage")})
	select {
	case <-c.Changed():
		t.Error("a token for what changes nothing")
	default:
	}
}

func TestRequestsFromBeforeTheStartAreVoid(t *testing.T) {
	c := newTopic()
	requests := []KV{
		RestartRecord(RestartRequest{"c", true, true}), LoggerRecord(LoggerLevel{"root", "DEBUG"}),
		SessionKeyRecord(SessionKey{"HmacSHA256", []byte{1}, 5}),
	}
	c.put(requests...)
	if e := c.Events(); len(e) != 0 || c.Snapshot().SessionKey == nil {
		t.Errorf("before the start: %v", e)
	}
	c.Live()
	c.put(requests...)
	if got := fmt.Sprint(c.Events(), c.Events()); got != "[{4 c [] {c true true} { }} {5  [] { false false} {root DEBUG}} {6  [] { false false} { }}] []" {
		t.Error(got)
	}
}

func TestPropertiesThatAreNotStrings(t *testing.T) {
	c := newTopic()
	p := c.put(KV{Key: []byte("connector-c"), Value: []byte(`{"properties":{"a":5,"b":true,"c":null,"d":1.50,"e":"x","f":["y"]},"more":1}`)}).Connectors["c"].Props
	if fmt.Sprint(p) != `map[a:5 b:true d:1.50 e:x f:["y"]]` {
		t.Error(p)
	}
}

// Records of other tools or of a bad hand do not stop a worker, each is one
// line in the log, and secrets are not in it.
func TestGarbage(t *testing.T) {
	var logged bytes.Buffer
	c := NewConfigs(slog.New(slog.NewTextHandler(&logged, nil)))
	c.Live()
	c.Apply(Record{Key: []byte("connector-c"), Value: []byte(`{"properties":{}}`)})
	before := *c.Snapshot().Connectors["c"]
	for key, values := range map[string][]string{
		"connector-c":         {`{"properties":"PASSWORD"}`, `"PASSWORD"`, `{}`, `PASSWORD`, "{\"\xff\":1}"},
		"task-c-0":            {`{"properties":["PASSWORD"]}`, `null`},
		"task-c":              {`{"properties":{}}`},
		"task-c-x":            {`{"properties":{}}`},
		"commit-c":            {`{"tasks":"1"}`, `{"tasks":1.5}`, `{"tasks":99999999999999999999}`, `[]`, `null`},
		"target-state-c":      {`{"state":"ODD"}`, `{"state":1}`, `{"state":"STARTED","state.v2":"ODD"}`, `[]`},
		"tasks-fencing-c":     {`{"task-count":"1"}`, `null`},
		"session-key":         {`{"key":"PASSWORD="}`, `{"key":"*"}`, `{"key":"","algorithm":"a","creation-timestamp":1}`, `{"key":"AA==","algorithm":1}`, `{"key":"AA==","algorithm":"a","creation-timestamp":1e3}`, `null`},
		"restart-connector-c": {`null`, `5`},
		"logger-cluster-x":    {`{"level":null}`, `null`},
		"bogus":               {`{}`},
		"":                    {`{}`},
	} {
		for _, v := range values {
			logged.Reset()
			c.Apply(Record{Offset: 1, Key: []byte(key), Value: []byte(v)})
			if n := strings.Count(logged.String(), "\n"); n != 1 || strings.Contains(logged.String(), "PASSWORD") {
				t.Errorf("%s=%s: %d lines: %s", key, v, n, logged.String())
			}
		}
	}
	if e := c.Events(); len(e) != 1 {
		t.Errorf("garbage made events: %v", e[1:])
	}
	after := *c.Snapshot().Connectors["c"]
	if fmt.Sprint(after) != fmt.Sprint(before) || c.Snapshot().SessionKey != nil {
		t.Errorf("garbage changed %+v to %+v", before, after)
	}
}

// As in Java, a value of no bytes, or of white space, is no value, which
// removes a connector, and a byte order mark does no harm. All of them count.
func TestValuesWithoutText(t *testing.T) {
	for _, empty := range []string{"", " \n", "null", "\ufeff "} {
		c := newTopic()
		c.put(KV{Key: []byte("connector-c"), Value: []byte("\ufeff{\"properties\":{}} trailing")})
		s := c.put(KV{Key: []byte("connector-c"), Value: []byte(empty)})
		if s.Offset != 2 || len(s.Connectors) != 0 {
			t.Errorf("after %q: offset %d, connectors %v", empty, s.Offset, s.Connectors)
		}
	}
}

// Whatever is in the topic, a snapshot keeps its promises.
func FuzzConfigs(f *testing.F) {
	f.Add("connector-c", `{"properties":{"a":"b"}}`, "task-c-0", `{"properties":{}}`, "commit-c", `{"tasks":1}`)
	f.Add("target-state-c", `{"state":"PAUSED","state.v2":"STOPPED"}`, "connector-c", ``, "tasks-fencing-c", `{"task-count":-3}`)
	f.Add("session-key", `{"key":"AA==","algorithm":"x","creation-timestamp":1}`, "restart-connector-", `{}`, "logger-cluster-x", `{"level":"a"}`)
	f.Add("status-task-c-0", `{"state":"RUNNING","worker_id":"w","generation":1}`, "status-connector-c", `{}`, "status-topic-t:connector-c", `{"topic":{"name":"t","connector":"c","task":0,"discoverTimestamp":1}}`)
	f.Fuzz(func(t *testing.T, k1, v1, k2, v2, k3, v3 string) {
		c, s := newTopic(), NewStatuses(slog.New(slog.DiscardHandler))
		c.Live()
		for _, kv := range [][2]string{{"connector-c", `{"properties":{}}`}, {k1, v1}, {k2, v2}, {k3, v3}} {
			var value []byte
			if kv[1] != "" {
				value = []byte(kv[1])
			}
			c.put(KV{Key: []byte(kv[0]), Value: value})
			s.Apply(Record{Key: []byte(kv[0]), Value: value})
		}
		for name, x := range c.Snapshot().Connectors {
			if name != x.Name || x.Props == nil || x.Target != Started && x.Target != Paused && x.Target != Stopped || x.Inconsistent && x.Tasks != nil ||
				slices.ContainsFunc(x.Tasks, func(p connect.Props) bool { return p == nil }) {
				t.Fatalf("%+v", x)
			}
		}
		for _, name := range slices.Collect(maps.Keys(s.tasks)) {
			if len(s.Tasks(name)) == 0 {
				t.Fatalf("an empty entry for %q", name)
			}
		}
	})
}

func BenchmarkSnapshot(b *testing.B) {
	c := newTopic()
	for i := range 1000 {
		c.put(ConnectorRecord(fmt.Sprint("c", i), connect.Props{"connector.class": "x", "topics": "t"}))
	}
	kv := TargetRecord("c5", Paused)
	b.ReportAllocs()
	for b.Loop() {
		c.put(kv)
	}
}
