package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	_ "github.com/millwright-connect/millwright/connectors/all" // the plugins that this binary has
	"github.com/millwright-connect/millwright/connectors/connect"
)

var pluginsCommand = command{
	name:    "plugins",
	summary: "list the connectors, converters, transforms and predicates in this binary",
	usage: `Usage: millwright plugins [--json] [CLASS]

Lists every plugin with its class and version; with a class (or its short name)
the properties of that plugin, as a Markdown table.

  millwright plugins
  millwright plugins FileStreamSource`,
}

func init() { pluginsCommand.run = listPlugins }

func listPlugins(_ context.Context, args []string, std stdio) error {
	fs := newFlags(&pluginsCommand, std)
	asJSON := fs.Bool("json", false, "print JSON, in the form of GET /connector-plugins")
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	ps := &connect.Registered
	if len(rest) == 1 {
		c := configOf(ps, rest[0])
		if c == nil {
			return misuse("there is no plugin %q; `millwright plugins` lists them", rest[0])
		}
		fmt.Fprint(std.out, connect.Markdown(c()))
		return nil
	}
	if len(rest) > 1 {
		return misuse("one class at most, not %d", len(rest))
	}
	list := ps.List()
	if *asJSON {
		e := json.NewEncoder(std.out)
		e.SetIndent("", "  ")
		return e.Encode(list)
	}
	w := tabwriter.NewWriter(std.out, 0, 8, 2, ' ', 0)
	for _, p := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\n", p.Type, p.Class, p.Version)
	}
	return w.Flush()
}

func configOf(ps *connect.Plugins, class string) func() connect.Configurable {
	none := func(c func() connect.Configurable) func() connect.Configurable {
		if c == nil {
			return func() connect.Configurable { return noProperties{} }
		}
		return c
	}
	if p, ok := ps.Sources.Find(class); ok {
		return none(p.Config)
	}
	if p, ok := ps.Sinks.Find(class); ok {
		return none(p.Config)
	}
	if p, ok := ps.Transforms.Find(class); ok {
		return none(p.Config)
	}
	if p, ok := ps.Predicates.Find(class); ok {
		return none(p.Config)
	}
	if p, ok := ps.Converters.Find(class); ok {
		return none(p.Config)
	}
	if p, ok := ps.HeaderConverters.Find(class); ok {
		return none(p.Config)
	}
	return nil
}

type noProperties struct{}

func (noProperties) Define(*connect.ConfigDef) {}
