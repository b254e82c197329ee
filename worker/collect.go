package worker

import (
	"os"
	"runtime/debug"
	"sync"
)

// busyGC is the garbage collector's target for a worker that runs tasks. Tasks
// make short-lived garbage over a small live heap, so Go's default of 100 has
// the collector run all the time; this costs some 20 MiB and saves a third of
// the CPU of a busy sink. A worker without tasks keeps the default and is small.
const busyGC = 400

// collectLess sets it once, unless the user has set GOGC.
var collectLess = sync.OnceFunc(func() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(busyGC)
	}
})
