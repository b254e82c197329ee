package mirror

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// eachLine reads answers of Java's classes (4.3.1): see testdata/README.md.
func eachLine[T any](t *testing.T, file string, check func(v T)) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for ; lines.Scan(); n++ {
		var v T
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		check(v)
	}
	if n < 50 {
		t.Fatalf("only %d lines", n)
	}
}

func TestWireVectors(t *testing.T) {
	eachLine(t, "wire.jsonl", func(v struct {
		Kind, Topic, Group, Metadata, Source, Target string
		Partition                                    int32
		Upstream, Downstream, Timestamp              int64
		Key, Value                                   string
	},
	) {
		key, _ := hex.DecodeString(v.Key)
		value, _ := hex.DecodeString(v.Value)
		tp := topicPartition{v.Topic, v.Partition}
		var k, b []byte
		var same, cut bool
		switch v.Kind {
		case "sync":
			want := offsetSync{tp, v.Upstream, v.Downstream}
			got, ok := readOffsetSync(key, value)
			_, cut = readOffsetSync(key, value[:len(value)-1])
			k, b, same = want.key(), want.value(), ok && got == want
		case "checkpoint":
			want := checkpoint{v.Group, tp, v.Upstream, v.Downstream, v.Metadata}
			got, ok := readCheckpoint(key, value)
			_, cut = readCheckpoint(key[:len(key)-1], value)
			k, b, same = want.key(), want.value(), ok && got == want
		case "heartbeat":
			want := heartbeat{v.Source, v.Target, v.Timestamp}
			got, ok := readHeartbeat(key, value)
			_, cut = readHeartbeat(key, value[1:])
			k, b, same = want.key(), want.value(), ok && got == want
		}
		if string(k) != string(key) || string(b) != string(value) || !same || cut {
			t.Errorf("%+v: written as %x %x, read the same: %v, cut: %v", v, k, b, same, cut)
		}
	})
}

func TestPolicyVectors(t *testing.T) {
	eachLine(t, "policy.jsonl", func(v struct {
		Identity                            bool
		Separator, Own                      *string
		Topic, Remote                       string
		Source, Upstream                    *string
		Original                            string
		Heartbeats, Internal, Cycle, Wanted bool
		Syncs, Checkpoints                  string
	},
	) {
		p := connect.Props{"source.cluster.alias": "a", "target.cluster.alias": "b"}
		if v.Identity {
			p["replication.policy.class"] = identityPolicy
		}
		for name, value := range map[string]*string{"replication.policy.separator": v.Separator, "replication.policy.internal.topic.separator.enabled": v.Own} {
			if value != nil {
				p[name] = *value
			}
		}
		c := &sourceConnector{}
		if err := c.parse(p); err != nil {
			t.Fatal(err)
		}
		c.policy = newPolicy(&c.config)
		c.topics, _ = newTopicFilter(connect.Props{"topics": ".*", "topics.exclude": ""})
		orNil := func(s string, ok bool) *string {
			if !ok {
				return nil
			}
			return &s
		}
		same := func(what string, got, want any) {
			a, _ := json.Marshal(got)
			b, _ := json.Marshal(want)
			if string(a) != string(b) {
				t.Errorf("%s of %q with %v: %s, want %s", what, v.Topic, p, a, b)
			}
		}
		same("remote topic", c.policy.remote("a", v.Topic), v.Remote)
		same("source", orNil(c.policy.sourceOf(v.Topic)), v.Source)
		same("upstream topic", orNil(c.policy.upstream(v.Topic)), v.Upstream)
		same("original topic", c.policy.original(v.Topic), v.Original)
		same("heartbeats", c.policy.isHeartbeats(v.Topic), v.Heartbeats)
		same("internal", c.policy.isInternal(v.Topic), v.Internal)
		same("cycle", c.policy.isCycle(v.Topic, "b"), v.Cycle)
		same("wanted", c.wants(v.Topic), v.Wanted)
		same("offset syncs", c.policy.offsetSyncs("b"), v.Syncs)
		same("checkpoints", c.policy.checkpoints("a"), v.Checkpoints)
	})
}

func TestSyncStoreVectors(t *testing.T) {
	eachLine(t, "syncs.jsonl", func(v struct {
		Latest bool
		Steps  [][3]int64
		Slots  [][2]int64
		Asked  [][2]int64
	},
	) {
		s := newSyncStore(v.Latest)
		tp := topicPartition{"t", 0}
		for _, step := range v.Steps {
			if step[0] == 1 && !s.read {
				if _, ok := s.translate(tp, 0); ok {
					t.Error("an offset is translated before the topic has been read")
				}
				s.done()
			}
			s.apply(offsetSync{tp, step[1], step[2]})
		}
		s.done()
		for i, want := range v.Slots {
			if got := s.syncs[tp][i]; got.upstream != want[0] || got.downstream != want[1] {
				t.Fatalf("slot %d of %v: %d:%d, want %v", i, v.Steps, got.upstream, got.downstream, want)
			}
		}
		for _, a := range v.Asked {
			if got, ok := s.translate(tp, a[0]); !ok || got != a[1] {
				t.Errorf("%d is translated to %d, want %d", a[0], got, a[1])
			}
		}
	})
	if _, ok := newSyncStore(false).translate(topicPartition{"u", 0}, 1); ok {
		t.Error("an offset of a partition without syncs is translated")
	}
}
