package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A broker is an imitation of Kafka in this process, kfake, with its topics,
// groups and offsets in files. kfake is made for tests: one process, no
// replication, no retention, everything through one goroutine. Nobody should
// run a plant on it.
type broker struct {
	cluster *kfake.Cluster
	client  *kgo.Client
	admin   *kadm.Client
	addr    string
}

// openBroker starts the broker with the files in dir, on a port.
func openBroker(dir string, port int) (*broker, error) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.DataDir(dir), kfake.ClusterID("millwright-demo"), kfake.AllowAutoTopicCreation())
	if err != nil {
		return nil, fmt.Errorf("the broker does not start with its data in %s: %w", dir, err)
	}
	b := &broker{cluster: c, addr: c.ListenAddrs()[0]}
	if b.client, err = kgo.NewClient(kgo.SeedBrokers(b.addr)); err != nil {
		c.Close()
		return nil, err
	}
	b.admin = kadm.NewClient(b.client)
	return b, nil
}

// close writes what is in memory, which a crash does not need, and stops.
func (b *broker) close() {
	b.client.Close()
	b.cluster.Close()
}

// createTopic makes a topic unless it is there.
func (b *broker) createTopic(ctx context.Context, topic string, partitions int32) error {
	_, err := b.admin.CreateTopic(ctx, partitions, 1, nil, topic)
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return nil
	}
	return err
}

// A span is the offsets that a partition holds: from start up to, without, end.
type span struct{ start, end int64 }

// logs returns the spans of a topic's partitions, by number.
func (b *broker) logs(ctx context.Context, topic string) ([]span, error) {
	starts, err := b.admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("start of topic %s: %w", topic, err)
	}
	ends, err := b.admin.ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("end of topic %s: %w", topic, err)
	}
	spans := make([]span, len(ends[topic]))
	for p, e := range ends[topic] {
		s, ok := starts.Lookup(topic, p)
		if !ok || int(p) >= len(spans) {
			return nil, fmt.Errorf("topic %s has partition %d and no start of it", topic, p)
		}
		spans[p] = span{s.Offset, e.Offset}
	}
	return spans, nil
}

// total counts the records in spans.
func total(spans []span) (n int64) {
	for _, s := range spans {
		n += s.end - s.start
	}
	return n
}

// lockDir keeps a second demo out of a folder. The lock ends with the process.
func lockDir(dir string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("another demo runs in %s: end it, or give --dir another folder (%w)", dir, err)
	}
	return func() { f.Close() }, nil
}
