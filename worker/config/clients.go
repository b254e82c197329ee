package config

import (
	"fmt"
	"maps"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Internal returns the settings of the worker's own clients, those of the group
// and the three internal topics: all that has no prefix.
func (w *Worker) Internal() connect.Props {
	p := connect.Props{}
	for k, v := range w.Props {
		if !strings.HasPrefix(k, "admin.") && !strings.HasPrefix(k, "producer.") && !strings.HasPrefix(k, "consumer.") {
			p[k] = v
		}
	}
	p["bootstrap.servers"] = w.bootstrap()
	return p
}

func (w *Worker) bootstrap() string { return strings.Join(w.BootstrapServers, ",") }

// ProducerProps returns the settings of a producer of a connector, as Java's
// worker puts them together: its own, then those under producer. of the worker,
// then those under producer.override. of the connector.
func (w *Worker) ProducerProps(clientID string, connector connect.Props) (connect.Props, error) {
	return w.client(Producer, connector, connect.Props{
		"bootstrap.servers": w.bootstrap(), "client.id": clientID,
		"key.serializer":   "org.apache.kafka.common.serialization.ByteArraySerializer",
		"value.serializer": "org.apache.kafka.common.serialization.ByteArraySerializer",
		// never give a record up
		"max.block.ms": "9223372036854775807", "delivery.timeout.ms": "2147483647", "acks": "all",
		// old brokers and missing ACLs
		"enable.idempotence": "false", "max.in.flight.requests.per.connection": "1",
	})
}

// ExactlyOnceProps returns the settings of a producer of a source task that
// writes in transactions, and what of the user's wishes it had to overrule.
func (w *Worker) ExactlyOnceProps(clientID, name string, task int, connector connect.Props) (p connect.Props, overruled []string, err error) {
	if p, err = w.ProducerProps(clientID, connector); err != nil {
		return nil, nil, err
	}
	for _, k := range []string{"enable.idempotence", "transactional.id"} {
		want := "true"
		if k == "transactional.id" {
			want = w.TaskTransactionalID(name, task)
		}
		_, byWorker := w.Props["producer."+k]
		_, byConnector := connector["producer.override."+k]
		if (byWorker || byConnector) && p[k] != want {
			overruled = append(overruled, fmt.Sprintf("%s=%s (it must be %s for connectors when exactly-once source support is enabled)", k, p[k], want))
		}
		p[k] = want
	}
	return p, overruled, nil
}

// TaskTransactionalID is the transactional id of a source task.
func (w *Worker) TaskTransactionalID(name string, task int) string {
	return fmt.Sprintf("%s-%s-%d", w.GroupID, name, task)
}

// ConsumerProps returns the settings of a consumer of a connector, put together
// as ProducerProps does under consumer.
func (w *Worker) ConsumerProps(clientID, name string, connector connect.Props) (connect.Props, error) {
	return w.client(Consumer, connector, connect.Props{
		"bootstrap.servers": w.bootstrap(), "client.id": clientID, "group.id": "connect-" + name,
		"enable.auto.commit": "false", "auto.offset.reset": "earliest",
		"key.deserializer":   "org.apache.kafka.common.serialization.ByteArrayDeserializer",
		"value.deserializer": "org.apache.kafka.common.serialization.ByteArrayDeserializer",
	})
}

// AdminProps returns the settings of an admin client of a connector: the
// worker's own, then those under admin., then the connector's overrides.
func (w *Worker) AdminProps(clientID string, connector connect.Props) (connect.Props, error) {
	p := connect.Props{"client.id": clientID}
	maps.Copy(p, w.Internal())
	return w.client(Admin, connector, p)
}

func (w *Worker) client(kind ClientKind, connector, own connect.Props) (connect.Props, error) {
	maps.Copy(own, w.Props.WithPrefix(string(kind)+"."))
	overrides := connector.WithPrefix(string(kind) + ".override.")
	policy, err := w.Policy()
	if err != nil {
		return nil, err
	}
	if err := policy.Check(overrides); err != nil {
		return nil, err
	}
	maps.Copy(own, overrides)
	return own, nil
}
