package worker

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// TestConstructed holds traces of tasks whose clients Java 4.3.1 could not make.
func TestConstructed(t *testing.T) {
	for _, tt := range []struct {
		client string
		err    error
		want   string
	}{
		{"producer", connect.ConfigErrorf("Invalid url in bootstrap.servers: nohost"), "org.apache.kafka.common.KafkaException: Failed to construct kafka producer\n" +
			"Caused by: org.apache.kafka.common.config.ConfigException: Invalid url in bootstrap.servers: nohost\n"},
		{
			"producer", connect.ConfigErrorf("Invalid value x for configuration linger.ms: Not a number of type LONG"),
			"org.apache.kafka.common.config.ConfigException: Invalid value x for configuration linger.ms: Not a number of type LONG\n",
		},
		{
			"consumer", connect.Errorf(illegalArgument, "Heartbeat must be set lower than the session timeout"),
			"org.apache.kafka.common.KafkaException: Failed to construct kafka consumer\nCaused by: java.lang.IllegalArgumentException: Heartbeat must be set lower than the session timeout\n",
		},
		{
			"consumer", connect.Errorf("org.apache.kafka.common.errors.InvalidConfigurationException", "No matching CERTIFICATE entries in PEM file"),
			"org.apache.kafka.common.KafkaException: Failed to construct kafka consumer\nCaused by: org.apache.kafka.common.KafkaException: Failed to create new NetworkClient\n" +
				"Caused by: org.apache.kafka.common.errors.InvalidConfigurationException: No matching CERTIFICATE entries in PEM file\n",
		},
		{"producer", connect.Failf("Failed to initialize the transactional producer"), "org.apache.kafka.connect.errors.ConnectException: Failed to initialize the transactional producer\n"},
	} {
		if got := connect.Trace(constructed(tt.client, tt.err)); got != tt.want {
			t.Errorf("got\n%swant\n%s", got, tt.want)
		}
	}
}

func TestReasons(t *testing.T) {
	err := constructed("consumer", connect.ConfigErrorf("Invalid url in bootstrap.servers: nohost"))
	if got, want := reasons(err), "Failed to construct kafka consumer: Invalid url in bootstrap.servers: nohost"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if got, want := reasons(connect.Failf("a: %w", connect.DataErrorf("b"))), "a: b"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}
