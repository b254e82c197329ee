package topiclog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A reader is a store as small as can be: the last value of each key.
type reader struct {
	mu   sync.Mutex
	all  []Record
	last map[string]string
}

func (r *reader) apply(rec Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, rec)
	if r.last == nil {
		r.last = map[string]string{}
	}
	if rec.Value == nil {
		delete(r.last, string(rec.Key))
		return
	}
	r.last[string(rec.Key)] = string(rec.Value)
}

func (r *reader) get(key string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last[key]
}

func (r *reader) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.all)
}

const topic = "connect-configs"

func cluster(t *testing.T, partitions int32) (*kfake.Cluster, []kgo.Opt) {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...)}
}

func ctxOf(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// open opens a log and tails it until the test ends.
func open(t *testing.T, cfg Config) (*Log, *reader) {
	t.Helper()
	r := &reader{}
	cfg.Apply = r.apply
	if cfg.Topic == "" {
		cfg.Topic = topic
	}
	l, err := Open(ctxOf(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		l.Close()
	})
	return l, r
}

func kv(key, value string) KV { return KV{Key: []byte(key), Value: []byte(value)} }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOpenReadsWhatIsThere(t *testing.T) {
	_, opts := cluster(t, 5)
	ctx := ctxOf(t)
	a, ra := open(t, Config{Opts: opts})
	if n := a.Partitions(); n != 5 {
		t.Fatalf("partitions = %d", n)
	}
	for i := range 100 {
		must(t, a.Append(ctx, kv(fmt.Sprintf("k%d", i%10), fmt.Sprint(i))))
	}
	must(t, a.Append(ctx, KV{Key: []byte("k3")}, KV{Key: []byte("k4"), Value: []byte{}}))
	must(t, a.Sync(ctx))

	_, rb := open(t, Config{Opts: opts})
	for _, r := range []*reader{ra, rb} {
		if r.count() != 102 || r.get("k9") != "99" {
			t.Errorf("read %d records, k9 = %q", r.count(), r.get("k9"))
		}
		if _, ok := r.last["k3"]; ok {
			t.Error("a tombstone did not arrive as nil")
		}
		if _, ok := r.last["k4"]; !ok {
			t.Error("an empty value arrived as a tombstone")
		}
		seen := map[int32]int64{}
		for _, rec := range r.all {
			if next := seen[rec.Partition]; rec.Offset != next {
				t.Fatalf("partition %d: offset %d where %d was due", rec.Partition, rec.Offset, next)
			}
			seen[rec.Partition]++
			if rec.Timestamp <= 0 {
				t.Fatalf("timestamp %d", rec.Timestamp)
			}
		}
	}
}

func TestSyncSeesWhatOthersWrote(t *testing.T) {
	_, opts := cluster(t, 1)
	ctx := ctxOf(t)
	a, _ := open(t, Config{Opts: opts})
	b, rb := open(t, Config{Opts: opts})
	for i := range 50 {
		v := fmt.Sprint(i)
		must(t, a.Append(ctx, kv("k", v)))
		must(t, b.Sync(ctx))
		if got := rb.get("k"); got != v {
			t.Fatalf("after Sync k = %q, want %q", got, v)
		}
	}
}

// Java's partition for a key is murmur2(key) & 0x7fffffff % n; the numbers are
// Utils.murmur2's of Kafka's own test of it.
func TestPartitionsAreJavas(t *testing.T) {
	_, opts := cluster(t, 25)
	ctx := ctxOf(t)
	l, r := open(t, Config{Opts: opts})
	for key, murmur2 := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
	} {
		must(t, l.Append(ctx, kv(key, "v")))
		must(t, l.Sync(ctx))
		want := (murmur2 & 0x7fffffff) % 25
		if got := r.all[r.count()-1].Partition; got != want {
			t.Errorf("%q is in partition %d, in Java in %d", key, got, want)
		}
	}
}

func TestOpenOfAMissingTopic(t *testing.T) {
	_, opts := cluster(t, 1)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 300*time.Millisecond, errors.New("no patience"))
	defer cancel()
	_, err := Open(ctx, Config{Topic: "absent", Opts: opts, Apply: func(Record) {}})
	if err == nil || err.Error() != `read topic "absent" to its end: no patience: UNKNOWN_TOPIC_OR_PARTITION: This server does not host this topic-partition.` {
		t.Fatalf("err = %v", err)
	}
}

func TestSyncAfterRun(t *testing.T) {
	_, opts := cluster(t, 1)
	ctx := ctxOf(t)
	l, err := Open(ctx, Config{Topic: topic, Opts: opts, Apply: func(Record) {}})
	must(t, err)
	defer l.Close()
	run, cancel := context.WithCancel(ctx)
	cancel()
	must(t, l.Run(run))
	must(t, l.Append(ctx, kv("k", "v")))
	if err := l.Sync(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("Sync after Run = %v", err)
	}
}

func TestClaimFences(t *testing.T) {
	_, opts := cluster(t, 1)
	ctx := ctxOf(t)
	cfg := Config{Opts: opts, TransactionalID: "connect-cluster-g", ReadCommitted: true}
	a, ra := open(t, cfg)
	b, rb := open(t, cfg)
	if err := a.AppendClaimed(ctx, kv("k", "0")); !errors.Is(err, ErrNotClaimed) {
		t.Fatalf("unclaimed write: %v", err)
	}
	must(t, a.Claim(ctx))
	must(t, a.Claim(ctx))
	must(t, a.AppendClaimed(ctx, kv("k", "1"), kv("j", "1")))
	must(t, b.Claim(ctx))
	if err := a.AppendClaimed(ctx, kv("k", "2")); !errors.Is(err, ErrFenced) {
		t.Fatalf("write of a fenced leader: %v", err)
	}
	if err := a.AppendClaimed(ctx, kv("k", "3")); !errors.Is(err, ErrNotClaimed) {
		t.Fatalf("second write of a fenced leader: %v", err)
	}
	must(t, b.AppendClaimed(ctx, kv("l", "4")))
	b.Relinquish()
	must(t, a.Append(ctx, kv("m", "5"))) // plain writes need no claim
	must(t, a.Sync(ctx))
	must(t, b.Sync(ctx))
	for _, r := range []*reader{ra, rb} {
		if got := fmt.Sprint(r.last); got != "map[j:1 k:1 l:4 m:5]" {
			t.Errorf("the topic holds %s", got)
		}
	}
	c, _ := open(t, Config{Opts: opts})
	must(t, c.Claim(ctx)) // nothing to claim
	must(t, c.AppendClaimed(ctx, kv("k", "6")))
}
