package file

import "github.com/millwright-connect/millwright/connectors/connect"

// Properties of both connectors; they have Java's names and, since the REST
// API shows them, its order, importance and help texts.
const (
	fileProperty  = "file"
	topicProperty = "topic"
	batchProperty = "batch.size"
)

const defaultBatch = 2000

type sourceConfig struct {
	path  string // empty: standard input
	topic string
	batch int // records per poll; below 1 as 1, which Java's takes too
}

// Define declares the properties of the source.
func (c *sourceConfig) Define(d *connect.ConfigDef) {
	d.String(&c.path, fileProperty).OrNone().Is(connect.High).Order(-1).
		Doc("Source filename. If not specified, the standard input will be used")
	d.String(&c.topic, topicProperty).Is(connect.High).Order(-1).Check(connect.NonEmpty()).
		Doc("The topic to publish data to")
	d.Int(&c.batch, batchProperty).Default(defaultBatch).Is(connect.Low).Order(-1).
		Doc("The maximum number of records the source task can read from the file each time it is polled")
}

type sinkConfig struct {
	path string // empty: standard output
}

// Define declares the properties of the sink.
func (c *sinkConfig) Define(d *connect.ConfigDef) {
	d.String(&c.path, fileProperty).OrNone().Is(connect.High).Order(-1).
		Doc("Destination filename. If not specified, the standard output will be used")
}
