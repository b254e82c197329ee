package main

import (
	"context"
	"errors"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// plugins are the ones that Apache Kafka's tests name, on top of those that
// ship. A class that cannot be made in Java (an abstract one, one whose
// constructor throws) is not there.
func plugins(c *channel, b *blocks) []any {
	const (
		validation = integration + "ConnectorValidationIntegrationTest$"
		single     = validation + "TestConverterWithSinglePropertyConfigDef"
		undefined  = validation + "TestConverterWithNoConfigDef"
	)
	oneProperty := func() connect.Configurable { return new(oneBoolean) }
	return append([]any{
		c.source("TestableSourceConnector"),
		monitoredSource(c.source("MonitorableSourceConnector")),
		c.sink("TestableSinkConnector", false),
		monitoredSink(c.sink("MonitorableSinkConnector", false)),
		c.sink("ErrantRecordSinkConnector", true),
		naughty,
		emptyTasks,
		innocuous,
		connect.TransformPlugin{
			Class: integration + "ErrorHandlingIntegrationTest$FaultyPassthrough", Version: "1.0", Config: noProperties,
			Open: func(connect.Props) (connect.Transform, error) { return new(faulty), nil },
		},
		connect.ConverterPlugin{Class: single, Config: oneProperty, Open: openNull},
		connect.HeaderConverterPlugin{Class: single, Config: oneProperty, Open: openNullHeader},
		connect.ConverterPlugin{Class: undefined, Open: openNull},
		connect.HeaderConverterPlugin{Class: undefined, Open: openNullHeader},
	}, b.plugins()...)
}

// naughty writes to the topic of its own offsets in every poll.
var naughty = connect.SourcePlugin{
	Class: integration + "ExactlyOnceSourceIntegrationTest$NaughtyConnector", Version: "none", Config: noProperties,
	Open: func(_ context.Context, _ connect.Host, p connect.Props) (connect.Connector, error) {
		return sameTasks{p}, nil
	},
	OpenTask: func(_ context.Context, h connect.SourceHost, p connect.Props) (connect.SourceTask, error) {
		topic, ok := p["offsets.storage.topic"]
		if !ok {
			return nil, connect.Failf("No offsets topic")
		}
		nowhere, err := connect.NewSourcePartition(connect.Object{"": nil})
		return naughtyTask{h, topic, nowhere}, err
	},
}

type naughtyTask struct {
	host    connect.SourceHost
	topic   string
	nowhere *connect.SourcePartition
}

// Poll reads the offsets and returns a record for their topic.
func (t naughtyTask) Poll(ctx context.Context, dst []connect.SourceRecord) ([]connect.SourceRecord, error) {
	if _, err := t.host.Offset(ctx, t.nowhere); err != nil {
		return dst, err
	}
	return append(dst, connect.NewSourceRecord(t.topic, nil, nil, data.Datum{Value: data.Str("")}, data.Datum{})), nil
}

// Close does nothing.
func (naughtyTask) Close() error { return nil }

// emptyTasks has tasks without properties.
var emptyTasks = connect.SinkPlugin{
	Class: integration + "ConnectWorkerIntegrationTest$EmptyTaskConfigsConnector", Version: "0.0", Config: noProperties,
	Open: func(context.Context, connect.Host, connect.Props) (connect.Connector, error) {
		return sameTasks{connect.Props{}}, nil
	},
	OpenTask: func(context.Context, connect.SinkHost, connect.Props) (connect.SinkTask, error) {
		return nothing{}, nil
	},
}

// innocuous is the sink that tests of bad converters use.
var innocuous = connect.SinkPlugin{
	Class: "test.plugins.InnocuousSinkConnector", Version: "0.0.0", Config: noProperties,
	OpenTask: func(context.Context, connect.SinkHost, connect.Props) (connect.SinkTask, error) {
		return nothing{}, nil
	},
}

// A nothing sink does nothing.
type nothing struct{}

// Put does nothing.
func (nothing) Put(context.Context, []connect.SinkRecord) error { return nil }

// Close does nothing.
func (nothing) Close() error { return nil }

// A faulty transform lets one value pass at the second try and another never.
type faulty struct{ tried bool }

// Apply passes a record on.
func (f *faulty) Apply(r *connect.Record) (bool, error) {
	if r.Value.Value.Kind() != data.String {
		return true, nil
	}
	switch s := r.Value.Value.Str(); {
	case s == "value-4" && !f.tried:
		f.tried = true
		return false, connect.Retry(errors.New("Error when value='value-4'. A reattempt with this record will succeed."), 0)
	case s == "value-7":
		return false, connect.Retry(errors.New("Error when value='value-7'"), 0)
	}
	return true, nil
}

// oneBoolean is a definition to get wrong.
type oneBoolean struct{ prop bool }

// Define declares the property.
func (c *oneBoolean) Define(d *connect.ConfigDef) { d.Boolean(&c.prop, "prop").Is(connect.High) }

// null converts everything to nothing.
type null struct{}

func openNull(connect.Props, bool) (connect.Converter, error)       { return null{}, nil }
func openNullHeader(connect.Props) (connect.HeaderConverter, error) { return null{}, nil }

// Encode returns a null.
func (null) Encode([]byte, string, []connect.Header, data.Datum) ([]byte, error) { return nil, nil }

// Decode returns a null.
func (null) Decode(string, []connect.Header, []byte) (data.Datum, error) { return data.Datum{}, nil }

// EncodeHeader returns a null.
func (null) EncodeHeader([]byte, string, string, data.Datum) ([]byte, error) { return nil, nil }

// DecodeHeader returns a null.
func (null) DecodeHeader(string, string, []byte) (data.Datum, error) { return data.Datum{}, nil }
