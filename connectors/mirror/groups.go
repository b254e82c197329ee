package mirror

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
)

// A groupState says who is in a group.
type groupState uint8

const (
	stateMissing groupState = iota // there is no such group
	stateEmpty                     // there is, and nobody is in it
	stateActive                    // somebody is in it
)

// groupStates asks about groups, of the consumer protocol and of the classic
// one. A group that cannot be asked about counts as active.
func (a admin) groupStates(ctx context.Context, groups []string) (map[string]groupState, error) {
	states := make(map[string]groupState, len(groups))
	if len(groups) == 0 {
		return states, nil
	}
	classic := groups
	if described, err := a.DescribeConsumerGroups(ctx, groups...); err == nil { // else the brokers are too old
		classic = nil
		for _, g := range groups {
			d, ok := described[g]
			if !ok || d.Err != nil {
				classic = append(classic, g)
				continue
			}
			states[g] = stateOf(d.State)
		}
	}
	if len(classic) == 0 {
		return states, nil
	}
	described, err := a.DescribeGroups(ctx, classic...)
	if err != nil && len(described) == 0 {
		return nil, adminError(err, "describe consumer groups on %s cluster", a.alias)
	}
	for _, g := range classic {
		d, ok := described[g]
		switch {
		case ok && errors.Is(d.Err, kerr.GroupIDNotFound):
			states[g] = stateMissing
		case !ok || d.Err != nil:
			states[g] = stateActive
		default:
			states[g] = stateOf(d.State)
		}
	}
	return states, nil
}

func stateOf(s string) groupState {
	switch s {
	case "Dead":
		return stateMissing
	case "Empty":
		return stateEmpty
	}
	return stateActive
}
