package transforms

import (
	"errors"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/internal/javatext"
)

func init() {
	register("RegexRouter", func() connect.Configurable { return new(regexRouterConfig) }, openRegexRouter)
}

type regexRouterConfig struct{ regex, replacement string }

func (c *regexRouterConfig) Define(d *connect.ConfigDef) {
	d.String(&c.regex, "regex").Is(connect.High).Check(javaRegex()).
		Doc("Regular expression, as of java.util.regex. Topics that match it as a whole are renamed.")
	d.String(&c.replacement, "replacement").Is(connect.High).
		Doc("New topic. It takes the place of the first match; $1 and ${name} stand for groups of the expression.")
}

// javaRegex accepts the regular expressions of java.util.regex.
func javaRegex() connect.Check[string] {
	c := connect.Regex(func(pattern string) error {
		_, err := javatext.NewRegex(pattern)
		return err
	})
	c.Null = connect.PropertyError(`Invalid value null for configuration {name}: Invalid regex: ` +
		`Cannot invoke "String.isEmpty()" because "this.pattern" is null`)
	return c
}

type regexRouter struct {
	regex       *javatext.Regex
	replacement string
	routes      memo[string]
}

func openRegexRouter(p connect.Props) (connect.Transform, error) {
	var c regexRouterConfig
	if err := connect.Parse(p, &c); err != nil {
		return nil, err
	}
	regex, err := javatext.NewRegex(c.regex)
	return &regexRouter{regex: regex, replacement: c.replacement}, err
}

func (t *regexRouter) Apply(r *connect.Record) (bool, error) {
	topic, err := t.routes.of(r.Topic, t.route)
	if err != nil {
		return true, err
	}
	r.Topic = topic
	return true, nil
}

func (t *regexRouter) route(topic string) (string, error) {
	whole, err := t.regex.Matches(topic)
	if err != nil || !whole {
		return topic, javaError(err)
	}
	to, err := t.regex.ReplaceFirst(topic, t.replacement)
	return to, javaError(err)
}

// javaError gives an error of package javatext the form that the worker knows.
func javaError(err error) error {
	var e *javatext.Error
	if errors.As(err, &e) {
		return connect.Errorf(e.Class, "%s", e.Message)
	}
	return err
}
