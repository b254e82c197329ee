// Package file reads lines of a text file into a topic, and writes records as
// lines of one. Both connectors carry the class names, properties, offsets and
// messages of Apache Kafka's connect-file.
//
// The source treats the file as a stream that only grows: it reads large
// blocks, cuts lines out of them without copying, and gives each record the
// position after its line, counted in UTF-16 code units as Java does. The sink
// appends one line per record.
//
// The package imports connect and data only.
package file

import "github.com/millwright-connect/millwright/connectors/connect"

// version is Apache Kafka's: tools compare it.
const version = "4.3.1"

// Source is the file source.
var Source = connect.SourcePlugin{
	Class:        "org.apache.kafka.connect.file.FileStreamSourceConnector",
	Version:      version,
	Config:       func() connect.Configurable { return new(sourceConfig) },
	Open:         openSource,
	OpenTask:     openSourceTask,
	ExactlyOnce:  exactlyOnce,
	AlterOffsets: alterSourceOffsets,
}

// Sink is the file sink.
var Sink = connect.SinkPlugin{
	Class:        "org.apache.kafka.connect.file.FileStreamSinkConnector",
	Version:      version,
	Config:       func() connect.Configurable { return new(sinkConfig) },
	Open:         openSink,
	OpenTask:     openSinkTask,
	AlterOffsets: alterSinkOffsets,
}

func init() { connect.Register(Source, Sink) }
