package worker_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	_ "github.com/millwright-connect/millwright/connectors/all"
	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker"
	"github.com/millwright-connect/millwright/worker/config"
)

type noPeers struct{}

func (noPeers) PutTasks(context.Context, string, string, []connect.Props) error {
	return fmt.Errorf("there is one worker only")
}

func (noPeers) Fence(context.Context, string, string) error {
	return fmt.Errorf("there is one worker only")
}

// start runs a worker against a broker until the test ends.
func start(t testing.TB, bootstrap string, props connect.Props) *worker.Worker {
	t.Helper()
	id := fmt.Sprintf("g%d", time.Now().UnixNano()) // the broker may know earlier runs
	p := connect.Props{
		"bootstrap.servers": bootstrap, "group.id": id,
		"config.storage.topic": id + "-configs", "offset.storage.topic": id + "-offsets", "status.storage.topic": id + "-status",
		"config.storage.replication.factor": "1", "offset.storage.replication.factor": "1", "status.storage.replication.factor": "1",
		"offset.storage.partitions": "2", "status.storage.partitions": "2",
		"key.converter": "org.apache.kafka.connect.storage.StringConverter", "value.converter": "org.apache.kafka.connect.storage.StringConverter",
		"offset.flush.interval.ms": "200", "scheduled.rebalance.max.delay.ms": "0",
	}
	for k, v := range props {
		p[k] = v
	}
	s, err := config.ParseWorker(p, config.Distributed, &connect.Registered)
	if err != nil {
		t.Fatal(err)
	}
	level := slog.LevelWarn
	if os.Getenv("DEBUG") != "" {
		level = slog.LevelDebug
	}
	w := worker.New(worker.Options{
		Settings: s, Plugins: &connect.Registered, Peers: noPeers{}, URL: "http://127.0.0.1:1/", WorkerID: "127.0.0.1:1",
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: level})),
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error("the worker ended with", err)
		}
	})
	select {
	case <-w.Started():
	case err := <-done:
		t.Fatal("the worker did not start:", err)
		done <- nil
	}
	return w
}

// eventually polls a condition: what is waited for happens in other goroutines
// and in Kafka.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain for", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func running(w *worker.Worker, name string, tasks int) func() bool {
	return func() bool {
		s, err := w.Status(name)
		if err != nil || s.Connector.State != "RUNNING" || len(s.Tasks) != tasks {
			return false
		}
		for _, t := range s.Tasks {
			if t.State != "RUNNING" {
				return false
			}
		}
		return true
	}
}

func TestFileToFile(t *testing.T) {
	bootstrap := os.Getenv("KAFKA_BOOTSTRAP")
	if bootstrap == "" {
		c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.AllowAutoTopicCreation())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		bootstrap = c.ListenAddrs()[0]
	}
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	var want strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&want, "line %d\n", i)
	}
	if err := os.WriteFile(in, []byte(want.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	w := start(t, bootstrap, nil)
	topic := fmt.Sprintf("lines%d", time.Now().UnixNano())
	ctx := t.Context()
	if _, err := w.Create(ctx, "src", connect.Props{"name": "src", "connector.class": "FileStreamSource", "file": in, "topic": topic}, ""); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the source to run", running(w, "src", 1))
	if _, err := w.Create(ctx, "snk", connect.Props{"name": "snk", "connector.class": "FileStreamSink", "consumer.override.group.id": topic, "file": out, "topics": topic}, ""); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the sink to run", running(w, "snk", 1))
	eventually(t, "all lines", func() bool { b, _ := os.ReadFile(out); return string(b) == want.String() })
	eventually(t, "offsets", func() bool {
		o, err := w.Offsets(ctx, "src")
		return err == nil && len(o) == 1 && o[0].Offset["position"] == int64(want.Len())
	})
	if err := w.Pause(ctx, "src"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "pause", func() bool {
		s, _ := w.Status("src")
		return s.Connector.State == "PAUSED" && s.Tasks[0].State == "PAUSED"
	})
	if err := w.Resume(ctx, "src"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "resume", running(w, "src", 1))
	if err := w.RestartConnector(ctx, "src"); err != nil {
		t.Fatal(err)
	}
	if err := w.RestartTask(ctx, "snk", 0); err != nil {
		t.Fatal(err)
	}
	eventually(t, "restart", running(w, "snk", 1))
	if err := w.Stop(ctx, "snk"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "stop", func() bool { s, _ := w.Status("snk"); return s.Connector.State == "STOPPED" && len(s.Tasks) == 0 })
	if o, err := w.Offsets(ctx, "snk"); err != nil || len(o) != 1 || o[0].Offset["kafka_offset"] != int64(1000) {
		t.Fatal("sink offsets", o, err)
	}
	eventually(t, "reset", func() bool { m, err := w.ResetOffsets(ctx, "snk"); t.Log(m, err); return err == nil })
	if err := w.Delete(ctx, "src"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "deletion", func() bool { _, err := w.Status("src"); return err != nil })
	b, _ := os.ReadFile(out)
	if string(b) != want.String() {
		t.Error("lines were repeated or lost")
	}
}
