package logging

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Root is the name of the logger that all others descend from.
const Root = "root"

// Loggers are the loggers that are known, with their levels. A logger whose
// level was not set has that of its nearest ancestor; a.b is the parent of
// a.b.c.
type Loggers struct {
	now func() time.Time

	mu     sync.Mutex
	byName map[string]*logger // Root is among them

	// least is the lowest level of any logger: what is below it is never
	// written, which is all that most debug calls have to look at.
	least slog.LevelVar
}

// A logger's effective level is read without the lock.
type logger struct {
	name     string
	level    slog.LevelVar // the effective one
	set      bool          // it was set, for this logger itself
	modified time.Time     // zero: never

	// override is the level of a connector's logger, once it or its parent was
	// set; see Connector.
	override atomic.Pointer[slog.Level]
}

// A Level is a logger's level in the REST API's form.
type Level struct {
	Level        string `json:"level"`
	LastModified *int64 `json:"last_modified"` // ms since the epoch; nil: as it was at the start
}

// New returns loggers of which Root, those of Known and the named ones are
// known, all at the level given.
func New(level slog.Level, names ...string) *Loggers {
	l := &Loggers{now: time.Now, byName: map[string]*logger{}}
	root := &logger{name: Root, set: true}
	root.level.Set(level)
	l.byName[Root] = root
	l.least.Set(level)
	for _, n := range append(Known(), names...) {
		l.logger(n)
	}
	return l
}

func isRoot(name string) bool { return name == "" || strings.EqualFold(name, Root) }

// logger returns the logger of a name, and makes it if it is not known.
func (l *Loggers) logger(name string) *logger {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.make(name)
}

func (l *Loggers) make(name string) *logger {
	if isRoot(name) {
		return l.byName[Root]
	}
	if g := l.byName[name]; g != nil {
		return g
	}
	g := &logger{name: name}
	l.byName[name] = g
	l.update(g)
	return g
}

// update makes a logger's effective level true.
func (l *Loggers) update(g *logger) {
	from := l.source(g.name)
	g.level.Set(from.level.Level())
	if strings.HasPrefix(g.name, connectors) && from.name != Root {
		level := from.level.Level()
		g.override.Store(&level)
	}
}

// source returns the logger whose level holds for a name.
func (l *Loggers) source(name string) *logger {
	for {
		if g := l.byName[name]; g != nil && g.set {
			return g
		}
		i := strings.LastIndexByte(name, '.')
		if i < 0 {
			return l.byName[Root]
		}
		name = name[:i]
	}
}

// Level returns the level of a logger; false: it is not known. Asking does not
// make it known.
func (l *Loggers) Level(name string) (Level, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if isRoot(name) {
		name = Root
	}
	g := l.byName[name]
	if g == nil {
		return Level{}, false
	}
	return g.view(), true
}

func (g *logger) view() Level {
	v := Level{Level: LevelName(g.level.Level())}
	if !g.modified.IsZero() {
		ms := g.modified.UnixMilli()
		v.LastModified = &ms
	}
	return v
}

// Levels returns the levels of all loggers that are known and not OFF.
func (l *Loggers) Levels() map[string]Level {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make(map[string]Level, len(l.byName))
	for name, g := range l.byName {
		if g.level.Level() != Off {
			all[name] = g.view()
		}
	}
	return all
}

// SetLevel sets the level of a logger, which is made if it is not known, of all
// below it, and of those that have a level of their own and whose names merely
// begin like its, as log4j does. It returns the names of the loggers whose
// level this has changed, sorted.
func (l *Loggers) SetLevel(name string, level slog.Level) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	target := l.make(name)
	before := map[*logger]slog.Level{}
	for _, g := range l.byName {
		before[g] = g.level.Level()
		if g == target || g.set && (target.name == Root || strings.HasPrefix(g.name, target.name)) {
			g.set = true
			g.level.Set(level)
		}
	}
	changed := []string{}
	least := Off
	for g, old := range before {
		l.update(g)
		now := g.level.Level()
		least = min(least, now)
		if now != old {
			g.modified = l.now()
			changed = append(changed, g.name)
		}
	}
	l.least.Set(least)
	slices.Sort(changed)
	return changed
}

// Names returns the names of all loggers that are known, sorted.
func (l *Loggers) Names() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.byName))
}

// Configure sets the levels to begin with from the environment variables of the
// usual container images: CONNECT_LOG4J_ROOT_LOGLEVEL is a level,
// CONNECT_LOG4J_LOGGERS a list of logger=level. Environ is as os.Environ returns
// it. An error names the variable and what is wrong with it; what is right is
// set all the same.
func (l *Loggers) Configure(environ []string) error {
	var errs []error
	levels := map[string]string{}
	for _, v := range environ {
		name, value, _ := strings.Cut(v, "=")
		switch name {
		case "CONNECT_LOG4J_ROOT_LOGLEVEL":
			levels[Root] = name + "=" + value
		case "CONNECT_LOG4J_LOGGERS":
			for _, pair := range strings.Split(value, ",") {
				logger, level, ok := strings.Cut(strings.TrimSpace(pair), "=")
				switch {
				case ok && logger != "":
					levels[logger] = name + "=" + level
				case strings.TrimSpace(pair) != "":
					errs = append(errs, fmt.Errorf("environment variable %s: %q is not of the form logger=level", name, pair))
				}
			}
		}
	}
	// An ancestor first, or it would overrule its children.
	for _, logger := range slices.SortedFunc(maps.Keys(levels), func(a, b string) int {
		if isRoot(a) != isRoot(b) {
			return map[bool]int{true: -1, false: 1}[isRoot(a)]
		}
		return strings.Compare(a, b)
	}) {
		name, text, _ := strings.Cut(levels[logger], "=")
		level, ok := ParseLevel(strings.TrimSpace(text))
		if !ok {
			errs = append(errs, fmt.Errorf("environment variable %s: %q is no level; the levels are ALL, TRACE, DEBUG, INFO, WARN, ERROR, FATAL and OFF", name, text))
			continue
		}
		l.SetLevel(logger, level)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range l.byName {
		g.modified = time.Time{} // it is how things are at the start
	}
	return errors.Join(errs...)
}
