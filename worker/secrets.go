package worker

import (
	"sync"

	"github.com/millwright-connect/millwright/worker/config"
)

// Secrets are all values that config providers gave to anything in this
// worker. They are kept so that no text that leaves the worker, be it a log
// line, a trace or a REST answer, shows one. The zero Secrets has none.
type Secrets struct {
	mu  sync.RWMutex
	all map[string]config.Secrets // by what they were for, so that old ones give way to new
}

// Keep notes the secrets of a connector (or another owner) in place of those
// that were noted for it before.
func (s *Secrets) Keep(owner string, secrets config.Secrets) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]config.Secrets{}
	}
	s.all[owner] = secrets
}

// Redact replaces secrets in a text by [hidden].
func (s *Secrets) Redact(text string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, secrets := range s.all {
		text = secrets.Redact(text)
	}
	return text
}
