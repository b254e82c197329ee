package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// A blackhole takes connections and never says a word, as a server that hangs.
type blackhole struct {
	port int
	mu   sync.Mutex
	held []net.Conn
}

func newBlackhole(t testing.TB) *blackhole {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	b := &blackhole{port: l.Addr().(*net.TCPAddr).Port}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			b.held = append(b.held, c)
			b.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
		b.let()
	})
	return b
}

// taken returns how many connections there were.
func (b *blackhole) taken() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.held)
}

// let ends the connections that are held.
func (b *blackhole) let() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.held {
		c.Close()
	}
}

// TestHungConnectors has a sink whose database, and a sink whose schema
// registry, accept connections and never answer. All else goes on as if they
// were not there, also making, changing and deleting them, and the worker stops
// in time.
func TestHungConnectors(t *testing.T) {
	t.Parallel()
	k := shared(t)
	c := newCluster(t, k.at, "task.shutdown.graceful.timeout.ms", "1000")
	a, b := c.add(), c.add()
	topic, avro := k.topic(unique("hung"), 1), k.topic(unique("avro"), 1)
	k.produce(topic, 1, `{"schema":{"type":"struct","fields":[{"field":"id","type":"int32"}]},"payload":{"id":7}}`)
	k.produce(avro, 1, "\x00\x00\x00\x00\x01abc")
	database, registry := newBlackhole(t), newBlackhole(t)
	sink := props{
		"connector.class": sqlSink, "topics": topic, "value.converter": jsonConverter,
		"connection.url": fmt.Sprintf("jdbc:mariadb://127.0.0.1:%d/plant", database.port), "connection.user": "u", "connection.password": "p",
	}
	reader := fileSink("/dev/null", avro, "value.converter", "io.confluent.connect.avro.AvroConverter",
		"value.converter.schema.registry.url", fmt.Sprintf("http://127.0.0.1:%d", registry.port), "errors.tolerance", "all")
	one, two := unique("one"), unique("two")
	a.put(one, sink)
	b.put(two, reader)
	until(t, "both hang", func() string {
		if database.taken() == 0 || registry.taken() == 0 {
			return fmt.Sprintf("%d and %d connections", database.taken(), registry.taken())
		}
		return ""
	})
	for i, w := range []*worker{a, b} {
		f := newFlow(t, k, w, fmt.Sprintf("flow%d", i), 1, 1, pace)
		f.through(t)
		w.put(f.sink, fileSink(f.out, f.topic, "tasks.max", "2"))
		w.await(f.sink, "RUNNING", 2)
		w.call("PUT", "/connectors/"+f.source+"/pause", nil, nil)
		w.await(f.source, "PAUSED", 1)
		w.call("PUT", "/connectors/"+f.source+"/resume", nil, nil)
		w.await(f.source, "RUNNING", 1)
		w.call("POST", "/connectors/"+f.sink+"/restart?includeTasks=true", nil, nil)
		w.await(f.sink, "RUNNING", 2)
		// The ones that hang answer too.
		w.call("GET", "/connectors/"+one+"/status", nil, nil)
		w.put(one, sink.with("batch.size", fmt.Sprint(100+i)))
		w.call("POST", "/connectors/"+two+"/restart?includeTasks=true", nil, nil)
		f.through(t)
		f.stop()
		w.call("DELETE", "/connectors/"+f.source, nil, nil)
	}
	if code := a.stop(); code != 143 {
		t.Errorf("exit code %d, want 143", code)
	}
	b.call("DELETE", "/connectors/"+one, nil, nil)
	b.call("DELETE", "/connectors/"+two, nil, nil)
	until(t, "they are gone", func() string {
		for _, name := range []string{one, two} {
			if status, body, err := b.try(http.MethodGet, "/connectors/"+name+"/status", nil); err != nil || status != http.StatusNotFound {
				return fmt.Sprintf("%d %s %v", status, body, err)
			}
		}
		return ""
	})
	if code := b.stop(); code != 143 {
		t.Errorf("exit code %d, want 143", code)
	}
}

// TestHungForward has a leader that is frozen while a follower forwards a
// request to it: what needs no leader is answered all the same.
func TestHungForward(t *testing.T) {
	t.Parallel()
	k := shared(t)
	c := newCluster(t, k.at, "session.timeout.ms", "60000", "rebalance.timeout.ms", "60000")
	c.add()
	c.add()
	f := newFlow(t, k, c.workers[0], "h", 1, 1, pace)
	f.through(t)
	frozen := leader(c)
	rest := other(c, frozen)
	frozen.signal(syscall.SIGSTOP)
	ctx, cancel := context.WithCancel(t.Context())
	hung := make(chan error, 1)
	go func() {
		_, _, err := rest.tryFor(ctx, "PUT", "/connectors/new/config", fileSource(f.path, f.topic))
		hung <- err
	}()
	for range 20 {
		for _, path := range []string{"/", "/connectors?expand=info&expand=status", "/connectors/" + f.source + "/status", "/connector-plugins", "/metrics"} {
			rest.call("GET", path, nil, nil)
		}
		rest.call("PUT", "/connector-plugins/FileStreamSource/config/validate", fileSource("/dev/null", "t"), nil)
	}
	select {
	case err := <-hung:
		t.Errorf("the request that needs the leader was answered while it was frozen: %v", err)
	default:
	}
	cancel()
	if err := <-hung; err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("the request that needs the leader ended with %v", err)
	}
	frozen.signal(syscall.SIGCONT)
	rest.put("new", fileSource(f.path, f.topic))
	rest.await("new", "RUNNING", 1)
}
