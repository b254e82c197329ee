package worker

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/config"
	"github.com/millwright-connect/millwright/worker/metrics"
	"github.com/millwright-connect/millwright/worker/state"
)

// A connectorRunner runs one connector: it opens the plugin's connector while
// the target state is STARTED, and has its task properties published.
type connectorRunner struct {
	w      *Worker
	name   string
	raw    connect.Props // with references to secrets
	report *reporter
	log    *slog.Logger
	metric *metrics.Connector

	target   chan state.TargetState // the latest wish, one slot
	reconf   chan struct{}          // somebody asked for Tasks to be called again
	failures chan error             // the plugin declared itself failed
}

func newConnectorRunner(w *Worker, c *state.Connector, generation int32) *connectorRunner {
	r := &connectorRunner{
		w: w, name: c.Name, raw: c.Props, report: w.reporter(unitID{c.Name, connectorUnit}, c.Props["connector.class"], generation),
		log:    w.log.With("connector", c.Name),
		target: make(chan state.TargetState, 1), reconf: make(chan struct{}, 1), failures: make(chan error, 1),
	}
	r.target <- c.Target
	class := w.canonical(c.Props["connector.class"])
	r.metric = w.metrics.Connector(c.Name, w.TypeOf(c.Props) == string(connect.Source), metrics.Plugin{Class: class, Version: r.report.version})
	return r
}

// Target replaces the wish that has not been seen yet.
func (r *connectorRunner) Target(t state.TargetState) {
	select {
	case <-r.target:
	default:
	}
	r.target <- t
}

// Abandon reports the connector unassigned, as Java does, and silences it.
func (r *connectorRunner) Abandon() {
	r.metric.Close()
	r.report.closing(state.StateUnassigned)
}

// Run follows the target state until ctx ends.
func (r *connectorRunner) Run(ctx context.Context, started func()) error {
	c := &liveConnector{connectorRunner: r}
	err := c.run(ctx, started)
	if c.open != nil {
		if cerr := c.close(); cerr != nil && err == nil {
			r.log.Warn("connector failed to close", "error", cerr)
		}
	}
	switch {
	case err != nil:
		r.log.Error("connector failed", "error", err)
		r.metric.Is(metrics.Failed)
		r.report.failed(err)
	default:
		r.metric.Close()
		r.report.stopped()
	}
	return err
}

// A liveConnector is what Run owns.
type liveConnector struct {
	*connectorRunner
	open  connect.Connector
	host  *connectorHost
	props connect.Props // resolved
	retry *time.Timer
	wait  time.Duration
}

func (c *liveConnector) run(ctx context.Context, started func()) error {
	c.retry = time.NewTimer(time.Hour)
	defer c.retry.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case t := <-c.target:
			if err := c.transition(ctx, t, started); err != nil {
				return err
			}
		case <-c.reconf:
			c.wait = 0
			if err := c.publish(ctx); err != nil {
				return err
			}
		case <-c.retry.C:
			if err := c.publish(ctx); err != nil {
				return err
			}
		case err := <-c.failures:
			return err
		}
	}
	return nil
}

func (c *liveConnector) transition(ctx context.Context, t state.TargetState, done func()) error {
	switch t {
	case state.Started:
		if c.open == nil {
			if err := c.start(ctx); err != nil {
				if ctx.Err() != nil {
					return nil //nolint:nilerr // it was told to stop while it started
				}
				return err
			}
		}
		c.report.is(state.StateRunning)
		c.metric.Is(metrics.Running)
		c.log.Info("connector is running")
		done()
		return c.publish(ctx)
	case state.Paused, state.Stopped:
		if c.open != nil {
			if err := c.close(); err != nil {
				if t == state.Paused {
					return err
				}
				c.log.Error("connector failed to stop; it counts as stopped", "error", err) // as in Java
			}
		}
		st := state.StatePaused
		if t == state.Stopped {
			st = state.StateStopped
		}
		c.report.is(st)
		c.metric.Is(metrics.State(strings.ToLower(string(st))))
		c.log.Info("connector is " + strings.ToLower(string(st)))
		done()
	}
	return nil
}

func (c *liveConnector) start(ctx context.Context) (err error) {
	defer recovered(&err, "starting connector "+c.name)
	props, err := c.w.resolve(ctx, c.name, c.raw)
	if err != nil {
		return err
	}
	host := &connectorHost{r: c.connectorRunner, props: props}
	open, err := c.w.openConnector(ctx, host, props)
	if err != nil {
		host.close()
		return err
	}
	c.open, c.host, c.props = open, host, props
	return nil
}

func (c *liveConnector) close() (err error) {
	defer recovered(&err, "stopping connector "+c.name)
	open, host := c.open, c.host
	c.open, c.host = nil, nil
	defer host.close()
	return open.Close()
}

// publish has the connector's task properties written to the config topic, and
// tries again later when that fails: 250 ms at first, doubled up to a minute,
// as Java does. A connector that makes more tasks than it may has failed.
func (c *liveConnector) publish(ctx context.Context) error {
	if c.open == nil {
		return nil
	}
	err := c.tryPublish(ctx)
	if err == nil || ctx.Err() != nil {
		c.wait = 0
		return nil //nolint:nilerr // see above
	}
	if connect.ClassOf(err) == tooManyTasks {
		return err
	}
	c.wait = min(max(2*c.wait, 250*time.Millisecond), time.Minute)
	c.retry.Reset(c.wait)
	c.log.Error("task properties could not be published; trying again", "error", err, "after", c.wait)
	return nil
}

func (c *liveConnector) tryPublish(ctx context.Context) (err error) {
	defer recovered(&err, "dividing the work of connector "+c.name)
	tasks, err := c.w.taskProps(ctx, c.open, c.props)
	if err != nil {
		return err
	}
	snap := c.w.configs.Snapshot()
	known := snap.Connectors[c.name]
	if known == nil || known.Props == nil {
		return nil // deleted meanwhile
	}
	// No secret may reach the config topic.
	tasks = config.Restore(known.Props, tasks)
	if !tasksChanged(known, tasks) {
		return nil
	}
	return c.w.PublishTasks(ctx, c.name, tasks)
}

// tasksChanged tells whether tasks have to be written: they differ from those
// that are known, or the connector's own properties have changed since, which
// tasks read as well (converters, transforms).
func tasksChanged(known *state.Connector, tasks []connect.Props) bool {
	if len(tasks) != len(known.Tasks) || known.Inconsistent {
		return true
	}
	for i := range tasks {
		if !maps.Equal(tasks[i], known.Tasks[i]) {
			return true
		}
	}
	return !maps.Equal(known.AppliedProps, known.Props)
}

// connectorHost is the worker as the plugin's connector sees it, from its start
// to its end.
type connectorHost struct {
	r     *connectorRunner
	props connect.Props // resolved

	mu      sync.Mutex
	offsets *connectorOffsets // nil: none was asked for yet
	closed  bool
}

func (h *connectorHost) Name() string      { return h.r.name }
func (h *connectorHost) Log() *slog.Logger { return h.r.log }

func (h *connectorHost) Gauge(name string, tags map[string]string, read func() float64) error {
	return h.r.metric.Gauge(name, tags, read)
}

// Offset reads to the end of the offsets each time, as Java does for a
// connector: what its tasks have committed since is what it asks for.
func (h *connectorHost) Offset(ctx context.Context, p *connect.SourcePartition) (connect.Object, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var err error
	switch {
	case h.closed:
		return nil, connect.Failf("connector %s asks for an offset after it was closed", h.r.name)
	case h.r.w.TypeOf(h.props) != string(connect.Source):
		return nil, connect.Failf("connector %s asks for an offset, and a sink's are its consumer group's", h.r.name)
	case h.offsets == nil:
		h.offsets, err = h.r.w.offsetsOf(ctx, h.r.name, h.r.name, h.props)
	default:
		err = h.offsets.Sync(ctx)
	}
	if err != nil {
		return nil, err
	}
	return h.offsets.Offset(p.Fields)
}

func (h *connectorHost) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	if h.offsets != nil {
		h.offsets.close()
	}
	h.r.metric.EndGauges()
}

func (h *connectorHost) Reconfigure() {
	select {
	case h.r.reconf <- struct{}{}:
	default:
	}
}

func (h *connectorHost) Fail(err error) {
	select {
	case h.r.failures <- err:
	default:
	}
}

// openConnector opens the connector of a resolved configuration.
func (w *Worker) openConnector(ctx context.Context, h connect.Host, props connect.Props) (connect.Connector, error) {
	class := props["connector.class"]
	if p, ok := w.plugins.Sources.Find(class); ok {
		if p.Open == nil {
			return sameProps{props, 1}, nil
		}
		return p.Open(ctx, h, props)
	}
	if p, ok := w.plugins.Sinks.Find(class); ok {
		if p.Open == nil {
			return sameProps{props, -1}, nil
		}
		return p.Open(ctx, h, props)
	}
	return nil, connect.Failf("Failed to find any class that implements Connector and which name matches %s. Run `millwright plugins` for the classes that this worker has.", class)
}

// sameProps is the connector of a plugin without Open: every task has the
// connector's properties.
type sameProps struct {
	props connect.Props
	most  int // -1: as many tasks as allowed
}

func (s sameProps) Tasks(_ context.Context, most int) ([]connect.Props, error) {
	if s.most >= 0 {
		most = min(most, s.most)
	}
	tasks := make([]connect.Props, most)
	for i := range tasks {
		tasks[i] = maps.Clone(s.props)
	}
	return tasks, nil
}

func (sameProps) Close() error { return nil }

// recovered turns a panic of a plugin into an error that names what it did.
func recovered(err *error, doing string) {
	if p := recover(); p != nil {
		*err = errors.Join(*err, connect.Failf("plugin panicked while %s: %v\n%s", doing, p, stack()))
	}
}
