package kafka

import (
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
)

// A Worker knows the properties of the clients that one worker makes: for its
// own topics, and for connectors. The maps it returns are the caller's; they
// equal those of Apache Connect 4.3, but for what only Java's metrics reporters
// read (metrics.context.) and for worker settings that no client knows.
type Worker struct {
	Props    map[string]string // the worker's properties as given
	GroupID  string            // group.id
	ClientID string            // client.id, often empty
}

// A Warning tells that a user's value was replaced, in Java's words.
type Warning string

// Prefixes of client properties in a worker's and in a connector's config.
const (
	ProducerPrefix   = "producer."
	ConsumerPrefix   = "consumer."
	AdminPrefix      = "admin."
	ProducerOverride = "producer.override."
	ConsumerOverride = "consumer.override."
	AdminOverride    = "admin.override."
)

// SinkGroup returns the consumer group of a sink connector that does not
// override group.id.
func SinkGroup(connector string) string { return "connect-" + connector }

// TaskTransactionalID returns the transactional id of an exactly-once source
// task (KIP-618).
func TaskTransactionalID(groupID, connector string, task int) string {
	return groupID + "-" + connector + "-" + strconv.Itoa(task)
}

// LeaderTransactionalID returns the transactional id with which a leader
// writes to the config topic.
func LeaderTransactionalID(groupID string) string { return "connect-cluster-" + groupID }

func taskID(connector string, task int) string { return connector + "-" + strconv.Itoa(task) }

// SourceProducer returns the properties of a source task's producer.
func (w Worker) SourceProducer(connector string, task int, props map[string]string) map[string]string {
	return w.producer("connector-producer-"+taskID(connector, task), props)
}

// ExactlyOnceProducer returns the properties of the producer of a source task
// with exactly-once support.
func (w Worker) ExactlyOnceProducer(connector string, task int, props map[string]string) (map[string]string, []Warning) {
	p := w.producer("connector-producer-"+taskID(connector, task), props)
	// Connect's default of no idempotence must not look like the user's wish.
	_, byConnector := props[ProducerOverride+"enable.idempotence"]
	if _, byWorker := w.Props[ProducerPrefix+"enable.idempotence"]; !byConnector && !byWorker {
		delete(p, "enable.idempotence")
	}
	var warn []Warning
	const why = "for connectors when exactly-once source support is enabled"
	warn = ensure(warn, p, "enable.idempotence", "true", why, false)
	warn = ensure(warn, p, "transactional.id", TaskTransactionalID(w.GroupID, connector, task), why, true)
	return p, warn
}

// DLQProducer returns the properties of the producer of a sink task's dead
// letter queue.
func (w Worker) DLQProducer(connector string, task int, props map[string]string) map[string]string {
	return w.producer("connector-dlq-producer-"+taskID(connector, task), props)
}

// OffsetsProducer returns the properties of the producer with which the worker
// alters a source connector's offsets in a topic of its own.
func (w Worker) OffsetsProducer(connector string, props map[string]string) map[string]string {
	return w.producer("connector-offset-producer-"+connector, props)
}

// producer gives what every connector's producer gets, then what the worker's
// file and the connector's config say. Its time-outs never end: a task waits
// for Kafka rather than fail.
func (w Worker) producer(clientID string, props map[string]string) map[string]string {
	p := map[string]string{
		"bootstrap.servers":                     w.bootstrap(),
		"key.serializer":                        "org.apache.kafka.common.serialization.ByteArraySerializer",
		"value.serializer":                      "org.apache.kafka.common.serialization.ByteArraySerializer",
		"max.block.ms":                          strconv.FormatInt(math.MaxInt64, 10),
		"enable.idempotence":                    "false",
		"acks":                                  "all",
		"max.in.flight.requests.per.connection": "1",
		"delivery.timeout.ms":                   strconv.Itoa(math.MaxInt32),
		"client.id":                             clientID,
	}
	prefixed(p, w.Props, ProducerPrefix)
	prefixed(p, props, ProducerOverride)
	return p
}

// SinkConsumer returns the properties of a sink task's consumer.
func (w Worker) SinkConsumer(connector string, task int, props map[string]string) map[string]string {
	return w.consumer("connector-consumer-"+taskID(connector, task), connector, props)
}

// SinkGroupID returns the consumer group of a sink connector, overrides and
// all.
func (w Worker) SinkGroupID(connector string, props map[string]string) string {
	return w.consumer("", connector, props)["group.id"]
}

// OffsetsConsumer returns the properties of a consumer of a source connector's
// own offsets topic; who is the connector, or the task as TaskName gives it.
func (w Worker) OffsetsConsumer(connector, who string, props map[string]string, exactlyOnce bool) (map[string]string, []Warning) {
	p := w.consumer("connector-consumer-"+who, connector, props)
	if !exactlyOnce {
		if _, set := p["isolation.level"]; !set {
			p["isolation.level"] = "read_committed"
		}
		return p, nil
	}
	return p, ensure(nil, p, "isolation.level", "read_committed",
		"for source connectors' offset consumers when exactly-once source support is enabled", false)
}

// TaskName returns the name of a task in client ids and log lines.
func TaskName(connector string, task int) string { return taskID(connector, task) }

func (w Worker) consumer(clientID, connector string, props map[string]string) map[string]string {
	p := map[string]string{
		"group.id":           SinkGroup(connector),
		"client.id":          clientID,
		"bootstrap.servers":  w.bootstrap(),
		"enable.auto.commit": "false",
		"auto.offset.reset":  "earliest",
		"key.deserializer":   "org.apache.kafka.common.serialization.ByteArrayDeserializer",
		"value.deserializer": "org.apache.kafka.common.serialization.ByteArrayDeserializer",
	}
	prefixed(p, w.Props, ConsumerPrefix)
	prefixed(p, props, ConsumerOverride)
	return p
}

// TaskAdmin returns the properties of a source task's admin client.
func (w Worker) TaskAdmin(connector string, task int, props map[string]string) map[string]string {
	return w.admin("connector-adminclient-"+taskID(connector, task), props)
}

// ConnectorAdmin returns the properties of a source connector's admin client.
func (w Worker) ConnectorAdmin(connector string, props map[string]string) map[string]string {
	return w.admin("connector-adminclient-"+connector, props)
}

// WorkerAdmin returns the properties of the admin client with which the worker
// acts for a connector: it reads and alters sinks' offsets and fences
// producers.
func (w Worker) WorkerAdmin(connector string, props map[string]string) map[string]string {
	return w.admin("connector-worker-adminclient-"+connector, props)
}

// DLQAdmin returns the properties of the admin client that makes a dead letter
// topic.
func (w Worker) DLQAdmin(props map[string]string) map[string]string {
	return w.admin("connector-dlq-adminclient-", props)
}

func (w Worker) admin(clientID string, props map[string]string) map[string]string {
	p := w.bare(Admin)
	if _, set := p["client.id"]; !set {
		p["client.id"] = clientID
	}
	prefixed(p, w.Props, AdminPrefix)
	prefixed(p, props, AdminOverride)
	return p
}

// The worker's own topics; see Internal.
const (
	ConfigsClient  = "configs"
	OffsetsClient  = "offsets"
	StatusesClient = "statuses"
)

// SharedAdmin returns the properties of the admin client of the worker's own
// topics. As Internal, it gets the worker's settings without a prefix.
func (w Worker) SharedAdmin() map[string]string {
	p := w.bare(Admin)
	p["client.id"] = w.ClientIDBase() + "shared-admin"
	return p
}

// Internal returns the properties of a client of the worker's own topics, read
// as kind Internal. Such clients get the worker's settings without a prefix.
// With exactly-once support, topics are read committed.
func (w Worker) Internal(what string, exactlyOnce bool) (map[string]string, []Warning) {
	p := w.bare(Internal)
	p["client.id"] = w.ClientIDBase() + what
	p["delivery.timeout.ms"] = strconv.Itoa(math.MaxInt32)
	// Status and offset writes are never idempotent in Java. Config writes are,
	// by default; none needs it, as every value stands for itself.
	p["enable.idempotence"] = "false"
	if _, set := p["acks"]; !set {
		p["acks"] = "all"
	}
	if !exactlyOnce || (what != ConfigsClient && what != OffsetsClient) {
		return p, nil
	}
	why := "for the worker's config topic consumer when exactly-once source support is enabled"
	if what == OffsetsClient {
		why = "for the worker offsets topic consumer when exactly-once source support is enabled"
	}
	return p, ensure(nil, p, "isolation.level", "read_committed", why, what == ConfigsClient)
}

// Leader returns the properties of the producer with which the leader of a
// cluster with exactly-once support writes to the config topic.
func (w Worker) Leader() (map[string]string, []Warning) {
	p := w.bare(Producer)
	p["delivery.timeout.ms"] = strconv.Itoa(math.MaxInt32)
	p["client.id"] = w.ClientIDBase() + ConfigsClient + "-leader"
	p["acks"] = "all"
	p["max.in.flight.requests.per.connection"] = "5"
	const why = "for the worker's config topic producer when exactly-once source support is enabled or in preparation to be enabled"
	warn := ensure(nil, p, "enable.idempotence", "true", why, false)
	return p, ensure(warn, p, "transactional.id", LeaderTransactionalID(w.GroupID), why, true)
}

// ClientIDBase returns what the ids of the worker's own clients begin with.
func (w Worker) ClientIDBase() string {
	base := w.GroupID
	if base == "" {
		base = "connect"
	}
	if strings.TrimSpace(w.ClientID) != "" {
		base += "-" + w.ClientID
	}
	return base + "-"
}

func (w Worker) bootstrap() string {
	if b, set := w.Props["bootstrap.servers"]; set {
		return b
	}
	return "localhost:9092"
}

// bare returns the worker's settings without a prefix that a kind of client
// knows. Java passes all of them on; its clients ignore the rest.
func (w Worker) bare(kind Kind) map[string]string {
	p := map[string]string{"bootstrap.servers": w.bootstrap()}
	known := knownKeys(kind)
	for k, v := range w.Props {
		if l, listed := without[k]; known[k] || listed && l.kinds&kind != 0 {
			p[k] = v
		}
	}
	// These mean something else to the worker itself: its own group's member
	// and its own converters.
	for _, k := range []string{"group.id", "session.timeout.ms", "heartbeat.interval.ms", "group.instance.id", "config.providers", "metric.reporters", "metrics.num.samples", "metrics.recording.level", "metrics.sample.window.ms"} {
		delete(p, k)
	}
	return p
}

// prefixed copies the settings with a prefix, without it.
func prefixed(into, from map[string]string, prefix string) {
	for k, v := range from {
		if name, ok := strings.CutPrefix(k, prefix); ok && name != "" {
			into[name] = v
		}
	}
}

// ensure sets a property whatever the user wants, with Java's warning when the
// user wants something else.
func ensure(warn []Warning, p map[string]string, key, want, why string, caseMatters bool) []Warning {
	v, set := p[key]
	if set && (v == want || !caseMatters && strings.EqualFold(v, want)) {
		return warn
	}
	p[key] = want
	if !set {
		return warn
	}
	return append(warn, Warning(fmt.Sprintf("The value '%s' for the '%s' property will be ignored as it cannot be overridden %s. The value '%s' will be used instead.",
		v, key, why, want)))
}

// knownKeys returns the settings that a kind of client parses.
func knownKeys(kind Kind) map[string]bool {
	s := Settings{kind: kind}
	_ = s.parse(map[string]string{"bootstrap.servers": "localhost:1"}) // defaults are valid; known is all that is wanted
	return maps.Clone(s.known)
}
