package file

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// host is a worker that knows one committed offset.
type host struct {
	offset connect.Object
	logged *strings.Builder
}

func (host) Name() string { return "test" }

func (h host) Log() *slog.Logger {
	if h.logged == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(h.logged, nil))
}

func (host) Gauge(string, map[string]string, func() float64) error { return nil }

func (h host) Offset(context.Context, *connect.SourcePartition) (connect.Object, error) {
	return h.offset, nil
}

func open(t *testing.T, h host, p connect.Props) *sourceTask {
	t.Helper()
	task, err := openSourceTask(t.Context(), h, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { task.Close() })
	return task.(*sourceTask)
}

// poll returns lines and positions of the next Poll that brings any.
func poll(t *testing.T, task connect.SourceTask) (lines []string, positions []string) {
	t.Helper()
	for len(lines) == 0 {
		records, err := task.Poll(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			b, err := json.Marshal(r.Position)
			if err != nil {
				t.Fatal(err)
			}
			lines, positions = append(lines, r.Value.Value.Str()), append(positions, string(b))
		}
	}
	return lines, positions
}

func write(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func TestLines(t *testing.T) {
	for _, c := range []struct {
		name, text string
		from       int64
		lines      []string
		last       string
	}{
		{"line ends", "unix\ndos\r\n\nold\rmac\nlast\n", 0, []string{"unix", "dos", "", "old", "mac", "last"}, `{"position":24}`},
		{"the last line is not complete", "a\nb", 0, []string{"a"}, `{"position":2}`},
		{"a last \\r may be half of \\r\\n", "a\nb\r", 0, []string{"a"}, `{"position":2}`},
		{"resumed", "aa\nbb\ncc\n", 3, []string{"bb", "cc"}, `{"position":9}`},
		{"characters, not bytes", "é\n日本\n🙂\n", 2, []string{"日本", "🙂"}, `{"position":8}`},
		{"malformed", "a\xff\xe2\x82b\n", 0, []string{"a\uFFFD\uFFFDb"}, `{"position":5}`},
		{"many \\r", "\r\r\n\r\rx\n", 0, []string{"", "", "", "", "x"}, `{"position":7}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "in")
			write(t, path, c.text)
			h := host{}
			if c.from > 0 {
				h.offset = connect.Object{"position": c.from}
			}
			task := open(t, h, connect.Props{"file": path, "topic": "x"})
			lines, positions := poll(t, task)
			if !slices.Equal(lines, c.lines) || positions[len(positions)-1] != c.last {
				t.Errorf("%q, last %s; want %q, %s", lines, positions[len(positions)-1], c.lines, c.last)
			}
		})
	}
}

func TestRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	write(t, path, "line\n")
	before := time.Now().UnixMilli()
	records, err := open(t, host{}, connect.Props{"file": path, "topic": "x"}).Poll(t.Context(), nil)
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	r := records[0]
	if r.Topic != "x" || r.Partition != -1 || r.Key.Schema != nil || !r.Key.Value.IsNull() || r.Value.Schema != valueSchema ||
		r.Source.Key() != fmt.Sprintf(`{"filename":%q}`, path) || r.Timestamp < before {
		t.Errorf("%+v", r)
	}
}

// TestGrowth reads a file while it grows, in pieces that cut lines, line ends
// and characters anywhere; whatever the pieces, lines and positions are those
// of the whole.
func TestGrowth(t *testing.T) {
	text := "one\r\ntwo é\n\r\nthree\r" + strings.Repeat("long", 300) + "\nend\n"
	want := []string{"one", "two é", "", "three", strings.Repeat("long", 300), "end"}
	for cut := 1; cut < 20; cut++ {
		path := filepath.Join(t.TempDir(), "in")
		task := open(t, host{}, connect.Props{"file": path, "topic": "x"})
		var got []string
		var last string
		for rest := text; rest != ""; {
			n := min(cut, len(rest))
			write(t, path, rest[:n])
			rest = rest[n:]
			if task.file == nil {
				if err := task.open(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			records, err := task.read(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				got = append(got, r.Value.Value.Str())
				last = fmt.Sprint(r.Position.(*place).Position)
			}
		}
		if !slices.Equal(got, want) || last != fmt.Sprint(len(text)-1) {
			t.Errorf("pieces of %d: %q at %s", cut, got, last)
		}
	}
}

func TestLongLinesAndBatches(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	long := strings.Repeat("x", 3*blockSize+1)
	write(t, path, "a\n"+long+"\nb\nc\n")
	task := open(t, host{}, connect.Props{"file": path, "topic": "x", "batch.size": "2"})
	for _, want := range [][]string{{"a", long}, {"b", "c"}} {
		if lines, _ := poll(t, task); !slices.Equal(lines, want) {
			t.Errorf("%d lines, want %d", len(lines), len(want))
		}
	}
	task = open(t, host{}, connect.Props{"file": path, "topic": "x", "batch.size": "-5"})
	if lines, _ := poll(t, task); len(lines) != 1 {
		t.Errorf("batch.size -5: %d lines", len(lines))
	}
}

func TestWaitsForFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	log := &strings.Builder{}
	task := open(t, host{logged: log}, connect.Props{"file": path, "topic": "x"})
	for range 3 {
		if err := task.open(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(log.String(), "does not exist"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log)
	}
	write(t, path, "x\ny\n")
	if lines, _ := poll(t, task); !slices.Equal(lines, []string{"x", "y"}) {
		t.Errorf("%q", lines)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := task.Poll(ctx, nil); len(r) != 0 || !errors.Is(err, context.Canceled) {
		t.Error(r, err)
	}
}

func TestShorterThanPosition(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	write(t, path, "a\n")
	log := &strings.Builder{}
	task := open(t, host{offset: connect.Object{"position": int64(4)}, logged: log}, connect.Props{"file": path, "topic": "x"})
	if err := task.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if r, err := task.read(t.Context(), nil); len(r) != 0 || err != nil {
			t.Fatal(r, err)
		}
	}
	if n := strings.Count(log.String(), "shorter than the position"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log)
	}
	write(t, path, "b\nc\n")
	if lines, _ := poll(t, task); !slices.Equal(lines, []string{"c"}) {
		t.Errorf("%q", lines)
	}
}

func TestCannotRead(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "")
	write(t, filepath.Join(dir, "closed"), "")
	for _, c := range []struct {
		path, want string
		offset     connect.Object
	}{
		{dir, "Couldn't open file '" + dir + "' for FileStreamSourceTask: it is not a regular file; name a file in 'file', or leave 'file' out to read the standard input", nil},
		{dir + "/file/x", "Couldn't open file '" + dir + "/file/x' for FileStreamSourceTask: not a directory", nil},
		{dir + "/file", "Offset position is the incorrect type", connect.Object{"position": "4"}},
	} {
		_, err := open(t, host{offset: c.offset}, connect.Props{"file": c.path, "topic": "x"}).Poll(t.Context(), nil)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v", c.path, err)
		}
	}
}

func TestStdin(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	task := &stdinTask{sourceConfig: sourceConfig{topic: "x", batch: 2}, blocks: pump(r)}
	if _, err := w.WriteString("a\r\nb\nc\nhal"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a b", "c"} {
		lines, positions := poll(t, task)
		if got := strings.Join(lines, " "); got != want || positions[0] != "null" {
			t.Errorf("%q at %s", got, positions)
		}
	}
	if _, err := w.WriteString("f\n"); err != nil {
		t.Fatal(err)
	}
	if lines, _ := poll(t, task); !slices.Equal(lines, []string{"half"}) {
		t.Errorf("%q", lines)
	}
	w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := task.Poll(ctx, nil); len(r) != 0 || !errors.Is(err, context.Canceled) {
		t.Error(r, err)
	}
}

func BenchmarkSource(b *testing.B) {
	path := filepath.Join(b.TempDir(), "in")
	const lines = 100_000
	if err := os.WriteFile(path, []byte(strings.Repeat(strings.Repeat("x", 99)+"\n", lines)), 0o600); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(100 * lines)
	var dst []connect.SourceRecord
	for b.Loop() {
		task, err := openSourceTask(b.Context(), host{}, connect.Props{"file": path, "topic": "x"})
		if err != nil {
			b.Fatal(err)
		}
		for n := 0; n < lines; n += len(dst) {
			if dst, err = task.Poll(b.Context(), dst[:0]); err != nil {
				b.Fatal(err)
			}
		}
		task.Close()
	}
}
