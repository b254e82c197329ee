package rest

import (
	"context"
	"net/http"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/group"
)

// What workers ask of each other. A request is signed with the group's session
// key (KIP-507); the body is read before the signature is looked at, as in Java.

func putTasks(ctx context.Context, q *request) (*answer, error) {
	var tasks []connect.Props
	if read, err := readBody(q.body, func(j *jsonReader) { tasks = j.taskConfigs() }); err != nil {
		return nil, err
	} else if !read {
		return nil, fail(http.StatusInternalServerError, "No content to map due to end-of-input")
	}
	if err := q.signed(); err != nil {
		return nil, err
	}
	if tasks == nil {
		return nil, missing("a list of the tasks' properties")
	}
	return done(http.StatusNoContent, q.w.PutTasks(ctx, q.connector(), tasks))
}

func fence(ctx context.Context, q *request) (*answer, error) {
	if err := q.signed(); err != nil {
		return nil, err
	}
	return done(http.StatusNoContent, q.w.Fence(ctx, q.connector()))
}

func (q *request) signed() error {
	signature, err := group.ReadSignature(q.http.Header)
	if err != nil {
		return err
	}
	if !q.w.Sessioned() {
		return nil // such a group has no key
	}
	var key []byte
	if k := q.w.SessionKey(); k != nil {
		key = k.Key
	}
	return signature.Check(key, q.body, q.s.settings.Signing.Accepted)
}
