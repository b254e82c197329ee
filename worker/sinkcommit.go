package worker

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// commit flushes the task and commits what it says may be committed. When the
// task cannot flush it may have lost what it was given, so that is read again; a
// commit that fails is made up for by the next, as offsets only grow.
func (r *sinkRunner) commit(ctx context.Context) {
	r.asked = false
	r.commitAt = time.Now().Add(r.w.settings.OffsetFlushInterval)
	if len(r.seen) == 0 {
		return
	}
	upTo := maps.Clone(r.seen)
	r.uncount(upTo)
	r.commitPartitions(ctx, upTo, true)
}

// taken returns how far the task has taken the records of some partitions.
func (r *sinkRunner) taken(parts []connect.TopicPartition) map[connect.TopicPartition]int64 {
	upTo := make(map[connect.TopicPartition]int64, len(parts))
	for _, tp := range parts {
		if at, ok := r.seen[tp]; ok {
			upTo[tp] = at
		}
	}
	r.uncount(upTo)
	return upTo
}

// uncount lowers upTo to before a batch that is still to be put.
func (r *sinkRunner) uncount(upTo map[connect.TopicPartition]int64) {
	for i := range r.batch {
		tp := *r.batch[i].Original
		if at, ok := upTo[tp]; ok && r.batch[i].Offset < at {
			upTo[tp] = r.batch[i].Offset
		}
	}
}

// commitPartitions commits the offsets of some partitions as far as the task
// allows. ctx is for the task's part.
func (r *sinkRunner) commitPartitions(ctx context.Context, upTo map[connect.TopicPartition]int64, rewind bool) {
	began := time.Now()
	allowed, err := r.preCommit(ctx, maps.Clone(upTo))
	if err == nil {
		// A rejected record's offset is committed only once its report is safe.
		err = r.pipe.Await(ctx)
	}
	if err != nil {
		r.metrics.CommitFailed()
		if !rewind {
			r.log.Error("the task could not flush before its partitions were taken away; their last records will be read again", "error", err)
			return
		}
		r.log.Error("the task could not flush; going back to the last committed offsets", "error", err)
		for tp := range upTo {
			if at, ok := r.done[tp]; ok {
				r.seeks[tp] = at
				r.seen[tp] = at // for a commit that comes before the seek
			}
		}
		return
	}
	commit := r.allowed(allowed, upTo)
	if len(commit) == 0 {
		r.metrics.CommitSkipped()
		return
	}
	limit, cancel := context.WithTimeout(r.life, r.w.settings.OffsetFlushTimeout)
	defer cancel()
	if err := r.commitOffsets(limit, commit); err != nil {
		r.metrics.CommitFailed()
		if !r.lost.Load() {
			r.log.Error("offset commit failed; it is tried again at the next interval", "error", err)
		}
		return
	}
	for topic, parts := range commit {
		for p, eo := range parts {
			r.done[connect.TopicPartition{Topic: topic, Partition: p}] = eo.Offset
		}
	}
	r.metrics.Committed(time.Since(began))
}

func (r *sinkRunner) preCommit(ctx context.Context, upTo map[connect.TopicPartition]int64) (allowed map[connect.TopicPartition]int64, err error) {
	defer recovered(&err, "flushing")
	if t, ok := r.task.(connect.PreCommitter); ok {
		return t.PreCommit(ctx, upTo)
	}
	if t, ok := r.task.(connect.Flusher); ok {
		return upTo, t.Flush(ctx, maps.Clone(upTo))
	}
	return upTo, nil
}

// allowed picks what may be committed of what the task wants to have committed.
func (r *sinkRunner) allowed(wanted, upTo map[connect.TopicPartition]int64) map[string]map[int32]kgo.EpochOffset {
	commit := map[string]map[int32]kgo.EpochOffset{}
	for tp, at := range wanted {
		most, asked := upTo[tp]
		switch done, known := r.done[tp]; {
		case !r.owned[tp]:
			r.log.Warn("the task wants to commit a partition that it does not have; ignored", "topic", tp.Topic, "partition", tp.Partition)
			continue
		case !asked: // not its turn
			continue
		case at > most:
			r.log.Warn("the task wants to commit beyond what it was given; ignored", "topic", tp.Topic, "partition", tp.Partition, "offset", at)
			continue
		case at < 0, known && done == at:
			continue
		}
		if commit[tp.Topic] == nil {
			commit[tp.Topic] = map[int32]kgo.EpochOffset{}
		}
		commit[tp.Topic][tp.Partition] = kgo.EpochOffset{Epoch: -1, Offset: at}
	}
	return commit
}

func (r *sinkRunner) commitOffsets(ctx context.Context, commit map[string]map[int32]kgo.EpochOffset) error {
	var failed error
	r.consumer.get().CommitOffsetsSync(ctx, commit, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, res *kmsg.OffsetCommitResponse, err error) {
		if err != nil {
			failed = err
			return
		}
		for _, t := range res.Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					failed = fmt.Errorf("topic %s partition %d: %w", t.Topic, p.Partition, err)
				}
			}
		}
	})
	return failed
}
