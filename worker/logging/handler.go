package logging

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options are how a Handler writes.
type Options struct {
	Out  io.Writer
	JSON bool // one JSON object a line instead of text
	// Redact takes secrets out of a text; nil: nothing is taken out. It sees
	// messages and values, and is called from many goroutines.
	Redact func(string) string
}

// A Handler is the slog.Handler of a process. A line of text is
//
//	time LEVEL [connector|task] message key=value ... (logger:line)
//
// where connector and task are the attributes of these names. The attribute
// trace, a stack trace, follows on lines of its own.
type Handler struct {
	*output
	sites *sites

	own       *logger // named by attribute Key; nil: the code's
	connector *logger // of attribute connector; nil: none
	context   string  // "[connector|task] "
	attrs     []slog.Attr
	groups    []string
}

// output is what the handlers derived from one share.
type output struct {
	mu     sync.Mutex
	out    io.Writer
	json   bool
	redact func(string) string
	notes  sync.Map
}

// Notes are kept for all who write to this handler, and to those derived from
// it: what must not be said again and again, whoever says it.
func (h *Handler) Notes() *sync.Map { return &h.notes }

// NewHandler returns a handler that asks loggers for levels.
func NewHandler(l *Loggers, o Options) *Handler {
	if o.Redact == nil {
		o.Redact = func(s string) string { return s }
	}
	return &Handler{output: &output{out: o.Out, json: o.JSON, redact: o.Redact}, sites: &sites{loggers: l}}
}

// Enabled reports whether any logger writes lines of the level; Handle looks
// closer, as it knows which code it is.
func (h *Handler) Enabled(_ context.Context, level slog.Level) bool {
	if h.connector != nil {
		if o := h.connector.override.Load(); o != nil {
			return level >= *o
		}
	}
	if h.own != nil {
		return level >= h.own.level.Level()
	}
	return level >= h.sites.loggers.least.Level()
}

// WithAttrs returns a handler that adds attributes to every line.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	n := *h
	n.attrs = slices.Clone(h.attrs)
	for _, a := range attrs {
		a.Value = a.Value.Resolve()
		if len(h.groups) == 0 {
			switch a.Key {
			case Key:
				n.own = h.sites.loggers.logger(a.Value.String())
				continue
			case "connector":
				n.connector = h.sites.loggers.logger(connectors + a.Value.String())
			}
		}
		n.attrs = append(n.attrs, slog.Attr{Key: h.prefixed(a.Key), Value: a.Value})
	}
	n.context = contextOf(n.attrs)
	return &n
}

// WithGroup returns a handler that puts a name and a dot before later keys.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	n := *h
	n.groups = append(slices.Clone(h.groups), name)
	return &n
}

func (h *Handler) prefixed(key string) string {
	if len(h.groups) == 0 {
		return key
	}
	return strings.Join(h.groups, ".") + "." + key
}

// contextOf returns what Java's log has before the message (KIP-449).
func contextOf(attrs []slog.Attr) string {
	var connector, task string
	for _, a := range attrs {
		switch a.Key {
		case "connector":
			connector = a.Value.String()
		case "task":
			task = a.Value.String()
		}
	}
	switch {
	case connector == "":
		return ""
	case task == "":
		return "[" + connector + "|worker] "
	}
	if _, err := strconv.Atoi(task); err == nil {
		return "[" + connector + "|task-" + task + "] "
	}
	return "[" + task + "] " // plc-1-0 says both
}

// Handle writes a line if its logger's level lets it.
func (h *Handler) Handle(_ context.Context, r slog.Record) error {
	g := h.own
	if g == nil {
		g = h.sites.at(r.PC)
	}
	least := g.level.Level()
	if h.connector != nil {
		if o := h.connector.override.Load(); o != nil {
			least = *o
		}
	}
	if r.Level < least {
		return nil
	}
	attrs := h.attrs
	own := false
	r.Attrs(func(a slog.Attr) bool {
		if !own {
			attrs, own = slices.Clone(attrs), true
		}
		a.Value = a.Value.Resolve()
		a.Key = h.prefixed(a.Key)
		attrs = append(attrs, a)
		return true
	})
	context := h.context
	if own && context == "" {
		context = contextOf(attrs)
	}
	if r.Time.IsZero() {
		r.Time = time.Now()
	}
	line := linePool.Get().(*[]byte)
	defer linePool.Put(line)
	if h.json {
		*line = h.appendJSON((*line)[:0], r, g.name, attrs)
	} else {
		*line = h.appendText((*line)[:0], r, g.name, context, attrs)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := h.out.Write(*line)
	return err
}

var linePool = sync.Pool{New: func() any { b := make([]byte, 0, 512); return &b }}
