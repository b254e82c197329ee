package metrics

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// pluginPrefix is that of what Java shows as kafka.connect:type=plugins
// (KIP-877), which no exporter rule of Strimzi or Confluent renames.
const pluginPrefix = "kafka_connect_plugins_"

// gauges are the figures that a plugin shows of its own. The zero gauges show
// none.
type gauges struct {
	mu   sync.Mutex
	byID map[string]gauge
}

type gauge struct {
	name   string
	labels []label
	read   func() float64
}

// Gauge shows what read returns as kafka_connect_plugins_NAME, in place of an
// earlier gauge with that name and those tags; a nil read ends it. A name that
// ends in _total is shown as a counter. read may be called from any goroutine.
func (c *Connector) Gauge(name string, tags map[string]string, read func() float64) error {
	return c.gauges.set(name, tags, read)
}

// Gauge is as that of a Connector.
func (t *Task) Gauge(name string, tags map[string]string, read func() float64) error {
	return t.gauges.set(name, tags, read)
}

// EndGauges ends all gauges: the plugin that reads them is closed.
func (c *Connector) EndGauges() { c.gauges.clear() }

// EndGauges is as that of a Connector.
func (t *Task) EndGauges() { t.gauges.clear() }

func (g *gauges) clear() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.byID)
}

func (g *gauges) set(name string, tags map[string]string, read func() float64) error {
	if name == "" {
		return errors.New("a metric needs a name")
	}
	x := gauge{name: pluginPrefix + legal(name), read: read}
	id := x.name
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		l := label{legal(k), tags[k]}
		if l.name == "connector" || l.name == "task" || l.name == "" || strings.HasPrefix(l.name, "__") {
			return fmt.Errorf("metric %s: the tag %q is taken, name it otherwise", name, k)
		}
		if slices.ContainsFunc(x.labels, func(o label) bool { return o.name == l.name }) {
			return fmt.Errorf("metric %s: the tag %q is there twice, as %s", name, k, l.name)
		}
		x.labels = append(x.labels, l)
		id += "\x00" + l.name + "\x00" + l.value
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if read == nil {
		delete(g.byID, id)
		return nil
	}
	if g.byID == nil {
		g.byID = map[string]gauge{}
	}
	g.byID[id] = x
	return nil
}

// legal makes a name of metrics or labels of any text, as the JMX exporter does.
func legal(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9' || i == 0) {
			b[i] = '_'
		}
	}
	return string(b)
}

// plugins shows the gauges of a connector, or of a task of it.
func (c *Collector) plugins(ch chan<- prometheus.Metric, g *gauges, of ...label) {
	g.mu.Lock()
	all := slices.SortedFunc(maps.Values(g.byID), func(a, b gauge) int { return cmp.Compare(a.name, b.name) })
	g.mu.Unlock() // read may set gauges
	for _, x := range all {
		if v, ok := reading(x.read); ok {
			c.send(ch, x.name, v, append(slices.Clip(of), x.labels...)...)
		}
	}
}

// reading leaves out a figure whose plugin panics: others are to be seen.
func reading(read func() float64) (v float64, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	return read(), true
}

func taskLabels(t *Task) []label {
	return []label{{"connector", t.connector}, {"task", strconv.Itoa(t.id)}}
}
