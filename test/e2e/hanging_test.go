package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	workerkafka "github.com/millwright-connect/millwright/worker/kafka"
)

// TestHangingTransaction shows a fault of Kafka up to 4.3.1 at least
// (KAFKA-20734), without a worker, and how a worker mends what it leaves behind.
// A transaction is committed while one of its partitions has no leader: the
// coordinator counts it as committed at once, and never writes the marker. A
// reader of committed records sees nothing from there on, once the partition is
// back.
func TestHangingTransaction(t *testing.T) {
	t.Parallel()
	env(t, "KAFKA_BOOTSTRAP") // there is a Kafka to start
	brokers, _ := brokersWithProxies(t, 2, "default.replication.factor=1", "offsets.topic.replication.factor=1", "transaction.state.log.replication.factor=1",
		"broker.session.timeout.ms=5000")
	first, second := brokers[0], brokers[1]
	second.down()
	id, topic := unique("t"), unique("hanging")
	producer := func() *kgo.Client {
		cl, err := kgo.NewClient(kgo.SeedBrokers(first.at), kgo.TransactionalID(id), kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		must(t, err)
		t.Cleanup(cl.Close)
		return cl
	}
	p := producer()
	_, _, err := p.ProducerID(t.Context()) // makes the coordinator's topic, on the first broker
	must(t, err)
	second.up()
	create := kmsg.NewPtrCreateTopicsRequest()
	ct := kmsg.NewCreateTopicsRequestTopic()
	ct.Topic, ct.NumPartitions, ct.ReplicationFactor = topic, -1, -1
	for i := range int32(2) {
		a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
		a.Partition, a.Replicas = i, []int32{i + 1}
		ct.ReplicaAssignment = append(ct.ReplicaAssignment, a)
	}
	create.Topics = append(create.Topics, ct)
	until(t, "the topic is made", func() string {
		resp, err := create.RequestWith(t.Context(), p)
		if err != nil {
			return err.Error()
		}
		if c := resp.Topics[0].ErrorCode; c != 0 && c != 36 {
			return fmt.Sprint(c)
		}
		return ""
	})
	write := func(p *kgo.Client, value string) {
		must(t, p.BeginTransaction())
		for i := range int32(2) {
			must(t, p.ProduceSync(t.Context(), &kgo.Record{Partition: i, Value: []byte(value)}).FirstErr())
		}
	}
	leader := func(want int32) {
		until(t, fmt.Sprintf("partition 1 has leader %d", want), func() string {
			topics, err := first.admin.ListTopics(t.Context(), topic)
			if err != nil {
				return err.Error()
			}
			if l := topics[topic].Partitions[1].Leader; l != want {
				return fmt.Sprint(l)
			}
			return ""
		})
	}
	write(p, "one")
	must(t, p.EndTransaction(t.Context(), kgo.TryCommit))
	write(p, "two")
	second.kill()
	leader(-1)
	must(t, p.EndTransaction(t.Context(), kgo.TryCommit))
	second.up()
	leader(2)

	var said strings.Builder
	cluster, _, err := workerkafka.OpenCluster(map[string]string{"bootstrap.servers": first.at}, slog.New(slog.NewTextHandler(&said, nil)))
	must(t, err)
	defer cluster.Close()
	open, err := cluster.OpenTransactions(t.Context(), topic)
	must(t, err)
	if len(open) == 0 {
		t.Skip("this Kafka has written the marker")
	}
	if o := open[0]; len(open) != 1 || o.Partition != 1 || !o.Hanging || o.Decided != workerkafka.Commit || o.TransactionalID != id {
		t.Fatalf("open: %+v", open)
	}
	if got := first.values(topic); strings.Join(got, " ") != "one two one" && strings.Join(got, " ") != "one one two" {
		t.Errorf("while it hangs there is %v to read", got)
	}
	must(t, cluster.Settle(context.Background(), []string{id}, []string{topic}))
	if got := counts(first.values(topic)); got["one"] != 2 || got["two"] != 2 {
		t.Errorf("afterwards there is %v to read; said: %s", got, &said)
	}
	if open, err = cluster.OpenTransactions(t.Context(), topic); err != nil || len(open) != 0 {
		t.Errorf("open: %+v, %v", open, err)
	}
	// Whoever comes next goes on.
	p = producer()
	write(p, "three")
	must(t, p.EndTransaction(t.Context(), kgo.TryCommit))
	until(t, "what comes next can be read", func() string { // a marker comes a moment after the answer
		if got := counts(first.values(topic)); got["three"] != 2 {
			return fmt.Sprint(got)
		}
		return ""
	})
}
