package worker

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/kafka"
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
	cl, err := kgo.NewClient(append(opts, extra...)...)
	if err != nil {
		return nil, nil, connect.Failf("Failed to construct kafka %s: %w", kind, err)
	}
	return cl, settings, nil
}

func (r *sourceRunner) openProducer(ctx context.Context) error {
	props := r.w.kafka.SourceProducer(r.id.Connector, r.id.Task, r.conn)
	if r.exactly {
		var warn []kafka.Warning
		props, warn = r.w.kafka.ExactlyOnceProducer(r.id.Connector, r.id.Task, r.conn)
		for _, m := range warn {
			r.log.Warn(string(m))
		}
	}
	cl, _, err := r.w.client(props, kafka.Producer)
	if err != nil {
		return err
	}
	r.producer.Store(cl)
	if r.exactly {
		// Kafka fences whoever has this transactional id; only then may offsets be
		// read.
		if _, _, err := cl.ProducerID(ctx); err != nil {
			return connect.Failf("Failed to initialize the transactional producer: %w", err)
		}
	}
	return nil
}

// openTopicCreation lets the task make the topics that it writes to, if its
// connector says how (KIP-158).
func (r *sourceRunner) openTopicCreation() error {
	creation, err := kafka.NewTopicCreation(r.conn, r.w.settings.TopicCreation)
	if err != nil || creation == nil {
		return err
	}
	admin, unsupported, err := kafka.OpenCluster(r.w.kafka.TaskAdmin(r.id.Connector, r.id.Task, r.conn), r.log)
	if err != nil {
		return err
	}
	r.w.reports.Log(r.log, kafka.Admin, unsupported)
	r.admin = admin
	r.topics.make = func(ctx context.Context, topic string) error { return creation.Ensure(ctx, admin, topic) }
	return nil
}

func (r *sinkRunner) openConsumer(context.Context) error {
	props := r.w.kafka.SinkConsumer(r.id.Connector, r.id.Task, r.conn)
	subscribe, err := r.subscription()
	if err != nil {
		return err
	}
	opts := append(subscribe,
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(r.assigned),
		kgo.OnPartitionsRevoked(r.revoked),
		kgo.OnPartitionsLost(r.lostPartitions))
	cl, settings, err := r.w.client(props, kafka.Group, opts...)
	if err != nil {
		return err
	}
	r.cl, r.most = cl, max(settings.MaxPollRecords, 1)
	return nil
}

func (r *sinkRunner) maxPoll() int { return r.most }

func (r *sinkRunner) subscription() ([]kgo.Opt, error) {
	if pattern := r.settings.TopicsRegex; pattern != "" {
		return []kgo.Opt{kgo.ConsumeRegex(), kgo.ConsumeTopics("^(?:" + pattern + ")$")}, nil
	}
	return []kgo.Opt{kgo.ConsumeTopics(r.settings.Topics...)}, nil
}

// startingPoints learns from where the consumer reads, so that a failed flush
// can go back there, and so that nothing is committed that has not moved.
func (r *sinkRunner) startingPoints(ctx context.Context, cl *kgo.Client, parts []connect.TopicPartition) error {
	if len(parts) == 0 {
		return nil
	}
	offsets, err := kadm.NewClient(cl).FetchOffsets(ctx, r.w.kafka.SinkGroupID(r.id.Connector, r.conn))
	if err != nil {
		return connect.Failf("the committed offsets could not be read: %w", err)
	}
	for _, tp := range parts {
		if at, ok := offsets.Lookup(tp.Topic, tp.Partition); ok && at.Err == nil && at.At >= 0 {
			r.done[tp] = at.At
		}
	}
	return nil
}

// commitResult gathers what a commit's answer says.
func commitResult(failed *error) func(*kgo.Client, *kmsg.OffsetCommitRequest, *kmsg.OffsetCommitResponse, error) {
	return func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, res *kmsg.OffsetCommitResponse, err error) {
		if err != nil {
			*failed = err
			return
		}
		for _, t := range res.Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					*failed = fmt.Errorf("topic %s partition %d: %w", t.Topic, p.Partition, err)
				}
			}
		}
	}
}

// A topicMemory knows which topics a task has used, so that each is made and
// reported once.
type topicMemory struct {
	w    *Worker
	id   unitID
	make func(ctx context.Context, topic string) error // nil: topics are not made by the worker

	mu    sync.RWMutex
	made  map[string]bool
	noted map[string]int64
	last  atomic.Pointer[usedTopic]
}

// ensure makes a topic before the first record goes to it.
func (m *topicMemory) ensure(ctx context.Context, topic string) error {
	m.mu.RLock()
	made := m.made[topic]
	m.mu.RUnlock()
	if made || m.make == nil {
		return nil
	}
	if err := m.make(ctx, topic); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
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
