package worker

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/millwright-connect/millwright/worker/group"
	"github.com/millwright-connect/millwright/worker/state"
)

// ErrStopped is the answer of a herder whose worker is shutting down.
var ErrStopped = errors.New("the worker is shutting down")

// A Herder is one worker's control loop: one goroutine that owns all state,
// hears events, and drives what runs towards what should run. Nothing in the
// loop blocks: what takes time runs elsewhere and comes back as an event.
type Herder struct {
	log        *slog.Logger
	configs    Configs
	launch     func(id unitID, c *state.Connector, generation int32) runner
	rejoin     func(reason string)       // asks the group for a new round; never blocks
	revoked    func(a *group.Assignment) // all that was taken away has stopped
	graceful   func(unitID) time.Duration
	restarting func(unitID) // reports a unit as RESTARTING

	calls   chan func()
	assigns chan *assignment
	events  chan unitEvent
	done    chan struct{}

	// Owned by Run.
	snap     *state.Snapshot
	assigned *assignment
	units    map[unitID]*unit
	waiters  map[unitID][]chan error // of who asked for a restart
	gates    []chan *state.Snapshot  // of joins that wait for stale units to end
	changed  chan struct{}           // closed and replaced when the assignment changes
	quit     bool
}

// Configs is the config topic as the herder sees it.
type Configs interface {
	Snapshot() *state.Snapshot
	Changed() <-chan struct{}
	Sync(ctx context.Context) error
}

// A runner runs one unit.
type runner interface {
	// Run works until ctx ends (nil: stopped as asked) or fails. It calls
	// started once it is up, or lets Run's error tell.
	Run(ctx context.Context, started func()) error
	// Target changes the target state; it never blocks.
	Target(t state.TargetState)
	// Abandon cuts the unit off from everything it could still do: produce,
	// commit, report. It is called when the unit outlives its graceful stop.
	Abandon()
}

type unit struct {
	unitView
	runner runner
	cancel context.CancelFunc
	timer  *time.Timer // of the graceful stop
	// announced: a request of the config topic restarts it, which its status says
	// between its end and its new beginning.
	announced bool
}

// A unitEvent is something that happened to a unit.
type unitEvent struct {
	id   unitID
	unit *unit // the one it is about; a later one may have its id
	kind eventKind
	err  error
}

type eventKind uint8

const (
	unitStarted eventKind = iota
	unitExited
	unitOverdue
)

func newHerder(log *slog.Logger, configs Configs) *Herder {
	return &Herder{
		log: log, configs: configs, calls: make(chan func()), assigns: make(chan *assignment), events: make(chan unitEvent),
		done: make(chan struct{}), snap: &state.Snapshot{}, units: map[unitID]*unit{}, waiters: map[unitID][]chan error{}, changed: make(chan struct{}),
	}
}

// Run is the loop. When ctx ends it stops everything, and returns when all has
// stopped or was abandoned.
func (h *Herder) Run(ctx context.Context) error {
	defer close(h.done)
	quit := ctx.Done()
	for {
		h.snap = h.configs.Snapshot()
		h.reconcile()
		if h.quit && len(h.units) == 0 {
			return ctx.Err()
		}
		select {
		case f := <-h.calls:
			f()
		case a := <-h.assigns:
			h.assigned = a
			close(h.changed)
			h.changed = make(chan struct{})
		case <-h.configs.Changed():
		case e := <-h.events:
			h.on(e)
			h.drain()
		case <-quit:
			h.quit, h.assigned, quit = true, nil, nil
		}
	}
}

// drain takes what else units have to say already: many tasks that start or stop
// at once cost one look at everything, and not one each.
func (h *Herder) drain() {
	for {
		select {
		case e := <-h.events:
			h.on(e)
		default:
			return
		}
	}
}

func (h *Herder) reconcile() {
	views := make(map[unitID]unitView, len(h.units))
	for id, u := range h.units {
		views[id] = u.unitView
	}
	a := h.assigned
	if h.quit {
		a = nil
	}
	todo, reason := plan(h.snap, a, views)
	for _, t := range todo {
		h.act(t)
	}
	if !slices.ContainsFunc(todo, func(t action) bool { return t.op == opStop }) && !h.stopping() {
		for _, g := range h.gates {
			g <- h.snap
		}
		h.gates = nil
		if a != nil && a.from != nil && !a.settled {
			a.settled = true
			h.revoked(a.from)
		}
	}
	// One request per assignment is enough: the member joins until it has a new
	// one, and if that is outdated too, it is asked again.
	if reason != "" && !a.outdated {
		a.outdated = true
		h.rejoin(reason)
	}
}

func (h *Herder) stopping() bool {
	for _, u := range h.units {
		if u.phase == stopping {
			return true
		}
	}
	return false
}

func (h *Herder) act(t action) {
	switch t.op {
	case opStart:
		h.start(t)
	case opStop:
		h.stop(t.id)
	case opTarget:
		u := h.units[t.id]
		u.target = t.target
		if u.phase == down { // as Java: a failed unit stays failed, whatever its target
			return
		}
		u.runner.Target(t.target)
	case opForget:
		delete(h.units, t.id)
		h.tell(t.id, ErrStopped)
	}
}

func (h *Herder) start(t action) {
	ctx, cancel := context.WithCancel(context.Background())
	r := h.launch(t.id, h.snap.Connectors[t.id.Connector], h.assigned.Generation)
	u := &unit{unitView: unitView{gen: t.gen, target: t.target}, runner: r, cancel: cancel}
	h.units[t.id] = u
	go func() {
		err := r.Run(ctx, func() { h.post(unitEvent{t.id, u, unitStarted, nil}) })
		cancel()
		h.post(unitEvent{t.id, u, unitExited, err})
	}()
}

// post hands an event to the loop; after the loop has ended nobody needs it.
func (h *Herder) post(e unitEvent) {
	select {
	case h.events <- e:
	case <-h.done:
	}
}

func (h *Herder) stop(id unitID) {
	u := h.units[id]
	u.phase = stopping
	u.cancel()
	u.timer = time.AfterFunc(h.graceful(id), func() { h.post(unitEvent{id, u, unitOverdue, nil}) })
}

func (h *Herder) on(e unitEvent) {
	if h.units[e.id] != e.unit {
		return // it was abandoned before
	}
	switch e.kind {
	case unitStarted:
		h.tell(e.id, nil)
	case unitExited:
		if e.unit.timer != nil {
			e.unit.timer.Stop()
		}
		if e.unit.phase == stopping {
			delete(h.units, e.id)
			if e.unit.announced && h.assigned != nil {
				h.restarting(e.id)
			}
			return
		}
		e.unit.phase = down
		h.tell(e.id, e.err)
	case unitOverdue:
		h.log.Warn("graceful stop timed out, the unit is abandoned", "unit", e.id.String())
		e.unit.runner.Abandon()
		delete(h.units, e.id)
	}
}

// tell answers those who wait for a unit to be restarted.
func (h *Herder) tell(id unitID, err error) {
	if u := h.units[id]; u != nil && u.phase == stopping {
		return // it is the old one that speaks
	}
	for _, w := range h.waiters[id] {
		w <- err
	}
	delete(h.waiters, id)
}

// assign delivers an assignment, or nil when the membership was lost.
func (h *Herder) assign(ctx context.Context, a *assignment) {
	select {
	case h.assigns <- a:
	case <-ctx.Done():
	case <-h.done:
	}
}

// gate is the join gate: it returns the view to join with once the config topic
// was read to its end and nothing stale runs any more. Stale units end within
// their graceful time, so it waits no longer than that.
func (h *Herder) gate(ctx context.Context) (*state.Snapshot, error) {
	if err := h.configs.Sync(ctx); err != nil {
		return nil, err
	}
	ready := make(chan *state.Snapshot, 1)
	if _, err := Ask(ctx, h, func(h *Herder) struct{} { h.gates = append(h.gates, ready); return struct{}{} }); err != nil {
		return nil, err
	}
	select {
	case s := <-ready:
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-h.done:
		return nil, ErrStopped
	}
}

// Ask runs f on the loop and waits for it: the only way in.
func Ask[T any](ctx context.Context, h *Herder, f func(h *Herder) T) (v T, err error) {
	ready := make(chan T, 1)
	select {
	case h.calls <- func() { ready <- f(h) }:
		return <-ready, nil
	case <-ctx.Done():
		return v, ctx.Err()
	case <-h.done:
		return v, ErrStopped
	}
}
