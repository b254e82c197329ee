package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// ownWithProxy starts a broker that can be reached directly, and through a
// proxy: who comes through the proxy is sent back through it.
func ownWithProxy(t testing.TB) (*broker, *proxy) {
	t.Helper()
	brokers, proxies := brokersWithProxies(t, 1)
	return brokers[0], proxies[0]
}

// TestBrokerGoesAndComes restarts the only broker while records flow, twice.
func TestBrokerGoesAndComes(t *testing.T) {
	t.Parallel()
	b := own(t)
	c := newCluster(t, b.at)
	c.add()
	c.add()
	f := newFlow(t, b.kafka, c.workers[0], "r", 4, 4, pace)
	for range 2 {
		f.through(t)
		b.down()
		f.append(t, 100) // while it is away
		for _, w := range c.workers {
			if !w.alive() {
				t.Fatalf("worker %s has ended:\n%s", w.id(), w.tail())
			}
			// What the worker knows it still tells.
			if status, body, err := w.try(http.MethodGet, "/connectors/"+f.source, nil); err != nil || status != http.StatusOK {
				t.Errorf("GET without a broker: %d %s %v", status, body, err)
			}
		}
		b.up()
		f.append(t, 100)
		f.through(t)
	}
	c.workers[0].await(f.source, "RUNNING", 1)
	c.workers[0].await(f.sink, "RUNNING", 4)
	f.stop()
	f.through(t)
	f.honest(t, b.kafka, c.workers[0])
}

// TestNoBrokerAtStart starts a worker before its broker: it says so, waits
// without working, and comes up by itself.
func TestNoBrokerAtStart(t *testing.T) {
	t.Parallel()
	env(t, "KAFKA_BOOTSTRAP")
	port := freePorts(t, 1)[0]
	at := fmt.Sprintf("127.0.0.1:%d", port)
	c := newCluster(t, at)
	w := c.prepare()
	w.start()
	const line = "Kafka cannot be reached; trying again"
	until(t, "the worker has tried three times", func() string {
		if !w.alive() {
			t.Fatalf("it has ended:\n%s", w.tail())
		}
		if n := strings.Count(w.printed(), line); n < 3 {
			return fmt.Sprintf("%d lines", n)
		}
		return ""
	})
	if log := w.printed(); !strings.Contains(log, at) || !strings.Contains(log, "connection refused") {
		t.Errorf("the log does not say which broker, and why:\n%s", log)
	}
	if n := strings.Count(w.printed(), "\n"); n > 40 {
		t.Errorf("%d lines were logged for %d attempts", n, strings.Count(w.printed(), line))
	}
	if used := cpu(t, w); used > 3*time.Second {
		t.Errorf("the worker has worked for %v while it waited", used)
	}
	status, body, err := w.try(http.MethodGet, "/health", nil)
	if err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("health without a broker: %d %s %v", status, body, err)
	}
	ownAt(t, port)
	w.ready()
	// And one that is told to stop while it waits does.
	other := newCluster(t, fmt.Sprintf("127.0.0.1:%d", freePorts(t, 1)[0]))
	idle := other.prepare()
	idle.start()
	until(t, "it waits", func() string {
		if !strings.Contains(idle.printed(), line) {
			return "it has not tried yet"
		}
		return ""
	})
	if code := idle.stop(); code != 143 {
		t.Errorf("exit code %d, want 143", code)
	}
}

// cpu returns the processor time that a worker has used.
func cpu(t testing.TB, w *worker) time.Duration {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", w.cmd.Process.Pid))
	must(t, err)
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// TestNetworkCut cuts one of two workers off from the broker. The other takes
// over; the cut one stops what it can no longer be sure of, and comes back.
func TestNetworkCut(t *testing.T) {
	t.Parallel()
	b, p := ownWithProxy(t)
	c := newCluster(t, b.at)
	near := c.add()
	far := c.add("bootstrap.servers", p.addr())
	f := newFlow(t, b.kafka, near, "n", 4, 4, pace)
	g := newFlow(t, b.kafka, near, "o", 4, 4, pace)
	for round := range 2 {
		spread(near, 2, f.source, f.sink, g.source, g.sink)
		f.through(t)
		g.through(t)
		p.cut()
		for _, x := range []*flow{f, g} {
			alone(near, x.source, 1)
			alone(near, x.sink, 4)
			x.through(t)
			x.honest(t, b.kafka, near)
		}
		until(t, "the cut worker has given up its tasks", func() string {
			if !far.alive() {
				t.Fatalf("it has ended:\n%s", far.tail())
			}
			if n := strings.Count(far.printed(), "no longer a member of its group"); n <= round {
				return fmt.Sprintf("%d times so far", n)
			}
			return ""
		})
		p.mend()
		far.ready()
	}
	spread(near, 2, f.source, f.sink, g.source, g.sink)
	for _, x := range []*flow{f, g} {
		x.stop()
		x.through(t)
		x.honest(t, b.kafka, near)
	}
	// Each task runs once: what is written now comes once.
	for _, x := range []*flow{f, g} {
		n := x.written()
		x.append(t, 300)
		have := x.through(t)
		for i := n; i < n+300; i++ {
			if l := line(x.name, i); have[l] != 1 {
				t.Fatalf("%s came %d times after the network was mended", l, have[l])
			}
		}
	}
}
