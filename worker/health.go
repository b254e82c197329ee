package worker

import "context"

// Health returns nil once the worker is a member of its group and its herder
// answers, which is what Java's health endpoint asks (KIP-1017).
func (w *Worker) Health(ctx context.Context) error {
	_, err := w.membership(ctx)
	return err
}
