// Package process is one worker in one process, whole: its settings with their
// secrets, its logs, its REST API, its metrics. Commands run it.
package process

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/rest"
	"github.com/millwright-connect/millwright/worker"
	"github.com/millwright-connect/millwright/worker/config"
	"github.com/millwright-connect/millwright/worker/logging"
	"github.com/millwright-connect/millwright/worker/metrics"
)

// Options say which worker it is.
type Options struct {
	Props      connect.Props // of the worker, with references to secrets
	Mode       config.Mode
	Connectors []ConnectorFile // are made once the worker can answer
	Log        io.Writer

	// Opened, if not nil, is called when the REST API has its address and answers
	// nothing yet.
	Opened func(*rest.Server)
	// Began, if not nil, is called once the worker can answer. Its error ends the
	// worker; ctx ends with it.
	Began func(ctx context.Context, w *worker.Worker, url string) error
}

// A SettingsError says that nothing was begun, since a setting is wrong.
type SettingsError struct{ Cause error }

func (e *SettingsError) Error() string { return e.Cause.Error() }
func (e *SettingsError) Unwrap() error { return e.Cause }

// Run runs a worker until ctx ends. It returns a SettingsError when it could not
// begin, and any other error when the worker, or o.Began, ended with one.
func Run(ctx context.Context, o Options) error {
	plugins := &connect.Registered
	providers, err := config.NewProviders(o.Props, os.Environ())
	if err != nil {
		return &SettingsError{err}
	}
	resolved, err := providers.Resolve(ctx, o.Props)
	if err != nil {
		return &SettingsError{err}
	}
	secrets := &worker.Secrets{}
	secrets.Keep("worker", resolved.Secrets)
	loggers := logging.New(slog.LevelInfo)
	if err := loggers.Configure(os.Environ()); err != nil {
		return &SettingsError{err}
	}
	log := slog.New(logging.NewHandler(loggers, logging.Options{Out: o.Log, Redact: secrets.Redact}))
	s, err := config.ParseWorker(resolved.Props, o.Mode, plugins)
	if err != nil {
		return &SettingsError{err}
	}
	if err := s.Refused(rest.BasicAuthExtension); err != nil {
		return &SettingsError{err}
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
		return &SettingsError{err}
	}
	if o.Opened != nil {
		o.Opened(server)
	}
	w := worker.New(worker.Options{
		Settings: s, Plugins: plugins, Log: log, URL: server.URL(), WorkerID: server.WorkerID(), Peers: server.Peers(), Metrics: count, Secrets: secrets,
		SetLevel: func(logger, level string) {
			if l, ok := logging.ParseLevel(strings.TrimSpace(level)); ok {
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
	g.Go(func() error {
		select {
		case <-w.Started():
		case <-run.Done():
			return nil
		}
		err := o.begin(run, w, server.URL())
		if err != nil {
			stop()
		}
		return err
	})
	return g.Wait()
}

func (o *Options) begin(ctx context.Context, w *worker.Worker, url string) error {
	for _, c := range o.Connectors {
		if _, err := w.Create(ctx, c.Name, c.Props, c.Initial); err != nil && ctx.Err() == nil {
			return &SettingsError{fmt.Errorf("%s: %w", c.Path, err)}
		}
	}
	if o.Began == nil {
		return nil
	}
	return o.Began(ctx, w, url)
}

// metricsHandler serves the worker's metrics under the names of both families
// of dashboards, and those of the Go runtime and the process.
func metricsHandler(count *metrics.Worker) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(metrics.NewCollector(count, metrics.Families{Strimzi: true, Confluent: true}, metrics.Info{Version: worker.ConnectVersion, Commit: worker.Version}),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{})
}
