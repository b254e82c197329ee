package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// standalone makes a worker of its own, which keeps its offsets in a file.
func standalone(t testing.TB, k *kafka, settings props, connectors ...props) *worker {
	t.Helper()
	dir := t.TempDir()
	base := fmt.Sprintf("http://127.0.0.1:%d", freePorts(t, 1)[0])
	w := &worker{TB: t, base: base, log: filepath.Join(dir, "worker.log")}
	file := filepath.Join(dir, "standalone.properties")
	writeProps(t, file, props{
		"bootstrap.servers": k.at, "key.converter": stringConverter, "value.converter": stringConverter, "listeners": base,
		"offset.storage.file.filename": filepath.Join(dir, "offsets"), "offset.flush.interval.ms": "200",
	}.with(pairs(settings)...))
	w.args = []string{"standalone", file}
	for _, c := range connectors {
		path := filepath.Join(dir, c["name"]+".properties")
		writeProps(t, path, c)
		w.args = append(w.args, path)
	}
	t.Cleanup(w.end)
	return w
}

func pairs(p props) []string {
	var list []string
	for k, v := range p {
		list = append(list, k, v)
	}
	return list
}

// TestStandalone runs a source and a sink as two workers without a cluster, and
// again: the second time only new lines pass. What is in Kafka is what the
// converter makes of a line.
func TestStandalone(t *testing.T) {
	t.Parallel()
	k := shared(t)
	for _, c := range []struct {
		name      string
		converter props
		record    func(line string) string
	}{
		{"text", props{}, func(l string) string { return l }},
		{"json", props{"value.converter": jsonConverter, "value.converter.schemas.enable": "false"}, func(l string) string { return `"` + l + `"` }},
		{"json with schema", props{"value.converter": jsonConverter}, func(l string) string {
			return `{"schema":{"type":"string","optional":false},"payload":"` + l + `"}`
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
			topic := k.topic(unique("s"), 1)
			sinkName := unique("sink")
			appendTo(t, in, "foo\nbar\nbaz\n")
			source := standalone(t, k, props{}, fileSource(in, topic, "name", "source").with(pairs(c.converter)...))
			sink := standalone(t, k, props{}, fileSink(out, topic, "name", sinkName).with(pairs(c.converter)...))
			want := []string{"foo", "bar", "baz"}
			for round := range 3 {
				for _, w := range []*worker{source, sink} {
					w.start()
					w.ready()
				}
				source.await("source", "RUNNING", 1)
				sink.await(sinkName, "RUNNING", 1)
				until(t, "the lines pass through", func() string {
					if got := linesOf(t, out); !slices.Equal(got, want) {
						if len(got) > len(want) {
							t.Fatalf("too many lines: %q", got)
						}
						return fmt.Sprintf("%q", got)
					}
					return ""
				})
				for _, w := range []*worker{source, sink} {
					if code := w.stop(); code != 143 {
						t.Errorf("exit code %d, want 143", code)
					}
				}
				more := fmt.Sprintf("line of round %d", round)
				appendTo(t, in, more+"\n")
				want = append(want, more)
			}
			var records []string
			for _, l := range want[:len(want)-1] {
				records = append(records, c.record(l))
			}
			if got := k.values(topic); !slices.Equal(got, records) {
				t.Errorf("Kafka has %q, want %q", got, records)
			}
		})
	}
}

// TestStandaloneREST makes connectors of a standalone worker over REST; they are
// gone after a restart, unlike those of its files.
func TestStandaloneREST(t *testing.T) {
	t.Parallel()
	k := shared(t)
	dir := t.TempDir()
	in := filepath.Join(dir, "in")
	appendTo(t, in, "a\n")
	w := standalone(t, k, props{}, fileSource(in, k.topic(unique("x"), 1), "name", "of-file"))
	w.start()
	w.ready()
	w.await("of-file", "RUNNING", 1)
	topic := k.topic(unique("y"), 1)
	w.call("POST", "/connectors", map[string]any{"name": "of-rest", "config": fileSource(in, topic)}, nil)
	w.await("of-rest", "RUNNING", 1)
	until(t, "the line is in Kafka", func() string {
		if got := k.values(topic); !slices.Equal(got, []string{"a"}) {
			return fmt.Sprint(got)
		}
		return ""
	})
	w.stop()
	w.start()
	w.ready()
	w.await("of-file", "RUNNING", 1)
	if status, body, err := w.try(http.MethodGet, "/connectors/of-rest", nil); err != nil || status != http.StatusNotFound {
		t.Errorf("%d %s %v", status, body, err)
	}
}

// TestStandaloneBadConnector ends with a message when a connector's file is bad.
func TestStandaloneBadConnector(t *testing.T) {
	t.Parallel()
	k := shared(t)
	for _, c := range []struct {
		name      string
		connector props
		want      []string
	}{
		{"no class", props{"name": "x", "topic": "t"}, []string{"no connector type"}},
		{"wrong class", props{"name": "x", "connector.class": "FileStreamSorce", "topic": "t"}, []string{"FileStreamSorce"}},
		{"wrong type", fileSource("/in", "t", "name", "x", "batch.size", "many"), []string{"batch.size", "many"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := standalone(t, k, props{}, c.connector)
			code, out := run(t, nil, w.args...)
			if code != 2 {
				t.Errorf("exit code %d, want 2", code)
			}
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("%q is not in:\n%s", want, out)
				}
			}
		})
	}
}
