package rest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/millwright-connect/millwright/connectors/connect"
	_ "github.com/millwright-connect/millwright/connectors/converters"
	_ "github.com/millwright-connect/millwright/connectors/file"
	"github.com/millwright-connect/millwright/worker"
	"github.com/millwright-connect/millwright/worker/config"
	"github.com/millwright-connect/millwright/worker/state"
)

// fake is a worker that keeps connectors in a map and runs nothing.
type fake struct {
	settings *config.Worker
	started  chan struct{}
	key      *state.SessionKey
	mixed    bool                                         // others of the group cannot sign
	moved    *worker.MovedError                           // the answer to every change, if set
	hang     func(ctx context.Context, verb string) error // asked by every verb with a context, if set

	mu         sync.Mutex
	connectors map[string]connect.Props
	calls      []string
}

func newFake(s *config.Worker) *fake {
	f := &fake{settings: s, started: make(chan struct{}), connectors: map[string]connect.Props{}}
	close(f.started)
	return f
}

func refusal(k worker.Kind, format string, args ...any) error {
	return &worker.Refusal{Kind: k, Message: fmt.Sprintf(format, args...)}
}

func (f *fake) called(ctx context.Context, verb string) error {
	f.mu.Lock()
	f.calls = append(f.calls, verb)
	f.mu.Unlock()
	if f.hang != nil {
		if err := f.hang(ctx, verb); err != nil {
			return err
		}
	}
	if f.moved != nil {
		return f.moved
	}
	return nil
}

func (f *fake) called1() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

func (f *fake) known(name, format string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.connectors[name] == nil {
		return refusal(worker.NotFound, format, name)
	}
	return nil
}

func (f *fake) info(name string) worker.ConnectorInfo {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.connectors[name]
	kind := "unknown"
	if _, ok := connect.Registered.Sinks.Find(p["connector.class"]); ok {
		kind = "sink"
	}
	return worker.ConnectorInfo{Name: name, Config: p, Tasks: []worker.TaskRef{}, Type: kind}
}

func (f *fake) Started() <-chan struct{}         { return f.started }
func (f *fake) ClusterID() string                { return "cluster-1" }
func (f *fake) SessionKey() *state.SessionKey    { return f.key }
func (f *fake) Sessioned() bool                  { return !f.mixed && f.settings.ConnectProtocol() == "sessioned" }
func (f *fake) Plugins() *connect.Plugins        { return &connect.Registered }
func (f *fake) Health(ctx context.Context) error { return f.called(ctx, "health") }

func (f *fake) Connectors() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, slices.Sorted(maps.Keys(f.connectors))...)
}

func (f *fake) Connector(name string) (worker.ConnectorInfo, error) {
	if err := f.known(name, "Connector %s not found"); err != nil {
		return worker.ConnectorInfo{}, err
	}
	return f.info(name), nil
}

func (f *fake) Tasks(name string) ([]worker.TaskInfo, error) {
	return []worker.TaskInfo{}, f.known(name, "Connector %s not found")
}

func (f *fake) Status(name string) (worker.StateInfo, error) {
	if err := f.known(name, "No status found for connector %s"); err != nil {
		return worker.StateInfo{}, err
	}
	return worker.StateInfo{Name: name, Connector: worker.ConnectorState{State: state.StateRunning, WorkerID: "w:1"}, Tasks: []worker.TaskState{}, Type: "sink"}, nil
}

func (f *fake) TaskStatus(name string, task int) (worker.TaskState, error) {
	return worker.TaskState{}, refusal(worker.NotFound, "No status found for task %s-%d", name, task)
}

func (f *fake) Topics(string) []string  { return []string{} }
func (f *fake) ResetTopics(name string) { _ = f.called(context.Background(), "reset topics "+name) }

func (f *fake) put(ctx context.Context, name string, p connect.Props, replace bool) (created bool, err error) {
	infos, err := config.Validate(ctx, &connect.Registered, f.settings, p)
	if err != nil {
		return false, err
	}
	var faults []string
	for _, i := range infos.Configs {
		faults = append(faults, i.Value.Errors...)
	}
	if len(faults) > 0 {
		return false, refusal(worker.BadRequest, "Connector configuration is invalid and contains the following %d error(s):\n%s\nYou can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`",
			len(faults), strings.Join(faults, "\n"))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.connectors[name] != nil && !replace {
		return false, refusal(worker.Conflict, "Connector %s already exists", name)
	}
	created = f.connectors[name] == nil
	f.connectors[name] = p
	return created, nil
}

func (f *fake) Create(ctx context.Context, name string, p connect.Props, initial state.TargetState) (worker.ConnectorInfo, error) {
	if err := f.called(ctx, "create "+name+" "+string(initial)); err != nil {
		return worker.ConnectorInfo{}, err
	}
	_, err := f.put(ctx, name, p, false)
	return f.info(name), err
}

func (f *fake) PutConfig(ctx context.Context, name string, p connect.Props) (worker.ConnectorInfo, bool, error) {
	if err := f.called(ctx, "put "+name); err != nil {
		return worker.ConnectorInfo{}, false, err
	}
	created, err := f.put(ctx, name, p, true)
	return f.info(name), created, err
}

func (f *fake) PatchConfig(ctx context.Context, name string, patch map[string]*string) (worker.ConnectorInfo, error) {
	if err := f.called(ctx, "patch "+name); err != nil {
		return worker.ConnectorInfo{}, err
	}
	if err := f.known(name, "Connector %s not found"); err != nil {
		return worker.ConnectorInfo{}, err
	}
	p := maps.Clone(f.connectors[name])
	for k, v := range patch {
		if v == nil {
			delete(p, k)
		} else {
			p[k] = *v
		}
	}
	_, err := f.put(ctx, name, p, true)
	return f.info(name), err
}

func (f *fake) change(ctx context.Context, verb, name, unknown string) error {
	if err := f.called(ctx, verb+" "+name); err != nil {
		return err
	}
	return f.known(name, unknown)
}

func (f *fake) Delete(ctx context.Context, name string) error {
	if err := f.change(ctx, "delete", name, "Connector %s not found"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.connectors, name)
	return nil
}

func (f *fake) Pause(ctx context.Context, name string) error {
	return f.change(ctx, "pause", name, "Unknown connector %s")
}

func (f *fake) Resume(ctx context.Context, name string) error {
	return f.change(ctx, "resume", name, "Unknown connector %s")
}

func (f *fake) Stop(ctx context.Context, name string) error {
	return f.change(ctx, "stop", name, "Unknown connector %s")
}

func (f *fake) RestartConnector(ctx context.Context, name string) error {
	return f.change(ctx, "restart", name, "Unknown connector: %s")
}

func (f *fake) RestartTask(ctx context.Context, name string, task int) error {
	return f.change(ctx, fmt.Sprintf("restart task %d of", task), name, "Unknown connector: %s")
}

func (f *fake) Restart(ctx context.Context, r state.RestartRequest) (worker.StateInfo, error) {
	if err := f.change(ctx, fmt.Sprintf("restart includeTasks=%v onlyFailed=%v", r.IncludeTasks, r.OnlyFailed), r.Connector, "Unknown connector: %s"); err != nil {
		return worker.StateInfo{}, err
	}
	return f.Status(r.Connector)
}

func (f *fake) Offsets(ctx context.Context, name string) ([]worker.Offset, error) {
	return []worker.Offset{}, f.change(ctx, "offsets", name, "Connector %s not found")
}

func (f *fake) AlterOffsets(ctx context.Context, name string, changes []connect.PartitionOffset) (string, error) {
	return "altered", f.change(ctx, fmt.Sprintf("alter %d offsets of", len(changes)), name, "Connector %s not found")
}

func (f *fake) ResetOffsets(ctx context.Context, name string) (string, error) {
	return "reset", f.change(ctx, "reset offsets", name, "Connector %s not found")
}

func (f *fake) Validate(ctx context.Context, p connect.Props) (config.ConfigInfos, error) {
	if err := f.called(ctx, "validate"); err != nil {
		return config.ConfigInfos{}, err
	}
	return config.Validate(ctx, &connect.Registered, f.settings, p)
}

func (f *fake) SetLoggerLevel(ctx context.Context, logger, level string) error {
	return f.called(ctx, "level "+logger+" "+level)
}

func (f *fake) PutTasks(ctx context.Context, name string, tasks []connect.Props) error {
	return f.change(ctx, fmt.Sprintf("put %d tasks of", len(tasks)), name, "Connector %s not found")
}

func (f *fake) Fence(ctx context.Context, name string) error {
	return f.change(ctx, "fence", name, "Connector %s not found")
}
