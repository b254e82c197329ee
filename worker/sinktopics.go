package worker

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/dlclark/regexp2"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/kafka"
	"github.com/millwright-connect/millwright/worker/metrics"
)

// idleWait is how long the broker may hold a sink task's fetch that finds
// nothing, when the user does not say. Java's half second costs a worker with
// many idle tasks more than they are worth; new records are answered at once
// either way. Only a partition that the fetch does not ask for, as one whose
// offset was not known yet, waits until it ends. That is why the worker's own
// topics, for which tasks and requests wait, keep the half second.
const idleWait = 5 * time.Second

// A subscription says which topics a sink task reads.
type subscription struct {
	opts      []kgo.Opt
	departure *departure // nil: the group's members do not rebalance among themselves
	// matches finds topics where the client cannot: patterns that Go's own
	// regular expressions do not have. nil: it can.
	matches func(topic string) bool
}

// consumerOpts prepares the consumer, so that settings that are wrong are found
// before the task is opened.
func (r *sinkRunner) consumerOpts() (subscription, error) {
	props := r.w.kafka.SinkConsumer(r.id.Connector, r.id.Task, r.conn)
	settings, err := kafka.Read(props, kafka.Group)
	if err != nil {
		return subscription{}, err
	}
	s, err := subscribe(r.settings.Topics, r.settings.TopicsRegex)
	if err != nil {
		return s, err
	}
	opts, err := settings.Opts(r.log)
	if err != nil {
		return s, err
	}
	r.w.reports.Log(r.log, kafka.Group, settings.Unsupported)
	r.most = max(settings.MaxPollRecords, 1)
	if _, given := props["fetch.max.wait.ms"]; !given {
		opts = append(opts, kgo.FetchMaxWait(idleWait))
	}
	if !strings.EqualFold(props["group.protocol"], "consumer") {
		assignors, err := settings.Assignors()
		if err != nil {
			return s, err
		}
		s.departure = newDeparture(props["group.instance.id"] != "")
		opts = append(opts, s.departure.opts(assignors)...)
	}
	s.opts = append(append(opts, s.opts...),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.KeepRetryableFetchErrors(),
		kgo.OnPartitionsAssigned(r.assigned),
		kgo.OnPartitionsRevoked(r.revoked),
		kgo.OnPartitionsLost(r.lostPartitions),
		kgo.AdjustFetchOffsetsFn(r.positions))
	return s, nil
}

// subscribe reads topics and topics.regex. The latter is a Java regular
// expression that has to match all of a topic's name; Kafka's own topics are
// left out, as Java's consumer does.
func subscribe(topics []string, pattern string) (subscription, error) {
	if pattern == "" {
		return subscription{opts: []kgo.Opt{kgo.ConsumeTopics(topics...)}}, nil
	}
	whole := `\A(?:` + pattern + `)\z`
	if _, err := regexp.Compile(whole); err == nil {
		return subscription{opts: []kgo.Opt{kgo.ConsumeRegex(), kgo.ConsumeTopics(whole)}}, nil
	}
	re, err := regexp2.Compile(whole, regexp2.None)
	if err != nil {
		return subscription{}, connect.ConfigErrorf("Invalid value %s for configuration topics.regex: Invalid regex: %v", pattern, err)
	}
	re.MatchTimeout = time.Second
	return subscription{matches: func(topic string) bool { ok, err := re.MatchString(topic); return err == nil && ok }}, nil
}

func (r *sinkRunner) openConsumer(ctx context.Context, s subscription) error {
	cl, err := kgo.NewClient(append(s.opts, r.w.counting(metrics.ConsumerClient))...)
	if err != nil {
		return connect.Failf("Failed to construct kafka consumer: %w", err)
	}
	r.consumer.setConsumer(cl, s.departure, r.lost.Load)
	if s.matches == nil {
		return nil
	}
	if err := discover(ctx, cl, s.matches); err != nil {
		return failedBy(err, "the topics of the cluster could not be listed")
	}
	ctx, r.endDiscovery = context.WithCancel(ctx)
	age, _ := cl.OptValue(kgo.MetadataMaxAge).(time.Duration)
	r.discovery.Go(func() { r.rediscover(ctx, cl, s.matches, max(age, time.Second)) })
	return nil
}

// rediscover subscribes to topics that are new until the task stops.
func (r *sinkRunner) rediscover(ctx context.Context, cl *kgo.Client, matches func(string) bool, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := discover(ctx, cl, matches); err != nil && ctx.Err() == nil {
			r.log.Warn("the topics of the cluster could not be listed; tried again later", "error", err)
		}
	}
}

func discover(ctx context.Context, cl *kgo.Client, matches func(string) bool) error {
	topics, err := kadm.NewClient(cl).ListTopics(ctx) // without Kafka's own
	if err != nil {
		return err
	}
	var found []string
	for _, topic := range topics.Names() {
		if matches(topic) {
			found = append(found, topic)
		}
	}
	cl.AddConsumeTopics(found...) // those it has already are no news
	return nil
}

// fetchErrors picks what ends the task, as it does in Java, out of what the
// client tries again by itself.
func (r *sinkRunner) fetchErrors(fetches kgo.Fetches) error {
	var failed error
	fetches.EachError(func(topic string, p int32, err error) {
		var broker *kerr.Error
		switch {
		case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, kgo.ErrClientClosed):
		case errors.Is(err, kerr.TopicAuthorizationFailed):
			failed = connect.Errorf("org.apache.kafka.common.errors.TopicAuthorizationException", "Not authorized to access topics: [%s]", topic)
		case errors.Is(err, kerr.GroupAuthorizationFailed):
			failed = connect.Errorf("org.apache.kafka.common.errors.GroupAuthorizationException", "Not authorized to access group: %s", r.w.kafka.SinkGroupID(r.id.Connector, r.conn))
		case errors.Is(err, kerr.InvalidTopicException):
			failed = connect.Errorf("org.apache.kafka.common.errors.InvalidTopicException", "Invalid topics: [%s]", topic)
		case errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.UnknownTopicOrPartition):
			if r.owned[connect.TopicPartition{Topic: topic, Partition: p}] { // the others need not exist yet
				r.unknown.note(topic, time.Now())
			}
		case errors.As(err, &broker) && broker.Retriable && !fatal[broker.Code]: // the client mends it; it was asked for to see the two above
		case err.Error() == noCommittedOffset:
			failed = connect.Errorf("org.apache.kafka.clients.consumer.NoOffsetForPartitionException", "Undefined offset with no reset policy for partitions: [%s-%d]", topic, p)
		case errors.As(err, &broker) && fatal[broker.Code]:
			failed = asJava(err)
		default:
			r.log.Warn("fetch failed; it is tried again", "topic", topic, "partition", p, "error", err)
		}
	})
	return failed
}

// noCommittedOffset is the text of the client's error, which has no name.
const noCommittedOffset = "partition has no prior committed offset"

// fatal are errors that no repetition mends.
var fatal = map[int16]bool{
	kerr.OffsetOutOfRange.Code: true, // which the client resets, if auto.offset.reset lets it
	kerr.CorruptMessage.Code:   true, kerr.InvalidTopicException.Code: true, kerr.InconsistentGroupProtocol.Code: true,
	kerr.InvalidGroupID.Code: true, kerr.InvalidSessionTimeout.Code: true, kerr.ClusterAuthorizationFailed.Code: true,
	kerr.SaslAuthenticationFailed.Code: true, kerr.UnsupportedSaslMechanism.Code: true, kerr.IllegalSaslState.Code: true,
	kerr.FencedInstanceID.Code: true, kerr.GroupMaxSizeReached.Code: true, kerr.UnsupportedVersion.Code: true,
	kerr.UnsupportedCompressionType.Code: true,
}
