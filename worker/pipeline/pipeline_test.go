package pipeline

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/worker/metrics"
)

const textClass = "test.TextConverter"

// text is a converter of strings that refuses what begins with "bad" and asks
// for a retry of what begins with "again", as often as it is told to.
type text struct {
	again  int
	closed bool
}

func (c *text) judge(s string) error {
	switch {
	case strings.HasPrefix(s, "bad"):
		return connect.DataErrorf("cannot convert %s", s)
	case strings.HasPrefix(s, "plain"):
		return errors.New("a plain error")
	case strings.HasPrefix(s, "panic"):
		panic("oops")
	case strings.HasPrefix(s, "again") && c.again > 0:
		c.again--
		return connect.Errorf(connect.RetriableException, "busy")
	}
	return nil
}

func (c *text) Encode(dst []byte, _ string, _ []connect.Header, d data.Datum) ([]byte, error) {
	if d.Value.Kind() == data.Null {
		return nil, nil
	}
	if err := c.judge(d.Value.Str()); err != nil {
		return nil, err
	}
	return append(dst, d.Value.Str()...), nil
}

func (c *text) Decode(_ string, _ []connect.Header, b []byte) (data.Datum, error) {
	if b == nil {
		return data.Datum{}, nil
	}
	return str(string(b)), c.judge(string(b))
}

func (c *text) EncodeHeader(dst []byte, topic, _ string, d data.Datum) ([]byte, error) {
	return c.Encode(dst, topic, nil, d)
}

func (c *text) DecodeHeader(topic, _ string, b []byte) (data.Datum, error) {
	return c.Decode(topic, nil, b)
}

func (c *text) Close() error { c.closed = true; return nil }

func str(s string) data.Datum { return data.Datum{Schema: data.Of(data.String), Value: data.Str(s)} }

// step is a transform made of a function.
type step func(r *connect.Record) (bool, error)

func (s step) Apply(r *connect.Record) (bool, error) { return s(r) }

type onTopic string

func (p onTopic) Test(r *connect.Record) (bool, error) { return r.Topic == string(p), nil }

func config(c Config) Config {
	t := &text{}
	c.Connector, c.Key, c.Value, c.Header = "c", t, t, t
	c.KeyClass, c.ValueClass, c.HeaderClass = textClass, textClass, textClass
	return c
}

func source(key, value string, headers ...string) *connect.SourceRecord {
	sp, _ := connect.NewSourcePartition(connect.Object{"file": "f"})
	r := connect.NewSourceRecord("t", sp, connect.Object{"n": 1}, str(key), str(value))
	for i := 0; i < len(headers); i += 2 {
		r.Headers = append(r.Headers, connect.Header{Key: headers[i], Value: str(headers[i+1])})
	}
	return &r
}

func TestOut(t *testing.T) {
	set := step(func(r *connect.Record) (bool, error) { r.Value = str("set"); return true, nil })
	drop := step(func(*connect.Record) (bool, error) { return false, nil })
	p := New(config(Config{Steps: []Step{
		{Transform: set, Class: "Set", Predicate: onTopic("t")},
		{Transform: drop, Class: "Drop", Predicate: onTopic("t"), Negate: true},
	}}))
	arena := p.Arena(nil, 2)
	arena, out, keep, err := p.Out(t.Context(), source("k", "v", "h", "1", "i", ""), arena)
	if err != nil || !keep || string(out.Key) != "k" || string(out.Value) != "set" || len(out.Headers) != 2 || string(out.Headers[0].Value) != "1" || out.Headers[1].Value == nil {
		t.Fatalf("%q %v %v", out, keep, err)
	}
	other := source("k", "v")
	other.Topic = "other"
	if arena, _, keep, err = p.Out(t.Context(), other, arena); keep || err != nil {
		t.Fatalf("not dropped: %v", err)
	}
	null := source("k2", "")
	null.Key, null.Topic = data.Datum{}, "t"
	_, second, keep, err := p.Out(t.Context(), null, arena)
	if err != nil || !keep || second.Key != nil || string(second.Value) != "set" {
		t.Fatalf("%q %v %v", second, keep, err)
	}
	if string(out.Key) != "k" || string(out.Value) != "set" {
		t.Errorf("a later record changed an earlier one: %q", out)
	}
	_ = append(out.Key, "xxx"...) // must not reach into the next piece
	if string(out.Value) != "set" {
		t.Error("pieces of the arena overlap")
	}
}

// Texts as Java has them.
func TestTolerance(t *testing.T) {
	boom := step(func(*connect.Record) (bool, error) { return true, connect.DataErrorf("boom") })
	for _, c := range []struct {
		name       string
		r          *connect.SourceRecord
		steps      []Step
		class, msg string
		log        string
	}{
		{"key", source("bad", "v"), nil, connect.DataException, "cannot convert bad", "Executing stage 'KEY_CONVERTER' with class 'test.TextConverter'"},
		{"value", source("k", "bad"), nil, connect.DataException, "cannot convert bad", "Executing stage 'VALUE_CONVERTER' with class 'test.TextConverter'"},
		{"header", source("bad", "bad", "h", "bad"), nil, connect.DataException, "cannot convert bad", "Executing stage 'HEADER_CONVERTER' with class 'test.TextConverter'"},
		{"transform", source("k", "v"), []Step{{Transform: boom, Class: "T$Value"}}, connect.DataException, "boom", "Executing stage 'TRANSFORMATION' with class 'T$Value'"},
		{"plain", source("k", "plain"), nil, connect.ConnectException, "a plain error", "VALUE_CONVERTER"},
		{"panic", source("k", "panic"), nil, "java.lang.RuntimeException", "test.TextConverter panicked: oops (pipeline_test.go:", "VALUE_CONVERTER"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, tolerate := range []bool{false, true} {
				var log bytes.Buffer
				m := &metrics.TaskErrors{}
				p := New(config(Config{Steps: c.steps, Tolerate: tolerate, LogErrors: true, Metrics: m, Log: slog.New(slog.NewTextHandler(&log, nil))}))
				r := *c.r
				arena := p.Arena(nil, 1)
				grown, _, keep, err := p.Out(t.Context(), &r, arena)
				if keep || len(grown) != 0 {
					t.Errorf("kept %v, arena of %d", keep, len(grown))
				}
				if tolerate && err != nil {
					t.Errorf("not tolerated: %v", err)
				}
				if !tolerate {
					if err == nil || err.Error() != "Tolerance exceeded in error handler" || connect.ClassOf(err) != connect.ConnectException {
						t.Fatalf("error %v", err)
					}
					cause := errors.Unwrap(err)
					if connect.ClassOf(cause) != c.class || !strings.HasPrefix(cause.Error(), c.msg) {
						t.Errorf("cause %s: %v", connect.ClassOf(cause), cause)
					}
					if want := "\nCaused by: " + c.class + ": " + c.msg; !strings.Contains(connect.Trace(err), want) {
						t.Errorf("trace %s lacks %s", connect.Trace(err), want)
					}
				}
				if line := "Error encountered in task c-0. "; !strings.Contains(log.String(), line) || !strings.Contains(log.String(), c.log) {
					t.Errorf("log %s", log.String())
				}
				skipped := int64(0)
				if tolerate {
					skipped = 1
				}
				if m.Failures.Load() != 1 || m.Errors.Load() != 1 || m.Skipped.Load() != skipped || m.Logged.Load() != 1 || m.LastErrorAt.Load() == 0 {
					t.Errorf("failures %d errors %d skipped %d logged %d", m.Failures.Load(), m.Errors.Load(), m.Skipped.Load(), m.Logged.Load())
				}
			}
		})
	}
}

func TestRetry(t *testing.T) {
	for _, c := range []struct {
		name    string
		timeout time.Duration
		fails   int
		ok      bool
		took    time.Duration
		retries int64
	}{
		{"cured", time.Minute, 3, true, (300 + 600 + 1200) * time.Millisecond, 3},
		{"not retried", 0, 1, false, 0, 0},
		{"time over", 2 * time.Second, 100, false, 2 * time.Second, 3},
		{"forever", -1, 9, true, (300 + 600 + 1200 + 2400 + 4800 + 9600 + 19200 + 38400 + 76800) * time.Millisecond, 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &metrics.TaskErrors{}
				cfg := config(Config{RetryTimeout: c.timeout, RetryDelayMax: time.Hour, Metrics: m})
				cfg.Value.(*text).again = c.fails
				p := New(cfg)
				began := time.Now()
				var r connect.SinkRecord
				keep, err := p.In(t.Context(), &Raw{Topic: "t", Value: []byte("again")}, &r)
				if keep != c.ok || (err == nil) != c.ok {
					t.Errorf("keep %v, error %v", keep, err)
				}
				if took := time.Since(began); took != c.took || m.Retries.Load() != c.retries {
					t.Errorf("took %v and %d retries, want %v and %d", took, m.Retries.Load(), c.took, c.retries)
				}
			})
		})
	}
}

// A stop cuts the wait short and drops nothing.
func TestRetryEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config(Config{RetryTimeout: -1, Tolerate: true})
		cfg.Value.(*text).again = 1000
		p := New(cfg)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var r connect.SinkRecord
		if keep, err := p.In(ctx, &Raw{Value: []byte("again")}, &r); keep || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("keep %v, error %v", keep, err)
		}
	})
}

// A transform that fails half-way and is tried again sees the record as it was.
func TestRetryOfTransformStartsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		s := step(func(r *connect.Record) (bool, error) {
			r.Topic += "x"
			if tries++; tries < 3 {
				return true, connect.Retry(errors.New("busy"), 0)
			}
			return true, nil
		})
		p := New(config(Config{Steps: []Step{{Transform: s, Class: "S"}}, RetryTimeout: time.Minute}))
		r := source("k", "v")
		if _, _, keep, err := p.Out(t.Context(), r, nil); !keep || err != nil || r.Topic != "tx" {
			t.Errorf("topic %s, keep %v, error %v", r.Topic, keep, err)
		}
	})
}

func TestClose(t *testing.T) {
	c := config(Config{})
	if err := New(c).Close(); err != nil || !c.Key.(*text).closed {
		t.Errorf("closed %v, error %v", c.Key.(*text).closed, err)
	}
}

func TestSendFailed(t *testing.T) {
	cause := errors.New("no broker")
	if err := New(config(Config{})).SendFailed("t", cause); !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
	m := &metrics.TaskErrors{}
	var log bytes.Buffer
	p := New(config(Config{Tolerate: true, LogErrors: true, LogMessages: true, Metrics: m, Log: slog.New(slog.NewTextHandler(&log, nil))}))
	if err := p.SendFailed("t", cause); err != nil || m.Errors.Load() != 1 {
		t.Errorf("error %v, %d errors", err, m.Errors.Load())
	}
	if want := "Executing stage 'KAFKA_PRODUCE' with class 'org.apache.kafka.connect.source.SourceTask', where source record is = {topic='t'}."; !strings.Contains(log.String(), want) {
		t.Errorf("log %s", log.String())
	}
}
