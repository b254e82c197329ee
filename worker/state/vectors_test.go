package state

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/test/vectors"
)

// The state of Java's config store after a call, as the vectors write it.
type javaState struct {
	Offset       int64                    `json:"offset"`
	Connectors   map[string]javaConnector `json:"connectors"`
	Inconsistent []string                 `json:"inconsistent"`
	SessionKey   *string                  `json:"sessionKey"`
}

type javaConnector struct {
	Config          connect.Props `json:"config"`
	TargetState     TargetState   `json:"targetState"`
	TaskCount       int           `json:"taskCount"`
	Tasks           []javaTask    `json:"tasks"`
	TaskCountRecord *int          `json:"taskCountRecord"`
	Generation      *int          `json:"taskConfigGeneration"`
	PendingFencing  bool          `json:"pendingFencing"`
	Inconsistent    bool          `json:"inconsistent"`
}

type javaTask struct {
	ID     string        `json:"id"`
	Config connect.Props `json:"config"`
}

type javaSent struct {
	Key   string  `json:"key"`
	Value *string `json:"value"`
}

type configCall struct {
	Do           string          `json:"do"`
	Key          string          `json:"key"`
	Value        *string         `json:"value"`
	Connector    string          `json:"connector"`
	Config       connect.Props   `json:"config"`
	Configs      []connect.Props `json:"configs"`
	InitialState *TargetState    `json:"initialState"`
	State        TargetState     `json:"state"`
	Count        int             `json:"count"`
	Algorithm    string          `json:"algorithm"`
	Created      string          `json:"creationTimestamp"`
	OnlyFailed   bool            `json:"onlyFailed"`
	IncludeTasks bool            `json:"includeTasks"`
	Namespace    string          `json:"namespace"`
	Level        string          `json:"level"`
}

type configAnswer struct {
	Sent   []javaSent       `json:"sent"`
	Events []map[string]any `json:"events"`
	State  javaState        `json:"state"`
	Error  string           `json:"error"`
}

// records are what Millwright writes for a call on the config store.
func (c *configCall) records(t *testing.T) []KV {
	switch c.Do {
	case "putConnectorConfig":
		var kvs []KV
		if c.InitialState != nil {
			kvs = append(kvs, TargetRecord(c.Connector, *c.InitialState))
		}
		return append(kvs, ConnectorRecord(c.Connector, c.Config))
	case "removeConnectorConfig":
		return RemovalRecords(c.Connector)
	case "putTaskConfigs":
		return append(TaskRecords(c.Connector, c.Configs), CommitRecord(c.Connector, len(c.Configs)))
	case "putTargetState":
		return []KV{TargetRecord(c.Connector, c.State)}
	case "putTaskCountRecord":
		return []KV{TaskCountRecord(c.Connector, c.Count)}
	case "putSessionKey":
		key, err := base64.StdEncoding.DecodeString(c.Key)
		if err != nil {
			t.Fatal(err)
		}
		created, err := strconv.ParseInt(c.Created, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return []KV{SessionKeyRecord(SessionKey{Algorithm: c.Algorithm, Key: key, Created: created})}
	case "putRestartRequest":
		return []KV{RestartRecord(RestartRequest{c.Connector, c.OnlyFailed, c.IncludeTasks})}
	case "putLoggerLevel":
		return []KV{LoggerRecord(LoggerLevel{c.Namespace, c.Level})}
	}
	return nil
}

func TestConfigTopicVectors(t *testing.T) {
	vectors.Run(t, "topics", []string{"configtopic.*"}, func(t *testing.T, v *vectors.Vector) error {
		var calls []configCall
		var answers []configAnswer
		v.BindInput(&calls)
		v.BindOutput(&answers)
		var logged bytes.Buffer
		c := NewConfigs(slog.New(slog.NewTextHandler(&logged, nil)))
		offset := int64(0)
		apply := func(key string, value []byte) {
			c.Apply(Record{Offset: offset, Timestamp: 1700000000000, Key: []byte(key), Value: value})
			offset++
		}
		for i, call := range calls {
			want := answers[i]
			logged.Reset()
			var sent []KV
			switch call.Do {
			case "start":
				c.Live()
			case "record":
				apply(call.Key, bytesOf(call.Value))
			default:
				sent = call.records(t)
				for _, kv := range sent {
					apply(string(kv.Key), kv.Value)
				}
			}
			if err := sameSent(want.Sent, sent); err != nil {
				return fmt.Errorf("call %d (%s): %w", i, call.Do, err)
			}
			if got := eventsOf(c.Events()); !reflect.DeepEqual(got, sortTasks(want.Events)) {
				return fmt.Errorf("call %d (%s): events want %v, got %v", i, call.Do, want.Events, got)
			}
			if got := stateOf(c); !reflect.DeepEqual(got, want.State) {
				return fmt.Errorf("call %d (%s): state\n want %s\n  got %s", i, call.Do, vectors.Show(want.State), vectors.Show(got))
			}
			// What throws in Java is a line in our log. (removeTaskConfigs is
			// not supported by Java, and there is no such thing here.)
			if lines := strings.Count(logged.String(), "\n"); lines > 1 ||
				call.Do == "record" && want.Error != "" && lines != 1 {
				return fmt.Errorf("call %d (%s): error %q, logged %s", i, call.Do, want.Error, logged.String())
			}
		}
		return nil
	})
}

func bytesOf(s *string) []byte {
	if s == nil {
		return nil
	}
	return []byte(*s)
}

// sameSent compares what is written: keys as text, values as JSON.
func sameSent(want []javaSent, got []KV) error {
	if len(want) != len(got) {
		return fmt.Errorf("%d records sent, want %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		if w.Key != string(g.Key) || (w.Value == nil) != (g.Value == nil) {
			return fmt.Errorf("sent %s=%s, want %s", g.Key, g.Value, vectors.Show(w))
		}
		if w.Value == nil {
			continue
		}
		var a, b any
		if err := json.Unmarshal([]byte(*w.Value), &a); err != nil {
			return err
		}
		if err := json.Unmarshal(g.Value, &b); err != nil {
			return err
		}
		if !reflect.DeepEqual(a, b) {
			return fmt.Errorf("sent %s=%s, want %s", g.Key, g.Value, *w.Value)
		}
		// But for the order within maps, the bytes are Java's too.
		if len(*w.Value) != len(g.Value) {
			return fmt.Errorf("sent %s=%s, not the bytes of %s", g.Key, g.Value, *w.Value)
		}
	}
	return nil
}

func sortTasks(events []map[string]any) []map[string]any {
	for _, e := range events {
		if ts, ok := e["tasks"].([]any); ok {
			slices.SortFunc(ts, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
		}
	}
	return events
}

func eventsOf(events []Event) []map[string]any {
	names := map[EventKind]string{
		ConnectorChanged: "connectorUpdate", ConnectorRemoved: "connectorRemove", TasksChanged: "taskUpdate", TargetChanged: "targetState",
		RestartRequested: "restart", LoggerLevelSet: "loggingLevel", SessionKeyChanged: "sessionKey",
	}
	list := []map[string]any{}
	for _, e := range events {
		m := map[string]any{"event": names[e.Kind]}
		switch e.Kind {
		case TasksChanged:
			ids := []any{}
			for _, n := range e.Tasks {
				ids = append(ids, e.Connector+"-"+strconv.Itoa(n))
			}
			m["tasks"] = ids
		case RestartRequested:
			m["connector"], m["onlyFailed"], m["includeTasks"] = e.Restart.Connector, e.Restart.OnlyFailed, e.Restart.IncludeTasks
		case LoggerLevelSet:
			m["namespace"], m["level"] = e.Logger.Logger, e.Logger.Level
		case SessionKeyChanged:
		default:
			m["connector"] = e.Connector
		}
		list = append(list, m)
	}
	return sortTasks(list)
}

// stateOf renders a snapshot, and the little that snapshots leave out, as the
// vectors do.
func stateOf(c *Configs) javaState {
	s := c.Snapshot()
	out := javaState{Offset: s.Offset, Connectors: map[string]javaConnector{}, Inconsistent: []string{}}
	if s.Offset == 0 {
		out.Offset = -1
	}
	for _, name := range slices.Sorted(maps.Keys(c.connectors)) {
		if c.connectors[name].Inconsistent {
			out.Inconsistent = append(out.Inconsistent, name)
		}
	}
	if k := s.SessionKey; k != nil {
		text := fmt.Sprintf("%s/%s/%d", base64.StdEncoding.EncodeToString(k.Key), k.Algorithm, k.Created)
		out.SessionKey = &text
	}
	for name, x := range s.Connectors {
		j := javaConnector{
			Config: x.Props, TargetState: x.Target, TaskCount: c.connectors[name].count, Tasks: []javaTask{},
			PendingFencing: x.NeedsFencing, Inconsistent: x.Inconsistent,
		}
		for i, p := range x.Tasks {
			j.Tasks = append(j.Tasks, javaTask{name + "-" + strconv.Itoa(i), p})
		}
		if x.TaskCount >= 0 {
			j.TaskCountRecord = &x.TaskCount
		}
		if g := x.Generation - 1; g >= 0 { // Java counts from 0
			j.Generation = &g
		}
		out.Connectors[name] = j
	}
	return out
}
