package config

import (
	"errors"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A ClientKind is one of the three Kafka clients that a connector may have.
type ClientKind string

// The kinds of clients; the text is the prefix of their settings in a worker's
// properties, without the dot.
const (
	Producer ClientKind = "producer"
	Consumer ClientKind = "consumer"
	Admin    ClientKind = "admin"
)

var clientSettings = map[ClientKind][]setting{
	Producer: {
		{"bootstrap.servers", "LIST", required, high, "Brokers to begin with, host:port.", connect.NonEmptyListOf()},
		{"buffer.memory", "LONG", "33554432", high, "Memory for records not yet sent, in bytes.", notNegative},
		{"retries", "INT", "2147483647", high, "Tries after the first before a record is given up.", connect.Between(0, maxInt)},
		{"acks", "STRING", "all", low, "Acknowledgements to wait for.", connect.OneOf("all", "-1", "0", "1")},
		{"compression.type", "STRING", "none", high, "Compression of batches.", connect.OneOf("none", "gzip", "snappy", "lz4", "zstd")},
		{"compression.gzip.level", "INT", "-1", medium, "Level for gzip; -1: gzip's own default.", gzipLevel},
		{"compression.lz4.level", "INT", "9", medium, "Level for lz4.", connect.Between(1, 17)},
		{"compression.zstd.level", "INT", "3", medium, "Level for zstd.", connect.Between(-131072, 22)},
		{"batch.size", "INT", "16384", medium, "Size of a batch, in bytes.", notNegativeInt},
		{"partitioner.adaptive.partitioning.enable", "BOOLEAN", "true", low, "Whether records without key avoid slow brokers.", nil},
		{"partitioner.availability.timeout.ms", "LONG", "0", low, "Time after which a partition counts as unavailable, in milliseconds; 0: never.", notNegative},
		{"partitioner.ignore.keys", "BOOLEAN", "false", medium, "Whether keys have no say in the choice of partition.", nil},
		{"linger.ms", "LONG", "5", medium, "Time to wait for more records of a batch, in milliseconds.", notNegative},
		{"delivery.timeout.ms", "INT", "120000", medium, "Time after which a record is given up, in milliseconds.", notNegativeInt},
		{"client.id", "STRING", "", medium, "Name of the client in the brokers' logs.", nil},
		{"receive.buffer.bytes", "INT", "32768", medium, "Size of the TCP receive buffer; -1: the system's.", minusOneOrMore},
		{"max.request.size", "INT", "1048576", medium, "Largest request, in bytes.", notNegativeInt},
		{"max.block.ms", "LONG", "60000", medium, "Time to wait for metadata or memory, in milliseconds.", notNegative},
		{"metadata.max.idle.ms", "LONG", "300000", low, "Time after which an unused topic is forgotten, in milliseconds.", connect.AtLeast[int64](5000)},
		{"max.in.flight.requests.per.connection", "INT", "5", low, "Requests under way to one broker.", connect.AtLeast(1)},
		{"key.serializer", "CLASS", required, high, "Java class; records are bytes here.", nil},
		{"value.serializer", "CLASS", required, high, "Java class; records are bytes here.", nil},
		{"connections.max.idle.ms", "LONG", "540000", medium, "Time after which an idle connection is closed, in milliseconds.", nil},
		{"partitioner.class", "CLASS", none, medium, "Java class that chooses partitions.", nil},
		{"interceptor.classes", "LIST", "", low, "Java classes that see records before they are sent.", anyList},
		{"enable.idempotence", "BOOLEAN", "true", low, "Whether the brokers drop what is sent twice.", nil},
		{"transaction.timeout.ms", "INT", "60000", low, "Longest life of a transaction, in milliseconds.", nil},
		{"transactional.id", "STRING", none, low, "Name under which transactions are fenced.", connect.NonEmpty()},
		{"transaction.two.phase.commit.enable", "BOOLEAN", "false", low, "Whether transactions are ended by another party.", nil},
		{"enable.metrics.push", "BOOLEAN", "true", low, "Whether the brokers may ask for the client's metrics.", nil},
	},
	Consumer: {
		{"bootstrap.servers", "LIST", required, high, "Brokers to begin with, host:port.", connect.NonEmptyListOf()},
		{"group.id", "STRING", none, high, "Name of the consumer group.", nil},
		{"group.instance.id", "STRING", none, medium, "Name of a static member of the group.", connect.NonEmpty()},
		{"session.timeout.ms", "INT", "45000", high, "Time after which a silent member is lost, in milliseconds.", nil},
		{"heartbeat.interval.ms", "INT", "3000", high, "Time between two heartbeats, in milliseconds.", nil},
		{
			"partition.assignment.strategy", "LIST", "class org.apache.kafka.clients.consumer.RangeAssignor,class org.apache.kafka.clients.consumer.CooperativeStickyAssignor", medium,
			"How partitions are divided, best first.", anyList,
		},
		{"enable.auto.commit", "BOOLEAN", "true", medium, "Whether the client commits by itself; a worker's consumers never do.", nil},
		{"auto.commit.interval.ms", "INT", "5000", low, "Time between two commits of the client's own, in milliseconds.", notNegativeInt},
		{"client.id", "STRING", "", low, "Name of the client in the brokers' logs.", nil},
		{"client.rack", "STRING", "", low, "Rack of the client, to read from the nearest replica.", nil},
		{"max.partition.fetch.bytes", "INT", "1048576", high, "Most to fetch of one partition, in bytes.", notNegativeInt},
		{"receive.buffer.bytes", "INT", "65536", medium, "Size of the TCP receive buffer; -1: the system's.", minusOneOrMore},
		{"fetch.min.bytes", "INT", "1", high, "Bytes that a broker waits for before it answers.", notNegativeInt},
		{"fetch.max.bytes", "INT", "52428800", medium, "Most to fetch at once, in bytes.", notNegativeInt},
		{"fetch.max.wait.ms", "INT", "500", low, "Longest time a broker waits before it answers, in milliseconds.", notNegativeInt},
		{"auto.offset.reset", "STRING", "latest", medium, "Where to begin without a committed offset.", offsetReset},
		{"check.crcs", "BOOLEAN", "true", low, "Whether checksums are checked.", nil},
		{"key.deserializer", "CLASS", required, high, "Java class; records are bytes here.", nil},
		{"value.deserializer", "CLASS", required, high, "Java class; records are bytes here.", nil},
		{"default.api.timeout.ms", "INT", "60000", medium, "Time allowed to a call, in milliseconds.", notNegativeInt},
		{"max.poll.records", "INT", "500", medium, "Most records of one batch.", connect.AtLeast(1)},
		{"max.poll.interval.ms", "INT", "300000", medium, "Longest time between two polls, in milliseconds.", connect.AtLeast(1)},
		{"connections.max.idle.ms", "LONG", "540000", medium, "Time after which an idle connection is closed, in milliseconds.", nil},
		{"interceptor.classes", "LIST", "", low, "Java classes that see records after they are read.", anyList},
		{"exclude.internal.topics", "BOOLEAN", "true", medium, "Whether patterns of topics leave out internal ones.", nil},
		{"internal.throw.on.fetch.stable.offset.unsupported", "BOOLEAN", "false", low, "Java's own.", nil},
		{"isolation.level", "STRING", "read_uncommitted", medium, "Whether records of open or aborted transactions are read.", connect.OneOf("read_committed", "read_uncommitted")},
		{"allow.auto.create.topics", "BOOLEAN", "true", medium, "Whether reading may create a topic.", nil},
		{"group.protocol", "STRING", "classic", high, "Group protocol: classic or consumer.", connect.OneOfFold("consumer", "classic")},
		{"group.remote.assignor", "STRING", none, medium, "Assignor of the broker to use.", nil},
		{"share.acknowledgement.mode", "STRING", "implicit", medium, "Java's own.", nil},
		{"share.acquire.mode", "STRING", "BATCH_OPTIMIZED", medium, "Java's own.", nil},
		{"enable.metrics.push", "BOOLEAN", "true", low, "Whether the brokers may ask for the client's metrics.", nil},
	},
	Admin: {
		{"bootstrap.servers", "LIST", "", high, "Brokers to begin with, host:port.", anyList},
		{"bootstrap.controllers", "LIST", "", high, "Controllers to begin with, host:port.", anyList},
		{"client.id", "STRING", "", medium, "Name of the client in the brokers' logs.", nil},
		{"receive.buffer.bytes", "INT", "65536", medium, "Size of the TCP receive buffer; -1: the system's.", minusOneOrMore},
		{"connections.max.idle.ms", "LONG", "300000", medium, "Time after which an idle connection is closed, in milliseconds.", nil},
		{"retries", "INT", "2147483647", low, "Tries after the first before a call fails.", connect.Between(0, maxInt)},
		{"default.api.timeout.ms", "INT", "60000", medium, "Time allowed to a call, in milliseconds.", notNegativeInt},
		{"enable.metrics.push", "BOOLEAN", "false", low, "Whether the brokers may ask for the client's metrics.", nil},
	},
}

// everyClient are the settings of all three kinds whose definition differs
// from, or is not among, those of the worker.
var everyClient = []setting{
	{"request.timeout.ms", "INT", "30000", medium, "Time allowed to a request, in milliseconds.", notNegativeInt},
	{"socket.connection.setup.timeout.ms", "LONG", "10000", medium, "First time allowed to connect, in milliseconds.", nil},
	{"socket.connection.setup.timeout.max.ms", "LONG", "30000", medium, "Longest time allowed to connect, in milliseconds.", nil},
	{"security.providers", "STRING", none, low, "Java security providers; without meaning here.", nil},
	{"config.providers", "LIST", "", low, "Names of config providers; a worker's are used.", anyList},
	{"metrics.recording.level", "STRING", "INFO", low, "Finest level of metrics.", connect.OneOf("INFO", "DEBUG", "TRACE")},
}

var gzipLevel = connect.Check[int]{Text: "[1,...,9] or -1", Valid: func(v int) error {
	if v != -1 && (v < 1 || v > 9) {
		return errors.New("Value must be between 1 and 9 or equal to -1")
	}
	return nil
}}

// ClientDef returns the definition of all settings of a kind of client, as
// Java's clients have it.
func ClientDef(kind ClientKind) *connect.ConfigDef {
	var d connect.ConfigDef
	for _, table := range [][]setting{clientSettings[kind], everyClient, networkSettings, metricsSettings, tlsSettings, saslSettings} {
		for _, s := range table {
			if !d.Has(s.name) {
				s.define(&d)
			}
		}
	}
	return &d
}

// offsetReset accepts by_duration too, whose duration the client reads.
var offsetReset = connect.Check[string]{Text: "[latest, earliest, none, by_duration:PnDTnHnMn.nS]", Valid: func(v string) error {
	switch low := strings.ToLower(v); {
	case low == "earliest", low == "latest", low == "none", strings.HasPrefix(low, "by_duration:p"):
		return nil
	}
	return connect.PropertyError("Invalid value `" + v + "` for configuration {name}. The value must be either 'earliest', 'latest', 'none' " +
		"or of the format 'by_duration:<PnDTnHnMn.nS.>'.")
}}
