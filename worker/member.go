package worker

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/millwright-connect/millwright/worker/assign"
	"github.com/millwright-connect/millwright/worker/config"
	"github.com/millwright-connect/millwright/worker/group"
	"github.com/millwright-connect/millwright/worker/kafka"
	"github.com/millwright-connect/millwright/worker/metrics"
	"github.com/millwright-connect/millwright/worker/state"
)

// never is longer than a worker runs.
const never = 1 << 62 * time.Nanosecond

// follow hands the group's decisions to the herder, and does what falls to this
// worker when it leads.
func (w *Worker) follow(ctx context.Context) error {
	renew := time.NewTimer(time.Hour)
	defer renew.Stop()
	var leading *assignment
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-renew.C:
		case e, ok := <-w.member.Events():
			if !ok {
				return nil
			}
			a := w.heard(e)
			w.herder.assign(ctx, a)
			leading = nil
			if a == nil || !a.Leader {
				continue
			}
			leading = a
			w.clean(ctx, a)
		}
		// A group that is not sessioned signs nothing, and has no key.
		if leading != nil && leading.from.Protocol == group.Sessioned {
			renew.Reset(w.renewSessionKey(ctx))
		}
	}
}

// heard turns an event of the group into an assignment; nil is a lost one.
func (w *Worker) heard(e group.Event) *assignment {
	lost, ok := e.(*group.Lost)
	if ok {
		w.log.Warn("this worker is no longer a member of its group; what it runs is stopped, and it joins again", "reason", lost.Reason)
		return nil
	}
	g := e.(*group.Assignment)
	w.sessioned.Store(g.Protocol == group.Sessioned)
	a := &assignment{
		Generation: g.Generation, ConfigOffset: g.ConfigOffset, Leader: g.Leader, LeaderURL: g.LeaderURL,
		Connectors: g.All.Connectors, from: g,
	}
	for _, t := range g.All.Tasks {
		a.Tasks = append(a.Tasks, unitID{t.Connector, t.Task})
	}
	w.metrics.RebalanceDone(metrics.Assignment{
		Leader: g.LeaderURL, Protocol: g.Protocol, Generation: int(g.Generation),
		Connectors: len(a.Connectors), Tasks: len(a.Tasks),
	})
	w.log.Info("assignment received", "generation", g.Generation, "leader", g.LeaderURL, "connectors", len(a.Connectors), "tasks", len(a.Tasks),
		"delay", g.Delay)
	return a
}

// Sessioned reports whether members of the group sign what they ask of each
// other. The group's protocol is the best that all members speak.
func (w *Worker) Sessioned() bool { return w.sessioned.Load() }

// ownerURL returns where a unit runs, as far as this worker knows.
func (a *assignment) ownerURL(id unitID) string {
	url := ""
	switch {
	case a.from == nil:
	case id.Task == connectorUnit:
		url, _ = a.from.ConnectorOwner(id.Connector)
	default:
		url, _ = a.from.TaskOwner(assign.TaskID{Connector: id.Connector, Task: id.Task})
	}
	return url
}

// clean removes the statuses of what no longer exists.
func (w *Worker) clean(ctx context.Context, a *assignment) {
	if err := w.configs.Sync(ctx); err != nil {
		return // the next rebalance does it
	}
	w.statuses.forget(w.configs.Snapshot(), a.Generation)
}

// renewSessionKey writes a new session key when there is none or it is too old
// (KIP-507), and returns how long it is good for.
func (w *Worker) renewSessionKey(ctx context.Context) time.Duration {
	s := w.settings.Signing
	if key := w.SessionKey(); key != nil {
		if s.KeyTTL == 0 {
			return never
		}
		if left := time.Until(time.UnixMilli(key.Created).Add(s.KeyTTL)); left > 0 {
			return left
		}
	}
	key := make([]byte, s.KeyLength())
	_, _ = rand.Read(key) // never fails, as documented
	record := state.SessionKeyRecord(state.SessionKey{Algorithm: s.KeyAlgorithm, Key: key, Created: time.Now().UnixMilli()})
	err := w.write(ctx, "Only the leader can distribute session keys.", "writing a new session key"+toConfigs, func(*state.Snapshot) ([]state.KV, error) {
		return []state.KV{record}, nil
	})
	switch {
	case err == nil && s.KeyTTL == 0:
		return never
	case err == nil:
		return s.KeyTTL
	case ctx.Err() == nil && !errors.As(err, new(*MovedError)):
		w.log.Warn("the session key could not be written; trying again", "error", err)
	}
	return time.Second
}

// mostHeartbeat bounds heartbeat.interval.ms: a member hears of a rebalance in
// the answer to a heartbeat, so Java's default of three seconds is what most of
// a rebalance is spent on. A heartbeat costs next to nothing.
const mostHeartbeat = 500 * time.Millisecond

// openMember makes this worker's membership of its group; the returned function
// closes its client.
func (w *Worker) openMember() (func(), error) {
	s := w.settings
	if s.Mode == config.Standalone {
		w.member = newSoloMember(w.opts.URL, w.view)
		return func() {}, nil
	}
	props, _ := w.kafka.Internal("group", false)
	props["client.id"] = w.memberID()
	cl, _, err := w.client(props, kafka.Internal)
	if err != nil {
		return nil, err
	}
	w.member = group.New(group.Config{
		Client: cl, Group: s.GroupID, URL: w.opts.URL, Protocol: s.Protocol, Session: s.SessionTimeout,
		Rebalance: s.RebalanceTimeout, Heartbeat: min(s.HeartbeatInterval, mostHeartbeat), RetryBackoff: 100 * time.Millisecond, MaxDelay: s.RebalanceDelay,
		Snapshot: w.view, Log: w.log,
	})
	return cl.Close, nil
}

// memberID is the client id of the worker's group member, as Java names it.
func (w *Worker) memberID() string {
	if id := w.settings.ClientID; id != "" {
		return id
	}
	return "connect-" + w.opts.WorkerID
}

// emptyTopic is how Java's workers call the offset of a config topic without
// records; members must agree on it.
const emptyTopic = -1

// view is what a join is made with: the join gate of the herder.
func (w *Worker) view(ctx context.Context) (int64, map[string]int, error) {
	w.metrics.RebalanceStarted()
	s, err := w.herder.gate(ctx)
	if err != nil {
		return 0, nil, err
	}
	connectors := make(map[string]int, len(s.Connectors))
	for name, c := range s.Connectors {
		if c.Props != nil {
			connectors[name] = len(c.Tasks)
		}
	}
	if s.Offset == 0 {
		return emptyTopic, connectors, nil
	}
	return s.Offset, connectors, nil
}
