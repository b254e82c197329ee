package worker_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// TestTraffic: the clients of tasks and of the worker are among the metrics,
// under their client ids, as long as they are open.
func TestTraffic(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.AllowAutoTopicCreation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	w := start(t, c.ListenAddrs()[0], nil)
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	if err := os.WriteFile(in, []byte("a line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]connect.Props{
		"src": {"connector.class": "FileStreamSource", "file": in, "topic": "t"},
		"snk": {"connector.class": "FileStreamSink", "file": out, "topics": "t"},
	} {
		p["name"] = name
		if _, err := w.Create(t.Context(), name, p, ""); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the line", func() bool { b, _ := os.ReadFile(out); return string(b) == "a line\n" })
	bytes := func(name, id string) float64 {
		m := regexp.MustCompile(name + `_total\{clientid="` + regexp.QuoteMeta(id) + `"\} (\S+)`).FindStringSubmatch(gathered(t, w))
		if m == nil {
			return -1
		}
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for name, id := range map[string]string{
		"kafka_producer_outgoing_byte": "connector-producer-src-0", "kafka_consumer_incoming_byte": "connector-consumer-snk-0",
		"kafka_connect_incoming_byte": "connect-127.0.0.1:1",
	} {
		if n := bytes(name, id); n <= 0 {
			t.Errorf("%s of %s: %v", name, id, n)
		}
	}
	open := regexp.MustCompile(`kafka_(?:producer|consumer|admin_client)_connection_count\{clientid="([^"]*)"\}`)
	ids := func() (ids []string) {
		for _, m := range open.FindAllStringSubmatch(gathered(t, w), -1) {
			ids = append(ids, m[1])
		}
		return ids
	}
	for _, name := range []string{"src", "snk"} {
		if err := w.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the tasks' clients to go", func() bool {
		left := ids()
		return len(left) > 0 && !slices.ContainsFunc(left, func(id string) bool { return regexp.MustCompile(`^connector-`).MatchString(id) })
	})
}
