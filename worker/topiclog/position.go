package topiclog

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A gap is the part of a partition that is known to exist and is not applied.
type gap struct {
	partition int32
	from, to  int64
}

// behind returns the partitions that are not applied up to ends.
func (l *Log) behind(ends map[int32]int64) []gap {
	l.mu.Lock()
	defer l.mu.Unlock()
	var gaps []gap
	for p, end := range ends {
		if n := l.next[p]; n < end {
			gaps = append(gaps, gap{p, n, end})
		}
	}
	return gaps
}

// await waits until Run has applied all below ends.
func (l *Log) await(ctx context.Context, ends map[int32]int64) error {
	for began := time.Now(); ; {
		l.mu.Lock()
		moved, done := l.moved, l.done
		l.mu.Unlock()
		gaps := l.behind(ends)
		if len(gaps) == 0 {
			return nil
		}
		if done != nil {
			return done
		}
		if l.cfg.ReadCommitted && time.Since(began) > openTooLong && l.warn("waiting for a transaction to end that somebody may have left open: nothing behind it can be read",
			"partition", gaps[0].partition, "offset", gaps[0].from, "end", gaps[0].to) && l.cfg.Blocked != nil {
			l.cfg.Blocked(ctx)
		}
		stalled := time.NewTimer(stallCheck)
		select {
		case <-ctx.Done():
			stalled.Stop()
			return context.Cause(ctx)
		case <-moved:
		case <-stalled.C:
			l.probe(ctx, gaps)
		}
		stalled.Stop()
	}
}

// ends returns the end of each partition, as readers see it.
func (l *Log) ends(ctx context.Context) (map[int32]int64, error) {
	if l.cfg.ReadCommitted {
		return l.offsets(ctx, l.adm.ListCommittedOffsets)
	}
	return l.offsets(ctx, l.adm.ListEndOffsets)
}

// syncEnds returns the ends that Sync reads to.
func (l *Log) syncEnds(ctx context.Context) (map[int32]int64, error) {
	if l.cfg.AwaitOpen {
		return l.offsets(ctx, l.adm.ListEndOffsets)
	}
	return l.ends(ctx)
}

// offsets asks for one offset of each partition until all have answered.
func (l *Log) offsets(ctx context.Context, list func(context.Context, ...string) (kadm.ListedOffsets, error)) (map[int32]int64, error) {
	var waited, wait time.Duration = 0, 50 * time.Millisecond
	for {
		listed, err := list(ctx, l.cfg.Topic)
		offsets := make(map[int32]int64)
		for _, o := range listed[l.cfg.Topic] {
			if o.Err != nil {
				err = o.Err
				if o.Partition >= 0 { // kadm says -1 for the topic
					err = fmt.Errorf("partition %d: %w", o.Partition, err)
				}
				break
			}
			offsets[o.Partition] = o.Offset
		}
		switch {
		case ctx.Err() != nil && err != nil:
			return nil, fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err == nil && len(offsets) > 0:
			return offsets, nil
		case err != nil && permanent(err):
			return nil, err
		case err == nil, errors.Is(err, kerr.UnknownTopicOrPartition):
			if waited >= lookupTimeout {
				return nil, errors.New("no broker knows the topic: it does not exist, or this client may not see it")
			}
		default:
			l.warn("asking for the topic's offsets is being retried", "error", err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		waited += wait
		wait = min(2*wait, time.Second)
	}
}

// check asks whether the topic is still the one that was opened. One that was
// deleted is waited for, as Java does: what was read of it still holds, for
// what runs and for whoever is to write it down again. Another one of its name
// is another matter.
func (l *Log) check(ctx context.Context) error {
	topics, err := l.adm.ListTopics(ctx, l.cfg.Topic)
	if err != nil {
		return nil //nolint:nilerr // no broker answers: poll will have more to say
	}
	topic := topics[l.cfg.Topic]
	if errors.Is(topic.Err, kerr.UnknownTopicOrPartition) {
		l.warn("the topic seems to have been deleted: what was read of it is kept, and nothing can be written", "error", topic.Err)
		return nil
	}
	if none := (kadm.TopicID{}); topic.Err == nil && topic.ID != l.id && topic.ID != none && l.id != none {
		return fmt.Errorf("%w: it has another id", ErrTruncated)
	}
	return nil
}

// probe looks into gaps that no record has come from for a while. Compaction
// may have removed the last records of a partition, and what is left behind,
// batches without records or nothing at all, never reaches poll. Such gaps are
// closed here. Errors are left to poll, which meets the same ones.
func (l *Log) probe(ctx context.Context, gaps []gap) {
	topics, err := l.adm.ListTopics(ctx, l.cfg.Topic)
	if err != nil {
		return
	}
	topic := topics[l.cfg.Topic]
	for _, g := range gaps {
		leader := topic.Partitions[g.partition].Leader
		if leader < 0 || topic.Err != nil {
			continue
		}
		req := kmsg.NewPtrFetchRequest()
		req.MaxBytes = 1 << 20
		req.SessionEpoch = -1 // no fetch session
		if l.cfg.ReadCommitted {
			req.IsolationLevel = 1
		}
		rt := kmsg.NewFetchRequestTopic()
		rt.Topic, rt.TopicID = l.cfg.Topic, topic.ID
		rp := kmsg.NewFetchRequestTopicPartition()
		rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = g.partition, g.from, 1<<20
		rt.Partitions = append(rt.Partitions, rp)
		req.Topics = append(req.Topics, rt)
		resp, err := req.RequestWith(ctx, l.cl.Broker(int(leader)))
		if err != nil || resp.ErrorCode != 0 || len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
			continue
		}
		p := resp.Topics[0].Partitions[0]
		if p.ErrorCode != 0 {
			continue
		}
		known := p.HighWatermark
		if l.cfg.ReadCommitted {
			known = p.LastStableOffset
		}
		if next, empty := skipEmpty(p.RecordBatches, g.from); empty {
			if len(p.RecordBatches) == 0 && known >= g.to {
				next = g.to
			}
			l.move(g.partition, next)
		}
	}
}

// skipEmpty walks the heads of record batches (of format 2; older ones count
// as full) and returns the offset after the last, and whether none of them
// holds a record that a reader at offset from has not had.
func skipEmpty(batches []byte, from int64) (next int64, empty bool) {
	const (
		lengthAt, magicAt, lastDeltaAt, countAt = 8, 16, 23, 57
		head                                    = 61
	)
	next = from
	for len(batches) >= head {
		base := int64(binary.BigEndian.Uint64(batches))
		last := base + int64(int32(binary.BigEndian.Uint32(batches[lastDeltaAt:])))
		count := int32(binary.BigEndian.Uint32(batches[countAt:]))
		// A batch that begins below from was read whole when its first
		// record was: what it ends with is not there any more.
		if batches[magicAt] != 2 || (base >= from && count > 0) {
			return next, false
		}
		next = max(next, last+1)
		size := lengthAt + 4 + int64(int32(binary.BigEndian.Uint32(batches[lengthAt:])))
		if size < head || size > int64(len(batches)) {
			break
		}
		batches = batches[size:]
	}
	return next, true
}
