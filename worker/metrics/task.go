package metrics

import (
	"sync"
	"sync/atomic"
	"time"
)

// A State is what a connector or task is doing, in Java's words.
type State string

// The states.
const (
	Unassigned State = "unassigned"
	Running    State = "running"
	Paused     State = "paused"
	Stopped    State = "stopped"
	Failed     State = "failed"
	Destroyed  State = "destroyed"
	Restarting State = "restarting"
)

// Plugin names a class that a task uses.
type Plugin struct{ Class, Version string }

// TaskInfo is what does not change about a task.
type TaskInfo struct {
	Source             bool // else a sink's
	Connector          Plugin
	Task               Plugin
	Key, Value, Header Plugin
	ExactlyOnce        bool // the task produces in transactions
}

// A Task counts what one task does. All methods may be called from any
// goroutine. Those that are called for single records are atomic additions.
type Task struct {
	// Errors is for the task's pipeline.
	Errors TaskErrors

	connector string
	id        int
	info      TaskInfo
	born      time.Time
	worker    *Worker

	state  states
	gauges gauges

	polled, written, filtered       atomic.Int64 // source
	read, sent, readAtCommit        atomic.Int64 // sink
	commits, skips, sequence, parts atomic.Int64

	batch, pollTime, putTime, commitTime, active, transaction window
	commitShare                                               share

	polledRate, writtenRate, readRate, sentRate, commitRate, skipRate rate
}

// Started says that the task runs.
func (t *Task) Started() {
	if t.state.set(Running) != Running && t.worker != nil && t.state.first() {
		t.worker.taskStarts.note(true)
	}
}

// Paused says that the task is paused, or runs again.
func (t *Task) Paused(p bool) {
	if p {
		t.state.set(Paused)
	} else {
		t.state.set(Running)
	}
}

// Failed says that the task has failed.
func (t *Task) Failed() {
	t.state.set(Failed)
	if t.worker != nil && t.state.first() {
		t.worker.taskStarts.note(false)
	}
}

// Is sets any other state.
func (t *Task) Is(s State) { t.state.set(s) }

// Polled notes a batch that a source task returned.
func (t *Task) Polled(n int, took time.Duration) {
	t.polled.Add(int64(n))
	t.batch.note(float64(n))
	t.pollTime.noteTime(took)
	t.active.note(float64(t.sourceActive()))
}

// Written notes records that Kafka has acknowledged.
func (t *Task) Written(n int) { t.written.Add(int64(n)) }

// Filtered notes records that were dropped on the way: by a transform, or for
// an error.
func (t *Task) Filtered(n int) { t.filtered.Add(int64(n)) }

// Transaction notes a committed transaction of n records.
func (t *Task) Transaction(n int) { t.transaction.note(float64(n)) }

// Read notes records that a sink's consumer returned.
func (t *Task) Read(n int) { t.read.Add(int64(n)) }

// Sent notes a batch that a sink task took.
func (t *Task) Sent(n int, took time.Duration) {
	t.sent.Add(int64(n))
	t.batch.note(float64(n))
	t.putTime.noteTime(took)
	t.active.note(float64(t.sinkActive()))
}

// Retried notes that a sink task asked for the same batch again.
func (t *Task) Retried() { t.Errors.Retries.Add(1) }

// Partitions sets how many partitions a sink task has.
func (t *Task) Partitions(n int) { t.parts.Store(int64(n)) }

// Committed notes offsets that were committed.
func (t *Task) Committed(took time.Duration) {
	t.commitTime.noteTime(took)
	t.commitShare.note(true)
	t.commits.Add(1)
	t.sequence.Add(1)
	t.readAtCommit.Store(t.read.Load())
}

// CommitFailed notes that offsets could not be committed.
func (t *Task) CommitFailed() {
	t.commitShare.note(false)
	t.sequence.Add(1)
}

// CommitSkipped notes a commit that came too late to count.
func (t *Task) CommitSkipped() { t.skips.Add(1) }

func (t *Task) sourceActive() int64 {
	return max(0, t.polled.Load()-t.written.Load()-t.filtered.Load())
}
func (t *Task) sinkActive() int64 { return max(0, t.read.Load()-t.readAtCommit.Load()) }

// Close ends the task's metrics.
func (t *Task) Close() {
	if t.worker == nil {
		return
	}
	t.worker.mu.Lock()
	defer t.worker.mu.Unlock()
	key := taskKey{t.connector, t.id}
	if t.worker.tasks[key] == t { // not one that has taken its place
		delete(t.worker.tasks, key)
	}
}

// states is a state and how long each has lasted.
type states struct {
	mu      sync.Mutex
	now     State
	since   time.Time
	spent   map[State]time.Duration
	decided bool // whether its start was counted
}

func (s *states) set(to State) (was State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was = s.now
	if was == to {
		return was
	}
	at := time.Now()
	if was != "" {
		if s.spent == nil {
			s.spent = map[State]time.Duration{}
		}
		s.spent[was] += at.Sub(s.since)
	}
	s.now, s.since = to, at
	return was
}

// first reports whether a start is being decided for the first time.
func (s *states) first() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.decided
	s.decided = true
	return !was
}

func (s *states) get() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == "" {
		return Unassigned
	}
	return s.now
}

// ratio returns the part of its life that was spent in a state.
func (s *states) ratio(of State) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all, in time.Duration
	for state, d := range s.spent {
		all += d
		if state == of {
			in += d
		}
	}
	if s.now != "" {
		d := time.Since(s.since)
		all += d
		if s.now == of {
			in += d
		}
	}
	if all <= 0 {
		return 0
	}
	return float64(in) / float64(all)
}
