package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

const module = "github.com/millwright-connect/millwright/"

// alone are the packages that start whole clusters of processes and wait for
// what they do: each has the machine to itself, after all others.
var alone = []string{"test/cluster", "test/e2e", "test/compat", "test/kafka"}

// stages divides packages into runs of go test, one after another.
func stages(ctx context.Context, patterns []string) [][]string {
	cmd := exec.CommandContext(ctx, "go", append([]string{"list"}, patterns...)...) //nolint:gosec // our own command line
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return [][]string{patterns} // go test says what is wrong
	}
	var together []string
	stages := [][]string{nil}
	for _, p := range strings.Fields(string(out)) {
		if slices.Contains(alone, strings.TrimPrefix(p, module)) {
			stages = append(stages, []string{p})
		} else {
			together = append(together, p)
		}
	}
	if stages[0] = together; len(together) == 0 {
		stages = stages[1:]
	}
	return stages
}

// event is a line of `go test -json`.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

type key struct{ pkg, test string }

func (k key) String() string {
	return strings.TrimSuffix(strings.TrimPrefix(k.pkg, module)+"."+k.test, ".")
}

// result gathers what the stages came to.
type result struct {
	o       options
	env     []string
	skipped map[string][]string // tests by reason
	bad     map[key]bool
	passed  int
	flaky   []key // failed, and passed when they were run again
	broken  error // go test itself failed
}

func newResult(o options, env []string) *result {
	return &result{o: o, env: env, skipped: map[string][]string{}, bad: map[key]bool{}}
}

// run runs the tests of packages.
func (r *result) run(ctx context.Context, packages []string, flags ...string) {
	args := append([]string{"test", "-json", "-tags", "synctests", "-timeout", r.o.timeout.String()}, flags...)
	env := r.env
	if r.o.race {
		args = append(args, "-race")
		env = append(slices.Clone(env), "CGO_ENABLED=1")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, packages...)...) //nolint:gosec // our own command line
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		r.broken = err
		return
	}
	output := map[key][]string{}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Println(lines.Text())
			continue
		}
		r.note(e, output)
	}
	if err := cmd.Wait(); err != nil && len(r.bad) == 0 {
		r.broken = err
	}
}

func (r *result) note(e event, output map[key][]string) {
	k := key{e.Package, e.Test}
	switch e.Action {
	case "output", "build-output":
		output[k] = append(output[k], e.Output)
		if e.Action == "build-output" || r.o.verbose {
			fmt.Print(e.Output)
		}
	case "skip":
		if e.Test != "" {
			reason := reasonOf(output[k])
			r.skipped[reason] = append(r.skipped[reason], k.String())
		}
	case "fail":
		r.bad[k] = true
		for _, l := range output[k] {
			fmt.Print(l)
		}
	case "pass":
		switch {
		case e.Test == "":
			fmt.Printf("ok  \t%s\t%.2fs\n", e.Package, e.Elapsed)
		case r.bad[k]:
			r.flaky = append(r.flaky, k)
		default:
			r.passed++
		}
		delete(r.bad, k)
	}
	if e.Action == "pass" || e.Action == "skip" {
		delete(output, k)
	}
}

// again runs the tests that failed once more, each by itself. One that passes
// then is told of, but fails nothing: on a machine of two cores with a dozen
// servers, deadlines pass for other reasons than faults.
func (r *result) again(ctx context.Context) {
	var packages []string
	for k := range r.bad {
		if !slices.Contains(packages, k.pkg) {
			packages = append(packages, k.pkg)
		}
	}
	slices.Sort(packages)
	for _, pkg := range packages {
		var names []string
		for k := range r.bad {
			if k.pkg == pkg && k.test != "" && !strings.Contains(k.test, "/") {
				names = append(names, k.test)
			}
		}
		slices.Sort(names)
		for _, name := range names {
			fmt.Printf("again: %s\n", key{pkg, name})
			r.run(ctx, []string{pkg}, "-count=1", "-run", "^"+name+"$")
			if r.bad[key{pkg, name}] {
				continue
			}
			for k := range r.bad { // what is under it has passed too, or was not run
				if k.pkg == pkg && strings.HasPrefix(k.test, name+"/") {
					delete(r.bad, k)
				}
			}
		}
		if !slices.ContainsFunc(r.failed(), func(f string) bool { return strings.HasPrefix(f, strings.TrimPrefix(pkg, module)+".") }) {
			delete(r.bad, key{pkg: pkg})
		}
	}
}

// failed lists what failed in the end.
func (r *result) failed() []string {
	var out []string
	for k := range r.bad {
		out = append(out, k.String())
	}
	slices.Sort(out)
	if r.broken != nil {
		out = append(out, "go test: "+r.broken.Error())
	}
	return out
}

// count prints the closing line.
func (r *result) count() {
	skipped, failed := 0, 0
	for _, tests := range r.skipped {
		skipped += len(tests)
	}
	for k := range r.bad {
		if k.test != "" {
			failed++
		}
	}
	for _, k := range r.flaky {
		fmt.Println("FLAKY", k, "failed, and passed when it was run again")
	}
	fmt.Printf("\n%d passed, %d failed, %d skipped\n", r.passed+len(r.flaky), failed, skipped)
}

// reasonOf finds why a test was skipped in what it printed.
func reasonOf(output []string) string {
	for _, l := range output {
		if i := strings.Index(l, ".go:"); i >= 0 {
			if _, reason, ok := strings.Cut(l[i+4:], ": "); ok {
				return strings.TrimSpace(reason)
			}
		}
	}
	return "no reason given"
}
