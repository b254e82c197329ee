package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/rest"
	"github.com/millwright-connect/millwright/worker"
	"github.com/millwright-connect/millwright/worker/config"
	"github.com/millwright-connect/millwright/worker/logging"
	"github.com/millwright-connect/millwright/worker/metrics"
)

// serve runs a worker until ctx ends, as cmd/millwright does. opened is called
// once its ports are open.
func serve(ctx context.Context, props connect.Props, mode config.Mode, files []string, opened func(*rest.Server)) error {
	plugins := &connect.Registered
	providers, err := config.NewProviders(props, os.Environ())
	if err != nil {
		return err
	}
	resolved, err := providers.Resolve(ctx, props)
	if err != nil {
		return err
	}
	secrets := &worker.Secrets{}
	secrets.Keep("worker", resolved.Secrets)
	loggers := logging.New(slog.LevelInfo)
	log := slog.New(logging.NewHandler(loggers, logging.Options{Out: os.Stderr, Redact: secrets.Redact}))
	s, err := config.ParseWorker(resolved.Props, mode, plugins)
	if err != nil {
		return err
	}
	count := metrics.NewWorker()
	server, err := rest.New(rest.Options{
		Settings: s, Plugins: plugins, Loggers: loggers, Log: log, Version: worker.ConnectVersion, Commit: "millwright-test",
		JAAS: rest.JAASFile(resolved.Props, os.Getenv),
	})
	if err != nil {
		return err
	}
	opened(server)
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
		defer stop()
		return server.Serve(serving, w)
	})
	g.Go(func() error {
		defer endServing()
		defer stop()
		return w.Run(run)
	})
	g.Go(func() error {
		select {
		case <-w.Started():
		case <-run.Done():
			return nil
		}
		for _, f := range files {
			p, err := config.ReadFile(f)
			if err == nil {
				_, err = w.Create(run, p["name"], p, "")
			}
			if err != nil {
				stop()
				return fmt.Errorf("%s: %w", f, err)
			}
		}
		return nil
	})
	return g.Wait()
}
