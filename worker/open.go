package worker

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/millwright-connect/millwright/worker/config"
	"github.com/millwright-connect/millwright/worker/kafka"
	"github.com/millwright-connect/millwright/worker/metrics"
	"github.com/millwright-connect/millwright/worker/topiclog"
)

// openTopics makes the worker's own topics where they are missing and reads
// them to their ends. It waits for a broker to answer, with a line per attempt.
// The returned function closes them.
func (w *Worker) openTopics(ctx context.Context) (closed func(), err error) {
	if w.settings.Mode == config.Standalone {
		return w.openStandalone(ctx)
	}
	cluster, unsupported, err := kafka.OpenCluster(w.kafka.SharedAdmin(), w.log, w.counting(metrics.AdminClient))
	if err != nil {
		return nil, err
	}
	w.reports.Log(w.log, kafka.Admin, unsupported)
	w.cluster = cluster
	var opened [3]topicLog
	shut := func() {
		for _, l := range opened {
			if l != nil {
				l.Close()
			}
		}
		cluster.Close()
	}
	defer func() {
		if err != nil {
			shut()
		}
	}()
	if w.clusterID, err = cluster.Wait(ctx); err != nil {
		return nil, err
	}
	s, props := w.settings, w.settings.Props
	exactly := s.ExactlyOnceEnabled()
	topics := []struct {
		topic  kafka.InternalTopic
		client string
		apply  func(topiclog.Record)
		into   *topicLog
		leader bool // written by the leader alone
	}{
		{kafka.ConfigTopic(s.ConfigTopic.Name, int16(s.ConfigTopic.Replication), props, w.log), kafka.ConfigsClient, w.configs.apply, &w.configs.log, true},
		{kafka.StatusTopic(s.StatusTopic.Name, int32(s.StatusTopic.Partitions), int16(s.StatusTopic.Replication), props, w.log), kafka.StatusesClient, w.statuses.apply, &w.statuses.log, false},
		{kafka.OffsetTopic(s.OffsetTopic.Name, int32(s.OffsetTopic.Partitions), int16(s.OffsetTopic.Replication), props, w.log), kafka.OffsetsClient, w.offsets.apply, &w.offsets.log, false},
	}
	g, gctx := errgroup.WithContext(ctx)
	for i, t := range topics {
		g.Go(func() error {
			if err := cluster.EnsureInternal(gctx, t.topic); err != nil {
				return err
			}
			cfg, err := w.logConfig(t.topic.Name, t.client, exactly)
			if err != nil {
				return err
			}
			cfg.Apply = t.apply
			// A task must not begin from offsets that others have passed. The config
			// topic's leader makes sure of that by its claim.
			cfg.AwaitOpen = cfg.ReadCommitted && t.client == kafka.OffsetsClient
			if t.leader && s.TransactionalLeader() {
				props, warn := w.kafka.Leader()
				for _, m := range warn {
					w.log.Warn(string(m))
				}
				if cfg.LeaderOpts, _, err = kafka.Options(props, kafka.Producer, w.log); err != nil {
					return err
				}
				id := kafka.LeaderTransactionalID(s.GroupID)
				cfg.TransactionalID = id
				cfg.BeforeClaim = func(ctx context.Context) error {
					return cluster.Settle(ctx, []string{id}, []string{cfg.Topic})
				}
			}
			cfg.Blocked = w.unblock(cfg.Topic)
			log, err := topiclog.Open(gctx, cfg)
			if err != nil {
				return err
			}
			opened[i], *t.into = log, log
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	w.offsets.store.Attach(w.offsets.log)
	return shut, nil
}

// logConfig says how to read and write one of the worker's own topics.
func (w *Worker) logConfig(topic, client string, exactly bool) (topiclog.Config, error) {
	props, warn := w.kafka.Internal(client, exactly)
	for _, m := range warn {
		w.log.Warn(string(m))
	}
	opts, err := w.internalOpts(props)
	return topiclog.Config{Topic: topic, Opts: opts, ReadCommitted: props["isolation.level"] == "read_committed", Log: w.log}, err
}

func (w *Worker) internalOpts(props map[string]string) ([]kgo.Opt, error) {
	opts, unsupported, err := kafka.Options(props, kafka.Internal, w.log)
	w.reports.Log(w.log, kafka.Internal, unsupported)
	return append(opts, w.counting(metrics.ConsumerClient)), err
}

// fenceProducers ends what earlier tasks of a connector could still write.
func (w *Worker) fenceProducers(ctx context.Context, name string, ids []string) error {
	c, err := w.find(name)
	if err != nil {
		return err
	}
	cluster, _, err := kafka.OpenCluster(w.kafka.ConnectorAdmin(name, c.Props), w.log, w.counting(metrics.AdminClient))
	if err != nil {
		return err
	}
	defer cluster.Close()
	if err := w.settle(ctx, cluster, name, c.Props, ids...); err != nil {
		return err
	}
	return cluster.Fence(ctx, ids)
}

// openStandalone opens what stands in for the internal topics.
func (w *Worker) openStandalone(ctx context.Context) (func(), error) {
	cluster, unsupported, err := kafka.OpenCluster(w.kafka.SharedAdmin(), w.log, w.counting(metrics.AdminClient))
	if err != nil {
		return nil, err
	}
	w.reports.Log(w.log, kafka.Admin, unsupported)
	w.cluster = cluster
	file, err := openOffsetFile(w.settings.OffsetFile, w.offsets.apply)
	if err == nil {
		w.clusterID, err = cluster.Wait(ctx)
	}
	if err != nil {
		cluster.Close()
		return nil, err
	}
	w.configs.log, w.statuses.log, w.offsets.log = &memoryLog{apply: w.configs.apply}, &memoryLog{apply: w.statuses.apply}, file
	w.offsets.store.Attach(file)
	return cluster.Close, nil
}
