package worker

import (
	"context"
	"log/slog"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/config"
	"github.com/millwright-connect/millwright/worker/metrics"
	"github.com/millwright-connect/millwright/worker/pipeline"
	"github.com/millwright-connect/millwright/worker/state"
)

// A taskRunner is what source and sink runners share: the task's configuration,
// its pipeline, its target state and its reports.
type taskRunner struct {
	w      *Worker
	id     unitID
	conn   connect.Props // of the connector, resolved once the task was prepared
	raw    connect.Props // of the task, unresolved
	count  int           // of the connector's tasks
	report *reporter
	log    *slog.Logger

	settings *config.Connector // resolved, typed
	pipe     *pipeline.Pipeline
	dead     *kgo.Client // of the dead letter topic; nil: there is none
	metrics  *metrics.Task

	mu      sync.Mutex
	target  state.TargetState
	changed chan struct{} // closed and replaced when target changes
	poke    func()        // ends the wait that the loop is in
}

func (w *Worker) newTaskRunner(id unitID, c *state.Connector, generation int32) *taskRunner {
	source := w.TypeOf(c.Props) == string(connect.Source)
	report := w.reporter(id, c.Props["connector.class"], generation)
	class := w.canonical(c.Props["connector.class"])
	count := w.metrics.Task(id.Connector, id.Task, metrics.TaskInfo{Source: source, ExactlyOnce: source && w.settings.ExactlyOnceEnabled(),
		Connector: metrics.Plugin{Class: class, Version: report.version}, Task: metrics.Plugin{Class: taskClass(class), Version: report.version}})
	return &taskRunner{w: w, metrics: count, id: id, conn: c.Props, raw: c.Tasks[id.Task], count: len(c.Tasks), report: report,
		log: w.log.With("connector", id.Connector, "task", id.Task), target: c.Target, changed: make(chan struct{}), poke: func() {}}
}

// Target changes the target state: a task pauses before its next poll or put.
func (r *taskRunner) Target(t state.TargetState) {
	r.mu.Lock()
	if r.target != t {
		r.target = t
		close(r.changed)
		r.changed = make(chan struct{})
	}
	poke := r.poke
	r.mu.Unlock()
	poke()
}

// wake ends the wait that the loop is in, so that it looks around.
func (r *taskRunner) wake() {
	r.mu.Lock()
	poke := r.poke
	r.mu.Unlock()
	poke()
}

func (r *taskRunner) targeted() (state.TargetState, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.target, r.changed
}

// lifecycle is the life of a task: wait while paused, open, report, loop, close,
// report.
func (r *taskRunner) lifecycle(ctx context.Context, started func(), open, loop func(context.Context) error, closed func() error) error {
	began := func() {}
	if t, _ := r.targeted(); t != state.Started {
		started() // paused before it began: nothing to wait for
	} else {
		began = started
	}
	if !r.awaitRunning(ctx) {
		r.metrics.Close()
		r.report.stopped()
		return nil
	}
	err := guarded("starting the task", func() error { return open(ctx) })
	if err == nil {
		r.report.is(state.StateRunning)
		r.metrics.Started()
		r.log.Info("task is running")
		began()
		err = loop(ctx)
	} else if ctx.Err() != nil {
		err = nil
	}
	if cerr := closed(); cerr != nil {
		r.log.Warn("task failed to close", "error", cerr)
	}
	if err != nil {
		r.log.Error("task failed; it stays down until it is restarted", "error", err)
		r.metrics.Failed()
		r.report.failed(err)
		return err
	}
	r.metrics.Close()
	r.report.stopped()
	return nil
}

func guarded(doing string, f func() error) (err error) {
	defer recovered(&err, doing)
	return f()
}

// awaitRunning waits while the target state is not STARTED, and reports the
// change there and back. It returns false when ctx has ended.
func (r *taskRunner) awaitRunning(ctx context.Context) bool {
	t, changed := r.targeted()
	if t == state.Started {
		return ctx.Err() == nil
	}
	r.report.is(state.StatePaused)
	r.metrics.Paused(true)
	defer r.metrics.Paused(false)
	for {
		select {
		case <-ctx.Done():
			return false
		case <-changed:
		}
		if t, changed = r.targeted(); t == state.Started {
			if r.pipe != nil { // it was open before
				r.report.is(state.StateRunning)
			}
			return true
		}
	}
}

// prepare resolves the task's properties and builds its pipeline.
func (r *taskRunner) prepare(ctx context.Context) (connect.Props, error) {
	conn, err := r.w.resolve(ctx, r.id.Connector, r.conn)
	if err != nil {
		return nil, err
	}
	props, err := r.w.resolve(ctx, r.id.Connector, r.raw)
	if err != nil {
		return nil, err
	}
	r.conn = conn
	if r.settings, err = config.ParseConnector(r.w.plugins, r.w.settings, conn); err != nil {
		return nil, err
	}
	if err := r.w.checkTaskCount(r.id.Connector, r.settings, r.count); err != nil {
		return nil, err
	}
	return props, r.buildPipeline(ctx)
}
