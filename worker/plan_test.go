package worker

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/state"
)

func TestPlan(t *testing.T) {
	conn := unitID{"c", connectorUnit}
	task := unitID{"c", 0}
	// A connector made by record 3, its two tasks committed by record 6.
	known := func(change ...func(*state.Connector)) *state.Snapshot {
		c := &state.Connector{Name: "c", Props: connect.Props{}, Target: state.Started, Tasks: []connect.Props{{}, {}}, PropsOffset: 3, Created: 3, TasksOffset: 6, TargetOffset: -1}
		for _, f := range change {
			f(c)
		}
		return &state.Snapshot{Offset: 10, Connectors: map[string]*state.Connector{"c": c}}
	}
	gone := &state.Snapshot{Offset: 12, Connectors: map[string]*state.Connector{}}
	all := &assignment{ConfigOffset: 7, Connectors: []string{"c"}, Tasks: []unitID{task}}
	tests := []struct {
		name   string
		snap   *state.Snapshot
		a      *assignment
		units  map[unitID]unitView
		want   string
		rejoin string
	}{
		{name: "starts what was assigned", snap: known(), a: all, want: "start c@3 STARTED, start c-0@6 STARTED"},
		{name: "does nothing when all runs", snap: known(), a: all, units: map[unitID]unitView{conn: {gen: 3, target: state.Started}, task: {gen: 6, target: state.Started}}},
		{name: "waits for the leader's view", snap: &state.Snapshot{Offset: 5}, a: all},
		{
			name: "stops what was taken away even before it has caught up", snap: &state.Snapshot{Offset: 5}, a: &assignment{ConfigOffset: 7},
			units: map[unitID]unitView{task: {gen: 6}}, want: "stop c-0",
		},
		{
			name: "restarts a connector of new properties in place", snap: known(func(c *state.Connector) { c.PropsOffset = 8 }), a: all,
			units: map[unitID]unitView{conn: {gen: 3, target: state.Started}, task: {gen: 6, target: state.Started}}, want: "stop c",
		},
		{
			name: "stops tasks of an old generation and does not start the new", snap: known(func(c *state.Connector) { c.TasksOffset = 8 }), a: all,
			units: map[unitID]unitView{conn: {gen: 3, target: state.Started}, task: {gen: 6, target: state.Started}}, want: "stop c-0",
		},
		{
			name: "asks for a round only once they have stopped", snap: known(func(c *state.Connector) { c.TasksOffset = 8 }), a: all,
			units: map[unitID]unitView{conn: {gen: 3, target: state.Started}, task: {phase: stopping, gen: 6, target: state.Started}},
		},
		{
			name: "and then does", snap: known(func(c *state.Connector) { c.TasksOffset = 8 }), a: all,
			units: map[unitID]unitView{conn: {gen: 3, target: state.Started}}, rejoin: "the tasks of connector c have changed",
		},
		{
			name: "starts the new generation under a new assignment", snap: known(func(c *state.Connector) { c.TasksOffset = 8 }),
			a:     &assignment{ConfigOffset: 9, Connectors: []string{"c"}, Tasks: []unitID{task}},
			units: map[unitID]unitView{conn: {gen: 3, target: state.Started}}, want: "start c-0@8 STARTED",
		},
		{
			name: "a generation is known when its commit record lies below the offset, not at it", snap: known(func(c *state.Connector) { c.TasksOffset = 7 }), a: all,
			units: map[unitID]unitView{conn: {gen: 3, target: state.Started}}, rejoin: "the tasks of connector c have changed",
		},
		{
			name: "a new connector needs a round", snap: known(func(c *state.Connector) { c.Created, c.PropsOffset, c.Tasks, c.TasksOffset = 8, 8, nil, -1 }),
			a: &assignment{ConfigOffset: 7}, rejoin: "connector c is new",
		},
		{name: "a deleted one stops, then needs a round", snap: gone, a: all, units: map[unitID]unitView{conn: {gen: 3}, task: {gen: 6}}, want: "stop c, stop c-0"},
		{name: "the round after a deletion", snap: gone, a: all, rejoin: "connector c was deleted"},
		{
			name: "pauses in place", snap: known(func(c *state.Connector) { c.Target = state.Paused }), a: all,
			units: map[unitID]unitView{conn: {gen: 3, target: state.Started}, task: {gen: 6, target: state.Started}}, want: "target c PAUSED, target c-0 PAUSED",
		},
		{name: "a failed task stays down", snap: known(), a: all, units: map[unitID]unitView{conn: {gen: 3, target: state.Started}, task: {phase: down, gen: 6, target: state.Started}}},
		{
			name: "a failed connector can be stopped", snap: known(func(c *state.Connector) { c.Target, c.Tasks, c.TasksOffset = state.Stopped, nil, 6 }), a: &assignment{ConfigOffset: 7, Connectors: []string{"c"}},
			units: map[unitID]unitView{conn: {phase: down, gen: 3, target: state.Started}}, want: "start c@3 STOPPED",
		},
		{
			name: "but not paused", snap: known(func(c *state.Connector) { c.Target = state.Paused }), a: all,
			units: map[unitID]unitView{conn: {phase: down, gen: 3, target: state.Started}, task: {gen: 6, target: state.Paused}}, want: "target c PAUSED",
		},
		{
			name: "until somebody asks", snap: known(), a: all, units: map[unitID]unitView{conn: {gen: 3, target: state.Started}, task: {phase: down, gen: 6, target: state.Started, restart: true}},
			want: "start c-0@6 STARTED",
		},
		{
			name: "or its properties change", snap: known(func(c *state.Connector) { c.PropsOffset = 8 }), a: all,
			units: map[unitID]unitView{conn: {phase: down, gen: 3, target: state.Started}, task: {gen: 6, target: state.Started}}, want: "start c@8 STARTED",
		},
		{name: "a restart stops what runs", snap: known(), a: all, units: map[unitID]unitView{conn: {gen: 3, target: state.Started, restart: true}, task: {gen: 6, target: state.Started}}, want: "stop c"},
		{name: "a failed unit that was taken away is forgotten", snap: known(), a: &assignment{ConfigOffset: 7}, units: map[unitID]unitView{task: {phase: down, gen: 6}}, want: "forget c-0"},
		{name: "without a membership nothing may run", snap: known(), units: map[unitID]unitView{conn: {gen: 3}, task: {phase: down}}, want: "stop c, forget c-0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			todo, rejoin := plan(tt.snap, tt.a, tt.units)
			var got []string
			for _, a := range todo {
				switch a.op {
				case opStart:
					got = append(got, fmt.Sprintf("start %s@%d %s", a.id, a.gen, a.target))
				case opStop:
					got = append(got, "stop "+a.id.String())
				case opTarget:
					got = append(got, fmt.Sprintf("target %s %s", a.id, a.target))
				case opForget:
					got = append(got, "forget "+a.id.String())
				}
			}
			if s := strings.Join(got, ", "); s != tt.want {
				t.Errorf("does %q, want %q", s, tt.want)
			}
			if rejoin != tt.rejoin {
				t.Errorf("rejoins for %q, want %q", rejoin, tt.rejoin)
			}
			if !slices.IsSortedFunc(todo, func(a, b action) int {
				if a.op == opStart && b.op != opStart || a.op != opStart && b.op == opStart {
					return 0
				}
				return a.id.compare(b.id)
			}) {
				t.Error("actions come in no fixed order")
			}
		})
	}
}
