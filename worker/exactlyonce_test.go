package worker_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// TestExactlyOnce stops and restarts a source in the middle of its file, on a
// real broker: a reader of committed records sees every line once, in order.
func TestExactlyOnce(t *testing.T) {
	bootstrap := os.Getenv("KAFKA_BOOTSTRAP")
	if bootstrap == "" {
		t.Skip("KAFKA_BOOTSTRAP is not set: no broker with real transactions")
	}
	for _, boundary := range []string{"poll", "interval"} {
		t.Run(boundary, func(t *testing.T) {
			id := fmt.Sprintf("eos%d", time.Now().UnixNano())
			w := start(t, bootstrap, connect.Props{
				"exactly.once.source.support": "enabled", "group.id": id,
				"config.storage.topic": id + "-configs", "offset.storage.topic": id + "-offsets", "status.storage.topic": id + "-status",
			})
			in := filepath.Join(t.TempDir(), "in")
			f, err := os.Create(in)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			ctx := t.Context()
			props := connect.Props{
				"name": "src", "connector.class": "FileStreamSource", "file": in, "topic": id, "batch.size": "100", "exactly.once.support": "required",
				"transaction.boundary": boundary, "transaction.boundary.interval.ms": "50",
			}
			if _, err := w.Create(ctx, "src", props, ""); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the source to run", running(w, "src", 1))
			n := 0
			for range 5 {
				var b strings.Builder
				for range 2000 {
					fmt.Fprintf(&b, "line %d\n", n)
					n++
				}
				if _, err := f.WriteString(b.String()); err != nil {
					t.Fatal(err)
				}
				if err := w.RestartTask(ctx, "src", 0); err != nil {
					t.Fatal(err)
				}
			}
			got := readAll(t, bootstrap, id, n)
			for i, line := range got {
				if want := fmt.Sprintf("line %d", i); line != want {
					t.Fatalf("record %d is %q, want %q", i, line, want)
				}
			}
		})
	}
}

func readAll(t *testing.T, bootstrap, topic string, n int) (got []string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for len(got) < n {
		fs := cl.PollFetches(ctx)
		if err := fs.Err0(); err != nil {
			t.Fatalf("after %d of %d records: %v", len(got), n, err)
		}
		fs.EachRecord(func(r *kgo.Record) { got = append(got, string(r.Value)) })
	}
	return got
}
