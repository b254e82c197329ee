package connecttest

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Host is a worker in memory, as a connector sees it. It may be used from
// several goroutines; read its fields with the methods.
type Host struct {
	Gauges                 // the connector's own figures
	Stored    *SourceHost  // has the committed offsets; nil: there are none
	Connector string       // its name; "test" if empty
	Logger    *slog.Logger // nil: nothing is logged

	mu            sync.Mutex
	reconfigured  int
	failures      []error
	reconfiguring chan struct{}
}

// Name returns the connector's name.
func (h *Host) Name() string { return name(h.Connector) }

// Log returns the logger.
func (h *Host) Log() *slog.Logger { return logger(h.Logger) }

// Offset returns what Stored has kept.
func (h *Host) Offset(ctx context.Context, p *connect.SourcePartition) (connect.Object, error) {
	if h.Stored == nil {
		return nil, ctx.Err()
	}
	return h.Stored.Offset(ctx, p)
}

// Reconfigure counts.
func (h *Host) Reconfigure() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reconfigured++
	select {
	case h.channel() <- struct{}{}:
	default:
	}
}

func (h *Host) channel() chan struct{} {
	if h.reconfiguring == nil {
		h.reconfiguring = make(chan struct{}, 1)
	}
	return h.reconfiguring
}

// Reconfiguring gives a signal after Reconfigure was called.
func (h *Host) Reconfiguring() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.channel()
}

// Reconfigured returns how often Reconfigure was called.
func (h *Host) Reconfigured() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reconfigured
}

// Fail keeps err.
func (h *Host) Fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failures = append(h.failures, err)
}

// Failures returns what Fail was called with.
func (h *Host) Failures() []error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.failures)
}

// SourceHost is a worker in memory, as a source task sees it. The zero
// SourceHost has no offsets.
type SourceHost struct {
	Gauges                 // the task's own figures
	Connector string       // its name; "test" if empty
	Logger    *slog.Logger // nil: nothing is logged

	mu      sync.Mutex
	offsets map[string]connect.Object
}

// Name returns the connector's name.
func (h *SourceHost) Name() string { return name(h.Connector) }

// Log returns the logger.
func (h *SourceHost) Log() *slog.Logger { return logger(h.Logger) }

// Offset returns what Commit has kept.
func (h *SourceHost) Offset(ctx context.Context, p *connect.SourcePartition) (connect.Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.offsets[p.Key()]), nil
}

// Keep sets the offset of a partition, given by its Key; nil forgets it.
func (h *SourceHost) Keep(partition string, offset connect.Object) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.offsets == nil {
		h.offsets = map[string]connect.Object{}
	}
	h.offsets[partition] = offset
}

// Commit keeps the positions of records as the worker does: through JSON, the
// last of each partition.
func (h *SourceHost) Commit(records ...connect.SourceRecord) error {
	for i := range records {
		r := &records[i]
		if r.Source == nil || r.Position == nil {
			continue
		}
		offset, err := roundTrip(r.Position)
		if err != nil {
			return err
		}
		h.Keep(r.Source.Key(), offset)
	}
	return nil
}

// Offsets returns all offsets, by the partition's Key.
func (h *SourceHost) Offsets() map[string]connect.Object {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.offsets)
}

// SinkHost is a worker in memory, as a sink task sees it, and remembers what the
// task asks of it. As with a worker, only Reject may be called from elsewhere
// than the task's own methods.
type SinkHost struct {
	Gauges                  // the task's own figures
	Connector  string       // its name; "test" if empty
	Logger     *slog.Logger // nil: nothing is logged
	Partitions []connect.TopicPartition
	// Refuse, when set, is what Reject answers; else records are tolerated.
	Refuse func(r *connect.SinkRecord, cause error) error

	Seeks   map[connect.TopicPartition]int64
	Paused  map[connect.TopicPartition]bool
	Commits int // requests to commit

	mu       sync.Mutex
	rejected []Rejected
}

// Rejected is a record that a sink could not write, and why.
type Rejected struct {
	Record connect.SinkRecord
	Cause  error
}

// Name returns the connector's name.
func (h *SinkHost) Name() string { return name(h.Connector) }

// Log returns the logger.
func (h *SinkHost) Log() *slog.Logger { return logger(h.Logger) }

// Assignment returns Partitions.
func (h *SinkHost) Assignment() []connect.TopicPartition { return slices.Clone(h.Partitions) }

// Seek remembers.
func (h *SinkHost) Seek(p connect.TopicPartition, offset int64) {
	if h.Seeks == nil {
		h.Seeks = map[connect.TopicPartition]int64{}
	}
	h.Seeks[p] = offset
}

// Pause remembers.
func (h *SinkHost) Pause(ps ...connect.TopicPartition) {
	if h.Paused == nil {
		h.Paused = map[connect.TopicPartition]bool{}
	}
	for _, p := range ps {
		h.Paused[p] = true
	}
}

// Resume forgets Pause.
func (h *SinkHost) Resume(ps ...connect.TopicPartition) {
	for _, p := range ps {
		delete(h.Paused, p)
	}
}

// RequestCommit counts.
func (h *SinkHost) RequestCommit() { h.Commits++ }

// Reject remembers the record, and answers as Refuse does.
func (h *SinkHost) Reject(r *connect.SinkRecord, cause error) error {
	h.mu.Lock()
	h.rejected = append(h.rejected, Rejected{*r, cause})
	h.mu.Unlock()
	if h.Refuse != nil {
		return h.Refuse(r, cause)
	}
	return nil
}

// Rejected returns what was rejected so far.
func (h *SinkHost) Rejected() []Rejected {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.rejected)
}

func name(s string) string {
	if s == "" {
		return "test"
	}
	return s
}

func logger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}
