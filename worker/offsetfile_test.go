package worker

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/millwright-connect/millwright/worker/state"
	"github.com/millwright-connect/millwright/worker/topiclog"
)

// javaOffsets is what testdata/java.offsets holds. That file was written by
// java.io.ObjectOutputStream, from a HashMap of byte arrays, as Apache Connect's
// FileOffsetBackingStore does.
func javaOffsets() map[string][]byte {
	m := map[string][]byte{}
	for i := range 100 {
		value := fmt.Appendf(nil, `{"n":%d}`, i)
		if i%10 == 3 {
			value = nil
		}
		m[fmt.Sprintf(`["src",{"p":%d}]`, i)] = value
	}
	return m
}

func sameEntries(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }

func TestOffsetFileOfJava(t *testing.T) {
	for name, want := range map[string]map[string][]byte{"testdata/java.offsets": javaOffsets(), "testdata/java-empty.offsets": {}} {
		got, err := readOffsetFile(name)
		if err != nil || !maps.EqualFunc(got, want, sameEntries) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		// But for the order of entries, which is that of hash codes in Java, we
		// write what Java wrote.
		java, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		ours := formatOffsetFile(want)
		if len(ours) != len(java) || len(want) > 0 && !bytes.Equal(sortedBytes(ours), sortedBytes(java)) {
			t.Errorf("%s: written as %x", name, ours)
		}
		if again, err := parseOffsetFile(ours); err != nil || !maps.EqualFunc(again, want, sameEntries) {
			t.Errorf("%s: after writing: %v, %v", name, again, err)
		}
	}
}

func sortedBytes(b []byte) []byte { return slices.Sorted(slices.Values(b)) }

func TestOffsetFileBroken(t *testing.T) {
	whole, err := os.ReadFile("testdata/java.offsets")
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(whole)-1; n++ { // all but the last byte, which only ends
		if _, err := parseOffsetFile(whole[:n]); err == nil {
			t.Fatalf("the first %d bytes are taken for all", n)
		}
	}
}

func FuzzOffsetFile(f *testing.F) {
	whole, err := os.ReadFile("testdata/java.offsets")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(formatOffsetFile(map[string][]byte{"k": nil, "": {}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, err := parseOffsetFile(b)
		if err != nil {
			return
		}
		again, err := parseOffsetFile(formatOffsetFile(entries))
		if err != nil || !maps.EqualFunc(again, entries, sameEntries) {
			t.Errorf("%v became %v, %v", entries, again, err)
		}
	})
}

func TestOffsetFileWrites(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, "link")
	if err := os.WriteFile(real, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	l, err := openOffsetFile(link, func(topiclog.Record) {})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Append(t.Context(), state.KV{Key: []byte("a"), Value: []byte("1")}, state.KV{Key: []byte("b")}); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(t.Context(), state.KV{Key: []byte("a"), Value: []byte("2")}); err != nil {
		t.Fatal(err)
	}
	var seen []string
	if _, err := openOffsetFile(real, func(r topiclog.Record) { seen = append(seen, string(r.Key)+"="+string(r.Value)) }); err != nil || !slices.Equal(seen, []string{"a=2", "b="}) {
		t.Error(seen, err)
	}
	if s, err := os.Stat(real); err != nil || s.Mode().Perm() != 0o640 {
		t.Error("the file's mode has changed", s.Mode(), err)
	}
	if s, err := os.Lstat(link); err != nil || s.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.*")); len(left) != 0 {
		t.Error("left behind:", left)
	}
}
