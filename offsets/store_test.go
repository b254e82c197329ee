package offsets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A memoryLog is a topic in memory that is read at Sync.
type memoryLog struct {
	apply   func(Record)
	records []KV
	read    int
	err     error
}

func (l *memoryLog) Append(_ context.Context, kvs ...KV) error {
	if l.err == nil {
		l.records = append(l.records, kvs...)
	}
	return l.err
}

func (l *memoryLog) Sync(context.Context) error {
	for ; l.read < len(l.records); l.read++ {
		l.apply(Record{Offset: int64(l.read), Key: l.records[l.read].Key, Value: l.records[l.read].Value})
	}
	return nil
}

func (l *memoryLog) String() string {
	var b strings.Builder
	for _, kv := range l.records {
		fmt.Fprintf(&b, "%s=%s\n", kv.Key, kv.Value)
	}
	return b.String()
}

func newStore(t *testing.T, kvs ...string) (*Store, *memoryLog) {
	t.Helper()
	s := NewStore(slog.New(slog.DiscardHandler))
	l := &memoryLog{apply: s.Apply}
	s.Attach(l)
	for i := 0; i < len(kvs); i += 2 {
		kv := KV{Key: []byte(kvs[i])}
		if kvs[i+1] != "" {
			kv.Value = []byte(kvs[i+1])
		}
		l.records = append(l.records, kv)
	}
	if err := s.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.records, l.read = nil, 0
	return s, l
}

func offsetOf(t *testing.T, s interface {
	Offset(string, connect.Object) (connect.Object, error)
}, connector string, p connect.Object,
) string {
	t.Helper()
	o, err := s.Offset(connector, p)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(o)
}

func set(t *testing.T, s interface {
	Set(context.Context, string, ...connect.PartitionOffset) error
}, connector string, changes ...connect.PartitionOffset,
) {
	t.Helper()
	if err := s.Set(t.Context(), connector, changes...); err != nil {
		t.Fatal(err)
	}
}

func TestStore(t *testing.T) {
	s, l := newStore(t,
		`["c",{"file":"a"}]`, `{"position":1,"part":1.5,"done":false}`,
		`["c",{"file":"b"}]`, `{"position":2}`,
		`["c",{"file":"b"}]`, ``,
		`["d",{"file":"a"}]`, `{"position":9}`,
		`["c",{"file":"a","n":1}]`, `{"position":12345678901}`,
	)
	if got := fmt.Sprint(s.Offsets("c")); got != "[{map[file:a n:1] map[position:12345678901]} {map[file:a] map[done:false part:1.5 position:1]}]" {
		t.Error(got)
	}
	for _, p := range []connect.Object{{"file": "a", "n": int64(1)}, {"n": 1, "file": "a"}, {"n": int16(1), "file": "a"}} {
		if got := offsetOf(t, s, "c", p); got != "map[position:12345678901]" {
			t.Errorf("%v: %s", p, got)
		}
	}
	for _, p := range []connect.Object{{"file": "b"}, {"file": "a", "n": 1.0}, {}, nil, {"file": "a", "n": "1"}} {
		if got := offsetOf(t, s, "c", p); got != "map[]" {
			t.Errorf("%v: %s", p, got)
		}
	}
	if o, _ := s.Offset("c", connect.Object{"file": "a"}); o["position"] != int64(1) || o["part"] != 1.5 {
		t.Errorf("%#v", o)
	}
	set(t, s, "c", connect.PartitionOffset{Partition: connect.Object{"file": "a"}, Offset: connect.Object{"position": 2, "at": "x"}},
		connect.PartitionOffset{Partition: connect.Object{"file": "new"}, Offset: connect.Object{"f": 1e10}},
		connect.PartitionOffset{Partition: connect.Object{"file": "a", "n": 1}})
	if got := l.String(); got != `["c",{"file":"a"}]={"at":"x","position":2}
["c",{"file":"new"}]={"f":1.0E10}
["c",{"file":"a","n":1}]=
` {
		t.Error(got)
	}
	if err := s.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.Offsets("c"), s.Offsets("d"), s.Offsets("e")); got !=
		"[{map[file:a] map[at:x position:2]} {map[file:new] map[f:1e+10]}] [{map[file:a] map[position:9]}] []" {
		t.Error(got)
	}
}

// Java looks for the bytes it has written, so what it has written stays the
// key; and when two workers have written two orders, one remains.
func TestKeysOfOthersAreKept(t *testing.T) {
	s, l := newStore(t, `["c", {"b":1,"a":2}]`, `{"x":1}`)
	p := connect.Object{"a": 2, "b": 1}
	set(t, s, "c", connect.PartitionOffset{Partition: p, Offset: connect.Object{"x": 2}})
	if got := l.String(); got != `["c", {"b":1,"a":2}]={"x":2}`+"\n" {
		t.Fatal(got)
	}
	s, l = newStore(t, `["c",{"b":1,"a":2}]`, `{"x":1}`, `["c",{"a":2,"b":1}]`, `{"x":2}`)
	if got := offsetOf(t, s, "c", p); got != "map[x:2]" || len(s.Offsets("c")) != 1 {
		t.Fatal(got)
	}
	set(t, s, "c", connect.PartitionOffset{Partition: p, Offset: connect.Object{"x": 3}})
	if got := l.String(); got != `["c",{"b":1,"a":2}]=`+"\n"+`["c",{"a":2,"b":1}]={"x":3}`+"\n" {
		t.Fatal(got)
	}
	if err := s.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	set(t, s, "c", connect.PartitionOffset{Partition: p})
	if err := s.Sync(t.Context()); err != nil || len(s.Offsets("c")) != 0 {
		t.Fatal(s.Offsets("c"), err)
	}
	// A tombstone for one order brings the other one back.
	s, _ = newStore(t, `["c",{"b":1,"a":2}]`, `{"x":1}`, `["c",{"a":2,"b":1}]`, `{"x":2}`, `["c",{"a":2,"b":1}]`, ``)
	if got := offsetOf(t, s, "c", p); got != "map[x:1]" {
		t.Fatal(got)
	}
}

func TestGarbageInTheOffsetsTopic(t *testing.T) {
	var logged bytes.Buffer
	s := NewStore(slog.New(slog.NewTextHandler(&logged, nil)))
	for _, key := range []string{``, `x`, `5`, `{}`, `[]`, `["c"]`, `["c",{},1]`, `[1,{}]`, `["c",5]`, `["c",[1]]`, `["c",{}] x`} {
		logged.Reset()
		s.Apply(Record{Key: []byte(key), Value: []byte(`{"a":1}`)})
		if n := strings.Count(logged.String(), "\n"); n != 1 {
			t.Errorf("key %s: %d lines logged: %s", key, n, logged.String())
		}
	}
	s.Apply(Record{Value: []byte(`{"a":1}`)})
	if len(s.connectors) != 0 {
		t.Errorf("garbage became %v", s.connectors)
	}
	for _, value := range []string{`x`, `5`, `[]`, `{"a":[]}`, `{"a":{}}`, `{"a":123456789012345678901234567890}`} {
		logged.Reset()
		s.Apply(Record{Key: []byte(`["c",{"p":1}]`), Value: []byte(`{"a":1}`)})
		s.Apply(Record{Key: []byte(`["c",{"p":1}]`), Value: []byte(value)})
		if n := strings.Count(logged.String(), "\n"); n != 1 || offsetOf(t, s, "c", connect.Object{"p": 1}) != "map[]" || len(s.Offsets("c")) != 1 {
			t.Errorf("value %s: %v, logged %s", value, s.Offsets("c"), logged.String())
		}
	}
	s.Apply(Record{Key: []byte(`["c",{"p":1}]`), Value: []byte(`null`)})
	if len(s.Offsets("c")) != 0 {
		t.Error(s.Offsets("c"))
	}
}

func TestSetRefuses(t *testing.T) {
	s, l := newStore(t)
	for _, c := range []connect.PartitionOffset{
		{Partition: connect.Object{"a": []any{1}}},
		{Partition: connect.Object{"a": 1}, Offset: connect.Object{"b": connect.Object{}}},
	} {
		if err := s.Set(t.Context(), "c", c); connect.ClassOf(err) != connect.DataException || len(l.records) != 0 {
			t.Errorf("%v: %v", c, err)
		}
	}
	if err := NewStore(slog.Default()).Set(t.Context(), "c"); err == nil {
		t.Error("a store without a topic took offsets")
	}
}

func TestOverlay(t *testing.T) {
	own, ownLog := newStore(t, `["c",{"p":1}]`, `{"x":10}`)
	global, globalLog := newStore(t, `["c",{"p":1}]`, `{"x":1}`, `["c",{"p":2}]`, `{"x":2}`)
	var logged bytes.Buffer
	o := &Overlay{Own: own, Worker: global, Log: slog.New(slog.NewTextHandler(&logged, nil))}
	if got := fmt.Sprint(o.Offsets("c")); got != "[{map[p:1] map[x:10]} {map[p:2] map[x:2]}]" {
		t.Error(got)
	}
	if a, b := offsetOf(t, o, "c", connect.Object{"p": 1}), offsetOf(t, o, "c", connect.Object{"p": 2}); a != "map[x:10]" || b != "map[x:2]" {
		t.Error(a, b)
	}
	set(t, o, "c", connect.PartitionOffset{Partition: connect.Object{"p": 1}, Offset: connect.Object{"x": 11}},
		connect.PartitionOffset{Partition: connect.Object{"p": 2}})
	if got := ownLog.String() + globalLog.String(); got != `["c",{"p":1}]={"x":11}
["c",{"p":2}]=
["c",{"p":2}]=
["c",{"p":1}]={"x":11}
` {
		t.Error(got)
	}
	if err := o.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(o.Offsets("c")); got != "[{map[p:1] map[x:11]}]" {
		t.Error(got)
	}
	globalLog.err = errors.New("no such broker")
	one := connect.PartitionOffset{Partition: connect.Object{"p": 3}, Offset: connect.Object{"x": 3}}
	set(t, o, "c", one)
	if !strings.Contains(logged.String(), "no such broker") {
		t.Error("a failed copy was not logged")
	}
	one.Offset = nil
	n := len(ownLog.records)
	if err := o.Set(t.Context(), "c", one); !errors.Is(err, globalLog.err) || len(ownLog.records) != n {
		t.Error("a reset went on after its first half had failed", err)
	}
}
