package worker

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// What a sink task's consumer calls when partitions come and go. The group waits
// for these callbacks, and they wait for the turn; an abandoned task has nothing
// to say and holds up nobody.

func (r *sinkRunner) assigned(_ context.Context, _ *kgo.Client, got map[string][]int32) {
	_ = r.locked(func() error {
		if r.finished {
			return nil
		}
		var parts []connect.TopicPartition
		for _, tp := range flatten(got) {
			if !r.owned[tp] {
				parts = append(parts, tp)
			}
			r.owned[tp] = true
			delete(r.seen, tp) // it is read anew, from what is committed
			delete(r.done, tp)
		}
		if len(parts) == 0 {
			return nil
		}
		r.metrics.Partitions(len(r.owned))
		r.log.Info("partitions assigned", "partitions", fmt.Sprint(parts))
		if t, ok := r.task.(connect.Rebalancer); ok && r.failed() == nil {
			if err := guarded("opening partitions", func() error { return t.Assigned(r.life, parts) }); err != nil {
				r.fail(asJava(err))
			}
		}
		if r.asked {
			r.wake()
		}
		return nil
	})
}

// positions learns where the consumer begins to read new partitions, and moves
// that to where the task wants it. The consumer calls it after assigned.
func (r *sinkRunner) positions(ctx context.Context, at map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	if !r.take(ctx) {
		return nil, context.Canceled
	}
	defer r.give()
	for topic, parts := range at {
		for p, o := range parts {
			tp := connect.TopicPartition{Topic: topic, Partition: p}
			if seek, wanted := r.seeks[tp]; wanted {
				r.placed[tp] = seek
				delete(r.seeks, tp)
			}
			if seek, wanted := r.placed[tp]; wanted {
				o = kgo.NewOffset().At(seek)
				parts[p] = o
			}
			if n := o.EpochOffset().Offset; n >= 0 {
				// The task is asked to commit it from now on, as Java's is,
				// whether there are records or not.
				r.done[tp], r.seen[tp] = n, n
			}
		}
	}
	return at, nil
}

func (r *sinkRunner) revoked(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	r.release(gone, true)
}

func (r *sinkRunner) lostPartitions(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	r.release(gone, false)
}

func (r *sinkRunner) release(gone map[string][]int32, commit bool) {
	_ = r.locked(func() error {
		parts := slices.DeleteFunc(flatten(gone), func(tp connect.TopicPartition) bool { return !r.owned[tp] })
		if r.finished || len(parts) == 0 {
			return nil
		}
		if err := r.releaseParts(parts, commit); err != nil {
			r.fail(asJava(err))
		}
		r.log.Info("partitions revoked", "partitions", fmt.Sprint(parts))
		return nil
	})
}

// releaseParts commits what the task has taken of partitions, unless they are
// lost already, and takes them from it.
func (r *sinkRunner) releaseParts(parts []connect.TopicPartition, commit bool) (err error) {
	if len(parts) == 0 {
		return nil
	}
	if commit {
		if upTo := r.taken(parts); len(upTo) > 0 {
			r.commitPartitions(r.life, upTo, false)
		}
	}
	if t, ok := r.task.(connect.Rebalancer); ok {
		err = guarded("closing partitions", func() error { return t.Revoked(r.life, parts) })
	}
	for _, tp := range parts {
		delete(r.owned, tp)
		delete(r.seen, tp)
		delete(r.done, tp)
		delete(r.seeks, tp)
		delete(r.placed, tp)
	}
	// What the task paused is not paused when it comes back.
	if cl := r.consumer.get(); cl != nil {
		cl.ResumeFetchPartitions(unflatten(parts))
	}
	r.batch = slices.DeleteFunc(r.batch, func(s connect.SinkRecord) bool { return !r.owned[*s.Original] })
	r.metrics.Partitions(len(r.owned))
	return err
}

// applySeeks moves the consumer. A partition of which the consumer has no
// position yet is moved when it has; records that come before that are skipped.
func (r *sinkRunner) applySeeks() {
	if len(r.seeks) == 0 {
		return
	}
	set := map[string]map[int32]kgo.EpochOffset{}
	for tp, at := range r.seeks {
		if !r.owned[tp] {
			r.log.Warn("the task wants to seek in a partition that it does not have; ignored", "topic", tp.Topic, "partition", tp.Partition)
			delete(r.seeks, tp)
			continue
		}
		if set[tp.Topic] == nil {
			set[tp.Topic] = map[int32]kgo.EpochOffset{}
		}
		set[tp.Topic][tp.Partition] = kgo.EpochOffset{Epoch: -1, Offset: at}
	}
	cl := r.consumer.get()
	cl.SetOffsets(set)
	now := cl.CommittedOffsets() // SetOffsets sets those of partitions that it has
	for tp, at := range r.seeks {
		if got, ok := now[tp.Topic][tp.Partition]; ok && got.Offset == at {
			r.seen[tp], r.done[tp] = at, at
			delete(r.seeks, tp)
		}
	}
}

func flatten(m map[string][]int32) []connect.TopicPartition {
	var out []connect.TopicPartition
	for topic, parts := range m {
		for _, p := range parts {
			out = append(out, connect.TopicPartition{Topic: topic, Partition: p})
		}
	}
	slices.SortFunc(out, cmpTP)
	return out
}

func unflatten(parts []connect.TopicPartition) map[string][]int32 {
	m := map[string][]int32{}
	for _, p := range parts {
		m[p.Topic] = append(m[p.Topic], p.Partition)
	}
	return m
}
