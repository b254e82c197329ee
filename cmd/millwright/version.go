package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/millwright-connect/millwright/worker"
)

var versionCommand = command{
	name:    "version",
	summary: "print the versions of Millwright and of the Kafka Connect that it stands for",
	usage:   "Usage: millwright version\n\nPrints Millwright's version and the Kafka Connect version that it answers with.",
}

func init() { versionCommand.run = printVersion }

func printVersion(_ context.Context, args []string, std stdio) error {
	if _, err := parse(newFlags(&versionCommand, std), args); err != nil {
		return err
	}
	fmt.Fprintf(std.out, "millwright %s (Kafka Connect %s, %s, %s/%s)\n", worker.Version, worker.ConnectVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
