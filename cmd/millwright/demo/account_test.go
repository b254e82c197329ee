package demo

import (
	"database/sql"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	for _, tt := range []struct {
		name    string
		log     []span
		table   map[int32]rows
		missing int64
		fault   string
	}{
		{"all", []span{{0, 3}, {0, 0}}, map[int32]rows{0: {3, 0, 2}}, 0, ""},
		{"none", []span{{0, 3}, {0, 2}}, nil, 5, ""},
		{"end missing", []span{{0, 3}}, map[int32]rows{0: {2, 0, 1}}, 1, ""},
		{"beginning missing", []span{{0, 3}}, map[int32]rows{0: {2, 1, 2}}, 1, ""},
		{"gap", []span{{0, 5}}, map[int32]rows{0: {3, 0, 4}}, 2, ""},
		{"log cut at the start, rows kept", []span{{2, 5}}, map[int32]rows{0: {5, 0, 4}}, 0, ""},
		{"log cut at the start, rows not there", []span{{2, 5}}, map[int32]rows{0: {3, 2, 4}}, 0, ""},
		{"broker lost records", []span{{0, 3}}, map[int32]rows{0: {4, 0, 3}}, 0, "the broker has lost records"},
		{"broker lost records, the database others", []span{{0, 3}}, map[int32]rows{0: {3, 0, 3}}, 1, "the broker has lost records"},
		{"unknown partition", []span{{0, 1}}, map[int32]rows{0: {1, 0, 0}, 1: {1, 0, 0}}, 0, "which the broker does not have"},
	} {
		missing, fault := compare("t", tt.log, tt.table)
		if missing != tt.missing || !strings.Contains(fault, tt.fault) || tt.fault == "" && fault != "" {
			t.Errorf("%s: %d missing, fault %q, want %d, %q", tt.name, missing, fault, tt.missing, tt.fault)
		}
	}
}

func TestDatabase(t *testing.T) {
	ctx := t.Context()
	d := database{filepath.Join(t.TempDir(), "plant.db")}
	see := func(what string, size int64, want map[int32]rows) {
		t.Helper()
		n, err := d.size(ctx, "presses")
		if err != nil || n != size {
			t.Errorf("%s: %d rows, %v, want %d", what, n, err, size)
		}
		got, err := d.partitions(ctx, "presses")
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %v, want %v", what, got, err, want)
		}
	}
	see("no file", 0, nil)
	db, err := sql.Open("sqlite", d.path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	exec := func(q string) {
		t.Helper()
		if _, err := db.ExecContext(ctx, q); err != nil {
			t.Fatal(err)
		}
	}
	exec(`CREATE TABLE other (x)`)
	see("no table", 0, nil)
	exec(`CREATE TABLE presses ("__connect_topic" TEXT, "__connect_partition" INTEGER, "__connect_offset" INTEGER, PRIMARY KEY ("__connect_topic", "__connect_partition", "__connect_offset"))`)
	see("empty", 0, map[int32]rows{})
	exec(`INSERT INTO presses VALUES ('presses', 0, 0), ('presses', 2, 5), ('presses', 2, 7)`)
	see("rows", 3, map[int32]rows{0: {1, 0, 0}, 2: {2, 5, 7}})
}

func TestSum(t *testing.T) {
	text := `# HELP x
x{connector="a",task="0"} 12
x{connector="a",task="1"} 1.5e+02
x{connector="b",task="0"} 7
x_more{connector="a"} 9
x 5
`
	for connector, want := range map[string]int64{"a": 162, "b": 7, "c": 0} {
		if got := sum(text, "x", connector); got != want {
			t.Errorf("%s: %d, want %d", connector, got, want)
		}
	}
}

// TestCount: the source's tasks may begin to count anew.
func TestCount(t *testing.T) {
	var c count
	for _, n := range []int64{0, 5, 9, 9} {
		c.see(n)
	}
	if c.made() != 9 || c.restarts {
		t.Errorf("%d made, restarts %v", c.made(), c.restarts)
	}
	c.see(2)
	c.see(4)
	if c.made() != 13 || !c.restarts {
		t.Errorf("%d made after a restart, restarts %v", c.made(), c.restarts)
	}
}

// TestPut: a connector that is as it should be is not touched.
func TestPut(t *testing.T) {
	var asked []string
	config := `{"name":"c","a":"1"}`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method)
		if r.Method == http.MethodGet && config == "" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Write([]byte(config))
	}))
	defer s.Close()
	for _, tt := range []struct{ now, want string }{
		{`{"name":"c","a":"1"}`, "GET"},
		{`{"name":"c","a":"2"}`, "GET PUT"},
		{"", "GET PUT"},
	} {
		asked, config = nil, tt.now
		err := api{s.URL}.put(t.Context(), connector{"c", map[string]string{"a": "1"}})
		if got := strings.Join(asked, " "); got != tt.want || err != nil && config != "" {
			t.Errorf("with %q: %s, %v, want %s", tt.now, got, err, tt.want)
		}
	}
}

func TestStatus(t *testing.T) {
	var s status
	s.Connector.State = "RUNNING"
	if ok, err := s.is("c", "RUNNING"); ok || err != nil {
		t.Errorf("without tasks: %v, %v", ok, err)
	}
	s.Tasks = append(s.Tasks, struct {
		ID           int
		State, Trace string
	}{0, "RUNNING", ""})
	if ok, err := s.is("c", "RUNNING"); !ok || err != nil {
		t.Errorf("running: %v, %v", ok, err)
	}
	s.Tasks[0].State, s.Tasks[0].Trace = "FAILED", "boom"
	if _, err := s.is("c", "RUNNING"); err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("failed: %v", err)
	}
}

// TestPorts: a second run in a folder has the ports of the first.
func TestPorts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ports.json")
	first, err := choosePorts(file, "")
	if err != nil {
		t.Fatal(err)
	}
	again, err := choosePorts(file, "")
	if err != nil || again != first {
		t.Errorf("%v and then %v, %v", first, again, err)
	}
	for listen, want := range map[string]string{"8083": "127.0.0.1:8083", ":8083": ":8083", "0.0.0.0:8083": "0.0.0.0:8083", "http://a:8083": "a:8083"} {
		if p, err := choosePorts(file, listen); err != nil || p.REST != want {
			t.Errorf("--listen %s: %s, %v, want %s", listen, p.REST, err, want)
		}
	}
	for _, listen := range []string{"x", "a:b", "a:0", "a:70000", "a:1:2"} {
		if p, err := choosePorts(file, listen); err == nil {
			t.Errorf("--listen %s: taken as %s", listen, p.REST)
		}
	}
}
