package mirror

import (
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/internal/javatext"
)

// Java's defaults, all of them expressions.
var (
	everything         = []string{".*"}
	excludedTopics     = []string{`mm2.*\.internal`, `.*\.replica`, "__.*"}
	excludedGroups     = []string{"console-consumer-.*", "connect-.*", "__.*"}
	excludedProperties = []string{
		"follower.replication.throttled.replicas", "leader.replication.throttled.replicas", "message.timestamp.difference.max.ms",
		"log.message.timestamp.before.max.ms", "log.message.timestamp.after.max.ms", "message.timestamp.type",
		"unclean.leader.election.enable", "min.insync.replicas",
	}
)

func defineTopicFilter(d *connect.ConfigDef) {
	d.List(new([]string), "topics").Default(everything).Is(connect.High).Check(connect.ListOf()).
		Doc("Topics to replicate. Supports comma-separated topic names and regexes.")
	d.List(new([]string), "topics.exclude").Default(excludedTopics).Is(connect.High).Check(connect.ListOf()).
		Doc("Excluded topics. Supports comma-separated topic names and regexes. Excludes take precedence over includes.")
}

// A filter takes names that an expression matches as a whole and that no other
// excludes. A nil expression matches nothing.
type filter struct{ include, exclude *javatext.Regex }

func (f filter) takes(name string) bool { return matches(f.include, name) && !matches(f.exclude, name) }

func matches(re *javatext.Regex, name string) bool {
	if re == nil {
		return false
	}
	ok, err := re.Matches(name)
	return ok && err == nil // an expression that runs too long matches nothing
}

// newTopicFilter is Java's DefaultTopicFilter.
func newTopicFilter(p connect.Props) (filter, error) {
	return newFilter(p, "topics", everything, "topics.exclude", excludedTopics)
}

// newGroupFilter is Java's DefaultGroupFilter.
func newGroupFilter(p connect.Props) (filter, error) {
	return newFilter(p, "groups", everything, "groups.exclude", excludedGroups)
}

func newFilter(p connect.Props, include string, included []string, exclude string, excluded []string) (f filter, err error) {
	if f.include, err = anyOf(p, include, included); err != nil {
		return f, err
	}
	f.exclude, err = anyOf(p, exclude, excluded)
	return f, err
}

// anyOf compiles a property, a list of Java's regular expressions; nil if there
// are none.
func anyOf(p connect.Props, property string, def []string) (*javatext.Regex, error) {
	var list []string
	var d connect.ConfigDef
	d.List(&list, property).Default(def).Check(connect.ListOf())
	if err := d.Parse(p); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, nil
	}
	re, err := javatext.NewRegex(strings.Join(list, "|"))
	if err != nil {
		return nil, connect.ConfigErrorf("Invalid value %s for configuration %s: Invalid regex: %v", strings.Join(list, ","), property, err)
	}
	return re, nil
}

// A propertyFilter chooses the topic settings that are copied: Java's
// DefaultConfigPropertyFilter.
type propertyFilter struct {
	exclude  *javatext.Regex
	defaults bool // of the source are copied too
}

func newPropertyFilter(p connect.Props) (f propertyFilter, err error) {
	f.defaults = p["use.defaults.from"] == atSource
	f.exclude, err = anyOf(p, "config.properties.exclude", excludedProperties)
	return f, err
}

func (f propertyFilter) takes(property string) bool { return !matches(f.exclude, property) }
