package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/connecttest"
	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/worker/kafka"
)

// sent collects what a syncWriter sends; answer ends what is on its way.
type sent struct {
	log  []string
	wait []func(*kgo.Record, error)
}

func (s *sent) send(r *kgo.Record, done func(*kgo.Record, error)) {
	o, _ := readOffsetSync(r.Key, r.Value)
	s.log = append(s.log, fmt.Sprintf("%s %d:%d", o.topicPartition, o.upstream, o.downstream))
	s.wait = append(s.wait, done)
}

func (s *sent) answer() {
	for len(s.wait) > 0 {
		done := s.wait[0]
		s.wait = s.wait[1:]
		done(nil, errors.New("it may fail"))
	}
}

func TestSyncWriter(t *testing.T) {
	type step struct {
		up, down int64 // up -1: a commit
		want     string
	}
	commit := func(want string) step { return step{-1, 0, want} }
	for _, c := range []struct {
		name   string
		maxLag int64
		steps  []step
	}{
		{"the first is sent, the rest at commits", 100, []step{{5, 3, "p-0 5:3"}, {6, 4, ""}, {7, 5, ""}, commit("p-0 7:5"), commit("")}},
		{"after the greatest lag", 2, []step{{0, 0, "p-0 0:0"}, {1, 1, ""}, {2, 2, ""}, {3, 3, "p-0 3:3"}, commit("")}},
		{"no lag", 0, []step{{0, 0, "p-0 0:0"}, {1, 1, "p-0 1:1"}, {2, 2, "p-0 2:2"}}},
		{"a gap at the source", 100, []step{{0, 0, "p-0 0:0"}, {2, 1, "p-0 2:1"}, {3, 2, ""}}},
		{"back at the source", 100, []step{{5, 0, "p-0 5:0"}, {6, 1, ""}, {5, 2, "p-0 5:2"}}},
		{"back at the target", 100, []step{{0, 9, "p-0 0:9"}, {1, 10, ""}, {2, 3, "p-0 2:3"}}},
		{"what is sent at once does not wait any more", 3, []step{{0, 0, "p-0 0:0"}, {1, 1, ""}, {9, 2, "p-0 9:2"}, commit("")}},
	} {
		s := &sent{}
		w := &syncWriter{topic: "syncs", maxLag: c.maxLag, log: slog.New(slog.DiscardHandler), send: s.send}
		p := newSyncState(topicPartition{"p", 0})
		for i, step := range c.steps {
			s.log = nil
			if step.up < 0 {
				w.flush()
			} else {
				w.wrote(p, step.up, step.down)
			}
			s.answer()
			if got := strings.Join(s.log, ","); got != step.want {
				t.Errorf("%s, step %d: sent %q, want %q", c.name, i, got, step.want)
			}
		}
	}
}

// At most ten syncs are on their way; the others follow as these arrive, with
// what is newest by then.
func TestSyncWriterOutstanding(t *testing.T) {
	s := &sent{}
	w := &syncWriter{topic: "syncs", maxLag: 0, log: slog.New(slog.DiscardHandler), send: s.send}
	var states []*syncState
	for i := range int32(15) {
		states = append(states, newSyncState(topicPartition{"p", i}))
		w.wrote(states[i], 0, 0)
	}
	if len(s.log) != maxOutstanding {
		t.Fatalf("%d syncs on their way", len(s.log))
	}
	w.wrote(states[12], 1, 1)
	s.answer()
	want := []string{"p-10 0:0", "p-11 0:0", "p-12 1:1", "p-13 0:0", "p-14 0:0"}
	if got := s.log[maxOutstanding:]; !slices.Equal(got, want) {
		t.Errorf("then %v, want %v", got, want)
	}
	if w.outstanding != 0 || len(w.pending) != 0 {
		t.Errorf("%d on their way, %d pending", w.outstanding, len(w.pending))
	}
}

func TestFilters(t *testing.T) {
	for _, c := range []struct {
		include, exclude string
		takes, leaves    string
	}{
		{"", "", "", "a b"},
		{".*", "", "a __b", ""},
		{"a,b", "", "a b", "ab c"},
		{"plant\\..*, (?i)OVEN", "plant\\.x.*", "plant.a oven", "plant.x plant.xy ovens"},
		{"(?!secret).*", "__.*", "a", "secret secret1 __a"}, // Go's own expressions lack look-ahead
	} {
		f, err := newTopicFilter(connect.Props{"topics": c.include, "topics.exclude": c.exclude})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range strings.Fields(c.takes) {
			if !f.takes(name) {
				t.Errorf("%v does not take %s", c, name)
			}
		}
		for _, name := range strings.Fields(c.leaves) {
			if f.takes(name) {
				t.Errorf("%v takes %s", c, name)
			}
		}
	}
	if f, err := newGroupFilter(connect.Props{}); err != nil || !f.takes("g") || f.takes("connect-x") || f.takes("console-consumer-1") {
		t.Error("defaults of groups", err)
	}
	p, err := newPropertyFilter(connect.Props{"use.defaults.from": "source"})
	if err != nil || !p.defaults || p.takes("min.insync.replicas") || !p.takes("retention.ms") {
		t.Error("defaults of properties", err)
	}
}

func TestClientSettings(t *testing.T) {
	c := config{source: "a", target: "b", props: connect.Props{
		"source.cluster.bootstrap.servers": "s:1", "source.cluster.linger.ms": "9", "source.cluster.sasl.mechanism": "PLAIN",
		"target.cluster.bootstrap.servers": "t:1", "target.cluster.security.protocol": "SSL",
		"producer.linger.ms": "1", "target.producer.linger.ms": "2", "consumer.max.poll.records": "7", "source.consumer.isolation.level": "read_committed",
		"admin.retries": "3", "ssl.protocol": "x",
	}}
	for _, v := range []struct {
		at   string
		kind kafka.Kind
		want map[string]string
	}{
		{atSource, kafka.Consumer, map[string]string{"bootstrap.servers": "s:1", "sasl.mechanism": "PLAIN", "max.poll.records": "7", "isolation.level": "read_committed", "enable.auto.commit": "false", "auto.offset.reset": "earliest"}},
		{atTarget, kafka.Consumer, map[string]string{"bootstrap.servers": "t:1", "security.protocol": "SSL", "max.poll.records": "7", "enable.auto.commit": "false", "auto.offset.reset": "earliest"}},
		{atSource, kafka.Producer, map[string]string{"bootstrap.servers": "s:1", "sasl.mechanism": "PLAIN", "linger.ms": "1"}},
		{atTarget, kafka.Producer, map[string]string{"bootstrap.servers": "t:1", "security.protocol": "SSL", "linger.ms": "2"}},
		{atSource, kafka.Admin, map[string]string{"bootstrap.servers": "s:1", "sasl.mechanism": "PLAIN", "retries": "3"}},
	} {
		if got := c.settings(v.at, v.kind); !maps.Equal(got, v.want) {
			t.Errorf("%s of the %s: %v, want %v", v.kind, v.at, got, v.want)
		}
	}
	if s, err := exactlyOnce(c.props); s != connect.Supported || err != nil {
		t.Error(s, err)
	}
	if s, err := exactlyOnce(connect.Props{"consumer.isolation.level": "READ_COMMITTED"}); s != connect.Unsupported || err != nil {
		t.Error(s, err)
	}
}

func TestChecks(t *testing.T) {
	faults := func(p connect.SourcePlugin, props connect.Props) (all []string) {
		var d connect.ConfigDef
		p.Config().Define(&d)
		infos := d.Validate(props)
		blamed, err := connect.Blamed(p.Check(t.Context(), props, infos))
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range append(infos, blamed...) {
			for _, e := range i.Value.Errors {
				all = append(all, i.Value.Name+": "+e)
			}
		}
		return all
	}
	for _, c := range []struct {
		plugin connect.SourcePlugin
		props  string
		want   string
	}{
		{Source, "", ""},
		{Source, "exactly.once.support=required consumer.isolation.level=read_committed", ""},
		{Source, "exactly.once.support=required", "exactly.once.support: MirrorSourceConnector can only provide exactly-once guarantees when its source consumer is configured with isolation.level set to 'read_committed'; otherwise, records from aborted and uncommitted transactions will be replicated from the source cluster to the target cluster."},
		{Source, "emit.offset-syncs.enabled=false", ""},
		{Source, "emit.offset-syncs.enabled=false offset-syncs.topic.location=target", "emit.offset-syncs.enabled: MirrorSourceConnector can't setup offset-syncs feature while emit.offset-syncs.enabled set to false"},
		{Source, "topics=a( topics.exclude=b", "topics: Invalid value a( for configuration topics: Invalid regex: Unclosed group near index 2\na("},
		{Source, "replication.policy.class=com.Acme", "replication.policy.class: Invalid value com.Acme for configuration replication.policy.class: Class com.Acme could not be found."},
		{Checkpoint, "", ""},
		{Checkpoint, "emit.checkpoints.enabled=false", "emit.checkpoints.enabled: MirrorCheckpointConnector can't run with emit.checkpoints.enabled set to false"},
		{Checkpoint, "emit.offset-syncs.enabled=false", "emit.offset-syncs.enabled: MirrorCheckpointConnector can't run without offset syncs"},
		{Checkpoint, "emit.offset-syncs.enabled=false enabled=false", ""},
	} {
		p := connect.Props{"source.cluster.alias": "a"}
		for _, kv := range strings.Fields(c.props) {
			k, v, _ := strings.Cut(kv, "=")
			p[k] = v
		}
		if got := strings.Join(faults(c.plugin, p), "; "); got != c.want {
			t.Errorf("%s: %s\n got %s\nwant %s", c.plugin.Class, c.props, got, c.want)
		}
	}
}

func TestAlterOffsets(t *testing.T) {
	type o = connect.Object
	good := o{"cluster": "a", "topic": "t", "partition": int64(0)}
	for _, c := range []struct {
		plugin            connect.SourcePlugin
		partition, offset o
		want              string
	}{
		{Source, o{"junk": 1}, nil, ""},
		{Source, good, o{"offset": int64(7)}, ""},
		{Source, nil, o{"offset": int64(7)}, "Source partitions may not be null"},
		{Source, o{"topic": "t", "partition": int64(0)}, o{"offset": int64(7)}, "Source partition {partition=0, topic=t} is missing the 'cluster' key, which is required"},
		{Source, o{"cluster": int64(1), "topic": "t", "partition": int64(0)}, o{"offset": int64(7)}, "Source partition {cluster=1, partition=0, topic=t} has an invalid value 1 for the 'cluster' key, which must be a string"},
		{Source, o{"cluster": "a", "topic": "t"}, o{"offset": int64(7)}, "Source partition {cluster=a, topic=t} is missing the 'partition' key, which is required"},
		{Source, o{"cluster": "a", "topic": "t", "partition": "0"}, o{"offset": int64(7)}, "Source partition {cluster=a, partition=0, topic=t} has an invalid value 0 for the 'partition' key, which must be an integer"},
		{Source, o{"cluster": "a", "topic": "t", "partition": int64(-1)}, o{"offset": int64(7)}, "Source partition {cluster=a, partition=-1, topic=t} has an invalid value -1 for the 'partition' key, which cannot be negative"},
		{Source, good, o{}, "Source offset {} for source partition {cluster=a, partition=0, topic=t} is missing the 'offset' key, which is required"},
		{Source, good, o{"offset": nil}, "Source offset {offset=null} for source partition {cluster=a, partition=0, topic=t} has an invalid value null for the 'offset' key, which must be an integer"},
		{Source, good, o{"offset": int64(-1)}, "Source offset {offset=-1} for source partition {cluster=a, partition=0, topic=t} has an invalid value -1 for the 'offset' key, which cannot be negative"},
		{Checkpoint, o{"group": "g", "topic": "t", "partition": int64(0)}, o{"offset": int64(0)}, ""},
		{Checkpoint, o{"group": "g", "topic": "t", "partition": int64(0)}, o{"offset": int64(1)}, "Source offset {offset=1} for source partition {group=g, partition=0, topic=t} has an invalid value 1 for the 'offset' key; the only accepted value is 0"},
		{Heartbeat, o{"sourceClusterAlias": "a", "targetClusterAlias": "b"}, o{"offset": int64(0)}, ""},
		{Heartbeat, o{"sourceClusterAlias": "a"}, o{"offset": int64(0)}, "Source partition {sourceClusterAlias=a} is missing the 'targetClusterAlias' key, which is required"},
	} {
		ok, err := c.plugin.AlterOffsets(t.Context(), nil, []connect.PartitionOffset{{Partition: c.partition, Offset: c.offset}})
		if got := fmt.Sprint(err); c.want == "" && (!ok || err != nil) || c.want != "" && got != c.want {
			t.Errorf("%v %v: %v, want %s", c.partition, c.offset, err, c.want)
		}
	}
}

// TestTasks deals partitions and groups out as Java does, and does not take
// tasks away while it is not known what there is.
func TestTasks(t *testing.T) {
	c := &sourceConnector{sourceConfig: sourceConfig{config: config{enabled: true, props: connect.Props{"x": "y"}}}}
	if tasks, err := c.Tasks(t.Context(), 3); len(tasks) != 0 || connect.ClassOf(err) != connect.RetriableException {
		t.Error(tasks, err)
	}
	c.set(topicSizes{"t0": 8, "t1": 2, "t2": 2}, nil)
	tasks, err := c.Tasks(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"t0-0,t0-3,t0-6,t1-1", "t0-1,t0-4,t0-7,t2-0", "t0-2,t0-5,t1-0,t2-1"} {
		if p := tasks[i]; p[partitionsProperty] != want || p[indexProperty] != fmt.Sprint(i) || p["x"] != "y" {
			t.Errorf("task %d: %v", i, p)
		}
	}
	if tasks, _ := c.Tasks(t.Context(), 100); len(tasks) != 12 {
		t.Errorf("%d tasks", len(tasks))
	}
	c.set(topicSizes{}, nil)
	if tasks, err := c.Tasks(t.Context(), 3); len(tasks) != 0 || err != nil {
		t.Error(tasks, err)
	}
	g := &checkpointConnector{checkpointConfig: checkpointConfig{config: config{enabled: true, props: connect.Props{}}, emit: true}, known: strings.Fields("a b c d e f g"), loaded: true}
	tasks, _ = g.Tasks(t.Context(), 3)
	for i, want := range []string{"a,b,c", "d,e", "f,g"} {
		if tasks[i][groupsProperty] != want {
			t.Errorf("task %d: %v", i, tasks[i])
		}
	}
}

// A source that is away is asked again soon, not at the next refresh.
func TestSourceAway(t *testing.T) {
	inBubble(t, func(t *testing.T, a, b site) {
		p := props(a, b, "admin.timeout.ms", "5000")
		p["source.cluster.bootstrap.servers"] = "127.0.0.1:9999"
		h := &connecttest.Host{}
		c, err := Source.Open(t.Context(), h, p)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Tasks(t.Context(), 1); connect.ClassOf(err) != connect.RetriableException {
			t.Errorf("tasks: %v", err)
		}
		s := &schedule{timeout: time.Second, log: slog.New(slog.DiscardHandler)}
		var at []time.Duration
		began := time.Now()
		s.add(job{what: "x", every: 10 * time.Second, once: true, run: func(context.Context) error {
			if at = append(at, time.Since(began)/time.Second); len(at) == 7 {
				return nil
			}
			return errors.New("away")
		}}, time.Second)
		s.start()
		time.Sleep(10 * time.Minute)
		s.stop()
		if want := []time.Duration{1, 2, 4, 8, 16, 26, 36}; !slices.Equal(at, want) {
			t.Errorf("tried after %v seconds, want %v", at, want)
		}
	})
}

// TestConvert makes of a record what Java makes: schemas that say bytes, of
// which keys and null headers may be none.
func TestConvert(t *testing.T) {
	source, err := connect.NewSourcePartition(connect.Object{"cluster": "a", "topic": "t", "partition": int32(3)})
	if err != nil {
		t.Fatal(err)
	}
	if source.Key() != `{"cluster":"a","partition":3,"topic":"t"}` {
		t.Error(source.Key())
	}
	b := batch{places: make([]place, 0, 1), headers: make([]connect.Header, 0, 2), now: 1100}
	s := &stream{remote: "a.t", source: source}
	records := b.convert(nil, s, []*kgo.Record{{
		Topic: "t", Partition: 3, Offset: 41, Value: []byte("v"), Timestamp: time.UnixMilli(1000),
		Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("x")}, {Key: "n"}},
	}})
	r := records[0]
	if r.Topic != "a.t" || r.Partition != 3 || r.Timestamp != 1000 || r.Source != source {
		t.Errorf("%+v", r)
	}
	for what, d := range map[string]struct {
		got      data.Datum
		optional bool
		text     string
	}{
		"key": {r.Key, true, ""}, "value": {r.Value, false, "v"}, "header": {r.Headers[0].Value, false, "x"}, "null header": {r.Headers[1].Value, true, ""},
	} {
		if d.got.Schema.Kind() != data.Bytes || d.got.Schema.IsOptional() != d.optional || d.got.Value.IsNull() != (d.text == "") || d.text != "" && string(d.got.Value.Bytes()) != d.text {
			t.Errorf("%s: %v %v", what, d.got.Schema, d.got.Value)
		}
	}
	if b, err := json.Marshal(r.Position); err != nil || string(b) != `{"offset":41}` {
		t.Errorf("position %s %v", b, err)
	}
	if s.age.Load() != 100 || s.bytes.Load() != 1 {
		t.Errorf("age %d, bytes %d", s.age.Load(), s.bytes.Load())
	}
}

func TestNewerCheckpoint(t *testing.T) {
	before := checkpoint{upstream: 100, downstream: 50}
	for _, c := range []struct {
		upstream, downstream int64
		newer                bool
	}{
		{100, 50, false}, {110, 50, false}, {110, 40, false}, {110, 51, true}, {99, 20, true}, {99, 50, true}, {100, 51, true},
	} {
		if got := (checkpoint{upstream: c.upstream, downstream: c.downstream}).newer(before); got != c.newer {
			t.Errorf("%d:%d after 100:50 is news: %v", c.upstream, c.downstream, got)
		}
	}
}
