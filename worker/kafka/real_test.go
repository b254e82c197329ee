package kafka

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// TestRealBroker runs against Apache Kafka itself, at $KAFKA_BOOTSTRAP
// (host:port).
func TestRealBroker(t *testing.T) {
	addr := os.Getenv("KAFKA_BOOTSTRAP")
	if addr == "" {
		t.Skip("KAFKA_BOOTSTRAP is not set: no real broker")
	}
	name := fmt.Sprintf("millwright-%d", time.Now().UnixNano())
	quiet := slog.New(slog.DiscardHandler)
	w := Worker{Props: map[string]string{"bootstrap.servers": addr, "group.id": name, "producer.compression.type": "lz4"}, GroupID: name}
	c, unsupported, err := OpenCluster(w.WorkerAdmin("c", nil), quiet)
	if err != nil || len(unsupported) != 0 {
		t.Fatal(err, unsupported)
	}
	defer c.Close()
	if id, err := c.Wait(t.Context()); err != nil || id == "" {
		t.Fatalf("cluster %q: %v", id, err)
	}
	for range 2 {
		if err := c.EnsureInternal(t.Context(), StatusTopic(name+"-status", 3, 1, map[string]string{"status.storage.segment.ms": "100000"}, quiet)); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := c.CreateOrFind(t.Context(), Topic{Name: name, Partitions: 17, Replication: 1}); err != nil || found != Created {
		t.Fatal(found, err)
	}
	_, err = c.CreateOrFind(t.Context(), Topic{Name: name + "-x", Partitions: 1, Replication: 1, Configs: map[string]string{"no.such": "1"}})
	if want := "Unable to create topic(s) '" + name + "-x': Unknown topic config name: no.such"; err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	for n := map[string]int{}; n[name] == 0; { // a topic takes a moment to be known
		if n, err = c.Describe(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	err = c.EnsureInternal(t.Context(), OffsetTopic(name, 2, 1, nil, quiet))
	if err == nil || !strings.Contains(err.Error(), "but found the topic currently has 'cleanup.policy=delete'") {
		t.Errorf("got %v", err)
	}

	opts, _, err := Options(w.SourceProducer("c", 0, nil), Producer, quiet)
	if err != nil {
		t.Fatal(err)
	}
	producer, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	// Keys and their partitions of 17, as Java's producer chooses them.
	for key, want := range map[string]int32{"a": 0, "b": 8, "key-1": 7, "key-2": 15, "Füllstand": 9, "": 11} {
		r, err := producer.ProduceSync(t.Context(), &kgo.Record{Topic: name, Partition: -1, Key: []byte(key)}).First()
		if err != nil || r.Partition != want {
			t.Errorf("%q goes to %d, not to %d: %v", key, r.Partition, want, err)
		}
	}
	if r, err := producer.ProduceSync(t.Context(), &kgo.Record{Topic: name, Partition: 1, Key: []byte("a")}).First(); err != nil || r.Partition != 1 {
		t.Errorf("a chosen partition is not kept: %v", err)
	}

	props, _ := w.ExactlyOnceProducer("c", 0, nil)
	opts, _, err = Options(props, Producer, quiet)
	if err != nil {
		t.Fatal(err)
	}
	old, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if err := old.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := old.ProduceSync(t.Context(), &kgo.Record{Topic: name, Partition: -1, Value: []byte("zombie")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := c.Fence(t.Context(), []string{TaskTransactionalID(name, "c", 0), TaskTransactionalID(name, "c", 1)}); err != nil {
		t.Fatal(err)
	}
	if err := old.EndTransaction(t.Context(), kgo.TryCommit); !errors.Is(err, kerr.InvalidProducerEpoch) && !errors.Is(err, kerr.ProducerFenced) {
		t.Errorf("the old producer could commit: %v", err)
	}

	one, tp := int64(1), connect.TopicPartition{Topic: name}
	if got, err := c.GroupOffsets(t.Context(), SinkGroup(name)); err != nil || len(got) != 0 {
		t.Errorf("%v %v", got, err)
	}
	if err := c.AlterGroupOffsets(t.Context(), "c", SinkGroup(name), map[connect.TopicPartition]*int64{tp: &one}); err != nil {
		t.Error(err)
	}
	if got, err := c.GroupOffsets(t.Context(), SinkGroup(name)); err != nil || got[tp] != 1 {
		t.Errorf("%v %v", got, err)
	}
	if err := c.AlterGroupOffsets(t.Context(), "c", SinkGroup(name), map[connect.TopicPartition]*int64{tp: nil}); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := c.DeleteGroup(t.Context(), "c", SinkGroup(name)); err != nil {
			t.Error(err)
		}
	}
}
