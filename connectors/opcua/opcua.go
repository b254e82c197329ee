// Package opcua reads values from OPC UA servers: PLCs, machines and gateways.
//
// A task keeps one session. A goroutine of its own, the device, connects, makes
// the subscription (or reads at an interval), and hands what comes to Poll
// through a short channel. When Poll does not take it, the device asks the
// server for no more, the server's queues fill, and what they drop is marked by
// the server, counted and logged: nothing gets lost in silence.
//
// The protocol is github.com/gopcua/opcua: its connection, secure channel and
// codec. Sessions and subscriptions are ours, because those of its Client lose
// data on reconnects; gopcua_test.go shows what is worked around and why.
//
// The package imports connect, data and gopcua only.
package opcua

import (
	"context"
	"strconv"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Source is the OPC UA source.
var Source = connect.SourcePlugin{
	Class:        "millwright.opcua.OpcUaSourceConnector",
	Version:      "1.0.0",
	Config:       func() connect.Configurable { return new(config) },
	Check:        check,
	Open:         openConnector,
	OpenTask:     openTask,
	ExactlyOnce:  func(connect.Props) (connect.Support, error) { return connect.Unsupported, nil },
	AlterOffsets: alterOffsets,
}

func init() { connect.Register(Source) }

// Fields of source partitions and offsets.
const (
	endpointField = "endpoint"
	nodeField     = "node"
	timeField     = "source_timestamp"
)

// Properties that tell a task its share of all nodes, when some are below browse.root.
const (
	indexProperty = "task.index"
	countProperty = "task.count"
)

type connector struct {
	config
	props connect.Props
}

func openConnector(_ context.Context, _ connect.Host, p connect.Props) (connect.Connector, error) {
	c := &connector{props: p}
	if err := connect.Parse(p, &c.config); err != nil {
		return nil, err
	}
	if err := c.finish(); err != nil {
		return nil, err
	}
	return c, nil
}

// Tasks deals the listed nodes out in runs of equal length. What is below
// browse.root is known to a running task only, so that a connector starts though
// the PLC is off; then each task takes its share of all nodes by number.
func (c *connector) Tasks(_ context.Context, limit int) ([]connect.Props, error) {
	n := limit
	if c.browseRoot == "" {
		n = min(limit, len(c.nodes))
	}
	tasks := make([]connect.Props, n)
	for i := range tasks {
		p := make(connect.Props, len(c.props)+2)
		for k, v := range c.props {
			p[k] = v
		}
		if c.browseRoot == "" {
			p[nodesProperty] = joinNodes(c.nodes[i*len(c.nodes)/n : (i+1)*len(c.nodes)/n])
		} else {
			p[indexProperty], p[countProperty] = strconv.Itoa(i), strconv.Itoa(n)
		}
		tasks[i] = p
	}
	return tasks, nil
}

// Close has nothing to release.
func (c *connector) Close() error { return nil }

// alterOffsets takes resets of anything, so that garbage can be removed, and
// otherwise what this connector writes.
func alterOffsets(_ context.Context, _ connect.Props, offsets []connect.PartitionOffset) (bool, error) {
	for _, o := range offsets {
		if o.Offset == nil {
			continue
		}
		_, endpoint := o.Partition[endpointField].(string)
		_, node := o.Partition[nodeField].(string)
		if !endpoint || !node || len(o.Partition) != 2 {
			return false, connect.Failf("partition %v must be {%q: url, %q: node id}", o.Partition, endpointField, nodeField)
		}
		text, ok := o.Offset[timeField].(string)
		if _, err := time.Parse(time.RFC3339Nano, text); !ok || err != nil || len(o.Offset) != 1 {
			return false, connect.Failf("offset %v must be {%q: time}, a time such as 2026-01-31T12:00:00.123Z", o.Offset, timeField)
		}
	}
	return true, nil
}
