package topiclog

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What AppendClaimed may fail with, besides what Append does. After any error
// of AppendClaimed the claim is given up.
var (
	// ErrFenced says that another worker has claimed the log since.
	ErrFenced = errors.New("another worker has taken over the right to write")
	// ErrNotClaimed says that Claim was not called, or the claim was lost.
	ErrNotClaimed = errors.New("the right to write was not claimed")
)

// A claim is the exclusive right to write what only a leader may: a
// transactional producer, of which Kafka lets one live per transactional id
// (KIP-618).
type claim struct {
	mu sync.Mutex // held while writing, so transactions do not mix
	cl *kgo.Client
}

// Claim takes the exclusive right to AppendClaimed; it fences whoever had it,
// and drops what they had not committed. Claiming again what this log holds is
// cheap and changes nothing. Without a TransactionalID there is nothing to
// claim, and Claim does nothing.
func (l *Log) Claim(ctx context.Context) error {
	if l.cfg.TransactionalID == "" {
		return nil
	}
	l.claim.mu.Lock()
	defer l.claim.mu.Unlock()
	if l.claim.cl != nil {
		return nil
	}
	if l.cfg.BeforeClaim != nil {
		if err := l.cfg.BeforeClaim(ctx); err != nil {
			return fmt.Errorf("claim topic %q: %w", l.cfg.Topic, err)
		}
	}
	id, _ := l.cl.OptValue(kgo.ClientID).(string)
	opts := []kgo.Opt{kgo.ProducerLinger(0), kgo.ProducerBatchCompression(kgo.NoCompression())}
	if l.cfg.LeaderOpts != nil {
		opts = append(opts, l.cfg.LeaderOpts...)
	} else {
		opts = append(append(opts, l.cfg.Opts...), l.cfg.ProducerOpts...)
	}
	opts = append(
		opts,
		kgo.ClientID(id+"-leader"),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.TransactionalID(l.cfg.TransactionalID),
	)
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return fmt.Errorf("claim topic %q: kafka client: %w", l.cfg.Topic, err)
	}
	if _, _, err := cl.ProducerID(ctx); err != nil { // InitProducerId: fences
		cl.Close()
		return fmt.Errorf("claim topic %q: transactional id %q: %w", l.cfg.Topic, l.cfg.TransactionalID, err)
	}
	l.claim.cl = cl
	return nil
}

// Relinquish gives the claim up, if there is one. It does not wait for Kafka.
func (l *Log) Relinquish() {
	l.claim.mu.Lock()
	defer l.claim.mu.Unlock()
	l.relinquish()
}

func (l *Log) relinquish() {
	if l.claim.cl != nil {
		l.claim.cl.Close()
		l.claim.cl = nil
	}
}

// AppendClaimed writes records as one transaction under the claim: all or
// none. With an error the claim is gone, as in Java, and the caller has to
// find out whether it still leads before it claims again; an ErrFenced says
// that it does not. Without a TransactionalID it is Append.
func (l *Log) AppendClaimed(ctx context.Context, kvs ...KV) error {
	if l.cfg.TransactionalID == "" {
		return l.Append(ctx, kvs...)
	}
	l.claim.mu.Lock()
	defer l.claim.mu.Unlock()
	if l.claim.cl == nil {
		return fmt.Errorf("write to topic %q: %w", l.cfg.Topic, ErrNotClaimed)
	}
	wrote, err := l.transact(ctx, l.claim.cl, kvs)
	if err == nil {
		l.written(wrote)
		return nil
	}
	l.relinquish()
	if errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) {
		err = fmt.Errorf("%w: %w", ErrFenced, err)
	}
	return err
}

// transact leaves a failed transaction open: whoever claims next ends it.
func (l *Log) transact(ctx context.Context, cl *kgo.Client, kvs []KV) (map[int32]int64, error) {
	if err := cl.BeginTransaction(); err != nil {
		return nil, fmt.Errorf("begin a transaction on topic %q: %w", l.cfg.Topic, err)
	}
	wrote, err := l.write(ctx, cl, kvs)
	if err != nil {
		return nil, err
	}
	if err := cl.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return nil, fmt.Errorf("commit a transaction on topic %q: %w", l.cfg.Topic, err)
	}
	return wrote, nil
}
