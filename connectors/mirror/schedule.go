package mirror

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// A job is work that is done again and again.
type job struct {
	what  string
	every time.Duration
	run   func(context.Context) error
	once  bool // it is over when it has succeeded
	next  time.Time
	fails int
}

// A schedule does jobs one after another, each at its period. One that fails is
// tried again after a second, two, four and so on, up to its period.
type schedule struct {
	log     *slog.Logger
	timeout time.Duration // of one run
	jobs    []*job
	cancel  context.CancelFunc
	done    sync.WaitGroup
}

// add adds a job, first due after a delay; a negative period leaves it out.
func (s *schedule) add(j job, delay time.Duration) {
	if j.every < 0 {
		return
	}
	j.every = max(j.every, time.Second)
	j.next = time.Now().Add(delay)
	s.jobs = append(s.jobs, &j)
}

// now does something at once, and logs when that fails.
func (s *schedule) now(ctx context.Context, what string, run func(context.Context) error) bool {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	began := time.Now()
	if err := run(ctx); err != nil {
		if ctx.Err() == nil || time.Since(began) >= s.timeout {
			s.log.Error(what+" failed", "error", err)
		}
		return false
	}
	s.log.Debug(what, "took", time.Since(began))
	return true
}

// start does the jobs until stop.
func (s *schedule) start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.done.Go(func() { s.loop(ctx) })
}

func (s *schedule) stop() {
	if s.cancel != nil {
		s.cancel()
	}
	s.done.Wait()
}

func (s *schedule) loop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for len(s.jobs) > 0 {
		at := 0
		for i, j := range s.jobs {
			if j.next.Before(s.jobs[at].next) {
				at = i
			}
		}
		j := s.jobs[at]
		timer.Reset(time.Until(j.next))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		ok := s.now(ctx, j.what, j.run)
		if ok && j.once {
			s.jobs = append(s.jobs[:at], s.jobs[at+1:]...)
			continue
		}
		j.plan(ok, time.Now())
	}
}

// plan sets when the job is due again. It keeps its beat unless that is over.
func (j *job) plan(ok bool, now time.Time) {
	if !ok {
		j.next = now.Add(min(j.every, time.Second<<min(j.fails, 20)))
		j.fails++
		return
	}
	j.fails = 0
	j.next = j.next.Add(j.every)
	if j.next.Before(now) {
		j.next = now
	}
}

// adminError tells what was to be done on which cluster.
func adminError(err error, what string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(what+": %w", append(args, err)...)
}
