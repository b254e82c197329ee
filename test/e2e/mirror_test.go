package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// mirrors starts the three connectors of MirrorMaker from one broker to another.
func mirrors(w *worker, from, to *kafka, topics string, more ...string) {
	w.Helper()
	const bytes = "org.apache.kafka.connect.converters.ByteArrayConverter"
	p := props{
		"source.cluster.alias": "a", "target.cluster.alias": "b", "tasks.max": "2",
		"source.cluster.bootstrap.servers": from.at, "target.cluster.bootstrap.servers": to.at,
		"key.converter": bytes, "value.converter": bytes, "header.converter": bytes,
	}
	w.put("source", p.with(
		"connector.class", "MirrorSource", "topics", topics, "replication.factor", "1", "offset-syncs.topic.replication.factor", "1",
		"offset-syncs.topic.location", "target", "consumer.isolation.level", "read_committed", "refresh.topics.interval.seconds", "1",
		"sync.topic.configs.interval.seconds", "1",
	).with(more...))
	w.put("checkpoint", p.with(
		"connector.class", "MirrorCheckpoint", "topics", topics, "groups", topics+".*", "checkpoints.topic.replication.factor", "1",
		"offset-syncs.topic.location", "target", "emit.checkpoints.interval.seconds", "1", "refresh.groups.interval.seconds", "1",
		"sync.group.offsets.enabled", "true", "sync.group.offsets.interval.seconds", "1",
	))
	w.put("heartbeat", p.with("connector.class", "MirrorHeartbeat", "heartbeats.topic.replication.factor", "1"))
}

// TestMirror mirrors a topic that grows while workers, and the broker of the
// source, are killed. Nothing is lost, with exactly-once support nothing comes twice, and a group that moves to
// the other cluster goes on without a gap.
func TestMirror(t *testing.T) {
	for _, exactly := range []bool{false, true} {
		t.Run(fmt.Sprintf("exactly once %v", exactly), func(t *testing.T) {
			from, to := own(t), own(t)
			topic := unique("mirror")
			retention := "987654321"
			_, err := from.admin.CreateTopic(t.Context(), 3, 1, map[string]*string{"retention.ms": &retention}, topic)
			must(t, err)
			group := topic + "-readers"
			from.commit(group, topic, 0, 0)

			c := newCluster(t, to.at)
			var more []string
			if exactly {
				c.props = c.props.with("exactly.once.source.support", "enabled")
				more = []string{"exactly.once.support", "required"}
			}
			w := c.add()
			mirrors(w, from.kafka, to.kafka, topic, more...)
			other := c.add()
			want := 0
			write := func(n int) {
				var values []string
				for range n {
					values = append(values, fmt.Sprintf("v%06d", want))
					want++
				}
				from.produce(topic, 3, values...)
			}
			remote := "a." + topic
			arrived := func() {
				until(t, "all is mirrored", func() string {
					ends, err := to.admin.ListEndOffsets(t.Context(), remote)
					sum := int64(0)
					ends.Each(func(o kadm.ListedOffset) { sum += o.Offset })
					if err != nil || sum < int64(want) {
						return fmt.Sprintf("%d of %d: %v", sum, want, err)
					}
					seen := map[string]bool{}
					for _, v := range to.values(remote) {
						seen[v] = true
					}
					if len(seen) < want {
						return fmt.Sprintf("%d of %d", len(seen), want)
					}
					return ""
				})
			}
			write(3000)
			arrived()
			for range 2 {
				write(12_000)
				until(t, "some is mirrored", func() string {
					ends, err := to.admin.ListEndOffsets(t.Context(), remote)
					if o, _ := ends.Lookup(remote, 0); err != nil || o.Offset < int64(want/3-3_500) {
						return "not yet"
					}
					return ""
				})
				w.kill()
				write(3000)
				arrived()
				w.start()
				w.ready()
				w, other = other, w
			}
			from.kill()
			from.up()
			from.reach()
			write(3000)
			arrived()
			got := to.values(remote)
			slices.Sort(got)
			if distinct := len(slices.Compact(slices.Clone(got))); distinct != want || exactly && len(got) != want {
				t.Errorf("%d records, %d of them distinct, of %d", len(got), distinct, want)
			}
			t.Logf("%d records came twice", len(got)-want)

			// The topic grows, and keeps its settings.
			_, err = from.admin.UpdatePartitions(t.Context(), 4, topic)
			must(t, err)
			until(t, "the remote topic grows", func() string {
				all, err := to.admin.ListTopics(t.Context(), remote)
				if n := len(all[remote].Partitions); n != 4 || err != nil {
					return fmt.Sprint(n, err)
				}
				return ""
			})
			until(t, "it has the settings of its source", func() string {
				r, err := to.admin.DescribeTopicConfigs(t.Context(), remote)
				if err == nil && len(r) == 1 && slices.ContainsFunc(r[0].Configs, func(c kadm.Config) bool {
					return c.Key == "retention.ms" && c.MaybeValue() == retention
				}) {
					return ""
				}
				return fmt.Sprint(r, err)
			})

			// The group has read two thirds of each partition, and moves.
			read := int64(want / 3 * 2 / 3)
			for p := range int32(3) {
				from.commit(group, topic, p, read)
			}
			until(t, "the group's offsets are translated", func() string {
				if at := to.committed(group, remote); at[0] == 0 || at[1] == 0 || at[2] == 0 {
					return fmt.Sprint(at)
				}
				return ""
			})
			for p, at := range to.committed(group, remote) {
				first := to.valueAt(remote, p, at)
				next := fmt.Sprintf("v%06d", read*3+int64(p))
				if first > next {
					t.Errorf("partition %d goes on with %s: %s is lost", p, first, next)
				}
				t.Logf("partition %d: goes on with %s, next is %s", p, first, next)
			}
			until(t, "hearts beat", func() string {
				if len(to.read("heartbeats")) == 0 {
					return "none"
				}
				return ""
			})
			for _, w := range c.workers {
				if strings.Contains(w.printed(), "panic") {
					t.Error("a worker panicked")
				}
			}
		})
	}
}

// commit sets an offset of a group that nobody is in.
func (k *kafka) commit(group, topic string, partition int32, at int64) {
	k.Helper()
	o := kadm.Offsets{}
	o.Add(kadm.Offset{Topic: topic, Partition: partition, At: at, LeaderEpoch: -1})
	must(k, k.admin.CommitAllOffsets(k.Context(), group, o))
}

// valueAt returns the value of the first record from an offset on.
func (k *kafka) valueAt(topic string, partition int32, offset int64) string {
	k.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.at), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(100*time.Millisecond),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(offset)}}))
	must(k, err)
	defer cl.Close()
	for {
		f := cl.PollFetches(k.Context())
		must(k, f.Err())
		if r := f.Records(); len(r) > 0 {
			return string(r[0].Value)
		}
	}
}
