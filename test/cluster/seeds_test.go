package cluster

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/state"
)

// TestAnything lets happen what may happen to workers, tasks, the network and
// the broker, in an order that the seed decides, and then lets everything heal.
// MILLWRIGHT_SEEDS sets how many seeds are tried, MILLWRIGHT_SEED the first: the
// only one, unless there are to be more.
func TestAnything(t *testing.T) {
	first, seeds := 0, 200
	if n, err := strconv.Atoi(os.Getenv("MILLWRIGHT_SEED")); err == nil {
		first, seeds = n, 1
	}
	if n, err := strconv.Atoi(os.Getenv("MILLWRIGHT_SEEDS")); err == nil {
		seeds = n
	}
	// A worker with tasks has the garbage collector run late; thousands of dead
	// workers in one process are too much for that.
	t.Setenv("GOGC", "100")
	for seed := first; seed < first+seeds; seed++ {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			inPlant(t, func(p *plant) { (&story{plant: p, rand: rand.New(rand.NewPCG(uint64(seed), 1))}).tell() })
		})
	}
}

// A story is one order of events.
type story struct {
	*plant
	rand   *rand.Rand
	joined int
	tasks  map[string]int // tasks.max by connector
	out    [16]byte       // id of topic out
}

func (s *story) tell() {
	s.tasks = map[string]int{}
	details, err := kadm.NewClient(s.client).ListTopics(s.Context(), "out")
	if err != nil {
		s.Fatal(err)
	}
	s.out = details["out"].ID
	s.newcomer()
	s.configure("src")
	s.configure("snk")
	for range 15 {
		s.happen()
		time.Sleep(time.Duration(s.rand.ExpFloat64() * float64(8*time.Second)))
	}
	s.heal()
	for _, name := range []string{"src", "snk"} {
		s.ask(func(ctx context.Context, n *node) error { return n.Resume(ctx, name) })
		s.ask(func(ctx context.Context, n *node) error {
			_, err := n.Restart(ctx, state.RestartRequest{Connector: name, IncludeTasks: true})
			return err
		})
	}
	for _, name := range []string{"src", "snk"} {
		defer func() {
			if s.Failed() {
				s.Log(s.any().Status(name))
			}
		}()
		s.eventually("tasks of "+name, s.running(name, s.tasks[name]))
	}
	s.more()
	s.eventually("all records", s.drained("snk"))
	s.checkSink("snk")
	s.checkSource("src", s.tasks["src"])
}

func (s *story) log(format string, args ...any) {
	if os.Getenv("DEBUG") != "" {
		s.Logf("%v: --- "+format, append([]any{time.Since(s.began)}, args...)...)
	}
}

func (s *story) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.workers))
}

func (s *story) pick() string { names := s.names(); return names[s.rand.IntN(len(names))] }

func (s *story) newcomer() {
	name := "w" + strconv.Itoa(s.joined)
	s.joined++
	s.log("%s joins", name)
	s.join(name, nil)
}

func (s *story) configure(name string) {
	n := 1 + s.rand.IntN(3)
	s.tasks[name] = n
	s.log("%s has %d tasks", name, n)
	class := "test.SinkConnector"
	props := connect.Props{"tasks.max": strconv.Itoa(n)}
	if name == "src" {
		class = "test.SourceConnector"
	} else {
		props["topics"] = "in"
	}
	props["connector.class"] = class
	s.put(name, props)
}

func (s *story) more() {
	n := 1 + s.rand.IntN(200)
	s.log("%d records", n)
	s.produce(n)
}

// happen makes one thing happen.
func (s *story) happen() {
	names := s.names()
	connector := []string{"src", "snk"}[s.rand.IntN(2)]
	switch k := s.rand.IntN(16); {
	case k == 0 && len(names) < 3:
		s.newcomer()
	case k == 1 && len(names) > 1:
		name := s.pick()
		s.log("%s leaves", name)
		s.leave(name)
	case k == 2 && len(names) > 1:
		name := s.pick()
		s.log("%s crashes", name)
		s.crash(name)
	case k == 3:
		name := s.pick()
		s.log("%s is cut off", name)
		s.workers[name].unplug()
		time.Sleep(time.Duration(s.rand.IntN(40)) * time.Second)
		s.workers[name].plug()
		s.log("%s is back", name)
	case k == 4:
		s.configure(connector)
	case k == 5:
		s.log("%s is paused", connector)
		s.ask(func(ctx context.Context, n *node) error { return n.Pause(ctx, connector) })
	case k == 6:
		s.log("%s goes on", connector)
		s.ask(func(ctx context.Context, n *node) error { return n.Resume(ctx, connector) })
	case k == 7:
		s.log("%s is restarted", connector)
		s.ask(func(ctx context.Context, n *node) error {
			_, err := n.Restart(ctx, state.RestartRequest{Connector: connector, IncludeTasks: true})
			return err
		})
	case k == 8:
		s.brokerFault()
	case k == 9:
		s.stall()
	case k <= 13:
		s.taskFault()
	default:
		s.more()
	}
}

func (s *story) taskFault() {
	f := &s.faults
	all := []*atomic.Int32{&f.hangPoll, &f.hangPut, &f.hangOpen, &f.hangClose, &f.retryPoll, &f.retryPut, &f.failFlush}
	k := s.rand.IntN(len(all))
	s.log("task fault %d", k)
	all[k].Add(1 + s.rand.Int32N(2))
}

// brokerFault drops the connections of the next requests of a kind.
func (s *story) brokerFault() {
	keys := []kmsg.Key{kmsg.Produce, kmsg.Fetch, kmsg.OffsetCommit, kmsg.OffsetFetch, kmsg.Heartbeat, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Metadata}
	key := keys[s.rand.IntN(len(keys))]
	n := 1 + s.rand.IntN(5)
	s.log("%d requests of kind %s fail", n, key.Name())
	for range n {
		s.broker.ControlKey(key.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
			return nil, errors.New("the broker stumbles"), true
		})
	}
}

// stall has the broker take nothing for topic out for a while, and all else.
func (s *story) stall() {
	until := time.Now().Add(time.Duration(s.rand.IntN(20)) * time.Second)
	s.log("nothing is written to topic out until %v", until.Sub(s.began))
	s.broker.ControlKey(kmsg.Produce.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		if time.Now().After(until) {
			return nil, nil, false
		}
		s.broker.KeepControl()
		for _, t := range req.(*kmsg.ProduceRequest).Topics {
			if t.Topic == "out" || t.TopicID == s.out {
				return nil, errors.New("the broker stumbles"), true
			}
		}
		return nil, nil, false
	})
}

func (s *story) heal() {
	s.log("all heals")
	f := &s.faults
	for _, n := range []*atomic.Int32{&f.hangPoll, &f.hangPut, &f.hangOpen, &f.hangClose, &f.retryPoll, &f.retryPut, &f.failFlush} {
		n.Store(0)
	}
	for _, name := range s.names() {
		s.workers[name].plug()
	}
	s.more()
}
