package group

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/worker/assign"
)

// ErrConfigMismatch is the error of an assignment that the leader could not
// make, because another member had read more of the config topic.
var ErrConfigMismatch = errors.New("the leader has not read the config topic as far as another member")

// Config is what a member needs of its owner. All fields but Log must be set;
// times are those of the worker's configuration.
type Config struct {
	Client   *kgo.Client // stays the owner's; it must be open until Run has returned
	Group    string      // group.id
	URL      string      // of this worker's REST server, shown to the others
	Protocol string      // connect.protocol: Sessioned or Compatible; Eager is refused

	Session      time.Duration // session.timeout.ms
	Rebalance    time.Duration // rebalance.timeout.ms
	Heartbeat    time.Duration // heartbeat.interval.ms
	RetryBackoff time.Duration // retry.backoff.ms, doubled up to ten times itself
	MaxDelay     time.Duration // scheduled.rebalance.max.delay.ms

	// Snapshot is the gate before every join: it reads the config topic to
	// its end and returns the offset of what was read and the configured
	// connectors with their numbers of tasks. It may block within ctx; an
	// error is retried. It is called from another goroutine than Run's.
	Snapshot func(ctx context.Context) (configOffset int64, connectors map[string]int, err error)

	Log *slog.Logger
}

// A Member is one worker's membership of a group. Make one with [New], have
// one goroutine in [Member.Run] and another read [Member.Events].
//
// The rules are those of Java's WorkerCoordinator, but for one: Java's worker
// goes on working while it does not know whether it is still a member; this
// one says [Lost] as soon as a session timeout has passed without an answer of
// the coordinator, or the coordinator disowns it. It comes back with a claim
// to what it had, where nobody else can have been given that yet, so a short
// absence costs a restart of the work and not the rebalance delay.
type Member struct {
	cfg    Config
	events chan Event
	rejoin chan string
	acks   chan *Assignment
	wg     sync.WaitGroup
	stats  stats

	// Of Run's goroutine only.
	id            string
	generation    int32           // of which we are a member now, or -1
	lastCompleted int32           // in which we last had an assignment, or -1
	contact       time.Time       // when the last request that the coordinator took well was sent
	claim         *WireAssignment // what we are to hold, for the metadata
	state         assign.State    // while we lead

	told     bool        // the owner has had an Assignment, and no Lost after it
	has      assign.Held // what it was told to run; empty unless told
	pending  Event       // what the owner is to be told next
	revoking *Assignment // awaits its Revoked
	waiting  time.Time   // since when we wait for the owner, zero if we do not

	wish      string // why the next round is due; "": it is not
	notBefore time.Time
	scheduled time.Time // when the delay of the assignment ends; zero: none
	failures  int       // rounds in a row
	complaint string    // what was last logged about them

	inRound   bool
	joining   bool // of a round, all but the gate
	stage     int  // grows with every step of a round, to tell late heartbeats
	beating   bool
	beats     chan beat
	nextBeat  time.Time
	rounded   time.Time // when the last round was completed
	calm      time.Time // no rebalance that we have yet to join began before
	missing   bool      // one has begun since
	clockBase time.Time
}

// New returns a member that has yet to be run.
func New(cfg Config) *Member {
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	return &Member{
		cfg: cfg, events: make(chan Event), rejoin: make(chan string, 1), acks: make(chan *Assignment, 1), beats: make(chan beat, 1),
		generation: -1, lastCompleted: -1, wish: "joining",
	}
}

// Events delivers what becomes of the membership, in order. The channel is
// never closed: it is silent once Run has returned. The owner must not stop
// reading it: one that leaves an event alone for the rebalance timeout is
// taken for dead, and the member leaves the group.
func (m *Member) Events() <-chan Event { return m.events }

// Rejoin asks for a new rebalance, as after a change of the configured
// connectors or tasks. It never blocks, and asking twice is asking once. A
// join that has yet to take its snapshot serves the request too.
func (m *Member) Rejoin(reason string) {
	select {
	case m.rejoin <- reason:
	default:
	}
}

// Revoked tells that all of a.Revoked has stopped. The member then joins the
// follow-up rebalance, in which that work is given to others. It never blocks;
// an assignment that is out of date by now is ignored.
func (m *Member) Revoked(a *Assignment) {
	for {
		select {
		case m.acks <- a:
			return
		default:
		}
		select { // an older one that nobody waits for any more
		case <-m.acks:
		default:
		}
	}
}

// Run joins the group and keeps the membership until ctx ends; then it leaves
// the group and returns ctx's error. It returns before only with an error that
// cannot be waited out: a setting that the broker refuses, a missing right, or
// a group with members that we cannot be in one group with.
func (m *Member) Run(ctx context.Context) error {
	if err := m.cfg.check(); err != nil {
		return err
	}
	m.clockBase = time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer m.wg.Wait()
	defer cancel(nil)
	for ctx.Err() == nil {
		m.tend(ctx, nil, m.mayJoin)
		if ctx.Err() != nil {
			break
		}
		m.inRound = true
		err := m.round(ctx)
		m.inRound, m.joining = false, false
		m.stage++
		if ctx.Err() != nil {
			break
		}
		if fatal := m.after(err); fatal != nil {
			cancel(fatal)
		}
	}
	m.leave(ctx, "the worker is being closed")
	return context.Cause(ctx)
}

func (c *Config) check() error {
	switch c.Protocol {
	case Sessioned, Compatible:
	case Eager:
		return errors.New("connect.protocol=eager is not supported: use sessioned or compatible, on all workers of the group")
	default:
		return fmt.Errorf("connect.protocol is %q, want sessioned or compatible", c.Protocol)
	}
	for name, d := range map[string]time.Duration{
		"session.timeout.ms": c.Session, "rebalance.timeout.ms": c.Rebalance, "heartbeat.interval.ms": c.Heartbeat, "retry.backoff.ms": c.RetryBackoff,
	} {
		if d <= 0 {
			return fmt.Errorf("%s is %v, must be more than 0", name, d)
		}
	}
	if c.Heartbeat >= c.Session {
		return fmt.Errorf("heartbeat.interval.ms (%v) must be less than session.timeout.ms (%v)", c.Heartbeat, c.Session)
	}
	return nil
}

// grace is for how long we count as a member after our last good request was
// sent: the session timeout less a margin, so that we have begun to stop the
// work when the coordinator lets others have it.
func (c *Config) grace() time.Duration {
	return c.Session - min(c.Session/10, (c.Session-c.Heartbeat)/2)
}

// missable is for how long a rebalance may go on without us: the group then does
// without, and gives our work to others before a heartbeat tells us so.
func (c *Config) missable() time.Duration {
	return c.Rebalance - min(c.Rebalance/10, c.Heartbeat)
}

// mayJoin reports whether a round is due and nothing stands against it.
func (m *Member) mayJoin() bool {
	return m.wish != "" && m.pending == nil && m.revoking == nil && !time.Now().Before(m.notBefore)
}

// tend keeps the membership alive until ready reports true, done is closed or
// ctx ends: it sends heartbeats, hands out events, takes requests and looks at
// the clock. Either of done and ready is nil.
func (m *Member) tend(ctx context.Context, done <-chan struct{}, ready func() bool) {
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for {
		m.lookAtClock(ctx)
		if ready != nil && ready() {
			return
		}
		alarm.Reset(time.Until(m.nextDeadline()))
		var out chan<- Event
		if m.pending != nil {
			out = m.events
		}
		wishes := m.rejoin
		if m.inRound { // see round, which takes what came before its snapshot
			wishes = nil
		}
		end := ctx.Done()
		if done != nil { // which ends with ctx by itself
			end = nil
		}
		select {
		case <-end:
			return
		case <-done:
			return
		case out <- m.pending:
			m.pending = nil
			m.heard()
		case reason := <-wishes:
			m.wish = reason
		case a := <-m.acks:
			if a != nil && a == m.revoking {
				m.revoking = nil
				m.heard()
			}
		case b := <-m.beats:
			m.beaten(b)
		case <-alarm.C:
		}
	}
}

// heard ends the wait for the owner if there is nothing more to wait for.
func (m *Member) heard() {
	switch {
	case m.pending == nil && m.revoking == nil:
		m.waiting = time.Time{}
	default:
		m.waiting = time.Now()
	}
}

// nextDeadline is the next moment at which lookAtClock has something to do.
func (m *Member) nextDeadline() time.Time {
	next := time.Now().Add(time.Hour)
	sooner := func(t time.Time) {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	if m.generation >= 0 {
		sooner(m.contact.Add(m.cfg.grace()))
		if !m.beating {
			sooner(m.nextBeat)
		}
		if !m.waiting.IsZero() {
			sooner(m.waiting.Add(m.cfg.Rebalance))
		}
		if m.missing && !m.joining {
			sooner(m.calm.Add(m.cfg.missable()))
		}
	}
	sooner(m.scheduled)
	if m.wish != "" && m.notBefore.After(time.Now()) {
		sooner(m.notBefore)
	}
	return next
}

func (m *Member) lookAtClock(ctx context.Context) {
	now := time.Now()
	if !m.scheduled.IsZero() && !now.Before(m.scheduled) {
		m.scheduled = time.Time{}
		m.wish = "the scheduled rebalance delay is over"
	}
	if m.generation < 0 {
		return
	}
	if now.Sub(m.contact) >= m.cfg.grace() {
		m.lose(fmt.Sprintf("no answer of the group coordinator for session.timeout.ms (%v)", m.cfg.Session))
		return
	}
	if !m.waiting.IsZero() && now.Sub(m.waiting) >= m.cfg.Rebalance {
		m.lose(fmt.Sprintf("the worker did not take or carry out its assignment within rebalance.timeout.ms (%v)", m.cfg.Rebalance))
		m.leave(ctx, "worker poll timeout has expired.")
		return
	}
	if m.missing && !m.joining && now.Sub(m.calm) >= m.cfg.missable() {
		m.lose(fmt.Sprintf("the worker did not join a rebalance within rebalance.timeout.ms (%v)", m.cfg.Rebalance))
		m.leave(ctx, "could not join the rebalance in time")
		return
	}
	if !m.beating && !now.Before(m.nextBeat) {
		m.beat(ctx, now)
	}
}

// lose gives up the membership: the owner is told, and the next round will
// join anew. What we may claim then is decided in that round.
func (m *Member) lose(reason string) {
	m.cfg.Log.Warn("group membership is lost", "group", m.cfg.Group, "member", m.id, "generation", m.generation, "reason", reason)
	if m.claim != nil && m.claim.Leader == m.id {
		// Whoever leads next has no memory of who had what, and gives out at
		// once what nobody holds: there is nothing that we could claim.
		m.claim = nil
	}
	m.generation, m.state = -1, assign.State{}
	m.scheduled, m.revoking, m.waiting = time.Time{}, nil, time.Time{}
	if _, is := m.pending.(*Assignment); is {
		m.pending = nil
	}
	if m.told {
		m.told, m.has = false, assign.Held{}
		m.pending = &Lost{Reason: reason}
	}
	if !m.inRound { // which will bring us back, or fail and be repeated
		m.wish = reason
	}
}

// after takes note of how a round ended and decides when the next one is. It
// returns an error that ends the membership for good.
func (m *Member) after(err error) error {
	if err == nil {
		m.failures, m.complaint = 0, ""
		return nil
	}
	m.failures++
	m.stats.failed.Add(1)
	if fatal := m.cfg.fatal(err); fatal != nil {
		return fatal
	}
	if unwelcome(err) {
		m.disowned(err)
	}
	m.wish = cmp.Or(m.wish, "the last attempt failed")
	// A rebalance that began anew is joined at once; what fails repeatedly
	// waits, ever longer.
	if m.failures > 1 || !errors.Is(err, kerr.RebalanceInProgress) && !unwelcome(err) {
		m.notBefore = time.Now().Add(m.cfg.RetryBackoff << min(m.failures-1, 3))
	}
	if text := err.Error(); text != m.complaint && !errors.Is(err, kerr.RebalanceInProgress) {
		m.complaint = text
		m.cfg.Log.Warn("joining the group failed, will retry", "group", m.cfg.Group, "error", err)
	}
	return nil
}

// unwelcome reports whether the coordinator says that we are no member, or not
// of the generation that we believe to be in.
func unwelcome(err error) bool {
	return errors.Is(err, kerr.UnknownMemberID) || errors.Is(err, kerr.IllegalGeneration) || errors.Is(err, kerr.FencedInstanceID)
}

// disowned is lose on the coordinator's word.
func (m *Member) disowned(err error) {
	if m.generation >= 0 {
		m.lose(err.Error())
	}
	if !errors.Is(err, kerr.IllegalGeneration) {
		m.id = ""
	}
}

// fatal translates an error that no retry mends into one that says what does.
func (c *Config) fatal(err error) error {
	switch {
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		return fmt.Errorf("not authorized to access group %q: grant the worker's principal READ on it: %w", c.Group, err)
	case errors.Is(err, kerr.InconsistentGroupProtocol):
		return fmt.Errorf("group %q has members that use connect.protocol=eager, which is not supported here, or is no group of Connect workers: "+
			"set connect.protocol to sessioned or compatible on all its workers, or choose another group.id: %w", c.Group, err)
	case errors.Is(err, kerr.InvalidSessionTimeout):
		return fmt.Errorf("session.timeout.ms (%v) is outside of the broker's group.min.session.timeout.ms and group.max.session.timeout.ms: %w", c.Session, err)
	case errors.Is(err, kerr.InvalidGroupID):
		return fmt.Errorf("the broker does not accept group.id %q: %w", c.Group, err)
	case errors.Is(err, kerr.GroupMaxSizeReached):
		return fmt.Errorf("group %q is full, raise the broker's group.max.size: %w", c.Group, err)
	case errors.Is(err, kerr.UnsupportedVersion):
		return fmt.Errorf("the broker is too old for group %q: %w", c.Group, err)
	}
	return nil
}
