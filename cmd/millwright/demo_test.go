package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millwright-connect/millwright/cmd/millwright/demo"
)

const demoDir = "MILLWRIGHT_TEST_DEMO_DIR"

// TestDemoChild is the process that TestDemo kills.
func TestDemoChild(t *testing.T) {
	dir := os.Getenv(demoDir)
	if dir == "" {
		return // it is only for TestDemo
	}
	os.Exit(run([]string{"demo", "--dir", dir}, stdio{os.Stdin, os.Stdout, os.Stderr}))
}

// TestDemo: the demo accounts for every record, goes on in the same folder, and
// loses nothing when it is killed in the middle.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	first := runDemoFor(t, dir)
	second := runDemoFor(t, dir)
	for topic, n := range second {
		if n <= first[topic] {
			t.Errorf("topic %s has %d records after a second run, and %d after the first", topic, n, first[topic])
		}
	}
	killed := killDemo(t, dir)
	third := runDemoFor(t, dir)
	for topic, n := range third {
		if n <= killed[topic] || killed[topic] <= second[topic] {
			t.Errorf("topic %s had %d records, %d before the kill, and %d after the next run", topic, second[topic], killed[topic], n)
		}
	}
}

var (
	accountLine = regexp.MustCompile(`(?m)^(\w+): +(\d+) records produced in this run, +(\d+) in the topic, +(\d+) rows in the database, (\d+) missing$`)
	rateLine    = regexp.MustCompile(`presses \d+/s \((\d+)\)  robots \d+/s \((\d+)\)`)
)

// runDemoFor runs the demo for a second and returns the records in each topic.
func runDemoFor(t *testing.T, dir string) map[string]int {
	t.Helper()
	var out bytes.Buffer
	err := demo.Run(t.Context(), demo.Options{Dir: dir, Duration: time.Second, Out: &out, Worker: demoWorker})
	if err != nil {
		worker, _ := os.ReadFile(filepath.Join(dir, "worker.log"))
		t.Fatalf("%v\n%s\n%s", err, &out, worker[max(0, len(worker)-5000):])
	}
	found := map[string]int{}
	for _, m := range accountLine.FindAllStringSubmatch(out.String(), -1) {
		produced, topic, rows := number(t, m[2]), number(t, m[3]), number(t, m[4])
		if produced == 0 || topic != rows || m[5] != "0" {
			t.Errorf("account: %s", m[0])
		}
		found[m[1]] = topic
	}
	if len(found) != 2 || !strings.Contains(out.String(), "Every record is accounted for") {
		t.Fatalf("no account: %s", &out)
	}
	return found
}

// killDemo runs the demo in another process, kills that while records flow, and
// returns how many each topic had shortly before.
func killDemo(t *testing.T, dir string) map[string]int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDemoChild$") //nolint:gosec // this program
	cmd.Env = append(os.Environ(), demoDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var seen map[string]int
	var all strings.Builder
	lines := bufio.NewScanner(io.TeeReader(out, &all))
	for n := 0; n < 2 && lines.Scan(); {
		if m := rateLine.FindStringSubmatch(lines.Text()); m != nil {
			seen = map[string]int{"presses": number(t, m[1]), "robots": number(t, m[2])}
			n++
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // it says that it was killed
	if seen == nil {
		t.Fatalf("the demo ended before it was killed: %s", all.String())
	}
	return seen
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
