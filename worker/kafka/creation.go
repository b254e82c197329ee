package kafka

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/dlclark/regexp2"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// TopicCreation makes the topics that a source connector writes to, by the
// topic.creation. settings of its config (KIP-158). One may be shared by the
// tasks of a connector.
type TopicCreation struct {
	groups []creationGroup // in order; default comes last

	mu   sync.Mutex
	seen map[string]bool
}

type creationGroup struct {
	name             string
	include, exclude func(string) bool
	topic            Topic // but for the name
}

const (
	creationPrefix = "topic.creation."
	defaultGroup   = "default"
)

// NewTopicCreation reads a connector's settings. It returns nil, which makes
// nothing, when there are none or the worker has topic.creation.enable=false.
func NewTopicCreation(props map[string]string, enabled bool) (*TopicCreation, error) {
	uses := false
	for k := range props {
		uses = uses || strings.HasPrefix(k, creationPrefix)
	}
	if !enabled || !uses {
		return nil, nil
	}
	def, err := readGroup(props, defaultGroup, nil)
	if err != nil {
		return nil, err
	}
	t := &TopicCreation{seen: map[string]bool{}}
	var names []string
	for name := range strings.SplitSeq(props["topic.creation.groups"], ",") {
		if name = strings.TrimSpace(name); name == "" || name == defaultGroup {
			continue
		}
		if slices.Contains(names, name) {
			return nil, connect.ConfigErrorf("Invalid value [%s] for configuration topic.creation.groups: Duplicate alias provided.", strings.ReplaceAll(props["topic.creation.groups"], ",", ", "))
		}
		names = append(names, name)
		g, err := readGroup(props, name, &def)
		if err != nil {
			return nil, err
		}
		t.groups = append(t.groups, g)
	}
	t.groups = append(t.groups, def)
	return t, nil
}

// readGroup reads one group; def, nil for the default group itself, lends
// partitions and replication, not further settings.
func readGroup(props map[string]string, name string, def *creationGroup) (g creationGroup, err error) {
	prefix := creationPrefix + name + "."
	g = creationGroup{name: name, topic: Topic{Configs: map[string]string{}}}
	prefixed(g.topic.Configs, props, prefix)
	number := func(key string, bits int, lend int64) (int64, error) {
		s, set := g.topic.Configs[key]
		delete(g.topic.Configs, key)
		switch {
		case set:
		case def == nil:
			return 0, connect.ConfigErrorf("Missing required configuration \"%s\" which has no default value.", prefix+key)
		default:
			return lend, nil
		}
		n, err := strconv.ParseInt(strings.TrimSpace(s), 10, bits)
		if err != nil {
			return 0, connect.ConfigErrorf("Invalid value %s for configuration %s: Not a number of type %s", s, prefix+key, map[int]string{16: "SHORT", 32: "INT"}[bits])
		}
		if n == 0 || n < -1 {
			var what string
			if key == "replication.factor" {
				what = "Replication factor must be positive and not larger than the number of brokers in the Kafka cluster, or -1 to use the broker's default"
			} else {
				what = "Number of partitions must be positive, or -1 to use the broker's default"
			}
			return 0, connect.ConfigErrorf("Invalid value %d for configuration %s: %s", n, prefix+key, what)
		}
		return n, nil
	}
	var lentR, lentP int64
	if def != nil {
		lentR, lentP = int64(def.topic.Replication), int64(def.topic.Partitions)
	}
	replication, err := number("replication.factor", 16, lentR)
	if err != nil {
		return g, err
	}
	partitions, err := number("partitions", 32, lentP)
	if err != nil {
		return g, err
	}
	g.topic.Replication, g.topic.Partitions = int16(replication), int32(partitions)
	include, exclude := g.topic.Configs["include"], g.topic.Configs["exclude"]
	delete(g.topic.Configs, "include")
	delete(g.topic.Configs, "exclude")
	if def == nil { // it takes every topic that is left
		g.include, g.exclude = func(string) bool { return true }, func(string) bool { return false }
		return g, nil
	}
	if g.include, err = anyOf(prefix+"include", include); err != nil {
		return g, err
	}
	g.exclude, err = anyOf(prefix+"exclude", exclude)
	return g, err
}

// anyOf compiles a list of Java regular expressions, one of which must match
// all of a topic's name. What RE2 does not know (look-around, back references)
// is left to a backtracking engine.
func anyOf(key, list string) (func(string) bool, error) {
	var parts []string
	for p := range strings.SplitSeq(list, ",") {
		parts = append(parts, strings.TrimSpace(p))
	}
	whole := `^(?:` + strings.Join(parts, "|") + `)$`
	if re, err := regexp.Compile(whole); err == nil {
		return re.MatchString, nil
	}
	re, err := regexp2.Compile(whole, regexp2.None)
	if err != nil {
		return nil, connect.ConfigErrorf("Invalid value [%s] for configuration %s: Syntax error in regular expression: %v", strings.Join(parts, ", "), key, err)
	}
	return func(s string) bool { ok, err := re.MatchString(s); return err == nil && ok }, nil
}

// Topic returns the topic to be made under a name, and the group that says so.
func (t *TopicCreation) Topic(name string) (topic Topic, group string) {
	for _, g := range t.groups {
		if g.include(name) && !g.exclude(name) {
			g.topic.Name = name
			return g.topic, g.name
		}
	}
	return Topic{}, "" // not reached: default takes all
}

// Ensure makes a topic that is met for the first time, unless it is there. A
// nil TopicCreation leaves it to the brokers.
func (t *TopicCreation) Ensure(ctx context.Context, c *Cluster, name string) error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock() // one task makes a topic, others wait for it
	if t.seen[name] {
		return nil
	}
	existing, err := c.Describe(ctx, name)
	if err != nil {
		return err
	}
	if len(existing) == 0 {
		topic, group := t.Topic(name)
		switch found, err := c.CreateOrFind(ctx, topic); {
		case err != nil:
			return err
		case found == Unknown:
			return connect.Failf("Task failed to create new topic %s. Ensure that the task is authorized to create topics or that the topic exists and restart the task", topic)
		case found == Created:
			c.log.Info(fmt.Sprintf("Created topic '%s' using creation group %s", topic, group))
		}
	}
	t.seen[name] = true
	return nil
}
