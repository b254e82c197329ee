// Package vectors reads the Connect vectors, which are answers of the real
// Apache Kafka classes to generated inputs, and compares our answers with them.
// Tests of any package may import it; it imports connectors/connect and
// connectors/data only. VECTORS.md beside the vectors describes their form.
package vectors

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A Vector is one question to a Java class, with its answer.
type Vector struct {
	ID     string          `json:"id"`
	Op     string          `json:"op"`
	Config json.RawMessage `json:"config"`
	Input  json.RawMessage `json:"input"`
	Output json.RawMessage `json:"output"` // nil when Err is set
	Err    *JavaError      `json:"error"`  // what Java threw, nil when it answered
}

// BindConfig decodes the config into x, as json.Unmarshal does. It panics when
// the vector has not the form that the test expects.
func (v *Vector) BindConfig(x any) { v.bind("config", v.Config, x) }

// BindInput decodes the input into x; x may hold V, S, Datum, Record and Text.
func (v *Vector) BindInput(x any) { v.bind("input", v.Input, x) }

// BindOutput decodes the expected output into x.
func (v *Vector) BindOutput(x any) { v.bind("output", v.Output, x) }

func (v *Vector) bind(part string, raw json.RawMessage, x any) {
	if raw == nil {
		raw = json.RawMessage("null")
	}
	if err := json.Unmarshal(raw, x); err != nil {
		panic(fmt.Sprintf("vector %s (%s): %s is not a %T: %v", v.ID, v.Op, part, x, err))
	}
}

// Dir returns the directory of the vectors: $MILLWRIGHT_VECTORS, or
// ../shared/vectors beside the root of the repository.
func Dir() (string, error) {
	if dir := os.Getenv("MILLWRIGHT_VECTORS"); dir != "" {
		return dir, nil
	}
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return filepath.Join(at, "..", "shared", "vectors"), nil
		}
		up := filepath.Dir(at)
		if up == at {
			return "", errors.New("no go.mod above the working directory")
		}
		at = up
	}
}

// Files returns the files of a kind (data, values, transforms, converters,
// config, ...): KIND.jsonl.gz, KIND.open.jsonl.gz and every other KIND.*.jsonl.gz.
func Files(kind string) ([]string, error) {
	dir, err := Dir()
	if err != nil {
		return nil, err
	}
	var files []string
	for _, end := range []string{".jsonl.gz", ".jsonl"} {
		for _, mid := range []string{"", ".*"} {
			found, err := filepath.Glob(filepath.Join(dir, kind+mid+end))
			if err != nil {
				return nil, err
			}
			files = append(files, found...)
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no vectors of kind %s in %s: %w", kind, dir, os.ErrNotExist)
	}
	return files, nil
}

// Each calls f for every vector of a kind whose op is in ops (all when ops is
// empty; an op that ends in * stands for all that begin so).
func Each(kind string, ops []string, f func(*Vector) error) error {
	files, err := Files(kind)
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := eachIn(file, ops, f); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

func eachIn(file string, ops []string, f func(*Vector) error) error {
	fd, err := os.Open(file)
	if err != nil {
		return err
	}
	defer fd.Close()
	var r io.Reader = fd
	if strings.HasSuffix(file, ".gz") {
		if r, err = gzip.NewReader(fd); err != nil {
			return err
		}
	}
	lines := bufio.NewReaderSize(r, 1<<20)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var v Vector
			if e := json.Unmarshal(line, &v); e != nil {
				return fmt.Errorf("line %d: %w", n, e)
			}
			if wanted(ops, v.Op) {
				if e := f(&v); e != nil {
					return e
				}
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func wanted(ops []string, op string) bool {
	return len(ops) == 0 || slices.ContainsFunc(ops, func(o string) bool {
		return o == op || strings.HasSuffix(o, "*") && strings.HasPrefix(op, o[:len(o)-1])
	})
}

// A Wrong is a vector that the caller believes to be wrong, or does not want
// to follow, with the reason.
type Wrong struct{ ID, Reason string }

const shown = 20

// Run calls f for every vector of a kind and its ops, as Each does. A non-nil
// error of f, or a panic, is a failure of the vector; the first 20 are shown,
// then the totals. A vector listed in wrong may fail; one that does not fail
// any more is reported. The test is skipped when there are no vectors.
func Run(t *testing.T, kind string, ops []string, f func(t *testing.T, v *Vector) error, wrong ...Wrong) {
	t.Helper()
	type count struct{ ran, failed, excused int }
	counts := map[string]*count{}
	failures := 0
	err := Each(kind, ops, func(v *Vector) error {
		c := counts[v.Op]
		if c == nil {
			c = &count{}
			counts[v.Op] = c
		}
		c.ran++
		at := slices.IndexFunc(wrong, func(w Wrong) bool { return w.ID == v.ID })
		switch err := try(t, v, f); {
		case err != nil && at >= 0:
			c.excused++
		case err != nil:
			c.failed++
			if failures++; failures <= shown {
				t.Errorf("%s %s: %v\n  config %s\n  input  %s", v.ID, v.Op, err, cut(v.Config, 400), cut(v.Input, 1200))
			}
		case at >= 0:
			t.Errorf("%s %s is listed as wrong (%s), but agrees", v.ID, v.Op, wrong[at].Reason)
		}
		return nil
	})
	switch {
	case errors.Is(err, os.ErrNotExist):
		t.Skipf("the Connect vectors are not here; set MILLWRIGHT_VECTORS to their directory: %v", err)
	case err != nil:
		t.Fatal(err)
	case len(counts) == 0:
		t.Fatalf("no vectors of kind %s for the ops %v", kind, ops)
	}
	var names []string
	for op := range counts {
		names = append(names, op)
	}
	slices.Sort(names)
	for _, op := range names {
		c := counts[op]
		t.Logf("%s: %d vectors, %d failed, %d believed wrong", op, c.ran, c.failed, c.excused)
	}
	if failures > shown {
		t.Errorf("%d failures, of which %d are shown", failures, shown)
	}
}

func try(t *testing.T, v *Vector, f func(*testing.T, *Vector) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return f(t, v)
}

func cut(b []byte, n int) string {
	if len(b) > n {
		return string(b[:n]) + "..."
	}
	return string(b)
}
