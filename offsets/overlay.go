package offsets

import (
	"context"
	"log/slog"
	"maps"
	"slices"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// An Overlay is the offsets of a connector that has an offsets topic of its
// own (KIP-618): its own topic goes first, the worker's is read where that has
// nothing, and is written to after it, so that the connector finds its offsets
// when it gives its topic up.
type Overlay struct {
	Own, Worker *Store
	Log         *slog.Logger
}

// Sync returns when both topics have been read to their ends.
func (o *Overlay) Sync(ctx context.Context) error {
	if err := o.Worker.Sync(ctx); err != nil {
		return err
	}
	return o.Own.Sync(ctx)
}

// Offset returns the offset of a partition in the connector's own topic or,
// if there is none, in the worker's.
func (o *Overlay) Offset(connector string, partition connect.Object) (connect.Object, error) {
	offset, err := o.Own.Offset(connector, partition)
	if err != nil || offset != nil {
		return offset, err
	}
	return o.Worker.Offset(connector, partition)
}

// Offsets returns all partitions of a connector in either topic.
func (o *Overlay) Offsets(connector string) []connect.PartitionOffset {
	all := map[string]connect.PartitionOffset{}
	for _, s := range []*Store{o.Worker, o.Own} {
		for _, p := range s.Offsets(connector) {
			id, err := identity(p.Partition)
			if err != nil { // never: the partition was read from JSON
				continue
			}
			if p.Offset != nil || all[id].Offset == nil {
				all[id] = p
			}
		}
	}
	list := make([]connect.PartitionOffset, 0, len(all))
	for _, id := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[id])
	}
	return list
}

// Records returns the records for the connector's own topic.
func (o *Overlay) Records(connector string, changes ...connect.PartitionOffset) ([]KV, error) {
	return o.Own.Records(connector, changes...)
}

// Set writes offsets to the connector's own topic and then to the worker's.
// That the second may fail is logged only. Resets go the other way round and
// may not: a reset that reached the own topic only would bring back the
// worker's older offset.
func (o *Overlay) Set(ctx context.Context, connector string, changes ...connect.PartitionOffset) error {
	if err := o.ResetWorker(ctx, connector, changes...); err != nil {
		return err
	}
	if err := o.Own.Set(ctx, connector, changes...); err != nil {
		return err
	}
	o.CopyToWorker(ctx, connector, changes...)
	return nil
}

// ResetWorker does what of Set goes before a write to the connector's own
// topic. It and CopyToWorker are for exactly-once tasks, which write Records
// to that topic in a transaction of their own.
func (o *Overlay) ResetWorker(ctx context.Context, connector string, changes ...connect.PartitionOffset) error {
	return o.Worker.Set(ctx, connector, split(changes, true)...)
}

// CopyToWorker does what of Set goes after it.
func (o *Overlay) CopyToWorker(ctx context.Context, connector string, changes ...connect.PartitionOffset) {
	if err := o.Worker.Set(ctx, connector, split(changes, false)...); err != nil {
		o.Log.Warn("failed to copy offsets to the worker's offsets topic", "connector", connector, "error", err)
	}
}

func split(changes []connect.PartitionOffset, resets bool) []connect.PartitionOffset {
	var list []connect.PartitionOffset
	for _, c := range changes {
		if (c.Offset == nil) == resets {
			list = append(list, c)
		}
	}
	return list
}
