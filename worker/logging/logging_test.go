package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const here = "org.apache.kafka.connect.runtime.Loggers" // this package's logger

// What log4j and Connect do with it, as recorded from Apache Kafka Connect 4.3.1.
func TestLevels(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_000)
	l := New(Info, "com.example.known")
	l.now = func() time.Time { return at }
	set := func(name string, level slog.Level, want ...string) {
		t.Helper()
		if got := l.SetLevel(name, level); !slices.Equal(got, want) {
			t.Errorf("setting %s to %s changed %q, not %q", name, LevelName(level), got, want)
		}
	}
	look := func(name, level string, modified bool) {
		t.Helper()
		got, ok := l.Level(name)
		if !ok || got.Level != level || (got.LastModified != nil) != modified {
			t.Errorf("%s: %+v, not %s, modified %v", name, got, level, modified)
		}
	}
	look("root", "INFO", false)
	look("ROOT", "INFO", false)
	look("", "INFO", false)
	look("org.apache.kafka.connect.runtime.distributed.DistributedHerder", "INFO", false)
	if _, ok := l.Level("com.example"); ok {
		t.Error("an ancestor that nobody named is known")
	}
	set("com.example.set", Debug, "com.example.set")
	look("com.example.set", "DEBUG", true)
	set("com.example.set", Debug)
	set("com.example.tree.a", Info)
	set("com.example.tree.b", Info)
	look("com.example.tree.a", "INFO", false)
	set("com.example.tree", Error, "com.example.tree", "com.example.tree.a", "com.example.tree.b")
	look("com.example.tree.a", "ERROR", true)
	if _, ok := l.Level("com.example.treehouse"); ok {
		t.Error("a logger is known that nobody named")
	}
	l.logger("com.example.treehouse")
	set("com.example.tree", Warn, "com.example.tree", "com.example.tree.a", "com.example.tree.b")
	set("com.example.treehouse", Debug, "com.example.treehouse")
	set("com.example.tree", Error, "com.example.tree", "com.example.tree.a", "com.example.tree.b", "com.example.treehouse") // begins alike and has its own
	set("com.example", Off, "com.example", "com.example.known", "com.example.set", "com.example.tree", "com.example.tree.a", "com.example.tree.b", "com.example.treehouse")
	if _, listed := l.Levels()["com.example.set"]; listed {
		t.Error("a logger that is OFF is listed")
	}
	look("com.example.set", "OFF", true)
	changed := l.SetLevel("root", Trace)
	if !reflect.DeepEqual(changed, l.Names()) {
		t.Errorf("root changes all, not %q", changed)
	}
	if ms := *l.Levels()["root"].LastModified; ms != at.UnixMilli() {
		t.Errorf("modified at %d", ms)
	}
}

func TestConfigure(t *testing.T) {
	l := New(Info)
	err := l.Configure([]string{
		"PATH=/bin", "CONNECT_LOG4J_ROOT_LOGLEVEL=warn", "CONNECT_LOG4J_LOGGERS=org.apache.kafka.connect.runtime=DEBUG, org.apache.kafka=ERROR,,a.b,c=loud",
	})
	if err == nil || !strings.Contains(err.Error(), `CONNECT_LOG4J_LOGGERS: "a.b" is not of the form logger=level`) || !strings.Contains(err.Error(), `"loud" is no level`) {
		t.Error(err)
	}
	for name, want := range map[string]string{"root": "WARN", here: "DEBUG", "org.apache.kafka.connect.file": "ERROR", "millwright": "WARN"} {
		if got, _ := l.Level(name); got.Level != want || got.LastModified != nil {
			t.Errorf("%s: %+v, not %s", name, got, want)
		}
	}
	if err := New(Info).Configure(nil); err != nil {
		t.Error(err)
	}
}

func TestParseLevel(t *testing.T) {
	for _, name := range []string{"ALL", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "OFF"} {
		for _, s := range []string{name, strings.ToLower(name)} {
			if l, ok := ParseLevel(s); !ok || LevelName(l) != name {
				t.Errorf("%s is %s, %v", s, LevelName(l), ok)
			}
		}
	}
	for _, s := range []string{"", "5", "BOGUS", "INFO "} {
		if l, ok := ParseLevel(s); ok {
			t.Errorf("%q is %s", s, LevelName(l))
		}
	}
	if LevelName(Info+1) != "INFO" {
		t.Error("a level between two has the lower's name")
	}
}

func capture(l *Loggers, o Options) (*slog.Logger, *bytes.Buffer) {
	var b bytes.Buffer
	o.Out = &b
	return slog.New(NewHandler(l, o)), &b
}

var stamp = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d) `)

var lineNumber = regexp.MustCompile(`:\d+\)`)

func TestText(t *testing.T) {
	for _, c := range []struct {
		log  func(*slog.Logger)
		want string
	}{
		{func(l *slog.Logger) { l.Info("up") }, "INFO up (" + here + ")"},
		{func(l *slog.Logger) { l.Info("up", "n", 1, "s", "a b", "e", "", "d", time.Second) }, `INFO up n=1 s="a b" e="" d=1s (` + here + `)`},
		{func(l *slog.Logger) { l.Error("no", "error", errors.New("a\nb")) }, `ERROR no error="a\nb" (` + here + `)`},
		{func(l *slog.Logger) { l.Warn("two\nlines, \"quoted\"") }, `WARN two\nlines, "quoted" (` + here + ")"},
		{func(l *slog.Logger) { l.With("connector", "plc-1").Info("up") }, "INFO [plc-1|worker] up (" + here + ")"},
		{func(l *slog.Logger) { l.With("connector", "plc-1", "task", 0).Info("up", "x", 1) }, "INFO [plc-1|task-0] up x=1 (" + here + ")"},
		{func(l *slog.Logger) { l.With("connector", "plc-1").With("task", "plc-1-3").Info("up") }, "INFO [plc-1-3] up (" + here + ")"},
		{func(l *slog.Logger) { l.Info("gone", "connector", "plc-1") }, "INFO [plc-1|worker] gone (" + here + ")"},
		{func(l *slog.Logger) { l.With(Key, "a.b").Info("x") }, "INFO x (a.b)"},
		{func(l *slog.Logger) { l.WithGroup("g").With("a", 1).Info("x", "b", 2) }, "INFO x g.a=1 g.b=2 (" + here + ")"},
		{func(l *slog.Logger) { l.Info("x", slog.Group("g", "a", 1, slog.Group("h", "b", 2))) }, "INFO x g.a=1 g.h.b=2 (" + here + ")"},
		{func(l *slog.Logger) { l.WithGroup("").Info("x", slog.Attr{}) }, "INFO x (" + here + ")"},
		{func(l *slog.Logger) { l.Info("x", "password", "hunter2 and more") }, `INFO x password="[hidden] and more" (` + here + `)`},
		{func(l *slog.Logger) { l.Info("the hunter2") }, `INFO the [hidden] (` + here + `)`},
		{func(l *slog.Logger) { l.Error("no", "trace", "a: hunter2\nCaused by: b\n") }, "ERROR no (" + here + ")\na: [hidden]\nCaused by: b"},
		{func(l *slog.Logger) { l.Debug("not written") }, ""},
	} {
		log, out := capture(New(Info), Options{Redact: func(s string) string { return strings.ReplaceAll(s, "hunter2", "[hidden]") }})
		c.log(log)
		got := out.String()
		if c.want != "" && !stamp.MatchString(got) {
			t.Errorf("%q does not begin with a time", got)
		}
		if got = lineNumber.ReplaceAllString(strings.TrimSuffix(stamp.ReplaceAllString(got, ""), "\n"), ")"); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}

func TestJSON(t *testing.T) {
	log, out := capture(New(Info), Options{JSON: true, Redact: func(s string) string { return strings.ReplaceAll(s, "hunter2", "[hidden]") }})
	log.With("connector", "plc-1", "task", 0).Warn("a \"b\" hunter2", "n", -1, "u", uint64(2), "ok", true, "d", time.Minute, "err", fmt.Errorf("hunter2"), slog.Group("g", "x", "y"))
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	delete(got, "time")
	want := map[string]any{
		"level": "WARN", "logger": here, "message": `a "b" [hidden]`, "connector": "plc-1", "task": 0.0, "n": -1.0, "u": 2.0, "ok": true, "d": "1m0s", "err": "[hidden]", "g.x": "y",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// Levels set while the program runs hold for what it then logs: by logger, by
// connector, and for lines that name their logger.
func TestLevelsHold(t *testing.T) {
	l := New(Info)
	log, out := capture(l, Options{})
	wrote := func(what string, want bool, f func()) {
		t.Helper()
		out.Reset()
		f()
		if got := out.Len() > 0; got != want {
			t.Errorf("%s: written %v", what, got)
		}
	}
	own, plc, other := log.With(Key, "a.b.c"), log.With("connector", "plc-1"), log.With("connector", "plc-2")
	wrote("debug", false, func() { log.Debug("x") })
	l.SetLevel("org.apache.kafka.connect", Debug)
	wrote("debug of this package", true, func() { log.Debug("x") })
	wrote("debug of another logger", false, func() { own.Debug("x") })
	l.SetLevel("a.b", Trace)
	wrote("trace below a.b", true, func() { own.Log(t.Context(), Trace, "x") })
	l.SetLevel("root", Warn)
	wrote("info", false, func() { log.Info("x") })
	l.SetLevel("connector.plc-1", Debug)
	wrote("debug of connector plc-1", true, func() { plc.Debug("x") })
	wrote("info of connector plc-2", false, func() { other.Info("x") })
	l.SetLevel("connector", Off)
	wrote("error of connector plc-1", false, func() { plc.Error("x") })
	wrote("error of connector plc-2", false, func() { other.Error("x") })
	wrote("error of a connector that comes later", false, func() { log.With("connector", "plc-3").Error("x") })
	wrote("error", true, func() { log.Error("x") })
}

func TestCodeName(t *testing.T) {
	for _, c := range []struct{ function, file, want string }{
		{module + "worker.(*Herder).Run", "/src/worker/herder.go", "org.apache.kafka.connect.runtime.distributed.DistributedHerder"},
		{module + "worker.(*Worker).Run.func1", "/src/worker/worker.go", "org.apache.kafka.connect.runtime.Worker"},
		{module + "worker/group.(*Member).Run", "/src/worker/group/member.go", "org.apache.kafka.connect.runtime.distributed.WorkerCoordinator"},
		{module + "connectors/opcua.(*source).Poll", "/src/connectors/opcua/source.go", "millwright.opcua"},
		{module + "connectors/file.x", "/src/connectors/file/x.go", "org.apache.kafka.connect.file"},
		{"main.main", "/src/cmd/millwright/main.go", "millwright"},
		{"net/http.(*Server).logf", "/go/net/http/server.go", "net.http"},
		{"github.com/twmb/franz-go/pkg/kgo.f", "kgo.go", "github.com.twmb.franz-go.pkg.kgo"},
		{"odd", "odd.go", "millwright"},
	} {
		if got := codeName(c.function, c.file); got != c.want {
			t.Errorf("%s: %s, not %s", c.function, got, c.want)
		}
	}
}

// Lines of many goroutines do not mix, and levels change under them.
func TestConcurrent(t *testing.T) {
	l := New(Info)
	log, out := capture(l, Options{})
	var g sync.WaitGroup
	for i := range 8 {
		g.Go(func() {
			for range 50 {
				log.With("connector", fmt.Sprint(i)).Info("x", "i", i)
				l.SetLevel("root", []slog.Level{Info, Debug}[i%2])
				l.Levels()
			}
		})
	}
	g.Wait()
	for line := range strings.Lines(out.String()) {
		if !stamp.MatchString(line) || !strings.HasSuffix(line, "\n") || strings.Count(line, "INFO") != 1 {
			t.Fatalf("%q", line)
		}
	}
}

func BenchmarkInfo(b *testing.B) {
	log := slog.New(NewHandler(New(Info), Options{Out: &discard{}})).With("connector", "plc-1", "task", 0)
	b.ReportAllocs()
	for b.Loop() {
		log.Info("a line", "n", 1, "topic", "t")
	}
}

func BenchmarkDebugOff(b *testing.B) {
	log := slog.New(NewHandler(New(Info), Options{Out: &discard{}})).With("connector", "plc-1")
	b.ReportAllocs()
	for b.Loop() {
		log.Debug("a line", "n", 1)
	}
}

type discard struct{}

func (*discard) Write(b []byte) (int, error) { return len(b), nil }
