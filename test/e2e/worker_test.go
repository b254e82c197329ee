package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A cluster is the workers of one group.
type cluster struct {
	testing.TB
	id      string // of the group; its topics are named after it
	props   props
	workers []*worker
}

// newCluster makes a group of workers on a broker; add starts one.
func newCluster(t testing.TB, bootstrap string, more ...string) *cluster {
	id := unique("e2e")
	return &cluster{TB: t, id: id, props: props{
		"bootstrap.servers": bootstrap, "group.id": id,
		"key.converter": stringConverter, "value.converter": stringConverter,
		"config.storage.topic": id + "-configs", "config.storage.replication.factor": "1",
		"offset.storage.topic": id + "-offsets", "offset.storage.replication.factor": "1", "offset.storage.partitions": "5",
		"status.storage.topic": id + "-status", "status.storage.replication.factor": "1", "status.storage.partitions": "3",
		"offset.flush.interval.ms": "200", "session.timeout.ms": "6000", "heartbeat.interval.ms": "500",
		"scheduled.rebalance.max.delay.ms": "0", "connector.client.config.override.policy": "All",
	}.with(more...)}
}

const (
	stringConverter = "org.apache.kafka.connect.storage.StringConverter"
	jsonConverter   = "org.apache.kafka.connect.json.JsonConverter"
)

// A worker is a process of the program.
type worker struct {
	testing.TB
	base string // URL of the REST API
	tls  *tls.Config
	args []string
	env  []string
	log  string // path of what it prints
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// add starts one more worker and waits until it answers.
func (c *cluster) add(more ...string) *worker {
	c.Helper()
	w := c.prepare(more...)
	w.start()
	w.ready()
	return w
}

// prepare makes a worker without starting it.
func (c *cluster) prepare(more ...string) *worker {
	c.Helper()
	dir := c.TempDir()
	port := freePorts(c, 1)[0]
	base := fmt.Sprintf("http://127.0.0.1:%d", port)
	file := filepath.Join(dir, "worker.properties")
	writeProps(c, file, c.props.with("listeners", base).with(more...))
	w := &worker{TB: c.TB, base: base, args: []string{"worker", file}, log: filepath.Join(dir, "worker.log")}
	c.workers = append(c.workers, w)
	c.Cleanup(w.end)
	return w
}

func writeProps(t testing.TB, path string, p props) {
	t.Helper()
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&b, "%s=%s\n", k, strings.ReplaceAll(p[k], `\`, `\\`))
	}
	must(t, os.WriteFile(path, []byte(b.String()), 0o600))
}

// start starts the process, again if it has run before.
func (w *worker) start() {
	w.Helper()
	out, err := os.OpenFile(w.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(w, err)
	defer out.Close()
	w.cmd = exec.Command(program, w.args...)
	w.cmd.Stdout, w.cmd.Stderr = out, out
	w.cmd.Env = append(os.Environ(), w.env...)
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(w, w.cmd.Start())
	done := make(chan struct{})
	w.done = done
	go func() {
		_ = w.cmd.Wait()
		close(done)
	}()
}

// ready waits until the worker has read its topics and joined its group.
func (w *worker) ready() {
	w.Helper()
	until(w, "worker "+w.base+" answers", func() string {
		if !w.alive() {
			w.Fatalf("the worker has ended with %d:\n%s", w.cmd.ProcessState.ExitCode(), w.tail())
		}
		status, body, err := w.try("GET", "/health", nil)
		if err != nil {
			return err.Error()
		}
		if status != http.StatusOK {
			return string(body)
		}
		return ""
	})
}

func (w *worker) alive() bool {
	if w.cmd == nil {
		return false
	}
	select {
	case <-w.done:
		return false
	default:
		return true
	}
}

// id is the worker's id in statuses.
func (w *worker) id() string { return w.base[strings.Index(w.base, "://")+3:] }

func (w *worker) signal(s os.Signal) { must(w, w.cmd.Process.Signal(s)) }

// kill ends the process as a power cut would.
func (w *worker) kill() {
	_ = w.cmd.Process.Kill()
	<-w.done
}

// stop asks the process to end, and returns its exit code.
func (w *worker) stop() int {
	w.Helper()
	w.signal(syscall.SIGTERM)
	select {
	case <-w.done:
	case <-time.After(patience):
		w.Fatalf("the worker does not stop:\n%s", w.tail())
	}
	return w.cmd.ProcessState.ExitCode()
}

// end cleans up, and shows the end of the log of a failed test;
// MILLWRIGHT_TEST_LOGS names a folder for all of it.
func (w *worker) end() {
	if w.alive() {
		_ = w.cmd.Process.Signal(syscall.SIGCONT)
		if w.Failed() && os.Getenv("MILLWRIGHT_TEST_LOGS") != "" {
			_ = w.cmd.Process.Signal(syscall.SIGQUIT) // its goroutines go to the log
			<-w.done
		}
		w.kill()
	}
	if !w.Failed() {
		return
	}
	w.Logf("%s printed at last:\n%s", w.base, w.tail())
	if dir := os.Getenv("MILLWRIGHT_TEST_LOGS"); dir != "" {
		name := strings.ReplaceAll(w.Name()+"-"+w.id(), "/", "-") + ".log"
		must(w, os.WriteFile(filepath.Join(dir, name), []byte(w.printed()), 0o600))
	}
}

// printed returns all that the worker has printed.
func (w *worker) printed() string {
	b, err := os.ReadFile(w.log)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		w.Error(err)
	}
	return string(b)
}

func (w *worker) tail() string {
	s := w.printed()
	return s[max(0, len(s)-6000):]
}

// try sends a request; body is sent as JSON, or as it is if it is a string.
func (w *worker) try(method, path string, body any) (status int, answer []byte, err error) {
	return w.tryFor(w.Context(), method, path, body)
}

func (w *worker) tryFor(ctx context.Context, method, path string, body any) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		must(w, err)
		r = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, w.base+path, r)
	must(w, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: w.tls, DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// call sends a request that must be answered with success.
func (w *worker) call(method, path string, body, into any) {
	w.Helper()
	until(w, method+" "+path, func() string {
		status, answer, err := w.try(method, path, body)
		switch {
		case err != nil:
			return err.Error()
		case status == http.StatusConflict && bytes.Contains(answer, []byte("momentarily")), // as clients do
			bytes.Contains(answer, []byte("trying to forward REST request")): // the leader has just gone
			return string(answer)
		case status/100 != 2:
			w.Fatalf("%s %s: %d %s", method, path, status, answer)
		}
		if into != nil {
			must(w, json.Unmarshal(answer, into))
		}
		return ""
	})
}

// put makes or changes a connector.
func (w *worker) put(name string, config props) {
	w.Helper()
	w.call("PUT", "/connectors/"+name+"/config", config, nil)
}

// A status is the answer of GET /connectors/x/status.
type status struct {
	Name      string
	Type      string
	Connector unit
	Tasks     []task
}

type unit struct {
	State, Trace string
	Worker       string `json:"worker_id"`
}

type task struct {
	ID int
	unit
}

func (w *worker) status(name string) (status, error) {
	code, body, err := w.try("GET", "/connectors/"+name+"/status", nil)
	if err != nil {
		return status{}, err
	}
	if code != http.StatusOK {
		return status{}, fmt.Errorf("%d %s", code, body)
	}
	var s status
	return s, json.Unmarshal(body, &s)
}

// await waits until a connector and so many tasks are in a state, as this worker
// sees it.
func (w *worker) await(name, state string, tasks int) status {
	w.Helper()
	var s status
	until(w, fmt.Sprintf("connector %s is %s with %d tasks", name, state, tasks), func() string {
		var err error
		if s, err = w.status(name); err != nil {
			return err.Error()
		}
		n := 0
		for _, t := range s.Tasks {
			if t.State == state {
				n++
			}
		}
		if s.Connector.State != state || n != tasks || len(s.Tasks) != tasks {
			return fmt.Sprintf("%+v", s)
		}
		return ""
	})
	return s
}

// awaitFailed waits until a task has failed, and returns its trace.
func (w *worker) awaitFailed(name string) string {
	w.Helper()
	var trace string
	until(w, "a task of "+name+" is FAILED", func() string {
		s, err := w.status(name)
		if err != nil {
			return err.Error()
		}
		for _, t := range s.Tasks {
			if t.State == "FAILED" {
				trace = t.Trace
				return ""
			}
		}
		return fmt.Sprintf("%+v", s)
	})
	return trace
}

// sourceOffset returns the committed offset of a connector's partition that
// contains a field with a value, or nil.
func (w *worker) offsets(name string) []struct{ Partition, Offset map[string]any } {
	w.Helper()
	var answer struct {
		Offsets []struct{ Partition, Offset map[string]any }
	}
	w.call("GET", "/connectors/"+name+"/offsets", nil, &answer)
	return answer.Offsets
}
