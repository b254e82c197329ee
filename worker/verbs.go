package worker

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/stage"
	"github.com/millwright-connect/millwright/worker/state"
)

// The verbs below are what the REST API may ask. Reads are answered from the
// snapshots of the internal topics; writes go through write, on the leader only.

// TaskRef names a task in the REST API's form.
type TaskRef struct {
	Connector string `json:"connector"`
	Task      int    `json:"task"`
}

// ConnectorInfo is a connector as users configured it.
type ConnectorInfo struct {
	Name   string        `json:"name"`
	Config connect.Props `json:"config"`
	Tasks  []TaskRef     `json:"tasks"`
	Type   string        `json:"type"` // source, sink or unknown
}

// TaskInfo is a task's configuration.
type TaskInfo struct {
	ID     TaskRef       `json:"id"`
	Config connect.Props `json:"config"`
}

// Connectors lists the names of all connectors, sorted.
func (w *Worker) Connectors() []string {
	s := w.configs.Snapshot()
	names := make([]string, 0, len(s.Connectors))
	for name, c := range s.Connectors {
		if c.Props != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (w *Worker) find(name string) (*state.Connector, error) {
	if c := w.configs.Snapshot().Connectors[name]; c != nil && c.Props != nil {
		return c, nil
	}
	return nil, refuse(NotFound, "Connector %s not found", name)
}

// Connector describes one connector.
func (w *Worker) Connector(name string) (ConnectorInfo, error) {
	c, err := w.find(name)
	if err != nil {
		return ConnectorInfo{}, err
	}
	return w.info(name, c.Props, len(c.Tasks)), nil
}

func (w *Worker) info(name string, props connect.Props, tasks int) ConnectorInfo {
	i := ConnectorInfo{Name: name, Config: props, Tasks: make([]TaskRef, tasks), Type: w.TypeOf(props)}
	for n := range i.Tasks {
		i.Tasks[n] = TaskRef{name, n}
	}
	return i
}

// TypeOf tells whether properties are those of a source or a sink.
func (w *Worker) TypeOf(props connect.Props) string {
	class := props["connector.class"]
	if _, ok := w.plugins.Sources.Find(class); ok {
		return string(connect.Source)
	}
	if _, ok := w.plugins.Sinks.Find(class); ok {
		return string(connect.Sink)
	}
	return "unknown"
}

// Tasks lists a connector's tasks with their properties.
func (w *Worker) Tasks(name string) ([]TaskInfo, error) {
	c, err := w.find(name)
	if err != nil {
		return nil, err
	}
	tasks := make([]TaskInfo, len(c.Tasks))
	for n, p := range c.Tasks {
		tasks[n] = TaskInfo{TaskRef{name, n}, p}
	}
	return tasks, nil
}

// Create makes a new connector; initial is empty for STARTED.
func (w *Worker) Create(ctx context.Context, name string, props connect.Props, initial state.TargetState) (ConnectorInfo, error) {
	info, _, err := w.put(ctx, name, props, initial, false)
	return info, err
}

// PutConfig makes a connector or replaces its properties, and tells whether it
// is new.
func (w *Worker) PutConfig(ctx context.Context, name string, props connect.Props) (ConnectorInfo, bool, error) {
	return w.put(ctx, name, props, "", true)
}

// PatchConfig changes single properties (KIP-477); nil removes one.
func (w *Worker) PatchConfig(ctx context.Context, name string, patch map[string]*string) (ConnectorInfo, error) {
	if err := w.lead(ctx, "Only the leader can set connector configs."); err != nil {
		return ConnectorInfo{}, err
	}
	c, err := w.find(name)
	if err != nil {
		return ConnectorInfo{}, err
	}
	props := maps.Clone(c.Props)
	for k, v := range patch {
		if v == nil {
			delete(props, k)
		} else {
			props[k] = *v
		}
	}
	info, _, err := w.put(ctx, name, props, "", true)
	return info, err
}

func (w *Worker) put(ctx context.Context, name string, props connect.Props, initial state.TargetState, replace bool) (ConnectorInfo, bool, error) {
	// Validation runs the plugin's code, which may hang: it comes before
	// anything that others could wait for.
	if err := w.checkConfig(ctx, props); err != nil {
		return ConnectorInfo{}, false, err
	}
	// Read only when the write has ended: with an error it may go on.
	var (
		info    ConnectorInfo
		created bool
	)
	err := w.write(ctx, "Only the leader can set connector configs.", "writing a config for connector "+name+toConfigs, func(s *state.Snapshot) ([]state.KV, error) {
		known := s.Connectors[name]
		created = known == nil || known.Props == nil
		if !created && !replace {
			return nil, refuse(Conflict, "Connector %s already exists", name)
		}
		tasks := 0
		if known != nil {
			tasks = len(known.Tasks)
		}
		info = w.info(name, props, tasks)
		return connectorRecords(name, props, initial), nil
	})
	if err != nil {
		return ConnectorInfo{}, false, err
	}
	return info, created, nil
}

// Delete removes a connector.
func (w *Worker) Delete(ctx context.Context, name string) error {
	return w.write(ctx, "Only the leader can delete connector configs.", "removing the config for connector "+name+" from the config topic", func(s *state.Snapshot) ([]state.KV, error) {
		if c := s.Connectors[name]; c == nil || c.Props == nil {
			return nil, refuse(NotFound, "Connector %s not found", name)
		}
		return state.RemovalRecords(name), nil
	})
}

// Pause and Resume set the target state; any worker may write it, as in Java.
func (w *Worker) Pause(ctx context.Context, name string) error {
	return w.setTarget(ctx, name, state.Paused)
}

// Resume sets the target state to STARTED.
func (w *Worker) Resume(ctx context.Context, name string) error {
	return w.setTarget(ctx, name, state.Started)
}

func (w *Worker) setTarget(ctx context.Context, name string, t state.TargetState) error {
	defer stage.Enter(ctx, "writing the %s target state for connector %s%s", t, name, toConfigs)()
	if err := w.configs.Sync(ctx); err != nil {
		return err
	}
	if c := w.configs.Snapshot().Connectors[name]; c == nil || c.Props == nil {
		return refuse(NotFound, "Unknown connector %s", name)
	}
	return w.configs.Append(ctx, state.TargetRecord(name, t))
}

// Stop ends a connector and its tasks, and keeps its configuration and offsets.
// The empty task set is written first: a crash in between leaves a RUNNING
// connector without tasks, which heals, not a STOPPED one with tasks.
func (w *Worker) Stop(ctx context.Context, name string) error {
	if c := w.configs.Snapshot().Connectors[name]; c == nil || c.Props == nil {
		if err := w.configs.Sync(ctx); err != nil {
			return err
		}
		if c := w.configs.Snapshot().Connectors[name]; c == nil || c.Props == nil {
			return refuse(NotFound, "Unknown connector %s", name)
		}
	}
	return w.write(ctx, "Only the leader can transition connectors to the STOPPED state.", "writing the STOPPED target stage for connector "+name+toConfigs, func(s *state.Snapshot) ([]state.KV, error) {
		if c := s.Connectors[name]; c == nil || c.Props == nil {
			return nil, refuse(NotFound, "Unknown connector %s", name)
		}
		return append(taskRecords(name, nil), state.TargetRecord(name, state.Stopped)), nil
	})
}

// PutTasks writes task properties that another worker's connector has made.
func (w *Worker) PutTasks(ctx context.Context, name string, tasks []connect.Props) error {
	doing := fmt.Sprintf("writing %d task configs for connector %s%s", len(tasks), name, toConfigs)
	return w.write(ctx, "Only the leader may write task configurations.", doing, func(s *state.Snapshot) ([]state.KV, error) {
		c := s.Connectors[name]
		if c == nil || c.Props == nil {
			return nil, refuse(NotFound, "Connector %s not found", name)
		}
		if len(tasks) > 0 && c.Target == state.Stopped {
			return nil, refuse(BadRequest, "Cannot submit non-empty set of task configs for stopped connector %s", name)
		}
		return taskRecords(name, tasks), nil
	})
}

// PublishTasks has task properties written by whoever leads.
func (w *Worker) PublishTasks(ctx context.Context, name string, tasks []connect.Props) error {
	err := w.PutTasks(ctx, name, tasks)
	moved, ok := err.(*MovedError)
	if !ok {
		return err
	}
	if moved.URL == "" {
		return connect.Failf("Request to leader to reconfigure connector tasks failed because the URL of the leader's REST interface is empty!")
	}
	return w.peers.PutTasks(ctx, moved.URL, name, tasks)
}

// lead returns nil when this worker leads the group. It waits while the worker
// is not a member, and returns a MovedError when another leads.
func (w *Worker) lead(ctx context.Context, msg string) error {
	a, err := w.membership(ctx)
	if err != nil {
		return err
	}
	if !a.Leader {
		return &MovedError{a.LeaderURL, msg}
	}
	return nil
}

// membership returns the current assignment, and waits for one while there is
// none.
func (w *Worker) membership(ctx context.Context) (*assignment, error) {
	for {
		type view struct {
			a       *assignment
			changed <-chan struct{}
		}
		v, err := Ask(ctx, w.herder, func(h *Herder) view { return view{h.assigned, h.changed} })
		if err != nil {
			return nil, err
		}
		if v.a != nil {
			return v.a, nil
		}
		leave := stage.Enter(ctx, "%s", w.joining())
		select {
		case <-v.changed:
			leave()
		case <-ctx.Done():
			return nil, fmt.Errorf("this worker is not a member of its group at the moment: %w", ctx.Err())
		}
	}
}

// joining says what a worker that is no member of its group is at: before Java's
// joins again it writes how its units have ended.
func (w *Worker) joining() string {
	if w.statuses.queue.unwritten() {
		return "flushing updates to the status topic"
	}
	return "ensuring membership in the cluster"
}

const toConfigs = " to the config topic"

// connectorRecords are written target state first, as in Java: whoever reads
// the connector then knows how it is to begin.
func connectorRecords(name string, props connect.Props, initial state.TargetState) []state.KV {
	if initial == "" {
		return []state.KV{state.ConnectorRecord(name, props)}
	}
	return []state.KV{state.TargetRecord(name, initial), state.ConnectorRecord(name, props)}
}

// taskRecords end with the commit record that makes them count.
func taskRecords(name string, tasks []connect.Props) []state.KV {
	return append(state.TaskRecords(name, tasks), state.CommitRecord(name, len(tasks)))
}
