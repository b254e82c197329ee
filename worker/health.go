package worker

import "context"

// Health returns nil once the worker is a member of its group, its herder
// answers and no change of the config topic hangs, which is what Java's health
// endpoint asks (KIP-1017).
func (w *Worker) Health(ctx context.Context) error {
	if _, err := w.membership(ctx); err != nil {
		return err
	}
	if err := w.take(ctx, ""); err != nil {
		return err
	}
	w.give()
	return nil
}
