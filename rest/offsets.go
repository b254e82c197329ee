package rest

import (
	"context"
	"net/http"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/offsets"
	"github.com/millwright-connect/millwright/worker/config"
)

// message is the answer of a change of offsets.
type message struct {
	Message string `json:"message"`
}

func getOffsets(ctx context.Context, q *request) (*answer, error) {
	list, err := q.w.Offsets(ctx, q.connector())
	return ok(map[string]any{"offsets": list}, err)
}

func alterOffsets(ctx context.Context, q *request) (*answer, error) {
	if _, err := readBody(q.body, (*jsonReader).offsets); err != nil {
		return nil, err
	}
	changes, err := offsets.ParseOffsets(q.body)
	if err != nil {
		if connect.ClassOf(err) == config.BadRequestException {
			return nil, err
		}
		return nil, fail(http.StatusInternalServerError, "The tokens of the request's body cannot be read: %v", err)
	}
	m, err := q.w.AlterOffsets(ctx, q.connector(), changes)
	return ok(message{m}, err)
}

func resetOffsets(ctx context.Context, q *request) (*answer, error) {
	m, err := q.w.ResetOffsets(ctx, q.connector())
	return ok(message{m}, err)
}
