package services

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

var _ = register(kafkaService)

// KafkaLib is the folder of the jars of Apache Kafka 4.3.1.
func KafkaLib() string {
	if dir := os.Getenv("KAFKA_LIB"); dir != "" {
		return dir
	}
	return filepath.Join(Cache(), "kafka-4.3.1")
}

var kafkaService = Service{
	Name:    "Apache Kafka 4.3.1",
	Env:     "KAFKA_BOOTSTRAP",
	Missing: kafkaMissing,
	Install: "(command -v mvn || apt-get install -y maven) && mvn -q -f test/services/files/kafka-pom.xml dependency:copy-dependencies -DoutputDirectory=" + KafkaLib(),
	Start: func(ctx context.Context, dir string) (string, *Process, error) {
		b, err := StartKafka(ctx, dir, 0)
		if err != nil {
			return "", nil, err
		}
		return b.Bootstrap(), b.Process, nil
	},
}

func kafkaMissing() string {
	if m := have("java"); m != "" {
		return m
	}
	if jars, _ := filepath.Glob(filepath.Join(KafkaLib(), "kafka_2.13-*.jar")); len(jars) == 0 {
		return "the jars of Apache Kafka are not in " + KafkaLib()
	}
	return ""
}

// A Broker is a one-node Apache Kafka cluster.
type Broker struct {
	*Process
	Dir string
}

// Bootstrap returns host:port.
func (b *Broker) Bootstrap() string { return fmt.Sprintf("127.0.0.1:%d", b.Port) }

// classpath lists the jars, but for the second logging backend.
func classpath() string {
	jars, _ := filepath.Glob(filepath.Join(KafkaLib(), "*.jar"))
	var keep []string
	for _, j := range jars {
		if !strings.Contains(j, "log4j-slf4j-impl") {
			keep = append(keep, j)
		}
	}
	return strings.Join(keep, ":")
}

// StartKafka starts a broker with its data in dir, on a given port or, with 0,
// on a free one. A dir that a broker has used before goes on from there. Further
// settings are lines of server.properties, which go before those below.
func StartKafka(ctx context.Context, dir string, port int, settings ...string) (*Broker, error) {
	if m := kafkaMissing(); m != "" {
		return nil, errors.New(m)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	ports, err := FreePorts(2)
	if err != nil {
		return nil, err
	}
	if port == 0 {
		port = ports[0]
	}
	properties := filepath.Join(dir, "server.properties")
	err = os.WriteFile(properties, fmt.Appendf(nil, `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:%[2]d
listeners=PLAINTEXT://127.0.0.1:%[1]d,CONTROLLER://127.0.0.1:%[2]d
advertised.listeners=PLAINTEXT://127.0.0.1:%[1]d
controller.listener.names=CONTROLLER
log.dirs=%[3]s/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=5
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=3
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
%[4]s
`, port, ports[1], dir, strings.Join(settings, "\n")), 0o644)
	if err != nil {
		return nil, err
	}
	quiet := "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
	if _, err := os.Stat(filepath.Join(dir, "data")); err != nil {
		if err := output(ctx, dir, "java", "-XX:TieredStopAtLevel=1", "-cp", classpath(), quiet, "kafka.tools.StorageTool", "format", "-t", "4L6g3nShT-eMCtK--X86sw", "-c", properties); err != nil {
			return nil, err
		}
	}
	p, err := start(ctx, port, dir, nil, "java", "-Xmx1g", "-Xms256m", "-cp", classpath(), quiet, "kafka.Kafka", properties)
	if err != nil {
		return nil, err
	}
	return &Broker{p, dir}, nil
}
