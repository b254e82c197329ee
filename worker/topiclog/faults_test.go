package topiclog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A plant is a cluster in fake time that can be stopped and started again.
type plant struct {
	*testing.T
	net  kfake.VirtualNetwork
	dir  string
	c    *kfake.Cluster
	opts []kgo.Opt
}

func inPlant(t *testing.T, f func(p *plant)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		p := &plant{T: t, dir: dir}
		p.opts = []kgo.Opt{kgo.SeedBrokers("127.0.0.1:9092"), kgo.Dialer(p.dial)}
		defer func() {
			if p.c != nil {
				p.c.Close()
			}
		}()
		f(p)
	})
}

// dial refuses as a real network does, which the client tells from other
// errors.
func (p *plant) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := p.net.DialContext(ctx, network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	return conn, nil
}

func (p *plant) start() {
	p.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.Ports(9092, 9093), kfake.ListenFn(p.net.Listen), kfake.DataDir(p.dir),
		kfake.SeedTopics(1, topic))
	if err != nil {
		p.Fatal(err)
	}
	p.c = c
}

func (p *plant) stop() {
	p.c.Close()
	p.c = nil
}

// run tails a log and returns what ends it: a function that stops it, and the
// channel that Run's error comes from.
func (p *plant) run(cfg Config) (l *Log, r *reader, stop func(), ended <-chan error) {
	p.Helper()
	r = &reader{}
	cfg.Topic, cfg.Apply, cfg.Opts = topic, r.apply, append(cfg.Opts, p.opts...)
	l, err := Open(p.Context(), cfg)
	if err != nil {
		p.Fatal(err)
	}
	ctx, cancel := context.WithCancel(p.Context())
	errs := make(chan error, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		errs <- l.Run(ctx)
	}()
	return l, r, func() {
		cancel()
		<-done
		l.Close()
	}, errs
}

func TestBrokersComeAndGo(t *testing.T) {
	inPlant(t, func(p *plant) {
		opened := make(chan struct{})
		go func() {
			defer close(opened)
			l, err := Open(p.Context(), Config{Topic: topic, Opts: p.opts, Apply: func(Record) {}})
			if err != nil {
				p.Error(err)
				return
			}
			l.Close()
		}()
		time.Sleep(time.Minute) // nobody listens
		select {
		case <-opened:
			p.Fatal("opened without a broker")
		default:
		}
		p.start()
		<-opened

		l, r, stop, ended := p.run(Config{})
		defer stop()
		for i := range 10 {
			must(p.T, l.Append(p.Context(), kv("k", fmt.Sprint(i))))
			p.stop()
			written := make(chan error, 1)
			go func() { written <- l.Append(p.Context(), kv("k", fmt.Sprint("late", i)), kv("l", fmt.Sprint(i))) }()
			synced := make(chan error, 1)
			go func() { synced <- l.Sync(p.Context()) }()
			time.Sleep(time.Duration(i*i) * time.Second)
			p.start()
			must(p.T, <-written)
			must(p.T, <-synced)
			must(p.T, l.Sync(p.Context()))
			if got, want := fmt.Sprint(r.get("k"), r.get("l")), fmt.Sprintf("late%d%d", i, i); got != want {
				p.Fatalf("read %s, want %s", got, want)
			}
		}
		if n := r.count(); n != 30 { // nothing twice
			p.Errorf("%d records, want 30", n)
		}
		select {
		case err := <-ended:
			p.Errorf("Run has ended: %v", err)
		default:
		}
	})
}

func TestPassingErrors(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.start()
		l, r, stop, ended := p.run(Config{})
		defer stop()
		n := 0
		for _, f := range []kfake.Fault{
			{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.NotLeaderForPartition, Count: 3},
			{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.FencedLeaderEpoch, Count: 1},
			{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.UnknownTopicID, Count: 2}, // a broker that lags behind
			{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.LeaderNotAvailable, Count: 3},
			{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.UnknownTopicOrPartition, Count: 3},
			{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: 5},
			{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.RequestTimedOut, Count: 1},
			{Keys: []kmsg.Key{kmsg.Metadata}, Err: kerr.UnknownTopicOrPartition, Count: 2},
			{Err: kerr.NotLeaderForPartition, Count: 20},
		} {
			f.Topic = topic
			h := p.c.Fault(f)
			must(p.T, p.c.MoveTopicPartition(topic, 0, int32(n%2)))
			must(p.T, l.Append(p.Context(), kv("k", fmt.Sprint(n))))
			must(p.T, l.Sync(p.Context()))
			n++
			if got := r.get("k"); got != fmt.Sprint(n-1) {
				p.Fatalf("after %v: k = %s", f.Err, got)
			}
			h.Remove()
		}
		if r.count() != n {
			p.Errorf("%d records, want %d", r.count(), n)
		}
		if len(ended) != 0 {
			p.Errorf("Run has ended: %v", <-ended)
		}
	})
}

func TestLastingErrors(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(p *plant)
		want  error
	}{
		"recreated": {func(p *plant) {
			must(p.T, p.c.DeleteTopic(topic))
			must(p.T, p.c.CreateTopic(topic, 1, nil))
		}, ErrTruncated},
		"cut": {func(p *plant) {
			p.c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: topic, Err: kerr.OffsetOutOfRange, Count: -1})
		}, ErrTruncated},
		"forbidden": {func(p *plant) {
			p.c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: topic, Err: kerr.TopicAuthorizationFailed, Count: -1})
		}, kerr.TopicAuthorizationFailed},
	} {
		t.Run(name, func(t *testing.T) {
			inPlant(t, func(p *plant) {
				p.start()
				l, _, stop, ended := p.run(Config{})
				defer stop()
				must(p.T, l.Append(p.Context(), kv("k", "v")))
				c.spoil(p)
				synced := make(chan error, 1)
				go func() { synced <- l.await(p.Context(), map[int32]int64{0: 1000}) }()
				select {
				case err := <-ended:
					if !errors.Is(err, c.want) || !strings.HasPrefix(err.Error(), `read topic "connect-configs": `) {
						p.Errorf("Run: %v", err)
					}
				case <-time.After(10 * time.Minute):
					p.Fatal("Run goes on")
				}
				if err := <-synced; !errors.Is(err, c.want) {
					p.Errorf("who waited got %v", err)
				}
			})
		})
	}
}

// A topic that somebody deletes is waited for: what runs goes on, as in Java.
func TestDeletedTopic(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.start()
		l, r, stop, ended := p.run(Config{})
		defer stop()
		must(p.T, l.Append(p.Context(), kv("k", "v")))
		must(p.T, l.Sync(p.Context()))
		must(p.T, p.c.DeleteTopic(topic))
		ctx, cancel := context.WithTimeoutCause(p.Context(), 5*time.Minute, errors.New("enough"))
		defer cancel()
		if err := l.await(ctx, map[int32]int64{0: 1000}); err == nil || err.Error() != "enough" {
			p.Errorf("who waits gets %v", err)
		}
		if r.get("k") != "v" || len(ended) != 0 {
			p.Errorf("k = %s, and %d ends of Run", r.get("k"), len(ended))
		}
		must(p.T, p.c.CreateTopic(topic, 1, nil))
		select {
		case err := <-ended:
			if !errors.Is(err, ErrTruncated) {
				p.Errorf("Run: %v", err)
			}
		case <-time.After(10 * time.Minute):
			p.Fatal("Run goes on with another topic")
		}
	})
}

func TestWriteErrorsNameTheKey(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.start()
		l, _, stop, _ := p.run(Config{})
		defer stop()
		p.c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Err: kerr.TopicAuthorizationFailed})
		err := l.Append(p.Context(), kv("k", "secret"))
		if !errors.Is(err, kerr.TopicAuthorizationFailed) || !strings.HasPrefix(err.Error(), `write "k" to topic "connect-configs": `) ||
			strings.Contains(err.Error(), "secret") {
			p.Error(err)
		}
		ctx, cancel := context.WithTimeoutCause(p.Context(), time.Second, errors.New("enough"))
		defer cancel()
		p.stop()
		if err := l.Append(ctx, kv("k", "v")); err == nil {
			p.Error("written without a broker")
		}
		if err := l.Sync(ctx); err == nil || !strings.Contains(err.Error(), "enough") {
			p.Error(err)
		}
	})
}

// What others commit while a transaction is open is out of sight until that
// ends.
func TestAwaitOpen(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.start()
		var said strings.Builder
		asked := 0
		l, r, stop, _ := p.run(Config{
			ReadCommitted: true, AwaitOpen: true, Log: slog.New(slog.NewTextHandler(&said, nil)),
			Blocked: func(context.Context) { asked++ },
		})
		defer stop()
		begin := func(id string) *kgo.Client {
			cl, err := kgo.NewClient(append(p.opts, kgo.TransactionalID(id), kgo.DefaultProduceTopic(topic))...)
			must(p.T, err)
			must(p.T, cl.BeginTransaction())
			must(p.T, cl.ProduceSync(p.Context(), &kgo.Record{Key: []byte(id), Value: []byte("written")}).FirstErr())
			return cl
		}
		killed, other := begin("killed"), begin("other")
		defer killed.Close()
		defer other.Close()
		must(p.T, other.EndTransaction(p.Context(), kgo.TryCommit))
		synced := make(chan error, 1)
		go func() { synced <- l.Sync(p.Context()) }()
		time.Sleep(30 * time.Second)
		select {
		case err := <-synced:
			p.Fatalf("synced (%v) before the open transaction has ended", err)
		default:
		}
		must(p.T, killed.EndTransaction(p.Context(), kgo.TryAbort))
		must(p.T, <-synced)
		if asked != 1 || strings.Count(said.String(), "somebody may have left open") != 1 || !strings.Contains(said.String(), "topic="+topic+" partition=0 offset=0 end=") {
			p.Errorf("asked %d times, said %s", asked, &said)
		}
		if r.get("other") != "written" || r.get("killed") != "" {
			p.Errorf("read %v", r.last)
		}
	})
}

// The client fails all that waits when the first record's context ends.
func TestOneWriterGivesUp(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.start()
		l, r, stop, _ := p.run(Config{})
		defer stop()
		p.stop()
		first, giveUp := context.WithCancel(p.Context())
		failed, written := make(chan error, 1), make(chan error, 1)
		go func() { failed <- l.Append(first, kv("k", "first")) }()
		time.Sleep(time.Second)
		go func() { written <- l.Append(p.Context(), kv("k", "second"), kv("k", "third")) }()
		time.Sleep(time.Second)
		giveUp()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			p.Error(err)
		}
		time.Sleep(time.Minute)
		p.start()
		must(p.T, <-written)
		must(p.T, l.Sync(p.Context()))
		if got := r.get("k"); got != "third" {
			p.Errorf("read %s, want third", got)
		}
	})
}

// What compaction leaves may end before the topic does.
func TestCompactedEnds(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.start()
		must(p.T, p.c.CreateTopic("compacted", 1, map[string]string{
			"cleanup.policy": "compact", "delete.retention.ms": "0", "min.compaction.lag.ms": "0", "segment.ms": "1",
		}))
		r := &reader{}
		cfg := Config{Topic: "compacted", Opts: p.opts, Apply: r.apply}
		l, err := Open(p.Context(), cfg)
		must(p.T, err)
		for range 3 {
			must(p.T, l.Append(p.Context(), kv("a", "1"), KV{Key: []byte("b")}))
			time.Sleep(time.Minute)
			p.c.Compact()
		}
		must(p.T, l.Append(p.Context(), KV{Key: []byte("a")}, KV{Key: []byte("b")}))
		time.Sleep(time.Minute)
		p.c.Compact()
		l.Close()
		info := p.c.PartitionInfo("compacted", 0)
		if info.HighWatermark != 8 {
			p.Fatalf("%+v", info)
		}
		l, err = Open(p.Context(), cfg)
		must(p.T, err)
		p.Logf("read %d of %d records", r.count(), info.HighWatermark)
		ctx, cancel := context.WithCancel(p.Context())
		done := make(chan error)
		go func() { done <- l.Run(ctx) }()
		must(p.T, l.Sync(ctx))
		must(p.T, l.Append(ctx, kv("a", "2")))
		must(p.T, l.Sync(ctx))
		if r.get("a") != "2" {
			p.Error(r.last)
		}
		cancel()
		must(p.T, <-done)
		l.Close()
	})
}

func TestIdleLogIsIdle(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.start()
		_, _, stop, _ := p.run(Config{})
		defer stop()
		all := p.c.Fault(kfake.Fault{Observe: true, Count: -1, Keys: []kmsg.Key{kmsg.Fetch, kmsg.Metadata, kmsg.ListOffsets}})
		time.Sleep(time.Hour)
		if n := all.Hits(); n == 0 || n > 360+60+24 { // fetches of 10 s, checks, metadata
			p.Errorf("%d requests in an hour", n)
		}
	})
}

func TestReadCommitted(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.start()
		l, r, stop, _ := p.run(Config{ReadCommitted: true, TransactionalID: "leader"})
		defer stop()
		raw, err := kgo.NewClient(append(p.opts, kgo.TransactionalID("other"), kgo.DefaultProduceTopic(topic))...)
		must(p.T, err)
		defer raw.Close()
		write := func(v string) {
			must(p.T, raw.ProduceSync(p.Context(), &kgo.Record{Key: []byte("k"), Value: []byte(v)}).FirstErr())
		}
		for i, end := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit, kgo.TryAbort} {
			before := r.count()
			must(p.T, raw.BeginTransaction())
			write(fmt.Sprint(i))
			must(p.T, l.Sync(p.Context())) // does not wait for what is open
			if r.count() != before {
				p.Fatal("an open transaction was read")
			}
			must(p.T, raw.EndTransaction(p.Context(), end))
			must(p.T, l.Sync(p.Context()))
			if got := r.count() - before; got != map[kgo.TransactionEndTry]int{kgo.TryCommit: 1, kgo.TryAbort: 0}[end] {
				p.Fatalf("transaction %d: %d records", i, got)
			}
		}
		must(p.T, l.Claim(p.Context()))
		must(p.T, l.AppendClaimed(p.Context(), kv("k", "mine"), kv("l", "mine")))
		must(p.T, l.Sync(p.Context()))
		if r.get("k")+r.get("l") != "minemine" {
			p.Error(r.last)
		}
		// What ends in control records is read to its end by one who comes late.
		_, late, stopLate, _ := p.run(Config{ReadCommitted: true})
		defer stopLate()
		if fmt.Sprint(late.last) != fmt.Sprint(r.last) {
			p.Error(late.last)
		}
		p.c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.TransactionalIDAuthorizationFailed, TxnID: "leader"})
		if err := l.AppendClaimed(p.Context(), kv("k", "lost")); !errors.Is(err, kerr.TransactionalIDAuthorizationFailed) || errors.Is(err, ErrFenced) {
			p.Errorf("err = %v", err)
		}
		if err := l.AppendClaimed(p.Context(), kv("k", "lost")); !errors.Is(err, ErrNotClaimed) {
			p.Errorf("err = %v", err)
		}
		must(p.T, l.Claim(p.Context())) // and gets over it
		must(p.T, l.AppendClaimed(p.Context(), kv("k", "again")))
		must(p.T, l.Sync(p.Context()))
		if r.get("k") != "again" {
			p.Error(r.last)
		}
	})
}
