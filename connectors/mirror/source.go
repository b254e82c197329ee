package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A sourceConnector finds what is to be mirrored, makes the remote topics, and
// keeps their settings and access rules up to date.
type sourceConnector struct {
	sourceConfig
	closers
	host       connect.Host
	log        *slog.Logger
	clients    *clients
	policy     policy
	topics     filter
	properties propertyFilter

	here, there admin // at the source, at the target
	noACLs      bool  // has been told

	mu     sync.Mutex
	loaded bool
	known  topicSizes // topics that are mirrored, at the source
	remote topicSizes // topics at the target that came from the source
}

// topicSizes are topics and their numbers of partitions.
type topicSizes map[string]int

func openSource(ctx context.Context, h connect.Host, p connect.Props) (connect.Connector, error) {
	c := &sourceConnector{host: h, log: h.Log()}
	if err := c.parse(p); err != nil {
		return nil, err
	}
	if !c.enabled {
		return c, nil
	}
	c.policy = newPolicy(&c.config)
	var err error
	if c.topics, err = newTopicFilter(p); err != nil {
		return nil, err
	}
	if c.properties, err = newPropertyFilter(p); err != nil {
		return nil, err
	}
	c.clients = &clients{config: &c.config, name: h.Name(), log: h.Log()}
	if c.here, c.there, err = c.clients.admins("replication-*-admin"); err != nil {
		return nil, err
	}
	c.add(c.here.Close)
	c.add(c.there.Close)

	s := &schedule{log: c.log, timeout: c.adminTimeout}
	syncs := !c.emitSyncs || s.now(ctx, "creating upstream offset-syncs topic", c.createSyncsTopic)
	s.now(ctx, "loading initial set of topic-partitions", c.load)
	if !syncs {
		s.add(job{what: "creating upstream offset-syncs topic", every: time.Minute, run: c.createSyncsTopic, once: true}, time.Second)
	}
	if !c.loaded {
		// Java waits for the next refresh, ten minutes; a source that is away
		// for the moment is asked sooner here.
		s.add(job{what: "loading topic-partitions", every: time.Minute, run: c.refresh, once: true}, time.Second)
	}
	s.add(job{what: "syncing topic ACLs", every: c.aclsEvery(), run: c.syncACLs}, 0)
	s.add(job{what: "syncing topic configs", every: c.configsEvery(), run: c.syncConfigs}, 0)
	s.add(job{what: "refreshing topics", every: c.refreshEvery(), run: c.refresh}, c.refreshEvery())
	s.start()
	c.add(s.stop)
	c.log.Info("mirror source starts", "source", c.source, "target", c.target, "partitions", len(c.known.partitions()))
	return c, nil
}

// Tasks deals the partitions out, one to each task in turn.
func (c *sourceConnector) Tasks(_ context.Context, limit int) ([]connect.Props, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.enabled && !c.loaded {
		// No tasks would stop those that run.
		return nil, connect.Errorf(connect.RetriableException, "Timeout while loading topic-partitions.")
	}
	partitions := c.known.partitions()
	tasks := make([]connect.Props, min(limit, len(partitions)))
	for i := range tasks {
		var mine []string
		for n := i; n < len(partitions); n += len(tasks) {
			mine = append(mine, partitions[n].String())
		}
		tasks[i] = maps.Clone(c.props)
		tasks[i][partitionsProperty] = strings.Join(mine, ",")
		tasks[i][indexProperty] = strconv.Itoa(i)
	}
	return tasks, nil
}

// partitions lists all partitions by topic and number.
func (t topicSizes) partitions() (all []topicPartition) {
	for _, topic := range slices.Sorted(maps.Keys(t)) {
		for p := range t[topic] {
			all = append(all, topicPartition{topic, int32(p)})
		}
	}
	return all
}

// wants tells whether a topic of the source is mirrored.
func (c *sourceConnector) wants(topic string) bool {
	return (c.topics.takes(topic) || c.heartbeats && c.policy.isHeartbeats(topic)) &&
		!c.policy.isInternal(topic) && !c.policy.isCycle(topic, c.target)
}

// isRemote tells whether a topic of the target came from the source.
func (c *sourceConnector) isRemote(topic string) bool {
	from, ok := c.policy.sourceOf(topic)
	return ok && from == c.source && topic != c.policy.checkpoints(c.source)
}

func (c *sourceConnector) remoteName(topic string) string { return c.policy.remote(c.source, topic) }

// load finds the topics for the first time and makes those that the target has
// not got.
func (c *sourceConnector) load(ctx context.Context) error {
	known, remote, err := c.find(ctx)
	if err != nil {
		return err
	}
	c.set(known, remote)
	c.createRemote(ctx, known, remote)
	if remote, err = c.there.sizes(ctx, c.isRemote); err != nil {
		return err
	}
	c.set(known, remote)
	return nil
}

func (c *sourceConnector) set(known, remote topicSizes) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known, c.remote, c.loaded = known, remote, true
}

func (c *sourceConnector) find(ctx context.Context) (known, remote topicSizes, err error) {
	if known, err = c.here.sizes(ctx, c.wants); err != nil {
		return nil, nil, err
	}
	remote, err = c.there.sizes(ctx, c.isRemote)
	return known, remote, err
}

// refresh looks for topics and partitions that have come or gone since.
func (c *sourceConnector) refresh(ctx context.Context) error {
	known, remote, err := c.find(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	before, first := c.known, !c.loaded
	c.mu.Unlock()
	missing := 0 // at the target
	for topic, n := range known {
		missing += max(0, n-remote[c.remoteName(topic)])
	}
	c.set(known, remote)
	if !first && maps.Equal(before, known) && missing == 0 {
		return nil
	}
	come, gone := known.beyond(before), before.beyond(known)
	c.log.Info(fmt.Sprintf("Found %d new topic-partitions on %s. Found %d deleted topic-partitions on %s. Found %d topic-partitions missing on %s.",
		come, c.source, gone, c.source, missing, c.target))
	c.createRemote(ctx, known, remote)
	c.host.Reconfigure()
	if remote, err = c.there.sizes(ctx, c.isRemote); err != nil {
		return err
	}
	c.set(known, remote)
	return nil
}

// beyond counts the partitions that others has not got.
func (t topicSizes) beyond(others topicSizes) (n int) {
	for topic, size := range t {
		n += max(0, size-others[topic])
	}
	return n
}

func (c *sourceConnector) createSyncsTopic(ctx context.Context) error {
	at := c.there
	if c.location == atSource {
		at = c.here
	}
	return createCompacted(ctx, c.log, at, c.policy.offsetSyncs(c.other(c.location)), int16(c.syncReplication))
}

// exactlyOnce: records of transactions that were given up must not be mirrored.
func exactlyOnce(p connect.Props) (connect.Support, error) {
	c := config{props: p}
	if c.readsCommitted() {
		return connect.Supported, nil
	}
	return connect.Unsupported, nil
}

// checkSource finds what properties do not go together.
func checkSource(_ context.Context, p connect.Props, infos []connect.ConfigInfo) error {
	var errs []error
	c := config{props: p}
	if p["exactly.once.support"] == "required" && !c.readsCommitted() {
		errs = append(errs, connect.Blame("exactly.once.support",
			"MirrorSourceConnector can only provide exactly-once guarantees when its source consumer is configured with isolation.level set to "+
				"'read_committed'; otherwise, records from aborted and uncommitted transactions will be replicated from the source cluster to the "+
				"target cluster."))
	}
	if p[emitSyncs] == "false" {
		for name := range p {
			if strings.HasPrefix(name, "offset-syncs-") || strings.HasPrefix(name, "offset-syncs.topic.") {
				connect.ValueOf(infos, emitSyncs).Fail("MirrorSourceConnector can't setup offset-syncs feature while %s set to false", emitSyncs)
				break
			}
		}
	}
	checkFilters(p, infos, "topics", "topics.exclude", "config.properties.exclude")
	return errors.Join(errs...)
}

// checkFilters refuses expressions that do not compile, at which Java's
// connector fails when it starts.
func checkFilters(p connect.Props, infos []connect.ConfigInfo, properties ...string) {
	for _, name := range properties {
		v := connect.ValueOf(infos, name)
		if v == nil || len(v.Errors) > 0 {
			continue
		}
		if _, err := anyOf(p, name, nil); err != nil {
			v.Fail("%v", err)
		}
	}
}

// parsePartition reads what topicPartition.String writes.
func parsePartition(s string) (topicPartition, error) {
	at := strings.LastIndexByte(s, '-')
	n, err := strconv.ParseInt(s[at+1:], 10, 32)
	if at < 0 || err != nil {
		return topicPartition{}, connect.ConfigErrorf("Invalid value %s for configuration %s: expected topic-partition", s, partitionsProperty)
	}
	return topicPartition{s[:at], int32(n)}, nil
}

// byPartition orders partitions.
func byPartition(a, b topicPartition) int {
	return cmp.Or(strings.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
}
