package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// TestChaos disturbs three workers and their broker in random order while
// records flow, and looks afterwards whether anything is lost, comes more often
// than promised, or is not running. The seed is printed; the environment can
// set it, and how long and how large it is to be:
//
//	MILLWRIGHT_CHAOS_SEED=7 MILLWRIGHT_CHAOS_TIME=10m MILLWRIGHT_CHAOS_CONNECTORS=50 MILLWRIGHT_CHAOS_BROKERS=3 go test -run Chaos ./test/e2e
func TestChaos(t *testing.T) {
	t.Parallel()
	env(t, "KAFKA_BOOTSTRAP") // there is a Kafka to start
	if testing.Short() {
		t.Skip("takes a minute; not run with -short")
	}
	seed := setting(t, "MILLWRIGHT_CHAOS_SEED", rand.Uint64(), func(s string) (uint64, error) { return strconv.ParseUint(s, 10, 64) })
	connectors := setting(t, "MILLWRIGHT_CHAOS_CONNECTORS", 50, strconv.Atoi)
	brokers := setting(t, "MILLWRIGHT_CHAOS_BROKERS", 1, strconv.Atoi)
	lasting := setting(t, "MILLWRIGHT_CHAOS_TIME", 25*time.Second, time.ParseDuration)
	for _, exactly := range []bool{false, true} {
		name := map[bool]string{false: "at least once", true: "exactly once"}[exactly]
		t.Run(name, func(t *testing.T) {
			t.Logf("seed %d, %d connectors, %d brokers, %v", seed, connectors, brokers, lasting)
			s := newStorm(t, seed, connectors, brokers, exactly)
			twice := watchDoubles(t, s.workers)
			s.rage(lasting)
			s.settle()
			// A member that nobody hears goes on until its session has passed, and its
			// tasks have the time for a graceful stop. The rest is for a busy machine.
			twice.judge(t, sessionTime+gracefulTime+3*time.Second)
			s.judge()
		})
	}
}

func setting[T any](t *testing.T, name string, otherwise T, parse func(string) (T, error)) T {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	v, err := parse(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// A storm is a cluster and what may happen to it.
type storm struct {
	*cluster
	began   time.Time
	rand    *rand.Rand
	broker  *broker // the first
	brokers []*broker
	proxies []*proxy // between each broker and the last worker
	exactly bool
	flows   []*flow
	frozen  map[*worker]bool
	cut     bool
	broken  int // restarts of the broker so far
	asking  sync.WaitGroup
}

func newStorm(t *testing.T, seed uint64, connectors, brokers int, exactly bool) *storm {
	s := &storm{began: time.Now(), rand: rand.New(rand.NewPCG(seed, seed)), exactly: exactly, frozen: map[*worker]bool{}}
	s.brokers, s.proxies = brokersWithProxies(t, brokers)
	s.broker = s.brokers[0]
	var direct, proxied []string
	for i, b := range s.brokers {
		direct, proxied = append(direct, b.at), append(proxied, s.proxies[i].addr())
	}
	s.cluster = newCluster(t, strings.Join(direct, ","), "config.storage.replication.factor", "-1", "offset.storage.replication.factor", "-1", "status.storage.replication.factor", "-1", "session.timeout.ms", ms(sessionTime), "heartbeat.interval.ms", "500", "scheduled.rebalance.max.delay.ms", "1000",
		"exactly.once.source.support", map[bool]string{false: "disabled", true: "enabled"}[exactly], "task.shutdown.graceful.timeout.ms", ms(gracefulTime),
		"producer.transaction.timeout.ms", "10000") // what a killed task leaves open holds up others until its successor comes, or for so long
	s.add()
	s.add()
	s.add("bootstrap.servers", strings.Join(proxied, ","))
	t.Cleanup(s.transactions)
	for i := range connectors / 2 {
		s.flows = append(s.flows, newFlow(t, s.broker.kafka, s.workers[i%3], fmt.Sprintf("c%d", i), 1+i%3, 1+i%3, 20*time.Millisecond))
	}
	return s
}

// The times that say how long a task may run twice.
const (
	sessionTime  = 3 * time.Second
	gracefulTime = 2 * time.Second
)

func ms(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// note logs what happens, and when.
func (s *storm) note(format string, args ...any) {
	s.Logf("%5.1fs %s", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

// transactions tells, when the test has failed, which are open in the topic of
// the offsets: they hold up tasks.
func (s *storm) transactions() {
	topic := s.id + "-offsets"
	ends, err := s.broker.admin.ListEndOffsets(context.Background(), topic)
	if !s.Failed() || err != nil {
		return
	}
	stable, _ := s.broker.admin.ListCommittedOffsets(context.Background(), topic)
	producers, _ := s.broker.admin.DescribeProducers(context.Background(), ends.Offsets().TopicsSet())
	ends.Each(func(o kadm.ListedOffset) {
		at, _ := stable.Lookup(topic, o.Partition)
		s.Logf("offsets topic, partition %d: end %d, stable until %d", o.Partition, o.Offset, at.Offset)
	})
	for _, p := range producers.SortedProducers() {
		if p.CurrentTxnStartOffset >= 0 {
			s.Logf("open: %+v", p)
		}
	}
	list, _ := s.broker.admin.ListTransactions(context.Background(), nil, nil)
	described, _ := s.broker.admin.DescribeTransactions(context.Background(), list.TransactionalIDs()...)
	for _, d := range described {
		s.Logf("%+v", d)
	}
}

// rage lets things happen.
func (s *storm) rage(lasting time.Duration) {
	over := time.After(lasting)
	for {
		select {
		case <-over:
			return
		case <-s.Context().Done():
			return
		case <-time.After(time.Duration(100+s.rand.IntN(1000)) * time.Millisecond): // the weather, not a wait for something
		}
		s.happens()
	}
}

func (s *storm) happens() {
	w := s.workers[s.rand.IntN(len(s.workers))]
	f := s.flows[s.rand.IntN(len(s.flows))]
	n := s.rand.IntN(100)
	what := ""
	switch {
	case !w.alive():
		what = "start"
		w.start()
	case s.frozen[w]:
		what = "wake"
		w.signal(syscall.SIGCONT)
		delete(s.frozen, w)
	case s.cut && w == s.workers[2]:
		what = "mend the network of"
		s.mend()
	case n < 20:
		what = "kill"
		w.kill()
	case n < 30:
		what = "freeze"
		w.signal(syscall.SIGSTOP)
		s.frozen[w] = true
	case n < 38:
		what = "stop"
		w.signal(syscall.SIGTERM) // it ends by itself, or is killed or started meanwhile
		<-w.done
	case n < 48 && w == s.workers[2]:
		what = "cut the network of"
		for _, p := range s.proxies {
			p.cut()
		}
		s.cut = true
	case n < 52 && s.broken < 2:
		s.broken++
		b := s.rand.IntN(len(s.brokers))
		if s.rand.IntN(2) == 0 {
			s.note("restart broker %d", b)
			s.brokers[b].down()
		} else {
			s.note("kill broker %d", b)
			s.brokers[b].kill()
		}
		s.brokers[b].up()
		return
	case n < 70:
		what = "change " + f.sink + " at"
		s.ask(w, "PUT", "/connectors/"+f.sink+"/config", f.sinkConfig("tasks.max", fmt.Sprint(1+s.rand.IntN(3))))
	case n < 80:
		what = "change " + f.source + " at"
		s.ask(w, "PUT", "/connectors/"+f.source+"/config", fileSource(f.path, f.topic, "batch.size", fmt.Sprint(1+s.rand.IntN(100))))
	case n < 90:
		what = "pause and resume " + f.source + " at"
		s.ask(w, "PUT", "/connectors/"+f.source+"/pause", nil)
		s.ask(w, "PUT", "/connectors/"+f.source+"/resume", nil)
	default:
		what = "restart " + f.sink + " at"
		s.ask(w, "POST", "/connectors/"+f.sink+"/restart?includeTasks=true", nil)
	}
	s.note("%s worker %d", what, slices.Index(s.workers, w))
}

func (s *storm) mend() {
	if s.cut {
		for _, p := range s.proxies {
			p.mend()
		}
		s.cut = false
	}
}

// ask sends a request that may or may not be carried out.
func (s *storm) ask(w *worker, method, path string, body any) {
	s.asking.Go(func() {
		ctx, cancel := context.WithTimeout(s.Context(), 20*time.Second)
		defer cancel()
		_, _, _ = w.tryFor(ctx, method, path, body)
	})
}

func (f *flow) sinkConfig(more ...string) props {
	return fileSink(f.out, f.topic, "consumer.override.session.timeout.ms", "3000").with(more...)
}

// settle mends everything and waits until all runs.
func (s *storm) settle() {
	s.note("settle")
	s.mend()
	for _, w := range s.workers {
		switch {
		case s.frozen[w]:
			w.signal(syscall.SIGCONT)
		case !w.alive():
			w.start()
		}
	}
	for _, w := range s.workers {
		w.ready()
	}
	s.note("all workers are back")
	s.asking.Wait()
	w := s.workers[0]
	for _, f := range s.flows {
		w.put(f.source, fileSource(f.path, f.topic))
		w.put(f.sink, f.sinkConfig("tasks.max", fmt.Sprint(f.partitions)))
		w.call("PUT", "/connectors/"+f.source+"/resume", nil, nil)
	}
	for _, f := range s.flows {
		w.await(f.source, "RUNNING", 1)
		w.await(f.sink, "RUNNING", f.partitions)
	}
	s.note("all is running")
	for _, f := range s.flows {
		f.stop()
		f.through(s)
	}
	s.note("all has passed through")
}

// judge looks at what came of it.
func (s *storm) judge() {
	for _, f := range s.flows {
		// One writer and one reader of each from here on.
		n := f.written()
		f.append(s, 20)
		have := f.through(s)
		f.honest(s, s.broker.kafka, s.workers[0])
		records := s.broker.read(f.topic)
		written := map[string]int{}
		for _, r := range records {
			written[string(r.Value)]++
		}
		for i := n; i < n+20; i++ {
			if l := line(f.name, i); have[l] != 1 || written[l] != 1 {
				s.Errorf("%s came %d times, and is %d times in Kafka, after all was well", l, have[l], written[l])
			}
		}
		for v := range written {
			if !strings.HasPrefix(v, f.name+"-") || len(v) != len(line(f.name, 0)) {
				s.Errorf("%q is in Kafka and in no file", v)
			}
		}
		if more := twice(written); s.exactly && more != nil {
			s.Errorf("a reader of committed records sees twice: %v", more)
			for _, r := range records {
				if written[string(r.Value)] > 1 {
					s.Logf("%s: partition %d offset %d at %v by producer %d epoch %d", r.Value, r.Partition, r.Offset, r.Timestamp, r.ProducerID, r.ProducerEpoch)
				}
			}
		}
	}
}
