package kafka

import (
	"context"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"runtime/debug"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Java's assignors of consumer groups.
const (
	rangeAssignor       = "org.apache.kafka.clients.consumer.RangeAssignor"
	roundRobinAssignor  = "org.apache.kafka.clients.consumer.RoundRobinAssignor"
	stickyAssignor      = "org.apache.kafka.clients.consumer.StickyAssignor"
	cooperativeAssignor = "org.apache.kafka.clients.consumer.CooperativeStickyAssignor"
)

// Dial, unless it is nil, connects clients in place of the operating system:
// tests run whole workers in a network of their own, and know them by their
// bootstrap servers.
var Dial func(ctx context.Context, bootstrap []string, network, address string) (net.Conn, error)

// longestClientID is the longest client.id that franz-go takes. Java takes any:
// connectors with long names have clients too.
const longestClientID = 256

// Opts returns the options of the client.
func (s *Settings) Opts(log *slog.Logger) ([]kgo.Opt, error) {
	id := s.ClientID
	if id == "" {
		id = "millwright"
	}
	id = id[:min(len(id), longestClientID)]
	opts := []kgo.Opt{
		kgo.SeedBrokers(s.Bootstrap...),
		kgo.ClientID(id),
		kgo.SoftwareNameAndVersion("millwright", softwareVersion()),
		kgo.RequestTimeoutOverhead(s.clamp("request.timeout.ms", int64(s.requestTimeout), 100*time.Millisecond, 15*time.Minute)),
		kgo.RetryBackoffFn(backoff(millis(s.retryBackoff), millis(max(s.retryBackoff, s.retryBackoffMax)))),
		kgo.ConnIdleTimeout(s.idle()),
		kgo.DialTimeout(millis(max(1, s.setupTimeout))),
		// A broker that is going down closes connections that it has just taken. The
		// library takes that for wrong settings, and fails records for it; Java tries
		// again, and so do we. It is logged all the same.
		kgo.AlwaysRetryEOF(),
	}
	age := s.clamp("metadata.max.age.ms", s.metadataMaxAge, 10*time.Millisecond, time.Hour)
	opts = append(opts, kgo.MetadataMaxAge(age), kgo.MetadataMinAge(min(age, time.Second)))
	if log != nil {
		to := logger{log, trouble(log)}
		opts = append(opts, kgo.WithLogger(to), kgo.WithHooks(to))
	}
	if Dial != nil {
		opts = append(opts, kgo.Dialer(func(ctx context.Context, network, address string) (net.Conn, error) {
			return Dial(ctx, s.Bootstrap, network, address)
		}))
	}
	if !s.metricsPush {
		opts = append(opts, kgo.DisableClientMetrics())
	}
	if s.dnsLookup != "use_all_dns_ips" {
		s.note("client.dns.lookup", "addresses are used as given; with Kerberos out of the way, canonical names are not needed")
	}
	secure, err := s.security.opts(millis(max(1, s.setupTimeout)))
	if err != nil {
		return nil, err
	}
	s.Unsupported = append(s.Unsupported, s.security.unsupported...)
	opts = append(opts, secure...)
	if s.kind&Producer != 0 {
		opts = append(opts, s.producerOpts()...)
	}
	if s.kind&(Consumer|Group) != 0 {
		more, err := s.consumerOpts()
		if err != nil {
			return nil, err
		}
		opts = append(opts, more...)
	}
	return opts, nil
}

// softwareVersion is what brokers see in their metrics of clients (KIP-511).
func softwareVersion() string {
	if b, ok := debug.ReadBuildInfo(); ok {
		if v := strings.Trim(b.Main.Version, "()"); v != "" && !strings.ContainsAny(v, "+ ") {
			return v
		}
	}
	return "devel"
}

// clamp brings milliseconds into the range that franz-go takes.
func (s *Settings) clamp(key string, ms int64, lo, hi time.Duration) time.Duration {
	d := millis(ms)
	if c := min(max(d, lo), hi); c != d {
		if given(s.given, key) {
			s.note(key, "%v is used in place of %v", c, d)
		}
		return c
	}
	return d
}

func (s *Settings) idle() time.Duration {
	if s.connIdle < 0 { // Java: never
		return 15 * time.Minute
	}
	return s.clamp("connections.max.idle.ms", s.connIdle, 100*time.Millisecond, 15*time.Minute)
}

// backoff doubles from lo to hi with a fifth of jitter either way (KIP-580).
func backoff(lo, hi time.Duration) func(int) time.Duration {
	return func(fails int) time.Duration {
		d := hi
		if n := max(0, fails-1); n < 30 && lo < hi>>n {
			d = lo << n
		}
		return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
	}
}

func (s *Settings) producerOpts() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.RecordPartitioner(s.recordPartitioner()),
		kgo.ProducerLinger(s.clamp("linger.ms", s.linger, 0, time.Minute)),
		kgo.ProducerBatchMaxBytes(int32(min(max(s.maxRequest, 512), 1<<30))),
		kgo.BrokerMaxWriteBytes(int32(min(max(s.maxRequest+1<<20, 100<<20), 1<<30))),
		kgo.ProduceRequestTimeout(s.clamp("request.timeout.ms", int64(s.requestTimeout), 100*time.Millisecond, math.MaxInt32*time.Millisecond)),
		kgo.ProducerBatchCompression(s.codec()),
		kgo.MaxBufferedBytes(int(max(1, s.bufferMemory))),
		// Java bounds bytes only. A record costs franz-go about 200 bytes on top
		// of its own, so the bytes alone would not bound memory.
		kgo.MaxBufferedRecords(32_768),
	}
	if s.kind&Admin == 0 {
		// As Java's producer. The worker's own topics need settings that a
		// broker's defaults do not have; only Cluster makes those.
		opts = append(opts, kgo.AllowAutoTopicCreation())
	}
	if given(s.given, "batch.size") {
		s.note("batch.size", "batches grow up to max.request.size while a request is under way; batch.size only sets how much goes to one partition before keyless records move to another")
	}
	switch s.acks {
	case "0":
		opts = append(opts, kgo.RequiredAcks(kgo.NoAck()))
	case "1":
		opts = append(opts, kgo.RequiredAcks(kgo.LeaderAck()))
	default:
		opts = append(opts, kgo.RequiredAcks(kgo.AllISRAcks()))
	}
	if !s.idempotent {
		opts = append(opts, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(s.maxInFlight))
	}
	if s.retries < math.MaxInt32 {
		opts = append(opts, kgo.RecordRetries(s.retries), kgo.RequestRetries(s.retries))
	}
	if s.deliveryTimeout < math.MaxInt32 {
		opts = append(opts, kgo.RecordDeliveryTimeout(max(time.Second, time.Duration(s.deliveryTimeout)*time.Millisecond)))
	}
	if s.TransactionalID != "" {
		opts = append(opts, kgo.TransactionalID(s.TransactionalID),
			kgo.TransactionTimeout(time.Duration(s.transactionTimeout)*time.Millisecond))
	}
	return opts
}

// codec returns the compression; levels left at Java's default are left to the
// library.
func (s *Settings) codec() kgo.CompressionCodec {
	switch s.compression {
	case "gzip":
		c := kgo.GzipCompression()
		if s.gzipLevel > 0 {
			c = c.WithLevel(s.gzipLevel)
		}
		return c
	case "snappy":
		return kgo.SnappyCompression()
	case "lz4":
		c := kgo.Lz4Compression()
		if given(s.given, "compression.lz4.level") {
			c = c.WithLevel(min(s.lz4Level, 9))
		}
		return c
	case "zstd":
		c := kgo.ZstdCompression()
		if given(s.given, "compression.zstd.level") {
			c = c.WithLevel(min(max(s.zstdLevel, 1), 22))
		}
		return c
	}
	return kgo.NoCompression()
}

func (s *Settings) consumerOpts() ([]kgo.Opt, error) {
	start, reset := s.offsets()
	opts := []kgo.Opt{
		kgo.FetchMinBytes(int32(s.fetchMin)),
		kgo.FetchMaxBytes(int32(min(max(1, s.fetchMax), 1<<29))),
		kgo.FetchMaxPartitionBytes(int32(max(1, s.fetchPartition))),
		kgo.FetchMaxWait(s.clamp("fetch.max.wait.ms", int64(s.fetchWait), 10*time.Millisecond, math.MaxInt32*time.Millisecond)),
		// A broker sends one oversized batch rather than none, so answers can
		// be larger than what was asked for.
		kgo.BrokerMaxReadBytes(int32(min(max(s.fetchMax*2, 100<<20), 1<<30))),
		kgo.ConsumeStartOffset(start),
		kgo.ConsumeResetOffset(reset),
		kgo.Rack(s.rack),
	}
	if s.ReadCommitted {
		opts = append(opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	if !s.crcs {
		opts = append(opts, kgo.DisableFetchCRCValidation())
	}
	if s.autoCreate && s.kind&Producer == 0 {
		opts = append(opts, kgo.AllowAutoTopicCreation())
	}
	if s.kind&Group == 0 {
		return opts, nil
	}
	balancers, err := s.balancers()
	if err != nil {
		return nil, err
	}
	opts = append(opts, kgo.ConsumerGroup(s.GroupID), kgo.DisableAutoCommit(), kgo.Balancers(balancers...),
		kgo.SessionTimeout(s.clamp("session.timeout.ms", int64(s.session), 100*time.Millisecond, math.MaxInt32*time.Millisecond)),
		kgo.HeartbeatInterval(time.Duration(s.heartbeat)*time.Millisecond),
		kgo.RebalanceTimeout(s.clamp("max.poll.interval.ms", int64(s.pollInterval), 100*time.Millisecond, math.MaxInt32*time.Millisecond)))
	if s.instance != "" {
		opts = append(opts, kgo.InstanceID(s.instance))
	}
	if s.brokerAssigns() {
		opts = append(opts, kgo.ServerSideBalancer())
	}
	return opts, nil
}

// StartOffset returns where a consumer begins to read a partition for which it
// has no offset.
func (s *Settings) StartOffset() kgo.Offset {
	start, _ := s.offsets()
	return start
}

// offsets maps auto.offset.reset, which in Java serves both for a partition
// without an offset and for an offset that is gone.
func (s *Settings) offsets() (start, reset kgo.Offset) {
	switch {
	case s.resetBack > 0 || strings.HasPrefix(s.OffsetReset, "by_duration:"):
		return kgo.LookbackOffset(s.resetBack), kgo.LookbackOffset(s.resetBack)
	case s.OffsetReset == "earliest":
		return kgo.NewOffset().AtStart(), kgo.NewOffset().AtStart()
	case s.OffsetReset == "none" && s.kind&Group != 0:
		return kgo.NewOffset().AtCommitted(), kgo.NoResetOffset()
	case s.OffsetReset == "none":
		return kgo.NewOffset().AtStart(), kgo.NoResetOffset()
	}
	return kgo.NewOffset().AtEnd(), kgo.NewOffset().AtEnd()
}

// Assignors returns the balancers of a consumer's group, best first.
func (s *Settings) Assignors() ([]kgo.GroupBalancer, error) { return s.balancers() }

func (s *Settings) balancers() ([]kgo.GroupBalancer, error) {
	if s.brokerAssigns() {
		return []kgo.GroupBalancer{remoteAssignors[s.remoteAssignor]}, nil
	}
	var out []kgo.GroupBalancer
	for _, name := range s.assignors {
		switch name {
		case "":
		case rangeAssignor:
			out = append(out, kgo.RangeBalancer())
		case roundRobinAssignor:
			out = append(out, kgo.RoundRobinBalancer())
		case stickyAssignor:
			out = append(out, kgo.StickyBalancer())
		case cooperativeAssignor:
			out = append(out, kgo.CooperativeStickyBalancer())
		default:
			return nil, connect.Errorf("org.apache.kafka.common.KafkaException", "%s ClassNotFoundException exception occurred", name)
		}
	}
	if out == nil {
		return nil, connect.ConfigErrorf("Invalid value [] for configuration partition.assignment.strategy: at least one of %s, %s, %s and %s is needed",
			rangeAssignor, roundRobinAssignor, stickyAssignor, cooperativeAssignor)
	}
	return out, nil
}
