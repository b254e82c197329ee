package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/millwright-connect/millwright/cmd/millwright/process"
	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/config"
)

var validateCommand = command{
	name:    "validate",
	summary: "check a worker's or a connector's properties without running anything",
	usage: `Usage: millwright validate FILE...

Checks worker.properties files and connectors' files (properties or JSON), and
says for each wrong property what is wrong with it and what was probably meant.
Exit code 0 if all are valid, 2 if not. Nothing is contacted.

  millwright validate worker.properties
  millwright validate plant-to-mysql.json`,
}

func init() { validateCommand.run = validateFiles }

func validateFiles(ctx context.Context, args []string, std stdio) error {
	files, err := parse(newFlags(&validateCommand, std), args)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return misuse("name a file")
	}
	faults := 0
	for _, path := range files {
		found, hints, err := validateFile(ctx, path)
		if err != nil {
			return &exitError{2, err}
		}
		for _, h := range hints {
			fmt.Fprintf(std.out, "%s: note: %s\n", path, h)
		}
		for _, f := range found {
			fmt.Fprintf(std.out, "%s: %s\n", path, f)
		}
		if len(found) == 0 {
			fmt.Fprintf(std.out, "%s: valid\n", path)
		}
		faults += len(found)
	}
	if faults > 0 {
		return misuse("%d faults found", faults)
	}
	return nil
}

// openPrefixes begin properties that are passed on to Kafka clients, converters
// and topics.
var openPrefixes = []string{"producer.override.", "consumer.override.", "admin.override.", "topic.creation.", "key.converter.", "value.converter.", "header.converter."}

func validateFile(ctx context.Context, path string) (faults, hints []string, err error) {
	plugins := &connect.Registered
	c, cerr := process.ReadConnector(path)
	if c.Props["bootstrap.servers"] != "" || c.Props["connector.class"] == "" && c.Props["key.converter"] != "" {
		mode := config.Distributed
		if c.Props["group.id"] == "" && c.Props["offset.storage.file.filename"] != "" {
			mode = config.Standalone
		}
		w, err := config.ParseWorker(c.Props, mode, plugins)
		if err != nil {
			return []string{err.Error()}, nil, nil //nolint:nilerr // it is what is wrong with the file
		}
		for _, n := range w.Notes(plugins) {
			hints = append(hints, n.Name+": "+n.Text)
		}
		return nil, hints, nil
	}
	if cerr != nil {
		return nil, nil, cerr
	}
	w, err := config.ParseWorker(connect.Props{
		"bootstrap.servers": "localhost:9092", "group.id": "validate", "config.storage.topic": "c", "offset.storage.topic": "o",
		"status.storage.topic": "s", "key.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter",
	},
		config.Distributed, plugins)
	if err != nil {
		return nil, nil, err
	}
	infos, err := config.Validate(ctx, plugins, w, c.Props)
	if err != nil {
		return []string{err.Error()}, nil, nil //nolint:nilerr // it is what is wrong with the file
	}
	var known []string
	for _, i := range infos.Configs {
		known = append(known, i.Value.Name)
		for _, e := range i.Value.Errors {
			faults = append(faults, i.Value.Name+": "+e)
		}
	}
	for key := range c.Props {
		if !slices.Contains(known, key) && !slices.ContainsFunc(openPrefixes, func(p string) bool { return strings.HasPrefix(key, p) }) {
			hints = append(hints, connect.UnknownProperty{Name: key, Like: connect.Nearest(key, known)}.String())
		}
	}
	slices.Sort(hints)
	return faults, hints, nil
}
