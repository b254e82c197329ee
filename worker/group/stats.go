package group

import (
	"sync/atomic"
	"time"
)

// Stats counts what a member has done since it was made. They feed the
// metrics of group connect-coordinator-metrics.
type Stats struct {
	Joins, Syncs, Heartbeats int64         // requests
	Rebalances, Failed       int64         // completed, and attempts that failed
	RebalanceTotal           time.Duration // over all completed, from the gate to the assignment
	RebalanceMax             time.Duration
	LastHeartbeat            time.Time // sent and answered well; zero: none yet
	LastRebalance            time.Time // completed; zero: none yet
}

// Stats returns the counts as of now. It may be called at any time.
func (m *Member) Stats() Stats {
	s := &m.stats
	return Stats{
		Joins: s.joins.Load(), Syncs: s.syncs.Load(), Heartbeats: s.beats.Load(), Rebalances: s.rebalances.Load(), Failed: s.failed.Load(),
		RebalanceTotal: time.Duration(s.total.Load()), RebalanceMax: time.Duration(s.longest.Load()),
		LastHeartbeat: unixMilli(s.lastBeat.Load()), LastRebalance: unixMilli(s.last.Load()),
	}
}

func unixMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// stats are written by the member's goroutines and read by anybody.
type stats struct {
	joins, syncs, beats, rebalances, failed, total, longest, lastBeat, last atomic.Int64
}

// rebalanced is called by Run's goroutine only.
func (s *stats) rebalanced(took time.Duration) {
	s.rebalances.Add(1)
	s.total.Add(int64(took))
	s.longest.Store(max(s.longest.Load(), int64(took)))
	s.last.Store(time.Now().UnixMilli())
}
