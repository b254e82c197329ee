package opcua

import (
	"context"
	"time"

	"github.com/gopcua/opcua/ua"
)

// poll reads all values at each interval until the connection ends. Intervals
// that pass while a read takes long, or records are not taken, are left out,
// counted and logged.
func (d *device) poll(ctx context.Context, l *link, resumed bool) error {
	var bad []badNode
	if d.set == nil || !resumed {
		var err error
		if d.set, bad, err = d.prepare(ctx, l); err != nil {
			return err
		}
	}
	nodes, refused, err := d.readable(ctx, l, d.set.nodes)
	if err != nil {
		return err
	}
	if err := d.report(append(bad, refused...)); err != nil {
		return err
	}
	d.ready = true
	tick := time.NewTicker(d.pollInterval)
	defer tick.Stop()
	retry := time.NewTicker(badRetry)
	defer retry.Stop()
	due := time.Now()
	for {
		began := time.Now()
		if skipped := began.Sub(due) / d.pollInterval; skipped > 0 {
			d.losses.cycles.Add(int64(skipped))
			d.log.Warn("polls were left out, for the server answers, or records are taken, too slowly", "endpoint", d.endpoint, "count", int64(skipped), "total", d.losses.cycles.Load())
		}
		due = began.Add(d.pollInterval)
		if err := d.readAll(ctx, l, nodes); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-retry.C:
			if len(refused) > 0 {
				if nodes, refused, err = d.readable(ctx, l, d.set.nodes); err != nil {
					return err
				}
			}
		case <-tick.C:
		}
	}
}

// readAll reads the nodes and hands on the values of each call.
func (d *device) readAll(ctx context.Context, l *link, nodes []*node) error {
	for len(nodes) > 0 {
		part := nodes[:min(d.set.limits.read, len(nodes))]
		what := make([]*ua.ReadValueID, len(part))
		for i, n := range part {
			what[i] = valueOf(n.id)
		}
		values, err := d.read(ctx, l, d.set.limits.read, ua.TimestampsToReturnBoth, what)
		if err != nil {
			return err
		}
		readings := make([]reading, len(part))
		for i, n := range part {
			readings[i] = reading{n, values[i]}
		}
		if err := d.hand(readings); err != nil {
			return err
		}
		nodes = nodes[len(part):]
	}
	return nil
}

// readable parts the nodes into those that the server gives and those that it
// never will.
func (d *device) readable(ctx context.Context, l *link, nodes []*node) (good []*node, bad []badNode, err error) {
	what := make([]*ua.ReadValueID, len(nodes))
	for i, n := range nodes {
		what[i] = valueOf(n.id)
	}
	values, err := d.read(ctx, l, d.set.limits.read, ua.TimestampsToReturnNeither, what)
	if err != nil {
		return nil, nil, err
	}
	for i, n := range nodes {
		switch code := values[i].Status; code {
		case ua.StatusBadNodeIDUnknown, ua.StatusBadNodeIDInvalid, ua.StatusBadAttributeIDInvalid, ua.StatusBadNotReadable, ua.StatusBadUserAccessDenied:
			bad = append(bad, badStatus(n, code))
		default:
			good = append(good, n)
		}
	}
	return good, bad, nil
}
