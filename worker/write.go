package worker

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/millwright-connect/millwright/worker/stage"
	"github.com/millwright-connect/millwright/worker/state"
)

// writeTime is how long a write to the config topic may take, as in Java.
const writeTime = 30 * time.Second

// A turn is the right to change the config topic as the leader, which one has at
// a time. Whoever waits for it can tell for what.
type turn struct {
	taken chan struct{} // full while somebody has it
	doing atomic.Value  // a string: what for
}

// take waits for the turn, until ctx or the worker ends.
func (w *Worker) take(ctx context.Context, doing string) error {
	select {
	case w.turn.taken <- struct{}{}:
	default:
		leave := func() {}
		if other, _ := w.turn.doing.Load().(string); other != "" {
			leave = stage.Enter(ctx, "%s", other)
		}
		select {
		case w.turn.taken <- struct{}{}:
			leave()
		case <-ctx.Done():
			return ctx.Err()
		case <-w.life.Done():
			return ErrStopped
		}
	}
	w.turn.doing.Store(doing)
	return nil
}

func (w *Worker) give() {
	w.turn.doing.Store("")
	<-w.turn.taken
}

// write makes one change of the config topic, on the leader. Changes come one
// after another; f sees everything written before. When write returns, this
// worker's snapshot has the change. Doing names the change for who waits for it.
//
// A change that has begun is ended though ctx is: it is not known what of it
// Kafka has taken, and what comes after waits for that. f may run until then
// when write returns an error.
func (w *Worker) write(ctx context.Context, msg, doing string, f func(s *state.Snapshot) ([]state.KV, error)) error {
	if err := w.lead(ctx, msg); err != nil {
		return err
	}
	if err := w.take(ctx, doing); err != nil {
		return err
	}
	leave := stage.Enter(ctx, "%s", doing)
	done := make(chan error, 1)
	go func() {
		defer w.give()
		limit, cancel := context.WithTimeout(w.life, writeTime)
		defer cancel()
		done <- w.change(limit, f)
	}()
	select {
	case err := <-done:
		leave()
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *Worker) change(ctx context.Context, f func(s *state.Snapshot) ([]state.KV, error)) error {
	if err := w.configs.Claim(ctx); err != nil {
		return err
	}
	if err := w.configs.Sync(ctx); err != nil {
		return err
	}
	kvs, err := f(w.configs.Snapshot())
	if err != nil || len(kvs) == 0 {
		return err
	}
	if err := w.configs.AppendAsLeader(ctx, kvs...); err != nil {
		return err
	}
	return w.configs.Sync(ctx)
}

// endWrites cuts off the change that is under way and lets no other begin.
func (w *Worker) endWrites() {
	w.end()
	w.turn.taken <- struct{}{}
}
