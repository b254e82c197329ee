package converters

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/connecttest"
)

func TestConformance(t *testing.T) {
	for _, class := range connect.Registered.Converters.Names() {
		p, _ := connect.Registered.Converters.Find(class)
		var opts []connecttest.Option
		if class != "org.apache.kafka.connect.json.JsonConverter" && class != "org.apache.kafka.connect.storage.StringConverter" {
			opts = append(opts, connecttest.NoReadme()) // no properties but the worker's
		}
		t.Run(class, func(t *testing.T) { connecttest.Converter(t, p, nil, opts...) })
	}
	for _, class := range connect.Registered.HeaderConverters.Names() {
		p, _ := connect.Registered.HeaderConverters.Find(class)
		t.Run("header "+class, func(t *testing.T) { connecttest.HeaderConverter(t, p, nil, connecttest.NoReadme()) })
	}
}
