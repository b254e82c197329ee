package mirror

import (
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
)

const heartbeatsTopic = "heartbeats"

// A policy names the topics of one cluster at another. It is Java's
// DefaultReplicationPolicy, or with identity set its IdentityReplicationPolicy.
type policy struct {
	separator string // between a cluster's alias and a topic
	internal  string // the same in the names of MirrorMaker's own topics
	identity  bool   // topics keep their names; only heartbeats are renamed
	source    string // of all topics, with identity; "" if not known
}

func newPolicy(c *config) policy {
	p := policy{separator: ".", internal: ".", identity: c.policyClass == identityPolicy, source: c.source}
	if s, ok := c.props["replication.policy.separator"]; ok && s != connect.Null {
		p.separator, p.internal = s, s
		if own, ok := c.props["replication.policy.internal.topic.separator.enabled"]; ok && !strings.EqualFold(own, "true") {
			p.internal = "."
		}
	}
	return p
}

// remote returns the name that a topic of a cluster gets elsewhere.
func (p policy) remote(cluster, topic string) string {
	if p.identity && !strings.HasSuffix(topic, heartbeatsTopic) {
		return topic
	}
	return cluster + p.separator + topic
}

// sourceOf returns the cluster that a topic came from last; false for a topic
// that came from nowhere.
func (p policy) sourceOf(topic string) (string, bool) {
	if p.identity && !strings.HasSuffix(topic, heartbeatsTopic) {
		return p.source, p.source != ""
	}
	source, _, ok := p.cut(topic)
	return source, ok
}

// upstream returns a topic's name at the cluster that it came from last.
func (p policy) upstream(topic string) (string, bool) {
	if p.identity && !strings.HasSuffix(topic, heartbeatsTopic) {
		return topic, true
	}
	_, rest, ok := p.cut(topic)
	return rest, ok
}

// cut splits a name at its first separator. As in Java, where String.split does
// it, nothing but separators after it is nothing.
func (p policy) cut(topic string) (cluster, rest string, ok bool) {
	cluster, rest, ok = strings.Cut(topic, p.separator)
	if p.separator == "" || !ok || strings.ReplaceAll(rest, p.separator, "") == "" {
		return "", "", false
	}
	return cluster, rest, true
}

// original returns the name that a topic had where it was first.
func (p policy) original(topic string) string {
	for {
		up, ok := p.upstream(topic)
		if !ok || up == topic {
			return topic
		}
		topic = up
	}
}

func (p policy) isHeartbeats(topic string) bool { return p.original(topic) == heartbeatsTopic }

// offsetSyncs is the topic of offset syncs with a cluster.
func (p policy) offsetSyncs(cluster string) string {
	return "mm2-offset-syncs" + p.internal + cluster + p.internal + "internal"
}

// checkpoints is the topic of checkpoints of a cluster's groups.
func (p policy) checkpoints(cluster string) string { return cluster + p.checkpointsSuffix() }

func (p policy) checkpointsSuffix() string {
	return p.internal + "checkpoints" + p.internal + "internal"
}

// isInternal tells Kafka's and MirrorMaker's own topics.
func (p policy) isInternal(topic string) bool {
	return strings.HasPrefix(topic, "mm2") && strings.HasSuffix(topic, p.internal+"internal") ||
		strings.HasSuffix(topic, p.checkpointsSuffix()) ||
		strings.HasPrefix(topic, "__") || strings.HasPrefix(topic, ".")
}

// isCycle tells a topic that came from the cluster, over whatever others.
func (p policy) isCycle(topic, cluster string) bool {
	for {
		source, ok := p.sourceOf(topic)
		if !ok {
			return false
		}
		if source == cluster {
			return true
		}
		up, ok := p.upstream(topic)
		if !ok || up == topic {
			return false
		}
		topic = up
	}
}
