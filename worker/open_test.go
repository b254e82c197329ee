package worker

import (
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/worker/kafka"
	"github.com/millwright-connect/millwright/worker/metrics"
)

// Tasks and requests wait for what the worker's own topics say. A fetch of them
// that was held for longer than Java's half second has held up the start of
// tasks for as long: a partition whose offset was not known yet was not in it.
func TestOwnTopicsAreAskedOften(t *testing.T) {
	for wait, props := range map[time.Duration]map[string]string{
		500 * time.Millisecond: {"bootstrap.servers": "localhost:1"},
		700 * time.Millisecond: {"bootstrap.servers": "localhost:1", "fetch.max.wait.ms": "700"},
	} {
		w := &Worker{kafka: kafka.Worker{Props: props, GroupID: "g"}, log: slog.New(slog.DiscardHandler), metrics: metrics.NewWorker()}
		cfg, err := w.logConfig("statuses", "statuses", false)
		if err != nil {
			t.Fatal(err)
		}
		cl, err := kgo.NewClient(cfg.Opts...)
		if err != nil {
			t.Fatal(err)
		}
		if got := cl.OptValue(kgo.FetchMaxWait); got != wait {
			t.Errorf("with %v the broker may hold a fetch for %v, want %v", props, got, wait)
		}
		cl.Close()
	}
}
