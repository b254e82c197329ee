package main

import (
	"context"
	"sync"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Points where plugins block, in Java's words.
const (
	connectorInitialize = "Connector::initialize"
	connectorConfig     = "Connector::config"
	connectorValidate   = "Connector::validate"
	sinkInitialize      = "SinkTask::initialize"
	sourceInitialize    = "SourceTask::initialize"
)

// blocks holds the plugins that hang, until the test lets them go.
type blocks struct {
	c  *channel
	mu sync.Mutex
	on chan struct{} // closed to let all go
}

func newBlocks(c *channel) *blocks { return &blocks{c: c, on: make(chan struct{})} }

// release lets all go that hang.
func (b *blocks) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.on)
	b.on = make(chan struct{})
}

// A block is the point where one plugin hangs.
type block struct {
	b  *blocks
	at string
}

// arm tells the test that a plugin is there that will hang somewhere.
func (b *blocks) arm(at string) block {
	b.c.tell(event{Kind: "block.armed"})
	return block{b, at}
}

// reach hangs, whatever contexts say, when one of the points is the one.
func (k block) reach(points ...string) {
	for _, p := range points {
		if p != k.at {
			continue
		}
		k.b.mu.Lock()
		on := k.b.on
		k.b.mu.Unlock()
		k.b.c.tell(event{Kind: "block.hit"})
		<-on
	}
}

// blockConfig is the one property of the blocking plugins.
type blockConfig struct{ at string }

// Define declares the property.
func (c *blockConfig) Define(d *connect.ConfigDef) {
	d.String(&c.at, "block").Default("").Is(connect.Medium).Doc("Where to block")
}

func blockProperty() connect.Configurable { return new(blockConfig) }

func (b *blocks) plugins() []any {
	const outer = integration + "BlockingConnectorTest$"
	connector := func(class, fixed string) connect.SourcePlugin {
		p := connect.SourcePlugin{
			Class: outer + class, Version: "0.0.0", Config: blockProperty,
			Open: func(_ context.Context, _ connect.Host, p connect.Props) (connect.Connector, error) {
				if fixed == connectorInitialize {
					b.arm(fixed).reach(fixed)
				}
				k := b.arm(p["block"])
				k.reach(connectorInitialize, "Connector::initializeWithTaskConfigs", "Connector::start")
				return hangingConnector{k}, nil
			},
			OpenTask: func(context.Context, connect.SourceHost, connect.Props) (connect.SourceTask, error) {
				return silent{}, nil
			},
		}
		switch fixed {
		case connectorConfig:
			p.Config = func() connect.Configurable {
				b.arm(fixed).reach(fixed)
				return new(blockConfig)
			}
		case connectorValidate:
			p.Check = func(context.Context, connect.Props, []connect.ConfigInfo) error {
				b.arm(fixed).reach(fixed)
				return nil
			}
		}
		return p
	}
	source := func(class, fixed string) connect.SourcePlugin {
		return connect.SourcePlugin{
			Class: outer + class, Version: "0.0.0", Config: blockProperty,
			Open: func(_ context.Context, _ connect.Host, p connect.Props) (connect.Connector, error) {
				return sameTasks{p}, nil
			},
			OpenTask: func(_ context.Context, _ connect.SourceHost, p connect.Props) (connect.SourceTask, error) {
				if fixed != "" {
					b.arm(fixed).reach(fixed)
				}
				k := b.arm(p["block"])
				k.reach(sourceInitialize, "Task::start")
				return hangingSource{k}, nil
			},
		}
	}
	sink := func(class, fixed string) connect.SinkPlugin {
		return connect.SinkPlugin{
			Class: outer + class, Version: "0.0.0", Config: blockProperty,
			OpenTask: func(_ context.Context, _ connect.SinkHost, p connect.Props) (connect.SinkTask, error) {
				if fixed != "" {
					b.arm(fixed).reach(fixed)
				}
				k := b.arm(p["block"])
				k.reach(sinkInitialize, "Task::start")
				return hangingSink{k}, nil
			},
		}
	}
	return []any{
		connector("BlockingConnector", ""),
		connector("InitializeBlockingConnector", connectorInitialize),
		connector("ConfigBlockingConnector", connectorConfig),
		connector("ValidateBlockingConnector", connectorValidate),
		source("BlockingSourceConnector", ""),
		source("TaskInitializeBlockingSourceConnector", sourceInitialize),
		sink("BlockingSinkConnector", ""),
		sink("TaskInitializeBlockingSinkConnector", sinkInitialize),
	}
}

type hangingConnector struct{ k block }

// Tasks may hang.
func (c hangingConnector) Tasks(context.Context, int) ([]connect.Props, error) {
	c.k.reach("Connector::taskClass", "Connector::taskConfigs")
	return []connect.Props{{}}, nil
}

// Close may hang.
func (c hangingConnector) Close() error {
	c.k.reach("Connector::stop")
	return nil
}

// sameTasks gives every task the connector's properties.
type sameTasks struct{ props connect.Props }

// Tasks returns as many tasks as there may be.
func (s sameTasks) Tasks(_ context.Context, most int) ([]connect.Props, error) {
	tasks := make([]connect.Props, most)
	for i := range tasks {
		tasks[i] = s.props
	}
	return tasks, nil
}

// Close does nothing.
func (sameTasks) Close() error { return nil }

// A silent source never has a record.
type silent struct{}

// Poll waits to be ended.
func (silent) Poll(ctx context.Context, dst []connect.SourceRecord) ([]connect.SourceRecord, error) {
	<-ctx.Done()
	return dst, nil
}

// Close does nothing.
func (silent) Close() error { return nil }

type hangingSource struct{ k block }

// Poll may hang.
func (t hangingSource) Poll(ctx context.Context, dst []connect.SourceRecord) ([]connect.SourceRecord, error) {
	t.k.reach("SourceTask::poll")
	return silent{}.Poll(ctx, dst)
}

// Commit may hang.
func (t hangingSource) Commit(context.Context) error {
	t.k.reach("SourceTask::commit")
	return nil
}

// CommitRecord may hang.
func (t hangingSource) CommitRecord(*connect.SourceRecord, connect.Metadata) error {
	t.k.reach("SourceTask::commitRecordWithMetadata", "SourceTask::commitRecord")
	return nil
}

// Close may hang.
func (t hangingSource) Close() error {
	t.k.reach("Task::stop")
	return nil
}

type hangingSink struct{ k block }

// Put may hang.
func (t hangingSink) Put(context.Context, []connect.SinkRecord) error {
	t.k.reach("SinkTask::put")
	return nil
}

// PreCommit may hang.
func (t hangingSink) PreCommit(_ context.Context, upTo map[connect.TopicPartition]int64) (map[connect.TopicPartition]int64, error) {
	t.k.reach("SinkTask::preCommit", "SinkTask::flush")
	return upTo, nil
}

// Assigned may hang.
func (t hangingSink) Assigned(context.Context, []connect.TopicPartition) error {
	t.k.reach("SinkTask::open", "SinkTask::onPartitionsAssigned")
	return nil
}

// Revoked may hang.
func (t hangingSink) Revoked(context.Context, []connect.TopicPartition) error {
	t.k.reach("SinkTask::close", "SinkTask::onPartitionsRevoked")
	return nil
}

// Close may hang.
func (t hangingSink) Close() error {
	t.k.reach("Task::stop")
	return nil
}
