package kafka

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Settings are the parsed properties of one client. The fields that franz-go
// has no option for are exported, for the runner that owns the client.
type Settings struct {
	// Unsupported lists the given properties that have no, or not all of, their
	// effect.
	Unsupported []Unsupported

	Bootstrap []string // host:port
	ClientID  string
	GroupID   string
	// MaxPollRecords bounds the records of one poll (kgo's PollRecords).
	MaxPollRecords int
	// MaxPollInterval is the longest time between polls; it is the member's
	// rebalance time-out too.
	MaxPollInterval time.Duration
	// MaxBlock bounds a Produce that waits for buffer space or metadata; the
	// caller makes a context of it. math.MaxInt64 nanoseconds: no bound.
	MaxBlock time.Duration
	// APITimeout bounds one administrative operation.
	APITimeout time.Duration
	// OffsetReset is earliest, latest, none or by_duration:PnDTnHnMn.nS.
	OffsetReset string
	// ReadCommitted says that records of open or aborted transactions are not
	// read.
	ReadCommitted bool
	// TransactionalID is not empty for a transactional producer.
	TransactionalID string

	kind      Kind
	given     map[string]string
	known     map[string]bool
	resetBack time.Duration // of by_duration

	// Common to all clients; *ms are milliseconds as in Java.
	requestTimeout, retries                int
	retryBackoff, retryBackoffMax          int64
	metadataMaxAge, connIdle, setupTimeout int64
	dnsLookup, rack                        string
	metricsPush                            bool
	bootstrap                              []string
	apiTimeout, pollInterval               int
	maxBlock                               int64
	security                               security

	// Producers.
	acks                                string
	batchSize, maxRequest, maxInFlight  int
	deliveryTimeout, transactionTimeout int
	linger, bufferMemory                int64
	compression                         string
	gzipLevel, lz4Level, zstdLevel      int
	partitioner                         string
	ignoreKeys, adaptive, idempotent    bool

	// Consumers.
	fetchMin, fetchMax, fetchPartition, fetchWait int
	isolation                                     string
	crcs, autoCommit, autoCreate                  bool
	session, heartbeat                            int
	instance                                      string
	assignors                                     []string
	groupProtocol, remoteAssignor                 string
}

func (s *Settings) parse(props map[string]string) error {
	var d connect.ConfigDef
	s.common(&d)
	s.security.define(&d)
	if s.kind&Producer != 0 {
		s.producer(&d)
	}
	if s.kind&(Consumer|Group) != 0 {
		s.consumer(&d)
	}
	s.known = map[string]bool{}
	for _, name := range d.Names() {
		s.known[name] = true
	}
	if err := connect.Parse(props, definition(func(into *connect.ConfigDef) { *into = d })); err != nil {
		return err
	}
	return s.check(props)
}

// definition makes a function Configurable.
type definition func(*connect.ConfigDef)

func (f definition) Define(d *connect.ConfigDef) { f(d) }

func (s *Settings) common(d *connect.ConfigDef) {
	d.List(&s.bootstrap, "bootstrap.servers")
	d.String(&s.ClientID, "client.id").Default("")
	d.Int(&s.requestTimeout, "request.timeout.ms").Default(30000).Check(between(0, math.MaxInt32))
	d.Long(&s.retryBackoff, "retry.backoff.ms").Default(100).Check(connect.AtLeast[int64](0))
	d.Long(&s.retryBackoffMax, "retry.backoff.max.ms").Default(1000).Check(connect.AtLeast[int64](0))
	d.Long(&s.metadataMaxAge, "metadata.max.age.ms").Default(300000).Check(connect.AtLeast[int64](0))
	d.Long(&s.connIdle, "connections.max.idle.ms").Default(540000)
	d.Long(&s.setupTimeout, "socket.connection.setup.timeout.ms").Default(10000)
	d.String(&s.dnsLookup, "client.dns.lookup").Default("use_all_dns_ips").
		Check(oneOf("use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"))
	d.Boolean(&s.metricsPush, "enable.metrics.push").Default(s.kind&(Producer|Consumer|Group) != 0)
	if s.kind&(Producer|Admin) != 0 {
		d.Int(&s.retries, "retries").Default(math.MaxInt32).Check(between(0, math.MaxInt32))
	}
	if s.kind&(Consumer|Group|Admin) != 0 {
		d.Int(&s.apiTimeout, "default.api.timeout.ms").Default(60000).Check(between(0, math.MaxInt32))
	}
}

func (s *Settings) producer(d *connect.ConfigDef) {
	d.String(&s.acks, "acks").Default("all").Check(oneOf("all", "-1", "0", "1"))
	d.Int(&s.batchSize, "batch.size").Default(16384).Check(between(0, math.MaxInt32))
	d.Long(&s.linger, "linger.ms").Default(5).Check(connect.AtLeast[int64](0))
	d.Long(&s.bufferMemory, "buffer.memory").Default(32 << 20).Check(connect.AtLeast[int64](0))
	d.Int(&s.maxRequest, "max.request.size").Default(1 << 20).Check(between(0, math.MaxInt32))
	d.Int(&s.maxInFlight, "max.in.flight.requests.per.connection").Default(5).Check(between(1, math.MaxInt32))
	d.Int(&s.deliveryTimeout, "delivery.timeout.ms").Default(120000).Check(between(0, math.MaxInt32))
	d.Long(&s.maxBlock, "max.block.ms").Default(60000).Check(connect.AtLeast[int64](0))
	d.String(&s.compression, "compression.type").Default("none").Check(oneOf("none", "gzip", "snappy", "lz4", "zstd"))
	d.Int(&s.gzipLevel, "compression.gzip.level").Default(-1).Check(gzipLevel)
	d.Int(&s.lz4Level, "compression.lz4.level").Default(9).Check(between(1, 17))
	d.Int(&s.zstdLevel, "compression.zstd.level").Default(3).Check(between(-131072, 22))
	d.Boolean(&s.idempotent, "enable.idempotence").Default(true)
	d.Class(&s.partitioner, "partitioner.class").Default("")
	d.Boolean(&s.ignoreKeys, "partitioner.ignore.keys").Default(false)
	d.Boolean(&s.adaptive, "partitioner.adaptive.partitioning.enable").Default(true)
	d.String(&s.TransactionalID, "transactional.id").OrNone().Check(notEmpty)
	d.Int(&s.transactionTimeout, "transaction.timeout.ms").Default(60000)
}

func (s *Settings) consumer(d *connect.ConfigDef) {
	d.String(&s.rack, "client.rack").Default("")
	d.String(&s.GroupID, "group.id").Default("")
	d.String(&s.instance, "group.instance.id").OrNone().Check(notEmpty)
	d.Int(&s.fetchMin, "fetch.min.bytes").Default(1).Check(between(0, math.MaxInt32))
	d.Int(&s.fetchMax, "fetch.max.bytes").Default(50 << 20).Check(between(0, math.MaxInt32))
	d.Int(&s.fetchPartition, "max.partition.fetch.bytes").Default(1 << 20).Check(between(0, math.MaxInt32))
	d.Int(&s.fetchWait, "fetch.max.wait.ms").Default(500).Check(between(0, math.MaxInt32))
	d.Int(&s.MaxPollRecords, "max.poll.records").Default(500).Check(between(1, math.MaxInt32))
	d.Int(&s.pollInterval, "max.poll.interval.ms").Default(300000).Check(between(1, math.MaxInt32))
	d.Int(&s.session, "session.timeout.ms").Default(45000)
	d.Int(&s.heartbeat, "heartbeat.interval.ms").Default(3000)
	d.String(&s.isolation, "isolation.level").Default("read_uncommitted").Check(oneOf("read_committed", "read_uncommitted"))
	d.String(&s.OffsetReset, "auto.offset.reset").Default("latest").Check(offsetReset)
	d.List(&s.assignors, "partition.assignment.strategy").
		Default([]string{rangeAssignor, cooperativeAssignor})
	d.String(&s.groupProtocol, "group.protocol").Default("classic").Check(connect.OneOfFold("CONSUMER", "CLASSIC"))
	d.String(&s.remoteAssignor, "group.remote.assignor").OrNone()
	d.Boolean(&s.crcs, "check.crcs").Default(true)
	d.Boolean(&s.autoCommit, "enable.auto.commit").Default(true)
	d.Boolean(&s.autoCreate, "allow.auto.create.topics").Default(true)
}

// The checks below have the texts of Java's validators.

func between(lo, hi int) connect.Check[int] {
	text := fmt.Sprintf("[%d,...,%d]", lo, hi)
	if hi == math.MaxInt32 {
		text = fmt.Sprintf("[%d,...]", lo)
	}
	return connect.Check[int]{Text: text, Valid: func(v int) error {
		switch {
		case v < lo:
			return fmt.Errorf("Value must be at least %d", lo)
		case v > hi:
			return fmt.Errorf("Value must be no more than %d", hi)
		}
		return nil
	}}
}

var gzipLevel = connect.Check[int]{Text: "[1,...,9] or -1", Valid: func(v int) error {
	if v != -1 && (v < 1 || v > 9) {
		return fmt.Errorf("Value must be between 1 and 9 or equal to -1")
	}
	return nil
}}

func oneOf(allowed ...string) connect.Check[string] { return connect.OneOf(allowed...) }

var notEmpty = connect.Check[string]{Text: "non-empty string", Valid: func(v string) error {
	if v == "" {
		return fmt.Errorf("String must be non-empty")
	}
	return nil
}}

var offsetReset = connect.Check[string]{Text: "[latest, earliest, none, by_duration:PnDTnHnMn.nS]", Valid: func(v string) error {
	d, by := strings.CutPrefix(v, "by_duration:")
	if !by {
		if v == "latest" || v == "earliest" || v == "none" {
			return nil
		}
	} else if _, err := isoDuration(d); err == nil {
		return nil
	}
	return connect.ConfigErrorf("Invalid value %s for configuration auto.offset.reset: Invalid value `%s` for configuration auto.offset.reset. The value must be either 'earliest', 'latest', 'none' or of the format 'by_duration:<PnDTnHnMn.nS.>'.", v, v)
}}

var isoForm = regexp.MustCompile(`^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$`)

// isoDuration parses the durations that Java's Duration.parse takes and that
// are not negative.
func isoDuration(s string) (time.Duration, error) {
	m := isoForm.FindStringSubmatch(strings.ToUpper(s))
	if m == nil || strings.HasSuffix(s, "P") || strings.HasSuffix(strings.ToUpper(s), "T") {
		return 0, fmt.Errorf("%q is no ISO-8601 duration", s)
	}
	var d float64
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		if m[i+1] != "" {
			n, err := strconv.ParseFloat(m[i+1], 64)
			if err != nil {
				return 0, fmt.Errorf("%q is no ISO-8601 duration", s)
			}
			d += n * float64(unit)
		}
	}
	if d > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is too long", s)
	}
	return time.Duration(d), nil
}

// check makes the checks that look at more than one property, as the
// constructors of Java's configurations do.
func (s *Settings) check(props map[string]string) error {
	var err error
	if s.Bootstrap, err = bootstrap(s.bootstrap); err != nil {
		return err
	}
	s.APITimeout = time.Duration(s.apiTimeout) * time.Millisecond
	s.MaxPollInterval = time.Duration(s.pollInterval) * time.Millisecond
	s.MaxBlock = millis(s.maxBlock)
	s.ReadCommitted = s.isolation == "read_committed"
	if d, by := strings.CutPrefix(s.OffsetReset, "by_duration:"); by {
		if s.resetBack, err = isoDuration(d); err != nil {
			return err
		}
	}
	if s.kind&Producer != 0 {
		if err := s.checkProducer(props); err != nil {
			return err
		}
	}
	if s.kind&(Consumer|Group) != 0 {
		if s.autoCommit && given(props, "enable.auto.commit") {
			s.note("enable.auto.commit", "Connect commits offsets itself, after the sink has them")
		}
		if s.kind&Group != 0 && strings.TrimSpace(s.GroupID) == "" {
			return connect.Errorf("org.apache.kafka.common.errors.InvalidGroupIdException", "The configured group.id should not be an empty string or whitespace.")
		}
		if s.kind&Group != 0 {
			if err := s.checkGroupProtocol(props); err != nil {
				return err
			}
		}
		if s.kind&Group != 0 && s.heartbeat >= s.session {
			return connect.Errorf(illegalArgument, "Heartbeat must be set lower than the session timeout")
		}
	}
	return s.security.check()
}

func (s *Settings) checkProducer(props map[string]string) error {
	acksAll := s.acks == "all" || s.acks == "-1"
	asked := given(props, "enable.idempotence")
	switch {
	case s.idempotent && asked && !acksAll:
		return connect.ConfigErrorf("Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee idempotence.")
	case s.idempotent && s.maxInFlight > 5:
		return connect.ConfigErrorf("To use the idempotent producer, max.in.flight.requests.per.connection must be set to at most 5. Current value is %d.", s.maxInFlight)
	case s.idempotent && asked && s.retries == 0:
		return connect.ConfigErrorf("Must set retries to non-zero when using the idempotent producer.")
	case s.TransactionalID != "" && !s.idempotent && asked:
		return connect.ConfigErrorf("Cannot set a transactional.id without also enabling idempotence.")
	case !acksAll || s.retries == 0:
		if s.TransactionalID != "" {
			return connect.ConfigErrorf("Cannot set a transactional.id without also enabling idempotence.")
		}
		s.idempotent = false // Java turns its default off in silence
	}
	linger := min(s.linger, math.MaxInt32)
	if least := linger + int64(s.requestTimeout); int64(s.deliveryTimeout) < least {
		if given(props, "delivery.timeout.ms") {
			return connect.ConfigErrorf("delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms")
		}
		s.deliveryTimeout = int(min(least, math.MaxInt32))
	}
	switch s.partitioner {
	case "", roundRobinPartitioner:
	default:
		return connect.ConfigErrorf("Invalid value %s for configuration partitioner.class: Class %[1]s could not be found.", s.partitioner)
	}
	return nil
}

func given(props map[string]string, key string) bool { _, ok := props[key]; return ok }

// millis turns Java milliseconds into a Duration, Long.MAX_VALUE into the
// longest there is.
func millis(ms int64) time.Duration {
	if ms > math.MaxInt64/int64(time.Millisecond) {
		return math.MaxInt64
	}
	return time.Duration(ms) * time.Millisecond
}

var hostPort = regexp.MustCompile(`^(?:[0-9a-zA-Z\-%._]*://)?\[?([0-9a-zA-Z\-%._:]*)\]?:([0-9]+)$`)

// bootstrap checks the brokers' addresses.
func bootstrap(list []string) ([]string, error) {
	var out []string
	for _, url := range list {
		if url == "" {
			continue
		}
		m := hostPort.FindStringSubmatch(url)
		if m == nil || m[1] == "" {
			return nil, connect.ConfigErrorf("Invalid url in bootstrap.servers: %s", url)
		}
		if port, err := strconv.Atoi(m[2]); err != nil || port > 65535 {
			return nil, connect.ConfigErrorf("Invalid port in bootstrap.servers: %s", url)
		}
		host := m[1]
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		out = append(out, host+":"+m[2])
	}
	if len(out) == 0 {
		return nil, connect.ConfigErrorf("Configuration 'bootstrap.servers' must not be empty. Valid values include: any non-empty value")
	}
	return out, nil
}
