package rest

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker"
	"github.com/millwright-connect/millwright/worker/state"
)

func ok(v any, err error) (*answer, error) {
	if err != nil {
		return nil, err
	}
	return &answer{status: http.StatusOK, body: v}, nil
}

func done(status int, err error) (*answer, error) {
	if err != nil {
		return nil, err
	}
	return &answer{status: status}, nil
}

// missing is the answer to an empty body or null where an object must be; Java
// fails with a NullPointerException, which is a 500.
func missing(what string) error {
	return fail(http.StatusInternalServerError, "The request's body is empty or the token null; it must be %s", what)
}

// listConnectors lists names, or with expand=status or expand=info more. An
// unknown expansion is no error: it adds nothing.
func listConnectors(_ context.Context, q *request) (*answer, error) {
	names := q.w.Connectors()
	expand := q.queries("expand")
	if expand == nil {
		return ok(names, nil)
	}
	all := make(map[string]map[string]any, len(names))
	for _, name := range names {
		expanded, err := q.expand(name, expand)
		var refusal *worker.Refusal
		if errors.As(err, &refusal) && refusal.Kind == worker.NotFound {
			continue // deleted meanwhile, or too new to have a status
		}
		if err != nil {
			return nil, err
		}
		all[name] = expanded
	}
	return ok(all, nil)
}

func (q *request) expand(name string, expand []string) (map[string]any, error) {
	expanded := map[string]any{}
	for _, e := range expand {
		var v any
		var err error
		switch e {
		case "status":
			v, err = q.w.Status(name)
		case "info":
			v, err = q.w.Connector(name)
		default:
			continue
		}
		if err != nil {
			return nil, err
		}
		expanded[e] = v
	}
	return expanded, nil
}

func createConnector(ctx context.Context, q *request) (*answer, error) {
	const shape = `an object with "name" and "config"`
	var r *createRequest
	if _, err := readBody(q.body, func(j *jsonReader) { r = j.createRequest() }); err != nil {
		return nil, err
	}
	if r == nil {
		return nil, missing(shape)
	}
	if r.config == nil {
		return nil, fail(http.StatusInternalServerError, `The member "config" is missing or the token null; the request's body must be %s`, shape)
	}
	name := trim(r.name)
	if err := putName(name, r.config); err != nil {
		return nil, err
	}
	info, err := q.w.Create(ctx, name, r.config, r.initial)
	if err != nil {
		return nil, err
	}
	return &answer{status: http.StatusCreated, body: info, name: name}, nil
}

// trim is Java's String.trim: it takes away control characters too.
func trim(s string) string { return strings.TrimFunc(s, func(c rune) bool { return c <= ' ' }) }

// putName adds the connector's name to its properties, where it must not be
// another one.
func putName(name string, p connect.Props) error {
	if included, given := p["name"]; given && included != connect.Null && included != name {
		return fail(http.StatusBadRequest, "Connector name configuration (%s) doesn't match connector name in the URL (%s)", included, name)
	}
	p["name"] = name
	return nil
}

func getConnector(_ context.Context, q *request) (*answer, error) {
	return ok(q.w.Connector(q.connector()))
}

func getConfig(_ context.Context, q *request) (*answer, error) {
	info, err := q.w.Connector(q.connector())
	return ok(info.Config, err)
}

func putConfig(ctx context.Context, q *request) (*answer, error) {
	p, err := readProps(q.body)
	if err != nil {
		return nil, err
	}
	name := q.connector()
	if err := putName(name, p); err != nil {
		return nil, err
	}
	info, created, err := q.w.PutConfig(ctx, name, p)
	if err != nil {
		return nil, err
	}
	if created {
		return &answer{status: http.StatusCreated, body: info, name: name}, nil
	}
	return ok(info, nil)
}

func readProps(body []byte) (p connect.Props, err error) {
	if _, err = readBody(body, func(j *jsonReader) { p = j.props() }); err != nil {
		return nil, err
	}
	if p == nil {
		return nil, missing("an object with the connector's properties")
	}
	return p, nil
}

func patchConfig(ctx context.Context, q *request) (*answer, error) {
	var patch map[string]*string
	if _, err := readBody(q.body, func(j *jsonReader) { patch = j.textMap() }); err != nil {
		return nil, err
	}
	if patch == nil {
		// Java looks for the connector before it looks at the patch.
		if _, err := q.w.Connector(q.connector()); err != nil {
			return nil, err
		}
		return nil, missing("an object with the properties to change")
	}
	return ok(q.w.PatchConfig(ctx, q.connector(), patch))
}

func deleteConnector(ctx context.Context, q *request) (*answer, error) {
	return done(http.StatusNoContent, q.w.Delete(ctx, q.connector()))
}

func getStatus(_ context.Context, q *request) (*answer, error) {
	return ok(q.w.Status(q.connector()))
}

func getTasks(_ context.Context, q *request) (*answer, error) {
	return ok(q.w.Tasks(q.connector()))
}

// task reads a task's number as Java's Integer.valueOf does; what is none is a
// resource that does not exist.
func (q *request) task() (int, error) {
	n, err := strconv.ParseInt(q.params["task"], 10, 32)
	if err != nil {
		return 0, fail(http.StatusNotFound, "HTTP 404 Not Found")
	}
	return int(n), nil
}

func getTaskStatus(_ context.Context, q *request) (*answer, error) {
	n, err := q.task()
	if err != nil {
		return nil, err
	}
	return ok(q.w.TaskStatus(q.connector(), n))
}

func restartTask(ctx context.Context, q *request) (*answer, error) {
	n, err := q.task()
	if err != nil {
		return nil, err
	}
	return done(http.StatusNoContent, q.w.RestartTask(ctx, q.connector(), n))
}

// restart restarts the connector alone and says nothing, or as its parameters
// have it, and tells the states that follow (KIP-745).
func restart(ctx context.Context, q *request) (*answer, error) {
	r := state.RestartRequest{Connector: q.connector(), OnlyFailed: q.flag("onlyFailed"), IncludeTasks: q.flag("includeTasks")}
	if !r.OnlyFailed && !r.IncludeTasks {
		return done(http.StatusNoContent, q.w.RestartConnector(ctx, r.Connector))
	}
	info, err := q.w.Restart(ctx, r)
	if err != nil {
		return nil, err
	}
	return &answer{status: http.StatusAccepted, body: info}, nil
}

func pause(ctx context.Context, q *request) (*answer, error) {
	return done(http.StatusAccepted, q.w.Pause(ctx, q.connector()))
}

func resume(ctx context.Context, q *request) (*answer, error) {
	return done(http.StatusAccepted, q.w.Resume(ctx, q.connector()))
}

func stop(ctx context.Context, q *request) (*answer, error) {
	return done(http.StatusNoContent, q.w.Stop(ctx, q.connector()))
}

func getTopics(_ context.Context, q *request) (*answer, error) {
	if !q.s.settings.TopicTracking {
		return nil, fail(http.StatusForbidden, "Topic tracking is disabled.")
	}
	name := q.connector()
	return ok(map[string]any{name: map[string][]string{"topics": q.w.Topics(name)}}, nil)
}

func resetTopics(_ context.Context, q *request) (*answer, error) {
	switch {
	case !q.s.settings.TopicTracking:
		return nil, fail(http.StatusForbidden, "Topic tracking is disabled.")
	case !q.s.settings.TopicTrackingReset:
		return nil, fail(http.StatusForbidden, "Topic tracking reset is disabled.")
	}
	q.w.ResetTopics(q.connector())
	return done(http.StatusAccepted, nil)
}
