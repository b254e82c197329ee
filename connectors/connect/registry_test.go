package connect_test

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// TestShortNames: a class is found by its simple name, a nested one by its full
// name only, as in Java.
func TestShortNames(t *testing.T) {
	var ps connect.Plugins
	open := func(connect.Props) (connect.Transform, error) { return nil, nil }
	for _, class := range []string{"org.x.RegexRouter", "org.x.Cast$Value"} {
		ps.Add(connect.TransformPlugin{Class: class, Version: "1", Open: open})
	}
	for name, want := range map[string]bool{"org.x.RegexRouter": true, "RegexRouter": true, "org.x.Cast$Value": true, "Cast$Value": false, "Value": false, "Cast": false} {
		if _, found := ps.Transforms.Find(name); found != want {
			t.Errorf("%s: found %v", name, found)
		}
	}
}
