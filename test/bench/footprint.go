package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/millwright-connect/millwright/test/services"
)

// build makes bin/millwright as users get it: the Makefile knows the flags.
func build(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "make", "-s", "build")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("make build: %w", err)
	}
	return nil
}

// settle is left to a worker before it counts as idle.
const settle = 5 * time.Second

// footprint starts workers one after another and watches the last one idle.
func footprint(ctx context.Context, o options, dir string) ([]figure, error) {
	var took []time.Duration
	var cpu, peak float64
	var w *worker
	for i := range o.starts + 1 { // the first makes the internal topics
		if w != nil {
			if err := w.stop(); err != nil {
				return nil, err
			}
		}
		var err error
		if w, err = startWorker(ctx, o, dir); err != nil {
			return nil, err
		}
		if i == 0 {
			say("first start, which creates the internal topics: %d ms", w.took.Milliseconds())
			continue
		}
		usage, err := w.usage()
		if err != nil {
			return nil, errors.Join(err, w.stop())
		}
		say("start %d: REST answers after %d ms, %.2f CPU-s", i, w.took.Milliseconds(), usage.cpu)
		took, cpu = append(took, w.took), cpu+usage.cpu
	}
	say("watching an idle worker for %s", o.idle)
	if err := pause(ctx, settle); err != nil {
		return nil, errors.Join(err, w.stop())
	}
	before, err := w.usage()
	if err != nil {
		return nil, errors.Join(err, w.stop())
	}
	if err := pause(ctx, o.idle); err != nil {
		return nil, errors.Join(err, w.stop())
	}
	after, err := w.usage()
	if err := errors.Join(err, w.stop()); err != nil {
		return nil, err
	}
	slices.Sort(took)
	median := took[len(took)/2].Milliseconds()
	idle := (after.cpu - before.cpu) / o.idle.Seconds() * 100
	peak = after.peak
	return []figure{
		below("start to REST answering, median", fmt.Sprintf("%d ms (%d..%d)", median, took[0].Milliseconds(), took[len(took)-1].Milliseconds()), float64(median), 300, "< 300 ms"),
		{"CPU of a start", fmt.Sprintf("%.2f CPU-s", cpu/float64(o.starts)), "", ""},
		below("idle memory (RSS)", fmt.Sprintf("%.1f MB (peak %.1f)", after.rss, peak), after.rss, 40, "< 40 MB"),
		below("idle CPU", fmt.Sprintf("%.2f %% of a core", idle), idle, 0.5, "< 0.5 %"),
	}, nil
}

// A worker is a process of the binary.
type worker struct {
	cmd  *exec.Cmd
	log  string
	took time.Duration // from exec to the first answer over REST
}

// startWorker starts a worker without connectors and waits until it answers.
func startWorker(ctx context.Context, o options, dir string) (*worker, error) {
	ports, err := services.FreePorts(1)
	if err != nil {
		return nil, err
	}
	properties := filepath.Join(dir, "worker.properties")
	err = os.WriteFile(properties, fmt.Appendf(nil, `bootstrap.servers=%s
group.id=bench-footprint
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
config.storage.topic=bench-footprint-configs
config.storage.replication.factor=1
offset.storage.topic=bench-footprint-offsets
offset.storage.replication.factor=1
status.storage.topic=bench-footprint-status
status.storage.replication.factor=1
listeners=http://127.0.0.1:%d
`, o.bootstrap, ports[0]), 0o600)
	if err != nil {
		return nil, err
	}
	w := &worker{log: filepath.Join(dir, "worker.log")}
	out, err := os.Create(w.log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	w.cmd = exec.CommandContext(ctx, o.binary, "worker", properties)
	w.cmd.Stdout, w.cmd.Stderr = out, out
	w.cmd.Cancel = func() error { return w.cmd.Process.Signal(syscall.SIGTERM) }
	w.cmd.WaitDelay = 10 * time.Second
	began := time.Now()
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	if err := answers(ctx, fmt.Sprintf("http://127.0.0.1:%d/connectors", ports[0])); err != nil {
		text, _ := os.ReadFile(w.log)
		return nil, errors.Join(fmt.Errorf("the worker does not answer: %w\n%s", err, text[max(0, len(text)-3000):]), w.stop())
	}
	w.took = time.Since(began)
	return w, nil
}

// answers waits until a URL gives 200.
func answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := get(ctx, url)
		if err == nil {
			return nil
		}
		if pause(ctx, 2*time.Millisecond) != nil {
			return err
		}
	}
}

func get(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, body)
	}
	return nil
}

// stop ends the worker as a service manager would, and minds how it ended.
func (w *worker) stop() error {
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	kill := time.AfterFunc(30*time.Second, func() { _ = w.cmd.Process.Kill() })
	defer kill.Stop()
	if err := w.cmd.Wait(); err != nil && w.cmd.ProcessState.ExitCode() != 128+int(syscall.SIGTERM) {
		text, _ := os.ReadFile(w.log)
		return fmt.Errorf("the worker ended with %w\n%s", err, text[max(0, len(text)-3000):])
	}
	return nil
}

// A usage is what a process has taken so far: CPU in seconds, memory in MB.
type usage struct{ cpu, rss, peak float64 }

// usage reads /proc, whose clock ticks 100 times a second.
func (w *worker) usage() (usage, error) {
	var u usage
	proc := "/proc/" + strconv.Itoa(w.cmd.Process.Pid)
	stat, err := os.ReadFile(proc + "/stat")
	if err != nil {
		return u, err
	}
	// The fields behind the command's name, which may hold anything, are split by blanks.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 13 {
		return u, fmt.Errorf("%s/stat has %d fields", proc, len(fields))
	}
	for _, f := range fields[11:13] {
		ticks, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return u, err
		}
		u.cpu += ticks / 100
	}
	status, err := os.ReadFile(proc + "/status")
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		f := strings.Fields(line)
		if len(f) != 3 || f[2] != "kB" {
			continue
		}
		kib, err := strconv.ParseFloat(f[1], 64)
		if err != nil {
			return u, err
		}
		switch f[0] {
		case "VmRSS:":
			u.rss = kib * 1024 / 1e6
		case "VmHWM:":
			u.peak = kib * 1024 / 1e6
		}
	}
	return u, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
