package mirror

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A site is one fake Kafka cluster with a client.
type site struct {
	*kadm.Client
	cl    *kgo.Client
	seeds string
	dial  kgo.Opt // or nil
}

func newSite(t *testing.T, opts ...kfake.Opt) site {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return site{Client: kadm.NewClient(cl), cl: cl, seeds: strings.Join(c.ListenAddrs(), ",")}
}

func (s site) topic(t *testing.T, name string, partitions int32, configs ...string) {
	t.Helper()
	set := map[string]*string{}
	for i := 0; i < len(configs); i += 2 {
		set[configs[i]] = &configs[i+1]
	}
	if r, err := s.CreateTopic(t.Context(), partitions, 1, set, name); err != nil || r.Err != nil {
		t.Fatal(err, r.Err)
	}
}

// write puts n numbered records on each partition.
func (s site) write(t *testing.T, topic string, partitions int32, from, n int) {
	t.Helper()
	var records []*kgo.Record
	for p := range partitions {
		for i := from; i < from+n; i++ {
			records = append(records, &kgo.Record{Topic: topic, Partition: p, Key: fmt.Appendf(nil, "k%d", i), Value: fmt.Appendf(nil, "%s-%d-%d", topic, p, i)})
		}
	}
	if err := s.cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// read returns the first n records of a partition.
func (s site) read(t *testing.T, topic string, partition int32, n int) []*kgo.Record {
	t.Helper()
	opts := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(s.seeds, ",")...), kgo.FetchMaxWait(50 * time.Millisecond), kgo.DisableClientMetrics(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().AtStart()}}),
	}
	if s.dial != nil {
		opts = append(opts, s.dial)
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var all []*kgo.Record
	for len(all) < n {
		f := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("%d records of %d of %s-%d", len(all), n, topic, partition)
		}
		all = append(all, f.Records()...)
	}
	return all
}

// commit sets the offset of a group that nobody is in.
func (s site) commit(t *testing.T, group, topic string, partition int32, at int64) {
	t.Helper()
	o := kadm.Offsets{}
	o.Add(kadm.Offset{Topic: topic, Partition: partition, At: at, LeaderEpoch: -1, Metadata: "m"})
	if err := s.CommitAllOffsets(t.Context(), group, o); err != nil {
		t.Fatal(err)
	}
}

// props are those of a connector from a to b.
func props(a, b site, more ...string) connect.Props {
	p := connect.Props{
		"source.cluster.alias": "a", "target.cluster.alias": "b",
		"source.cluster.bootstrap.servers": a.seeds, "target.cluster.bootstrap.servers": b.seeds,
		"replication.factor": "1", "offset-syncs.topic.replication.factor": "1",
		"checkpoints.topic.replication.factor": "1", "heartbeats.topic.replication.factor": "1",
		"source.consumer.fetch.max.wait.ms": "50", "consumer.poll.timeout.ms": "100",
	}
	for i := 0; i < len(more); i += 2 {
		p[more[i]] = more[i+1]
	}
	return p
}

// only leaves out the properties of other connectors.
func only(p connect.Props, c connect.Configurable) connect.Props {
	var d connect.ConfigDef
	c.Define(&d)
	for _, u := range d.Unknown(p) {
		delete(p, u.Name)
	}
	return p
}
