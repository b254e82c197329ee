package kafka

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// fake starts a broker and a Cluster that administers it; its log is returned.
func fake(t *testing.T, opts ...kfake.Opt) (*Cluster, *kfake.Cluster, *bytes.Buffer) {
	t.Helper()
	k, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.ClusterID("cluster-1")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	var out bytes.Buffer
	c, _, err := OpenCluster(with("bootstrap.servers", strings.Join(k.ListenAddrs(), ",")), slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, k, &out
}

func TestInternalTopics(t *testing.T) {
	c, _, log := fake(t, kfake.SeedTopics(2, "two"))
	props := map[string]string{
		"config.storage.max.message.bytes": "900000", "config.storage.topic": "cfg", "config.storage.replication.factor": "1",
		"config.storage.cleanup.policy": "delete", "config.storage.partitions": "3", "offset.storage.partitions": "7",
	}
	quiet := slog.New(slog.NewTextHandler(log, nil))
	cfg := ConfigTopic("cfg", 1, props, quiet)
	for range 2 { // the second time it is found and verified
		if err := c.EnsureInternal(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.topicConfigs(t.Context(), "cfg")
	if err != nil || got["cleanup.policy"] != "compact" || got["max.message.bytes"] != "900000" {
		t.Errorf("config topic has %v: %v", got, err)
	}
	for _, want := range []string{"Ignoring 'config.storage.cleanup.policy=delete' setting, since compaction is always used", "Ignoring 'config.storage.partitions=3' setting, since config topic partitions is always 1"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("not logged: %s", want)
		}
	}
	if err := c.EnsureInternal(t.Context(), OffsetTopic("off", 7, 1, props, quiet)); err != nil {
		t.Fatal(err)
	}
	sizes, err := c.Describe(t.Context(), "cfg", "off", "none")
	if err != nil || !maps.Equal(sizes, map[string]int{"cfg": 1, "off": 7}) {
		t.Errorf("partitions %v: %v", sizes, err)
	}

	err = c.EnsureInternal(t.Context(), StatusTopic("two", 5, 1, nil, quiet))
	want := "Topic 'two' supplied via the 'status.storage.topic' property is required to have 'cleanup.policy=compact' to guarantee consistency and durability of connector and task statuses, but found the topic currently has 'cleanup.policy=delete'. Continuing would likely result in eventually losing connector and task statuses and problems restarting this Connect cluster in the future. Change the 'status.storage.topic' property in the Connect worker configurations to use a topic with 'cleanup.policy=compact'."
	if err == nil || err.Error() != want || connect.ClassOf(err) != connect.ConfigException {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if _, err := c.CreateOrFind(t.Context(), Topic{"twocompact", 2, 1, map[string]string{"cleanup.policy": "compact"}}); err != nil {
		t.Fatal(err)
	}
	err = c.EnsureInternal(t.Context(), ConfigTopic("twocompact", 1, nil, quiet))
	want = "Topic 'twocompact' supplied via the 'config.storage.topic' property is required to have a single partition in order to guarantee consistency of connector configurations, but found 2 partitions."
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	topics, err := c.Topics(t.Context())
	if err != nil || len(topics) != 4 {
		t.Errorf("topics %v: %v", topics, err)
	}
}

func TestCreateOrFind(t *testing.T) {
	c, k, _ := fake(t)
	if found, err := c.CreateOrFind(t.Context(), Topic{Name: "a", Partitions: -1, Replication: -1}); found != Created || err != nil {
		t.Errorf("%v %v", found, err)
	}
	if found, err := c.CreateOrFind(t.Context(), Topic{Name: "a", Partitions: 3, Replication: 1}); found != Existing || err != nil {
		t.Errorf("%v %v", found, err)
	}
	for _, r := range []struct {
		answer *kerr.Error
		want   string
	}{
		{kerr.TopicAuthorizationFailed, ""},
		{kerr.ClusterAuthorizationFailed, ""},
		{kerr.InvalidConfig, "org.apache.kafka.connect.errors.ConnectException: Unable to create topic(s) 'b': broker says no\nCaused by: org.apache.kafka.common.errors.InvalidConfigurationException: broker says no\n"},
		{kerr.PolicyViolation, "org.apache.kafka.connect.errors.ConnectException: Error while attempting to create/find topic(s) 'b'\nCaused by: org.apache.kafka.common.errors.PolicyViolationException: broker says no\n"},
	} {
		k.ControlKey(int16(kmsg.CreateTopics), func(req kmsg.Request) (kmsg.Response, error, bool) {
			resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
			topic := kmsg.NewCreateTopicsResponseTopic()
			text := "broker says no"
			topic.Topic, topic.ErrorCode, topic.ErrorMessage = "b", r.answer.Code, &text
			resp.Topics = append(resp.Topics, topic)
			return resp, nil, true
		})
		found, err := c.CreateOrFind(t.Context(), Topic{Name: "b", Partitions: 1, Replication: 1})
		switch {
		case found != Unknown:
			t.Errorf("%v: found %v", r.answer, found)
		case r.want == "" && err != nil, r.want != "" && (err == nil || connect.Trace(err) != r.want):
			t.Errorf("%v:\n got %s\nwant %s", r.answer, connect.Trace(err), r.want)
		}
	}
}

// A broker that is not yet up does not fail the worker.
func TestInternalTopicIsTriedAgain(t *testing.T) {
	c, k, log := fake(t)
	k.ControlKey(int16(kmsg.CreateTopics), func(req kmsg.Request) (kmsg.Response, error, bool) {
		resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
		topic := kmsg.NewCreateTopicsResponseTopic()
		topic.Topic, topic.ErrorCode = "s", kerr.InvalidReplicationFactor.Code
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	if err := c.EnsureInternal(t.Context(), StatusTopic("s", 1, 1, nil, slog.New(slog.DiscardHandler))); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "'s' topic creation failed due to"); n != 1 {
		t.Errorf("%d lines: %s", n, log)
	}
}

func TestTopicCreationEnsure(t *testing.T) {
	c, k, _ := fake(t, kfake.SeedTopics(1, "there"))
	tc, err := NewTopicCreation(map[string]string{"topic.creation.default.partitions": "2", "topic.creation.default.replication.factor": "1", "topic.creation.default.retention.ms": "5"}, true)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, topic := range []string{"there", "new"} {
			if err := tc.Ensure(t.Context(), c, topic); err != nil || !tc.seen[topic] {
				t.Fatal(err)
			}
		}
	}
	sizes, err := c.Describe(t.Context(), "there", "new")
	if err != nil || !maps.Equal(sizes, map[string]int{"there": 1, "new": 2}) {
		t.Errorf("partitions %v: %v", sizes, err)
	}
	k.ControlKey(int16(kmsg.CreateTopics), func(req kmsg.Request) (kmsg.Response, error, bool) {
		resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
		topic := kmsg.NewCreateTopicsResponseTopic()
		topic.Topic, topic.ErrorCode = "no", kerr.TopicAuthorizationFailed.Code
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	err = tc.Ensure(t.Context(), c, "no")
	want := "Task failed to create new topic (name=no, numPartitions=2, replicationFactor=1, replicasAssignments=null, configs={retention.ms=5}). Ensure that the task is authorized to create topics or that the topic exists and restart the task"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestGroupOffsets(t *testing.T) {
	c, k, _ := fake(t, kfake.SeedTopics(3, "t"))
	at := func(p int32) connect.TopicPartition { return connect.TopicPartition{Topic: "t", Partition: p} }
	five, nine := int64(5), int64(9)
	if got, err := c.GroupOffsets(t.Context(), "connect-c"); err != nil || len(got) != 0 {
		t.Errorf("%v %v", got, err)
	}
	if err := c.AlterGroupOffsets(t.Context(), "c", "connect-c", map[connect.TopicPartition]*int64{at(0): &five, at(1): &nine}); err != nil {
		t.Fatal(err)
	}
	if err := c.AlterGroupOffsets(t.Context(), "c", "connect-c", map[connect.TopicPartition]*int64{at(0): &nine, at(1): nil}); err != nil {
		t.Fatal(err)
	}
	if got, err := c.GroupOffsets(t.Context(), "connect-c"); err != nil || !maps.Equal(got, map[connect.TopicPartition]int64{at(0): 9}) {
		t.Errorf("%v %v", got, err)
	}
	for range 2 { // a group that is gone is reset already
		if err := c.DeleteGroup(t.Context(), "c", "connect-c"); err != nil {
			t.Fatal(err)
		}
	}

	// A live member keeps its group.
	opts, _, err := Options(with("bootstrap.servers", strings.Join(k.ListenAddrs(), ","), "group.id", "connect-c", "auto.offset.reset", "earliest"), Group, nil)
	if err != nil {
		t.Fatal(err)
	}
	assigned := make(chan struct{}, 1)
	member, err := kgo.NewClient(append(opts, kgo.ConsumeTopics("t"), kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { assigned <- struct{}{} }))...)
	if err != nil {
		t.Fatal(err)
	}
	defer member.Close()
	<-assigned
	err = c.AlterGroupOffsets(t.Context(), "c", "connect-c", map[connect.TopicPartition]*int64{at(0): &five})
	if want := "Failed to alter consumer group offsets for connector c either because its tasks haven't stopped completely yet"; err == nil || !strings.HasPrefix(err.Error(), want) ||
		!strings.Contains(connect.Trace(err), "Caused by: org.apache.kafka.common.errors.UnknownMemberIdException") {
		t.Errorf("got %s", connect.Trace(err))
	}
	err = c.DeleteGroup(t.Context(), "c", "connect-c")
	if want := "Failed to reset consumer group offsets for connector c either because its tasks haven't stopped completely yet"; err == nil || !strings.HasPrefix(err.Error(), want) ||
		!strings.Contains(connect.Trace(err), "Caused by: org.apache.kafka.common.errors.GroupNotEmptyException") {
		t.Errorf("got %s", connect.Trace(err))
	}
}

// A fenced producer cannot go on.
func TestFence(t *testing.T) {
	c, k, _ := fake(t, kfake.SeedTopics(1, "t"))
	opts, _, err := Options(with("bootstrap.servers", strings.Join(k.ListenAddrs(), ","), "transactional.id", "g-c-0"), Producer, nil)
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
	if err := old.ProduceSync(t.Context(), &kgo.Record{Topic: "t", Partition: -1, Value: []byte("x")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := c.Fence(t.Context(), []string{"g-c-0", "g-c-1"}); err != nil {
		t.Fatal(err)
	}
	if err := old.EndTransaction(t.Context(), kgo.TryCommit); err == nil {
		t.Error("the old producer could commit")
	}
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network kfake.VirtualNetwork
		k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("cluster-1"), kfake.ListenFn(network.Listen))
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		var dials atomic.Int64
		up := time.Now().Add(90 * time.Second)
		var log bytes.Buffer
		s, err := Read(with("bootstrap.servers", k.ListenAddrs()[0]), Admin)
		if err != nil {
			t.Fatal(err)
		}
		opts, err := s.Opts(nil)
		if err != nil {
			t.Fatal(err)
		}
		cl, err := kgo.NewClient(append(opts, kgo.Dialer(func(ctx context.Context, n, host string) (net.Conn, error) {
			dials.Add(1)
			if time.Now().Before(up) {
				return nil, errors.New("connection refused")
			}
			return network.DialContext(ctx, n, host)
		}))...)
		if err != nil {
			t.Fatal(err)
		}
		defer cl.Close()
		c := ClusterOf(cl, s, slog.New(slog.NewTextHandler(&log, nil)))
		began := time.Now()
		id, err := c.Wait(t.Context())
		if err != nil || id != "cluster-1" {
			t.Fatalf("cluster %s, error %v", id, err)
		}
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if took := time.Since(began); took < 90*time.Second || took > 150*time.Second || len(lines) > 10 || dials.Load() > 200 {
			t.Errorf("took %v, %d dials and %d lines:\n%s", took, dials.Load(), len(lines), log.String())
		}
		for _, l := range lines {
			if !strings.Contains(l, "Kafka cannot be reached") || !strings.Contains(l, k.ListenAddrs()[0]) || !strings.Contains(l, "connection refused") {
				t.Errorf("line %s", l)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		up = time.Now().Add(time.Hour)
		cl.CloseAllowingRebalance()
		if _, err := c.Wait(ctx); err == nil {
			t.Error("a closed client answers")
		}
	})
}

// What the broker says of our name is final.
func TestWaitGivesUp(t *testing.T) {
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "p"))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	k.ControlKey(int16(kmsg.SASLAuthenticate), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		resp := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		resp.ErrorCode = kerr.SaslAuthenticationFailed.Code
		return resp, nil, true
	})
	c, _, err := OpenCluster(with("bootstrap.servers", k.ListenAddrs()[0], "security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "PLAIN", "sasl.jaas.config", plainJAAS), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Wait(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), "Failed to connect to and describe Kafka cluster. Check worker's broker connection and security properties.") ||
		!strings.Contains(connect.Trace(err), "Caused by: org.apache.kafka.common.errors.SaslAuthenticationException") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %s", connect.Trace(err))
	}
}
