package config_test

import (
	"slices"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/config"
)

func TestPluginConfigOfShortNames(t *testing.T) {
	plugins := javaPlugins()
	for name, known := range map[string]bool{
		"TimestampRouter": true,
		"org.apache.kafka.connect.transforms.TimestampConverter$Key": true,
		"TimestampConverter$Key": false, // nested classes have no short name
		"TimestampConverter":     false,
	} {
		keys, err := config.PluginConfig(plugins, name)
		switch {
		case !known && (err == nil || err.Error() != "Unknown plugin "+name+"."):
			t.Errorf("%s: want an unknown plugin, got %v", name, err)
		case known && (err != nil || len(keys) == 0 || keys[0].Documentation == ""):
			t.Errorf("%s: %v, %v", name, keys, err)
		}
	}
}

func TestNullsAreRefusedBesideAVersionThatDoesNotFit(t *testing.T) {
	w, err := config.ParseWorker(connect.Props{
		"bootstrap.servers": "b:1", "key.converter": "JsonConverter", "value.converter": "JsonConverter", "offset.storage.file.filename": "f",
	}, config.Standalone, javaPlugins())
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"9.9", "4.3.1"} {
		got, err := config.Validate(t.Context(), javaPlugins(), w, connect.Props{
			"name": "c", "connector.class": "FileStreamSink", "topics": "t", "connector.plugin.version": version, "tasks.max": connect.Null, "x": connect.Null,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"x", "tasks.max"} {
			at := connect.ValueOf(got.Configs, name)
			if at == nil || !slices.Contains(at.Errors, "Null value can not be supplied as the configuration value.") {
				t.Errorf("version %s: %s is %+v", version, name, at)
			}
		}
	}
}
