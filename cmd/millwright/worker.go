package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	_ "time/tzdata" // db.timezone and the like work on hosts without zone files

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	_ "github.com/millwright-connect/millwright/connectors/all" // the plugins that this binary has
	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/rest"
	"github.com/millwright-connect/millwright/worker"
	"github.com/millwright-connect/millwright/worker/config"
	"github.com/millwright-connect/millwright/worker/logging"
	"github.com/millwright-connect/millwright/worker/metrics"
)

var workerCommand = command{
	name:    "worker",
	summary: "run a worker of a Connect cluster (distributed mode)",
	usage: `Usage: millwright worker [--set key=value]... [FILE]

Runs a worker with the settings of a Java worker.properties FILE. Environment
variables CONNECT_* (CONNECT_GROUP_ID is group.id, as in the usual container
images) go before the file, and --set goes before both. Without FILE it is
/etc/millwright/worker.properties, where there is one.
SIGTERM and SIGINT stop it: tasks are stopped, offsets committed, the group is
left at once.

  millwright worker /etc/millwright/worker.properties
  millwright worker worker.properties --set listeners=http://0.0.0.0:8084`,
}

func init() { workerCommand.run = runWorker }

// settings are key=value flags.
type settings connect.Props

func (s settings) String() string        { return "" }
func (s settings) Set(text string) error { return config.Set(connect.Props(s), text) }

func runWorker(ctx context.Context, args []string, std stdio) error {
	fs := newFlags(&workerCommand, std)
	set := settings{}
	fs.Var(set, "set", "a worker setting, `key=value`; may be given many times")
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(rest) > 1 {
		return misuse("one properties file, not %d; quote names with blanks", len(rest))
	}
	props, err := workerProps(rest, set)
	if err != nil {
		return &exitError{2, err}
	}
	return runWith(ctx, props, config.Distributed, std, nil)
}

// usualFile is where a container has its settings mounted.
const usualFile = "/etc/millwright/worker.properties"

// workerProps puts together what the file, the environment and flags say.
func workerProps(files []string, set settings) (connect.Props, error) {
	props := connect.Props{}
	if _, err := os.Stat(usualFile); err == nil && len(files) == 0 {
		files = []string{usualFile}
	}
	if len(files) == 1 {
		var err error
		if props, err = config.ReadFile(files[0]); err != nil {
			return nil, err
		}
	}
	for k, v := range config.Environment(os.Environ()) {
		props[k] = v
	}
	for k, v := range set {
		props[k] = v
	}
	if len(props) == 0 {
		return nil, errors.New("there are no settings: name a worker.properties file or set CONNECT_* variables")
	}
	return props, nil
}

// runWith runs a worker until ctx ends. began is called once it can answer.
func runWith(ctx context.Context, props connect.Props, mode config.Mode, std stdio, began func(ctx context.Context, w *worker.Worker, url string) error) error {
	plugins := &connect.Registered
	providers, err := config.NewProviders(props, os.Environ())
	if err != nil {
		return &exitError{2, err}
	}
	resolved, err := providers.Resolve(ctx, props)
	if err != nil {
		return &exitError{2, err}
	}
	secrets := &worker.Secrets{}
	secrets.Keep("worker", resolved.Secrets)
	loggers := logging.New(slog.LevelInfo)
	if err := loggers.Configure(os.Environ()); err != nil {
		return &exitError{2, err}
	}
	log := slog.New(logging.NewHandler(loggers, logging.Options{Out: std.err, Redact: secrets.Redact}))
	s, err := config.ParseWorker(resolved.Props, mode, plugins)
	if err != nil {
		return &exitError{2, err}
	}
	if err := s.Refused(rest.BasicAuthExtension); err != nil {
		return &exitError{2, err}
	}
	for _, n := range s.Notes(plugins) {
		log.Warn("a worker setting has no, or not its whole, effect here", "setting", n.Name, "reason", n.Text)
	}
	count := metrics.NewWorker()
	server, err := rest.New(rest.Options{
		Settings: s, Plugins: plugins, Loggers: loggers, Log: log, Metrics: metricsHandler(count), Version: worker.ConnectVersion,
		Commit: "millwright-" + worker.Version, JAAS: rest.JAASFile(resolved.Props, os.Getenv),
	})
	if err != nil {
		return &exitError{2, err}
	}
	w := worker.New(worker.Options{
		Settings: s, Plugins: plugins, Log: log, URL: server.URL(), WorkerID: server.WorkerID(), Peers: server.Peers(), Metrics: count, Secrets: secrets,
		SetLevel: func(logger, level string) {
			if l, ok := logging.ParseLevel(level); ok {
				loggers.SetLevel(logger, l)
			}
		},
	})
	run, stop := context.WithCancel(ctx)
	defer stop()
	serving, endServing := context.WithCancel(context.WithoutCancel(ctx))
	var g errgroup.Group
	g.Go(func() error {
		err := server.Serve(serving, w)
		if err != nil {
			stop()
		}
		return err
	})
	g.Go(func() error {
		defer endServing() // the API answers as long as the worker stops
		defer stop()
		return w.Run(run)
	})
	if began != nil {
		g.Go(func() error {
			select {
			case <-w.Started():
			case <-run.Done():
				return nil
			}
			err := began(run, w, server.URL())
			if err != nil {
				stop()
			}
			return err
		})
	}
	return g.Wait()
}

// metricsHandler serves the worker's metrics under the names of both families
// of dashboards, and those of the Go runtime and the process.
func metricsHandler(count *metrics.Worker) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(metrics.NewCollector(count, metrics.Families{Strimzi: true, Confluent: true}, metrics.Info{Version: worker.ConnectVersion, Commit: worker.Version}),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{})
}
