package worker

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/worker/stage"
)

// Who waits for a change that hangs says so, and so does the health check.
func TestTurn(t *testing.T) {
	w := &Worker{turn: turn{taken: make(chan struct{}, 1)}}
	w.life, w.end = context.WithCancel(t.Context())
	if err := w.take(t.Context(), "writing a config"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ctx, note := stage.With(ctx)
	cancel()
	if err := w.take(ctx, "deleting"); !errors.Is(err, context.Canceled) {
		t.Errorf("a turn that is taken: %v", err)
	}
	if s := note.Summary(); !strings.HasPrefix(s, "The worker is currently writing a config, which began at ") {
		t.Errorf("waits for %q", s)
	}
	w.give()
	if err := w.take(t.Context(), "deleting"); err != nil {
		t.Errorf("after it was given back: %v", err)
	}
	go w.give()
	w.endWrites()
	if err := w.take(t.Context(), "too late"); !errors.Is(err, ErrStopped) {
		t.Errorf("after the end: %v", err)
	}
}
