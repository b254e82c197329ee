package connecttest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Gauges are the figures that a plugin shows of its own, as a test reads them.
type Gauges struct {
	mu   sync.Mutex
	byID map[string]func() float64
}

var _ connect.Meter = (*Gauges)(nil)

// Gauge keeps read under the name and the tags.
func (g *Gauges) Gauge(name string, tags map[string]string, read func() float64) error {
	if name == "" {
		return errors.New("a metric needs a name")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.byID == nil {
		g.byID = map[string]func() float64{}
	}
	g.byID[gaugeID(name, tags)] = read
	return nil
}

// Read returns what a gauge shows now; false: there is none, or it has ended.
func (g *Gauges) Read(name string, tags map[string]string) (float64, bool) {
	g.mu.Lock()
	read := g.byID[gaugeID(name, tags)]
	g.mu.Unlock()
	if read == nil {
		return 0, false
	}
	return read(), true
}

func gaugeID(name string, tags map[string]string) string {
	return fmt.Sprint(name, tags) // fmt sorts a map's keys
}
