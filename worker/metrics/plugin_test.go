package metrics

import (
	"strings"
	"testing"
)

func TestPluginGauges(t *testing.T) {
	w := NewWorker()
	c, k := w.Connector("c", true, Plugin{}), w.Task("c", 3, TaskInfo{Source: true})
	one := func() float64 { return 1 }
	for _, g := range []struct {
		set  func(string, map[string]string, func() float64) error
		name string
		tags map[string]string
		read func() float64
		want string // of an error
	}{
		{c.Gauge, "tags", nil, one, ""},
		{k.Gauge, "queue-depth", map[string]string{"plc": "press 1", "a-b": "x"}, func() float64 { return 7 }, ""},
		{k.Gauge, "queue-depth", map[string]string{"plc": "press 2", "a-b": "x"}, one, ""},
		{k.Gauge, "replaced", nil, one, ""},
		{k.Gauge, "replaced", nil, func() float64 { return 2 }, ""},
		{k.Gauge, "polls_total", nil, one, ""},
		{k.Gauge, "ended", nil, one, ""},
		{k.Gauge, "ended", nil, nil, ""},
		{k.Gauge, "broken", nil, func() float64 { panic("boom") }, ""},
		{k.Gauge, "", nil, one, "needs a name"},
		{k.Gauge, "x", map[string]string{"task": "1"}, one, `tag "task" is taken`},
		{k.Gauge, "x", map[string]string{"a-b": "1", "a_b": "2"}, one, `tag "a_b" is there twice`},
	} {
		err := g.set(g.name, g.tags, g.read)
		if (err == nil) != (g.want == "") || err != nil && !strings.Contains(err.Error(), g.want) {
			t.Errorf("%q %v: %v, want %q", g.name, g.tags, err, g.want)
		}
	}
	for _, f := range []Families{{Strimzi: true}, {Confluent: true}} {
		var got []string
		for line := range strings.Lines(scrape(t, w, f)) {
			if strings.HasPrefix(line, pluginPrefix) || strings.HasPrefix(line, "# TYPE "+pluginPrefix+"polls") {
				got = append(got, strings.TrimSpace(line))
			}
		}
		want := `# TYPE kafka_connect_plugins_polls_total counter
kafka_connect_plugins_polls_total{connector="c",task="3"} 1
kafka_connect_plugins_queue_depth{a_b="x",connector="c",plc="press 1",task="3"} 7
kafka_connect_plugins_queue_depth{a_b="x",connector="c",plc="press 2",task="3"} 1
kafka_connect_plugins_replaced{connector="c",task="3"} 2
kafka_connect_plugins_tags{connector="c"} 1`
		if g := strings.Join(got, "\n"); g != want {
			t.Errorf("got\n%s\nwant\n%s", g, want)
		}
	}
	k.EndGauges()
	if s := scrape(t, w, Families{Strimzi: true}); strings.Contains(s, `task="3"} 2`) || !strings.Contains(s, pluginPrefix) {
		t.Errorf("after the end of the task's gauges: %s", s)
	}
	c.Close()
	if s := scrape(t, w, Families{Strimzi: true}); strings.Contains(s, pluginPrefix) {
		t.Error("still shown after the end")
	}
}
