package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// GroupOffsets returns what a consumer group has committed. A group that does
// not exist has committed nothing.
func (c *Cluster) GroupOffsets(ctx context.Context, group string) (map[connect.TopicPartition]int64, error) {
	var resp kadm.OffsetResponses
	err := c.persist(ctx, func(ctx context.Context) (err error) {
		if resp, err = c.adm.FetchOffsets(ctx, group); err == nil {
			err = resp.Error()
		}
		return err
	})
	if errors.Is(err, kerr.GroupIDNotFound) {
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the offsets of consumer group %s: %w", group, JavaError(err))
	}
	out := map[connect.TopicPartition]int64{}
	for topic, partitions := range resp {
		for p, o := range partitions {
			if o.At >= 0 {
				out[connect.TopicPartition{Topic: topic, Partition: p}] = o.At
			}
		}
	}
	return out, nil
}

// AlterGroupOffsets sets offsets of a sink connector's consumer group; a nil
// offset removes the partition's. Errors are Java's.
func (c *Cluster) AlterGroupOffsets(ctx context.Context, connector, group string, offsets map[connect.TopicPartition]*int64) error {
	set, remove := kadm.Offsets{}, kadm.TopicsSet{}
	for p, o := range offsets {
		if o == nil {
			remove.Add(p.Topic, p.Partition)
		} else {
			set.AddOffset(p.Topic, p.Partition, *o, -1)
		}
	}
	var err error
	if len(set) > 0 {
		err = c.persist(ctx, func(ctx context.Context) error { return c.adm.CommitAllOffsets(ctx, group, set) })
	}
	if err == nil && len(remove) > 0 {
		err = c.persist(ctx, func(ctx context.Context) error {
			resp, err := c.adm.DeleteOffsets(ctx, group, remove)
			if err == nil {
				err = resp.Error()
			}
			return err
		})
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.UnknownMemberID), errors.Is(err, kerr.GroupSubscribedToTopic):
		return failedWith(JavaError(err), "Failed to alter consumer group offsets for connector %s either because its tasks haven't stopped completely yet or the connector was resumed before the request to alter its offsets could be successfully completed. If the connector is in a stopped state, this operation can be safely retried. If it doesn't eventually succeed, the Connect cluster may need to be restarted to get rid of the zombie sink tasks.", connector)
	}
	return failedWith(JavaError(err), "Failed to alter consumer group offsets for connector %s", connector)
}

// DeleteGroup removes a sink connector's consumer group and so its offsets; one
// that is gone already is no error. Errors are Java's.
func (c *Cluster) DeleteGroup(ctx context.Context, connector, group string) error {
	err := c.persist(ctx, func(ctx context.Context) error {
		_, err := c.adm.DeleteGroup(ctx, group)
		return err
	})
	switch {
	case err == nil, errors.Is(err, kerr.GroupIDNotFound):
		return nil
	case errors.Is(err, kerr.NonEmptyGroup):
		return failedWith(JavaError(err), "Failed to reset consumer group offsets for connector %s either because its tasks haven't stopped completely yet or the connector was resumed before the request to reset its offsets could be successfully completed. If the connector is in a stopped state, this operation can be safely retried. If it doesn't eventually succeed, the Connect cluster may need to be restarted to get rid of the zombie sink tasks.", connector)
	}
	return failedWith(JavaError(err), "Failed to reset consumer group offsets for sink connector %s", connector)
}
