// Package stage notes what a request is waiting for, so that one whose time is
// over can say it: "The worker is currently writing a config for connector X to
// the config topic, which began at ..." (KAFKA-15563). The words are Java's
// where Java has the stage too; tools and Java's own tests match on them.
//
// The note travels in the request's context: who waits calls Enter, who answers
// calls With and Summary. Without With, Enter does nothing.
//
// It is a leaf: it imports the standard library only.
package stage

import (
	"context"
	"fmt"
	"sync"
	"time"
)

type key struct{}

// A Note holds the stage that a request is in.
type Note struct {
	mu           sync.Mutex
	text         string // "": none yet
	began, ended time.Time
}

// With returns a context that carries a new note.
func With(ctx context.Context) (context.Context, *Note) {
	n := &Note{}
	return context.WithValue(ctx, key{}, n), n
}

// Enter notes that what ctx belongs to is now at something, such as "reading to
// the end of the config topic", and returns what notes its end.
func Enter(ctx context.Context, format string, args ...any) (leave func()) {
	n, _ := ctx.Value(key{}).(*Note)
	if n == nil {
		return func() {}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	began := time.Now()
	n.text, n.began, n.ended = fmt.Sprintf(format, args...), began, time.Time{}
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.began.Equal(began) {
			n.ended = time.Now()
		}
	}
}

// Summary says in a sentence, without its full stop, what the request is at or,
// between two stages, what it did last; "" if there was nothing.
func (n *Note) Summary() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.text == "":
		return ""
	case n.ended.IsZero():
		return "The worker is currently " + n.text + ", which began at " + instant(n.began)
	}
	return "The last operation the worker completed was " + n.text + ", which began at " + instant(n.began) + " and completed at " + instant(n.ended)
}

// instant writes a time as Java's Instant does.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
