package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/millwright-connect/millwright/test/services"
)

// ModeVar says how much of Apache Kafka's tests is run: all, or the part that
// takes a few minutes (default). A value with a class name, or several, runs
// those; Class#method is one test.
const modeVar = "MILLWRIGHT_KAFKA_TESTS"

// part is what is run by default: the classes that show most in least time.
var part = []string{
	"ConnectorValidationIntegrationTest", "ConnectorRestartApiIntegrationTest", "FileStreamSourceConnectorIntegrationTest",
	"ErrorHandlingIntegrationTest", "SessionedProtocolIntegrationTest", "OffsetsApiIntegrationTest", "StandaloneWorkerIntegrationTest",
}

// left are tests that cannot pass here, and why; see README.md. They fail with
// Java's worker behind the bridge too.
var left = map[string]string{
	"StandaloneWorkerIntegrationTest.testHealthCheck":                                         "needs the control lines before the process exists",
	"InternalTopicsIntegrationTest.testFailToCreateInternalTopicsWithMoreReplicasThanBrokers": "a process that ends is no exception of a Future",
}

// TestApacheKafka runs Apache Kafka's own integration tests of Connect, from its
// published jars, against the worker of this package.
func TestApacheKafka(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes; not with -short")
	}
	b := openBridge(t)
	want := b.selected(t)
	seen := map[string]bool{}
	for _, class := range slices.Sorted(maps.Keys(want)) {
		b.run(t, class, want[class], seen)
	}
	for class, tests := range want {
		for _, test := range tests {
			if name := class + "." + test; !seen[name] {
				t.Errorf("%s did not run", name)
			}
		}
	}
}

// A bridge is a copy of ../shared/kafka-tests that was built, and the worker.
type bridge struct{ dir, worker string }

func openBridge(t *testing.T) bridge {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	from := os.Getenv("MILLWRIGHT_KAFKA_BRIDGE")
	if from == "" {
		from = filepath.Join(root, "../shared/kafka-tests")
	}
	if _, err := os.Stat(filepath.Join(from, "run.sh")); err != nil {
		t.Skip("the bridge to Apache Kafka's tests is missing: ../shared/kafka-tests, or the folder that MILLWRIGHT_KAFKA_BRIDGE names")
	}
	for _, tool := range []string{"java", "javac", "mvn", "bash"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is missing; to add it: apt-get install -y openjdk-17-jdk-headless maven", tool)
		}
	}
	b := bridge{dir: filepath.Join(services.Cache(), "kafka-tests")}
	b.build(t, from)
	b.worker = built(t, root)
	return b
}

// built returns the path of the test worker: the one that the make target has
// built, or a fresh one.
func built(t *testing.T, root string) string {
	if path, err := os.ReadFile("BINARY"); err == nil {
		if path := strings.TrimSpace(string(path)); filepath.IsAbs(path) {
			if _, err := os.Stat(path); err == nil && os.Getenv(modeVar) != "" {
				return path
			}
		}
	}
	path := filepath.Join(t.TempDir(), "worker")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./test/kafka")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// build copies the bridge and compiles it against the published jars, unless it
// is there already.
func (b bridge) build(t *testing.T, from string) {
	sum := sha256.New()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(from, path)
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		sum.Write([]byte(rel + "\x00"))
		sum.Write(text)
		to := filepath.Join(b.dir, rel)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o755) //nolint:gosec // scripts are run
	})
	if err != nil {
		t.Fatal(err)
	}
	stamp, now := filepath.Join(b.dir, "target", "built"), hex.EncodeToString(sum.Sum(nil))
	if was, err := os.ReadFile(stamp); err == nil && string(was) == now {
		return
	}
	cmd := exec.CommandContext(t.Context(), "bash", "build.sh")
	cmd.Dir = b.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("the bridge cannot be built: %v\n%s", err, out)
	}
	if err := os.WriteFile(stamp, []byte(now), 0o644); err != nil {
		t.Fatal(err)
	}
}

// selected returns the tests to run by class: those that an external worker can
// pass, of the classes that are asked for.
func (b bridge) selected(t *testing.T) map[string][]string {
	core := map[string]bool{}
	for _, c := range b.lines(t, "default.txt") {
		core[c] = true
	}
	var asked []string
	switch mode := os.Getenv(modeVar); mode {
	case "":
		asked = part
	case "all":
	default:
		asked = strings.Fields(mode)
	}
	want := map[string][]string{}
	for _, l := range b.lines(t, "KINDS.tsv") {
		f := strings.Split(l, "\t")
		class, test, kind := f[0], f[1], f[2]
		if !core[class] || kind == "c" || left[class+"."+test] != "" {
			continue
		}
		if asked == nil || slices.Contains(asked, class) || slices.Contains(asked, class+"#"+test) {
			want[class] = append(want[class], test)
		}
	}
	if len(want) == 0 {
		t.Fatalf("%s=%s names no test", modeVar, os.Getenv(modeVar))
	}
	return want
}

func (b bridge) lines(t *testing.T, file string) []string {
	text, err := os.ReadFile(filepath.Join(b.dir, file))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for l := range strings.Lines(string(text)) {
		if l = strings.TrimRight(l, "\n"); l != "" && !strings.HasPrefix(l, "#") {
			lines = append(lines, l)
		}
	}
	return lines
}

// run runs tests of one class, each a subtest once its result is there.
func (b bridge) run(t *testing.T, class string, tests []string, seen map[string]bool) {
	logs := filepath.Join("logs", class)
	if err := os.RemoveAll(filepath.Join(b.dir, logs)); err != nil {
		t.Fatal(err)
	}
	args := []string{"run.sh", "--worker-command", b.worker + " worker {properties}", "--standalone-command", b.worker + " standalone {properties}"}
	for _, test := range tests {
		args = append(args, class+"#"+test)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if end, limited := t.Deadline(); limited { // leave nothing behind
		ctx, cancel = context.WithDeadline(ctx, end.Add(-15*time.Second))
		defer cancel()
	}
	cmd := exec.CommandContext(ctx, "bash", args...)
	cmd.Dir, cmd.Env = b.dir, append(os.Environ(), "D="+logs)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // the JVM and the workers go with it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for in := bufio.NewScanner(out); in.Scan(); {
		result, rest, _ := strings.Cut(in.Text(), " ")
		name, took, _ := strings.Cut(rest, " ")
		if result != "PASS" && result != "FAIL" && result != "SKIP" {
			continue
		}
		seen[name] = true
		t.Run(strings.Replace(name, ".", "/", 1), func(t *testing.T) {
			switch result {
			case "FAIL":
				t.Errorf("%s\nlogs: %s", took, filepath.Join(b.dir, logs))
			case "SKIP":
				t.Skip(took)
			default:
				t.Log(took)
			}
		})
	}
	_ = cmd.Wait() // fails when a test does, which was said
}
