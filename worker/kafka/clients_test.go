package kafka

import (
	"strings"
	"testing"
)

func TestClientsOfConnectors(t *testing.T) {
	w := Worker{GroupID: "g", Props: map[string]string{
		"bootstrap.servers": "b:1", "group.id": "g", "security.protocol": "PLAINTEXT", "key.converter": "x",
		"producer.linger.ms": "7", "producer.acks": "1", "consumer.max.poll.records": "9", "admin.retries": "3", "admin.client.id": "mine",
	}}
	conn := map[string]string{"producer.override.acks": "all", "consumer.override.group.id": "own", "admin.override.retries": "4", "topics": "t"}
	check := func(p map[string]string, want ...string) {
		t.Helper()
		for i := 0; i < len(want); i += 2 {
			if p[want[i]] != want[i+1] {
				t.Errorf("%s is %q, want %q", want[i], p[want[i]], want[i+1])
			}
		}
	}
	check(w.SourceProducer("c", 3, conn), "client.id", "connector-producer-c-3", "linger.ms", "7", "acks", "all", "max.block.ms", "9223372036854775807",
		"delivery.timeout.ms", "2147483647", "enable.idempotence", "false", "max.in.flight.requests.per.connection", "1", "security.protocol", "", "topics", "")
	check(w.DLQProducer("c", 3, nil), "client.id", "connector-dlq-producer-c-3", "acks", "1")
	check(w.SinkConsumer("c", 0, nil), "client.id", "connector-consumer-c-0", "group.id", "connect-c", "auto.offset.reset", "earliest", "max.poll.records", "9", "enable.auto.commit", "false")
	if g := w.SinkGroupID("c", conn); g != "own" {
		t.Errorf("group %s", g)
	}
	check(w.TaskAdmin("c", 0, conn), "client.id", "mine", "retries", "4", "security.protocol", "PLAINTEXT", "key.converter", "", "group.id", "")
	check(Worker{Props: with()}.WorkerAdmin("c", nil), "client.id", "connector-worker-adminclient-c")
	check(Worker{Props: with("admin.retries", "4"), GroupID: "g"}.SharedAdmin(), "client.id", "g-shared-admin", "retries", "")
	p, warn := w.ExactlyOnceProducer("c", 1, conn)
	check(p, "enable.idempotence", "true", "transactional.id", "g-c-1")
	if len(warn) != 0 {
		t.Errorf("warnings %v", warn)
	}
	p, warn = w.ExactlyOnceProducer("c", 1, map[string]string{"producer.override.enable.idempotence": "false", "producer.override.transactional.id": "mine"})
	check(p, "enable.idempotence", "true", "transactional.id", "g-c-1")
	if want := "The value 'mine' for the 'transactional.id' property will be ignored as it cannot be overridden for connectors when exactly-once source support is enabled. The value 'g-c-1' will be used instead."; len(warn) != 2 || string(warn[1]) != want {
		t.Errorf("warnings %v", warn)
	}
	p, _ = w.OffsetsConsumer("c", "c", nil, false)
	check(p, "client.id", "connector-consumer-c", "isolation.level", "read_committed")
	p, warn = w.OffsetsConsumer("c", TaskName("c", 0), map[string]string{"consumer.override.isolation.level": "read_uncommitted"}, true)
	check(p, "client.id", "connector-consumer-c-0", "isolation.level", "read_committed")
	if len(warn) != 1 {
		t.Errorf("warnings %v", warn)
	}
	w.ClientID = "id"
	p, _ = w.Internal(OffsetsClient, true)
	check(p, "client.id", "g-id-offsets", "isolation.level", "read_committed", "group.id", "", "linger.ms", "", "security.protocol", "PLAINTEXT")
	p, _ = w.Leader()
	check(p, "client.id", "g-id-configs-leader", "transactional.id", "connect-cluster-g", "acks", "all")
}

// What was typed as a secret is never part of an error.
func TestErrorsKeepSecrets(t *testing.T) {
	const secret = "hunter2"
	for _, p := range []map[string]string{
		with("sasl.jaas.config", secret),
		with("sasl.jaas.config", "a.PlainLoginModule "+secret),
		with("sasl.jaas.config", "a.PlainLoginModule password="+secret+";"),
		with("sasl.jaas.config", "a.PlainLoginModule required password="+secret),
		with("sasl.jaas.config", "a.PlainLoginModule required password="+secret+" x;"),
		with("sasl.jaas.config", "a.PlainLoginModule required password=\""+secret+"\" ;"),
		with("sasl.jaas.config", "a.PlainLoginModule required password=\""+secret+"\"; more"),
		with("ssl.truststore.location", "settings.go", "ssl.truststore.password", secret),
		with("ssl.keystore.location", "settings.go", "ssl.keystore.password", secret),
		with("ssl.keystore.type", "PEM", "ssl.keystore.key", secret, "ssl.keystore.certificate.chain", secret),
	} {
		p["security.protocol"], p["sasl.mechanism"] = "SASL_SSL", "PLAIN"
		_, _, err := Options(p, Admin, nil)
		if err == nil {
			t.Errorf("%v is taken", p)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%v shows the secret", err)
		}
	}
}
