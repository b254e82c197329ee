package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/config"
	"github.com/millwright-connect/millwright/worker/logging"
	"github.com/millwright-connect/millwright/worker/stage"
)

// How long requests may take to end when the server stops, and how long
// connections may be idle, as with Jetty.
const (
	stopTime = 5 * time.Second
	idleTime = 30 * time.Second
)

// Options are what a server is made of.
type Options struct {
	Settings *config.Worker
	Plugins  *connect.Plugins
	Loggers  *logging.Loggers
	Log      *slog.Logger
	Metrics  http.Handler // served at /metrics; nil: not served
	Version  string       // of Apache Kafka, for GET /
	Commit   string       // what this is, for GET /
	// JAAS is the path of the JAAS file that the basic authentication extension
	// reads, which in Java is the system property
	// java.security.auth.login.config. See JAASFile.
	JAAS string
}

// A Server serves the API. Its ports are open as soon as New returns, so that
// its address is known to the worker, which then is given to Serve.
type Server struct {
	settings        *config.Worker
	plugins         *connect.Plugins
	loggers         *logging.Loggers
	log             *slog.Logger
	version, commit string
	listeners       []*listener
	url, id         string
	client          *Client

	requestTimeout, healthTimeout atomic.Int64 // time.Duration
	began                         time.Time

	worker atomic.Pointer[Worker] // set by Serve
	given  chan struct{}          // closed when it is

	verbs sync.WaitGroup // handlers that run, also past their time-out
}

// New opens the listeners of the settings. Errors name the property to mend.
func New(o Options) (*Server, error) {
	s := &Server{
		settings: o.Settings, plugins: o.Plugins, loggers: o.Loggers, log: o.Log,
		version: o.Version, commit: o.Commit, given: make(chan struct{}), began: time.Now(),
	}
	s.SetRequestTimeout(RequestTimeout)
	s.SetHealthTimeout(HealthTimeout)
	cors, err := newCORS(&o.Settings.REST)
	if err != nil {
		return nil, err
	}
	auth, err := newBasicAuth(o.Settings.REST.Extensions, o.JAAS, o.Log)
	if err != nil {
		return nil, err
	}
	if s.client, err = newClient(s); err != nil {
		return nil, err
	}
	regular := s.routes()
	admin := o.Settings.REST.AdminListeners
	if admin == nil {
		regular = append(regular, adminRoutes()...)
	}
	e := s.newEcho(regular, auth)
	addExtras(e, s, o.Metrics, auth)
	handler := &front{next: e, cors: cors}
	if len(o.Settings.REST.ResponseHeaders) > 0 {
		handler.headers = o.Settings.REST.ApplyHeaders
	}
	if err := s.listen(o.Settings.REST.Listeners, false, handler); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	// In Java neither authentication nor headers reach a listener of its own.
	if err := s.listen(admin, true, &front{next: s.newEcho(adminRoutes(), nil)}); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if s.url, s.id, err = s.advertised(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// URL is where other workers reach this server, with a slash at the end, as
// Java writes it.
func (s *Server) URL() string { return s.url }

// WorkerID is the advertised host:port, which names the worker in statuses.
func (s *Server) WorkerID() string { return s.id }

// Addresses are the addresses of the listeners, those of the admin listeners
// last.
func (s *Server) Addresses() []net.Addr {
	var all []net.Addr
	for _, l := range s.listeners {
		all = append(all, l.Addr())
	}
	return all
}

// Peers sends requests to other workers. Before Serve they are not signed.
func (s *Server) Peers() *Client { return s.client }

// SetRequestTimeout sets how long a request may take before it is answered with
// 500; RequestTimeout if it is never set.
func (s *Server) SetRequestTimeout(d time.Duration) { s.requestTimeout.Store(int64(d)) }

// SetHealthTimeout does the same for GET /health; HealthTimeout if it is never
// set.
func (s *Server) SetHealthTimeout(d time.Duration) { s.healthTimeout.Store(int64(d)) }

// Serve answers requests with w until ctx ends, or a listener fails. It then
// lets requests that are under way end, for a few seconds.
func (s *Server) Serve(ctx context.Context, w Worker) error {
	s.worker.Store(&w)
	close(s.given)
	failed := make(chan error, len(s.listeners))
	servers := make([]*http.Server, len(s.listeners))
	var running sync.WaitGroup
	for i, l := range s.listeners {
		f := *l.front
		f.scheme = l.scheme
		servers[i] = &http.Server{
			Handler: &f, ReadHeaderTimeout: idleTime, IdleTimeout: idleTime,
			ErrorLog:                     slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
			DisableGeneralOptionsHandler: true,
		}
		running.Go(func() { failed <- servers[i].Serve(l) })
		s.log.Info("REST server listening", "address", l.Addr(), "scheme", l.scheme, "admin", l.admin)
	}
	var err error
	select {
	case err = <-failed:
		err = fmt.Errorf("the REST server failed: %w", err)
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	for _, srv := range servers {
		if e := srv.Shutdown(end); e != nil {
			s.log.Debug("requests were cut off", "error", srv.Close())
		}
	}
	running.Wait()
	verbs := make(chan struct{})
	go func() { defer close(verbs); s.verbs.Wait() }()
	select {
	case <-verbs:
	case <-end.Done():
		s.log.Warn("a request has not ended; it is left behind")
	}
	return err
}

// Close closes the listeners of a server that is not served.
func (s *Server) Close() error {
	var err error
	for _, l := range s.listeners {
		err = errors.Join(err, l.Close())
	}
	return err
}

// up returns the worker if it has started.
func (s *Server) up() (Worker, bool) {
	w := s.worker.Load()
	if w == nil {
		return nil, false
	}
	select {
	case <-(*w).Started():
		return *w, true
	default:
		return nil, false
	}
}

// started waits for the worker to have started.
func (s *Server) started(ctx context.Context) (Worker, error) {
	select {
	case <-s.given:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	w := *s.worker.Load()
	select {
	case <-w.Started():
		return w, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// stage says what a worker that has not started is at, in Java's words.
func (s *Server) stage() string {
	return "The worker is currently initializing and reading to the end of internal topics, which began at " + s.began.UTC().Format("2006-01-02T15:04:05.000Z")
}

// run runs a route's handler. It ends with the request's time-out, whether the
// handler does or not; a client that goes away does not end it: what it asked
// for may be half done, and Java ends it too.
func (s *Server) run(ctx context.Context, rt *route, q *request) (*answer, error) {
	type result struct {
		a   *answer
		err error
	}
	limit := time.Duration(s.requestTimeout.Load())
	if rt.path == healthPath { // it has a time-out of its own, shorter as a rule
		limit += time.Duration(s.healthTimeout.Load())
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	if !rt.early {
		w, err := s.started(ctx)
		if err != nil {
			cancel()
			return nil, fail(http.StatusInternalServerError, "Request timed out. %s.", s.stage())
		}
		q.w = w
	}
	ctx, note := stage.With(ctx)
	ended := make(chan result, 1)
	s.verbs.Go(func() {
		defer cancel()
		var r result
		defer func() {
			if p := recover(); p != nil {
				s.log.Error("a request's handler panicked", "path", rt.path, "panic", p, "stack", string(debug.Stack()))
				r = result{nil, fmt.Errorf("Internal error: %v", p)}
			}
			ended <- r
		}()
		r.a, r.err = rt.handle(ctx, q)
	})
	select {
	case <-ctx.Done():
	case r := <-ended:
		ended <- r
	}
	select { // the handler's end ends ctx too: what it said goes first
	case r := <-ended:
		if r.err == nil || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return r.a, r.err
		}
	default:
	}
	m := "Request timed out"
	if at := note.Summary(); at != "" {
		m += ". " + at
		if rt.path != validatePath { // where Java has no full stop
			m += "."
		}
	}
	return nil, fail(http.StatusInternalServerError, "%s", m)
}
