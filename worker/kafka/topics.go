package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A Topic is a topic to be made.
type Topic struct {
	Name        string
	Partitions  int32 // -1: the broker's default
	Replication int16 // -1: the broker's default
	Configs     map[string]string
}

// String shows the topic as Java's NewTopic does.
func (t Topic) String() string {
	var configs []string
	for _, k := range slices.Sorted(maps.Keys(t.Configs)) {
		configs = append(configs, k+"="+t.Configs[k])
	}
	show := func(n int) string {
		if n == -1 {
			return "default"
		}
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("(name=%s, numPartitions=%s, replicationFactor=%s, replicasAssignments=null, configs={%s})",
		t.Name, show(int(t.Partitions)), show(int(t.Replication)), strings.Join(configs, ", "))
}

// Found says what CreateOrFind came to.
type Found uint8

// The results of CreateOrFind.
const (
	Unknown  Found = iota // we may not create topics here; the topic may exist
	Existing              // it was there, with whatever settings
	Created
)

// CreateOrFind makes a topic unless there is one of that name. Errors are
// Java's ConnectExceptions.
func (c *Cluster) CreateOrFind(ctx context.Context, t Topic) (Found, error) {
	configs := map[string]*string{}
	for k, v := range t.Configs {
		configs[k] = &v
	}
	var resp kadm.CreateTopicResponse
	err := c.persist(ctx, func(ctx context.Context) (err error) {
		resp, err = c.adm.CreateTopic(ctx, t.Partitions, t.Replication, configs, t.Name)
		return err
	})
	switch {
	case err == nil:
		c.log.Info("created topic", "topic", t.String(), "brokers", c.brokers)
		return Created, nil
	case errors.Is(err, kerr.TopicAlreadyExists):
		return Existing, nil
	case errors.Is(err, kerr.UnsupportedVersion), errors.Is(err, kerr.ClusterAuthorizationFailed), errors.Is(err, kerr.TopicAuthorizationFailed):
		c.log.Debug("topics cannot be created on these brokers; it is taken to exist", "topic", t.Name, "brokers", c.brokers, "error", err)
		return Unknown, nil
	case errors.Is(err, kerr.InvalidConfig):
		return Unknown, connect.Failf("Unable to create topic(s) '%s': %w", t.Name, described(err, resp.ErrMessage))
	case timedOut(err):
		return Unknown, failedWith(JavaError(err), "Timed out while checking for or creating topic(s) '%s'. This could indicate a connectivity issue, unavailable topic partitions, or if this is your first use of the topic it may have taken too long to create.", t.Name)
	}
	return Unknown, failedWith(described(err, resp.ErrMessage), "Error while attempting to create/find topic(s) '%s'", t.Name)
}

// described gives a broker's error the text that the broker sent along.
func described(err error, text string) error {
	e := JavaError(err)
	var j *connect.Error
	if text != "" && errors.As(e, &j) {
		return &connect.Error{Class: j.Class, Message: text, Cause: err}
	}
	return e
}

// failedWith makes a ConnectException whose message does not repeat its cause.
func failedWith(cause error, format string, args ...any) error {
	return &connect.Error{Class: connect.ConnectException, Message: fmt.Sprintf(format, args...), Cause: cause}
}

func timedOut(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, kerr.RequestTimedOut)
}

// An InternalTopic is one of the worker's own topics.
type InternalTopic struct {
	Topic
	Property string // config.storage.topic and the like
	Purpose  string // what it keeps, in the words of Java's messages
	Single   bool   // it must have one partition
}

// Prefixes of the settings of the worker's own topics.
const (
	ConfigStorage = "config.storage."
	OffsetStorage = "offset.storage."
	StatusStorage = "status.storage."
)

// ConfigTopic returns the config topic; props are the worker's, for the topic
// settings among them.
func ConfigTopic(name string, replication int16, props map[string]string, log *slog.Logger) InternalTopic {
	return internal(ConfigStorage, "connector configurations", name, 1, replication, props, log)
}

// OffsetTopic returns the offset topic.
func OffsetTopic(name string, partitions int32, replication int16, props map[string]string, log *slog.Logger) InternalTopic {
	return internal(OffsetStorage, "source connector offsets", name, partitions, replication, props, log)
}

// StatusTopic returns the status topic.
func StatusTopic(name string, partitions int32, replication int16, props map[string]string, log *slog.Logger) InternalTopic {
	return internal(StatusStorage, "connector and task statuses", name, partitions, replication, props, log)
}

func internal(prefix, purpose, name string, partitions int32, replication int16, props map[string]string, log *slog.Logger) InternalTopic {
	configs := map[string]string{}
	prefixed(configs, props, prefix)
	if v, set := configs["partitions"]; set && prefix == ConfigStorage {
		log.Warn(fmt.Sprintf("Ignoring '%spartitions=%s' setting, since config topic partitions is always 1", prefix, v))
	}
	if v, set := configs["cleanup.policy"]; set {
		log.Warn(fmt.Sprintf("Ignoring '%scleanup.policy=%s' setting, since compaction is always used", prefix, v))
	}
	for _, k := range []string{"topic", "replication.factor", "partitions"} {
		delete(configs, k)
	}
	configs["cleanup.policy"] = "compact"
	return InternalTopic{Topic{name, partitions, replication, configs}, prefix + "topic", purpose, prefix == ConfigStorage}
}

// EnsureInternal makes one of the worker's own topics, or checks the one that
// is there: it must be compacted and nothing else, and the config topic must
// have a single partition. A topic that cannot be made yet, because too few
// brokers are up, is tried again until the operation's time is over.
func (c *Cluster) EnsureInternal(ctx context.Context, t InternalTopic) error {
	found, err := c.createWithRetry(ctx, t.Topic)
	if err != nil {
		return err
	}
	if found != Created {
		if err := c.verifyCompact(ctx, t); err != nil {
			return err
		}
	}
	if !t.Single {
		return nil
	}
	topics, err := c.Describe(ctx, t.Name)
	if err != nil {
		return err
	}
	if n := topics[t.Name]; n > 1 {
		return connect.ConfigErrorf("Topic '%s' supplied via the '%s' property is required to have a single partition in order to guarantee consistency of connector configurations, but found %d partitions.",
			t.Name, t.Property, n)
	}
	return nil
}

func (c *Cluster) createWithRetry(ctx context.Context, t Topic) (Found, error) {
	end := time.Now().Add(c.timeout)
	pause := max(c.pause, 100*time.Millisecond)
	for {
		found, err := c.CreateOrFind(ctx, t)
		switch {
		case err == nil, ctx.Err() != nil:
			return found, err
		case !errors.Is(err, kerr.InvalidReplicationFactor) && !timedOut(err):
			return found, err
		case !time.Now().Before(end):
			return found, connect.Errorf(timeoutException, "Timeout expired while trying to create topic(s): %w", err)
		}
		c.log.Info(fmt.Sprintf("'%s' topic creation failed due to '%v', retrying, %dms remaining", t.Name, err, time.Until(end).Milliseconds()))
		select {
		case <-ctx.Done():
			return Unknown, ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, 5*time.Second)
	}
}

func (c *Cluster) verifyCompact(ctx context.Context, t InternalTopic) error {
	configs, err := c.topicConfigs(ctx, t.Name)
	if err != nil {
		return err
	}
	policies := strings.FieldsFunc(strings.ToLower(configs["cleanup.policy"]), func(r rune) bool { return r == ',' || r == ' ' })
	if len(policies) == 0 {
		c.log.Info(fmt.Sprintf("Unable to use admin client to verify the cleanup policy of '%s' topic is 'compact', either because the broker is an older version or because the Kafka principal used for Connect internal topics does not have the required permission to describe topic configurations.", t.Name))
		return nil
	}
	if slices.Equal(policies, []string{"compact"}) {
		return nil
	}
	return connect.ConfigErrorf("Topic '%s' supplied via the '%s' property is required to have 'cleanup.policy=compact' to guarantee consistency and durability of %s, but found the topic currently has 'cleanup.policy=%s'. Continuing would likely result in eventually losing %s and problems restarting this Connect cluster in the future. Change the '%s' property in the Connect worker configurations to use a topic with 'cleanup.policy=compact'.",
		t.Name, t.Property, t.Purpose, strings.Join(policies, ","), t.Purpose, t.Property)
}

// topicConfigs returns a topic's settings; none if there is no such topic or
// we may not see them.
func (c *Cluster) topicConfigs(ctx context.Context, topic string) (map[string]string, error) {
	var list kadm.ResourceConfigs
	err := c.persist(ctx, func(ctx context.Context) (err error) {
		if list, err = c.adm.DescribeTopicConfigs(ctx, topic); err == nil && len(list) == 1 {
			err = list[0].Err
		}
		return err
	})
	var denied *kadm.AuthError
	switch {
	case errors.As(err, &denied), errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnsupportedVersion),
		errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return nil, nil
	case timedOut(err):
		return nil, connect.Errorf(connect.RetriableException, "Timed out while waiting to describe topic config for topic '%s' on brokers at %s", topic, c.brokers)
	case err != nil:
		return nil, failedWith(JavaError(err), "Error while attempting to describe topic config for topic '%s' on brokers at %s", topic, c.brokers)
	}
	out := map[string]string{}
	for _, r := range list {
		for _, kv := range r.Configs {
			if kv.Value != nil {
				out[kv.Key] = *kv.Value
			}
		}
	}
	return out, nil
}

// Describe returns the numbers of partitions of those topics that exist.
func (c *Cluster) Describe(ctx context.Context, topics ...string) (map[string]int, error) {
	out := map[string]int{}
	if len(topics) == 0 {
		return out, nil
	}
	req := kmsg.NewPtrMetadataRequest() // asked anew: the client's own view may be older than a topic
	for _, t := range topics {
		rt := kmsg.NewMetadataRequestTopic()
		rt.Topic = kmsg.StringPtr(t)
		req.Topics = append(req.Topics, rt)
	}
	err := c.persist(ctx, func(ctx context.Context) error {
		resp, err := req.RequestWith(ctx, c.cl)
		if err != nil {
			return err
		}
		for _, t := range resp.Topics {
			switch e := kerr.ErrorForCode(t.ErrorCode); {
			case e == nil:
				out[*t.Topic] = len(t.Partitions)
			case !errors.Is(e, kerr.UnknownTopicOrPartition):
				return e
			}
		}
		return nil
	})
	names := strings.Join(topics, ", ")
	switch {
	case err == nil:
		return out, nil
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return nil, failedWith(JavaError(err), "Not authorized to describe topic(s) '%s' on the brokers %s", names, c.brokers)
	case timedOut(err):
		return nil, failedAs(connect.RetriableException, JavaError(err), "Timed out while describing topics '%s'", names)
	}
	return nil, failedWith(JavaError(err), "Error while attempting to describe topics '%s'", names)
}

func failedAs(class string, cause error, format string, args ...any) error {
	return &connect.Error{Class: class, Message: fmt.Sprintf(format, args...), Cause: cause}
}

// Topics lists the topics that we may see, Kafka's internal ones left out.
func (c *Cluster) Topics(ctx context.Context) ([]string, error) {
	ctx, cancel := c.bound(ctx)
	defer cancel()
	found, err := c.adm.ListTopics(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing topics of the brokers at %s: %w", c.brokers, err)
	}
	return found.Names(), nil
}
