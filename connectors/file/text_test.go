package file

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// TestDecode: texts and lengths are what Java 17's InputStreamReader gives.
func TestDecode(t *testing.T) {
	for _, c := range []struct {
		in, text string
		units    int
	}{
		{"", "", 0},
		{"plain text longer than a word of the machine, and than four", "plain text longer than a word of the machine, and than four", 59},
		{"Füllstand 日本 🙂", "Füllstand 日本 🙂", 15},
		{"\ufeffx", "\ufeffx", 2},
		{"a\xffz", "a\uFFFDz", 3},
		{"\xe2\x82z", "\uFFFDz", 2},
		{"\xf0\x9f\x99z", "\uFFFDz", 2},
		{"\xf0\x9f\x99", "\uFFFD", 1},
		{"\xed\xa0\x80z", "\uFFFDz", 2},             // a surrogate
		{"\xed\xa0z", "\uFFFDz", 2},                 // half of one
		{"\xe0\x80z", "\uFFFD\uFFFDz", 3},           // too long a form
		{"\xf4\x90\x80z", "\uFFFD\uFFFD\uFFFDz", 4}, // beyond U+10FFFF
		{"\xf8\x88z", "\uFFFD\uFFFDz", 3},
		{"\xc0\x80🙂\xff", "\uFFFD\uFFFD🙂\uFFFD", 5},
	} {
		if text, units := decode(c.in); text != c.text || units != c.units {
			t.Errorf("%q: %q, %d units; want %q, %d", c.in, text, units, c.text, c.units)
		}
	}
}

// FuzzText: the units are those of the text, and passing over a text block by
// block comes to the same as decoding it whole.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "a", "\xff", "\xe2\x82", "é\xf0\x9f\x99", "\xed\xa0\x80x", "日本🙂 and forty characters of ASCII behind it"} {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, s string, cut int) {
		text, units := decode(s)
		if text != strings.ToValidUTF8(text, "") || units != len(utf16.Encode([]rune(text))) {
			t.Errorf("%q: %q, %d units", s, text, units)
		}
		if kept := strings.ToValidUTF8(s, ""); strings.ReplaceAll(text, "\uFFFD", "") != strings.ReplaceAll(kept, "\uFFFD", "") {
			t.Errorf("%q: %q lost characters", s, text)
		}
		s += "\n"
		cut = 4 + max(cut, -cut)%32
		at, passed := 0, int64(0)
		for at < len(s) {
			n, u := pass(s[at:min(at+cut, len(s))], int64(units)+1-passed)
			if n == 0 {
				t.Fatalf("%q, blocks of %d: stuck at %d", s, cut, at)
			}
			at, passed = at+n, passed+u
		}
		if passed != int64(units)+1 {
			t.Errorf("%q, blocks of %d: %d units, want %d", s, cut, passed, units+1)
		}
	})
}

// TestResume: reading from the position of any line gives the lines behind it.
func TestResume(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	line := strings.Repeat("ASCII, é 日本 🙂 \xff\xf0\x9f\x99", 50)
	write(t, path, strings.Repeat(line+"\r\nplain\n", 1+2*blockSize/len(line)))
	all := open(t, host{}, connect.Props{"file": path, "topic": "x", "batch.size": "100000"})
	records, err := all.Poll(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(records)-1; i += 97 {
		from := records[i].Position.(*place).Position
		task := open(t, host{offset: connect.Object{"position": from}}, connect.Props{"file": path, "topic": "x", "batch.size": "1"})
		next, err := task.Poll(t.Context(), nil)
		if err != nil || len(next) != 1 {
			t.Fatal(next, err)
		}
		if got, want := next[0], records[i+1]; *got.Position.(*place) != *want.Position.(*place) || got.Value.Value.Str() != want.Value.Value.Str() {
			t.Fatalf("from %d: %q at %d, want %d", from, got.Value.Value.Str(), got.Position, want.Position)
		}
	}
}

// TestResumeBetween resumes where no line starts, as an altered offset may say.
func TestResumeBetween(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	write(t, path, "🙂é\nlast\n")
	for from, want := range map[int64]string{-3: "🙂é", 1: "é", 2: "é", 3: "", 5: "ast"} {
		task := open(t, host{offset: connect.Object{"position": from}}, connect.Props{"file": path, "topic": "x"})
		lines, positions := poll(t, task)
		if lines[0] != want || positions[len(positions)-1] != `{"position":9}` {
			t.Errorf("from %d: %q at %s", from, lines, positions)
		}
	}
}

// TestResumeWaits: a committed position past the end, in characters whose bytes
// come one by one, is reached as the file grows.
func TestResumeWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	write(t, path, "é")
	task := open(t, host{offset: connect.Object{"position": int64(4)}}, connect.Props{"file": path, "topic": "x"})
	if err := task.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, b := range []byte("🙂\nend\n") {
		write(t, path, string([]byte{b}))
		records, err := task.read(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			lines = append(lines, r.Value.Value.Str())
		}
	}
	if !slices.Equal(lines, []string{"end"}) || task.position != 8 {
		t.Errorf("%q at %d", lines, task.position)
	}
}

func TestResumeStops(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	write(t, path, "x\ny\n")
	task := open(t, host{offset: connect.Object{"position": int64(2)}}, connect.Props{"file": path, "topic": "x"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := task.Poll(ctx, nil); len(r) != 0 || !errors.Is(err, context.Canceled) {
		t.Error(r, err)
	}
}

// BenchmarkResume goes over 64 MB to the position of the last line.
func BenchmarkResume(b *testing.B) {
	for _, c := range []struct{ name, line string }{{"ASCII", strings.Repeat("x", 99)}, {"German", strings.Repeat("Füllstand ", 9)}} {
		b.Run(c.name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "in")
			text := strings.Repeat(c.line+"\n", 64<<20/(len(c.line)+1)) + "last\n"
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				b.Fatal(err)
			}
			_, units := decode(strings.TrimSuffix(text, "last\n"))
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				task, err := openSourceTask(b.Context(), host{offset: connect.Object{"position": int64(units)}}, connect.Props{"file": path, "topic": "x"})
				if err != nil {
					b.Fatal(err)
				}
				if r, err := task.Poll(b.Context(), nil); err != nil || len(r) != 1 {
					b.Fatal(r, err)
				}
				task.Close()
			}
		})
	}
}
