package config

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/test/vectors"
)

func TestConnectorKeyVectors(t *testing.T) {
	vectors.Run(t, "config", []string{"connector.key"}, func(t *testing.T, v *vectors.Vector) error {
		var c struct{ Class string }
		v.BindConfig(&c)
		return diffKey(v, ConnectorDef(c.Class == "SinkConnectorConfig"))
	})
	_ = connect.Null
}
