// Package modbus polls coils and registers of Modbus TCP devices.
//
// The one idea: tags are compiled once into a plan, the fewest requests that
// the protocol's limits allow, and a poll carries out the plan and turns the
// answers into one record per device, or one per tag. A device that is off, or
// refuses an address, is reported once and tried again; it never fails the task.
//
// The package imports connect, data and the Modbus client, whose gaps client.go
// names and fills.
package modbus

import (
	"context"
	"maps"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Source polls devices.
var Source = connect.SourcePlugin{
	Class:        "millwright.modbus.ModbusSourceConnector",
	Version:      "1.0.0",
	Config:       func() connect.Configurable { return new(config) },
	Check:        checkTogether,
	Open:         openConnector,
	OpenTask:     openTask,
	ExactlyOnce:  unsupported, // what a device showed while nobody asked is gone
	AlterOffsets: alterOffsets,
}

func init() { connect.Register(Source) }

func unsupported(connect.Props) (connect.Support, error) { return connect.Unsupported, nil }

// Fields of source partitions and offsets. Nothing is resumed from them: they
// say when a device, or a tag of it, was last read.
const (
	deviceField = "device"
	tagField    = "tag" // of record.mode=tag
	tsField     = "ts"  // milliseconds since the epoch
)

type connector struct {
	config
	props connect.Props
}

func openConnector(_ context.Context, _ connect.Host, p connect.Props) (connect.Connector, error) {
	c := &connector{props: p}
	return c, c.read(p)
}

// Tasks deals the connections out: devices behind one address stay together,
// for many gateways serve one connection only.
func (c *connector) Tasks(_ context.Context, limit int) ([]connect.Props, error) {
	groups := byAddress(c.devices)
	tasks := make([]connect.Props, min(limit, len(groups)))
	for i := range tasks {
		lo, hi := i*len(groups)/len(tasks), (i+1)*len(groups)/len(tasks)
		var share []string
		for _, g := range groups[lo:hi] {
			for _, d := range g {
				share = append(share, d.spec())
			}
		}
		tasks[i] = maps.Clone(c.props)
		tasks[i][addressProperty] = strings.Join(share, ",")
	}
	return tasks, nil
}

// Close has nothing to release.
func (c *connector) Close() error { return nil }

// alterOffsets takes resets of anything, so that garbage can be removed, and
// otherwise what tasks write.
func alterOffsets(_ context.Context, _ connect.Props, offsets []connect.PartitionOffset) (bool, error) {
	for _, o := range offsets {
		if o.Offset == nil {
			continue
		}
		_, device := o.Partition[deviceField].(string)
		_, tag := o.Partition[tagField].(string)
		if n := len(o.Partition); !device || n > 2 || n == 2 && !tag {
			return false, connect.Failf("partition %v must be {%q: name} or {%q: name, %q: name}", o.Partition, deviceField, deviceField, tagField)
		}
		if n, ok := o.Offset[tsField].(int64); !ok || n < 0 || len(o.Offset) != 1 {
			return false, connect.Failf("offset %v must be {%q: n}, n being milliseconds since 1970; polling does not resume from it", o.Offset, tsField)
		}
	}
	return true, nil
}
