package mirror

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// until waits, in fake time, for something to come true.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 600 {
		if ok() {
			return
		}
		time.Sleep(time.Second)
	}
	t.Fatal("never: " + what)
}

func (s site) partitions(t *testing.T, topic string) int {
	t.Helper()
	all, err := s.ListTopics(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return len(all[topic].Partitions)
}

// setting returns a topic's own setting, "" if it has none.
func (s site) setting(t *testing.T, topic, name string) string {
	t.Helper()
	r, err := s.DescribeTopicConfigs(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r[0].Configs {
		if c.Key == name && c.Source.String() == "DYNAMIC_TOPIC_CONFIG" {
			return c.MaybeValue()
		}
	}
	return ""
}

func (s site) end(t *testing.T, topic string, partition int32) int64 {
	t.Helper()
	ends, err := s.ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	o, _ := ends.Lookup(topic, partition)
	return o.Offset
}

// TestMirror follows topics through their lives: they are made with settings and
// partitions, grow, change, and are joined by others.
func TestMirror(t *testing.T) {
	inBubble(t, func(t *testing.T, a, b site) {
		a.topic(t, "plant", 2, "retention.ms", "12345678", "min.insync.replicas", "1")
		a.topic(t, "secret.internal.x", 1)
		a.topic(t, "__own", 1)
		a.topic(t, "b.back", 1) // came from b
		a.topic(t, "left", 1)
		a.write(t, "plant", 2, 0, 100)
		special := []*kgo.Record{
			{Topic: "plant", Partition: 1, Key: nil, Value: nil, Timestamp: time.UnixMilli(1_700_000_000_123)},
			{Topic: "plant", Partition: 1, Key: []byte{}, Value: []byte{}, Timestamp: time.UnixMilli(5), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("v")}, {Key: "h"}, {Key: "", Value: []byte{}}}},
		}
		if err := a.cl.ProduceSync(t.Context(), special...).FirstErr(); err != nil {
			t.Fatal(err)
		}
		m := run(t, b, Source, props(a, b, "topics.exclude", "left", "refresh.topics.interval.seconds", "20", "sync.topic.configs.interval.seconds", "30"), 2)
		defer func() { m.stop() }()
		until(t, "all is mirrored", func() bool { return b.end(t, "a.plant", 0) == 100 && b.end(t, "a.plant", 1) == 102 })
		got := b.read(t, "a.plant", 1, 102)
		for i, r := range got[:100] {
			if string(r.Key) != fmt.Sprintf("k%d", i) || string(r.Value) != fmt.Sprintf("plant-1-%d", i) {
				t.Fatalf("record %d: %s %s", i, r.Key, r.Value)
			}
		}
		null, empty := got[100], got[101]
		if null.Key != nil || null.Value != nil || null.Timestamp.UnixMilli() != 1_700_000_000_123 {
			t.Errorf("null key and value: %v", null)
		}
		if h := empty.Headers; empty.Key == nil || empty.Value == nil || empty.Timestamp.UnixMilli() != 5 || len(h) != 3 ||
			h[0].Key != "h" || string(h[0].Value) != "v" || h[1].Value != nil || h[2].Value == nil || h[2].Key != "" {
			t.Errorf("empty key and value, and headers: %v", empty)
		}
		topics, err := b.ListTopics(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, none := range []string{"a.left", "a.__own", "a.b.back", "a.mm2-offset-syncs.b.internal"} {
			if topics.Has(none) {
				t.Errorf("%s is mirrored", none)
			}
		}
		if v := b.setting(t, "a.plant", "retention.ms"); v != "12345678" {
			t.Errorf("retention.ms is %q", v)
		}
		if v := b.setting(t, "a.plant", "min.insync.replicas"); v != "" {
			t.Errorf("min.insync.replicas, which is excluded, is %q", v)
		}

		// Settings change and go, partitions and topics come.
		value := "999"
		if _, err := a.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.DeleteConfig, Name: "retention.ms"}, {Op: kadm.SetConfig, Name: "max.message.bytes", Value: &value}}, "plant"); err != nil {
			t.Fatal(err)
		}
		until(t, "settings follow", func() bool {
			return b.setting(t, "a.plant", "retention.ms") == "" && b.setting(t, "a.plant", "max.message.bytes") == "999"
		})
		if _, err := a.UpdatePartitions(t.Context(), 4, "plant"); err != nil {
			t.Fatal(err)
		}
		a.topic(t, "oven", 1)
		a.write(t, "oven", 1, 0, 7)
		until(t, "partitions and topics follow", func() bool { return b.partitions(t, "a.plant") == 4 && b.end(t, "a.oven", 0) == 7 })
		until(t, "the client knows the new partitions", func() bool { return a.partitions(t, "plant") == 4 })
		a.write(t, "plant", 4, 100, 10)
		until(t, "new partitions are mirrored", func() bool { return b.end(t, "a.plant", 3) == 10 && b.end(t, "a.plant", 0) == 110 })
		m.stop()
		a.write(t, "plant", 1, 110, 5)
		m.start()
		until(t, "it goes on where it was", func() bool { return b.end(t, "a.plant", 0) >= 115 })
		if n := b.end(t, "a.plant", 0); n != 115 {
			t.Errorf("%d records of 115", n)
		}
	})
}

// TestFailover moves a group to the other cluster: what it has not had, it gets.
func TestFailover(t *testing.T) {
	for _, location := range []string{atSource, atTarget} {
		inBubble(t, func(t *testing.T, a, b site) {
			a.topic(t, "plant", 2)
			a.topic(t, "other", 1)
			a.commit(t, "readers", "plant", 0, 0)
			a.commit(t, "strangers", "other", 0, 0)
			p := props(a, b, "topics", "plant", "offset-syncs.topic.location", location, "sync.group.offsets.enabled", "true",
				"sync.group.offsets.interval.seconds", "5", "emit.checkpoints.interval.seconds", "2", "refresh.groups.interval.seconds", "30")
			// The target counts from elsewhere: three records are there already.
			b.topic(t, "a.plant", 2)
			b.write(t, "a.plant", 2, 1000, 3)
			source := run(t, b, Source, p, 1)
			defer source.stop()
			points := run(t, b, Checkpoint, p, 2)
			defer func() { points.stop() }()
			beats := run(t, b, Heartbeat, p, 1)
			defer beats.stop()
			const n = 1000
			a.write(t, "plant", 2, 0, n)
			until(t, "all is mirrored", func() bool { return b.end(t, "a.plant", 0) == n+3 && b.end(t, "a.plant", 1) == n+3 })
			time.Sleep(5 * time.Second) // a commit and its offset syncs
			committed := func(group string, partition int32) int64 {
				o, err := b.FetchOffsets(t.Context(), group)
				if errors.Is(err, kerr.GroupIDNotFound) {
					return -1
				}
				if err != nil {
					t.Fatal(err)
				}
				at, ok := o.Lookup("a.plant", partition)
				if !ok {
					return -1
				}
				return at.At
			}
			a.commit(t, "readers", "plant", 1, n)
			for _, at := range []int64{1, 400, 990, n} {
				a.commit(t, "readers", "plant", 0, at)
				time.Sleep(20 * time.Second)
				got := committed("readers", 0)
				if got > at+3 || got < 3 || at == n && got != n+3 {
					t.Errorf("offset syncs at the %s: %d at the source became %d at the target", location, at, got)
				}
			}
			if got := committed("readers", 1); got != n+3 {
				t.Errorf("the end became %d", got)
			}
			if got := committed("strangers", 0); got != -1 {
				t.Errorf("a group that read nothing of the topic has offset %d", got)
			}
			// The group goes on at the target; its offsets there do not go back.
			b.write(t, "a.plant", 1, 2000, 50)
			b.commit(t, "readers", "a.plant", 0, n+53)
			points.stop()
			points.start()
			time.Sleep(30 * time.Second)
			if got := committed("readers", 0); got != n+53 {
				t.Errorf("the offset at the target went from %d to %d", n+53, got)
			}
			// A group that comes later.
			a.commit(t, "late", "plant", 0, n)
			until(t, "a new group is found", func() bool { return committed("late", 0) == n+3 })

			if h, ok := readHeartbeat(b.read(t, "heartbeats", 0, 1)[0].Key, b.read(t, "heartbeats", 0, 1)[0].Value); !ok || h.source != "a" || h.target != "b" || h.timestamp == 0 {
				t.Errorf("heartbeat %+v %v", h, ok)
			}
			r := b.read(t, "a.checkpoints.internal", 0, 1)[0]
			if c, ok := readCheckpoint(r.Key, r.Value); !ok || c.group != "readers" || c.topic != "a.plant" || c.metadata != "m" {
				t.Errorf("checkpoint %+v %v", c, ok)
			}
			at := a
			name := "mm2-offset-syncs.b.internal"
			if location == atTarget {
				at, name = b, "mm2-offset-syncs.a.internal"
			}
			if v := at.setting(t, name, "cleanup.policy"); v != "compact" {
				t.Errorf("cleanup.policy of %s is %q", name, v)
			}
		})
	}
}
