package state

import (
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/test/vectors"
)

type javaStatus struct {
	ID         string  `json:"id"`
	State      State   `json:"state"`
	WorkerID   string  `json:"workerId"`
	Generation int     `json:"generation"`
	Trace      *string `json:"trace"`
	Version    *string `json:"version"`
}

func (j *javaStatus) status() Status {
	s := Status{State: j.State, WorkerID: j.WorkerID, Generation: j.Generation}
	if j.Trace != nil {
		s.Trace = *j.Trace
	}
	if j.Version != nil {
		s.Version = *j.Version
	}
	return s
}

func java(id string, s Status) javaStatus {
	j := javaStatus{ID: id, State: s.State, WorkerID: s.WorkerID, Generation: s.Generation}
	if s.Trace != "" {
		j.Trace = &s.Trace
	}
	if s.Version != "" {
		j.Version = &s.Version
	}
	return j
}

type javaTopic struct {
	Topic      string `json:"topic"`
	Connector  string `json:"connector"`
	Task       int    `json:"task"`
	Discovered string `json:"discoverTimestamp"`
}

type statusCall struct {
	Do        string      `json:"do"`
	Connector *javaStatus `json:"connector"`
	Task      *javaStatus `json:"task"`
	Topic     *javaTopic  `json:"topic"`
	Key       string      `json:"key"`
	Value     *string     `json:"value"`
}

type statusAnswer struct {
	Sent       []javaSent             `json:"sent"`
	Connectors map[string]*javaStatus `json:"connectors"`
	Tasks      []javaStatus           `json:"tasks"`
	Topics     []string               `json:"topics"` // topic/connector/task/timestamp
}

func TestStatusTopicVectors(t *testing.T) {
	vectors.Run(t, "topics", []string{"statustopic"}, func(_ *testing.T, v *vectors.Vector) error {
		var calls []statusCall
		var answers []statusAnswer
		v.BindInput(&calls)
		v.BindOutput(&answers)
		s := NewStatuses(slog.New(slog.DiscardHandler))
		for i, call := range calls {
			var sent []KV
			var kv KV
			put := true
			switch safe := call.Do == "putSafe"; {
			case call.Do == "read":
				s.Apply(Record{Key: []byte(call.Key), Value: bytesOf(call.Value)})
				put = false
			case call.Connector != nil:
				kv, put = s.PutConnector(call.Connector.ID, call.Connector.status(), safe)
			case call.Task != nil:
				dash := strings.LastIndex(call.Task.ID, "-")
				n, err := strconv.Atoi(call.Task.ID[dash+1:])
				if err != nil {
					return err
				}
				kv, put = s.PutTask(call.Task.ID[:dash], n, call.Task.status(), safe)
			case call.Topic != nil:
				ts, err := strconv.ParseInt(call.Topic.Discovered, 10, 64)
				if err != nil {
					return err
				}
				kv = TopicRecord(TopicStatus{call.Topic.Topic, call.Topic.Connector, call.Topic.Task, ts})
			default:
				return fmt.Errorf("unknown call %s", call.Do)
			}
			if put {
				sent = append(sent, kv)
			}
			want := answers[i]
			if err := sameSent(want.Sent, sent); err != nil {
				return fmt.Errorf("call %d: %w", i, err)
			}
			got := answerOf(s)
			order := func(a, b javaStatus) int { return strings.Compare(a.ID, b.ID) }
			slices.SortFunc(want.Tasks, order)
			slices.SortFunc(got.Tasks, order)
			slices.Sort(want.Topics)
			slices.Sort(got.Topics)
			want.Sent = nil
			if !reflect.DeepEqual(got, want) {
				return fmt.Errorf("call %d:\n want %s\n  got %s", i, vectors.Show(want), vectors.Show(got))
			}
		}
		return nil
	})
}

func answerOf(s *Statuses) statusAnswer {
	a := statusAnswer{Connectors: map[string]*javaStatus{}, Tasks: []javaStatus{}, Topics: []string{}}
	for _, name := range s.Connectors() {
		a.Connectors[name] = nil
		if st := s.Connector(name); st != nil {
			j := java(name, *st)
			a.Connectors[name] = &j
		}
	}
	for _, name := range []string{"c1", "c-2"} { // all that Java was asked for; "c" of key status-task-c-2 is none
		for _, st := range s.Tasks(name) {
			a.Tasks = append(a.Tasks, java(name+"-"+strconv.Itoa(st.Task), st.Status))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.topics)) {
		for _, t := range s.Topics(name) {
			a.Topics = append(a.Topics, fmt.Sprintf("%s/%s/%d/%d", t.Topic, t.Connector, t.Task, t.Discovered))
		}
	}
	return a
}
