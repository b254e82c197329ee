package assign

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestParseTaskID(t *testing.T) {
	for in, want := range map[string]TaskID{
		"c-0": {"c", 0}, "a-b-12": {"a-b", 12}, "a--1": {"a-", 1}, "-5": {"", 5}, "c-+3": {"c", 3}, "c-7--": {"c", 7}, "c-2147483647": {"c", 2147483647},
	} {
		if got, ok := ParseTaskID(in); !ok || got != want {
			t.Errorf("%q is read as %+v, %v; want %+v", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "-", "c", "c-", "c-x", "5", "c-2147483648", "c- 1", "c-1.0"} {
		if got, ok := ParseTaskID(in); ok {
			t.Errorf("%q is read as %+v", in, got)
		}
	}
	if got := (TaskID{"a-b", 3}).String(); got != "a-b-3" {
		t.Error(got)
	}
}

func TestBackoffIsJavas(t *testing.T) {
	for longest, want := range map[int64][5]int64{ // by ExponentialBackoff(1, 40, longest, 0)
		0: {0, 0, 0, 0, 0}, 1: {1, 1, 1, 1, 1}, 1000: {40, 999, 999, 999, 999}, 30000: {40, 1600, 29999, 29999, 29999}, 60000: {40, 1600, 60000, 60000, 60000},
		300000: {40, 1600, 64000, 300000, 300000}, 600000: {40, 1600, 64000, 599999, 599999}, 3600000: {40, 1600, 64000, 2560000, 3599999},
	} {
		for i, w := range want {
			if got := backoff(i+1, longest); got != w {
				t.Errorf("round %d of at most %d ms: %d, want %d", i+1, longest, got, w)
			}
		}
	}
}

// A cluster plays the members of a group: each does at once what it is told.
type cluster struct {
	state   State
	now     time.Time
	gen     int32
	configs map[string]int
	members map[string]Held
}

func (c *cluster) round() Output {
	c.gen++
	var out Output
	out, c.state = Plan(c.state, Input{Now: c.now, MaxDelay: time.Minute, Generation: c.gen, LastCompleted: c.gen - 1, Connectors: c.configs, Members: c.members})
	for id, s := range out.Members {
		c.members[id] = s.All
	}
	return out
}

// settle plays rounds until nothing moves and nothing is scheduled, twice in a
// row: a leader that has just forgotten learns of a deletion one round late,
// as in Java.
func (c *cluster) settle(t *testing.T) {
	t.Helper()
	still := 0
	for range 50 {
		out := c.round()
		quiet := out.Delay == 0
		for _, s := range out.Members {
			quiet = quiet && s.New.Empty() && s.Revoked.Empty()
		}
		if !quiet {
			still = 0
		} else if still++; still == 2 {
			return
		}
		c.now = c.now.Add(out.Delay)
	}
	t.Fatal("no rest after 50 rounds")
}

// Whatever happens to a group, it settles with all work done, none of it twice
// and evenly spread; the old state is never changed.
func TestSettlesAnyHistory(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		c := &cluster{now: time.UnixMilli(1e12), configs: map[string]int{}, members: map[string]Held{"m0": {}}}
		for step := range 30 {
			switch n := r.IntN(6); {
			case n == 0:
				c.members[fmt.Sprintf("m%d", step)] = Held{}
			case n == 1 && len(c.members) > 1:
				delete(c.members, anyKey(r, c.members))
			case n == 2:
				c.configs[fmt.Sprintf("c%d", step)] = r.IntN(6)
			case n == 3 && len(c.configs) > 0:
				delete(c.configs, anyKey(r, c.configs))
			case n == 4 && len(c.configs) > 0:
				c.configs[anyKey(r, c.configs)] = r.IntN(9)
			case n == 5:
				id := anyKey(r, c.members) // it restarts, or the leader does and forgets
				c.members[id] = Held{}
				if r.IntN(2) == 0 {
					c.state = State{}
				}
			}
			if r.IntN(2) == 0 {
				c.round()
				c.now = c.now.Add(time.Duration(r.IntN(90)) * time.Second)
			}
		}
		c.settle(t)
		c.check(t, seed)
	}
}

func anyKey[V any](r *rand.Rand, m map[string]V) string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys[r.IntN(len(keys))]
}

func (c *cluster) check(t *testing.T, seed uint64) {
	t.Helper()
	want, got := map[TaskID]int{}, map[TaskID]int{}
	for name, n := range c.configs {
		for i := -1; i < n; i++ {
			want[TaskID{name, i}] = 1
		}
	}
	var loads [2][]int
	for _, h := range c.members {
		for _, name := range h.Connectors {
			got[TaskID{name, -1}]++
		}
		for _, id := range h.Tasks {
			got[id]++
		}
		loads[0], loads[1] = append(loads[0], len(h.Connectors)), append(loads[1], len(h.Tasks))
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("seed %d: running %v, configured %v", seed, got, want)
	}
	for _, l := range loads {
		if slices.Max(l)-slices.Min(l) > 1 {
			t.Fatalf("seed %d: loads %v", seed, l)
		}
	}
}

// Two workers each believe they run c-0, as after a network split: both stop
// it, and one of them starts it in the round after.
func TestDuplicateIsStoppedBeforeItIsStarted(t *testing.T) {
	c := &cluster{now: time.UnixMilli(1e12), configs: map[string]int{"c": 1}, members: map[string]Held{
		"a": {Connectors: []string{"c"}, Tasks: []TaskID{{"c", 0}}}, "b": {Tasks: []TaskID{{"c", 0}}},
	}}
	out := c.round()
	for id, s := range out.Members {
		if len(s.Revoked.Tasks) != 1 || len(s.New.Tasks) != 0 || len(s.All.Tasks) != 0 {
			t.Errorf("%s: %+v", id, s)
		}
	}
	c.round()
	if n := len(c.members["a"].Tasks) + len(c.members["b"].Tasks); n != 1 {
		t.Errorf("c-0 runs %d times: %+v", n, c.members)
	}
}

// The old state stays as it was, so a leader can drop a round that failed.
func TestStateIsImmutable(t *testing.T) {
	c := &cluster{now: time.UnixMilli(1e12), configs: map[string]int{"a": 3, "b": 2}, members: map[string]Held{"x": {}, "y": {}}}
	c.round()
	delete(c.members, "y")
	c.round()
	before := fmt.Sprintf("%+v", c.state)
	in := Input{Now: c.now.Add(time.Hour), MaxDelay: time.Minute, Generation: 9, LastCompleted: c.gen, Connectors: map[string]int{"a": 1}, Members: map[string]Held{"z": {}, "x": c.members["x"]}}
	one, s1 := Plan(c.state, in)
	two, s2 := Plan(c.state, in)
	if after := fmt.Sprintf("%+v", c.state); after != before {
		t.Errorf("state changed\nfrom %s\nto   %s", before, after)
	}
	if !reflect.DeepEqual(one, two) || !reflect.DeepEqual(s1, s2) {
		t.Error("the same question has two answers")
	}
}

// 100 connectors of 10 tasks on 10 workers; one worker has just joined.
func BenchmarkPlan(b *testing.B) {
	c := &cluster{now: time.UnixMilli(1e12), configs: map[string]int{}, members: map[string]Held{}}
	for i := range 100 {
		c.configs[fmt.Sprintf("connector-%d", i)] = 10
	}
	for i := range 9 {
		c.members[fmt.Sprintf("connect-10.0.0.%d:8083-8d5b1f0e-0000-4000-8000-00000000000%d", i, i)] = Held{}
	}
	c.round()
	c.members["connect-10.0.0.9:8083-8d5b1f0e-0000-4000-8000-000000000009"] = Held{}
	in := Input{Now: c.now, MaxDelay: time.Minute, Generation: 2, LastCompleted: 1, Connectors: c.configs, Members: c.members}
	b.ReportAllocs()
	for b.Loop() {
		Plan(c.state, in)
	}
}
