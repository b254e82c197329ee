package transforms

import (
	"errors"
	"strconv"
	"testing"

	"github.com/millwright-connect/millwright/connectors/data"
)

func TestPlanCache(t *testing.T) {
	var c planCache[string]
	built := 0
	build := func(s *data.Schema) (string, error) {
		built++
		return s.Name(), nil
	}
	named := func(i int) *data.Schema { return data.Of(data.String).WithName(strconv.Itoa(i)) }
	ask := func(s *data.Schema, builds int) {
		t.Helper()
		before := built
		if got, err := c.of(s, build); err != nil || got != s.Name() || built-before != builds {
			t.Errorf("%s: got %s %v after %d builds", s.Name(), got, err, built-before)
		}
	}
	schemas := make([]*data.Schema, 17)
	for i := range schemas {
		schemas[i] = named(i)
		ask(schemas[i], 1)
	}
	ask(schemas[1], 0)
	ask(schemas[0], 1) // was seen longest ago
	ask(schemas[1], 0)
	ask(schemas[2], 1)
	ask(named(16), 0) // equal to one that is known

	if _, err := c.of(named(99), func(*data.Schema) (string, error) { return "", errors.New("no") }); err == nil {
		t.Error("an error was kept as a plan")
	}
	ask(named(99), 1)
}
