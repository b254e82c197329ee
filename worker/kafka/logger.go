package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// logger gives franz-go's log lines to a slog.Logger. What the library calls
// informational happens at every connection and is debugging here. A warning
// about the same thing is given once in a while: a worker has hundreds of
// clients, and each says at each try that a broker is away.
type logger struct {
	log *slog.Logger
	*troubles
}

// sayAgain is how long the same warning is not repeated.
const sayAgain = 30 * time.Second

// troubles are what clients that log to one place have warned of.
type troubles struct {
	mu   sync.Mutex
	said map[string]*saying // by message and what it is about
	away map[string]time.Time
}

type saying struct {
	at     time.Time
	unsaid int
}

// trouble returns what is shared by all who log to the same place as log.
func trouble(log *slog.Logger) *troubles {
	n := &troubles{said: map[string]*saying{}, away: map[string]time.Time{}}
	if h, ok := log.Handler().(interface{ Notes() *sync.Map }); ok {
		shared, _ := h.Notes().LoadOrStore("kafka clients", n)
		return shared.(*troubles)
	}
	return n
}

func (l logger) Level() kgo.LogLevel {
	switch ctx := context.Background(); {
	case l.log.Enabled(ctx, slog.LevelDebug):
		return kgo.LogLevelInfo
	case l.log.Enabled(ctx, slog.LevelWarn):
		return kgo.LogLevelWarn
	}
	return kgo.LogLevelError
}

func (l logger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	to := slog.LevelDebug
	switch level {
	case kgo.LogLevelError:
		to = slog.LevelError
	case kgo.LogLevelWarn:
		to = slog.LevelWarn
		addr, about := subject(keyvals)
		say, unsaid := l.says(msg+about, addr)
		if !say {
			return
		}
		if unsaid > 0 {
			keyvals = append(keyvals[:len(keyvals):len(keyvals)], "unsaid", unsaid)
		}
	}
	l.log.Log(context.Background(), to, msg, keyvals...)
}

// subject returns the broker's address, if a line has one, and what else it is
// about. A broker is called by its number or as a seed; its address is enough.
func subject(keyvals []any) (addr, about string) {
	var b strings.Builder
	for i := 0; i+1 < len(keyvals); i += 2 {
		switch key := keyvals[i]; key {
		case "addr":
			addr = fmt.Sprint(keyvals[i+1])
		case "topic", "partition", "group":
			fmt.Fprintf(&b, " %v=%v", key, keyvals[i+1])
		}
	}
	return addr, " " + addr + b.String()
}

// says reports whether a line is to be written, and how often it was not.
func (t *troubles) says(line, addr string) (say bool, unsaid int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	s := t.said[line]
	if s != nil && now.Sub(s.at) < sayAgain {
		s.unsaid++
		return false, 0
	}
	if s == nil {
		t.forget(now)
		s = &saying{}
		t.said[line] = s
	}
	unsaid = s.unsaid
	*s = saying{at: now}
	if _, away := t.away[addr]; addr != "" && !away {
		t.away[addr] = now
	}
	return true, unsaid
}

// forget drops what was last said long ago.
func (t *troubles) forget(now time.Time) {
	for line, s := range t.said {
		if now.Sub(s.at) > 20*sayAgain {
			delete(t.said, line)
		}
	}
}

// OnBrokerConnect tells when a broker that was warned of is back.
func (l logger) OnBrokerConnect(meta kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err != nil {
		return
	}
	addr := net.JoinHostPort(meta.Host, strconv.Itoa(int(meta.Port)))
	l.mu.Lock()
	since, away := l.away[addr]
	delete(l.away, addr)
	l.mu.Unlock()
	if away {
		l.log.Warn("the broker can be reached again", "addr", addr, "after", time.Since(since).Round(time.Second))
	}
}

var _ kgo.HookBrokerConnect = logger{}
