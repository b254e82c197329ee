package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/config"
	"github.com/millwright-connect/millwright/worker/kafka"
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
	gen    int64         // config offset of the tasks' commit record
	report *reporter
	log    *slog.Logger

	settings *config.Connector // resolved, typed
	pipe     *pipeline.Pipeline
	built    bool       // Java would have made the task by now; what fails before has no version
	dead     clientSlot // of the dead letter topic; empty: there is none
	metrics  *metrics.Task

	// life ends when the task is abandoned: what is still done for a task that was
	// told to stop goes on under it.
	life context.Context //nolint:containedctx // it is the task's own
	end  context.CancelFunc
	lost atomic.Bool // life has ended; cheaper to ask

	mu      sync.Mutex
	target  state.TargetState
	failure error         // found outside of the loop
	changed chan struct{} // closed and replaced when there is something to look at
	poked   bool          // the loop has not looked since
	poke    func()        // ends the wait that the loop is in
}

func (w *Worker) newTaskRunner(id unitID, c *state.Connector, generation int32) *taskRunner {
	source := w.TypeOf(c.Props) == string(connect.Source)
	report := w.reporter(id, c.Props["connector.class"], generation)
	class := w.canonical(c.Props["connector.class"])
	count := w.metrics.Task(id.Connector, id.Task, metrics.TaskInfo{
		Source: source, ExactlyOnce: source && w.settings.ExactlyOnceEnabled(),
		Connector: metrics.Plugin{Class: class, Version: report.version}, Task: metrics.Plugin{Class: taskClass(class), Version: report.version},
	})
	r := &taskRunner{
		w: w, metrics: count, id: id, conn: c.Props, raw: c.Tasks[id.Task], count: len(c.Tasks), gen: c.TasksOffset, report: report,
		log: w.log.With("connector", id.Connector, "task", id.Task), target: c.Target, changed: make(chan struct{}), poke: func() {},
	}
	r.life, r.end = context.WithCancel(context.Background())
	return r
}

// Target changes the target state: a task pauses before its next poll or put.
func (r *taskRunner) Target(t state.TargetState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.target != t {
		r.target = t
		r.signal()
	}
}

// wake ends the wait that the loop is in, or the next one, so that it looks
// around.
func (r *taskRunner) wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.poked = true
	r.signal()
}

// fail ends the task from outside of its loop; the first failure counts.
func (r *taskRunner) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failure == nil {
		r.failure = err
		r.signal()
	}
}

func (r *taskRunner) signal() {
	close(r.changed)
	r.changed = make(chan struct{})
	r.poke()
}

func (r *taskRunner) failed() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failure
}

// waits says how the wait that begins can be ended. It reports false when the
// loop had better look around first; nothing that happens in between is missed.
func (r *taskRunner) waits(end func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.poke = end
	if r.poked || r.failure != nil || r.target != state.Started {
		r.poked = false
		return false
	}
	return true
}

func (r *taskRunner) targeted() (state.TargetState, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.target, r.changed
}

// cut is the part of Abandon that all tasks share: no report, no commit, no
// dead letter comes after it.
func (r *taskRunner) cut() {
	r.report.silence()
	r.lost.Store(true)
	r.end()
	go r.dead.close() // nobody waits for what was abandoned
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
	defer r.end()
	if again, _ := r.awaitRunning(ctx, 0, nil); !again {
		r.metrics.Close()
		r.report.stopped()
		return nil
	}
	collectLess()
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
	cerr := closed()
	r.metrics.EndGauges()
	if cerr != nil {
		r.log.Warn("task failed to close", "error", cerr)
	}
	if err != nil {
		r.log.Error("task failed; it stays down until it is restarted", "error", reasons(err))
		r.metrics.Failed()
		if !r.built {
			r.report.unversioned()
		}
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
// change there and back. In between it calls idle, if that is not nil, every so
// often. It returns false when ctx has ended or the task has failed.
func (r *taskRunner) awaitRunning(ctx context.Context, every time.Duration, idle func() error) (bool, error) {
	t, changed := r.targeted()
	if t == state.Started {
		return ctx.Err() == nil && r.failed() == nil, r.failed()
	}
	r.report.is(state.StatePaused)
	r.metrics.Paused(true)
	defer r.metrics.Paused(false)
	var tick <-chan time.Time
	if idle != nil {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		select {
		case <-ctx.Done():
			return false, nil
		case <-tick:
			if err := idle(); err != nil {
				return false, err
			}
		case <-changed:
		}
		if err := r.failed(); err != nil {
			return false, err
		}
		if t, changed = r.targeted(); t == state.Started {
			if r.pipe != nil { // it was open before
				r.report.is(state.StateRunning)
			}
			return true, nil
		}
	}
}

// failedBy is the error of a task that ends for a cause, in Java's words: the
// message is all of its first line, and the cause gets one of its own.
func failedBy(cause error, message string) error {
	return &connect.Error{Class: connect.ConnectException, Message: message, Cause: asJava(cause)}
}

// asJava gives an error the class that the trace of a task shows for it.
func asJava(err error) error {
	err = kafka.JavaError(err)
	if _, ok := err.(*connect.Error); ok {
		return err
	}
	return &connect.Error{Class: connect.ClassOf(err), Message: err.Error(), Cause: errors.Unwrap(err)}
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
