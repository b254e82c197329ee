package transforms

import (
	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/internal/javatext"
)

func init() {
	registerPredicate("TopicNameMatches", func() connect.Configurable { return new(topicNameMatchesConfig) }, openTopicNameMatches)
}

type topicNameMatchesConfig struct{ pattern string }

func (c *topicNameMatchesConfig) Define(d *connect.ConfigDef) {
	d.String(&c.pattern, "pattern").Is(connect.Medium).Check(connect.NonEmpty(), javaRegex()).
		Doc("Regular expression, as of java.util.regex, that the whole name of the record's topic has to match.")
}

// topicNameMatches is true for records of topics that match.
type topicNameMatches struct {
	regex   *javatext.Regex
	answers memo[bool]
}

func openTopicNameMatches(p connect.Props) (connect.Predicate, error) {
	var c topicNameMatchesConfig
	if err := connect.Parse(p, &c); err != nil {
		return nil, err
	}
	regex, err := javatext.NewRegex(c.pattern)
	return &topicNameMatches{regex: regex}, err
}

func (t *topicNameMatches) Test(r *connect.Record) (bool, error) {
	return t.answers.of(r.Topic, t.regex.Matches)
}
