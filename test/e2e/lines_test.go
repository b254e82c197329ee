package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A feeder appends lines to a file until it is stopped, as a logging program
// does. Its lines are name-0, name-1 ...
type feeder struct {
	path, name string
	mu         sync.Mutex
	lines      int
	stop       func() // ends the feeding; may be called more than once
}

func line(name string, i int) string { return fmt.Sprintf("%s-%06d", name, i) }

// feed starts a feeder that writes a few lines every interval.
func feed(t testing.TB, path, name string, interval time.Duration) *feeder {
	t.Helper()
	f := &feeder{path: path, name: name}
	quit, done := make(chan struct{}), make(chan struct{})
	f.stop = sync.OnceFunc(func() { close(quit); <-done })
	t.Cleanup(f.stop)
	f.append(t, 1)
	go func() {
		defer close(done)
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				f.append(t, 3)
			}
		}
	}()
	return f
}

// append writes n more lines.
func (f *feeder) append(t testing.TB, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b strings.Builder
	for i := range n {
		b.WriteString(line(f.name, f.lines+i) + "\n")
	}
	appendTo(t, f.path, b.String())
	f.lines += n
}

// written returns how many lines there are.
func (f *feeder) written() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lines
}

func appendTo(t testing.TB, path, text string) {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = out.WriteString(text)
		err = errors.Join(err, out.Close())
	}
	if err != nil {
		t.Error(err)
	}
}

// linesOf returns the lines of a file; one that does not exist has none.
func linesOf(t testing.TB, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	must(t, err)
	defer f.Close()
	var lines []string
	for s := bufio.NewScanner(f); s.Scan(); {
		lines = append(lines, s.Text())
	}
	return lines
}

// counts tells how often each line is there.
func counts(lines []string) map[string]int {
	n := make(map[string]int, len(lines))
	for _, l := range lines {
		n[l]++
	}
	return n
}

// lacks says which of a feeder's first n lines are not there.
func lacks(have map[string]int, name string, n int) string {
	missing, first := 0, ""
	for i := range n {
		if l := line(name, i); have[l] == 0 {
			if missing++; missing == 1 {
				first = l
			}
		}
	}
	if missing == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d lines of %s are missing, the first is %s", missing, n, name, first)
}

// twice lists lines that are there more than once.
func twice(have map[string]int) []string {
	var more []string
	for l, n := range have {
		if n > 1 {
			more = append(more, fmt.Sprintf("%s (%d times)", l, n))
		}
	}
	slices.Sort(more)
	return more[:min(len(more), 10)]
}

// position returns the offset that FileStreamSource has committed for the file
// that a connector reads, 0 if none.
func position(w *worker, name, file string) int64 {
	w.Helper()
	for _, o := range w.offsets(name) {
		if o.Partition["filename"] == file && o.Offset != nil {
			return int64(o.Offset["position"].(float64))
		}
	}
	return 0
}

// lineLength is the length of a feeder's lines with their end.
func lineLength(name string) int64 { return int64(len(line(name, 0)) + 1) }

// fileSource and fileSink are configurations of Kafka's file connectors.
func fileSource(file, topic string, more ...string) props {
	return props{"connector.class": "FileStreamSource", "file": file, "topic": topic, "tasks.max": "1"}.with(more...)
}

func fileSink(file, topic string, more ...string) props {
	return props{
		"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "file": file, "topics": topic, "tasks.max": "1",
		"consumer.override.session.timeout.ms": "6000", "consumer.override.heartbeat.interval.ms": "500",
	}.with(more...)
}

// A flow is a file source, a topic and a file sink.
type flow struct {
	*feeder
	source, sink, topic, out string
	partitions               int
}

// newFlow makes a flow on the cluster that w belongs to, and waits until it
// runs.
func newFlow(t testing.TB, k *kafka, w *worker, name string, partitions, sinkTasks int, interval time.Duration) *flow {
	t.Helper()
	dir := t.TempDir()
	name = unique(name) // the sink's consumer group has it
	f := &flow{source: name + "-src", sink: name + "-snk", topic: k.topic(name, partitions), out: filepath.Join(dir, "out"), partitions: partitions}
	f.feeder = feed(t, filepath.Join(dir, "in"), name, interval)
	w.put(f.source, fileSource(f.path, f.topic))
	w.put(f.sink, fileSink(f.out, f.topic, "tasks.max", fmt.Sprint(sinkTasks)))
	w.await(f.source, "RUNNING", 1)
	w.await(f.sink, "RUNNING", sinkTasks)
	return f
}

// through waits until all lines that have been written are in the output.
func (f *flow) through(t testing.TB) map[string]int {
	t.Helper()
	n := f.written()
	var have map[string]int
	until(t, "lines of "+f.name+" pass through", func() string {
		have = counts(linesOf(t, f.out))
		return lacks(have, f.name, n)
	})
	return have
}

// honest checks that nothing is committed that is not where it should be: the
// source's offset is not beyond the lines in the topic, the sink's offsets are
// not beyond the records in its file. What is committed is read first, so that
// work that goes on meanwhile does no harm.
func (f *flow) honest(t testing.TB, k *kafka, w *worker) {
	t.Helper()
	lines := position(w, f.source, f.path) / lineLength(f.name)
	if c := lacks(counts(k.values(f.topic)), f.name, int(lines)); c != "" {
		t.Errorf("the source's committed offset is beyond what Kafka has: %s", c)
	}
	committed := k.committed("connect-"+f.sink, f.topic)
	have := counts(linesOf(t, f.out))
	for _, r := range k.read(f.topic) {
		if r.Offset < committed[r.Partition] && have[string(r.Value)] == 0 {
			t.Errorf("offset %d of partition %d is committed, but %s at %d is not in the sink's file", committed[r.Partition], r.Partition, r.Value, r.Offset)
			return
		}
	}
}
