// Package datagen makes up the readings of a plant: machines with sensors
// whose values wander as temperatures and pressures do. It is for demos, load
// tests and trying out sinks.
//
// A reading is a pure function of seed, machine and sequence number, so a run
// can be repeated to the bit and resumes at any offset without keeping state.
//
// The package imports connect and data only.
package datagen

import (
	"context"
	"strconv"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Source is the generator.
var Source = connect.SourcePlugin{
	Class:           "millwright.datagen.DatagenSourceConnector",
	Version:         "1.0.0",
	Config:          func() connect.Configurable { return new(config) },
	Open:            openConnector,
	OpenTask:        openTask,
	ExactlyOnce:     func(connect.Props) (connect.Support, error) { return connect.Supported, nil },
	OwnTransactions: func(connect.Props) (connect.Support, error) { return connect.Supported, nil },
	AlterOffsets:    alterOffsets,
}

func init() { connect.Register(Source) }

// Fields of source partitions and offsets.
const (
	machineField = "machine"
	seqField     = "seq" // of the next reading
)

// Properties that tell a task its share of the machines.
const (
	firstProperty = "task.first"
	countProperty = "task.machines"
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
	return c, nil
}

// Tasks deals the machines out in runs of equal length.
func (c *connector) Tasks(_ context.Context, limit int) ([]connect.Props, error) {
	tasks := make([]connect.Props, min(limit, c.machines))
	for i := range tasks {
		lo, hi := i*c.machines/len(tasks), (i+1)*c.machines/len(tasks)
		p := make(connect.Props, len(c.props)+2)
		for k, v := range c.props {
			p[k] = v
		}
		p[firstProperty], p[countProperty] = strconv.Itoa(lo), strconv.Itoa(hi-lo)
		tasks[i] = p
	}
	return tasks, nil
}

// Close has nothing to release.
func (c *connector) Close() error { return nil }

// alterOffsets takes resets of anything, so that garbage can be removed, and
// otherwise what a task can resume from.
func alterOffsets(_ context.Context, _ connect.Props, offsets []connect.PartitionOffset) (bool, error) {
	for _, o := range offsets {
		if o.Offset == nil {
			continue
		}
		if _, ok := o.Partition[machineField].(string); !ok || len(o.Partition) != 1 {
			return false, connect.Failf("partition %v must be {%q: name}, such as {%q: %q}", o.Partition, machineField, machineField, machineName(0))
		}
		if n, ok := o.Offset[seqField].(int64); !ok || n < 0 || len(o.Offset) != 1 {
			return false, connect.Failf("offset %v must be {%q: n}, n being the whole number, 0 or more, of the next reading", o.Offset, seqField)
		}
	}
	return true, nil
}
