package worker

import (
	"context"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/offsets"
	"github.com/millwright-connect/millwright/worker/kafka"
	"github.com/millwright-connect/millwright/worker/metrics"
	"github.com/millwright-connect/millwright/worker/topiclog"
)

// offsetTopic is the worker's offset topic with its meaning.
type offsetTopic struct {
	log   topicLog
	store *offsets.Store
}

func (t *offsetTopic) apply(r topiclog.Record) { t.store.Apply(r) }

// connectorOffsets are the offsets of one source connector as one user of them
// (a task, a request) sees them: in the worker's topic, in the connector's own,
// or in both.
type connectorOffsets struct {
	connector string
	worker    *offsets.Store
	own       *offsets.Overlay // nil: the connector has no topic of its own
	topic     string           // where records go
	close     func()
}

// offsetsOf opens the offsets of a source connector and reads them to their end.
func (w *Worker) offsetsOf(ctx context.Context, name, who string, props connect.Props) (*connectorOffsets, error) {
	o := &connectorOffsets{connector: name, worker: w.offsets.store, topic: w.settings.OffsetTopic.Name, close: func() {}}
	if own := props["offsets.storage.topic"]; own != "" && own != o.topic {
		if err := w.openOwnOffsets(ctx, o, own, who, props); err != nil {
			return nil, err
		}
	}
	if err := o.Sync(ctx); err != nil {
		o.close()
		return nil, connect.Failf("Failed to read to the end of the offsets topic of connector %s: %w", name, err)
	}
	return o, nil
}

func (w *Worker) openOwnOffsets(ctx context.Context, o *connectorOffsets, topic, who string, props connect.Props) error {
	exactly := w.settings.ExactlyOnceEnabled()
	cluster, _, err := kafka.OpenCluster(w.kafka.ConnectorAdmin(o.connector, props), w.log, w.counting(metrics.AdminClient))
	if err != nil {
		return err
	}
	defer cluster.Close()
	t := kafka.OffsetTopic(topic, int32(w.settings.OffsetTopic.Partitions), int16(w.settings.OffsetTopic.Replication), w.settings.Props, w.log)
	t.Property = "offsets.storage.topic"
	if err := cluster.EnsureInternal(ctx, t); err != nil {
		return err
	}
	consumer, warn := w.kafka.OffsetsConsumer(o.connector, who, props, exactly)
	for _, m := range warn {
		w.log.Warn(string(m), "connector", o.connector)
	}
	read, unsupported, err := kafka.Options(consumer, kafka.Consumer, w.log)
	if err != nil {
		return err
	}
	w.reports.Log(w.log, kafka.Consumer, unsupported)
	write, _, err := kafka.Options(w.kafka.OffsetsProducer(o.connector, props), kafka.Producer, w.log)
	if err != nil {
		return err
	}
	store := offsets.NewStore(w.log)
	log, err := topiclog.Open(ctx, topiclog.Config{
		Topic: topic, Opts: read, ProducerOpts: write, Log: w.log,
		ReadCommitted: consumer["isolation.level"] == "read_committed", AwaitOpen: true, Blocked: w.unblock(topic), Apply: store.Apply,
	})
	if err != nil {
		return err
	}
	store.Attach(log)
	tail, cancel := context.WithCancel(context.Background())
	var tailing sync.WaitGroup
	tailing.Go(func() {
		if err := log.Run(tail); err != nil {
			w.log.Error("the connector's offsets topic cannot be read any more", "connector", o.connector, "topic", topic, "error", err)
		}
	})
	o.own, o.topic = &offsets.Overlay{Own: store, Worker: w.offsets.store, Log: w.log}, topic
	o.close = func() { cancel(); tailing.Wait(); log.Close() }
	return nil
}

// Sync reads the topics to their ends.
func (o *connectorOffsets) Sync(ctx context.Context) error {
	if o.own != nil {
		return o.own.Sync(ctx)
	}
	return o.worker.Sync(ctx)
}

// Offset returns the committed offset of a partition, or nil.
func (o *connectorOffsets) Offset(p connect.Object) (connect.Object, error) {
	if o.own != nil {
		return o.own.Offset(o.connector, p)
	}
	return o.worker.Offset(o.connector, p)
}

// All returns all partitions with their offsets.
func (o *connectorOffsets) All() []connect.PartitionOffset {
	if o.own != nil {
		return o.own.Offsets(o.connector)
	}
	return o.worker.Offsets(o.connector)
}

// Set writes offsets; a nil one resets its partition.
func (o *connectorOffsets) Set(ctx context.Context, changes []connect.PartitionOffset) error {
	if o.own != nil {
		return o.own.Set(ctx, o.connector, changes...)
	}
	return o.worker.Set(ctx, o.connector, changes...)
}

// SetIn writes offsets as one transaction of a producer that has begun none.
func (o *connectorOffsets) SetIn(ctx context.Context, producer *kgo.Client, changes []connect.PartitionOffset) error {
	if o.own != nil {
		if err := o.own.ResetWorker(ctx, o.connector, changes...); err != nil {
			return err
		}
	}
	if err := producer.BeginTransaction(); err != nil {
		return err
	}
	records, err := o.Records(changes)
	if err != nil {
		return err
	}
	if err := producer.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return err
	}
	if err := producer.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return fmt.Errorf("commit of the offsets: %w", err)
	}
	o.Committed(ctx, changes)
	return nil
}

// Records makes the records that set offsets, for a transaction.
func (o *connectorOffsets) Records(changes []connect.PartitionOffset) ([]*kgo.Record, error) {
	make := o.worker.Records
	if o.own != nil {
		make = o.own.Records
	}
	kvs, err := make(o.connector, changes...)
	if err != nil {
		return nil, err
	}
	var records []*kgo.Record
	for _, kv := range kvs {
		records = append(records, &kgo.Record{Topic: o.topic, Key: kv.Key, Value: kv.Value, Partition: -1})
	}
	return records, nil
}

// Committed tells that a transaction with Records was committed.
func (o *connectorOffsets) Committed(ctx context.Context, changes []connect.PartitionOffset) {
	if o.own != nil {
		o.own.CopyToWorker(ctx, o.connector, changes...)
	}
}
