package rest

import (
	"bufio"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/worker/state"
)

// recorded is a request and what Apache Kafka Connect 4.3.1 answered.
type recorded struct {
	Send    string            `json:"send"` // Latin-1 for bytes
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"` // the few that are compared
	Body    *string           `json:"body"`    // nil: not compared; of HTML the title
}

// Java's texts about its own classes are not for us to say.
var ofJava = regexp.MustCompile(`java\.|org\.apache\.kafka\.connect\.runtime|token|character|end-of-input|\[Source`)

// TestJava sends what was sent to a Java worker without connectors, in the same
// order, and expects what it answered.
func TestJava(t *testing.T) {
	w := settings(t, nil)
	fake := newFake(w)
	fake.key = &state.SessionKey{Algorithm: "HmacSHA256", Key: []byte("not that of the recording")}
	s := serve(t, options(w), fake)
	f, err := os.Open("testdata/java.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	n := 0
	for ; lines.Scan(); n++ {
		var want recorded
		if err := json.Unmarshal(lines.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		bytes := make([]byte, 0, len(want.Send))
		for _, r := range want.Send {
			bytes = append(bytes, byte(r))
		}
		name, _, _ := strings.Cut(want.Send, "\r\n\r\n")
		got := send(t, s.Addresses()[0], string(bytes))
		if got.status != want.Status {
			t.Errorf("%q: got %d %s, Java answers %d %s", want.Send, got.status, got.body, want.Status, show(want.Body))
			continue
		}
		for _, h := range []string{"content-type", "location", "allow", "cache-control"} {
			if have, java := header(got.header.Values(h)), header([]string{want.Headers[h]}); have != java {
				t.Errorf("%q: got %s %q, Java answers %q", name, h, have, java)
			}
		}
		if want.Body != nil {
			compareBodies(t, want.Send, got.body, *want.Body)
		}
	}
	if n < 300 || lines.Err() != nil {
		t.Fatalf("only %d recordings: %v", n, lines.Err())
	}
}

func show(s *string) string {
	if s == nil {
		return "..."
	}
	return *s
}

func header(values []string) string {
	s := strings.ToLower(strings.ReplaceAll(strings.Join(values, ","), " ", ""))
	if !strings.Contains(s, "/") && !strings.Contains(s, "=") { // Allow: an order that counts for nothing
		parts := strings.Split(s, ",")
		slices.Sort(parts)
		s = strings.Join(parts, ",")
	}
	return s
}

func compareBodies(t *testing.T, send, got, java string) {
	t.Helper()
	var g, j any
	if json.Unmarshal([]byte(java), &j) != nil {
		if len(strings.Fields(java)) > 1 && header([]string{java}) == header([]string{got}) { // OPTIONS
			return
		}
		if !strings.Contains(got, java) {
			t.Errorf("%q: got %s, Java answers %s", send, got, java)
		}
		return
	}
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Errorf("%q: got %s, which is not JSON", send, got)
		return
	}
	loosen(g)
	loosen(j)
	if !reflect.DeepEqual(g, j) {
		t.Errorf("%q: got %s, Java answers %s", send, got, java)
	}
}

// loosen takes out what may differ: all but the first line of a message, and
// that too where it speaks of Java; the order in a map; what a worker that runs
// tasks has and the fake has not.
func loosen(v any) {
	m, ok := v.(map[string]any)
	if !ok {
		return
	}
	if s, ok := m["message"].(string); ok && m["error_code"] != nil {
		line, rest, _ := strings.Cut(s, "\n")
		line, _, unknown := strings.Cut(line, "available connectors are")
		switch {
		case unknown:
			m["message"] = strings.ReplaceAll(line, "org.apache.kafka.connect.errors.ConnectException: ", "")
		case ofJava.MatchString(line):
			m["message"] = "~"
		case strings.Contains(rest, "[Source"):
			m["message"] = line
		case inMap.MatchString(line):
			entries := strings.Split(inMap.FindString(line), ", ")
			slices.Sort(entries)
			m["message"] = inMap.ReplaceAllLiteralString(line, strings.Join(entries, ", "))
		}
	}
	for _, k := range []string{"commit", "kafka_cluster_id", "last_modified", "tasks", "worker_id", "version"} {
		delete(m, k)
	}
	for _, inner := range m {
		loosen(inner)
	}
}

var inMap = regexp.MustCompile(`[^{}]+=[^{}]*`)
