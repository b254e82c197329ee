package mirror

import (
	"context"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// checkpointConfig is that of MirrorCheckpointConnector.
type checkpointConfig struct {
	config
	pollTimeout    time.Duration
	refreshEnabled bool
	refreshSeconds int64
	emit           bool
	emitSeconds    int64
	syncEnabled    bool // offsets of idle groups are written at the target
	syncSeconds    int64
	replication    int    // of the checkpoints topic
	location       string // of the offset-syncs topic: atSource or atTarget
}

// Define declares the properties.
func (c *checkpointConfig) Define(d *connect.ConfigDef) {
	c.config.Define(d)
	d.Millis(&c.pollTimeout, "consumer.poll.timeout.ms").Default(time.Second).Is(connect.Low).
		Doc("Timeout when polling source cluster.")
	d.List(new([]string), "groups").Default(everything).Is(connect.High).Check(connect.ListOf()).
		Doc("Consumer groups to replicate. Supports comma-separated group IDs and regexes.")
	d.List(new([]string), "groups.exclude").Default(excludedGroups).Is(connect.High).Check(connect.ListOf()).
		Doc("Exclude groups. Supports comma-separated group IDs and regexes. Excludes take precedence over includes.")
	d.ClassIn(new(string), "group.filter.class", oneClassOf(defaultGroupFilter)).Default(defaultGroupFilter).Is(connect.Low).
		Doc("GroupFilter to use. Selects consumer groups to replicate.")
	d.Boolean(&c.refreshEnabled, "refresh.groups.enabled").Default(true).Is(connect.Low).
		Doc("Whether to periodically check for new consumer groups.")
	d.Long(&c.refreshSeconds, "refresh.groups.interval.seconds").Default(600).Is(connect.Low).
		Doc("Frequency of group refresh.")
	d.Boolean(&c.emit, emitCheckpoints).Default(true).Is(connect.Low).
		Doc("Whether to replicate consumer offsets to target cluster.")
	d.Long(&c.emitSeconds, "emit.checkpoints.interval.seconds").Default(60).Is(connect.Low).
		Doc("Frequency of checkpoints.")
	d.Boolean(&c.syncEnabled, "sync.group.offsets.enabled").Default(false).Is(connect.Low).
		Doc("Whether to periodically write the translated offsets to __consumer_offsets topic in target cluster, as long as no active consumers " +
			"in that group are connected to the target cluster")
	d.Long(&c.syncSeconds, "sync.group.offsets.interval.seconds").Default(60).Is(connect.Low).
		Doc("Frequency of consumer group offset sync.")
	d.Short(&c.replication, "checkpoints.topic.replication.factor").Default(3).Is(connect.Low).
		Doc("Replication factor for checkpoints topic.")
	defineLocation(d, &c.location)
	d.ClassIn(new(string), "topic.filter.class", oneClassOf(defaultTopicFilter)).Default(defaultTopicFilter).Is(connect.Low).
		Doc("TopicFilter to use. Selects topics to replicate.")
	c.defineFormats(d, "MirrorCheckpointConnector", "source={SOURCE},target={TARGET},group={GROUP},topic={TOPIC},partition={PARTITION}")
	d.Prefixed(new(connect.Props), "topics", "topics and topics.exclude, as MirrorSourceConnector has them: groups count by what they consumed of these.")
	c.prefixes(d)
}

const (
	emitCheckpoints = "emit.checkpoints.enabled"
	emitSyncs       = "emit.offset-syncs.enabled"
)

func (c *checkpointConfig) parse(p connect.Props) error {
	c.props = p
	return connect.Parse(p, c)
}

func (c *checkpointConfig) emitEvery() time.Duration { return seconds(c.emit, c.emitSeconds) }
func (c *checkpointConfig) syncEvery() time.Duration { return seconds(c.syncEnabled, c.syncSeconds) }

func (c *checkpointConfig) refreshEvery() time.Duration {
	return seconds(c.refreshEnabled, c.refreshSeconds)
}

// checkpointTaskConfig is checkpointConfig with what Tasks adds.
type checkpointTaskConfig struct {
	checkpointConfig
	groups []string
}

// Define declares the properties of a task.
func (c *checkpointTaskConfig) Define(d *connect.ConfigDef) {
	c.checkpointConfig.Define(d)
	d.List(&c.groups, groupsProperty)
	d.Int(new(int), indexProperty).Default(-1)
}

func (c *checkpointTaskConfig) parse(p connect.Props) error {
	c.props = p
	return connect.Parse(p, c)
}

// checkCheckpoint refuses a connector that could do nothing, as Java does.
func checkCheckpoint(_ context.Context, p connect.Props, infos []connect.ConfigInfo) error {
	if p["enabled"] == "false" {
		return nil
	}
	if p[emitCheckpoints] == "false" {
		connect.ValueOf(infos, emitCheckpoints).Fail("MirrorCheckpointConnector can't run with emit.checkpoints.enabled set to false")
	}
	checkFilters(p, infos, "groups", "groups.exclude")
	if p[emitSyncs] == "false" {
		return connect.Blame(emitSyncs, "MirrorCheckpointConnector can't run without offset syncs")
	}
	return nil
}
