package worker

import (
	"context"
	"encoding/json"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/stage"
	"github.com/millwright-connect/millwright/worker/state"
)

// ConnectorState is a connector's or task's status in the REST API's form.
type ConnectorState struct {
	State    state.State   `json:"state"`
	Trace    string        `json:"trace,omitempty"`
	WorkerID string        `json:"worker_id"`
	Version  PluginVersion `json:"version,omitzero"`
}

// A PluginVersion is a plugin's, in a status.
type PluginVersion string

// IsZero reports whether a plugin does not know its version; the member is left
// out then.
func (v PluginVersion) IsZero() bool { return v == "undefined" }

// MarshalJSON writes null for a unit that failed before its plugin was asked.
func (v PluginVersion) MarshalJSON() ([]byte, error) {
	if v == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(v))
}

// TaskState is a task's status.
type TaskState struct {
	ID       int           `json:"id"`
	State    state.State   `json:"state"`
	Trace    string        `json:"trace,omitempty"`
	WorkerID string        `json:"worker_id"`
	Version  PluginVersion `json:"version,omitzero"`
}

// StateInfo is the status of a connector and its tasks.
type StateInfo struct {
	Name      string         `json:"name"`
	Connector ConnectorState `json:"connector"`
	Tasks     []TaskState    `json:"tasks"`
	Type      string         `json:"type"`
}

// Status returns what the status topic says of a connector.
func (w *Worker) Status(name string) (StateInfo, error) {
	c := w.statuses.state.Connector(name)
	if c == nil {
		return StateInfo{}, refuse(NotFound, "No status found for connector %s", name)
	}
	tasks := w.statuses.state.Tasks(name)
	info := StateInfo{Name: name, Connector: ConnectorState{c.State, c.Trace, c.WorkerID, PluginVersion(c.Version)}, Tasks: make([]TaskState, 0, len(tasks))}
	for _, t := range tasks {
		info.Tasks = append(info.Tasks, taskState(t))
	}
	var props connect.Props
	if known := w.configs.Snapshot().Connectors[name]; known != nil {
		props = known.Props
	}
	info.Type = w.TypeOf(props)
	return info, nil
}

// TaskStatus returns what the status topic says of a task.
func (w *Worker) TaskStatus(name string, task int) (TaskState, error) {
	for _, t := range w.statuses.state.Tasks(name) {
		if t.Task == task {
			return taskState(t), nil
		}
	}
	return TaskState{}, refuse(NotFound, "No status found for task %s-%d", name, task)
}

func taskState(t state.TaskStatus) TaskState {
	return TaskState{t.Task, t.State, t.Trace, t.WorkerID, PluginVersion(t.Version)}
}

// Topics lists the topics that a connector has used since they were last reset.
func (w *Worker) Topics(name string) []string {
	topics := []string{}
	for _, t := range w.statuses.state.Topics(name) {
		topics = append(topics, t.Topic)
	}
	return topics
}

// ResetTopics forgets which topics a connector has used.
func (w *Worker) ResetTopics(name string) { w.statuses.resetTopics(name) }

// RestartConnector restarts the connector alone, where it runs, and waits until
// it is up again or has failed.
func (w *Worker) RestartConnector(ctx context.Context, name string) error {
	if c := w.configs.Snapshot().Connectors[name]; c == nil || c.Props == nil {
		return refuse(NotFound, "Unknown connector: %s", name)
	}
	return w.restartUnit(ctx, unitID{name, connectorUnit}, "Cannot restart connector since it is not assigned to this member", "Only the leader can process restart requests.")
}

// RestartTask restarts one task, where it runs.
func (w *Worker) RestartTask(ctx context.Context, name string, task int) error {
	c := w.configs.Snapshot().Connectors[name]
	if c == nil || c.Props == nil {
		return refuse(NotFound, "Unknown connector: %s", name)
	}
	id := unitID{name, task}
	if task < 0 || task >= len(c.Tasks) {
		return refuse(NotFound, "Unknown task: %s-%d", name, task)
	}
	const notHere = "Cannot restart task since it is not assigned to this member"
	return w.restartUnit(ctx, id, notHere, notHere)
}

func (w *Worker) restartUnit(ctx context.Context, id unitID, notOwner, notLeader string) error {
	a, err := w.membership(ctx)
	if err != nil {
		return err
	}
	if !a.has(id) {
		if a.Leader {
			return &MovedError{a.ownerURL(id), notOwner}
		}
		return &MovedError{a.LeaderURL, notLeader}
	}
	ready := make(chan error, 1)
	if _, err := Ask(ctx, w.herder, func(h *Herder) struct{} {
		if u := h.units[id]; u != nil {
			u.restart = true
		}
		h.waiters[id] = append(h.waiters[id], ready)
		return struct{}{}
	}); err != nil {
		return err
	}
	doing := "starting the connector"
	if id.Task != connectorUnit {
		doing = "restarting task " + id.String()
	}
	defer stage.Enter(ctx, "%s", doing)()
	select {
	case err = <-ready:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-w.herder.done:
		return ErrStopped
	}
}

// has reports whether the assignment holds a unit.
func (a *assignment) has(id unitID) bool {
	if id.Task == connectorUnit {
		for _, c := range a.Connectors {
			if c == id.Connector {
				return true
			}
		}
		return false
	}
	for _, t := range a.Tasks {
		if t == id {
			return true
		}
	}
	return false
}

// Restart asks all workers, through the config topic, to restart what they run
// of a connector (KIP-745), and returns the state that follows.
func (w *Worker) Restart(ctx context.Context, r state.RestartRequest) (StateInfo, error) {
	if c := w.configs.Snapshot().Connectors[r.Connector]; c == nil || c.Props == nil {
		return StateInfo{}, refuse(NotFound, "Unknown connector: %s", r.Connector)
	}
	if err := w.lead(ctx, "Only the leader can process restart requests."); err != nil {
		return StateInfo{}, err
	}
	info, err := w.Status(r.Connector)
	if err != nil {
		return info, refuse(NotFound, "Status for connector %s not found", r.Connector)
	}
	defer stage.Enter(ctx, "writing restart request for connector %s%s", r.Connector, toConfigs)()
	if err := w.configs.Append(ctx, state.RestartRecord(r)); err != nil {
		return StateInfo{}, err
	}
	restartPlan(r, &info)
	return info, nil
}

// restartPlan marks in info what a request restarts.
func restartPlan(r state.RestartRequest, info *StateInfo) {
	if !r.OnlyFailed || info.Connector.State == state.StateFailed {
		info.Connector.State = state.StateRestarting
	}
	if !r.IncludeTasks {
		return
	}
	for i := range info.Tasks {
		if !r.OnlyFailed || info.Tasks[i].State == state.StateFailed {
			info.Tasks[i].State = state.StateRestarting
		}
	}
}

// restartHere does this worker's part of a restart request that it has read.
func (w *Worker) restartHere(ctx context.Context, r state.RestartRequest) error {
	info, err := w.Status(r.Connector)
	if err != nil {
		return nil //nolint:nilerr // never started: nothing to restart
	}
	restartPlan(r, &info)
	ids := []unitID{}
	if info.Connector.State == state.StateRestarting {
		ids = append(ids, unitID{r.Connector, connectorUnit})
	}
	for _, t := range info.Tasks {
		if t.State == state.StateRestarting {
			ids = append(ids, unitID{r.Connector, t.ID})
		}
	}
	_, err = Ask(ctx, w.herder, func(h *Herder) struct{} {
		for _, id := range ids {
			u := h.units[id]
			if u == nil || h.assigned == nil || u.phase == stopping {
				continue
			}
			u.restart, u.announced = true, true
			if u.phase == down {
				h.restarting(id)
			}
		}
		return struct{}{}
	})
	return err
}
