package worker

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/kafka"
	"github.com/millwright-connect/millwright/worker/metrics"
)

// client makes a Kafka client of Java properties and reports, once per worker,
// the properties that have no effect here.
func (w *Worker) client(props map[string]string, kind kafka.Kind, extra ...kgo.Opt) (*kgo.Client, *kafka.Settings, error) {
	settings, err := kafka.Read(props, kind)
	if err != nil {
		return nil, nil, err
	}
	opts, err := settings.Opts(w.log)
	if err != nil {
		return nil, nil, err
	}
	w.reports.Log(w.log, kind, settings.Unsupported)
	cl, err := kgo.NewClient(append(opts, append(extra, w.counting(clientKind(kind)))...)...)
	if err != nil {
		return nil, nil, connect.Failf("Failed to construct kafka %s: %w", kind, err)
	}
	return cl, settings, nil
}

// A clientSlot holds a Kafka client that one goroutine opens and that another
// may close at any time, once.
type clientSlot struct {
	p atomic.Pointer[openClient]
}

type openClient struct {
	*kgo.Client
	departure *departure // of a consumer whose group it manages; else nil
	closing   atomic.Bool
	closed    chan struct{}
}

// set puts the client in; if the task was abandoned meanwhile it is closed.
func (s *clientSlot) set(cl *kgo.Client, abandoned func() bool) { s.setConsumer(cl, nil, abandoned) }

func (s *clientSlot) setConsumer(cl *kgo.Client, d *departure, abandoned func() bool) {
	s.p.Store(&openClient{Client: cl, departure: d, closed: make(chan struct{})})
	if abandoned() {
		s.close()
	}
}

func (s *clientSlot) get() *kgo.Client {
	if cl := s.p.Load(); cl != nil {
		return cl.Client
	}
	return nil
}

// close closes the client, if there is one. A consumer leaves its group first,
// for which it gets a while: a broker that is away must not hold up the end.
func (s *clientSlot) close() {
	cl := s.p.Load()
	if cl == nil {
		return
	}
	if cl.closing.Swap(true) {
		<-cl.closed
		return
	}
	defer close(cl.closed)
	leave, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	cl.AllowRebalance()
	if cl.departure != nil {
		cl.departure.begin(leave, cl.Client)
	}
	if err := cl.LeaveGroupContext(leave); err != nil && cl.departure != nil {
		cl.departure.cut() // its session ends by itself; Close must not wait for the group
	}
	cl.Close()
	if cl.departure != nil {
		cl.departure.cut()
	}
	cl.AllowRebalance() // Close polls once itself, which a late part of leaving may wait for
}

// How long a consumer may take to leave its group: less than a graceful stop. A
// group that rebalances answers late.
const leaveTime = 2 * time.Second

func (r *sourceRunner) openProducer(ctx context.Context) error {
	props := r.w.kafka.SourceProducer(r.id.Connector, r.id.Task, r.conn)
	if r.exactly {
		var warn []kafka.Warning
		props, warn = r.w.kafka.ExactlyOnceProducer(r.id.Connector, r.id.Task, r.conn)
		for _, m := range warn {
			r.log.Warn(string(m))
		}
	}
	cl, settings, err := r.w.client(props, kafka.Producer)
	if err != nil {
		return err
	}
	r.producer.set(cl, r.lost.Load)
	if !r.exactly {
		return nil
	}
	// Kafka fences whoever has this transactional id; only then may offsets be
	// read. A task that was told to stop must not fence the one that follows.
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := r.w.settle(ctx, kafka.ClusterOf(cl, settings, r.log), r.id.Connector, r.conn, settings.TransactionalID); err != nil {
		return err
	}
	if _, _, err := cl.ProducerID(ctx); err != nil {
		return connect.Failf("Failed to initialize the transactional producer: %w", err)
	}
	return r.stillCurrent(ctx)
}

// stillCurrent makes sure that the task's generation has not passed while its
// producer was made: such a task may have fenced off its own successor, and
// must not write beside the others of the new generation.
func (r *sourceRunner) stillCurrent(ctx context.Context) error {
	if err := r.w.configs.Sync(ctx); err != nil {
		return connect.Failf("Failed to read to end of config topic: %w", err)
	}
	if c := r.w.configs.Snapshot().Connectors[r.id.Connector]; c == nil || c.Props == nil || c.TasksOffset != r.gen {
		return connect.Failf("Cannot start source task %s with exactly-once support as the connector has already generated a new set of task configs", r.id)
	}
	return ctx.Err()
}

// openTopicCreation lets the task make the topics that it writes to, if its
// connector says how (KIP-158).
func (r *sourceRunner) openTopicCreation() error {
	creation, err := kafka.NewTopicCreation(r.conn, r.w.settings.TopicCreation)
	if err != nil || creation == nil {
		return err
	}
	admin, unsupported, err := kafka.OpenCluster(r.w.kafka.TaskAdmin(r.id.Connector, r.id.Task, r.conn), r.log, r.w.counting(metrics.AdminClient))
	if err != nil {
		return err
	}
	r.w.reports.Log(r.log, kafka.Admin, unsupported)
	r.admin = admin
	r.topics.make = func(ctx context.Context, topic string) error { return creation.Ensure(ctx, admin, topic) }
	return nil
}

// A topicMemory knows which topics a task has used, so that each is made and
// reported once.
type topicMemory struct {
	w    *Worker
	id   unitID
	make func(ctx context.Context, topic string) error // nil: topics are not made by the worker
	made map[string]bool

	mu    sync.Mutex
	noted map[string]int64
	last  atomic.Pointer[usedTopic]
}

// ensure makes a topic before the first record goes to it. It is called from
// the goroutine that polls.
func (m *topicMemory) ensure(ctx context.Context, topic string) error {
	if m.make == nil || m.made[topic] {
		return nil
	}
	if err := m.make(ctx, topic); err != nil {
		return err
	}
	if m.made == nil {
		m.made = map[string]bool{}
	}
	m.made[topic] = true
	return nil
}

// used notes that the connector uses a topic (KIP-558). It is called for every
// record: the common case is two loads.
func (m *topicMemory) used(topic string) {
	epoch := m.w.statuses.epoch.Load()
	if last := m.last.Load(); last != nil && last.epoch == epoch && last.topic == topic {
		return
	}
	if !m.w.settings.TopicTracking {
		return
	}
	m.last.Store(&usedTopic{topic, epoch})
	m.mu.Lock()
	defer m.mu.Unlock()
	if at, known := m.noted[topic]; known && at == epoch {
		return
	}
	if m.noted == nil {
		m.noted = map[string]int64{}
	}
	m.noted[topic] = epoch
	m.w.statuses.noteTopic(m.id, topic)
}

// usedTopic is a topic that was noted; a reset of topics begins a new epoch.
type usedTopic struct {
	topic string
	epoch int64
}
