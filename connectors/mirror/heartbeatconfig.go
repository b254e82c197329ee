package mirror

import (
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// heartbeatConfig is that of MirrorHeartbeatConnector.
type heartbeatConfig struct {
	config
	emit        bool
	emitSeconds int64
	replication int // of the heartbeats topic
}

// Define declares the properties.
func (c *heartbeatConfig) Define(d *connect.ConfigDef) {
	c.config.Define(d)
	d.Boolean(&c.emit, "emit.heartbeats.enabled").Default(true).Is(connect.Low).Doc("Whether to emit heartbeats to target cluster.")
	d.Long(&c.emitSeconds, "emit.heartbeats.interval.seconds").Default(1).Is(connect.Low).Doc("Frequency of heartbeats.")
	d.Short(&c.replication, "heartbeats.topic.replication.factor").Default(3).Is(connect.Low).Doc("Replication factor for heartbeats topic.")
	c.prefixes(d)
}

func (c *heartbeatConfig) parse(p connect.Props) error {
	c.props = p
	return connect.Parse(p, c)
}

func (c *heartbeatConfig) every() time.Duration { return seconds(c.emit, c.emitSeconds) }
