package mirror

import (
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// sourceConfig is that of MirrorSourceConnector.
type sourceConfig struct {
	config
	pollTimeout     time.Duration
	refreshEnabled  bool
	refreshSeconds  int64
	configsEnabled  bool
	configsSeconds  int64
	aclsEnabled     bool
	aclsSeconds     int64
	replication     int // of remote topics; -1: the brokers' default
	syncReplication int // of the offset-syncs topic
	maxLag          int64
	location        string // of the offset-syncs topic: atSource or atTarget
	emitSyncs       bool
	heartbeats      bool // are replicated whatever the filter says
}

// Define declares the properties.
func (c *sourceConfig) Define(d *connect.ConfigDef) {
	c.config.Define(d)
	defineTopicFilter(d)
	d.List(new([]string), "config.properties.exclude").Default(excludedProperties).Is(connect.High).Check(connect.ListOf()).
		Doc("Topic config properties that should not be replicated. Supports comma-separated property names and regexes.")
	d.ClassIn(new(string), "topic.filter.class", oneClassOf(defaultTopicFilter)).Default(defaultTopicFilter).Is(connect.Low).
		Doc("TopicFilter to use. Selects topics to replicate.")
	d.ClassIn(new(string), "config.property.filter.class", oneClassOf(defaultPropertyFilter)).Default(defaultPropertyFilter).Is(connect.Low).
		Doc("ConfigPropertyFilter to use. Selects topic config  properties to replicate.")
	d.Millis(&c.pollTimeout, "consumer.poll.timeout.ms").Default(time.Second).Is(connect.Low).
		Doc("Timeout when polling source cluster.")
	d.Boolean(&c.refreshEnabled, "refresh.topics.enabled").Default(true).Is(connect.Low).
		Doc("Whether to periodically check for new topics and partitions.")
	d.Long(&c.refreshSeconds, "refresh.topics.interval.seconds").Default(600).Is(connect.Low).
		Doc("Frequency of topic refresh.")
	d.Boolean(&c.configsEnabled, "sync.topic.configs.enabled").Default(true).Is(connect.Low).
		Doc("Whether to periodically configure remote topics to match their corresponding upstream topics.")
	d.Long(&c.configsSeconds, "sync.topic.configs.interval.seconds").Default(600).Is(connect.Low).
		Doc("Frequency of topic config sync.")
	d.Boolean(&c.aclsEnabled, "sync.topic.acls.enabled").Default(true).Is(connect.Low).
		Doc("Whether to periodically configure remote topic ACLs to match their corresponding upstream topics.")
	d.Long(&c.aclsSeconds, "sync.topic.acls.interval.seconds").Default(600).Is(connect.Low).
		Doc("Frequency of topic ACL sync.")
	d.Int(&c.replication, "replication.factor").Default(2).Is(connect.Low).
		Doc("Replication factor for newly created remote topics.")
	d.Short(&c.syncReplication, "offset-syncs.topic.replication.factor").Default(3).Is(connect.Low).
		Doc("Replication factor for offset-syncs topic.")
	d.Long(&c.maxLag, "offset.lag.max").Default(100).Is(connect.Low).
		Doc("How out-of-sync a remote partition can be before it is resynced.")
	defineLocation(d, &c.location)
	d.Boolean(&c.emitSyncs, "emit.offset-syncs.enabled").Default(true).Is(connect.Low).
		Doc("Whether to store the new offset of the replicated records in offset-syncs topic or not. MirrorCheckpointConnector will not be able " +
			"to sync group offsets or emit checkpoints if emit.checkpoints.enabled and/or sync.group.offsets.enabled are enabled while " +
			"emit.offset-syncs.enabled is disabled.")
	d.Boolean(&c.heartbeats, "heartbeats.replication.enabled").Default(true).Is(connect.Low).
		Doc("Whether to replicate the heartbeats topics even when the topic filter does not include them. If set to true, heartbeats topics " +
			"identified by the replication policy will always be replicated, regardless of the topic filter configuration. If set to false, " +
			"heartbeats topics will only be replicated if the topic filter allows.")
	c.defineFormats(d, "MirrorSourceConnector", "source={SOURCE},target={TARGET},topic={TOPIC},partition={PARTITION}")
	d.Prefixed(new(connect.Props), "use.defaults.from",
		"The name itself: whose defaults, source or target (when not set), a remote topic gets for settings that its source topic does not have.")
	c.prefixes(d)
}

func defineLocation(d *connect.ConfigDef, location *string) {
	d.String(location, "offset-syncs.topic.location").Default(atSource).Is(connect.Low).Check(connect.OneOf(atSource, atTarget)).
		Doc("The location (source/target) of the offset-syncs topic.")
}

// parse reads p.
func (c *sourceConfig) parse(p connect.Props) error {
	c.props = p
	return connect.Parse(p, c)
}

func (c *sourceConfig) refreshEvery() time.Duration {
	return seconds(c.refreshEnabled, c.refreshSeconds)
}

func (c *sourceConfig) configsEvery() time.Duration {
	return seconds(c.configsEnabled, c.configsSeconds)
}
func (c *sourceConfig) aclsEvery() time.Duration { return seconds(c.aclsEnabled, c.aclsSeconds) }

// Properties that tell a task its share.
const (
	partitionsProperty = "task.assigned.partitions"
	groupsProperty     = "task.assigned.groups"
	indexProperty      = "task.index"
)

// sourceTaskConfig is sourceConfig with what Tasks adds.
type sourceTaskConfig struct {
	sourceConfig
	partitions []string
}

// Define declares the properties of a task.
func (c *sourceTaskConfig) Define(d *connect.ConfigDef) {
	c.sourceConfig.Define(d)
	d.List(&c.partitions, partitionsProperty)
	d.Int(new(int), indexProperty).Default(-1)
}

func (c *sourceTaskConfig) parse(p connect.Props) error {
	c.props = p
	return connect.Parse(p, c)
}
