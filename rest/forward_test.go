package rest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker"
	"github.com/millwright-connect/millwright/worker/state"
)

const sinkConfig = `{"connector.class":"FileStreamSink","topics":"t"}`

// pair serves two workers of which the first says that the second leads.
func pair(t *testing.T) (follower, leader *Server, f, l *fake) {
	t.Helper()
	w := settings(t, nil)
	key := &state.SessionKey{Algorithm: "HmacSHA256", Key: []byte("0123456789abcdef0123456789abcdef")}
	l, f = newFake(w), newFake(w)
	l.key, f.key = key, key
	leader = serve(t, options(w), l)
	f.moved = &worker.MovedError{URL: leader.URL(), Message: "Only the leader can."}
	return serve(t, options(w), f), leader, f, l
}

// Every change comes to the leader with its name, body and parameters, and the
// leader's answer comes back as if it were this worker's.
func TestForward(t *testing.T) {
	follower, _, _, l := pair(t)
	for _, c := range []struct {
		method, path, body string
		status             int
		call, answer       string
	}{
		{"POST", "/connectors", `{"name":"a ü","config":` + sinkConfig + `,"initial_state":"stopped"}`, 201, "create a ü STOPPED", `"name":"a ü"`},
		{"POST", "/connectors", `{"name":"a ü","config":` + sinkConfig + `}`, 409, "create a ü ", "Connector a ü already exists"},
		{"PUT", "/connectors/b+%3F/config", sinkConfig, 201, "put b+?", `"name":"b+?"`},
		{"PUT", "/connectors/b+%3F/config", sinkConfig, 200, "put b+?", `"name":"b+?"`},
		{"PATCH", "/connectors/a%20%C3%BC/config", `{"x":"y"}`, 200, "patch a ü", `"x":"y"`},
		{"PUT", "/connectors/b+%3F/stop", "", 204, "stop b+?", ""},
		{"POST", "/connectors/b+%3F/restart", "", 204, "restart b+?", ""},
		{"POST", "/connectors/b+%3F/restart?includeTasks=True&onlyFailed=yes", "", 202, "restart includeTasks=true onlyFailed=false b+?", "RUNNING"},
		{"POST", "/connectors/b+%3F/tasks/3/restart", "", 204, "restart task 3 of b+?", ""},
		{"PATCH", "/connectors/b+%3F/offsets", `{"offsets":[{"partition":{"p":1},"offset":{"o":2}}]}`, 200, "alter 1 offsets of b+?", `{"message":"altered"}`},
		{"DELETE", "/connectors/b+%3F/offsets", "", 200, "reset offsets b+?", `{"message":"reset"}`},
		{"DELETE", "/connectors/b+%3F", "", 204, "delete b+?", ""},
		{"DELETE", "/connectors/b+%3F", "", 404, "delete b+?", "Connector b+? not found"},
	} {
		r := ask(t, follower, c.method, c.path, c.body)
		if r.status != c.status || !strings.Contains(r.body, c.answer) {
			t.Errorf("%s %s: %d %s", c.method, c.path, r.status, r.body)
		}
		calls := l.called1()
		if len(calls) == 0 || calls[len(calls)-1] != c.call {
			t.Errorf("%s %s: the leader was asked %q, not %q", c.method, c.path, calls, c.call)
		}
		if c.status == 201 {
			if got, want := r.header.Get("Location"), "http://connect.example:8083/connectors/"; !strings.HasPrefix(got, want) {
				t.Errorf("%s %s: Location %q", c.method, c.path, got)
			}
		}
	}
}

// Two hops are made at most, and none where nobody is known to lead.
func TestForwardHops(t *testing.T) {
	var got []string
	next := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.URL.RawQuery)
		if a := r.Header.Get("Authorization"); a != "Basic Og==" {
			t.Errorf("Authorization %q was forwarded", a)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer next.Close()
	w := settings(t, nil)
	f := newFake(w)
	f.moved = &worker.MovedError{URL: next.URL + "/"}
	s := serve(t, options(w), f)
	for _, c := range []struct {
		query  string
		status int
	}{{"", 204}, {"?forward=true", 204}, {"?forward=TRUE", 204}, {"?forward=false", 409}, {"?forward=", 409}, {"?forward=x", 409}} {
		if r := ask(t, s, "DELETE", "/connectors/c"+c.query, "", "Authorization: Basic Og=="); r.status != c.status {
			t.Errorf("%s: %d %s", c.query, r.status, r.body)
		} else if c.status == 409 && !strings.Contains(r.body, "conflicting operation (e.g. worker rebalance)") {
			t.Errorf("%s: %s", c.query, r.body)
		}
	}
	if want := []string{"forward=true", "forward=false", "forward=false"}; !slices.Equal(got, want) {
		t.Errorf("forwarded with %q, not %q", got, want)
	}
	f.moved = &worker.MovedError{}
	if r := ask(t, s, "DELETE", "/connectors/c", ""); r.status != 409 || !strings.Contains(r.body, "no known leader URL") {
		t.Errorf("without a leader: %d %s", r.status, r.body)
	}
}

// What the other worker does not say well is a 500 that says so.
func TestForwardFailures(t *testing.T) {
	w := settings(t, nil)
	f := newFake(w)
	s := serve(t, options(w), f)
	for _, c := range []struct {
		status     int
		body, want string
	}{
		{503, "<html>", "body that is no error message"},
		{200, "<html>", "body that is not JSON"},
		{307, "", "Unexpected status code when handling forwarded request: 307"},
	} {
		next := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
			w.Write([]byte(c.body))
		}))
		f.moved = &worker.MovedError{URL: next.URL}
		if r := ask(t, s, "PUT", "/connectors/c/stop", ""); r.status != 500 || !strings.Contains(r.body, c.want) {
			t.Errorf("%d %q: %d %s", c.status, c.body, r.status, r.body)
		}
		next.Close()
		if r := ask(t, s, "PUT", "/connectors/c/stop", ""); r.status != 500 || !strings.Contains(r.body, "IO Error trying to forward REST request: ") {
			t.Errorf("nobody listens: %d %s", r.status, r.body)
		}
	}
}

// Workers sign what they ask of each other, and refuse what is not signed well.
func TestPeers(t *testing.T) {
	follower, leader, f, l := pair(t)
	if r := ask(t, leader, "PUT", "/connectors/p%20q/config", sinkConfig); r.status != 201 {
		t.Fatal(r)
	}
	peers := follower.Peers()
	if err := peers.PutTasks(t.Context(), leader.URL(), "p q", []connect.Props{{"a": "1"}, {}}); err != nil {
		t.Error(err)
	}
	if err := peers.Fence(t.Context(), leader.URL(), "p q"); err != nil {
		t.Error(err)
	}
	if calls := l.called1(); !slices.Equal(calls[1:], []string{"put 2 tasks of p q", "fence p q"}) {
		t.Errorf("the leader was asked %q", calls)
	}
	if err := peers.Fence(t.Context(), leader.URL(), "nobody"); err == nil || err.Error() != "Connector nobody not found" {
		t.Errorf("of an unknown connector: %v", err)
	}
	// A leader that has moved on passes the signature along.
	l.moved = &worker.MovedError{URL: follower.URL()}
	f.moved = nil
	if r := ask(t, follower, "PUT", "/connectors/p%20q/config", sinkConfig); r.status != 201 {
		t.Fatal(r)
	}
	if err := peers.PutTasks(t.Context(), leader.URL(), "p q", nil); err != nil {
		t.Error(err)
	}
	l.moved = nil
	f.key = &state.SessionKey{Algorithm: "HmacSHA256", Key: []byte("another")}
	for _, c := range []struct {
		name string
		key  *state.SessionKey
		want string
	}{
		{"a wrong key", f.key, "Internal request contained invalid signature."},
		{"no key", nil, "Internal request missing required signature"},
	} {
		f.key = c.key
		if err := peers.Fence(t.Context(), leader.URL(), "p q"); err == nil || err.Error() != c.want {
			t.Errorf("with %s: %v", c.name, err)
		}
	}
}

// A group that is not sessioned does not sign.
func TestPeersOfACompatibleGroup(t *testing.T) {
	for _, protocol := range []string{"compatible", "sessioned"} {
		w := settings(t, connect.Props{"connect.protocol": protocol})
		f := newFake(w)
		f.mixed = protocol == "sessioned" // with workers that have not got there yet
		s := serve(t, options(w), f)
		ask(t, s, "PUT", "/connectors/c/config", sinkConfig)
		if r := ask(t, s, "POST", "/connectors/c/tasks", "[]"); r.status != 204 {
			t.Errorf("%s: %d %s", protocol, r.status, r.body)
		}
		if err := s.Peers().Fence(t.Context(), s.URL(), "c"); err != nil {
			t.Errorf("%s: %v", protocol, err)
		}
	}
}
