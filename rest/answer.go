package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker"
	"github.com/millwright-connect/millwright/worker/config"
	"github.com/millwright-connect/millwright/worker/group"
)

// An answer is what a handler has to say. Without a body the response has no
// Content-Type either.
type answer struct {
	status int
	body   any // written as JSON; nil: none
	raw    json.RawMessage
	name   string // of the connector that was created, for the Location header
}

// errorMessage is the body of every error.
type errorMessage struct {
	Code    int    `json:"error_code"`
	Message string `json:"message"`
}

// A statusError is an error with the status of its answer. bare: the answer
// has no Content-Type, as those of Java's framework; those of Connect have.
type statusError struct {
	status  int
	message string
	bare    bool
}

func (e *statusError) Error() string { return e.message }

func fail(status int, format string, args ...any) error {
	return &statusError{status: status, message: fmt.Sprintf(format, args...)}
}

// framework is an error of Java's framework, before any resource is asked.
func framework(status int) *statusError {
	text := http.StatusText(status)
	return &statusError{status: status, message: fmt.Sprintf("HTTP %d %s", status, text), bare: true}
}

// statusOf turns any error into the answer that Java gives.
func statusOf(err error) *statusError {
	switch e := err.(type) {
	case *statusError:
		return e
	case *worker.Refusal:
		return &statusError{status: refusals[e.Kind], message: e.Message}
	case *group.SignatureError:
		return &statusError{status: e.Status, message: e.Message}
	case *connect.Error:
		if s, ok := classes[e.Class]; ok {
			return &statusError{status: s, message: e.Message}
		}
		return &statusError{status: http.StatusInternalServerError, message: e.Message}
	}
	var refusal *worker.Refusal
	if errors.As(err, &refusal) {
		return &statusError{status: refusals[refusal.Kind], message: err.Error()}
	}
	return &statusError{status: http.StatusInternalServerError, message: err.Error()}
}

var refusals = map[worker.Kind]int{
	worker.BadRequest: http.StatusBadRequest,
	worker.NotFound:   http.StatusNotFound,
	worker.Conflict:   http.StatusConflict,
	worker.Forbidden:  http.StatusForbidden,
}

// classes are the exceptions that Java answers with another status than 500.
var classes = map[string]int{
	config.BadRequestException:                               http.StatusBadRequest,
	connect.NotFoundException:                                http.StatusNotFound,
	"org.apache.kafka.connect.errors.AlreadyExistsException": http.StatusConflict,
}

// encode writes JSON as Jackson does: no escapes but those that JSON demands.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("the answer cannot be written as JSON: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
