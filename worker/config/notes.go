package config

import (
	"slices"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A Note says something about a property that its writer would want to know.
type Note struct{ Name, Text string }

// meaningless are settings of Java workers that are read and change nothing,
// with the reason.
var meaningless = map[string]string{
	"plugin.path":                           "plugins are part of the program",
	"plugin.discovery":                      "plugins are part of the program",
	"metric.reporters":                      "metrics are served over HTTP for Prometheus",
	"metrics.sample.window.ms":              "metrics are counted, not sampled",
	"metrics.num.samples":                   "metrics are counted, not sampled",
	"metrics.recording.level":               "all metrics are counted",
	"ssl.provider":                          "Go's TLS is used",
	"ssl.keymanager.algorithm":              "Go's TLS is used",
	"ssl.trustmanager.algorithm":            "Go's TLS is used",
	"ssl.secure.random.implementation":      "the system's random numbers are used",
	"ssl.engine.factory.class":              "Go's TLS is used",
	"sasl.kerberos.kinit.cmd":               "no Kerberos program is run",
	"sasl.login.class":                      "the mechanism decides how to log in",
	"config.storage.partitions":             "the config topic has one partition",
	"config.storage.cleanup.policy":         "internal topics are compacted",
	"offset.storage.cleanup.policy":         "internal topics are compacted",
	"status.storage.cleanup.policy":         "internal topics are compacted",
	"internal.key.converter":                "internal topics are JSON without schemas",
	"internal.value.converter":              "internal topics are JSON without schemas",
	"internal.key.converter.schemas.enable": "internal topics are JSON without schemas",
}

// knownPrefixes are those of properties whose names the worker does not know
// one by one.
var knownPrefixes = []string{
	"producer.", "consumer.", "admin.", "key.converter.", "value.converter.", "header.converter.", "config.providers.", "listeners.https.",
	"metrics.context.", "config.storage.", "offset.storage.", "status.storage.", "internal.value.converter.",
}

// Notes lists what is set and has no effect here: first the properties that
// nobody knows, with the name that was probably meant, then those that only mean
// something in Java or in the other mode. Each is sorted by name.
func (w *Worker) Notes(plugins *connect.Plugins) []Note {
	own := WorkerDef(w.Mode, plugins)
	other := WorkerDef(1-w.Mode, plugins)
	otherMode := map[Mode]string{Distributed: "it is a setting of standalone workers", Standalone: "it is a setting of distributed workers"}[w.Mode]
	var unknown, idle []Note
	for name := range w.Props {
		_, noMeaning := meaningless[name]
		switch {
		case noMeaning:
			if k, ok := own.Key(name); ok && k.DefaultValue != nil && *k.DefaultValue == w.Props[name] {
				continue
			}
			idle = append(idle, Note{name, "has no effect here: " + meaningless[name]})
		case own.Has(name) || name == "connector.client.config.override.allowlist":
		case other.Has(name):
			idle = append(idle, Note{name, "has no effect: " + otherMode})
		case slices.ContainsFunc(knownPrefixes, func(p string) bool { return strings.HasPrefix(name, p) }):
		case clientsOnly(name): // goes to the worker's own clients
		default:
			n := Note{name, "is not known and has no effect"}
			if like := connect.Nearest(name, own.Names()); like != "" {
				n.Text += "; did you mean " + like + "?"
			}
			unknown = append(unknown, n)
		}
	}
	byName := func(a, b Note) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(unknown, byName)
	slices.SortFunc(idle, byName)
	return append(unknown, idle...)
}

// clientsOnly reports whether a setting that the worker does not declare is one
// of Kafka's clients; without a prefix it is for the worker's own.
func clientsOnly(name string) bool {
	for _, kind := range []ClientKind{Producer, Consumer, Admin} {
		if slices.ContainsFunc(clientSettings[kind], func(s setting) bool { return s.name == name }) {
			return true
		}
	}
	return false
}

// Refused returns an error when a setting asks for what a worker of Java would
// do and this one must not silently leave undone. Extensions are the classes of
// REST extensions that the REST server has a counterpart for.
func (w *Worker) Refused(extensions ...string) error {
	if w.Mode == Distributed && w.ConnectProtocol() == "eager" {
		return connect.ConfigErrorf("Invalid value %s for configuration connect.protocol: Millwright does not speak the eager protocol, "+
			"which stops all tasks at every rebalance; bring the cluster to compatible first, then to sessioned", w.Protocol)
	}
	for _, class := range w.REST.Extensions {
		if !slices.Contains(extensions, class) {
			return connect.ConfigErrorf("Invalid value %s for configuration rest.extension.classes: "+
				"there is no counterpart for this Java class, and what it guards would be open; remove it to go on without", class)
		}
	}
	if class := w.Props["ssl.engine.factory.class"]; class != "" && class != "org.apache.kafka.common.security.ssl.DefaultSslEngineFactory" {
		return connect.ConfigErrorf("Invalid value %s for configuration ssl.engine.factory.class: there is no counterpart for this Java class", class)
	}
	_, err := w.Policy()
	return err
}
