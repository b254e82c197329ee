package rest

import (
	"context"
	"net/http"
	"strings"

	"github.com/millwright-connect/millwright/worker/logging"
)

func listLoggers(_ context.Context, q *request) (*answer, error) {
	return ok(q.s.loggers.Levels(), nil)
}

func getLogger(_ context.Context, q *request) (*answer, error) {
	name := q.params["logger"]
	level, known := q.s.loggers.Level(name)
	if !known {
		return nil, fail(http.StatusNotFound, "Logger %s not found.", name)
	}
	return ok(level, nil)
}

// setLogger sets a level here, or with scope=cluster on all workers; any other
// scope means here.
func setLogger(ctx context.Context, q *request) (*answer, error) {
	var m map[string]*string
	if _, err := readBody(q.body, func(j *jsonReader) { m = j.textMap() }); err != nil {
		return nil, err
	}
	switch {
	case m == nil:
		return nil, missing(`an object with "level"`)
	case m["level"] == nil:
		return nil, fail(http.StatusBadRequest, "Desired 'level' parameter was not specified in request.")
	case *m["level"] == "":
		return nil, fail(http.StatusInternalServerError, "Illegal null or empty Level name.")
	}
	text := *m["level"]
	level, known := logging.ParseLevel(strings.TrimSpace(text))
	if !known {
		return nil, fail(http.StatusNotFound, "invalid log level '%s'.", text)
	}
	name := q.params["logger"]
	if scope, _ := q.query("scope"); strings.EqualFold(scope, "cluster") {
		w, err := q.s.started(ctx)
		if err != nil {
			return nil, err
		}
		return done(http.StatusNoContent, w.SetLoggerLevel(ctx, name, text))
	}
	return ok(q.s.loggers.SetLevel(name, level), nil)
}
