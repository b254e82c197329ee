package mirror

import (
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

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A checkpointConnector finds the groups whose offsets are translated.
type checkpointConnector struct {
	checkpointConfig
	closers
	host           connect.Host
	log            *slog.Logger
	topics, groups filter
	here, there    admin

	mu     sync.Mutex
	open   bool
	loaded bool
	known  []string // groups, sorted
}

func openCheckpoint(ctx context.Context, h connect.Host, p connect.Props) (connect.Connector, error) {
	c := &checkpointConnector{host: h, log: h.Log()}
	if err := c.parse(p); err != nil {
		return nil, err
	}
	if !c.enabled {
		return c, nil
	}
	var err error
	if c.topics, err = newTopicFilter(p); err != nil {
		return nil, err
	}
	if c.groups, err = newGroupFilter(p); err != nil {
		return nil, err
	}
	cls := &clients{config: &c.config, name: h.Name(), log: h.Log()}
	if c.here, c.there, err = cls.admins("checkpoint-*-admin"); err != nil {
		return nil, err
	}
	c.add(c.here.Close)
	c.add(c.there.Close)
	policy := newPolicy(&c.config)
	s := &schedule{log: c.log, timeout: c.adminTimeout}
	create := func(ctx context.Context) error {
		return createCompacted(ctx, c.log, c.there, policy.checkpoints(c.source), int16(c.replication))
	}
	if !s.now(ctx, "creating internal topics", create) {
		s.add(job{what: "creating internal topics", every: time.Minute, run: create, once: true}, time.Second)
	}
	if !s.now(ctx, "loading initial consumer groups", c.refresh) {
		s.add(job{what: "loading consumer groups", every: time.Minute, run: c.refresh, once: true}, time.Second)
	}
	c.open = true
	s.add(job{what: "refreshing consumer groups", every: c.refreshEvery(), run: c.refresh}, c.refreshEvery())
	s.start()
	c.add(s.stop)
	c.log.Info("mirror checkpoints start", "source", c.source, "target", c.target, "groups", len(c.known))
	return c, nil
}

// Tasks deals the groups out in runs of about equal length.
func (c *checkpointConnector) Tasks(_ context.Context, limit int) ([]connect.Props, error) {
	if !c.enabled || c.emitEvery() < 0 {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.loaded {
		return nil, connect.Errorf(connect.RetriableException, "Timeout while loading consumer groups.")
	}
	n := min(limit, len(c.known))
	tasks := make([]connect.Props, n)
	rest := c.known
	for i := range tasks {
		size := (len(rest) + n - i - 1) / (n - i) // longer runs first, as in Java
		tasks[i] = maps.Clone(c.props)
		tasks[i][groupsProperty] = strings.Join(rest[:size], ",")
		tasks[i][indexProperty] = strconv.Itoa(i)
		rest = rest[size:]
	}
	return tasks, nil
}

// refresh looks for groups that have come or gone.
func (c *checkpointConnector) refresh(ctx context.Context) error {
	groups, err := c.find(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	before, first := c.known, !c.loaded
	c.known, c.loaded = groups, true
	c.mu.Unlock()
	if !c.open || !first && slices.Equal(before, groups) {
		return nil // once it is open, a connector is asked for tasks unbidden
	}
	c.log.Info(fmt.Sprintf("Found %d consumer groups for %s->%s. Previously had %d.", len(groups), c.source, c.target, len(before)))
	c.host.Reconfigure()
	return nil
}

// find lists the groups that the filter takes and that have offsets of topics
// that the topic filter takes.
func (c *checkpointConnector) find(ctx context.Context) ([]string, error) {
	listed, err := c.here.ListGroups(ctx)
	if err != nil {
		return nil, adminError(err, "list consumer groups on %s cluster", c.source)
	}
	var names []string
	for _, g := range listed {
		if (g.ProtocolType == "consumer" || g.ProtocolType == "") && c.groups.takes(g.Group) {
			names = append(names, g.Group)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	fetched := c.here.FetchManyOffsets(ctx, names...)
	var groups []string
	for name, g := range fetched {
		if g.Err != nil {
			return nil, adminError(g.Err, "list offsets for consumer group %s on %s cluster", name, c.source)
		}
		for topic := range g.Fetched {
			if c.topics.takes(topic) {
				groups = append(groups, name)
				break
			}
		}
	}
	slices.Sort(groups)
	return groups, nil
}

// groupOffsets returns what groups have committed at a cluster. What cannot be
// had of a group is logged.
func (a admin) groupOffsets(ctx context.Context, log *slog.Logger, groups []string) map[string]kadm.OffsetResponses {
	all := map[string]kadm.OffsetResponses{}
	if len(groups) == 0 {
		return all
	}
	for name, g := range a.FetchManyOffsets(ctx, groups...) {
		if g.Err != nil {
			if ctx.Err() == nil || !errors.Is(g.Err, ctx.Err()) {
				log.Error(fmt.Sprintf("Error querying offsets for consumer group %s on cluster %s.", name, a.alias), "error", g.Err)
			}
			continue
		}
		all[name] = g.Fetched
	}
	return all
}
