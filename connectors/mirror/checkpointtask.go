package mirror

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/kafka"
	"github.com/millwright-connect/millwright/worker/topiclog"
)

// A checkpointTask translates the offsets of groups, writes what is new as
// checkpoints, and sets the offsets of groups at the target that nobody is in.
type checkpointTask struct {
	checkpointTaskConfig
	closers
	host        connect.SourceHost
	log         *slog.Logger
	clients     *clients
	policy      policy
	topics      filter
	here, there admin
	syncs       *syncStore
	active      map[string]bool // groups that somebody is in at the target, told so

	mu          sync.Mutex
	ready       bool
	checkpoints map[string]map[topicPartition]checkpoint // by group: the last ones
	streams     map[checkpointKey]*checkpointStream
	bySource    map[*connect.SourcePartition]*checkpointStream
}

// A checkpointStream are the checkpoints of one partition of a group.
type checkpointStream struct {
	source  *connect.SourcePartition
	latency atomic.Int64 // milliseconds from making to acknowledgement, of the last
}

type checkpointKey struct {
	group string
	topicPartition
}

func openCheckpointTask(_ context.Context, h connect.SourceHost, p connect.Props) (connect.SourceTask, error) {
	t := &checkpointTask{
		host: h, log: h.Log(), active: map[string]bool{},
		checkpoints: map[string]map[topicPartition]checkpoint{},
		streams:     map[checkpointKey]*checkpointStream{}, bySource: map[*connect.SourcePartition]*checkpointStream{},
	}
	if err := t.parse(p); err != nil {
		return nil, err
	}
	if err := t.open(h); err != nil {
		_ = t.Close()
		return nil, err
	}
	return t, nil
}

func (t *checkpointTask) open(h connect.SourceHost) (err error) {
	t.policy = newPolicy(&t.config)
	if t.topics, err = newTopicFilter(t.props); err != nil {
		return err
	}
	t.clients = &clients{config: &t.config, name: h.Name(), log: h.Log()}
	// What the settings of the readers are worth is found out now, not later.
	for _, at := range []string{t.location, atTarget} {
		if _, _, err := t.clients.options(at, kafka.Consumer, ""); err != nil {
			return err
		}
	}
	if t.here, t.there, err = t.clients.admins("checkpoint-*-admin"); err != nil {
		return err
	}
	t.add(t.here.Close)
	t.add(t.there.Close)
	ctx, cancel := context.WithCancel(context.Background())
	var working sync.WaitGroup
	working.Go(func() { t.follow(ctx) })
	t.add(func() { cancel(); working.Wait() })
	t.log.Info("mirror checkpoint task starts", "source", t.source, "target", t.target, "groups", len(t.groups))
	return nil
}

// follow reads the checkpoints that there are, then the offset syncs, and keeps
// up with these until ctx ends.
func (t *checkpointTask) follow(ctx context.Context) {
	known := t.load(ctx)
	sync := &schedule{log: t.log, timeout: t.adminTimeout}
	sync.add(job{what: "sync idle consumer group offset from source to target", every: t.syncEvery(), run: t.syncGroups}, t.syncEvery())
	sync.start()
	defer sync.stop()
	for fails := 0; ctx.Err() == nil; fails++ {
		err := t.tail(ctx, !known)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, topiclog.ErrTruncated) {
			fails = 0
		}
		t.log.Error("the offset-syncs topic cannot be read; trying again", "topic", t.syncsTopic(), "error", err)
		pause(ctx, time.Second<<min(fails, 6))
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func (t *checkpointTask) syncsTopic() string { return t.policy.offsetSyncs(t.other(t.location)) }

// load reads the checkpoints of the task's groups, from which offsets never go
// back. It tells whether it could: if not, then of older offset syncs none may be
// used, lest offsets that an earlier task translated better go back.
func (t *checkpointTask) load(ctx context.Context) bool {
	loaded := map[string]map[topicPartition]checkpoint{}
	topic := t.policy.checkpoints(t.source)
	err := t.read(ctx, atTarget, "checkpoints-target-consumer", topic, func(r topiclog.Record) {
		c, ok := readCheckpoint(r.Key, r.Value)
		switch {
		case !ok:
			t.log.Warn("Ignored invalid checkpoint record", "offset", r.Offset)
		case slices.Contains(t.groups, c.group):
			if loaded[c.group] == nil {
				loaded[c.group] = map[topicPartition]checkpoint{}
			}
			loaded[c.group][c.topicPartition] = c
		}
	}, nil)
	if err != nil && ctx.Err() == nil {
		clear(loaded)
		t.log.Warn("Exception encountered loading checkpoints topic "+topic+" - this may degrade offset translation as only checkpoints for "+
			"offsets which were mirrored after the task started will be emitted", "error", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.checkpoints, t.ready = loaded, true
	return err == nil
}

// tail reads the offset syncs until ctx ends or that cannot be gone on with.
func (t *checkpointTask) tail(ctx context.Context, latest bool) error {
	store := newSyncStore(latest)
	t.mu.Lock()
	t.syncs = store
	t.mu.Unlock()
	return t.read(ctx, t.location, "offset-syncs-"+t.location+"-consumer", t.syncsTopic(), func(r topiclog.Record) {
		if o, ok := readOffsetSync(r.Key, r.Value); ok {
			store.apply(o)
		} else {
			t.log.Warn("ignored invalid offset sync", "offset", r.Offset)
		}
	}, store.done)
}

// read reads partition 0 of a topic to its end, and on, with an end that is told
// of it.
func (t *checkpointTask) read(ctx context.Context, at, role, topic string, apply func(topiclog.Record), end func()) error {
	s, opts, err := t.clients.options(at, kafka.Consumer, role)
	if err != nil {
		return err
	}
	log, err := topiclog.Open(ctx, topiclog.Config{Topic: topic, Opts: opts, ReadCommitted: s.ReadCommitted, Log: t.log, Apply: func(r topiclog.Record) {
		if r.Partition == 0 {
			apply(r)
		}
	}})
	if err != nil {
		return err
	}
	defer log.Close()
	if end == nil {
		return nil
	}
	end()
	return log.Run(ctx)
}

// Poll waits for an interval and returns what is new.
func (t *checkpointTask) Poll(ctx context.Context, dst []connect.SourceRecord) ([]connect.SourceRecord, error) {
	if pause(ctx, t.emitEvery()); ctx.Err() != nil {
		return dst, ctx.Err()
	}
	t.mu.Lock()
	ready := t.ready
	t.mu.Unlock()
	if !ready {
		return dst, nil
	}
	bounded, cancel := context.WithTimeout(ctx, t.adminTimeout)
	defer cancel()
	now := time.Now().UnixMilli()
	committed := t.here.groupOffsets(bounded, t.log, t.groups)
	for _, group := range t.groups {
		for _, c := range t.fresh(group, committed[group]) {
			source, err := t.partition(c)
			if err != nil {
				return dst, err
			}
			dst = append(dst, ownRecord(t.policy.checkpoints(t.source), source, c.key(), c.value(), now))
		}
	}
	return dst, nil
}

// fresh translates what a group has committed, and keeps and returns what is
// news.
func (t *checkpointTask) fresh(group string, committed kadm.OffsetResponses) (news []checkpoint) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.syncs == nil {
		return nil
	}
	last := t.checkpoints[group]
	for topic, partitions := range committed {
		if !t.topics.takes(topic) {
			continue
		}
		for p, o := range partitions {
			if o.Err != nil || o.At < 0 {
				continue
			}
			tp := topicPartition{topic, p}
			at, ok := t.syncs.translate(tp, o.At)
			if !ok || at < 0 {
				continue
			}
			c := checkpoint{group, topicPartition{t.rename(topic), p}, o.At, at, o.Metadata}
			if before, known := last[c.topicPartition]; known && !c.newer(before) {
				continue
			}
			news = append(news, c)
		}
	}
	slices.SortFunc(news, func(a, b checkpoint) int { return byPartition(a.topicPartition, b.topicPartition) })
	if last == nil {
		last = map[topicPartition]checkpoint{}
		t.checkpoints[group] = last
	}
	for _, c := range news {
		last[c.topicPartition] = c
	}
	return news
}

// newer tells whether a checkpoint is news after another of its partition: the
// group has gone back at the source, or goes forward at the target. Offsets at
// the target do not go back otherwise, however coarse their translation.
func (c checkpoint) newer(before checkpoint) bool {
	return c.upstream < before.upstream || c.downstream > before.downstream
}

// rename gives a topic of the source its name at the target: one that came from
// there has its own name.
func (t *checkpointTask) rename(topic string) string {
	if from, ok := t.policy.sourceOf(topic); ok && from == t.target {
		return t.policy.original(topic)
	}
	return t.policy.remote(t.source, topic)
}

// partition returns the source partition of a checkpoint, and shows its latency
// when it is the first.
func (t *checkpointTask) partition(c checkpoint) (*connect.SourcePartition, error) {
	key := checkpointKey{c.group, c.topicPartition}
	if s := t.streams[key]; s != nil {
		return s.source, nil
	}
	p, err := connect.NewSourcePartition(connect.Object{groupField: c.group, topicField: c.topic, partitionField: c.partition})
	if err != nil {
		return nil, err
	}
	s := &checkpointStream{source: p}
	tags := map[string]string{"source": t.source, "target": t.target, "group": c.group, "topic": c.topic, "partition": strconv.Itoa(int(c.partition))}
	if err := t.host.Gauge("mirror_checkpoint_latency_ms", tags, func() float64 { return float64(s.latency.Load()) }); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.streams[key], t.bySource[p] = s, s
	return p, nil
}

// CommitRecord notes how long a checkpoint took.
func (t *checkpointTask) CommitRecord(r *connect.SourceRecord, _ connect.Metadata) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.bySource[r.Source]; s != nil {
		s.latency.Store(time.Now().UnixMilli() - r.Timestamp)
	}
	return nil
}

// snapshot copies the last checkpoints.
func (t *checkpointTask) snapshot() map[string]map[topicPartition]checkpoint {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make(map[string]map[topicPartition]checkpoint, len(t.checkpoints))
	for group, c := range t.checkpoints {
		all[group] = maps.Clone(c)
	}
	return all
}

// syncGroups sets the offsets at the target of groups that nobody is in there.
func (t *checkpointTask) syncGroups(ctx context.Context) error {
	all := t.snapshot()
	states, err := t.there.groupStates(ctx, slices.Sorted(maps.Keys(all)))
	if err != nil {
		return err
	}
	var idle []string
	for group, state := range states {
		if state == stateEmpty {
			idle = append(idle, group)
		}
	}
	there := t.there.groupOffsets(ctx, t.log, idle)
	for group, checkpoints := range all {
		state := states[group]
		if state == stateActive {
			if !t.active[group] {
				t.log.Warn(fmt.Sprintf("Unable to sync offsets for consumer group %s. This is likely caused by consumers currently using this group in the target cluster.", group))
			}
			t.active[group] = true
			continue
		}
		delete(t.active, group)
		if _, known := there[group]; state == stateEmpty && !known {
			continue // its offsets could not be had, and must not go back
		}
		offsets := kadm.Offsets{}
		for tp, c := range checkpoints {
			if at, set := there[group].Lookup(tp.topic, tp.partition); set && at.At >= c.downstream {
				continue
			}
			offsets.Add(kadm.Offset{Topic: tp.topic, Partition: tp.partition, At: c.downstream, LeaderEpoch: -1, Metadata: c.metadata})
		}
		if len(offsets) == 0 {
			continue
		}
		if err := t.there.CommitAllOffsets(ctx, group, offsets); err != nil {
			if errors.Is(err, kerr.UnknownMemberID) {
				err = errors.New("consumers are using the group in the target cluster")
			}
			t.log.Warn(fmt.Sprintf("Unable to sync offsets for consumer group %s.", group), "error", err)
		}
	}
	return nil
}
