package main

import (
	"context"
	"os"

	"github.com/millwright-connect/millwright/cmd/millwright/demo"
	"github.com/millwright-connect/millwright/cmd/millwright/process"
	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker"
	"github.com/millwright-connect/millwright/worker/config"
)

var demoCommand = command{
	name:    "demo",
	summary: "show everything on this machine, with nothing installed: plant, Kafka protocol, database",
	usage: `Usage: millwright demo [--dir DIR] [--duration 20s] [--listen 127.0.0.1:8083]

Runs a whole plant in this process: presses behind a Modbus TCP server and
robots behind an OPC UA server, on loopback; a broker that speaks Kafka's
protocol; a worker with its REST API; two sources that read the machines, and a
sink that writes their topics to tables of a SQLite file, plant.db. It prints
what runs where, commands to try, and the rates.

At its end it stops the sources and accounts for every record: the exit code is
0 only if each record that they produced is in the broker's log and each record
of the log is a row of the database.

It is for trying out and for tests. The broker is an imitation of Kafka made for
tests (kfake): one process, no replication, no retention, not for production.

All state is in DIR: the broker's topics, offsets and groups, the database, the
worker's log. A run in the same DIR goes on where the last one ended, be it by
a crash. Without --dir it is a new temporary folder, which stays.

  millwright demo
  millwright demo --duration 20s
  millwright demo --dir plant --listen 127.0.0.1:8083`,
}

func init() { demoCommand.run = runDemo }

func runDemo(ctx context.Context, args []string, std stdio) error {
	fs := newFlags(&demoCommand, std)
	dir := fs.String("dir", "", "`folder` for all state; made if it is not there (default a new temporary folder)")
	duration := fs.Duration("duration", 0, "how long to run, such as 20s (default until Ctrl-C)")
	listen := fs.String("listen", "", "`host:port` of the REST API (default that of the last run in --dir, or a free port of 127.0.0.1)")
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return misuse("demo takes no arguments, and %q is one", rest[0])
	}
	if *duration < 0 {
		return misuse("--duration %v is less than nothing", *duration)
	}
	if *dir == "" {
		if *dir, err = os.MkdirTemp("", "millwright-demo-"); err != nil {
			return err
		}
	}
	return demo.Run(ctx, demo.Options{
		Dir: *dir, Listen: *listen, Duration: *duration, Out: std.out, Live: terminal(std.out), Worker: demoWorker,
	})
}

// demoWorker is the worker that `millwright worker` runs.
func demoWorker(ctx context.Context, settings map[string]string, log *os.File, began func(ctx context.Context, url string) error) error {
	return runProcess(ctx, process.Options{
		Props: connect.Props(settings), Mode: config.Distributed, Log: log,
		Began: func(ctx context.Context, _ *worker.Worker, url string) error { return began(ctx, url) },
	})
}

func terminal(f *os.File) bool {
	s, err := f.Stat()
	return err == nil && s.Mode()&os.ModeCharDevice != 0
}
