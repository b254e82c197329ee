// Package mirror copies topics from one Kafka cluster to another: Apache Kafka's
// MirrorMaker 2 as three connectors. MirrorSourceConnector copies records, and
// topics' settings and access rules; MirrorCheckpointConnector translates the
// offsets of consumer groups, so that they can go on at the other cluster;
// MirrorHeartbeatConnector shows that the way is open.
//
// Names, properties, topics and records are Java's, so each can take over from
// Java's, and Java's tools and consumers read what they write.
//
// The package imports connect, data, Java's regular expressions, franz-go, and
// of the worker what is no more than Kafka: worker/kafka, which reads the
// settings of clients as Java does, and worker/topiclog, which follows a topic.
package mirror

import "github.com/millwright-connect/millwright/connectors/connect"

const version = "4.3.1" // of Apache Kafka, whose connectors these are

// Source is MirrorSourceConnector.
var Source = connect.SourcePlugin{
	Class:        javaPackage + "MirrorSourceConnector",
	Version:      version,
	Config:       func() connect.Configurable { return new(sourceConfig) },
	Check:        checkSource,
	Open:         openSource,
	OpenTask:     openSourceTask,
	ExactlyOnce:  exactlyOnce,
	AlterOffsets: alterOffsets(true, false, clusterField, topicField),
}

// Heartbeat is MirrorHeartbeatConnector.
var Heartbeat = connect.SourcePlugin{
	Class:        javaPackage + "MirrorHeartbeatConnector",
	Version:      version,
	Config:       func() connect.Configurable { return new(heartbeatConfig) },
	Open:         openHeartbeat,
	OpenTask:     openHeartbeatTask,
	AlterOffsets: alterOffsets(false, true, sourceField, targetField),
}

// Checkpoint is MirrorCheckpointConnector.
var Checkpoint = connect.SourcePlugin{
	Class:        javaPackage + "MirrorCheckpointConnector",
	Version:      version,
	Config:       func() connect.Configurable { return new(checkpointConfig) },
	Check:        checkCheckpoint,
	Open:         openCheckpoint,
	OpenTask:     openCheckpointTask,
	AlterOffsets: alterOffsets(true, true, groupField, topicField),
}

func init() { connect.Register(Source, Checkpoint, Heartbeat) }
