package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// doubles watches which tasks two workers run at a time. What a task's status in
// Kafka says has one writer at a time; so each worker is asked what it runs
// itself, which its metrics tell.
type doubles struct {
	stop    func()
	mu      sync.Mutex
	since   map[string]time.Time // of tasks that two workers run now
	longest time.Duration
	which   string
	rounds  int
	most    int // tasks at a time
}

var runningTask = regexp.MustCompile(`(?m)^kafka_connect_connector_task_status\{connector="([^"]*)",status="running",task="(\d+)"\} 1$`)

// watchDoubles watches until it is stopped, or the test ends.
func watchDoubles(t testing.TB, workers []*worker) *doubles {
	d := &doubles{since: map[string]time.Time{}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	d.stop = func() { cancel(); <-done }
	t.Cleanup(d.stop)
	go func() {
		defer close(done)
		tick := time.NewTicker(300 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				d.look(ctx, workers)
			}
		}
	}()
	return d
}

// look asks all workers at once. One that does not answer runs nothing: it is
// down, or frozen.
func (d *doubles) look(ctx context.Context, workers []*worker) {
	limit, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	pages := make([]string, len(workers))
	var asking sync.WaitGroup
	began := time.Now()
	for i, w := range workers {
		asking.Go(func() {
			if code, page, err := w.tryFor(limit, "GET", "/metrics", nil); err == nil && code == http.StatusOK {
				pages[i] = string(page)
			}
		})
	}
	asking.Wait()
	where := map[string][]int{}
	for i, page := range pages {
		for _, m := range runningTask.FindAllStringSubmatch(page, -1) {
			task := m[1] + "-" + m[2]
			where[task] = append(where[task], i)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rounds++
	d.most = max(d.most, len(where))
	for task := range d.since {
		if len(where[task]) < 2 {
			delete(d.since, task)
		}
	}
	for task, at := range where {
		if len(at) < 2 {
			continue
		}
		if _, known := d.since[task]; !known {
			d.since[task] = began
		}
		if long := began.Sub(d.since[task]); long > d.longest {
			d.longest, d.which = long, fmt.Sprintf("%s on workers %v until %s", task, at, began.UTC().Format("15:04:05.0"))
		}
	}
}

// judge ends the watch and complains of a task that ran twice for longer than
// is allowed.
func (d *doubles) judge(t testing.TB, allowed time.Duration) {
	t.Helper()
	d.stop()
	t.Logf("no task of %d ran twice for longer than %v (%s), in %d looks", d.most, d.longest, d.which, d.rounds)
	if d.rounds < 10 || d.most == 0 {
		t.Errorf("looked %d times only, and saw %d tasks", d.rounds, d.most)
	}
	if d.longest > allowed {
		t.Errorf("a task ran twice for %v, of which %v are allowed: %s", d.longest, allowed, d.which)
	}
}

// TestDoublesAreSeen shows that the watch does not look away.
func TestDoublesAreSeen(t *testing.T) {
	t.Parallel()
	var workers []*worker
	for i := range 3 {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for task := range 3 {
				status := map[bool]string{true: "running", false: "paused"}[task == i || task == 0 && i == 2]
				fmt.Fprintf(w, "kafka_connect_connector_task_status{connector=\"c\",status=%q,task=\"%d\"} 1\n", status, task)
			}
		}))
		t.Cleanup(server.Close)
		workers = append(workers, &worker{TB: t, base: server.URL})
	}
	d := &doubles{since: map[string]time.Time{}}
	d.look(t.Context(), workers)
	d.since["c-0"] = d.since["c-0"].Add(-time.Hour)
	d.look(t.Context(), workers)
	if d.longest < time.Hour || d.most != 3 || len(d.since) != 1 || !strings.Contains(d.which, "c-0 on workers [0 2]") {
		t.Errorf("saw %+v", d)
	}
	d.look(t.Context(), workers[:2])
	if len(d.since) != 0 {
		t.Errorf("still sees %v", d.since)
	}
}
