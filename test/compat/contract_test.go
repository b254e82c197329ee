// Package compat runs the contract suite: scripted cases whose answers were
// recorded from Apache Kafka Connect 4.3.1, played against this worker.
package compat

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/millwright-connect/millwright/test/services"
)

// lanes are what runs at the same time: most cases wait more than they work, and
// each lane has workers, groups and topics of its own.
var lanes = []string{
	"rest,plugins,offsets,admin,worker,topics",
	"smt,conv,errors,takeover",
	"group",
	"eos",
}

// TestContract needs the suite in ../shared/contract (or MILLWRIGHT_CONTRACT), a
// broker in KAFKA_BOOTSTRAP, and Python 3. MILLWRIGHT_CONTRACT_SET chooses the
// set of cases: open (the default), heldout or all; MILLWRIGHT_CONTRACT_CASES,
// a regular expression on group/name, single ones.
func TestContract(t *testing.T) {
	s := openSuite(t)
	var (
		mu      sync.Mutex
		results []result
		running sync.WaitGroup
	)
	for i, groups := range lanes {
		running.Go(func() {
			got, err := s.run(t.Context(), fmt.Sprint(i), "--only", groups, "--case", s.cases)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Errorf("%s: %v", groups, err)
			}
			results = append(results, got...)
		})
	}
	running.Wait()
	results = s.again(t, results)
	counts := map[string]int{}
	for _, r := range results {
		counts[r.Verdict]++
		switch r.Verdict {
		case "FAIL":
			t.Errorf("%s (%.1fs)\n     %s", r.Case, r.Seconds, strings.Join(r.Diff, "\n     "))
		case "SKIP":
			t.Run(r.Case, func(t *testing.T) { t.Skip(s.skipped) })
		}
	}
	t.Logf("%d of %d cases passed", counts["PASS"], len(results))
	if len(results) == 0 {
		t.Error("no case was run")
	}
}

// A result is what the suite says of one case.
type result struct {
	Case, Verdict string
	Seconds       float64
	Diff          []string
}

// A suite is a copy of the contract suite, ready to run.
type suite struct {
	t                               *testing.T
	dir, python, worker, set, cases string
	args                            []string
	skipped                         string // why cases are skipped, if any are
}

func openSuite(t *testing.T) *suite {
	from := cmp.Or(os.Getenv("MILLWRIGHT_CONTRACT"), filepath.Join("..", "..", "..", "shared", "contract"))
	if _, err := os.Stat(filepath.Join(from, "contract.py")); err != nil {
		t.Skip("the contract suite is not in ../shared/contract; MILLWRIGHT_CONTRACT can name another place")
	}
	bootstrap := os.Getenv("KAFKA_BOOTSTRAP")
	if bootstrap == "" {
		t.Skip("KAFKA_BOOTSTRAP is not set")
	}
	if testing.Short() {
		t.Skip("takes minutes; not run with -short")
	}
	s := &suite{
		t: t, dir: t.TempDir(), python: venv(t, from),
		set: cmp.Or(os.Getenv("MILLWRIGHT_CONTRACT_SET"), "open"), cases: cmp.Or(os.Getenv("MILLWRIGHT_CONTRACT_CASES"), "."),
	}
	if err := copyTree(s.dir, from); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.worker, err = services.Millwright(t.Context(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	s.args = []string{
		"contract.py", "check", "--bootstrap", bootstrap, "--worker-cmd", s.worker + " worker {props}", "--set", s.set,
		"--patience", "3", // the machine does other things at the same time
	}
	if _, err := exec.LookPath("java"); err != nil {
		s.args, s.skipped = append(s.args, "--java-cmd", ""), "java is not installed"
	} else if jars, _ := filepath.Glob(filepath.Join(services.KafkaLib(), "connect-runtime-*.jar")); len(jars) == 0 {
		s.args, s.skipped = append(s.args, "--java-cmd", ""), "the jars of Apache Kafka are not in "+services.KafkaLib()
	}
	return s
}

// venv returns a Python that has what the suite imports.
func venv(t *testing.T, from string) string {
	home := filepath.Join(services.Cache(), "contract")
	python := filepath.Join(home, "bin", "python")
	if exec.CommandContext(t.Context(), python, "-c", "import confluent_kafka").Run() == nil {
		return python
	}
	for _, args := range [][]string{
		{"python3", "-m", "venv", home},
		{python, "-m", "pip", "install", "-q", "-r", filepath.Join(from, "requirements.txt")},
	} {
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil { //nolint:gosec // ours
			t.Skipf("the contract suite's Python could not be made (apt-get install -y python3-venv): %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	return python
}

// copyTree copies the suite without what its runs have left: it writes beside
// itself.
func copyTree(to, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(from, path)
		switch {
		case d.IsDir() && (rel == "run" || strings.HasPrefix(d.Name(), ".") && rel != "." || d.Name() == "__pycache__"):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, info.Mode().Perm())
	})
}

// run runs some cases and returns what became of them.
func (s *suite) run(ctx context.Context, name string, args ...string) ([]result, error) {
	report := filepath.Join(s.dir, name+".json")
	args = append(slices.Clone(s.args), append(args, "--dir", filepath.Join(s.dir, "run", name), "--json", report)...)
	cmd := exec.CommandContext(ctx, s.python, args...) //nolint:gosec // ours
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), "KAFKA_LIB="+services.KafkaLib(), "PYTHONUNBUFFERED=1")
	// On SIGTERM the suite stops its workers.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = cmd.Stdout
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var tail []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		s.t.Logf("[%s %3.0fs] %s", name, time.Since(began).Seconds(), lines.Text())
		tail = append(tail[max(0, len(tail)-20):], lines.Text())
	}
	failed := cmd.Wait() // 1 when a case has failed
	b, err := os.ReadFile(report)
	if err != nil {
		return nil, fmt.Errorf("the suite broke off: %w\n%s", errors.Join(failed, err), strings.Join(tail, "\n"))
	}
	var results []result
	return results, json.Unmarshal(b, &results)
}

// again runs what has failed once more, alone: some cases measure time or ask
// while Connect rebalances, and Java itself fails those on a busy machine. What
// fails twice has failed; what passes the second time is named.
func (s *suite) again(t *testing.T, results []result) []result {
	var names []string
	for _, r := range results {
		if r.Verdict == "FAIL" {
			names = append(names, regexp.QuoteMeta(r.Case))
		}
	}
	if len(names) == 0 || len(names) > 20 {
		return results
	}
	second, err := s.run(t.Context(), "again", "--case", "^("+strings.Join(names, "|")+")$")
	if err != nil {
		t.Error(err)
	}
	for _, r := range second {
		i := slices.IndexFunc(results, func(o result) bool { return o.Case == r.Case })
		if i >= 0 && r.Verdict == "PASS" {
			t.Logf("%s passed the second time only; the first time:\n     %s", r.Case, strings.Join(results[i].Diff, "\n     "))
			results[i] = r
		}
	}
	return results
}
