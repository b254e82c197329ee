package worker

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/state"
)

// A statusChange is one status to be written. Safe ones are dropped when the
// unit has been given to another worker since (Java's putSafe).
type statusChange struct {
	id         unitID
	state      state.State
	trace      string
	generation int32
	safe       bool
	version    string // of the plugin
	topic      string // a topic that the unit uses, or all if reset; instead of a state
	reset      bool   // forget the connector's topics
}

// A statusWriter writes statuses in order, on a goroutine of its own, so that no
// unit waits for Kafka to tell how it is. What piles up while Kafka is away is
// kept: per unit only the latest state counts, but every one is short.
type statusWriter struct {
	log    *slog.Logger
	mu     sync.Mutex
	queue  []statusChange
	busy   bool // a batch that is no longer in queue is being written
	signal chan struct{}
	write  func(ctx context.Context, changes []statusChange) error
}

func newStatusWriter(log *slog.Logger, write func(context.Context, []statusChange) error) *statusWriter {
	return &statusWriter{log: log, signal: make(chan struct{}, 1), write: write}
}

func (s *statusWriter) put(c statusChange) {
	s.mu.Lock()
	s.queue = append(s.queue, c)
	s.mu.Unlock()
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

// statusRetry is how long the writer waits after a write that failed.
const statusRetry = time.Second

// run writes until ctx ends, and then what is left.
func (s *statusWriter) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), statusFlushTime)
			defer cancel()
			return s.flush(last)
		case <-s.signal:
			// Kafka may be away for a while; statuses must be right when it is back.
			for err := s.flush(ctx); err != nil && ctx.Err() == nil; err = s.flush(ctx) {
				s.log.Warn("statuses could not be written; tried again", "error", err)
				sleep(ctx, statusRetry)
			}
		}
	}
}

func (s *statusWriter) flush(ctx context.Context) error {
	for {
		s.mu.Lock()
		batch := s.queue
		s.queue, s.busy = nil, len(batch) > 0
		s.mu.Unlock()
		if len(batch) == 0 {
			return nil
		}
		if err := s.write(ctx, batch); err != nil {
			s.mu.Lock()
			s.queue, s.busy = append(batch, s.queue...), false
			s.mu.Unlock()
			return err
		}
	}
}

// unwritten reports whether statuses wait for Kafka.
func (s *statusWriter) unwritten() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.busy || len(s.queue) > 0
}

// A reporter writes the statuses of one run of a unit. Once closed it is
// silent: what an abandoned unit still has to say does not count.
type reporter struct {
	id         unitID
	generation int32
	version    string
	put        func(statusChange)
	redact     func(text string) string // takes secrets out of traces

	mu     sync.Mutex
	closed bool
}

func (r *reporter) send(st state.State, trace string, safe, last bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.closed = last
	r.put(statusChange{id: r.id, state: st, trace: trace, generation: r.generation, version: r.version, safe: safe})
}

// unversioned leaves the plugin's version out of what follows, as Java does when
// a unit fails before its plugin was made.
func (r *reporter) unversioned() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.version = ""
}

func (r *reporter) is(st state.State) { r.send(st, "", false, false) }
func (r *reporter) stopped()          { r.send(state.StateUnassigned, "", true, true) }
func (r *reporter) failed(err error) {
	r.send(state.StateFailed, r.redact(connect.Trace(err)), true, true)
}
func (r *reporter) closing(st state.State) { r.send(st, "", true, true) }

// silence ends the reports without one.
func (r *reporter) silence() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
}

func stack() string { return string(debug.Stack()) }
