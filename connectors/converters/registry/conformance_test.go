package registry

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/connecttest"
)

func TestConformance(t *testing.T) {
	for _, class := range []string{avroClass, jsonClass, protobufClass} {
		p, _ := connect.Registered.Converters.Find(class)
		r := fakeRegistry(t)
		// The fake registry keeps the other ends of connections for a moment.
		leaks := connecttest.Leaks(goleak.IgnoreAnyFunction("net/http.(*conn).serve"))
		t.Run(class, func(t *testing.T) {
			connecttest.Converter(t, p, connect.Props{"schema.registry.url": r.URL(), "max.retries": "0"}, leaks)
		})
	}
}
