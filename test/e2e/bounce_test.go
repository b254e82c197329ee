package e2e

import (
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestBounce restarts every worker, cleanly and by kill -9, with each of the
// group protocols that workers and that sinks may use.
func TestBounce(t *testing.T) {
	t.Parallel()
	k := shared(t)
	for _, tt := range []struct{ workers, sinks string }{
		{"sessioned", "consumer"}, {"compatible", "classic"},
	} {
		t.Run(tt.workers+" "+tt.sinks, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, k.at, "connect.protocol", tt.workers)
			c.add()
			c.add()
			f := newFlow(t, k, c.workers[0], "b", 4, 2, pace)
			if tt.sinks == "consumer" {
				// A group that has members stays what it is: this is another one.
				sink := props{
					"connector.class": "FileStreamSink", "file": f.out, "topics": f.topic, "tasks.max": "2", "consumer.override.group.protocol": "consumer",
				}
				c.workers[0].call("DELETE", "/connectors/"+f.sink, nil, nil)
				f.sink += "2"
				c.workers[0].put(f.sink, sink)
				c.workers[0].await(f.sink, "RUNNING", 2)
			}
			if kind := k.groupType("connect-" + f.sink); kind != tt.sinks {
				t.Errorf("the sink's group is of type %q, want %q", kind, tt.sinks)
			}
			for _, clean := range []bool{true, false} {
				for i, w := range c.workers {
					f.through(t)
					if clean {
						w.stop()
					} else {
						w.kill()
					}
					rest := c.workers[1-i]
					alone(rest, f.source, 1)
					alone(rest, f.sink, 2)
					f.through(t)
					f.honest(t, k, rest)
					w.start()
					w.ready()
				}
			}
			f.stop()
			f.through(t)
			f.honest(t, k, c.workers[0])
			// Nothing is lost; what comes twice came with the kills. From here on
			// there is one writer and one reader of each record.
			n := f.written()
			f.append(t, 20)
			have := f.through(t)
			for i := n; i < n+20; i++ {
				if l := line(f.name, i); have[l] != 1 {
					t.Errorf("%s came %d times", l, have[l])
				}
			}
		})
	}
}

// groupType returns the type of a group, as Kafka calls it.
func (k *kafka) groupType(group string) string {
	k.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.at))
	must(k, err)
	defer cl.Close()
	var kind string
	until(k, "group "+group+" is there", func() string {
		for _, shard := range cl.RequestSharded(k.Context(), kmsg.NewPtrListGroupsRequest()) {
			must(k, shard.Err)
			for _, g := range shard.Resp.(*kmsg.ListGroupsResponse).Groups {
				if g.Group == group {
					kind = strings.ToLower(g.GroupType)
					return ""
				}
			}
		}
		return "it is not"
	})
	return kind
}

// TestLevelsEndWithTheWorker: a level that was set over REST is the process's
// own, and is gone after a restart; one with scope=cluster reaches all.
func TestLevelsEndWithTheWorker(t *testing.T) {
	t.Parallel()
	k := shared(t)
	c := newCluster(t, k.at)
	a, b := c.add(), c.add()
	level := func(w *worker, logger string) string {
		t.Helper()
		var got struct{ Level string }
		w.call("GET", "/admin/loggers/"+logger, nil, &got)
		return got.Level
	}
	before := level(a, "root")
	a.call("PUT", "/admin/loggers/root", props{"level": "ERROR"}, nil)
	if got := level(a, "root"); got != "ERROR" {
		t.Errorf("level %s after ERROR was set", got)
	}
	if got := level(b, "root"); got != before {
		t.Errorf("the other worker has level %s, want %s", got, before)
	}
	b.call("PUT", "/admin/loggers/root?scope=cluster", props{"level": "DEBUG"}, nil)
	for _, w := range c.workers {
		until(t, "the cluster's level reaches "+w.id(), func() string {
			if got := level(w, "root"); got != "DEBUG" {
				return got
			}
			return ""
		})
	}
	a.signal(syscall.SIGTERM)
	<-a.done
	a.start()
	a.ready()
	if got := level(a, "root"); got != before {
		t.Errorf("level %s after a restart, want %s", got, before)
	}
	if got := level(b, "root"); got != "DEBUG" {
		t.Errorf("the worker that went on has level %s", got)
	}
}
