package datagen

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// host is a worker with committed offsets by partition key.
type host map[string]connect.Object

func (host) Name() string      { return "test" }
func (host) Log() *slog.Logger { return slog.New(slog.DiscardHandler) }

func (host) Gauge(string, map[string]string, func() float64) error { return nil }

func (h host) Offset(_ context.Context, p *connect.SourcePartition) (connect.Object, error) {
	return h[p.Key()], nil
}

func open(t *testing.T, h host, p connect.Props) *task {
	t.Helper()
	got, err := openTask(t.Context(), h, p)
	if err != nil {
		t.Fatal(err)
	}
	return got.(*task)
}

func text(r connect.SourceRecord) string { return r.Value.Value.Struct().Value().String() }

// TestResume breaks a run off after any number of readings: what follows from
// the committed offsets completes it exactly.
func TestResume(t *testing.T) {
	props := connect.Props{"topic": "x", "machines": "3", "sensors": "2", "rate": "0", "max.records": "20", "seed": "7"}
	whole := open(t, nil, props).generate(nil, 1000)
	if len(whole) != 20 {
		t.Fatalf("%d readings", len(whole))
	}
	for cut := range len(whole) + 1 {
		h := host{}
		first := open(t, nil, props).generate(nil, cut)
		for _, r := range first {
			b, err := json.Marshal(r.Position)
			if err != nil {
				t.Fatal(err)
			}
			var p struct{ Seq int64 }
			if err := json.Unmarshal(b, &p); err != nil {
				t.Fatal(err)
			}
			h[r.Source.Key()] = connect.Object{"seq": p.Seq}
		}
		got := append(first, open(t, h, props).generate(nil, 1000)...)
		if !slices.Equal(sorted(got), sorted(whole)) {
			t.Errorf("cut at %d: %v, want %v", cut, sorted(got), sorted(whole))
		}
	}
}

func sorted(records []connect.SourceRecord) (s []string) {
	for _, r := range records {
		s = append(s, text(r))
	}
	slices.Sort(s)
	return s
}

// TestTasksShareThePlant splits it in any number of tasks: together they make
// the readings of one.
func TestTasksShareThePlant(t *testing.T) {
	props := connect.Props{"topic": "x", "machines": "5", "rate": "0", "max.records": "33"}
	want := sorted(open(t, nil, props).generate(nil, 100))
	for limit, tasks := range map[int]int{1: 1, 2: 2, 3: 3, 5: 5, 9: 5} {
		c, err := openConnector(t.Context(), nil, props)
		if err != nil {
			t.Fatal(err)
		}
		configs, err := c.Tasks(t.Context(), limit)
		if err != nil || len(configs) != tasks {
			t.Fatalf("%d tasks of %d, %v", len(configs), limit, err)
		}
		var all []connect.SourceRecord
		for _, p := range configs {
			all = append(all, open(t, nil, p).generate(nil, 100)...)
		}
		if !slices.Equal(sorted(all), want) {
			t.Errorf("%d tasks make other readings", tasks)
		}
	}
}

func TestReading(t *testing.T) {
	records := open(t, nil, connect.Props{"topic": "x", "machines": "2", "sensors": "7"}).generate(nil, 200_000)
	quality := map[string]int{}
	sensors := map[string]bool{}
	for _, r := range records {
		s := r.Value.Value.Struct()
		q, v := s.Get("quality").Str(), s.Get("value").Float64()
		quality[q]++
		sensors[s.Get("sensor").Str()+" "+s.Get("unit").Str()] = true
		if q == "BAD" && v != 0 || math.IsNaN(v) {
			t.Fatal(text(r))
		}
		if want := 1_767_225_600_000 + 100*s.Get("seq").Int(); s.Get("ts").Int() != want {
			t.Fatalf("ts %d, want %d", s.Get("ts").Int(), want)
		}
		if r.Key.Value.Str() != s.Get("machine").Str() || r.Source.Key() != fmt.Sprintf(`{"machine":%q}`, r.Key.Value.Str()) {
			t.Fatal(r.Key, r.Source.Key())
		}
	}
	if quality["BAD"] < 50 || quality["BAD"] > 200 || quality["UNCERTAIN"] < 500 || quality["UNCERTAIN"] > 1500 {
		t.Error(quality)
	}
	if len(sensors) != 7 || !sensors["temperature-2 °C"] {
		t.Error(sensors)
	}
	if records[len(records)-1].Boundary != connect.CommitAfter || records[0].Boundary != connect.NoBoundary {
		t.Error("a batch is one transaction")
	}
}

func TestPace(t *testing.T) {
	now := time.Unix(1000, 0)
	p := pace{rate: 1000}
	if n, wait := p.due(now, 100); n != 0 || wait != gather {
		t.Error(n, wait)
	}
	total := 0
	for range 200 {
		now = now.Add(gather)
		n, _ := p.due(now, 100)
		p.made(n)
		total += n
	}
	if total != 1000 {
		t.Errorf("%d readings in a second", total)
	}
	now = now.Add(time.Hour) // paused
	if n, _ := p.due(now, 100); n != 1 {
		t.Errorf("%d readings after a pause", n)
	}
	slow := pace{rate: 0.5}
	slow.due(now, 100)
	if n, wait := slow.due(now.Add(time.Second), 100); n != 0 || wait != time.Second {
		t.Error(n, wait)
	}
	if n, _ := (&pace{}).due(now, 100); n != 100 {
		t.Errorf("no limit: %d", n)
	}
}

func TestPoll(t *testing.T) {
	task := open(t, nil, connect.Props{"topic": "x", "rate": "0", "batch.size": "7", "max.records": "10"})
	for _, want := range []int{7, 3} {
		if r, err := task.Poll(t.Context(), nil); len(r) != want || err != nil {
			t.Errorf("%d readings, %v, want %d", len(r), err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := task.Poll(ctx, nil); len(r) != 0 || !errors.Is(err, context.Canceled) {
		t.Error(r, err)
	}
}

func TestBadConfig(t *testing.T) {
	for _, c := range []struct{ key, value, want string }{
		{"machines", "0", "Invalid value 0 for configuration machines: Value must be at least 1"},
		{"machines", "1000001", "Invalid value 1000001 for configuration machines: Value must be no more than 1000000"},
		{"rate", "-1", "Invalid value -1.0 for configuration rate: Value must be at least 0.0"},
		{"rate", "NaN", "Invalid value NaN for configuration rate: Value must be a finite number"},
		{"clock", "sun", "Invalid value sun for configuration clock: String must be one of: plant, wall"},
		{"topic", "", "Invalid value  for configuration topic: String must be non-empty"},
	} {
		p := connect.Props{"topic": "x"}
		p[c.key] = c.value
		if err := connect.Parse(p, new(config)); err == nil || err.Error() != c.want {
			t.Errorf("%s=%s: %v", c.key, c.value, err)
		}
	}
}

func TestAlterOffsets(t *testing.T) {
	good := connect.Object{"machine": "machine-0001"}
	for _, c := range []struct {
		partition, offset connect.Object
		want              string
	}{
		{good, connect.Object{"seq": int64(5)}, ""},
		{connect.Object{"junk": true}, nil, ""},
		{nil, connect.Object{"seq": int64(5)}, "partition map[] must be"},
		{connect.Object{"machine": int64(1)}, connect.Object{"seq": int64(5)}, "partition map[machine:1] must be"},
		{good, connect.Object{"seq": int64(-5)}, "offset map[seq:-5] must be"},
		{good, connect.Object{"seq": 1.5}, "offset map[seq:1.5] must be"},
		{good, connect.Object{}, "offset map[] must be"},
	} {
		ok, err := alterOffsets(t.Context(), nil, []connect.PartitionOffset{{Partition: c.partition, Offset: c.offset}})
		if c.want == "" && (!ok || err != nil) || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%v %v: %v", c.partition, c.offset, err)
		}
	}
	_, err := openTask(t.Context(), host{`{"machine":"machine-0001"}`: {"seq": "x"}}, connect.Props{"topic": "x"})
	if err == nil || !strings.Contains(err.Error(), "reset the connector's offsets") {
		t.Error(err)
	}
}

func TestDeterminism(t *testing.T) {
	m := newPlant(6, 0).machine(0, 1)
	v := make([]data.Value, fields)
	m.reading(v, 12345)
	// Recorded once: readings must not change from release to release.
	const want = "Struct[machine-0001 speed 1970-01-01T00:20:34.5Z 1476.501 rpm GOOD 12345]"
	if got := data.NewStruct(schema, v...).Value().String(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func BenchmarkGenerate(b *testing.B) {
	got, err := openTask(b.Context(), host{}, connect.Props{"topic": "x", "rate": "0"})
	if err != nil {
		b.Fatal(err)
	}
	t := got.(*task)
	var dst []connect.SourceRecord
	b.ReportAllocs()
	for b.Loop() {
		dst = t.generate(dst[:0], 1000)
	}
}
