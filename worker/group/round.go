package group

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millwright-connect/millwright/worker/assign"
)

// A round is one rebalance as a member sees it: gate, join, sync. Each step
// runs in a goroutine of its own, on copies of what it needs, while Run's
// goroutine tends the membership; its result is taken in there.

// snapshot is what the gate returned.
type snapshot struct {
	offset     int64
	connectors map[string]int
}

// joined is what JoinGroup returned.
type joined struct {
	id         string
	generation int32
	protocol   string
	leads      bool
	members    []kmsg.JoinGroupResponseMember // if leads
}

// synced is what SyncGroup returned, and, if we were to lead, what we gave it.
type synced struct {
	sent   time.Time
	wire   WireAssignment
	state  assign.State
	owners *owners
	// deleted: something is assigned that is not configured any more. A
	// leader without memory, as Java's, notices that one round late.
	deleted bool
}

// during runs f and tends the membership until it has returned.
func during[T any](ctx context.Context, m *Member, f func(context.Context) (T, error)) (result T, err error) {
	done := make(chan struct{})
	m.wg.Go(func() {
		defer close(done)
		result, err = f(ctx)
	})
	m.tend(ctx, done, nil)
	return result, err
}

func (m *Member) round(ctx context.Context) error {
	began := time.Now()
	snap, err := during(ctx, m, m.gate)
	if err != nil {
		return fmt.Errorf("read the config topic to its end: %w", err)
	}
	reason := m.wish
	m.wish = ""
	if m.generation < 0 && time.Since(m.contact) >= m.cfg.MaxDelay {
		m.claim = nil // by now others have it
	}
	claim := m.claim // even if it is given up meanwhile, the leader counts on it
	req, err := m.joinRequest(snap, reason)
	if err != nil {
		return err
	}
	m.joining = true
	m.stage++
	j, err := during(ctx, m, func(ctx context.Context) (joined, error) { return m.join(ctx, req) })
	m.id = j.id
	if err != nil {
		m.wish = reason
		return fmt.Errorf("join group %s: %w", m.cfg.Group, err)
	}
	m.stage++
	m.generation, m.contact, m.nextBeat = j.generation, time.Now(), time.Now()
	m.calm, m.missing = m.contact, false
	state, last := m.state, m.lastCompleted
	s, err := during(ctx, m, func(ctx context.Context) (synced, error) { return m.sync(ctx, j, snap, state, last) })
	if err != nil {
		m.wish = reason
		return fmt.Errorf("sync group %s: %w", m.cfg.Group, err)
	}
	if m.generation != j.generation {
		return errors.New("the membership was lost meanwhile")
	}
	m.apply(j, s, claim)
	m.stats.rebalanced(time.Since(began))
	return nil
}

func (m *Member) gate(ctx context.Context) (snapshot, error) {
	select {
	case <-m.rejoin: // asked for before the snapshot is taken, so this join serves it
	default:
	}
	var s snapshot
	var err error
	s.offset, s.connectors, err = m.cfg.Snapshot(ctx)
	return s, err
}

func (m *Member) joinRequest(snap snapshot, reason string) (*kmsg.JoinGroupRequest, error) {
	offers, err := Offers(m.cfg.Protocol, WireMetadata{URL: m.cfg.URL, ConfigOffset: snap.offset, Allocation: m.claim})
	if err != nil {
		return nil, err
	}
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.ProtocolType, req.Reason = m.cfg.Group, m.id, protocolType, &reason
	req.SessionTimeoutMillis = int32(m.cfg.Session.Milliseconds())
	req.RebalanceTimeoutMillis = int32(m.cfg.Rebalance.Milliseconds())
	for _, o := range offers {
		// Java offers eager as the last resort. We do not: a worker that can
		// do nothing else is refused by the broker, instead of dragging the
		// group down to what we cannot do.
		if o.Name != wireNames[0] {
			p := kmsg.NewJoinGroupRequestProtocol()
			p.Name, p.Metadata = o.Name, o.Metadata
			req.Protocols = append(req.Protocols, p)
		}
	}
	return req, nil
}

// join returns the member id in any case.
func (m *Member) join(ctx context.Context, req *kmsg.JoinGroupRequest) (joined, error) {
	m.stats.joins.Add(1)
	resp, err := req.RequestWith(ctx, m.cfg.Client)
	if err == nil && resp.ErrorCode == kerr.MemberIDRequired.Code {
		req.MemberID = resp.MemberID
		resp, err = req.RequestWith(ctx, m.cfg.Client)
	}
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	j := joined{id: req.MemberID}
	if err != nil {
		return j, err
	}
	j.id, j.generation, j.leads = resp.MemberID, resp.Generation, resp.LeaderID == resp.MemberID
	if resp.Protocol != nil {
		j.protocol = *resp.Protocol
	}
	if j.leads {
		j.members = resp.Members
	}
	return j, nil
}

func (m *Member) sync(ctx context.Context, j joined, snap snapshot, state assign.State, last int32) (synced, error) {
	m.stats.syncs.Add(1)
	req := kmsg.NewPtrSyncGroupRequest()
	kind := protocolType
	req.Group, req.MemberID, req.Generation = m.cfg.Group, j.id, j.generation
	req.ProtocolType, req.Protocol = &kind, &j.protocol
	var s synced
	if j.leads {
		var err error
		if req.GroupAssignment, err = m.lead(ctx, j, snap, state, last, &s); err != nil {
			return s, err
		}
	}
	s.sent = time.Now()
	resp, err := req.RequestWith(ctx, m.cfg.Client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err == nil {
		s.wire, err = DecodeAssignment(resp.MemberAssignment)
	}
	return s, err
}

// lead assigns the work of the group.
func (m *Member) lead(ctx context.Context, j joined, snap snapshot, state assign.State, last int32, s *synced) ([]kmsg.SyncGroupRequestGroupAssignment, error) {
	version := slices.Index(wireNames, j.protocol)
	if version < 1 {
		return nil, fmt.Errorf("the broker chose the protocol %q, which was not offered", j.protocol)
	}
	s.owners = &owners{urls: map[string]string{}, members: map[assign.TaskID]string{}}
	held := make(map[string]assign.Held, len(j.members))
	newest := snap.offset
	for _, member := range j.members {
		meta, err := DecodeMetadata(member.ProtocolMetadata)
		if err != nil {
			return nil, fmt.Errorf("member %s: %w", member.MemberID, err)
		}
		newest = max(newest, meta.ConfigOffset)
		s.owners.urls[member.MemberID] = meta.URL
		held[member.MemberID] = assign.Held{}
		if meta.Allocation != nil {
			held[member.MemberID] = meta.Allocation.Assigned
		}
	}
	wire := WireAssignment{Version: int16(version), Leader: j.id, LeaderURL: m.cfg.URL, ConfigOffset: newest}
	var out assign.Output
	if snap = m.catchUp(ctx, snap, newest); snap.offset < newest {
		m.cfg.Log.Info("cannot assign: the config topic has not been read as far as by another member", "have", snap.offset, "want", newest)
		wire.Error, s.state = ConfigMismatch, state
	} else {
		wire.ConfigOffset = snap.offset
		out, s.state = assign.Plan(state, assign.Input{
			Now: m.clockBase.Add(time.Since(m.clockBase)), MaxDelay: m.cfg.MaxDelay,
			Generation: j.generation, LastCompleted: last, Connectors: snap.connectors, Members: held,
		})
	}
	reply := make([]kmsg.SyncGroupRequestGroupAssignment, 0, len(j.members))
	for _, member := range j.members {
		share := out.Members[member.MemberID]
		for _, c := range share.All.Connectors {
			s.owners.members[assign.TaskID{Connector: c, Task: connectorTask}] = member.MemberID
			_, configured := snap.connectors[c]
			s.deleted = s.deleted || !configured
		}
		for _, t := range share.All.Tasks {
			s.owners.members[t] = member.MemberID
			s.deleted = s.deleted || t.Task >= snap.connectors[t.Connector]
		}
		wire.Assigned, wire.Revoked, wire.Delay = share.New, share.Revoked, out.Delay
		bytes, err := wire.Append(nil)
		if err != nil {
			return nil, err
		}
		a := kmsg.NewSyncGroupRequestGroupAssignment()
		a.MemberID, a.MemberAssignment = member.MemberID, bytes
		reply = append(reply, a)
	}
	return reply, nil
}

// catchUp looks for a newer snapshot if some member has seen more than ours,
// for as long as the group may well wait.
func (m *Member) catchUp(ctx context.Context, snap snapshot, newest int64) snapshot {
	if snap.offset >= newest {
		return snap
	}
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Session/2)
	defer cancel()
	if offset, connectors, err := m.cfg.Snapshot(ctx); err == nil {
		return snapshot{offset, connectors}
	}
	return snap
}

// apply makes the outcome of a round ours.
func (m *Member) apply(j joined, s synced, claim *WireAssignment) {
	w := s.wire
	m.rounded = time.Now()
	m.wish, m.nextBeat = "", m.rounded // a rebalance that began meanwhile is learnt of at once
	if s.sent.After(m.contact) {
		m.contact = s.sent
	}
	m.lastCompleted = j.generation
	m.state = assign.State{}
	a := &Assignment{
		Generation: j.generation, MemberID: j.id, Protocol: j.protocol, Leader: w.Leader == j.id, LeaderID: w.Leader, LeaderURL: w.LeaderURL,
		ConfigOffset: w.ConfigOffset, Delay: w.Delay,
	}
	// Who leads is what the assignment says: it was made by the leader.
	if a.Leader {
		m.state, a.owners = s.state, s.owners
	}
	var before assign.Held
	if claim != nil {
		before = claim.Assigned
	}
	m.claim = &w
	m.scheduled = time.Time{}
	if w.Error != 0 {
		a.Err, a.All = ErrConfigMismatch, m.has
		w.Assigned = before
		m.wish = "the last assignment failed: " + ErrConfigMismatch.Error()
		m.notBefore = time.Now().Add(m.cfg.RetryBackoff)
	} else {
		w.Assigned = union(w.Assigned, before, w.Revoked)
		a.All, a.New, a.Revoked = w.Assigned, minus(w.Assigned, m.has), w.Revoked
		m.has = w.Assigned
		if w.Delay > 0 {
			m.scheduled = time.Now().Add(w.Delay)
		}
	}
	w.Revoked = assign.Held{}
	m.told, m.pending = true, a
	if a.Leader && s.deleted {
		m.wish = "work that is not configured any more is still assigned"
	}
	if !a.Revoked.Empty() {
		m.revoking = a
		m.wish = "revoked work has stopped"
	}
	m.heard()
	m.cfg.Log.Info("joined group", "group", m.cfg.Group, "member", j.id, "generation", j.generation, "protocol", j.protocol, "assignment", s.wire.String())
}

// beat is the outcome of one heartbeat.
type beat struct {
	sent  time.Time
	stage int
	err   error
}

// quick is how soon after a round the next heartbeats are sent. A round often
// has another on its heels, as when work is taken from one member for another,
// and a member hears of it only in the answer to a heartbeat.
const quick = 50 * time.Millisecond

// pace is how long to wait from one heartbeat to the next: half of the time since
// the last round, so that whatever follows it is heard of in half as much time
// again as it took.
func (m *Member) pace(now time.Time) time.Duration {
	return min(max(now.Sub(m.rounded)/2, quick), m.cfg.Heartbeat)
}

// beat sends a heartbeat; its outcome arrives in m.beats.
func (m *Member) beat(ctx context.Context, now time.Time) {
	m.beating, m.nextBeat = true, now.Add(m.pace(now))
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation = m.cfg.Group, m.id, m.generation
	b := beat{sent: now, stage: m.stage}
	end := m.contact.Add(m.cfg.grace())
	m.wg.Go(func() {
		m.stats.beats.Add(1)
		ctx, cancel := context.WithDeadline(ctx, end)
		defer cancel()
		resp, err := req.RequestWith(ctx, m.cfg.Client)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		b.err = err
		m.beats <- b // has room: one heartbeat at a time
	})
}

// beaten takes in the outcome of a heartbeat. While we join only its good news
// count: the answers to the join tell the rest, and tell it of the generation
// in question.
func (m *Member) beaten(b beat) {
	m.beating = false
	alive := b.err == nil || errors.Is(b.err, kerr.RebalanceInProgress)
	if alive && b.sent.After(m.contact) && m.generation >= 0 {
		m.contact = b.sent
		m.stats.lastBeat.Store(b.sent.UnixMilli())
	}
	if b.stage != m.stage || m.joining || m.generation < 0 {
		return
	}
	switch {
	case b.err == nil:
		m.calm = b.sent
	case errors.Is(b.err, kerr.RebalanceInProgress):
		m.missing = true
		if m.wish == "" {
			m.wish = "the group is rebalancing"
		}
	case unwelcome(b.err):
		m.disowned(b.err)
	default:
		m.cfg.Log.Debug("heartbeat failed, will retry", "group", m.cfg.Group, "error", b.err)
		m.nextBeat = time.Now().Add(m.cfg.RetryBackoff)
	}
}

// leaveTimeout bounds the last request of a member. One that is not answered
// costs the others a session timeout, no more.
const leaveTimeout = 5 * time.Second

// leave tells the coordinator that we go, if it knows us. It works after ctx
// has ended, too.
func (m *Member) leave(ctx context.Context, reason string) {
	if m.id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.MemberID = m.cfg.Group, m.id
	member := kmsg.NewLeaveGroupRequestMember()
	member.MemberID, member.Reason = m.id, &reason
	req.Members = append(req.Members, member)
	if _, err := req.RequestWith(ctx, m.cfg.Client); err != nil {
		m.cfg.Log.Info("could not leave the group, its session will time out", "group", m.cfg.Group, "error", err)
	}
	m.id = ""
}
