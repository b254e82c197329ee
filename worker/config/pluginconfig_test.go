package config_test

import (
	"testing"

	"github.com/millwright-connect/millwright/worker/config"
)

func TestPluginConfigOfShortNames(t *testing.T) {
	plugins := javaPlugins()
	for name, text := range map[string]string{
		"TimestampRouter": "Format string which can contain <code>${topic}</code> and <code>${timestamp}</code> as placeholders for the topic and timestamp, respectively.",
		"org.apache.kafka.connect.transforms.TimestampConverter$Key": "The field containing the timestamp, or empty if the entire value is a timestamp",
		"TimestampConverter$Key": "", // nested classes have no short name
		"TimestampConverter":     "",
	} {
		keys, err := config.PluginConfig(plugins, name)
		switch {
		case text == "" && (err == nil || err.Error() != "Unknown plugin "+name+"."):
			t.Errorf("%s: want an unknown plugin, got %v", name, err)
		case text != "" && (err != nil || keys[0].Documentation != text):
			t.Errorf("%s: %v, %v", name, keys, err)
		}
	}
}
