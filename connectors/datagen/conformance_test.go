package datagen

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/connecttest"
)

func TestConformance(t *testing.T) {
	connecttest.Source(t, Source, connect.Props{"topic": "t", "rate": "0"}, connecttest.Expect(5000))
}
