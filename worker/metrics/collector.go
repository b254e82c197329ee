package metrics

import (
	"cmp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Families say under which names metrics appear.
type Families struct {
	Strimzi   bool // as Strimzi's rules for the JMX exporter name them
	Confluent bool // as Confluent's rules, and Strimzi's metrics reporter, do
}

// Info is what the collector shows of the worker itself.
type Info struct {
	Version, Commit string
}

// Collector shows a worker's counters to a prometheus registry.
type Collector struct {
	w     *Worker
	f     Families
	info  Info
	descs sync.Map // name and labels → *prometheus.Desc
}

// NewCollector returns a collector of a worker's counters.
func NewCollector(w *Worker, f Families, info Info) *Collector {
	return &Collector{w: w, f: f, info: info}
}

// Describe sends nothing: which metrics there are depends on what runs.
func (c *Collector) Describe(chan<- *prometheus.Desc) {}

// label is a label's name and value.
type label struct{ name, value string }

// send makes one metric. A name that ends in _total is a counter.
func (c *Collector) send(ch chan<- prometheus.Metric, name string, v float64, labels ...label) {
	name = strings.ReplaceAll(name, "-", "_")
	values := make([]string, len(labels))
	key := name
	for i, l := range labels {
		values[i] = l.value
		key += "," + l.name
	}
	d, ok := c.descs.Load(key)
	if !ok {
		names := make([]string, len(labels))
		for i, l := range labels {
			names[i] = l.name
		}
		d, _ = c.descs.LoadOrStore(key, prometheus.NewDesc(name, help(name), names, nil))
	}
	kind := prometheus.GaugeValue
	if strings.HasSuffix(name, "_total") {
		kind = prometheus.CounterValue
	}
	m, err := prometheus.NewConstMetric(d.(*prometheus.Desc), kind, v, values...)
	if err != nil {
		m = prometheus.NewInvalidMetric(d.(*prometheus.Desc), err)
	}
	ch <- m
}

// help names the attribute of Java's MBeans that a metric shows.
func help(name string) string {
	return "Kafka Connect's metric " + name + "."
}

// A group is one of Java's MBean types, with its two prefixes.
type group struct {
	c             *Collector
	ch            chan<- prometheus.Metric
	strimzi       string // prefix
	confluent     string
	labels        []label // both families'
	onlyStrimzi   []label // labels that are named otherwise in the other
	onlyConfluent []label
}

func (g *group) num(attribute string, v float64) {
	if g.c.f.Strimzi {
		g.c.send(g.ch, g.strimzi+attribute, v, slices.Concat(g.labels, g.onlyStrimzi)...)
	}
	if g.c.f.Confluent {
		g.c.send(g.ch, g.confluent+attribute, v, slices.Concat(g.labels, g.onlyConfluent)...)
	}
}

func (g *group) count(attribute string, v int64) { g.num(attribute, float64(v)) }

// text shows an attribute that is a text: as a label of a metric that is 1.
// bare is Confluent's metric for all texts of the type, "" if it has none.
func (g *group) text(attribute, bare, v string) {
	if v == "" {
		return
	}
	name := strings.ReplaceAll(attribute, "-", "_")
	if g.c.f.Strimzi {
		g.c.send(g.ch, g.strimzi+attribute, 1, append(slices.Concat(g.labels, g.onlyStrimzi), label{name, v})...)
	}
	if g.c.f.Confluent {
		labels := append(slices.Concat(g.labels, g.onlyConfluent), label{name, v})
		if bare != "" {
			g.c.send(g.ch, bare, 1, labels...)
		}
		g.c.send(g.ch, g.confluent+attribute+"_info", 1, labels...)
	}
}

// Collect sends everything.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	w := c.w
	w.mu.Lock()
	connectors := sortedBy(w.connectors, func(a, b *Connector) int { return cmp.Compare(a.name, b.name) })
	tasks := sortedBy(w.tasks, func(a, b *Task) int {
		return cmp.Or(cmp.Compare(a.connector, b.connector), cmp.Compare(a.id, b.id))
	})
	var clients []*Client
	for cl := range w.clients {
		clients = append(clients, cl)
	}
	w.mu.Unlock()

	c.worker(ch, connectors, tasks)
	c.rebalances(ch)
	c.app(ch)
	for _, x := range connectors {
		c.connector(ch, x)
		c.plugins(ch, &x.gauges, label{"connector", x.name})
	}
	for _, t := range tasks {
		c.task(ch, t)
		c.plugins(ch, &t.gauges, taskLabels(t)...)
	}
	c.clients(ch, clients)
	c.process(ch)
}

func sortedBy[K comparable, V any](m map[K]V, by func(a, b V) int) []V {
	out := make([]V, 0, len(m))
	for _, v := range m {
		out = append(out, v)
	}
	slices.SortFunc(out, by)
	return out
}

func (c *Collector) worker(ch chan<- prometheus.Metric, connectors []*Connector, tasks []*Task) {
	g := group{
		c: c, ch: ch, strimzi: "kafka_connect_worker_", confluent: "kafka_connect_connect_worker_metrics_",
		onlyConfluent: []label{{"connector", "aggregate"}},
	}
	g.count("connector-count", int64(len(connectors)))
	g.count("task-count", int64(len(tasks)))
	for kind, s := range map[string]*starts{"connector": &c.w.connectorStarts, "task": &c.w.taskStarts} {
		ok, bad := s.success.Load(), s.failure.Load()
		g.count(kind+"-startup-attempts-total", ok+bad)
		g.count(kind+"-startup-success-total", ok)
		g.count(kind+"-startup-failure-total", bad)
		success, failure := s.recent.read()
		g.num(kind+"-startup-success-percentage", success)
		g.num(kind+"-startup-failure-percentage", failure)
	}
	counts := map[string]map[State]int64{}
	for _, x := range connectors {
		counts[x.name] = map[State]int64{}
	}
	for _, t := range tasks {
		if counts[t.connector] == nil {
			counts[t.connector] = map[State]int64{}
		}
		counts[t.connector][t.state.get()]++
	}
	g.onlyConfluent = nil
	for name, by := range counts {
		g.labels = []label{{"connector", name}}
		total := int64(0)
		for _, n := range by {
			total += n
		}
		g.count("connector-total-task-count", total)
		for _, s := range []State{Running, Paused, Failed, Unassigned, Destroyed, Restarting} {
			g.count("connector-"+string(s)+"-task-count", by[s])
		}
	}
}

func (c *Collector) rebalances(ch chan<- prometheus.Metric) {
	r := &c.w.rebalance
	r.mu.Lock()
	last, count, began, ended := r.last, r.count, r.began, r.ended
	r.mu.Unlock()
	g := group{c: c, ch: ch, strimzi: "kafka_connect_worker_rebalance_", confluent: "kafka_connect_connect_worker_rebalance_metrics_"}
	g.text("leader-name", "", last.Leader)
	g.text("connect-protocol", "", last.Protocol)
	g.count("epoch", int64(last.Generation))
	g.count("completed-rebalances-total", count)
	if c.f.Confluent { // the JMX exporter from 1.0 on drops _total, and dashboards follow
		c.send(ch, g.confluent+"completed_rebalances", float64(count))
	}
	rebalancing := 0.0
	if !began.IsZero() {
		rebalancing = 1
	}
	g.num("rebalancing", rebalancing)
	avg, _, most := r.took.read()
	g.num("rebalance-max-time-ms", most)
	g.num("rebalance-avg-time-ms", avg)
	since := time.Duration(0)
	if !ended.IsZero() {
		since = time.Since(ended)
	}
	g.num("time-since-last-rebalance-ms", float64(since.Milliseconds()))

	g = group{
		c: c, ch: ch, strimzi: "kafka_connect_coordinator_", confluent: "kafka_connect_connect_coordinator_metrics_",
		onlyStrimzi: []label{{"clientid", c.w.ClientID()}}, onlyConfluent: []label{{"client_id", c.w.ClientID()}},
	}
	g.count("assigned-connectors", int64(last.Connectors))
	g.count("assigned-tasks", int64(last.Tasks))
	g.count("rebalance-total", count)
	g.num("rebalance-latency-max", most)
	g.num("rebalance-latency-avg", avg)
	g.num("last-rebalance-seconds-ago", since.Seconds())
}

func (c *Collector) app(ch chan<- prometheus.Metric) {
	start := c.w.born.UnixMilli()
	id := c.w.ClientID()
	if c.f.Strimzi {
		c.send(ch, "kafka_connect_start_time_seconds", float64(start)/1000, label{"clientid", id})
		c.send(ch, "kafka_connect_version", 1, label{"clientid", id}, label{"version", c.info.Version})
		c.send(ch, "kafka_connect_commit_id", 1, label{"clientid", id}, label{"commit_id", c.info.Commit})
	}
	if c.f.Confluent {
		for _, name := range []string{"kafka_connect_app_info", "kafka_connect_app"} { // old and new exporter
			c.send(ch, name, 1, label{"client_id", id}, label{"version", c.info.Version})
			c.send(ch, name, 1, label{"client_id", id}, label{"commit_id", c.info.Commit})
			c.send(ch, name, 1, label{"client_id", id}, label{"start_time_ms", strconv.FormatInt(start, 10)})
		}
	}
}

func (c *Collector) connector(ch chan<- prometheus.Metric, x *Connector) {
	g := group{
		c: c, ch: ch, strimzi: "kafka_connect_connector_", confluent: "kafka_connect_connector_metrics_",
		labels: []label{{"connector", x.name}},
	}
	const bare = "kafka_connect_connector_metrics"
	g.text("status", bare, string(x.state.get()))
	g.text("connector-class", bare, x.plugin.Class)
	g.text("connector-type", bare, typeName(x.source))
	g.text("connector-version", bare, x.plugin.Version)
}

func typeName(source bool) string {
	if source {
		return "source"
	}
	return "sink"
}

// process shows Go's memory and goroutines under the names that Connect
// dashboards have for the Java virtual machine.
func (c *Collector) process(ch chan<- prometheus.Metric) {
	if !c.f.Strimzi {
		return
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	c.send(ch, "jvm_memory_used_bytes", float64(m.HeapInuse), label{"area", "heap"})
	c.send(ch, "jvm_memory_used_bytes", float64(m.Sys-m.HeapSys), label{"area", "nonheap"})
	c.send(ch, "jvm_gc_collection_seconds_sum", float64(m.PauseTotalNs)/1e9, label{"gc", "Go"})
	c.send(ch, "jvm_gc_collection_seconds_count", float64(m.NumGC), label{"gc", "Go"})
	c.send(ch, "jvm_threads_current", float64(runtime.NumGoroutine()))
}
