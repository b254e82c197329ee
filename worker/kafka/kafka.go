// Package kafka speaks to brokers for the worker in Java's words: it turns the
// properties of Java's clients into options of franz-go, gives every client of
// a connector the property map that Apache Connect would give it, and does the
// administration that a worker needs (topics, consumer groups, fencing).
//
// It imports franz-go, connectors/connect and connectors/data only.
package kafka

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A Kind says which of Java's clients a set of properties is for. Kinds can be
// joined with |.
type Kind uint8

// The kinds of clients.
const (
	Producer Kind = 1 << iota
	Consumer      // of partitions that its user assigns; no group
	Group         // a consumer that is a member of a consumer group (a sink task's)
	Admin
)

// Internal is a client of the worker's own topics: it reads, writes and
// administers.
const Internal = Producer | Consumer | Admin

// String names the client as Java does.
func (k Kind) String() string {
	switch {
	case k == Internal:
		return "worker"
	case k&Producer != 0:
		return "producer"
	case k&(Consumer|Group) != 0:
		return "consumer"
	}
	return "admin client"
}

// Unsupported is a property that was given and has no effect, or not all of
// the effect that it has in Java.
type Unsupported struct {
	Key    string
	Reason string
}

// Options turns Java client properties into options for kgo.NewClient. Values
// that Java refuses are refused with Java's message. Properties that cannot be
// honoured are returned, sorted by name, for the caller to report with
// Reports.Log; they are never dropped in silence. The client logs to log.
func Options(props map[string]string, kind Kind, log *slog.Logger) ([]kgo.Opt, []Unsupported, error) {
	s, err := Read(props, kind)
	if err != nil {
		return nil, nil, err
	}
	opts, err := s.Opts(log)
	slices.SortFunc(s.Unsupported, func(a, b Unsupported) int { return strings.Compare(a.Key, b.Key) })
	return opts, s.Unsupported, err
}

// Read parses Java client properties of a kind of client.
func Read(props map[string]string, kind Kind) (*Settings, error) {
	s := &Settings{kind: kind, given: props}
	if err := s.parse(props); err != nil {
		return nil, err
	}
	s.judge(props)
	return s, nil
}

// note adds a property to the unsupported ones.
func (s *Settings) note(key, format string, args ...any) {
	s.Unsupported = append(s.Unsupported, Unsupported{key, fmt.Sprintf(format, args...)})
}

// judge finds the given properties that have no counterpart here.
func (s *Settings) judge(props map[string]string) {
	for key, value := range props {
		if s.known[key] || strings.HasPrefix(key, "metrics.context.") {
			continue
		}
		switch k, listed := without[key]; {
		case !listed:
			s.note(key, "Kafka's %s has no such setting; it is ignored, as in Java", s.kind)
		case k.kinds&s.kind == 0:
			s.note(key, "it is no setting of Kafka's %s; it is ignored, as in Java", s.kind)
		case k.harmless == nil || !slices.Contains(k.harmless, strings.TrimSpace(value)):
			s.note(key, "%s", k.reason)
		}
	}
}

// Reports logs every unsupported property once, however many clients are made
// with it. The zero Reports is ready; it may be used by many goroutines.
type Reports struct{ seen sync.Map }

// Log writes one line for each property that has not been reported before.
func (r *Reports) Log(log *slog.Logger, kind Kind, list []Unsupported) {
	for _, u := range list {
		if _, seen := r.seen.LoadOrStore([2]string{kind.String(), u.Key}, true); !seen {
			log.Warn("client setting has no effect", "client", kind.String(), "setting", u.Key, "reason", u.Reason)
		}
	}
}
