// Package config knows every property that a worker and a connector can have:
// those of Java's WorkerConfig, DistributedConfig and StandaloneConfig, those of
// ConnectorConfig and its two kinds, and those of the Kafka clients inside. It
// reads properties files, the environment and references to config providers,
// and answers the validate endpoint.
//
// It is a leaf: it imports connectors/connect and the standard library only,
// knows plugins from the registry it is given, and opens nothing but the files
// and the Vault that config providers name.
package config

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Mode is how a worker runs.
type Mode int

// The modes.
const (
	Distributed Mode = iota
	Standalone
)

// Worker is a worker's settings. Those that are for Kafka clients alone are
// checked, and stay in Props.
type Worker struct {
	Mode  Mode
	Props connect.Props // all properties, references to config providers resolved

	BootstrapServers []string
	ClientID         string

	KeyConverter, ValueConverter, HeaderConverter                      string // classes, as the registry calls them
	KeyConverterVersion, ValueConverterVersion, HeaderConverterVersion string // ranges of versions; "": any

	TaskShutdownTimeout time.Duration
	OffsetFlushInterval time.Duration
	OffsetFlushTimeout  time.Duration

	OverridePolicy     string // see Policy
	OverrideAllowlist  []string
	TopicCreation      bool
	TopicTracking      bool
	TopicTrackingReset bool
	ConfigProviders    []string

	REST REST

	// Distributed only.
	GroupID           string
	SessionTimeout    time.Duration
	RebalanceTimeout  time.Duration
	HeartbeatInterval time.Duration
	WorkerSyncTimeout time.Duration
	UnsyncBackoff     time.Duration
	RebalanceDelay    time.Duration // scheduled.rebalance.max.delay.ms
	Protocol          string        // as written; see ConnectProtocol
	ExactlyOnce       string        // as written; see ExactlyOnceEnabled and TransactionalLeader
	ConfigTopic       InternalTopic
	OffsetTopic       InternalTopic
	StatusTopic       InternalTopic
	Signing           Signing

	// Standalone only.
	OffsetFile string // offset.storage.file.filename

	find func(class string) (string, bool)
}

// An InternalTopic is one of the three topics that a cluster of workers keeps
// its state in.
type InternalTopic struct {
	Name        string
	Partitions  int               // when it is created; -1: the broker's default
	Replication int               // when it is created; -1: the broker's default
	Settings    map[string]string // further topic settings, when it is created
}

// ParseWorker reads a worker's settings from properties whose references to
// config providers are resolved; see Resolve. Classes of converters are found in
// plugins. Errors are Java's.
func ParseWorker(p connect.Props, mode Mode, plugins *connect.Plugins) (*Worker, error) {
	w := newWorker(mode, plugins)
	if err := connect.Parse(p, w); err != nil {
		return nil, err
	}
	w.Props = maps.Clone(p)
	first, one := p["reconnect.backoff.ms"]
	if _, both := p["reconnect.backoff.max.ms"]; one && !both { // as Java's clients read it
		w.Props["reconnect.backoff.max.ms"] = first
	}
	if err := connect.Parse(p, (*allowlist)(w)); err != nil {
		return nil, err
	}
	if mode == Distributed {
		_, sized := p["inter.worker.key.size"]
		if err := w.Signing.check(sized); err != nil {
			return nil, err
		}
		w.ConfigTopic.Partitions = 1
		w.ConfigTopic.Settings = topicSettings(p, "config.storage.")
		w.OffsetTopic.Settings = topicSettings(p, "offset.storage.")
		w.StatusTopic.Settings = topicSettings(p, "status.storage.")
	}
	return w, nil
}

// allowlist declares what the override policy of that name reads by itself, so
// that it is not among the worker's own settings.
type allowlist Worker

func (a *allowlist) Define(d *connect.ConfigDef) {
	d.List(&a.OverrideAllowlist, "connector.client.config.override.allowlist").Default([]string{}).Is(medium).Check(connect.ListOf()).
		Doc("Settings that connectors may override under the policy Allowlist.")
}

// WorkerDef returns the definition of a worker's settings.
func WorkerDef(mode Mode, plugins *connect.Plugins) *connect.ConfigDef {
	var d connect.ConfigDef
	newWorker(mode, plugins).Define(&d)
	return &d
}

func newWorker(mode Mode, plugins *connect.Plugins) *Worker {
	return &Worker{Mode: mode, find: anyClass(plugins)}
}

// anyClass finds a class among plugins of all kinds, as Java's class loader
// does: that it is of the wrong kind is found later.
func anyClass(ps *connect.Plugins) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, find := range []func(string) (string, bool){
			ps.Converters.Canonical, ps.HeaderConverters.Canonical, ps.Sources.Canonical,
			ps.Sinks.Canonical, ps.Transforms.Canonical, ps.Predicates.Canonical,
		} {
			if class, ok := find(name); ok {
				return class, true
			}
		}
		return kafkaClass(name)
	}
}

// topicSettings are the properties under prefix that are settings of the topic
// itself.
func topicSettings(p connect.Props, prefix string) map[string]string {
	s := map[string]string(p.WithPrefix(prefix))
	for _, own := range []string{"topic", "replication.factor", "partitions", "cleanup.policy", "file.filename"} {
		delete(s, own)
	}
	return s
}

// Define declares the settings in Java's order, so that of several faults the
// same one is reported.
func (w *Worker) Define(d *connect.ConfigDef) {
	d.List(&w.BootstrapServers, "bootstrap.servers").Is(high).Check(connect.NonEmptyListOf()).
		Doc("Kafka brokers to begin with, host:port, comma-separated.")
	defineAll(d, networkSettings[:1])
	d.ClassIn(&w.KeyConverter, "key.converter", w.find).Is(high).
		Doc("Class that turns keys into the bytes kept in Kafka and back; its own properties follow after key.converter. and a dot.")
	d.String(&w.KeyConverterVersion, "key.converter.plugin.version").OrNone().Is(low).Doc("Version of the key converter.")
	d.ClassIn(&w.ValueConverter, "value.converter", w.find).Is(high).
		Doc("Class that turns values into the bytes kept in Kafka and back; its own properties follow after value.converter. and a dot.")
	d.String(&w.ValueConverterVersion, "value.converter.plugin.version").OrNone().Is(low).Doc("Version of the value converter.")
	d.Millis(&w.TaskShutdownTimeout, "task.shutdown.graceful.timeout.ms").Default(5 * time.Second).Is(low).
		Doc("Time that all tasks together are given to stop; then they are abandoned.")
	d.Millis(&w.OffsetFlushInterval, "offset.flush.interval.ms").Default(time.Minute).Is(low).
		Doc("Time between two commits of source offsets; sinks commit as often.")
	d.Millis(&w.OffsetFlushTimeout, "offset.flush.timeout.ms").Default(5 * time.Second).Is(low).
		Doc("Time that a commit of source offsets may take before it is given up and made again at the next turn.")
	d.List(new([]string), "plugin.path").OrNone().Is(low).Check(connect.OptionalNonEmptyListOf()).Doc("Java's folders of plugins; here plugins are part of the program.")
	d.String(new(string), "plugin.discovery").Default("hybrid_warn").Is(low).
		Check(connect.OneOfFold("only_scan", "service_load", "hybrid_warn", "hybrid_fail")).Doc("How Java finds plugins; here plugins are part of the program.")
	defineAll(d, metricsSettings)
	d.ClassIn(&w.HeaderConverter, "header.converter", w.find).Default("org.apache.kafka.connect.storage.SimpleHeaderConverter").Is(low).
		Doc("Class that turns header values into the bytes kept in Kafka and back.")
	d.String(&w.HeaderConverterVersion, "header.converter.plugin.version").OrNone().Is(low).Doc("Version of the header converter.")
	d.List(&w.ConfigProviders, "config.providers").Default([]string{}).Is(low).Check(connect.ListOf()).
		Doc("Names of config providers, configured by config.providers.NAME.class and config.providers.NAME.param.*; a value ${NAME:path:key} is read from one.")
	d.String(&w.OverridePolicy, "connector.client.config.override.policy").Default("All").Is(medium).
		Doc("Which settings of its Kafka clients a connector may override: All, None, Principal or Allowlist.")
	d.Boolean(&w.TopicCreation, "topic.creation.enable").Default(true).Is(low).
		Doc("Whether connectors may have topics created by their topic.creation. properties.")
	defineAll(d, tlsSettings)
	d.Boolean(&w.TopicTracking, "topic.tracking.enable").Default(true).Is(low).Doc("Whether the topics that a connector uses are recorded.")
	d.Boolean(&w.TopicTrackingReset, "topic.tracking.allow.reset").Default(true).Is(low).Doc("Whether the record of topics can be reset over REST.")
	w.REST.Define(d)
	if w.Mode == Standalone {
		d.String(&w.OffsetFile, "offset.storage.file.filename").Is(high).Doc("File that source offsets are kept in.")
		return
	}
	w.defineDistributed(d)
}

func (w *Worker) defineDistributed(d *connect.ConfigDef) {
	d.String(&w.GroupID, "group.id").Is(high).Doc("Name of the cluster: workers with the same name, brokers and internal topics share the work.")
	d.IntMillis(&w.SessionTimeout, "session.timeout.ms").Default(10 * time.Second).Is(high).
		Doc("Time without a heartbeat after which a worker counts as lost.")
	d.IntMillis(&w.RebalanceTimeout, "rebalance.timeout.ms").Default(time.Minute).Is(high).
		Doc("Time that a worker has to join a rebalance.")
	d.IntMillis(&w.HeartbeatInterval, "heartbeat.interval.ms").Default(3 * time.Second).Is(high).
		Doc("Time between two heartbeats; at most a third of session.timeout.ms.")
	d.String(&w.ExactlyOnce, "exactly.once.source.support").Default("disabled").Is(high).
		Check(connect.OneOfFold("disabled", "enabled", "preparing")).
		Doc("Whether source connectors write records and offsets in transactions; a running cluster is brought to enabled by way of preparing.")
	defineAll(d, networkSettings[1:2]) // metadata.max.age.ms
	d.String(&w.ClientID, "client.id").Default("").Is(low).Doc("Name of the worker's own clients in the brokers' logs.")
	defineAll(d, networkSettings[2:3]) // send.buffer.bytes
	setting{"receive.buffer.bytes", "INT", "32768", medium, "Size of the TCP receive buffer; -1: the system's.", minusOneOrMore}.define(d)
	defineAll(d, networkSettings[3:5]) // reconnect.
	setting{"socket.connection.setup.timeout.ms", "LONG", "10000", low, "First time allowed to connect, in milliseconds.", notNegative}.define(d)
	setting{"socket.connection.setup.timeout.max.ms", "LONG", "30000", low, "Longest time allowed to connect, in milliseconds.", notNegative}.define(d)
	defineAll(d, networkSettings[5:7]) // retry.
	setting{"request.timeout.ms", "INT", "40000", medium, "Time allowed to a request to a broker, in milliseconds.", notNegativeInt}.define(d)
	setting{"connections.max.idle.ms", "LONG", "540000", medium, "Time after which an idle connection is closed, in milliseconds.", nil}.define(d)
	defineAll(d, networkSettings[7:8]) // security.protocol
	defineAll(d, saslSettings)
	d.IntMillis(&w.WorkerSyncTimeout, "worker.sync.timeout.ms").Default(3 * time.Second).Is(medium).
		Doc("Time that a worker behind the others has to catch up before it leaves the group.")
	d.IntMillis(&w.UnsyncBackoff, "worker.unsync.backoff.ms").Default(5 * time.Minute).Is(medium).
		Doc("Time that a worker which could not catch up waits before it joins again.")
	for _, t := range []struct {
		at         *InternalTopic
		name, keep string
		partitions int
	}{
		{&w.OffsetTopic, "offset", "source offsets", 25}, {&w.ConfigTopic, "config", "connector configurations", 0}, {&w.StatusTopic, "status", "states", 5},
	} {
		d.String(&t.at.Name, t.name+".storage.topic").Is(high).Doc("Topic that keeps the cluster's " + t.keep + ".")
		if t.partitions > 0 {
			d.Int(&t.at.Partitions, t.name+".storage.partitions").Default(t.partitions).Is(low).Check(partitionsCheck).
				Doc("Partitions of that topic, when it is created.")
		}
		d.Short(&t.at.Replication, t.name+".storage.replication.factor").Default(3).Is(low).Check(replicationCheck).
			Doc("Replicas of that topic, when it is created.")
	}
	d.String(&w.Protocol, "connect.protocol").Default("sessioned").Is(low).Check(protocolCheck).
		Doc("Group protocol: sessioned, or compatible for a cluster that has workers without internal signatures.")
	d.IntMillis(&w.RebalanceDelay, "scheduled.rebalance.max.delay.ms").Default(5 * time.Minute).Is(low).
		Check(connect.Between(0, maxInt*time.Millisecond)).
		Doc("Time that the work of a lost worker is held back for its return before it is given to others.")
	w.Signing.Define(d)
	defineAll(d, networkSettings[8:]) // metadata.recovery.
}

const maxInt = 1<<31 - 1

var partitionsCheck = connect.Check[int]{Text: "Positive number, or -1 to use the broker's default", Valid: func(v int) error {
	if v < 1 && v != -1 {
		return errText("Number of partitions must be positive, or -1 to use the broker's default")
	}
	return nil
}}

var replicationCheck = connect.Check[int]{
	Text: "Positive number not larger than the number of brokers in the Kafka cluster, or -1 to use the broker's default",
	Valid: func(v int) error {
		if v < 1 && v != -1 {
			return errText("Replication factor must be positive and not larger than the number of brokers in the Kafka cluster, or -1 to use the broker's default")
		}
		return nil
	},
}

var protocolCheck = connect.Check[string]{Text: "[eager, compatible, sessioned]", Valid: func(v string) error {
	if !slices.Contains([]string{"eager", "compatible", "sessioned"}, strings.ToLower(v)) {
		return errText("Invalid Connect protocol compatibility")
	}
	return nil
}}

// errText is an error that is nothing but Java's words.
type errText string

func (e errText) Error() string { return string(e) }

// ConnectProtocol returns connect.protocol in lower case: sessioned,
// compatible, or eager, which Refused reports.
func (w *Worker) ConnectProtocol() string { return strings.ToLower(w.Protocol) }

// ExactlyOnceEnabled reports whether source tasks write in transactions.
func (w *Worker) ExactlyOnceEnabled() bool { return strings.EqualFold(w.ExactlyOnce, "enabled") }

// TransactionalLeader reports whether the leader writes to the config topic in
// transactions, so that a leader that was replaced cannot.
func (w *Worker) TransactionalLeader() bool { return !strings.EqualFold(w.ExactlyOnce, "disabled") }

// Policy returns the override policy for the connectors' Kafka clients.
func (w *Worker) Policy() (Policy, error) { return NewPolicy(w.OverridePolicy, w.OverrideAllowlist) }
