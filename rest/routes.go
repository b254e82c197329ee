package rest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/millwright-connect/millwright/worker"
)

const (
	healthPath   = "/health"
	validatePath = "/connector-plugins/:plugin/config/validate"
)

// A route is one method of one path.
type route struct {
	method, path string
	handle       func(ctx context.Context, q *request) (*answer, error)
	// anyType: the request's Content-Type does not matter. Elsewhere one that
	// is not JSON is refused, on GET and with no body too, as in Java.
	anyType bool
	reads   bool // it reads a body
	early   bool // it does not wait for the worker to have started
	// open: no basic authentication, as in Java: other workers sign instead.
	open bool
}

// request is what handlers see of a request.
type request struct {
	s    *Server
	w    Worker // nil before Serve; handlers of early routes look
	http *http.Request
	body []byte // of routes that read one
	// params are those of the path. They are copied out of echo's context, which
	// echo gives to the next request as soon as this one is answered: a verb that
	// outlives its request must not act on the next one's connector.
	params map[string]string
}

func newRequest(s *Server, c echo.Context) *request {
	q := &request{s: s, http: c.Request(), params: map[string]string{}}
	for _, name := range c.ParamNames() {
		q.params[name] = c.Param(name)
	}
	return q
}

func (q *request) connector() string { return q.params["connector"] }

// queries returns the values of a query parameter. Like Java, and other than
// net/url, it takes a query that is not well encoded as it is.
func (q *request) queries(name string) []string {
	var values []string
	for _, pair := range strings.Split(q.http.URL.RawQuery, "&") {
		k, v, _ := strings.Cut(pair, "=")
		if decoded(k) == name {
			values = append(values, decoded(v))
		}
	}
	return values
}

func decoded(s string) string {
	if d, err := url.QueryUnescape(s); err == nil {
		return d
	}
	return s
}

// query returns the first value of a query parameter.
func (q *request) query(name string) (string, bool) {
	v := q.queries(name)
	if len(v) == 0 {
		return "", false
	}
	return v[0], true
}

// flag is a parameter of type Boolean: true in any case is true, anything else
// is false, and never an error.
func (q *request) flag(name string) bool {
	v, _ := q.query(name)
	return strings.EqualFold(v, "true")
}

// routes are all that the regular listeners serve. Those of the admin
// listener, which may be the same, are adminRoutes.
func (s *Server) routes() []route {
	get, put, post, patch, del := http.MethodGet, http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete
	return []route{
		{method: get, path: "/", handle: root, anyType: true, early: true},
		{method: get, path: healthPath, handle: health, anyType: true, early: true},

		{method: get, path: "/connectors", handle: listConnectors},
		{method: post, path: "/connectors", handle: createConnector, reads: true},
		{method: get, path: "/connectors/:connector", handle: getConnector},
		{method: del, path: "/connectors/:connector", handle: deleteConnector},
		{method: get, path: "/connectors/:connector/config", handle: getConfig},
		{method: put, path: "/connectors/:connector/config", handle: putConfig, reads: true},
		{method: patch, path: "/connectors/:connector/config", handle: patchConfig, reads: true},
		{method: get, path: "/connectors/:connector/status", handle: getStatus},
		{method: get, path: "/connectors/:connector/topics", handle: getTopics},
		{method: put, path: "/connectors/:connector/topics/reset", handle: resetTopics},
		{method: put, path: "/connectors/:connector/pause", handle: pause},
		{method: put, path: "/connectors/:connector/resume", handle: resume},
		{method: put, path: "/connectors/:connector/stop", handle: stop},
		{method: post, path: "/connectors/:connector/restart", handle: restart},
		{method: get, path: "/connectors/:connector/tasks", handle: getTasks},
		{method: post, path: "/connectors/:connector/tasks", handle: putTasks, reads: true, anyType: true, open: true},
		{method: get, path: "/connectors/:connector/tasks/:task/status", handle: getTaskStatus},
		{method: post, path: "/connectors/:connector/tasks/:task/restart", handle: restartTask},
		{method: put, path: "/connectors/:connector/fence", handle: fence, reads: true, anyType: true, open: true},
		{method: get, path: "/connectors/:connector/offsets", handle: getOffsets},
		{method: patch, path: "/connectors/:connector/offsets", handle: alterOffsets, reads: true},
		{method: del, path: "/connectors/:connector/offsets", handle: resetOffsets},

		{method: get, path: "/connector-plugins", handle: listPlugins, early: true},
		{method: get, path: "/connector-plugins/:plugin/config", handle: getPluginConfig, early: true},
		{method: put, path: validatePath, handle: validate, reads: true},
	}
}

func adminRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "/admin/loggers", handle: listLoggers, early: true},
		{method: http.MethodGet, path: "/admin/loggers/:logger", handle: getLogger, early: true},
		{method: http.MethodPut, path: "/admin/loggers/:logger", handle: setLogger, reads: true, early: true},
	}
}

// newEcho makes a router for routes, and mends what echo does otherwise than
// Java's framework: a 405 has no Allow header and the same JSON as a 404;
// OPTIONS answers 200; a panic is a 500 that is logged.
func (s *Server) newEcho(routes []route, auth *basicAuth) *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(io.Discard) // echo has a logger of its own; ours is slog
	e.HTTPErrorHandler = func(err error, c echo.Context) { s.answerError(c, err) }
	methods := map[string][]string{}
	for _, r := range routes {
		e.Add(r.method, r.path, s.serve(&r, auth))
		methods[r.path] = append(methods[r.path], r.method)
	}
	for path, m := range methods {
		if slices.Contains(m, http.MethodGet) {
			m = append(m, http.MethodHead)
		}
		m = append(m, http.MethodOptions)
		slices.SortFunc(m, func(a, b string) int { return slices.Index(optionsOrder, a) - slices.Index(optionsOrder, b) })
		e.Add(http.MethodOptions, path, s.answerOptions(m, auth))
	}
	return e
}

// optionsOrder is the order in which Java names methods.
var optionsOrder = []string{
	http.MethodHead, http.MethodDelete, http.MethodPost, http.MethodGet, http.MethodOptions, http.MethodPut, http.MethodPatch,
}

// serve makes an echo handler of a route.
func (s *Server) serve(rt *route, auth *basicAuth) echo.HandlerFunc {
	return func(c echo.Context) error {
		q := newRequest(s, c)
		// echo lets the last parameter of a path take all that follows.
		for _, v := range q.params {
			if strings.Contains(v, "/") {
				return framework(http.StatusNotFound)
			}
		}
		if err := checkHeaders(rt, c.Request()); err != nil {
			return err
		}
		if auth != nil && !rt.open {
			if ok, err := auth.allows(c.Request()); err != nil || !ok {
				return answerUnauthorized(c, "application/json", err)
			}
		}
		if rt.reads {
			b, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, maxBody))
			if err != nil {
				return fail(http.StatusBadRequest, "The request's body cannot be read: %v", err)
			}
			// Without a Content-Type, or with a pattern for one, Java finds no
			// reader for the body; no body needs none.
			if ct := c.Request().Header.Get("Content-Type"); (len(b) > 0 || ct != "") && !rt.anyType && !isJSON(ct) {
				e := framework(http.StatusUnsupportedMediaType)
				return &statusError{status: e.status, message: e.message}
			}
			q.body = b
		}
		a, err := s.run(c.Request().Context(), rt, q)
		if moved, ok := err.(*worker.MovedError); ok {
			a, err = s.forward(c.Request().Context(), q, moved)
		}
		if err != nil {
			return err
		}
		return s.answer(c, a)
	}
}

// answer writes an answer.
func (s *Server) answer(c echo.Context, a *answer) error {
	h := c.Response().Header()
	if a.name != "" {
		h.Set("Location", base(c.Request())+"/connectors/"+pathOf(a.name))
	}
	b := []byte(a.raw)
	if a.body != nil {
		var err error
		if b, err = encode(a.body); err != nil {
			return err
		}
	}
	if b == nil {
		if a.status == http.StatusAccepted || a.status == http.StatusOK {
			h.Set("Content-Length", "0")
		}
		c.Response().WriteHeader(a.status)
		return nil
	}
	h.Set("Content-Type", jsonType(c.Request().Header))
	h.Set("Content-Length", fmt.Sprint(len(b)))
	c.Response().WriteHeader(a.status)
	_, err := c.Response().Write(b)
	return err
}

// answerError writes an error.
func (s *Server) answerError(c echo.Context, err error) {
	if c.Response().Committed {
		s.log.Debug("a response broke off", "path", c.Request().URL.Path, "error", err)
		return
	}
	if je, ok := err.(*jettyError); ok {
		je.write(c.Response(), c.Request().Method)
		return
	}
	var e *statusError
	if he, ok := err.(*echo.HTTPError); ok {
		e = framework(he.Code)
	} else {
		e = statusOf(err)
	}
	if e.status >= http.StatusInternalServerError {
		level := slog.LevelError
		switch err.(type) {
		case *statusError, *badJSON: // the client's doing, or said already
			level = slog.LevelWarn
		}
		s.log.Log(c.Request().Context(), level, "Uncaught exception in REST call to "+c.Request().URL.Path, "method", c.Request().Method, "error", err)
	}
	h := c.Response().Header()
	h.Del("Allow") // echo sets it on a 405, Java does not
	b, err := encode(errorMessage{e.status, e.message})
	if err != nil {
		b = nil
	}
	h["Content-Type"] = nil // or net/http would guess one
	if !e.bare {
		h.Set("Content-Type", jsonType(c.Request().Header))
	}
	h.Set("Content-Length", fmt.Sprint(len(b)))
	c.Response().WriteHeader(e.status)
	if _, err := c.Response().Write(b); err != nil {
		s.log.Debug("a response broke off", "path", c.Request().URL.Path, "error", err)
	}
}

// answerOptions tells which methods a path has.
func (s *Server) answerOptions(methods []string, auth *basicAuth) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		accept := accepts(c.Request().Header)
		contentType, body := "text/plain", strings.Join(methods, ", ")
		if !accept("text/plain") {
			contentType, body = "application/json", ""
			if !accept(contentType) {
				contentType, _ = mediaType(acceptable(c.Request().Header)[0])
			}
		}
		if auth != nil {
			if ok, err := auth.allows(c.Request()); err != nil || !ok {
				return answerUnauthorized(c, contentType, err)
			}
		}
		h.Set("Allow", strings.Join(methods, ","))
		h.Set("Content-Type", contentType)
		h.Set("Content-Length", fmt.Sprint(len(body)))
		c.Response().WriteHeader(http.StatusOK)
		_, err := io.WriteString(c.Response(), body)
		return err
	}
}
