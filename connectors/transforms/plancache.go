package transforms

import "github.com/millwright-connect/millwright/connectors/data"

// planCache keeps what a transform has worked out for the schemas it saw last,
// the latest first. A schema is found by its pointer; one that is another copy
// of a known schema takes that one's plan, so that what comes out keeps its
// pointer too.
type planCache[T any] struct {
	plans [16]struct {
		schema *data.Schema
		plan   T
	}
	n int
}

// of returns the plan for a schema, made by build if it is not known.
func (c *planCache[T]) of(s *data.Schema, build func(*data.Schema) (T, error)) (T, error) {
	for i := range c.n {
		if c.plans[i].schema == s {
			return c.toFront(i), nil
		}
	}
	for i := range c.n {
		if data.EqualSchemas(c.plans[i].schema, s) {
			c.plans[i].schema = s
			return c.toFront(i), nil
		}
	}
	plan, err := build(s)
	if err != nil {
		return plan, err
	}
	if c.n < len(c.plans) {
		c.n++
	}
	last := c.n - 1
	c.plans[last].schema, c.plans[last].plan = s, plan
	return c.toFront(last), nil
}

func (c *planCache[T]) toFront(i int) T {
	p := c.plans[i]
	copy(c.plans[1:i+1], c.plans[:i])
	c.plans[0] = p
	return p.plan
}

// memo keeps the answer for the text that was asked last; records come in runs
// of one topic.
type memo[T any] struct {
	text  string
	known bool
	last  T
}

// of returns the answer for a text, worked out by f if it is not known.
func (m *memo[T]) of(text string, f func(string) (T, error)) (T, error) {
	if m.known && m.text == text {
		return m.last, nil
	}
	v, err := f(text)
	if err == nil {
		m.text, m.known, m.last = text, true, v
	}
	return v, err
}
