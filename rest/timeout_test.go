package rest

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/millwright-connect/millwright/worker/stage"
)

// Until the worker has started, what needs it waits; the rest is answered.
func TestStarting(t *testing.T) {
	w := settings(t, nil)
	f := newFake(w)
	f.started = make(chan struct{})
	s := serve(t, options(w), f)
	s.SetHealthTimeout(time.Millisecond)
	if r := ask(t, s, "GET", "/health", ""); r.status != 503 ||
		!strings.Contains(r.body, `{"status":"starting","message":"Worker is still starting up. The worker is currently initializing and reading to the end of internal topics, which began at `) {
		t.Errorf("health: %d %s", r.status, r.body)
	}
	for _, c := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/", 200, `"kafka_cluster_id":null`},
		{"GET", "/connector-plugins", 200, "FileStreamSource"},
		{"GET", "/admin/loggers/root", 200, "INFO"},
		{"GET", "/connectors", 500, "Request timed out. The worker is currently initializing"},
		{"DELETE", "/connectors/c", 500, "Request timed out. The worker is currently initializing"},
	} {
		if c.status == 500 {
			s.SetRequestTimeout(time.Millisecond)
		}
		if r := ask(t, s, c.method, c.path, ""); r.status != c.status || !strings.Contains(r.body, c.want) {
			t.Errorf("%s %s: %d %s", c.method, c.path, r.status, r.body)
		}
	}
	s.SetRequestTimeout(time.Minute)
	s.SetHealthTimeout(time.Minute)
	answers := make(chan reply)
	for _, path := range []string{"/connectors", "/health"} {
		go func() { answers <- ask(t, s, "GET", path, "") }()
	}
	close(f.started)
	for range 2 {
		if r := <-answers; r.status != 200 {
			t.Errorf("once it has started: %d %s", r.status, r.body)
		}
	}
}

// A verb that hangs is answered for when its time is over, and delays nobody.
func TestHangingVerb(t *testing.T) {
	w := settings(t, nil)
	f := newFake(w)
	release := make(chan struct{})
	f.hang = func(ctx context.Context, verb string) error {
		switch {
		case verb == "delete deaf":
			<-release // does not look at its context
		case strings.HasPrefix(verb, "delete"):
			defer stage.Enter(ctx, "deleting")()
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	s := serve(t, options(w), f)
	s.SetRequestTimeout(5 * time.Millisecond)
	for name, want := range map[string]string{
		"heeds": `^\{"error_code":500,"message":"Request timed out\. The (worker is currently|last operation the worker completed was) deleting, which began at .*Z\."\}$`,
		"deaf":  `^\{"error_code":500,"message":"Request timed out"\}$`,
	} {
		if r := ask(t, s, "DELETE", "/connectors/"+name, ""); r.status != 500 || !regexp.MustCompile(want).MatchString(r.body) {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	s.SetRequestTimeout(time.Minute)
	if r := ask(t, s, "PUT", "/connectors/c/config", sinkConfig); r.status != 201 {
		t.Errorf("another request: %d %s", r.status, r.body)
	}
	close(release)
}

// A panic in a verb, which is a plugin's at worst, is a 500.
func TestPanic(t *testing.T) {
	w := settings(t, nil)
	f := newFake(w)
	f.hang = func(context.Context, string) error { panic("plugin") }
	s := serve(t, options(w), f)
	for range 2 {
		if r := ask(t, s, "PUT", "/connectors/c/stop", ""); r.status != 500 || !strings.Contains(r.body, "plugin") {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
}

// Health tells a worker that cannot answer from one that is not up yet.
func TestUnhealthy(t *testing.T) {
	w := settings(t, nil)
	f := newFake(w)
	f.hang = func(ctx context.Context, verb string) error {
		<-ctx.Done()
		return ctx.Err()
	}
	s := serve(t, options(w), f)
	s.SetHealthTimeout(time.Millisecond)
	if r := ask(t, s, "GET", "/health", ""); r.status != 500 ||
		r.body != `{"status":"unhealthy","message":"Worker was unable to handle this request and may be unable to handle other requests."}` {
		t.Errorf("%d %s", r.status, r.body)
	}
}
