package main

import (
	"context"
	"errors"
	"os"
	_ "time/tzdata" // db.timezone and the like work on hosts without zone files

	"github.com/millwright-connect/millwright/cmd/millwright/process"
	_ "github.com/millwright-connect/millwright/connectors/all" // the plugins that this binary has
	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/config"
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
	return runProcess(ctx, process.Options{Props: props, Mode: config.Distributed, Log: std.err})
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

// runProcess runs a worker; settings that are wrong are a misuse.
func runProcess(ctx context.Context, o process.Options) error {
	err := process.Run(ctx, o)
	var wrong *process.SettingsError
	if errors.As(err, &wrong) {
		return &exitError{2, err}
	}
	return err
}
