package kafka

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// with makes properties from pairs.
func with(pairs ...string) map[string]string {
	p := map[string]string{"bootstrap.servers": "localhost:9092"}
	for i := 0; i < len(pairs); i += 2 {
		p[pairs[i]] = pairs[i+1]
	}
	return p
}

const plainJAAS = `org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="hunter2";`

// Messages were printed by Kafka 4.3.1's KafkaProducer and KafkaConsumer.
func TestInvalidValues(t *testing.T) {
	for _, c := range []struct {
		kind  Kind
		props map[string]string
		want  string
	}{
		{Producer, with("linger.ms", "x"), "Invalid value x for configuration linger.ms: Not a number of type LONG"},
		{Producer, with("linger.ms", "-1"), "Invalid value -1 for configuration linger.ms: Value must be at least 0"},
		{Producer, with("acks", "2"), "Invalid value 2 for configuration acks: String must be one of: all, -1, 0, 1"},
		{Producer, with("acks", "1", "enable.idempotence", "true"), "Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee idempotence."},
		{Producer, with("acks", "1", "transactional.id", "x"), "Cannot set a transactional.id without also enabling idempotence."},
		{Producer, with("enable.idempotence", "false", "transactional.id", "x"), "Cannot set a transactional.id without also enabling idempotence."},
		{Producer, with("transactional.id", ""), "Invalid value  for configuration transactional.id: String must be non-empty"},
		{Producer, with("max.in.flight.requests.per.connection", "6"), "To use the idempotent producer, max.in.flight.requests.per.connection must be set to at most 5. Current value is 6."},
		{Producer, with("retries", "0", "enable.idempotence", "true"), "Must set retries to non-zero when using the idempotent producer."},
		{Producer, with("delivery.timeout.ms", "1000"), "delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms"},
		{Producer, with("compression.type", "brotli"), "Invalid value brotli for configuration compression.type: String must be one of: none, gzip, snappy, lz4, zstd"},
		{Producer, with("compression.gzip.level", "0"), "Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1"},
		{Producer, with("compression.lz4.level", "18"), "Invalid value 18 for configuration compression.lz4.level: Value must be no more than 17"},
		{Producer, with("security.protocol", "X"), "Invalid value X for configuration security.protocol: String must be one of (case insensitive): SASL_SSL, PLAINTEXT, SSL, SASL_PLAINTEXT"},
		{Producer, with("partitioner.class", "a.B"), "Invalid value a.B for configuration partitioner.class: Class a.B could not be found."},
		{Producer, with("enable.idempotence", "maybe"), "Invalid value maybe for configuration enable.idempotence: Expected value to be either true or false"},
		{Producer, with("buffer.memory", "1e3"), "Invalid value 1e3 for configuration buffer.memory: Not a number of type LONG"},
		{Producer, with("batch.size", "3000000000"), "Invalid value 3000000000 for configuration batch.size: Not a number of type INT"},
		{Producer, with("bootstrap.servers", "foo"), "Invalid url in bootstrap.servers: foo"},
		{Producer, with("bootstrap.servers", "foo:99999"), "Invalid port in bootstrap.servers: foo:99999"},
		{Producer, with("bootstrap.servers", ""), "Configuration 'bootstrap.servers' must not be empty. Valid values include: any non-empty value"},
		{Group, with("group.id", "g", "auto.offset.reset", "x"), "Invalid value x for configuration auto.offset.reset: Invalid value `x` for configuration auto.offset.reset. The value must be either 'earliest', 'latest', 'none' or of the format 'by_duration:<PnDTnHnMn.nS.>'."},
		{Group, with("group.id", "g", "isolation.level", "x"), "Invalid value x for configuration isolation.level: String must be one of: read_committed, read_uncommitted"},
		{Group, with("group.id", "g", "max.poll.records", "0"), "Invalid value 0 for configuration max.poll.records: Value must be at least 1"},
		{Group, with("group.id", "g", "session.timeout.ms", "1000"), "Heartbeat must be set lower than the session timeout"},
		{Group, with("group.id", "g", "group.instance.id", ""), "Invalid value  for configuration group.instance.id: String must be non-empty"},
		{Group, with("group.id", "g", "partition.assignment.strategy", "foo"), "foo ClassNotFoundException exception occurred"},
		{Group, with("group.id", "g", "group.protocol", "x"), "Invalid value x for configuration group.protocol: String must be one of (case insensitive): CONSUMER, CLASSIC"},
		{Group, with("group.id", "g", "group.remote.assignor", "range"), "group.remote.assignor cannot be set when group.protocol=CLASSIC"},
		{Group, with("group.id", "g", "group.protocol", "Consumer", "session.timeout.ms", "9000", "heartbeat.interval.ms", "1"), "heartbeat.interval.ms, session.timeout.ms cannot be set when group.protocol=CONSUMER"},
		{Group, with("group.id", "g", "group.protocol", "consumer", "group.remote.assignor", "own"), "Invalid value own for configuration group.remote.assignor: this client has the brokers' assignors uniform and range; take out the property for the broker's default"},
		{Group, with(), "The configured group.id should not be an empty string or whitespace."},
		{Admin, with("security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "PLAIN", "sasl.jaas.config", strings.TrimSuffix(plainJAAS, ";")), "JAAS config entry not terminated by semi-colon"},
		{Admin, with("security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "PLAIN", "sasl.jaas.config", "a.PlainLoginModule requiredx x=\"hunter2\";"), "Invalid login module control flag 'requiredx' in JAAS config"},
		{Admin, with("security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "PLAIN", "sasl.jaas.config", `a.PlainLoginModule required username="u" password;`), "Value not specified for key 'password' in JAAS config"},
		{Admin, with("security.protocol", "SSL", "ssl.truststore.type", "PEM", "ssl.truststore.certificates", "junk"), "No matching CERTIFICATE entries in PEM file"},
		{Admin, with("security.protocol", "SSL", "ssl.keystore.type", "PEM", "ssl.keystore.key", "hunter2"), "SSL private key is specified, but certificate chain is not specified."},
		{Admin, with("security.protocol", "SSL", "ssl.keystore.location", "/x"), "SSL key store is specified, but key store password is not specified."},
		{Admin, with("security.protocol", "SSL", "ssl.truststore.certificates", "x"), "SSL trust store certs can be specified only for PEM, but trust store type is JKS."},
	} {
		_, _, err := Options(c.props, c.kind, nil)
		if err == nil || err.Error() != c.want {
			t.Errorf("%v:\n got %v\nwant %s", c.props, err, c.want)
		}
	}
}

// Every set of options is one that kgo takes, also at Java's extremes.
func TestOptionsMakeClients(t *testing.T) {
	for _, c := range []struct {
		kind  Kind
		props map[string]string
	}{
		{Producer, with()},
		{Producer, with("acks", "1")},
		{Producer, with("acks", "0", "retries", "0", "compression.type", "zstd", "compression.zstd.level", "-5")},
		{Producer, with("enable.idempotence", "false", "max.in.flight.requests.per.connection", "7", "linger.ms", "90000", "delivery.timeout.ms", "2147483647")},
		{Producer, with("transactional.id", "t", "transaction.timeout.ms", "1000", "compression.type", "lz4", "compression.lz4.level", "17")},
		{Producer, with("request.timeout.ms", "0", "linger.ms", "0", "delivery.timeout.ms", "0", "max.request.size", "0", "buffer.memory", "0", "batch.size", "0")},
		{Producer, with("max.request.size", "2147483647", "buffer.memory", "9223372036854775807", "metadata.max.age.ms", "9223372036854775807", "connections.max.idle.ms", "-1")},
		{Producer, with("partitioner.class", roundRobinPartitioner, "metadata.max.age.ms", "0", "retry.backoff.ms", "0", "socket.connection.setup.timeout.ms", "0")},
		{Producer, Worker{Props: with(), GroupID: "g"}.SourceProducer("c", 0, nil)},
		{Consumer, with("auto.offset.reset", "by_duration:P1DT2H", "fetch.max.bytes", "2147483647", "max.partition.fetch.bytes", "0")},
		{Group, with("group.id", "g", "group.instance.id", "i", "isolation.level", "read_committed", "fetch.max.wait.ms", "0", "max.poll.interval.ms", "1")},
		{Group, with("group.id", "g", "auto.offset.reset", "none", "partition.assignment.strategy", stickyAssignor+","+roundRobinAssignor)},
		{Group, with("group.id", "g", "group.protocol", "consumer", "group.remote.assignor", "range")},
		{Internal, with("request.timeout.ms", "5000")},
		{Admin, with("security.protocol", "sasl_ssl", "sasl.mechanism", "SCRAM-SHA-512", "ssl.endpoint.identification.algorithm", "", "sasl.jaas.config", strings.Replace(plainJAAS, "plain.Plain", "scram.Scram", 1))},
	} {
		opts, _, err := Options(c.props, c.kind, nil)
		if err != nil {
			t.Errorf("%v: %v", c.props, err)
			continue
		}
		cl, err := kgo.NewClient(opts...)
		if err != nil {
			t.Errorf("%v: %v", c.props, err)
			continue
		}
		cl.Close()
	}
}

func TestUnsupportedIsNamed(t *testing.T) {
	_, got, err := Options(with("interceptor.classes", "x.Y", "lingr.ms", "5", "batch.size", "1000", "group.id", "g",
		"metric.reporters", "org.apache.kafka.common.metrics.JmxReporter", "metrics.context.a", "b", "linger.ms", "90000"), Producer, nil)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, u := range got {
		if u.Reason == "" {
			t.Errorf("%s has no reason", u.Key)
		}
		keys = append(keys, u.Key)
	}
	if s := strings.Join(keys, " "); s != "batch.size group.id interceptor.classes linger.ms lingr.ms" {
		t.Errorf("reported %s", s)
	}
}

// TestLongClientID: Java takes client ids of any length, franz-go does not; a
// connector with a long name has clients all the same.
func TestLongClientID(t *testing.T) {
	opts, _, err := Options(with("bootstrap.servers", "b:1", "client.id", "connector-producer-"+strings.Repeat("n", 300)), Producer, nil)
	if err != nil {
		t.Fatal(err)
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	cl.Close()
}
