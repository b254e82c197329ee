package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker"
	"github.com/millwright-connect/millwright/worker/config"
	"github.com/millwright-connect/millwright/worker/state"
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
	var connectors []connectorFile
	for _, path := range rest[1:] {
		c, err := readConnector(path)
		if err != nil {
			return &exitError{2, err}
		}
		connectors = append(connectors, c)
	}
	return runWith(ctx, props, config.Standalone, std, func(ctx context.Context, w *worker.Worker, _ string) error {
		for _, c := range connectors {
			if _, err := w.Create(ctx, c.name, c.props, c.initial); err != nil && ctx.Err() == nil {
				return &exitError{2, fmt.Errorf("%s: %w", c.path, err)}
			}
		}
		return nil
	})
}

type connectorFile struct {
	path, name string
	props      connect.Props
	initial    state.TargetState
}

// readConnector reads a connector's file, as Apache Connect's standalone worker
// does: a properties file, a JSON object of properties, or the body of POST
// /connectors.
func readConnector(path string) (connectorFile, error) {
	c := connectorFile{path: path}
	b, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	if text := strings.TrimSpace(string(b)); strings.HasPrefix(text, "{") {
		var request struct {
			Name    string            `json:"name"`
			Config  map[string]string `json:"config"`
			Initial string            `json:"initial_state"`
		}
		if err := json.Unmarshal(b, &request); err == nil && request.Config != nil {
			c.name, c.props, c.initial = request.Name, request.Config, state.TargetState(strings.ToUpper(request.Initial))
			if c.name != "" && c.props["name"] == "" {
				c.props["name"] = c.name
			}
		} else if err := json.Unmarshal(b, &c.props); err != nil {
			return c, fmt.Errorf("%s is neither an object of properties with text values nor {\"name\": ..., \"config\": {...}}: %w", path, err)
		}
	} else if c.props, err = config.ReadFile(path); err != nil {
		return c, err
	}
	if c.name == "" {
		c.name = c.props["name"]
	}
	if c.name == "" {
		return c, fmt.Errorf("%s: the connector has no name; add a line like name=%s", path, strings.TrimSuffix(base(path), ".properties"))
	}
	return c, nil
}

func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
