package opcua

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A reading is one value of one node as the server gave it.
type reading struct {
	node  *node
	value *ua.DataValue
}

// waiting is how many notifications may wait for Poll before the server is
// asked for no more.
const waiting = 8

// A device is the server as the task sees it: it connects, and connects again,
// until its context ends or trying has no sense.
type device struct {
	*config
	name string
	log  *slog.Logger
	peer peer
	out  chan []reading
	done <-chan struct{} // closed when the task ends

	session *session
	sub     *subscription
	set     *nodeSet
	sources map[string]*connect.SourcePartition // by the nodes' texts
	ready   bool                                // there was a session with all nodes checked
	told    string                              // the last failure that was logged
	losses  losses
}

// run keeps the connection until ctx ends; the error is what fails the task.
func (d *device) run(ctx context.Context) error {
	d.done = ctx.Done()
	wait, down := d.retryFirst, time.Now()
	for {
		up := time.Now()
		connected, err := d.once(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was told to end
		}
		var f fatal
		if errors.As(err, &f) {
			return f.error
		}
		if connected {
			d.log.Warn("OPC UA connection lost", "endpoint", d.endpoint, "reason", reason(err))
			down, d.told = time.Now(), ""
			if time.Since(up) > d.retryMost {
				wait = d.retryFirst
			}
		} else {
			d.tell(err, wait)
		}
		if d.retryFor >= 0 && time.Since(down) >= d.retryFor {
			return fatalf("no connection to %s for %v, which is the limit that %s sets: %w", d.endpoint, d.retryFor, retryForProperty, err)
		}
		pause := wait/2 + rand.N(wait) //nolint:gosec // so that not all tasks come at once
		if !sleep(ctx, pause) {
			return nil
		}
		wait = min(2*wait, max(d.retryMost, d.retryFirst))
	}
}

// tell logs why there is no connection, once for each reason.
func (d *device) tell(err error, wait time.Duration) {
	level := slog.LevelDebug
	if text := err.Error(); text != d.told {
		d.told, level = text, slog.LevelWarn
	}
	d.log.Log(context.Background(), level, "cannot read from the OPC UA server, trying again", "endpoint", d.endpoint, "reason", err.Error(), "wait", wait)
}

// sleep waits; it reports false when ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// once connects and serves until the connection ends. It tells whether there
// was one.
func (d *device) once(ctx context.Context) (connected bool, err error) {
	sctx, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	l, err := d.connect(sctx, &d.peer, lost)
	if err != nil {
		return false, err
	}
	defer l.close()
	resumed, err := d.login(sctx, l)
	if err == nil {
		connected = true
		d.log.Info("OPC UA connection up", "endpoint", d.endpoint, "security", d.policy+"/"+d.modeName, "user", d.userText(), "resumed", resumed)
		err = d.serve(sctx, l, resumed, lost)
	}
	var f fatal
	if ctx.Err() != nil || errors.As(err, &f) {
		l.closeSession(context.WithoutCancel(ctx))
	}
	if isStatus(err, ua.StatusBadSessionIDInvalid, ua.StatusBadSessionClosed, ua.StatusBadSessionNotActivated) {
		d.session = nil
	}
	return connected, err
}

func (d *device) userText() string {
	switch d.tokenType() {
	case ua.UserTokenTypeUserName:
		return d.user
	case ua.UserTokenTypeCertificate:
		return d.userCert
	}
	return "anonymous"
}

// login takes the last connection's session up, or makes one.
func (d *device) login(ctx context.Context, l *link) (resumed bool, err error) {
	if d.session != nil {
		err := d.activate(ctx, l, &d.peer, d.session)
		if err == nil {
			return true, nil
		}
		if ctx.Err() != nil {
			return false, err
		}
		d.session = nil // the server knows it no more; whatever else is wrong shows below
	}
	s, err := d.createSession(ctx, l, &d.peer, d.name)
	if err != nil {
		return false, err
	}
	if err := d.activate(ctx, l, &d.peer, s); err != nil {
		l.auth = s.auth // or the server would keep it for session.timeout.ms, and it has few
		l.closeSession(context.WithoutCancel(ctx))
		l.auth = nil
		return false, err
	}
	d.session = s
	return false, nil
}

// serve reads until the connection ends, which its error says why.
func (d *device) serve(ctx context.Context, l *link, resumed bool, lost func(error)) error {
	ctx, stop := context.WithCancel(ctx)
	var alive sync.WaitGroup
	alive.Go(func() { d.heartbeat(ctx, l, lost) })
	defer alive.Wait()
	defer stop()
	if d.mode == pollMode {
		return d.poll(ctx, l, resumed)
	}
	return d.subscribe(ctx, l, resumed)
}

// heartbeat asks for a sign of life. It keeps the session, finds a dead
// connection, and works also while no records are taken and nothing else is
// asked of the server.
func (d *device) heartbeat(ctx context.Context, l *link, lost func(error)) {
	req := &ua.ReadRequest{NodesToRead: []*ua.ReadValueID{valueOf(ua.NewNumericNodeID(0, id.Server_ServerStatus_State))}}
	for sleep(ctx, d.keepAlive) {
		if _, err := call[*ua.ReadResponse](ctx, l, d.requestTimeout, req); err != nil && ctx.Err() == nil {
			lost(err)
			return
		}
	}
}

func valueOf(n *ua.NodeID) *ua.ReadValueID { return attribute(n, ua.AttributeIDValue) }

func attribute(n *ua.NodeID, a ua.AttributeID) *ua.ReadValueID {
	return &ua.ReadValueID{NodeID: n, AttributeID: a, DataEncoding: &ua.QualifiedName{}}
}

// hand gives readings to Poll, and waits until it takes them, also while the
// connection is broken; only the task's end makes it give up.
func (d *device) hand(r []reading) error {
	if len(r) == 0 {
		return nil
	}
	select {
	case d.out <- r:
		return nil
	default:
	}
	full := time.NewTimer(d.keepAlive)
	defer full.Stop()
	began := time.Now()
	for {
		select {
		case d.out <- r:
			if held := time.Since(began); held > d.keepAlive {
				d.log.Info("records are taken again", "endpoint", d.endpoint, "after", held.Round(time.Millisecond))
			}
			return nil
		case <-full.C:
			d.log.Warn("records are not taken; the server is asked for no more until they are, and keeps changes as far as its queues go", "endpoint", d.endpoint)
		case <-d.done:
			return context.Canceled
		}
	}
}
