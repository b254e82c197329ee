package group

import (
	"slices"
	"time"

	"github.com/millwright-connect/millwright/worker/assign"
)

// An Event tells the owner of a [Member] what has become of the membership: an
// [*Assignment] or a [*Lost]. Events are immutable.
type Event interface{ event() }

// An Assignment is the outcome of one completed rebalance: what this worker is
// to run from now on.
//
// The owner stops what is revoked, starts what is new, and calls
// [Member.Revoked] once everything in Revoked has stopped; until then the
// member does not come to the next rebalance, so that nobody else can be given
// what still runs here. An owner whose view of the config topic is behind
// ConfigOffset must catch up before it starts anything.
type Assignment struct {
	Generation   int32
	MemberID     string
	Protocol     string // Compatible or Sessioned, as the broker chose for all members
	Leader       bool   // this member leads
	LeaderID     string
	LeaderURL    string // of the leader's REST server
	ConfigOffset int64  // of the config topic, as of which the work was assigned

	All     assign.Held // all that is to run here
	New     assign.Held // the part of All that no earlier event, since the last Lost, has told of
	Revoked assign.Held // to be stopped

	// Delay is after how long the group comes together again because the
	// work of a worker that left is kept for its return; 0: not.
	Delay time.Duration

	// Err is ErrConfigMismatch when the leader could not assign; All is then
	// what it was before, and the member joins again by itself.
	Err error

	owners *owners
}

func (*Assignment) event() {}

// Lost tells that this worker is no member any more, or cannot know whether it
// is: others may be given its work. All of it must be stopped at once; the next
// Assignment tells what may run again. There is nothing to acknowledge.
type Lost struct{ Reason string }

func (*Lost) event() {}

// ConnectorOwner returns the REST URL of the worker to which the connector is
// assigned. As in Java only the leader knows; elsewhere, and for a connector
// that nobody has, it reports false.
func (a *Assignment) ConnectorOwner(name string) (url string, ok bool) {
	return a.owner(assign.TaskID{Connector: name, Task: connectorTask})
}

// TaskOwner is ConnectorOwner for a task.
func (a *Assignment) TaskOwner(id assign.TaskID) (url string, ok bool) { return a.owner(id) }

// Members returns the REST URLs of all members by member id, on the leader;
// elsewhere nil. The map must not be changed.
func (a *Assignment) Members() map[string]string {
	if a.owners == nil {
		return nil
	}
	return a.owners.urls
}

func (a *Assignment) owner(id assign.TaskID) (string, bool) {
	if a.owners == nil {
		return "", false
	}
	member, ok := a.owners.members[id]
	return a.owners.urls[member], ok
}

// owners is what a leader knows of who runs what.
type owners struct {
	urls    map[string]string        // REST URL by member id
	members map[assign.TaskID]string // member id by task, or connector as task -1
}

// union returns a and then what b has beyond it, without revoked. Java puts
// what is new first, and the assignor takes from the front.
func union(a, b, revoked assign.Held) assign.Held {
	var out assign.Held
	out.Connectors = slices.Concat(a.Connectors, without(b.Connectors, a.Connectors))
	out.Tasks = slices.Concat(a.Tasks, without(b.Tasks, a.Tasks))
	return minus(out, revoked)
}

func minus(a, b assign.Held) assign.Held {
	return assign.Held{Connectors: without(a.Connectors, b.Connectors), Tasks: without(a.Tasks, b.Tasks)}
}

func without[T comparable](a, b []T) []T {
	if len(b) == 0 {
		return a
	}
	drop := make(map[T]bool, len(b))
	for _, x := range b {
		drop[x] = true
	}
	var out []T
	for _, x := range a {
		if !drop[x] {
			out = append(out, x)
		}
	}
	return out
}
