package pipeline

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/worker/metrics"
)

// queue keeps dead letters and acknowledges them when told to.
type queue struct {
	letters []Raw
	done    []func(error)
}

func (q *queue) send(r Raw, done func(error)) {
	q.letters, q.done = append(q.letters, r), append(q.done, done)
}

func raw(value string) *Raw {
	return &Raw{Topic: "t", Partition: 2, Offset: 7, Timestamp: 1700000000000, Key: []byte("k"), Value: []byte(value), Headers: []RawHeader{{"h", []byte("v")}}}
}

func showHeaders(h []RawHeader) string {
	var b strings.Builder
	for _, x := range h {
		b.WriteString(x.Key + "=" + string(x.Value) + ";")
	}
	return b.String()
}

// The headers are those of golden/open/errors/dlq-context-headers.json.
func TestDeadLetter(t *testing.T) {
	q, m := &queue{}, &metrics.TaskErrors{}
	var log bytes.Buffer
	p := New(config(Config{Tolerate: true, LogErrors: true, LogMessages: true, Metrics: m, Dead: &DeadLetters{Topic: "dlq", Headers: true, Send: q.send}, Log: slog.New(slog.NewTextHandler(&log, nil))}))
	var r connect.SinkRecord
	if keep, err := p.In(t.Context(), raw("bad"), &r); keep || err != nil {
		t.Fatalf("keep %v, error %v", keep, err)
	}
	if len(q.letters) != 1 {
		t.Fatalf("%d letters", len(q.letters))
	}
	l := q.letters[0]
	want := "h=v;__connect.errors.topic=t;__connect.errors.partition=2;__connect.errors.offset=7;__connect.errors.connector.name=c;__connect.errors.task.id=0;" +
		"__connect.errors.stage=VALUE_CONVERTER;__connect.errors.class.name=test.TextConverter;__connect.errors.exception.class.name=org.apache.kafka.connect.errors.DataException;" +
		"__connect.errors.exception.message=cannot convert bad;__connect.errors.exception.stacktrace=org.apache.kafka.connect.errors.DataException: cannot convert bad\n;"
	if l.Topic != "dlq" || string(l.Key) != "k" || string(l.Value) != "bad" || l.Timestamp != 1700000000000 || showHeaders(l.Headers) != want {
		t.Errorf("letter %s to %s:\n got %s\nwant %s", l.Value, l.Topic, showHeaders(l.Headers), want)
	}
	if want := "where consumed record is {topic='t', partition=2, offset=7, timestamp=1700000000000, timestampType=CreateTime}."; !strings.Contains(log.String(), want) {
		t.Errorf("log %s", log.String())
	}
	q.done[0](errors.New("no broker"))
	if err := p.Await(t.Context()); err != nil {
		t.Errorf("the loss of a letter that the task did not reject is an error: %v", err)
	}
	if m.DLQRequests.Load() != 1 || m.DLQFailures.Load() != 1 {
		t.Errorf("%d requests, %d failures", m.DLQRequests.Load(), m.DLQFailures.Load())
	}
}

// TestTopicOfDecoded: a record has a topic once it is decoded, whatever the
// transforms then do; in Java a connector uses the topics of such records.
func TestTopicOfDecoded(t *testing.T) {
	drop := step(func(*connect.Record) (bool, error) { return false, nil })
	p := New(config(Config{Tolerate: true, Steps: []Step{{Transform: drop, Class: "Drop"}}}))
	for value, topic := range map[string]string{"bad": "", "v": "t"} {
		var r connect.SinkRecord
		if keep, err := p.In(t.Context(), raw(value), &r); keep || err != nil || r.Topic != topic {
			t.Errorf("%s: keep %v, topic %q, error %v", value, keep, r.Topic, err)
		}
	}
}

func TestRejectAndAwait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queue{}
		upper := step(func(r *connect.Record) (bool, error) { r.Topic, r.Value = "T", str("V"); return true, nil })
		p := New(config(Config{Tolerate: true, Steps: []Step{{Transform: upper, Class: "U"}}, Dead: &DeadLetters{Topic: "dlq", Headers: true, Send: q.send}}))
		batch := make([]connect.SinkRecord, 3)
		for i := range batch {
			one := raw("v")
			one.Offset = int64(i)
			if keep, err := p.In(t.Context(), one, &batch[i]); !keep || err != nil {
				t.Fatal(keep, err)
			}
		}
		if err := p.Reject(&batch[2], connect.Errorf("x.Y", "no")); err != nil {
			t.Fatal(err)
		}
		if err := p.Reject(&batch[0], errors.New("no")); err != nil {
			t.Fatal(err)
		}
		if len(q.letters) != 2 || q.letters[0].Offset != 2 || q.letters[1].Offset != 0 || string(q.letters[0].Value) != "v" {
			t.Fatalf("letters %+v", q.letters)
		}
		if h := showHeaders(q.letters[0].Headers); !strings.Contains(h, "stage=TASK_PUT;") || !strings.Contains(h, "class.name=org.apache.kafka.connect.sink.SinkTask;") || !strings.Contains(h, "exception.class.name=x.Y;") {
			t.Errorf("headers %s", h)
		}
		q.done[0](nil)
		awaited := make(chan error)
		go func() { awaited <- p.Await(context.Background()) }()
		synctest.Wait()
		select {
		case err := <-awaited:
			t.Fatalf("did not wait for the second letter: %v", err)
		default:
		}
		q.done[1](errors.New("no broker"))
		if err := <-awaited; err == nil {
			t.Error("a rejected record was lost and nobody is told")
		}
		if err := p.Await(context.Background()); err != nil {
			t.Errorf("told twice: %v", err)
		}
		p.Taken()
		if err := p.Reject(&batch[1], errors.New("late")); err != nil {
			t.Fatal(err)
		}
		if l := q.letters[2]; string(l.Value) != "V" || !strings.Contains(showHeaders(l.Headers), "errors.topic=t;") {
			t.Errorf("a late record is %s with %s", l.Value, showHeaders(l.Headers))
		}
	})
}

func TestRejectWithoutTolerance(t *testing.T) {
	p := New(config(Config{}))
	var r connect.SinkRecord
	if _, err := p.In(t.Context(), raw("v"), &r); err != nil {
		t.Fatal(err)
	}
	err := p.Reject(&r, errors.New("no"))
	if err == nil || err.Error() != "Tolerance exceeded in error handler" {
		t.Errorf("error %v", err)
	}
}

// A source has a dead letter queue too, which Java's has not: the record as the
// task made it, with its place in the source, and Await to say that it is safe.
func TestDeadLetterOfSource(t *testing.T) {
	q := &queue{}
	p := New(config(Config{Tolerate: true, Dead: &DeadLetters{Topic: "dlq", Headers: true, Send: q.send, Key: anyText{}, Value: anyText{}}}))
	source, err := connect.NewSourcePartition(connect.Object{"file": "f"})
	if err != nil {
		t.Fatal(err)
	}
	r := connect.NewSourceRecord("t", source, connect.Object{"line": 3}, data.Datum{}, data.Datum{Value: data.Str("bad")})
	if _, _, keep, err := p.Out(t.Context(), &r, nil); keep || err != nil {
		t.Fatalf("keep %v, error %v", keep, err)
	}
	if len(q.letters) != 1 {
		t.Fatalf("%d letters", len(q.letters))
	}
	l := q.letters[0]
	if l.Topic != "dlq" || l.Key != nil || string(l.Value) != "any:bad" {
		t.Errorf("letter %q: %q to %s", l.Key, l.Value, l.Topic)
	}
	for _, want := range []string{`__connect.errors.source.partition={"file":"f"};`, `__connect.errors.source.offset={"line":3};`, "__connect.errors.stage=VALUE_CONVERTER;"} {
		if !strings.Contains(showHeaders(l.Headers), want) {
			t.Errorf("headers %s lack %s", showHeaders(l.Headers), want)
		}
	}
	lost := errors.New("no broker")
	q.done[0](lost)
	if err := p.Await(t.Context()); !errors.Is(err, lost) {
		t.Errorf("the loss of a source's letter is not told: %v", err)
	}
}

// anyText writes what no other converter would.
type anyText struct{ connect.Converter }

func (anyText) Encode(dst []byte, _ string, _ []connect.Header, d data.Datum) ([]byte, error) {
	if d.Value.IsNull() {
		return nil, nil
	}
	return append(dst, "any:"+d.Value.String()...), nil
}
