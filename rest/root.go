package rest

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/millwright-connect/millwright/worker/stage"
)

// serverInfo is the answer of GET /. Version is that of Apache Kafka, as tools
// compare it; what this really is stands in commit.
type serverInfo struct {
	Version   string  `json:"version"`
	Commit    string  `json:"commit"`
	ClusterID *string `json:"kafka_cluster_id"` // null until the worker has started
}

func root(_ context.Context, q *request) (*answer, error) {
	info := serverInfo{Version: q.s.version, Commit: q.s.commit}
	if w, up := q.s.up(); up {
		id := w.ClusterID()
		info.ClusterID = &id
	}
	return ok(info, nil)
}

// workerStatus is the answer of GET /health (KIP-1017).
type workerStatus struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

// health waits, as Java's does, up to ten seconds for the worker to be there.
func health(ctx context.Context, q *request) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(q.s.healthTimeout.Load()))
	defer cancel()
	w, err := q.s.started(ctx)
	if err != nil {
		return &answer{status: http.StatusServiceUnavailable, body: workerStatus{"starting", "Worker is still starting up. " + q.s.stage() + "."}}, nil
	}
	ctx, note := stage.With(ctx)
	switch err := w.Health(ctx); {
	case err == nil:
		return ok(workerStatus{"healthy", "Worker has completed startup and is ready to handle requests."}, nil)
	case errors.Is(err, context.DeadlineExceeded):
		m := "Worker was unable to handle this request and may be unable to handle other requests."
		if at := note.Summary(); at != "" {
			m += " " + at + "."
		}
		return &answer{status: http.StatusInternalServerError, body: workerStatus{"unhealthy", m}}, nil
	default:
		return nil, err
	}
}
