package rest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/config"
	"github.com/millwright-connect/millwright/worker/logging"
)

// settings are a worker's settings with those that a test cares for.
func settings(t *testing.T, props connect.Props) *config.Worker {
	t.Helper()
	p := connect.Props{
		"bootstrap.servers": "b:1", "group.id": "g", "key.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter",
		"config.storage.topic": "c", "offset.storage.topic": "o", "status.storage.topic": "s", "listeners": "http://127.0.0.1:0",
	}
	maps.Copy(p, props)
	w, err := config.ParseWorker(p, config.Distributed, &connect.Registered)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func options(w *config.Worker) Options {
	return Options{
		Settings: w, Plugins: &connect.Registered, Loggers: logging.New(logging.Info), Log: slog.New(slog.DiscardHandler),
		Version: "4.3.1", Commit: "test",
	}
}

// serve serves a fake worker for as long as the test lasts.
func serve(t *testing.T, o Options, f *fake) *Server {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error)
	go func() { done <- s.Serve(ctx, f) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// reply is a response as it came.
type reply struct {
	status int
	header http.Header
	body   string
}

// send sends bytes to a listener and reads one response.
func send(t *testing.T, to net.Addr, request string) reply {
	t.Helper()
	c, err := net.Dial("tcp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(b)}
}

// ask sends a request with a JSON body, or none.
func ask(t *testing.T, s *Server, method, path, body string, headers ...string) reply {
	t.Helper()
	return send(t, s.Addresses()[0], raw(method, path, body, headers...))
}

func raw(method, path, body string, headers ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: connect.example:8083\r\n", method, path)
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	if body != "" {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	return b.String() + "\r\n" + body
}
