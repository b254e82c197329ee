package worker

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/millwright-connect/millwright/worker/group"
	"github.com/millwright-connect/millwright/worker/state"
)

// A unitID names what a worker runs: a connector, or one of its tasks.
type unitID struct {
	Connector string
	Task      int // connectorUnit: the connector itself
}

const connectorUnit = -1

func (id unitID) String() string {
	if id.Task == connectorUnit {
		return id.Connector
	}
	return id.Connector + "-" + strconv.Itoa(id.Task)
}

func (id unitID) compare(o unitID) int {
	return cmp.Or(cmp.Compare(id.Connector, o.Connector), cmp.Compare(id.Task, o.Task))
}

// An assignment is what the group gave this worker, in full.
type assignment struct {
	Generation   int32
	ConfigOffset int64 // the config offset that it was made at
	Leader       bool
	LeaderURL    string
	Connectors   []string
	Tasks        []unitID
	from         *group.Assignment // nil in tests: what it came from
	outdated     bool              // a new one was asked for
	settled      bool              // the group knows that what was taken away has stopped
}

// A phase is how far a unit is.
type phase uint8

const (
	up       phase = iota // its goroutine runs
	stopping              // its goroutine was told to end
	down                  // it ended by itself, usually by failing; it is not started again unless something changes
)

// unitView is what the plan looks at of a unit.
type unitView struct {
	phase   phase
	gen     int64 // offset of the record that it was made from: of its properties, or of its tasks' commit
	target  state.TargetState
	restart bool // somebody asked for a restart
}

// An action is one step towards what is wanted.
type action struct {
	op     op
	id     unitID
	gen    int64
	target state.TargetState
}

type op uint8

const (
	opStart op = iota
	opStop
	opTarget // change the target state in place
	opForget // drop a unit that is down
)

// plan is the whole policy of the herder: what to do, given what the config
// topic says, what this worker was assigned and what it runs. It is
// level-triggered: it is asked again after every event, and what it answered
// before does not matter.
//
// The barrier between task generations: a task's generation is the offset of
// the commit record of its properties, and it runs only under an assignment
// made at a config offset beyond it. A worker rejoins once its old tasks have
// stopped, and no new one starts before all have rejoined. The join gate (see
// Herder.gate) narrows the window in which one worker has stopped its old tasks
// and another has not; a commit record that lands between one member's sync and
// another's join still raises the assignment's offset, since the leader takes
// the highest. Java has the same window.
//
// rejoin is a reason to ask for a new assignment, or empty. It is given only
// when nothing stale runs any more.
func plan(s *state.Snapshot, a *assignment, units map[unitID]unitView) (todo []action, rejoin string) {
	if a == nil { // not a member: nothing may run
		for _, id := range sorted(units) {
			switch units[id].phase {
			case up:
				todo = append(todo, action{op: opStop, id: id})
			case down:
				todo = append(todo, action{op: opForget, id: id})
			}
		}
		return todo, ""
	}
	if s.Offset < a.ConfigOffset { // catch up with the leader's view before anything starts
		for _, id := range sorted(units) {
			if units[id].phase == up && !a.has(id) {
				todo = append(todo, action{op: opStop, id: id})
			}
		}
		return todo, ""
	}
	wanted := wantedUnits(s, a)
	stale := false
	for _, id := range sorted(units) {
		u := units[id]
		w, want := wanted[id]
		same := want && w.gen == u.gen && !u.restart
		switch {
		case u.phase == stopping:
			stale = true
		case same && u.phase == down && id.Task == connectorUnit && w.target == state.Stopped && u.target != w.target:
			// As in Java a connector that failed can be stopped, and then resumed.
			todo = append(todo, action{op: opStart, id: id, gen: w.gen, target: w.target})
		case same && u.target != w.target:
			todo = append(todo, action{op: opTarget, id: id, gen: w.gen, target: w.target})
		case same:
		case u.phase == up:
			stale = true
			todo = append(todo, action{op: opStop, id: id})
		case want: // down, and there is a reason to try again
			todo = append(todo, action{op: opStart, id: id, gen: w.gen, target: w.target})
		default:
			todo = append(todo, action{op: opForget, id: id})
		}
	}
	for _, id := range sorted(wanted) {
		if _, known := units[id]; !known {
			todo = append(todo, action{op: opStart, id: id, gen: wanted[id].gen, target: wanted[id].target})
		}
	}
	if stale {
		return todo, ""
	}
	return todo, outdated(s, a)
}

// wantedUnits lists what should run here now.
func wantedUnits(s *state.Snapshot, a *assignment) map[unitID]unitView {
	wanted := make(map[unitID]unitView, len(a.Connectors)+len(a.Tasks))
	for _, name := range a.Connectors {
		if c := s.Connectors[name]; c != nil && c.Props != nil {
			wanted[unitID{name, connectorUnit}] = unitView{gen: c.PropsOffset, target: c.Target}
		}
	}
	for _, id := range a.Tasks {
		c := s.Connectors[id.Connector]
		if c == nil || c.Props == nil || id.Task >= len(c.Tasks) || c.TasksOffset >= a.ConfigOffset || c.Target == state.Stopped {
			continue
		}
		wanted[id] = unitView{gen: c.TasksOffset, target: c.Target}
	}
	return wanted
}

// outdated tells why the assignment no longer fits the config topic.
func outdated(s *state.Snapshot, a *assignment) string {
	for _, name := range sorted(s.Connectors) {
		switch c := s.Connectors[name]; {
		case c.Props == nil:
		case c.Created >= a.ConfigOffset:
			return "connector " + name + " is new"
		case c.TasksOffset >= a.ConfigOffset:
			return "the tasks of connector " + name + " have changed"
		}
	}
	for _, name := range a.Connectors {
		if c := s.Connectors[name]; c == nil || c.Props == nil {
			return "connector " + name + " was deleted"
		}
	}
	for _, id := range a.Tasks {
		if c := s.Connectors[id.Connector]; c == nil || c.Props == nil {
			return "connector " + id.Connector + " was deleted"
		}
	}
	return ""
}

func sorted[K interface{ comparable }, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b K) int {
		switch a := any(a).(type) {
		case unitID:
			return a.compare(any(b).(unitID))
		case string:
			return cmp.Compare(a, any(b).(string))
		}
		return 0
	})
	return keys
}
