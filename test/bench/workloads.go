package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/millwright-connect/millwright/test/services"
)

// limits are the workloads for which bench.py has a raw limit: a Go program
// that does that job only, with the same client library.
var limits = []string{"W2", "W2j", "W3", "W3j", "W7"}

// without are the workloads that need a database or a PLC; they are run by hand.
var without = []string{"W4", "W5", "W6", "V"}

// ratio is how much more CPU than the limit a worker may take, by workload.
var ratio = map[string]float64{"W2": 2.5, "W3": 2.5}

// workloads runs bench.py for our worker and its peers and reads its results.
func workloads(ctx context.Context, o options, dir string) ([]figure, error) {
	if m := missing(); m != "" {
		say("no workloads: %s", m)
		return nil, nil
	}
	bench := filepath.Join(dir, "bench")
	if err := os.CopyFS(bench, os.DirFS(o.shared)); err != nil {
		return nil, err
	}
	say("building kbench, the load generator")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(bench, "kbench-bin"), ".")
	cmd.Dir = filepath.Join(bench, "kbench")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("kbench: %w\n%s", err, out)
	}
	var all []figure
	var failed []error
	for _, w := range o.workloads {
		if slices.ContainsFunc(without, func(p string) bool { return strings.HasPrefix(w, p) }) {
			failed = append(failed, fmt.Errorf("%s needs more than a broker: run it by hand, see %s", w, filepath.Join(o.shared, "README.md")))
			continue
		}
		results, err := workload(ctx, o, bench, w)
		if err != nil {
			failed = append(failed, err)
		}
		all = append(all, results.figures(w)...)
		if ctx.Err() != nil {
			break
		}
	}
	return all, errors.Join(failed...)
}

func missing() string {
	if _, err := exec.LookPath("python3"); err != nil {
		return "python3 is not installed"
	}
	if jars, _ := filepath.Glob(filepath.Join(services.KafkaLib(), "*.jar")); len(jars) == 0 {
		return "the jars of Apache Kafka are not in " + services.KafkaLib()
	}
	return ""
}

// measured are the figures of one run by bench.py's names.
type measured map[string]any

func (m measured) number(name string) (float64, bool) {
	v, ok := m[name].(float64)
	return v, ok
}

// results are the runs by worker: ours is "go".
type results map[string][]measured

// workload runs one workload. Our worker and the limit take turns, so that both
// meet the same neighbours on the machine.
func workload(ctx context.Context, o options, bench, name string) (results, error) {
	file := filepath.Join(bench, name+".jsonl")
	args := []string{
		"bench.py", "--workload", name, "--runs", fmt.Sprint(o.runs), "--bootstrap", o.bootstrap, "--lib", services.KafkaLib(),
		"--tmp", filepath.Join(bench, "tmp"), "--json", file,
	}
	if name == "W8" {
		args = append(args, "--connectors", "20", "--tasks", "10") // as in its table of peers
	}
	if name == "W7" {
		say("starting a second Kafka broker")
		b, err := services.StartKafka(ctx, filepath.Join(bench, "kafka2"), 0)
		if err != nil {
			return nil, err
		}
		defer b.Stop()
		args = append(args, "--bootstrap2", b.Bootstrap())
	}
	workers := []string{"go"}
	ours := append(slices.Clone(args), "--worker", "go="+o.binary+" worker {properties}")
	if slices.Contains(limits, name) {
		ours, workers = append(ours, "--vs", "limit"), append(workers, "limit")
	}
	say("%s: %d runs", name, o.runs)
	if err := python(ctx, bench, ours); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if o.java {
		if err := python(ctx, bench, append(args, "--worker", "java")); err != nil {
			return nil, fmt.Errorf("%s with Apache Connect: %w", name, err)
		}
		workers = append(workers, "java")
	}
	r, err := read(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for _, w := range workers {
		if len(r[w]) != o.runs {
			return r, fmt.Errorf("%s: %d of %d runs of %q failed", name, o.runs-len(r[w]), o.runs, w)
		}
		for _, m := range r[w] {
			if ok, has := m["ok"]; has && ok != true {
				return r, fmt.Errorf("%s: records of %q are wrong or missing: %v", name, w, m["verify"])
			}
		}
	}
	return r, nil
}

// python runs bench.py, which ends what it started when it is told to end.
func python(ctx context.Context, dir string, args []string) error {
	cmd := exec.CommandContext(ctx, "python3", args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	return cmd.Run()
}

func read(file string) (results, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, errors.New("every run failed")
	}
	r := results{}
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		var m measured
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			return nil, err
		}
		name, _ := m["worker"].(string)
		r[name] = append(r[name], m)
	}
	return r, nil
}

// figures are the lines of the table for one workload.
func (r results) figures(workload string) []figure {
	var all []figure
	limit := median(r["limit"], "cpu/M")
	for _, name := range []string{"go", "limit", "java"} {
		runs := r[name]
		if len(runs) == 0 {
			continue
		}
		f := figure{what: workload + " " + title[name], value: summary(runs)}
		if name == "go" && limit > 0 {
			cost := median(runs, "cpu/M") / limit
			f.value += fmt.Sprintf(", %.2f times the limit", cost)
			if most := ratio[workload]; most > 0 {
				f.target, f.mark = fmt.Sprintf("<= %.1f times", most), "pass"
				if cost > most {
					f.mark = "MISS"
				}
			}
		}
		all = append(all, f)
	}
	return all
}

var title = map[string]string{"go": "Millwright", "limit": "limit", "java": "Apache Connect"}

// shown are bench.py's figures in the table, with their units.
var shown = []struct{ name, format string }{
	{"cpu/M", "%.2f CPU-s per million"},
	{"rps", "%.0f records/s"},
	{"rss", "%.0f MiB"},
	{"p50", "p50 %.0f ms"},
	{"p99", "p99 %.0f ms"},
}

// summary shows medians. A workload without the usual figures shows all it has.
func summary(runs []measured) string {
	var parts []string
	for _, s := range shown {
		if _, ok := runs[0].number(s.name); ok {
			parts = append(parts, fmt.Sprintf(s.format, median(runs, s.name)))
		}
	}
	if _, usual := runs[0].number("cpu/M"); usual {
		return strings.Join(parts, ", ")
	}
	parts = nil
	for name := range runs[0] {
		if _, ok := runs[0].number(name); ok && name != "at" && name != "load1" {
			parts = append(parts, fmt.Sprintf("%s %.4g", name, median(runs, name)))
		}
	}
	sort.Strings(parts)
	return strings.Join(parts, ", ")
}

// median is 0 when no run has the figure.
func median(runs []measured, name string) float64 {
	var v []float64
	for _, m := range runs {
		if x, ok := m.number(name); ok {
			v = append(v, x)
		}
	}
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
