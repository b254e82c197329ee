package metrics

import (
	"sync/atomic"
	"time"
)

// TaskErrors counts what a task's errors policy did (Java's
// task-error-metrics). The zero TaskErrors is ready.
type TaskErrors struct {
	Failures    atomic.Int64 // attempts that failed: total-record-failures
	Errors      atomic.Int64 // records given up: total-record-errors
	Skipped     atomic.Int64 // records dropped for errors.tolerance=all: total-records-skipped
	Retries     atomic.Int64 // total-retries
	Logged      atomic.Int64 // total-errors-logged
	DLQRequests atomic.Int64 // deadletterqueue-produce-requests
	DLQFailures atomic.Int64 // deadletterqueue-produce-failures
	LastErrorAt atomic.Int64 // ms since the epoch, 0: never: last-error-timestamp
}

// Failed notes an error that no retry cured.
func (e *TaskErrors) Failed() { e.LastErrorAt.Store(time.Now().UnixMilli()) }
