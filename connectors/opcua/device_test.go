package opcua

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/test/services"
)

// patience is how long a test waits for what must come.
const patience = 60 * time.Second

// host is a worker that keeps its log.
type host struct {
	t   *testing.T
	mu  sync.Mutex
	log []string
}

func (h *host) Name() string { return "test" }
func (h *host) Log() *slog.Logger {
	return slog.New(slog.NewTextHandler(h, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (*host) Gauge(string, map[string]string, func() float64) error { return nil }

func (h *host) Offset(context.Context, *connect.SourcePartition) (connect.Object, error) {
	return nil, nil
}

func (h *host) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log = append(h.log, string(b))
	return len(b), nil
}

// logged returns the lines that hold a text.
func (h *host) logged(text string) (lines []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.log {
		if strings.Contains(l, text) {
			lines = append(lines, l)
		}
	}
	return lines
}

// onEach runs a test against the servers that MILLWRIGHT_TEST_OPCUA_ASYNCUA and
// MILLWRIGHT_TEST_OPCUA_NODE name by their endpoint URLs.
func onEach(t *testing.T, test func(t *testing.T, endpoint string)) {
	for _, s := range []struct{ name, env string }{{"asyncua", "MILLWRIGHT_TEST_OPCUA_ASYNCUA"}, {"node-opcua", "MILLWRIGHT_TEST_OPCUA_NODE"}} {
		t.Run(s.name, func(t *testing.T) {
			endpoint := os.Getenv(s.env)
			if endpoint == "" {
				t.Skipf("%s is not set: it is the endpoint URL of a server to test with", s.env)
			}
			test(t, endpoint)
		})
	}
}

// nodeServer is the node-opcua server, for what asyncua lacks.
func nodeServer(t *testing.T) string {
	t.Helper()
	endpoint := os.Getenv("MILLWRIGHT_TEST_OPCUA_NODE")
	if endpoint == "" {
		t.Skip("MILLWRIGHT_TEST_OPCUA_NODE is not set: it is the endpoint URL of a server to test with")
	}
	return endpoint
}

const testURI = "nsu=urn:millwright:test;s="

func props(endpoint string, more ...string) connect.Props {
	p := connect.Props{
		"endpoint": endpoint, "topic": "plant", "nodes": testURI + "Counter", "publishing.interval.ms": "100", "sampling.interval.ms": "0",
		"connection.retry.initial.ms": "50", "connection.retry.max.ms": "200",
	}
	for i := 0; i < len(more); i += 2 {
		p[more[i]] = more[i+1]
	}
	return p
}

// running is a task under test, polled by the test.
type running struct {
	*task
	*host
}

func run(t *testing.T, p connect.Props) *running {
	t.Helper()
	h := &host{t: t}
	got, err := openTask(t.Context(), h, p)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{got.(*task), h}
	t.Cleanup(func() {
		r.Close()
		if t.Failed() {
			h.mu.Lock()
			t.Log(strings.Join(h.log, ""))
			h.mu.Unlock()
		}
	})
	return r
}

// poll polls until enough says so, and fails the test when it takes too long.
func (r *running) poll(t *testing.T, enough func(all []connect.SourceRecord) bool) []connect.SourceRecord {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all []connect.SourceRecord
	for !enough(all) {
		var err error
		if all, err = r.Poll(ctx, all); err != nil {
			t.Fatalf("after %d records: %v", len(all), err)
		}
	}
	return all
}

// fails polls until the task fails, and returns why.
func (r *running) fails(t *testing.T) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		if _, err := r.Poll(ctx, nil); err != nil {
			if ctx.Err() != nil {
				t.Fatal("it does not fail")
			}
			return err
		}
	}
}

func atLeast(n int) func([]connect.SourceRecord) bool {
	return func(all []connect.SourceRecord) bool { return len(all) >= n }
}

// ofNode returns the values of a node in order, as text.
func ofNode(all []connect.SourceRecord, name string) (values []string) {
	for _, r := range all {
		if strings.HasSuffix(r.Key.Value.Str(), "="+name) {
			values = append(values, r.Value.Value.Struct().Get("value").String())
		}
	}
	return values
}

// seen waits until nodes have had certain values.
func seen(name string, want ...string) func([]connect.SourceRecord) bool {
	return func(all []connect.SourceRecord) bool {
		got := ofNode(all, name)
		for _, w := range want {
			if !slices.Contains(got, w) {
				return false
			}
		}
		return true
	}
}

// client returns a session of its own for writing to a server.
type client struct {
	*device
	*link
	namespaces []string
}

func dialTest(t *testing.T, endpoint string) *client {
	t.Helper()
	var c config
	if err := connect.Parse(props(endpoint), &c); err != nil {
		t.Fatal(err)
	}
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
	d := &device{config: &c, name: "writer", log: slog.New(slog.DiscardHandler), peer: peer{uri: defaultURI}}
	ctx := t.Context()
	l, err := c.connect(ctx, &d.peer, func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.closeSession(context.Background())
		l.close()
	})
	if _, err := d.login(ctx, l); err != nil {
		t.Fatal(err)
	}
	ns, err := d.namespaces(ctx, l)
	if err != nil {
		t.Fatal(err)
	}
	return &client{d, l, ns}
}

func (c *client) write(t *testing.T, name string, v any) {
	t.Helper()
	ref, err := parseNode(testURI + name)
	if err != nil {
		t.Fatal(err)
	}
	id, err := ref.in(c.namespaces)
	if err != nil {
		t.Fatal(err)
	}
	value := &ua.DataValue{Value: ua.MustVariant(v), SourceTimestamp: time.Now()}
	value.UpdateMask()
	res, err := call[*ua.WriteResponse](t.Context(), c.link, patience, &ua.WriteRequest{NodesToWrite: []*ua.WriteValue{{NodeID: id, AttributeID: ua.AttributeIDValue, Value: value}}})
	if err != nil || res.Results[0] != ua.StatusOK {
		t.Fatalf("write %s: %v %v", name, err, res)
	}
}

// counter reads the server's counter.
func (c *client) counter(t *testing.T) int64 {
	t.Helper()
	ref, err := parseNode(testURI + "Counter")
	if err != nil {
		t.Fatal(err)
	}
	id, err := ref.in(c.namespaces)
	if err != nil {
		t.Fatal(err)
	}
	values, err := c.read(t.Context(), c.link, 1, ua.TimestampsToReturnNeither, []*ua.ReadValueID{valueOf(id)})
	if err != nil {
		t.Fatal(err)
	}
	return values[0].Value.Int()
}

// certificate makes a client certificate and returns its files.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	if err := services.OPCUACertificate(dir, "client", "urn:millwright:test:client"); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "client.der"), filepath.Join(dir, "client.key.pem")
}

// secure returns the properties of an encrypted connection.
func secure(t *testing.T, policy, mode string) []string {
	cert, key := certificate(t)
	return []string{"security.policy", policy, "security.mode", mode, "certificate.file", cert, "private.key.file", key, "trust.all", "true"}
}
