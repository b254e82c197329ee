package mirror

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// sizes lists the topics that take wants; Kafka's internal ones are left out.
func (a admin) sizes(ctx context.Context, take func(string) bool) (topicSizes, error) {
	all, err := a.ListTopics(ctx)
	if err != nil {
		return nil, adminError(err, "list topics on %s cluster", a.alias)
	}
	sizes := topicSizes{}
	for _, t := range all {
		if t.Err != nil && !kerr.IsRetriable(t.Err) {
			continue // deleted meanwhile, or not ours to see
		}
		if take(t.Topic) {
			sizes[t.Topic] = len(t.Partitions)
		}
	}
	return sizes, nil
}

// createRemote makes the remote topics that are missing and lets those grow
// that have fewer partitions than their source. What the brokers refuse is
// logged, and tried again at the next refresh.
func (c *sourceConnector) createRemote(ctx context.Context, known, remote topicSizes) {
	var missing []string
	grow := topicSizes{}
	for _, topic := range slices.Sorted(maps.Keys(known)) {
		name := c.remoteName(topic)
		switch n, there := remote[name]; {
		case !there:
			missing = append(missing, topic)
		case n < known[topic]:
			grow[name] = known[topic]
		}
	}
	if err := c.createTopics(ctx, missing, known); err != nil {
		c.log.Warn("could not create remote topics", "error", err)
	}
	if err := c.growTopics(ctx, grow); err != nil {
		c.log.Warn("could not create topic-partitions", "error", err)
	}
}

func (c *sourceConnector) createTopics(ctx context.Context, topics []string, sizes topicSizes) error {
	if len(topics) == 0 {
		return nil
	}
	configs, err := c.here.topicConfigs(ctx, topics)
	if err != nil {
		return err
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = c.timeoutMillis()
	for _, topic := range topics {
		t := kmsg.NewCreateTopicsRequestTopic()
		t.Topic, t.NumPartitions, t.ReplicationFactor = c.remoteName(topic), int32(sizes[topic]), int16(c.replication)
		for _, entry := range configs[topic] {
			if c.copies(entry) && (!isDefault(entry) || c.properties.defaults) {
				set := kmsg.NewCreateTopicsRequestTopicConfig()
				set.Name, set.Value = entry.Name, entry.Value
				t.Configs = append(t.Configs, set)
			}
		}
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, c.there.requestor)
	if err != nil {
		return adminError(err, "create topics on %s cluster", c.target)
	}
	for _, t := range resp.Topics {
		switch err := kerr.ErrorForCode(t.ErrorCode); {
		case err != nil:
			c.log.Warn(fmt.Sprintf("Could not create topic %s.", t.Topic), "error", brokerError(err, t.ErrorMessage))
		default:
			c.log.Info(fmt.Sprintf("Created remote topic %s with %d partitions.", t.Topic, t.NumPartitions))
		}
	}
	return nil
}

func (c *sourceConnector) growTopics(ctx context.Context, topics topicSizes) error {
	if len(topics) == 0 {
		return nil
	}
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.TimeoutMillis = c.timeoutMillis()
	for _, name := range slices.Sorted(maps.Keys(topics)) {
		t := kmsg.NewCreatePartitionsRequestTopic()
		t.Topic, t.Count = name, int32(topics[name])
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, c.there.requestor)
	if err != nil {
		return adminError(err, "create partitions on %s cluster", c.target)
	}
	for _, t := range resp.Topics {
		switch err := kerr.ErrorForCode(t.ErrorCode); {
		case errors.Is(err, kerr.InvalidPartitions): // somebody else was faster
		case err != nil:
			c.log.Warn(fmt.Sprintf("Could not create topic-partitions for %s.", t.Topic), "error", brokerError(err, t.ErrorMessage))
		default:
			c.log.Info(fmt.Sprintf("Increased size of %s to %d partitions.", t.Topic, topics[t.Topic]))
		}
	}
	return nil
}

func (c *config) timeoutMillis() int32 { return int32(min(c.adminTimeout.Milliseconds(), 1<<31-1)) }

// brokerError adds what a broker had to say.
func brokerError(err error, message *string) error {
	if message == nil || *message == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, *message)
}

// createCompacted makes one of MirrorMaker's own topics, of one partition,
// unless it is there or is not ours to make. Errors are Java's.
func createCompacted(ctx context.Context, log *slog.Logger, at admin, topic string, replication int16) error {
	compact := "compact"
	resp, err := at.CreateTopic(ctx, 1, replication, map[string]*string{"cleanup.policy": &compact}, topic)
	if err == nil {
		err = resp.Err
	}
	switch {
	case err == nil:
		log.Info(fmt.Sprintf("Created topic '%s'", topic))
		return nil
	case errors.Is(err, kerr.TopicAlreadyExists):
		return nil
	case errors.Is(err, kerr.UnsupportedVersion), errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		log.Debug("not able to create a topic; it is taken to exist", "topic", topic, "error", err)
		return nil
	case errors.Is(err, kerr.InvalidConfig):
		return connect.Failf("Unable to create topic '%s': %w", topic, err)
	case errors.Is(err, kerr.RequestTimedOut), errors.Is(err, context.DeadlineExceeded):
		return connect.Failf("Timed out while checking for or creating topic '%s'. This could indicate a connectivity issue, unavailable topic "+
			"partitions, or if this is your first use of the topic it may have taken too long to create.: %w", topic, err)
	}
	return connect.Failf("Error while attempting to create/find topic '%s': %w", topic, err)
}

// An entry is one setting of a topic, and where it comes from.
type entry = kmsg.DescribeConfigsResponseResourceConfig

func isDefault(e entry) bool { return e.Source == kmsg.ConfigSourceDefaultConfig }

// copies tells which settings remote topics get at all.
func (c *sourceConnector) copies(e entry) bool {
	return !e.ReadOnly && !e.IsSensitive && e.Source != kmsg.ConfigSourceStaticBrokerConfig && c.properties.takes(e.Name)
}

// topicConfigs returns the settings of topics.
func (a admin) topicConfigs(ctx context.Context, topics []string) (map[string][]entry, error) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	for _, topic := range topics {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, topic
		req.Resources = append(req.Resources, r)
	}
	resp, err := req.RequestWith(ctx, a.requestor)
	if err != nil {
		return nil, adminError(err, "describe configs of %d topics on %s cluster", len(topics), a.alias)
	}
	configs := make(map[string][]entry, len(topics))
	for _, r := range resp.Resources {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			return nil, adminError(brokerError(err, r.ErrorMessage), "describe configs of topic %s on %s cluster", r.ResourceName, a.alias)
		}
		configs[r.ResourceName] = r.Configs
	}
	return configs, nil
}

// syncConfigs gives remote topics the settings of their sources. A setting that
// a source has not got is taken away, unless defaults are copied too.
func (c *sourceConnector) syncConfigs(ctx context.Context) error {
	c.mu.Lock()
	var topics []string
	for topic := range c.known {
		if _, there := c.remote[c.remoteName(topic)]; there {
			topics = append(topics, topic)
		}
	}
	c.mu.Unlock()
	if len(topics) == 0 {
		return nil
	}
	slices.Sort(topics)
	configs, err := c.here.topicConfigs(ctx, topics)
	if err != nil {
		return err
	}
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	for _, topic := range topics {
		r := kmsg.NewIncrementalAlterConfigsRequestResource()
		r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, c.remoteName(topic)
		for _, e := range configs[topic] {
			if !c.copies(e) {
				continue
			}
			op := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
			op.Name, op.Value, op.Op = e.Name, e.Value, kmsg.IncrementalAlterConfigOpSet
			if isDefault(e) && !c.properties.defaults {
				op.Value, op.Op = nil, kmsg.IncrementalAlterConfigOpDelete
			}
			r.Configs = append(r.Configs, op)
		}
		req.Resources = append(req.Resources, r)
	}
	resp, err := req.RequestWith(ctx, c.there.requestor)
	if err != nil {
		if v, e := c.there.ApiVersions(ctx); e == nil && !knows(v, req) {
			c.host.Fail(connect.Failf("the target cluster '%s' is not compatible with IncrementalAlterConfigs API", c.target))
		}
		return adminError(err, "incremental alter topic configs on %s cluster", c.target)
	}
	for _, r := range resp.Resources {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			c.log.Warn(fmt.Sprintf("Could not alter configuration of topic %s.", r.ResourceName), "error", brokerError(err, r.ErrorMessage))
		}
	}
	return nil
}

// knows reports whether all brokers take a request.
func knows(brokers kadm.BrokersApiVersions, req kmsg.Request) bool {
	for _, b := range brokers {
		if _, ok := b.KeyMaxVersion(req.Key()); b.Err == nil && !ok {
			return false
		}
	}
	return true
}
