// Package worker runs connectors and tasks: the herder decides what runs here,
// runners run it, and the leaves below (group, assign, topiclog, state, kafka,
// pipeline, metrics, config) do one thing each.
//
// It knows no plugin and no HTTP: plugins come in a registry, and other workers
// are reached through Peers.
package worker

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/offsets"
	"github.com/millwright-connect/millwright/worker/config"
	"github.com/millwright-connect/millwright/worker/group"
	"github.com/millwright-connect/millwright/worker/kafka"
	"github.com/millwright-connect/millwright/worker/metrics"
	"github.com/millwright-connect/millwright/worker/state"
)

// Version is Millwright's version; the build sets it.
var Version = "dev"

// ConnectVersion is the Apache Kafka version whose Connect this worker is
// compatible with; tools gate features on it.
const ConnectVersion = "4.3.1"

// How long the last statuses may take to be written when the worker stops.
const statusFlushTime = 3 * time.Second

// Options are what a worker is made of.
type Options struct {
	Settings *config.Worker
	Plugins  *connect.Plugins
	Log      *slog.Logger
	// URL is where other workers reach this one's REST API; its host:port is the
	// worker's id.
	URL      string
	WorkerID string
	Peers    Peers
	Metrics  *metrics.Worker // nil: new ones
	Secrets  *Secrets        // what no text may show; nil: new ones
	// SetLevel is told of a log level that was set for all workers.
	SetLevel func(logger, level string)
}

// membership is the group as the worker sees it.
type membership interface {
	Run(ctx context.Context) error
	Events() <-chan group.Event
	Rejoin(reason string)
	Revoked(a *group.Assignment)
}

// Peers sends requests to other workers, signed with the session key.
type Peers interface {
	PutTasks(ctx context.Context, url, connector string, tasks []connect.Props) error
	Fence(ctx context.Context, url, connector string) error
}

// A Worker runs its share of the connectors and tasks of its group.
type Worker struct {
	settings *config.Worker
	plugins  *connect.Plugins
	log      *slog.Logger
	opts     Options
	peers    Peers
	kafka    kafka.Worker
	reports  kafka.Reports
	metrics  *metrics.Worker

	configs   *configTopic
	statuses  *statusTopic
	offsets   *offsetTopic
	secrets   *Secrets
	herder    *Herder
	member    membership
	cluster   *kafka.Cluster
	providers config.Providers

	turn     turn // to write the config topic as leader
	fencings singleflight.Group
	life     context.Context //nolint:containedctx // the worker's own: of changes that go on though nobody waits for them
	end      context.CancelFunc

	started   chan struct{} // closed when the internal topics have been read
	clusterID string
	sessioned atomic.Bool // see Sessioned
	reloads   sync.Map    // connector → *time.Timer of a secret's time to live
}

// New makes a worker; Run runs it.
func New(o Options) *Worker {
	w := &Worker{
		settings: o.Settings, plugins: o.Plugins, log: o.Log, opts: o, peers: o.Peers,
		kafka: kafka.Worker{Props: o.Settings.Props, GroupID: o.Settings.GroupID, ClientID: o.Settings.ClientID},
		turn:  turn{taken: make(chan struct{}, 1)}, started: make(chan struct{}), metrics: o.Metrics, secrets: o.Secrets,
		configs: newConfigTopic(o.Log), statuses: newStatusTopic(o.Log, o.WorkerID),
	}
	w.life, w.end = context.WithCancel(context.Background())
	w.sessioned.Store(o.Settings.ConnectProtocol() == group.Sessioned) // until it is a member
	w.herder = newHerder(o.Log, w.configs)
	if w.metrics == nil {
		w.metrics = metrics.NewWorker()
	}
	w.metrics.Identify(w.memberID())
	if w.secrets == nil {
		w.secrets = &Secrets{}
	}
	w.offsets = &offsetTopic{store: offsets.NewStore(o.Log)}
	w.herder.launch = w.launch
	w.herder.restarting = func(id unitID) {
		w.statuses.queue.put(statusChange{id: id, state: state.StateRestarting, generation: w.herder.assigned.Generation})
	}
	w.herder.graceful = w.gracefulTime
	w.herder.rejoin = func(reason string) { w.member.Rejoin(reason) }
	w.herder.revoked = func(a *group.Assignment) { w.member.Revoked(a) }
	return w
}

// Started is closed once the worker can answer: its internal topics exist and
// have been read.
func (w *Worker) Started() <-chan struct{} { return w.started }

// ClusterID returns the id of the Kafka cluster; empty before Started.
func (w *Worker) ClusterID() string { return w.clusterID }

// Settings returns the worker's settings.
func (w *Worker) Settings() *config.Worker { return w.settings }

// Plugins returns the plugins that the worker has.
func (w *Worker) Plugins() *connect.Plugins { return w.plugins }

// Redact takes the secrets that this worker knows out of a text.
func (w *Worker) Redact(text string) string { return w.secrets.Redact(text) }

// Metrics returns the worker's counters.
func (w *Worker) Metrics() *metrics.Worker { return w.metrics }

// SessionKey returns the key that signs requests between workers, nil before
// there is one.
func (w *Worker) SessionKey() *state.SessionKey { return w.configs.Snapshot().SessionKey }

// Run runs the worker until ctx ends: it stops what runs, leaves the group and
// returns nil. It returns an error when the worker cannot go on.
func (w *Worker) Run(ctx context.Context) error {
	var err error
	if w.providers, err = config.NewProviders(w.settings.Props, os.Environ()); err != nil {
		return err
	}
	closeTopics, err := w.openTopics(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer closeTopics()
	closeMember, err := w.openMember()
	if err != nil {
		return err
	}
	defer closeMember()
	w.configs.state.Live()
	close(w.started)
	defer w.log.Info("worker has stopped")
	w.log.Info("worker has started", "group", w.settings.GroupID, "url", w.opts.URL, "cluster", w.clusterID)

	// Ending goes from what uses to what is used: units, then the membership,
	// then the statuses, then the topics.
	run, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	member, leave := context.WithCancel(context.WithoutCancel(ctx))
	tails, end := context.WithCancel(context.WithoutCancel(ctx))
	statuses, endStatuses := context.WithCancel(context.WithoutCancel(ctx))
	var g, logs, writer errgroup.Group
	for _, tail := range []func(context.Context) error{w.configs.log.Run, w.statuses.log.Run, w.offsets.log.Run} {
		logs.Go(func() error {
			err := tail(tails)
			if err != nil {
				stop(err)
			}
			return err
		})
	}
	writer.Go(func() error { return w.statuses.queue.run(statuses) })
	g.Go(func() error { return w.watch(tails) })
	g.Go(func() error {
		err := w.member.Run(member)
		if err != nil && member.Err() == nil {
			stop(err)
		}
		return err
	})
	g.Go(func() error { return w.follow(member) })
	_ = w.herder.Run(run)
	leave()
	endStatuses()
	if err := writer.Wait(); err != nil {
		w.log.Warn("the last statuses could not be written", "error", err)
	}
	w.endWrites()
	end()
	_ = g.Wait()
	_ = logs.Wait()
	w.reloads.Range(func(_, t any) bool { t.(*time.Timer).Stop(); return true })
	if cause := context.Cause(run); ctx.Err() == nil && cause != nil {
		return cause
	}
	return nil
}

// gracefulTime is how long a unit may take to stop.
func (w *Worker) gracefulTime(unitID) time.Duration { return w.settings.TaskShutdownTimeout }

// launch makes the runner of a unit.
func (w *Worker) launch(id unitID, c *state.Connector, generation int32) runner {
	if id.Task == connectorUnit {
		return newConnectorRunner(w, c, generation)
	}
	return w.newTask(id, c, generation)
}

func (w *Worker) reporter(id unitID, class string, generation int32) *reporter {
	r := &reporter{id: id, generation: generation, put: w.statuses.queue.put, redact: w.secrets.Redact}
	if p, ok := w.plugins.Sources.Find(class); ok {
		r.version = p.Version
	} else if p, ok := w.plugins.Sinks.Find(class); ok {
		r.version = p.Version
	}
	return r
}

// watch does what records of the config topic ask of every worker.
func (w *Worker) watch(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.configs.happened:
		}
		for _, e := range w.configs.state.Events() {
			switch e.Kind {
			case state.RestartRequested:
				if err := w.restartHere(ctx, e.Restart); err != nil && ctx.Err() == nil {
					w.log.Warn("restart request could not be carried out", "connector", e.Restart.Connector, "error", err)
				}
			case state.LoggerLevelSet:
				if w.opts.SetLevel != nil {
					w.opts.SetLevel(e.Logger.Logger, e.Logger.Level)
				}
			}
		}
	}
}
