package main

import (
	"context"

	"github.com/millwright-connect/millwright/cmd/millwright/process"
	"github.com/millwright-connect/millwright/worker/config"
)

var standaloneCommand = command{
	name:    "standalone",
	summary: "run a worker alone, with connectors from files and offsets in a file",
	usage: `Usage: millwright standalone [--set key=value]... FILE CONNECTOR...

Runs one worker without a cluster: settings from a Java worker.properties FILE,
connectors from properties or JSON files, offsets in the file that
offset.storage.file.filename names (the one that Apache Connect writes).

  millwright standalone standalone.properties source.properties sink.json`,
}

func init() { standaloneCommand.run = runStandalone }

func runStandalone(ctx context.Context, args []string, std stdio) error {
	fs := newFlags(&standaloneCommand, std)
	set := settings{}
	fs.Var(set, "set", "a worker setting, `key=value`; may be given many times")
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(rest) < 1 {
		return misuse("name a worker properties file, and the connectors' files after it")
	}
	props, err := workerProps(rest[:1], set)
	if err != nil {
		return &exitError{2, err}
	}
	connectors, err := process.ReadConnectors(rest[1:])
	if err != nil {
		return &exitError{2, err}
	}
	return runProcess(ctx, process.Options{Props: props, Mode: config.Standalone, Connectors: connectors, Log: std.err})
}
