package worker

import "fmt"

// A Kind is why a request was refused; the REST API turns it into a status.
type Kind uint8

// The kinds of refusals.
const (
	BadRequest Kind = iota // the request is wrong (400)
	NotFound               // what it names does not exist (404)
	Conflict               // it cannot be done now, or exists already (409)
	Forbidden              // it is not signed as it must be (403)
)

// A Refusal is a request that was understood and not done. Its message is
// Java's wherever Java has one.
type Refusal struct {
	Kind    Kind
	Message string
}

func (r *Refusal) Error() string { return r.Message }

func refuse(k Kind, format string, args ...any) error {
	return &Refusal{k, fmt.Sprintf(format, args...)}
}

// A MovedError says that another worker has to do it: the leader, or the owner
// of a connector or task. URL is empty while nobody knows who that is.
type MovedError struct {
	URL     string
	Message string
}

func (m *MovedError) Error() string { return m.Message }
