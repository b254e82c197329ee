package mirror

import (
	"context"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// A heartbeatConnector makes the heartbeats topic and has one task.
type heartbeatConnector struct {
	heartbeatConfig
	closers
}

func openHeartbeat(ctx context.Context, h connect.Host, p connect.Props) (connect.Connector, error) {
	c := &heartbeatConnector{}
	if err := c.parse(p); err != nil {
		return nil, err
	}
	cls := &clients{config: &c.config, name: h.Name(), log: h.Log()}
	target, err := cls.admin(atTarget, "heartbeats-target-admin")
	if err != nil {
		return nil, err
	}
	c.add(target.Close)
	s := &schedule{log: h.Log(), timeout: c.adminTimeout}
	create := func(ctx context.Context) error {
		return createCompacted(ctx, h.Log(), target, heartbeatsTopic, int16(c.replication))
	}
	if !s.now(ctx, "creating internal topics", create) {
		s.add(job{what: "creating internal topics", every: time.Minute, run: create, once: true}, time.Second)
	}
	s.start()
	c.add(s.stop)
	return c, nil
}

// Tasks returns one task, none when heartbeats are switched off.
func (c *heartbeatConnector) Tasks(context.Context, int) ([]connect.Props, error) {
	if c.every() < 0 {
		return nil, nil
	}
	return []connect.Props{c.props}, nil
}

// A heartbeatTask makes a heartbeat per interval.
type heartbeatTask struct {
	heartbeatConfig
	partition *connect.SourcePartition
}

func openHeartbeatTask(_ context.Context, _ connect.SourceHost, p connect.Props) (connect.SourceTask, error) {
	t := &heartbeatTask{}
	if err := t.parse(p); err != nil {
		return nil, err
	}
	var err error
	t.partition, err = connect.NewSourcePartition(connect.Object{sourceField: t.source, targetField: t.target})
	return t, err
}

// Poll waits for an interval and returns a heartbeat.
func (t *heartbeatTask) Poll(ctx context.Context, dst []connect.SourceRecord) ([]connect.SourceRecord, error) {
	timer := time.NewTimer(t.every())
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return dst, ctx.Err()
	case <-timer.C:
	}
	h := heartbeat{t.source, t.target, time.Now().UnixMilli()}
	return append(dst, ownRecord(heartbeatsTopic, t.partition, h.key(), h.value(), h.timestamp)), nil
}

// Close has nothing to release.
func (t *heartbeatTask) Close() error { return nil }

// ownRecord makes a record of one of MirrorMaker's own topics.
func ownRecord(topic string, source *connect.SourcePartition, key, value []byte, timestamp int64) connect.SourceRecord {
	r := connect.NewSourceRecord(topic, source, zero, data.Datum{Schema: bytesSchema, Value: data.Bin(key)}, data.Datum{Schema: bytesSchema, Value: data.Bin(value)})
	r.Partition, r.Timestamp = 0, timestamp
	return r
}

var (
	bytesSchema    = data.Of(data.Bytes)
	optionalSchema = data.OptionalOf(data.Bytes)
)
