package assign_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/millwright-connect/millwright/test/vectors"
	"github.com/millwright-connect/millwright/worker/assign"
)

// A roundIn is one rebalance as Java's assignor was asked to compute it.
type roundIn struct {
	NowMs         int64
	Generation    int32
	LastCompleted int32 `json:"lastCompletedGeneration"`
	Connectors    map[string]int
	Members       map[string]struct{ Connectors, Tasks []string }
}

// A roundOut is its answer; all lists are sorted.
type roundOut struct {
	Delay                int64
	ScheduledRebalanceMs int64
	Members              map[string]shareOut
}

type shareOut struct {
	NewConnectors, NewTasks, RevokedConnectors, RevokedTasks, AllConnectors, AllTasks []string
}

// Java's tie-breaks are its input order, sorted in the vectors, and in rare
// places the order of a hash set. So nearly all rounds are equal list for
// list; one that is not must still be as good an answer.
func TestAgreesWithJava(t *testing.T) {
	rounds, diverged := 0, 0
	vectors.Run(t, "assignor", []string{"assignor.sequence"}, func(_ *testing.T, v *vectors.Vector) error {
		var config struct {
			MaxDelay int64 `json:"scheduled.rebalance.max.delay.ms"`
		}
		var input []roundIn
		var output []roundOut
		v.BindConfig(&config)
		v.BindInput(&input)
		v.BindOutput(&output)
		var state assign.State
		for i, in := range input {
			members := map[string]assign.Held{}
			for id, m := range in.Members {
				members[id] = assign.Held{Connectors: m.Connectors, Tasks: ids(m.Tasks)}
			}
			var out assign.Output
			out, state = assign.Plan(state, assign.Input{
				Now: time.UnixMilli(in.NowMs), MaxDelay: time.Duration(config.MaxDelay) * time.Millisecond,
				Generation: in.Generation, LastCompleted: in.LastCompleted, Connectors: in.Connectors, Members: members,
			})
			rounds++
			got, want := flat(out), output[i]
			if reflect.DeepEqual(got, want) {
				continue
			}
			diverged++
			if err := asGood(in, got, want); err != nil {
				return fmt.Errorf("round %d: %w\n got %+v\nwant %+v", i, err, got, want)
			}
		}
		return nil
	})
	t.Logf("%d rounds, %d with other tie-breaks", rounds, diverged)
	if diverged*100 > rounds {
		t.Errorf("%d of %d rounds broke ties unlike Java", diverged, rounds)
	}
}

func ids(names []string) []assign.TaskID {
	out := make([]assign.TaskID, 0, len(names))
	for _, n := range names {
		id, ok := assign.ParseTaskID(n)
		if !ok {
			panic("not a task: " + n)
		}
		out = append(out, id)
	}
	return out
}

func flat(o assign.Output) roundOut {
	r := roundOut{Delay: o.Delay.Milliseconds(), Members: map[string]shareOut{}}
	if !o.Scheduled.IsZero() {
		r.ScheduledRebalanceMs = o.Scheduled.UnixMilli()
	}
	names := func(list []assign.TaskID) []string {
		out := []string{}
		for _, id := range list {
			out = append(out, id.String())
		}
		slices.Sort(out)
		return out
	}
	sorted := func(list []string) []string {
		out := append([]string{}, list...)
		slices.Sort(out)
		return out
	}
	for id, s := range o.Members {
		r.Members[id] = shareOut{
			sorted(s.New.Connectors), names(s.New.Tasks), sorted(s.Revoked.Connectors), names(s.Revoked.Tasks),
			sorted(s.All.Connectors), names(s.All.Tasks),
		}
	}
	return r
}

// asGood demands what VECTORS.md lists: times, totals and the spread of loads
// are Java's, nothing is handed out twice, and nobody loses what it has not.
func asGood(in roundIn, got, want roundOut) error {
	if got.Delay != want.Delay || got.ScheduledRebalanceMs != want.ScheduledRebalanceMs {
		return errors.New("the times differ")
	}
	if g, w := totals(got), totals(want); !reflect.DeepEqual(g, w) {
		return fmt.Errorf("the counts are %v, not %v", g, w)
	}
	seen := map[string]bool{}
	for id, s := range got.Members {
		for _, u := range append(slices.Clone(s.NewTasks), s.NewConnectors...) {
			if seen[u] {
				return fmt.Errorf("%s is handed out twice", u)
			}
			seen[u] = true
		}
		for _, u := range s.RevokedTasks {
			if !slices.Contains(in.Members[id].Tasks, u) {
				return fmt.Errorf("%s loses %s, which it has not", id, u)
			}
		}
		for _, u := range s.RevokedConnectors {
			if !slices.Contains(in.Members[id].Connectors, u) {
				return fmt.Errorf("%s loses %s, which it has not", id, u)
			}
		}
	}
	return nil
}

// totals counts what is new and revoked over all members, and lists the loads.
func totals(r roundOut) [3][]int {
	var out [3][]int
	out[0] = make([]int, 4)
	for _, s := range r.Members {
		out[0][0] += len(s.NewConnectors)
		out[0][1] += len(s.NewTasks)
		out[0][2] += len(s.RevokedConnectors)
		out[0][3] += len(s.RevokedTasks)
		out[1] = append(out[1], len(s.AllConnectors))
		out[2] = append(out[2], len(s.AllTasks))
	}
	slices.Sort(out[1])
	slices.Sort(out[2])
	return out
}
