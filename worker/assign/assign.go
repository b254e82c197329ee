// Package assign decides which worker of a group runs which connector and
// which task. It is one pure function, [Plan]: what the members hold, what is
// configured, the time, and the outcome of the last round go in; what each
// member is to start and stop comes out. The rules are those of Java's
// IncrementalCooperativeAssignor, tie-breaks included, so that a Go leader and
// a Java leader of one group decide alike. It imports the standard library only.
package assign

import (
	"slices"
	"time"
)

// Held is a set of connectors and tasks. The order of the slices matters in
// one place: when a worker has too much, the first ones are taken from it.
type Held struct {
	Connectors []string
	Tasks      []TaskID
}

// Empty reports whether there is neither a connector nor a task in h.
func (h Held) Empty() bool { return len(h.Connectors) == 0 && len(h.Tasks) == 0 }

// Input is what one round of assignment is decided on.
type Input struct {
	Now time.Time
	// MaxDelay is scheduled.rebalance.max.delay.ms: how long the work of a
	// worker that left is kept for its return. Zero hands it out at once.
	MaxDelay time.Duration
	// Generation is the group's generation that this round makes,
	// LastCompleted the one in which this leader last received an assignment
	// (-1: never). If LastCompleted is not the generation of the state, then
	// the state's view of who had what is out of date and is dropped.
	Generation, LastCompleted int32
	// Connectors maps the configured connectors to their numbers of tasks.
	Connectors map[string]int
	// Members maps member ids to what each says it holds.
	Members map[string]Held
}

// Share is one member's part of an [Output].
type Share struct {
	New     Held // to be started
	Revoked Held // to be stopped; what else it holds it keeps
	All     Held // what it has when both are done
}

// Output is the outcome of one round.
type Output struct {
	Members map[string]Share
	// Delay is after how long the members are to come together again (0: no
	// need), a whole number of milliseconds.
	Delay time.Duration
	// Scheduled is when that is; zero if there is none.
	Scheduled time.Time
}

// State is what a leader remembers between two rounds. The zero State knows
// nothing, as a new leader. A State is immutable: [Plan] returns another.
type State struct {
	generation int32
	members    map[string]bool
	assigned   units
	revoked    units
	candidates []string // members that were empty while a delay ran, in the order found

	scheduled int64 // Unix milliseconds, 0 none
	delay     int64 // milliseconds

	revokedInPrevious bool
	successive        int // rounds in a row that wanted to revoke
}

// units is a set of tasks and, as number -1, connectors.
type units map[TaskID]struct{}

func (u units) has(t TaskID) bool { _, ok := u[t]; return ok }

// sortedWithout returns the units of u that are in none of the others.
func (u units) sortedWithout(others ...units) []TaskID {
	var out []TaskID
next:
	for t := range u {
		for _, o := range others {
			if o.has(t) {
				continue next
			}
		}
		out = append(out, t)
	}
	slices.SortFunc(out, TaskID.Compare)
	return out
}

func setOf(list []TaskID) units {
	u := make(units, len(list))
	for _, t := range list {
		u[t] = struct{}{}
	}
	return u
}

// load is what one member will have, built up while a round is computed.
type load struct {
	id     string
	before [2][]TaskID // as it says, less the deleted
	next   [2][]TaskID
	revoke []TaskID
}

// The two kinds of work are spread independently of each other.
const (
	connectors = iota
	tasks
)

func kindOf(t TaskID) int {
	if t.Task == connectorUnit {
		return connectors
	}
	return tasks
}

func (l *load) empty() bool { return len(l.next[connectors]) == 0 && len(l.next[tasks]) == 0 }

func (l *load) assign(t TaskID) { l.next[kindOf(t)] = append(l.next[kindOf(t)], t) }

// take removes from the member what matches and has it revoked.
func (l *load) take(match func(TaskID) bool) {
	for k := range l.next {
		kept := l.next[k][:0]
		for _, t := range l.next[k] {
			if match(t) {
				l.revoke = append(l.revoke, t)
			} else {
				kept = append(kept, t)
			}
		}
		l.next[k] = kept
	}
}

// Plan computes one round. It changes neither s nor in. There must be at
// least one member.
func Plan(s State, in Input) (Output, State) {
	r := round{State: s, now: in.Now.UnixMilli(), maxDelay: in.MaxDelay.Milliseconds()}
	r.candidates = slices.Clone(s.candidates)
	if s.generation != in.LastCompleted {
		r.assigned = nil
	}
	r.read(in)
	if r.cameBack(s.revoked) {
		r.assigned = r.active
	}

	deleted := setOf(r.assigned.sortedWithout(r.configured))
	lost := r.assigned.sortedWithout(r.active, deleted)
	assignable := r.configured.sortedWithout(r.assigned, r.active)
	for _, l := range r.loads {
		l.take(func(t TaskID) bool { return deleted.has(t) || r.duplicated.has(t) })
		for k := range l.before {
			l.before[k] = slices.DeleteFunc(l.before[k], deleted.has)
		}
	}

	assignable = append(assignable, r.handleLost(lost)...)
	r.revokeForBalance()
	r.spread(connectors, assignable)
	r.spread(tasks, assignable)
	return r.finish(in, lost)
}

// round is the state in the making and what one round derives from its input.
type round struct {
	State
	now, maxDelay int64

	loads      []*load // by member id until spread sorts them by load
	configured units
	active     units // held by anybody
	duplicated units // held by more than one
	total      [2]int
}

func (r *round) read(in Input) {
	r.configured = units{}
	for name, n := range in.Connectors {
		for i := connectorUnit; i < n; i++ {
			r.configured[TaskID{name, i}] = struct{}{}
		}
		r.total[connectors]++
		r.total[tasks] += max(n, 0)
	}
	r.active, r.duplicated = units{}, units{}
	r.loads = make([]*load, 0, len(in.Members))
	for id, h := range in.Members {
		l := &load{id: id}
		seen := make(units, len(h.Connectors)+len(h.Tasks))
		add := func(t TaskID) {
			if seen.has(t) {
				return
			}
			seen[t] = struct{}{}
			l.before[kindOf(t)] = append(l.before[kindOf(t)], t)
			l.assign(t)
			if r.active.has(t) {
				r.duplicated[t] = struct{}{}
			}
			r.active[t] = struct{}{}
		}
		for _, c := range h.Connectors {
			add(TaskID{c, connectorUnit})
		}
		for _, t := range h.Tasks {
			add(t)
		}
		r.loads = append(r.loads, l)
	}
	slices.SortFunc(r.loads, func(a, b *load) int {
		if a.id < b.id {
			return -1
		}
		return 1
	})
}

// cameBack reports whether something revoked in the last round is still held:
// that revocation did not take effect.
func (r *round) cameBack(revoked units) bool {
	for t := range revoked {
		if r.active.has(t) {
			return true
		}
	}
	return false
}

// handleLost decides about work that nobody holds any more though the last
// round gave it out. What is returned is to be spread as if it were new; what
// goes to a worker that came back empty is assigned here; else it waits, and
// delay is set.
func (r *round) handleLost(lost []TaskID) []TaskID {
	if len(lost) == 0 && !r.revokedInPrevious {
		r.resetDelay()
		return nil
	}
	if r.scheduled <= 0 && r.nobodyLeft() || r.maxDelay == 0 {
		// Nobody left: a worker did not receive its last assignment.
		return lost
	}
	if r.scheduled > 0 && r.now >= r.scheduled {
		candidates := r.presentCandidates()
		r.resetDelay()
		r.revokedInPrevious = false // a full delay has passed, revoking may start anew
		if len(candidates) == 0 {
			return lost
		}
		var turn [2]int
		for _, t := range lost {
			k := kindOf(t)
			candidates[turn[k]%len(candidates)].assign(t)
			turn[k]++
		}
		return nil
	}
	for _, l := range r.loads {
		if l.empty() && !slices.Contains(r.candidates, l.id) {
			r.candidates = append(r.candidates, l.id)
		}
	}
	if r.now < r.scheduled {
		r.delay = min(r.scheduled-r.now, r.maxDelay)
	} else {
		r.delay = r.maxDelay
	}
	r.scheduled = r.now + r.delay
	return nil
}

func (r *round) resetDelay() { r.candidates, r.scheduled, r.delay = nil, 0, 0 }

func (r *round) nobodyLeft() bool {
	present := 0
	for _, l := range r.loads {
		if r.members[l.id] {
			present++
		}
	}
	return present == len(r.members)
}

func (r *round) presentCandidates() []*load {
	var out []*load
	for _, id := range r.candidates {
		i := slices.IndexFunc(r.loads, func(l *load) bool { return l.id == id })
		if i >= 0 {
			out = append(out, r.loads[i])
		}
	}
	return out
}

// revokeForBalance takes from members what is more than their even share, or
// puts that off by a growing delay if the round before did so too.
func (r *round) revokeForBalance() {
	if r.delay != 0 {
		// Whoever left may return within the delay: nothing moves.
		r.revokedInPrevious = false
		return
	}
	excess := r.excess()
	switch {
	case len(excess) > 0 && r.revokedInPrevious:
		r.successive++
		r.delay = backoff(r.successive, r.maxDelay)
		if r.delay != 0 {
			r.scheduled = r.now + r.delay
			return
		}
	case len(excess) > 0:
		r.revokedInPrevious = true
	default:
		if r.revokedInPrevious {
			r.revokedInPrevious, r.successive = false, 0
		}
		return
	}
	for _, l := range r.loads {
		if u := excess[l.id]; len(u) > 0 {
			l.take(u.has)
		}
	}
}

// excess returns, by member, what it has beyond its even share.
func (r *round) excess() map[string]units {
	if len(r.configured) == 0 || !slices.ContainsFunc(r.loads, func(l *load) bool { return !l.empty() }) {
		return nil
	}
	out := map[string]units{}
	for _, kind := range [...]int{connectors, tasks} {
		least, extras := r.total[kind]/len(r.loads), r.total[kind]%len(r.loads)
		for _, l := range r.loads {
			has := l.next[kind]
			if len(has) <= least {
				continue
			}
			keep := least
			if extras > 0 {
				extras--
				keep++
			}
			for _, t := range has[:len(has)-keep] {
				if out[l.id] == nil {
					out[l.id] = units{}
				}
				out[l.id][t] = struct{}{}
			}
		}
	}
	return out
}

// spread gives the units of one kind to the least loaded members, round robin
// among those level with the first.
func (r *round) spread(kind int, list []TaskID) {
	size := func(l *load) int { return len(l.next[kind]) }
	slices.SortFunc(r.loads, func(a, b *load) int {
		if d := size(a) - size(b); d != 0 {
			return d
		}
		if a.id < b.id {
			return -1
		}
		return 1
	})
	level, turn := size(r.loads[0]), 0
	for _, t := range list {
		if kindOf(t) != kind {
			continue
		}
		// A member that has been served is above the level, so the first
		// members are even until the turn meets one that was above all along.
		if turn == len(r.loads) || size(r.loads[turn]) > level {
			level, turn = size(r.loads[0]), 0
		}
		r.loads[turn].assign(t)
		turn++
	}
}

func (r *round) finish(in Input, lost []TaskID) (Output, State) {
	next := r.State
	next.generation = in.Generation
	next.members = make(map[string]bool, len(r.loads))
	next.assigned, next.revoked = make(units, len(r.configured)), units{}
	out := Output{Members: make(map[string]Share, len(r.loads)), Delay: time.Duration(r.delay) * time.Millisecond}
	if r.scheduled > 0 {
		out.Scheduled = time.UnixMilli(r.scheduled)
	}
	for _, l := range r.loads {
		next.members[l.id] = true
		var s Share
		before := make(units, len(l.before[connectors])+len(l.before[tasks]))
		for k := range l.next {
			for _, t := range l.before[k] {
				before[t] = struct{}{}
			}
		}
		for k := range l.next {
			for _, t := range l.next[k] {
				next.assigned[t] = struct{}{}
				s.All.add(t)
				if !before.has(t) {
					s.New.add(t)
				}
			}
		}
		for _, t := range l.revoke {
			next.revoked[t] = struct{}{}
			s.Revoked.add(t)
		}
		out.Members[l.id] = s
	}
	// What one member lost to a duplicate stays away from the view until
	// nobody holds it; what is lost stays in it, to be found missing again.
	for t := range next.revoked {
		delete(next.assigned, t)
	}
	for _, t := range lost {
		next.assigned[t] = struct{}{}
	}
	return out, next
}

func (h *Held) add(t TaskID) {
	if t.Task == connectorUnit {
		h.Connectors = append(h.Connectors, t.Connector)
	} else {
		h.Tasks = append(h.Tasks, t)
	}
}
