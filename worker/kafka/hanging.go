package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A hanging transaction is one that its coordinator counts as ended and that a
// partition still holds open, so that readers of committed records wait there
// for ever. Apache Kafka up to 4.3.1 at least leaves them behind: a coordinator
// that has a marker to write while the partition has no leader takes the
// partition for deleted (KAFKA-20734). With one replica, stopping a broker is
// enough. TestHangingTransaction in test/e2e shows it.

// An OpenTransaction is a transaction that a partition holds open.
type OpenTransaction struct {
	Topic            string
	Partition        int32
	Offset           int64 // of its first record
	ProducerID       int64
	Epoch            int16 // of its last record
	CoordinatorEpoch int32
	Last             time.Time // of its last record

	TransactionalID string // "" if no coordinator knows the producer, or tells
	State           string // of the transactional id, as its coordinator says
	// Hanging says that no coordinator is going to end it.
	Hanging bool
	// Decided says what the coordinator has decided of it, if that is certain.
	Decided Decision
}

// A Decision is how a transaction ends.
type Decision int

// How transactions end.
const (
	Undecided Decision = iota
	Commit
	Abort
)

// OpenTransactions returns the transactions that partitions of topics hold open,
// the oldest first. Topics that do not exist have none.
func (c *Cluster) OpenTransactions(ctx context.Context, topics ...string) ([]OpenTransaction, error) {
	ctx, cancel := c.bound(ctx)
	defer cancel()
	open, err := c.open(ctx, topics, func(kadm.DescribedProducer) bool { return true })
	if err != nil || len(open) == 0 {
		return nil, err
	}
	var producers []int64
	for _, o := range open {
		producers = append(producers, o.ProducerID)
	}
	listed, err := c.adm.ListTransactions(ctx, producers, nil)
	if err != nil {
		return open, fmt.Errorf("asking for the transactions of producers %v: %w", producers, err)
	}
	ids := listed.TransactionalIDs()
	if len(ids) == 0 {
		for i := range open {
			open[i].Hanging = true
		}
		return open, nil
	}
	described, err := c.adm.DescribeTransactions(ctx, ids...)
	if err != nil {
		return open, fmt.Errorf("asking for the transactional ids %v: %w", ids, err)
	}
	for i := range open {
		open[i].Hanging = true // unless a coordinator has it
		for _, d := range described {
			if d.ProducerID == open[i].ProducerID && d.Err == nil {
				open[i].judge(d)
			}
		}
	}
	return open, nil
}

// judge compares what a partition holds with what the coordinator says.
func (o *OpenTransaction) judge(d kadm.DescribedTransaction) {
	o.TransactionalID, o.State = d.TxnID, d.State
	o.Hanging = !d.Topics.Lookup(o.Topic, o.Partition)
	// Since transaction.version 2 (KIP-890) each end takes a new epoch: what was
	// written under the one before belongs to the very transaction that was ended
	// last. Before that, it may be of any earlier one.
	if !o.Hanging || o.Epoch == math.MaxInt16 || d.ProducerEpoch != o.Epoch+1 {
		return
	}
	switch d.State {
	case "CompleteCommit":
		o.Decided = Commit
	case "CompleteAbort":
		o.Decided = Abort
	}
}

// open returns what the partitions of topics hold open of those producers that
// want says.
func (c *Cluster) open(ctx context.Context, topics []string, want func(kadm.DescribedProducer) bool) ([]OpenTransaction, error) {
	found, err := c.adm.ListTopics(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("asking for the partitions of %v: %w", topics, err)
	}
	found.FilterInternal()
	set := found.TopicsSet()
	for t, d := range found {
		if d.Err != nil || len(set[t]) == 0 { // none would stand for all
			delete(set, t)
		}
	}
	if len(set) == 0 {
		return nil, nil
	}
	described, err := c.adm.DescribeProducers(ctx, set)
	if err != nil {
		return nil, fmt.Errorf("asking for the producers of %v: %w", topics, err)
	}
	var open []OpenTransaction
	described.EachProducer(func(p kadm.DescribedProducer) {
		if p.CurrentTxnStartOffset >= 0 && want(p) {
			open = append(open, OpenTransaction{
				Topic: p.Topic, Partition: p.Partition, Offset: p.CurrentTxnStartOffset, ProducerID: p.ProducerID,
				Epoch: p.ProducerEpoch, CoordinatorEpoch: p.CoordinatorEpoch, Last: time.UnixMilli(p.LastTimestamp),
			})
		}
	})
	slices.SortFunc(open, func(a, b OpenTransaction) int { return a.Last.Compare(b.Last) })
	return open, nil
}

// Settle ends the hanging transactions that partitions of topics hold of the
// given transactional ids, as their coordinators have decided. It has to come
// before a producer is made with such an id, after which no coordinator tells
// how the last transaction has ended. It goes on until ctx ends while no broker
// answers; what this worker may not ask is left as it is.
func (c *Cluster) Settle(ctx context.Context, transactionalIDs, topics []string) error {
	if len(transactionalIDs) == 0 || len(topics) == 0 {
		return nil
	}
	for {
		err := c.settle(ctx, transactionalIDs, topics)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !transient(err):
			c.log.Debug("hanging transactions are not looked for", "transactional_ids", transactionalIDs, "error", err)
			return nil
		}
		c.log.Debug("looking for hanging transactions is being retried", "transactional_ids", transactionalIDs, "error", err)
		pause := time.NewTimer(max(c.pause, 100*time.Millisecond))
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

func (c *Cluster) settle(ctx context.Context, transactionalIDs, topics []string) error {
	ctx, cancel := c.bound(ctx)
	defer cancel()
	described, err := c.adm.DescribeTransactions(ctx, transactionalIDs...)
	if err != nil {
		return err
	}
	ended := map[int64]kadm.DescribedTransaction{}
	for _, d := range described {
		switch {
		case d.Err == nil && (d.State == "CompleteCommit" || d.State == "CompleteAbort"):
			ended[d.ProducerID] = d
		case d.Err != nil && transient(d.Err):
			return d.Err
		}
	}
	if len(ended) == 0 {
		return nil
	}
	open, err := c.open(ctx, topics, func(p kadm.DescribedProducer) bool { _, ok := ended[p.ProducerID]; return ok })
	if err != nil {
		return err
	}
	for _, o := range open {
		o.judge(ended[o.ProducerID])
		if o.Decided != Undecided {
			if err := c.end(ctx, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// Unblock looks at what holds up the readers of a topic: it ends hanging
// transactions of transactional ids that are ours, where that is certain to be
// right, and says in the log what the others are.
func (c *Cluster) Unblock(ctx context.Context, topic string, ours func(transactionalID string) bool) {
	open, err := c.OpenTransactions(ctx, topic)
	if err != nil {
		c.log.Debug("what is open in the topic cannot be found out", "topic", topic, "error", err)
	}
	for _, o := range open {
		log := c.log.With(o.attrs()...)
		switch {
		case o.Decided != Undecided && ours(o.TransactionalID):
			ctx, cancel := c.bound(ctx)
			if err := c.end(ctx, o); err != nil {
				log.Warn("a transaction that Kafka has left open cannot be ended now; that is tried again", "error", err)
			}
			cancel()
		case o.Hanging:
			log.Warn("a transaction hangs in this partition: no broker is going to end it, and nothing behind it is read until somebody does; the command drops its records",
				"command", fmt.Sprintf("kafka-transactions.sh --bootstrap-server %s abort --topic %s --partition %d --start-offset %d", c.brokers, o.Topic, o.Partition, o.Offset))
		case time.Since(o.Last) > openLong:
			log.Warn("a transaction has been open in this partition for long: nothing behind it is read until its producer ends it, or it times out")
		}
	}
}

// openLong is how long a transaction of a living producer hardly ever takes.
const openLong = 10 * time.Second

func (o OpenTransaction) attrs() []any {
	return []any{
		"topic", o.Topic, "partition", o.Partition, "offset", o.Offset, "producer_id", o.ProducerID, "epoch", o.Epoch,
		"transactional_id", o.TransactionalID, "state", o.State, "last_record", o.Last,
	}
}

// end writes the marker that is missing where a transaction hangs whose end is
// decided. It returns only errors that may pass.
//
// A producer that is still alive may have gone on in the partition meanwhile,
// and ended what hung there with its next transaction. The marker must not end
// that one, so it is only written where the broker compares epochs strictly
// (KIP-1228, Kafka 4.2).
func (c *Cluster) end(ctx context.Context, o OpenTransaction) error {
	err := c.mark(ctx, o)
	log := c.log.With(o.attrs()...).With("committed", o.Decided == Commit)
	switch {
	case err == nil:
		log.Warn("Kafka had ended a transaction and left it open in this partition, where it held up readers (KAFKA-20734); this worker has ended it there as well")
	case errors.Is(err, kerr.InvalidProducerEpoch), errors.Is(err, kerr.UnknownTopicOrPartition):
		// Ended meanwhile.
	case transient(err):
		return err
	default:
		log.Warn("Kafka has ended a transaction and left it open in this partition, where it holds up readers (KAFKA-20734); this worker cannot end it there", "error", err)
	}
	return nil
}

// transient tells errors of a network, or of a cluster in motion, from refusals.
func transient(err error) bool {
	var ke *kerr.Error
	if errors.As(err, &ke) {
		return ke.Retriable
	}
	var ne net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.EOF) || errors.As(err, &ne) || kgo.IsRetryableBrokerErr(err)
}

const writeTxnMarkers = 27 // its key

func (c *Cluster) mark(ctx context.Context, o OpenTransaction) error {
	found, err := c.adm.ListTopics(ctx, o.Topic)
	if err != nil {
		return err
	}
	t := found[o.Topic]
	if t.Err != nil {
		return t.Err
	}
	leader := t.Partitions[o.Partition].Leader
	if leader < 0 {
		return kerr.LeaderNotAvailable
	}
	broker := c.cl.Broker(int(leader))
	ask := kmsg.NewPtrApiVersionsRequest()
	ask.ClientSoftwareName, ask.ClientSoftwareVersion = "millwright", softwareVersion()
	versions, err := ask.RequestWith(ctx, broker)
	if err == nil {
		err = kerr.ErrorForCode(versions.ErrorCode)
	}
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(versions.ApiKeys, func(k kmsg.ApiVersionsResponseApiKey) bool {
		return k.ApiKey == writeTxnMarkers && k.MaxVersion >= 2
	}) {
		return errors.New("the broker is older than Kafka 4.2")
	}
	req := kmsg.NewPtrWriteTxnMarkersRequest()
	m := kmsg.NewWriteTxnMarkersRequestMarker()
	m.ProducerID, m.ProducerEpoch, m.Committed, m.CoordinatorEpoch, m.TransactionVersion = o.ProducerID, o.Epoch+1, o.Decided == Commit, max(0, o.CoordinatorEpoch), 2
	mt := kmsg.NewWriteTxnMarkersRequestMarkerTopic()
	mt.Topic, mt.Partitions = o.Topic, []int32{o.Partition}
	m.Topics = append(m.Topics, mt)
	req.Markers = append(req.Markers, m)
	resp, err := req.RequestWith(ctx, broker)
	if err != nil {
		return err
	}
	for _, m := range resp.Markers {
		for _, t := range m.Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
