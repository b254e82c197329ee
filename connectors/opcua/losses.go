package opcua

import "sync/atomic"

// losses counts what did not reach Poll, or was marked by the server as the
// first value after some that it dropped.
type losses struct {
	overflows     atomic.Int64 // values with the overflow bit
	messages      atomic.Int64 // notifications that the server has no more
	subscriptions atomic.Int64 // that ended without our doing
	cycles        atomic.Int64 // polls that were left out
}
