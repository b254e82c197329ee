package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/test/services"
)

// A kafka is a broker as the tests see it, beside the workers.
type kafka struct {
	testing.TB
	at    string
	admin *kadm.Client
}

// shared is the broker that the run has started.
func shared(t testing.TB) *kafka { return reach(t, env(t, "KAFKA_BOOTSTRAP")) }

func reach(t testing.TB, at string) *kafka {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(at))
	must(t, err)
	t.Cleanup(cl.Close)
	return &kafka{t, at, kadm.NewClient(cl)}
}

// A broker of its own can be stopped, started and cut off.
type broker struct {
	*kafka
	dir      string
	port     int
	settings []string
	process  *services.Broker
	mu       sync.Mutex
}

// own starts a broker for this test alone.
func own(t testing.TB, settings ...string) *broker {
	t.Helper()
	return ownAt(t, freePorts(t, 1)[0], settings...)
}

func ownAt(t testing.TB, port int, settings ...string) *broker {
	t.Helper()
	b := prepareBroker(t, port, settings...)
	b.up()
	b.reach()
	return b
}

// prepareBroker makes a broker without starting it.
func prepareBroker(t testing.TB, port int, settings ...string) *broker {
	t.Helper()
	dir := t.TempDir()
	if logs := os.Getenv("MILLWRIGHT_TEST_LOGS"); logs != "" {
		dir = filepath.Join(logs, fmt.Sprintf("broker-%d", port))
	}
	b := &broker{kafka: &kafka{TB: t}, dir: dir, port: port, settings: append(settings, "group.min.session.timeout.ms=1000")}
	t.Cleanup(b.down)
	return b
}

func (b *broker) reach() {
	b.Helper()
	b.kafka = reach(b.TB, b.process.Bootstrap())
}

func (b *broker) up() {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	p, err := services.StartKafka(context.Background(), b.dir, b.port, b.settings...)
	if err != nil {
		env(b, "KAFKA_BOOTSTRAP") // no Kafka here: skip, as the others do
		b.Fatal(err)
	}
	b.process = p
}

// down stops the broker as an operator does.
func (b *broker) down() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.process.Stop() // of none, nothing
}

// kill ends the broker as a power cut would.
func (b *broker) kill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.process.Kill()
}

// topic makes a topic with as many replicas as the brokers want.
func (k *kafka) topic(name string, partitions int) string {
	k.Helper()
	_, err := k.admin.CreateTopic(k.Context(), int32(partitions), -1, nil, name)
	must(k, err)
	return name
}

// produce writes values to a topic, dealt to its partitions in turn.
func (k *kafka) produce(topic string, partitions int, values ...string) {
	k.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.at), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(k, err)
	defer cl.Close()
	for i, v := range values {
		cl.Produce(k.Context(), &kgo.Record{Topic: topic, Partition: int32(i % partitions), Value: []byte(v)}, func(_ *kgo.Record, err error) {
			if err != nil {
				k.Error(err)
			}
		})
	}
	must(k, cl.Flush(k.Context()))
}

// read returns all records of a topic, those of aborted transactions left out.
// A topic that does not exist has none.
func (k *kafka) read(topic string) []*kgo.Record {
	k.Helper()
	var records []*kgo.Record
	until(k, "reading "+topic, func() string {
		var err error
		if records, err = k.tryRead(topic); err != nil {
			return err.Error()
		}
		return ""
	})
	return records
}

func (k *kafka) tryRead(topic string) ([]*kgo.Record, error) {
	ctx, cancel := context.WithTimeout(k.Context(), 30*time.Second)
	defer cancel()
	ends, err := k.admin.ListCommittedOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	left := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Err == nil && o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	if len(left) == 0 {
		return nil, nil
	}
	at := map[int32]kgo.Offset{}
	for p := range left {
		at[p] = kgo.NewOffset().AtStart()
	}
	// Control records are kept, to see where transactions end.
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.at), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: at}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	var records []*kgo.Record
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("%w; missing up to %v", err, left)
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			for _, r := range p.Records {
				if end, ok := left[p.Partition]; ok && r.Offset < end {
					if !r.Attrs.IsControl() {
						records = append(records, r)
					}
					if r.Offset == end-1 {
						delete(left, p.Partition)
					}
				}
			}
		})
	}
	return records, nil
}

// values returns the values of all records of a topic.
func (k *kafka) values(topic string) []string {
	k.Helper()
	records := k.read(topic)
	values := make([]string, len(records))
	for i, r := range records {
		values[i] = string(r.Value)
	}
	return values
}

// members returns how many members a group has.
func (k *kafka) members(group string) (int, error) {
	groups, err := k.admin.DescribeGroups(k.Context(), group)
	if err != nil {
		return 0, err
	}
	g := groups[group]
	return len(g.Members), errors.Join(g.Err)
}

// committed returns the committed offsets of a group on a topic.
func (k *kafka) committed(group, topic string) map[int32]int64 {
	k.Helper()
	offsets, err := k.admin.FetchOffsets(k.Context(), group)
	must(k, err)
	at := map[int32]int64{}
	offsets.Each(func(o kadm.OffsetResponse) {
		if o.Topic == topic {
			at[o.Partition] = o.At
		}
	})
	return at
}
