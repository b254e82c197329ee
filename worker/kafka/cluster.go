package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Cluster administers a Kafka cluster. Its methods may be called by many
// goroutines. Every method ends with its context or after the client's
// default.api.timeout.ms, whichever comes first.
type Cluster struct {
	cl      *kgo.Client
	adm     *kadm.Client
	brokers string
	timeout time.Duration
	pause   time.Duration // between tries
	log     *slog.Logger
	owned   bool
}

// OpenCluster makes a client for administration from Java properties, and more
// options; Close it.
func OpenCluster(props map[string]string, log *slog.Logger, more ...kgo.Opt) (*Cluster, []Unsupported, error) {
	s, err := Read(props, Admin)
	if err != nil {
		return nil, nil, err
	}
	opts, err := s.Opts(log)
	if err != nil {
		return nil, s.Unsupported, err
	}
	cl, err := kgo.NewClient(append(opts, more...)...)
	if err != nil {
		return nil, s.Unsupported, connect.Errorf(kafkaException, "Failed to create new KafkaAdminClient: %w", err)
	}
	c := ClusterOf(cl, s, log)
	c.owned = true
	return c, s.Unsupported, nil
}

// ClusterOf administers through a client that is there already and stays its
// owner's; s are the settings that it was made from.
func ClusterOf(cl *kgo.Client, s *Settings, log *slog.Logger) *Cluster {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	timeout := s.APITimeout
	if timeout <= 0 {
		timeout = time.Minute
	}
	adm := kadm.NewClient(cl)
	adm.SetTimeoutMillis(int32(timeout.Milliseconds()))
	return &Cluster{cl: cl, adm: adm, brokers: strings.Join(s.Bootstrap, ","), timeout: timeout, pause: millis(s.retryBackoff), log: log}
}

// Close closes the client that OpenCluster made.
func (c *Cluster) Close() {
	if c.owned {
		c.cl.Close()
	}
}

// bound limits one operation.
func (c *Cluster) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, c.timeout)
}

// persist makes a request again, with pauses, while the broker's answer says
// that a later one may be better, as Java's admin client does. op's error is
// that of the request or of its part.
func (c *Cluster) persist(ctx context.Context, op func(context.Context) error) error {
	ctx, cancel := c.bound(ctx)
	defer cancel()
	pause := max(c.pause, 20*time.Millisecond)
	for {
		err := op(ctx)
		var e *kerr.Error
		if !errors.As(err, &e) || !e.Retriable || errors.Is(err, kerr.UnknownTopicOrPartition) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w, and the last answer was: %w", ctx.Err(), err)
		case <-time.After(pause):
		}
		pause = min(2*pause, time.Second)
	}
}

// ClusterID returns the id of the Kafka cluster, "" if it has none.
func (c *Cluster) ClusterID(ctx context.Context) (string, error) {
	ctx, cancel := c.bound(ctx)
	defer cancel()
	return c.clusterID(ctx)
}

func (c *Cluster) clusterID(ctx context.Context) (string, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	resp, err := req.RequestWith(ctx, c.cl)
	if err != nil {
		return "", fmt.Errorf("asking the brokers at %s for the cluster's id: %w", c.brokers, err)
	}
	if resp.ClusterID == nil {
		return "", nil
	}
	return *resp.ClusterID, nil
}

// Bounds of one attempt of Wait and of the pauses between attempts.
const (
	attemptTime  = 10 * time.Second
	firstPause   = time.Second
	longestPause = 30 * time.Second
)

// Wait returns the cluster's id as soon as a broker answers. It logs one line
// for each attempt that fails, and pauses longer after each. It gives up when
// ctx ends, and when the brokers refuse who we say we are.
func (c *Cluster) Wait(ctx context.Context) (string, error) {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		try, cancel := context.WithTimeout(ctx, attemptTime)
		id, err := c.clusterID(try)
		cancel()
		switch {
		case err == nil:
			return id, nil
		case ctx.Err() != nil:
			return "", ctx.Err()
		case errors.Is(err, kerr.SaslAuthenticationFailed), errors.Is(err, kerr.UnsupportedSaslMechanism), errors.Is(err, kerr.ClusterAuthorizationFailed):
			return "", connect.Failf("Failed to connect to and describe Kafka cluster. Check worker's broker connection and security properties.: %w", JavaError(err))
		}
		c.log.Warn("Kafka cannot be reached; trying again", "brokers", c.brokers, "attempt", attempt, "next_try_in", pause, "error", rootOf(err))
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

// rootOf returns the innermost error that still says which address failed.
func rootOf(err error) error {
	for {
		u := errors.Unwrap(err)
		if u == nil || !strings.Contains(err.Error(), "asking the brokers") {
			return err
		}
		err = u
	}
}

// Fence ends what other producers with these transactional ids have open and
// keeps them from going on: it takes their next epoch, as Java's fenceProducers
// does (KIP-618).
func (c *Cluster) Fence(ctx context.Context, transactionalIDs []string) error {
	ctx, cancel := c.bound(ctx)
	defer cancel()
	failed := make(chan error, len(transactionalIDs))
	gate := make(chan struct{}, 16)
	for _, id := range transactionalIDs {
		gate <- struct{}{}
		go func() {
			failed <- c.fence(ctx, id)
			<-gate
		}()
	}
	var errs []error
	for range transactionalIDs {
		errs = append(errs, <-failed)
	}
	return errors.Join(errs...)
}

func (c *Cluster) fence(ctx context.Context, id string) error {
	for {
		req := kmsg.NewPtrInitProducerIDRequest()
		req.TransactionalID = &id
		// No transaction is begun under it.
		req.TransactionTimeoutMillis = int32(c.timeout.Milliseconds())
		resp, err := req.RequestWith(ctx, c.cl)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		switch {
		case err == nil:
			return nil
		case errors.Is(err, kerr.ConcurrentTransactions), errors.Is(err, kerr.CoordinatorLoadInProgress), errors.Is(err, kerr.CoordinatorNotAvailable), errors.Is(err, kerr.NotCoordinator):
			select {
			case <-ctx.Done():
				return fmt.Errorf("fencing producers of transactional id %s: %w (%w)", id, ctx.Err(), err)
			case <-time.After(max(c.pause, 20*time.Millisecond)):
			}
		default:
			return fmt.Errorf("fencing producers of transactional id %s: %w", id, err)
		}
	}
}
