package config

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/test/vectors"
	"github.com/millwright-connect/millwright/worker/stage"
)

func TestConnectorKeyVectors(t *testing.T) {
	vectors.Run(t, "config", []string{"connector.key"}, func(t *testing.T, v *vectors.Vector) error {
		var c struct{ Class string }
		v.BindConfig(&c)
		return diffKey(v, ConnectorDef(c.Class == "SinkConnectorConfig"))
	})
}

// plant is a source with a secret, and with an opinion on exactly-once.
type plant struct {
	secret connect.Secret
	place  string
}

func (p *plant) Define(d *connect.ConfigDef) {
	d.Password(&p.secret, "plant.password").Default("")
	d.String(&p.place, "place").Default("here").Check(connect.OneOf("here", "there"))
}

func somePlugins() *connect.Plugins {
	ps := javaPlugins()
	ps.Add(connect.SourcePlugin{
		Class: "x.PlantSourceConnector", Version: "1.2", Config: func() connect.Configurable { return &plant{} }, OpenTask: noSource,
		Check: func(_ context.Context, p connect.Props, infos []connect.ConfigInfo) error {
			if p["place"] == "there" && p["plant.password"] == "" {
				connect.ValueOf(infos, "plant.password").Fail("there needs a password")
			}
			return nil
		},
		ExactlyOnce: func(p connect.Props) (connect.Support, error) {
			if p["place"] == "there" {
				return connect.Unsupported, nil
			}
			return connect.Supported, nil
		},
		OwnTransactions: func(connect.Props) (connect.Support, error) { return 0, errors.New("nobody knows") },
	})
	ps.Add(connect.TransformPlugin{
		Class: "x.Tag$Value", Version: "1", Open: func(connect.Props) (connect.Transform, error) { return nil, nil },
		Config: func() connect.Configurable { return &plant{} },
	})
	ps.Add(connect.TransformPlugin{Class: "x.Tag$Key", Version: "1", Open: func(connect.Props) (connect.Transform, error) { return nil, nil }})
	ps.Add(connect.PredicatePlugin{Class: "x.Odd", Version: "1", Open: func(connect.Props) (connect.Predicate, error) { return nil, nil }})
	return ps
}

func worker(t *testing.T, ps *connect.Plugins, more connect.Props) *Worker {
	t.Helper()
	p := connect.Props{
		"bootstrap.servers": "b:1", "group.id": "connect-taken", "key.converter": "JsonConverter", "value.converter": "JsonConverter",
		"value.converter.schemas.enable": "false", "config.storage.topic": "c", "offset.storage.topic": "o", "status.storage.topic": "s",
	}
	maps.Copy(p, more)
	w, err := ParseWorker(p, Distributed, ps)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestParseConnector(t *testing.T) {
	ps := somePlugins()
	w := worker(t, ps, nil)
	c, err := ParseConnector(ps, w, connect.Props{
		"name": "n", "connector.class": "PlantSource", "tasks.max": "3", "key.converter": "StringConverter",
		"key.converter.encoding": "UTF-8", "key.converter.plugin.version": "4.3.1", "value.converter.schemas.enable": "true", "errors.tolerance": "all", "errors.retry.timeout": "-1",
		"transforms": "a,b", "transforms.a.type": "x.Tag$Value", "transforms.a.place": "there", "transforms.a.predicate": "p", "transforms.a.negate": "TRUE", "transforms.a.plugin.version": "1",
		"transforms.b.type": "x.Tag$Key", "predicates": "p", "predicates.p.type": "Odd", "predicates.p.n": "1", "transaction.boundary": "INTERVAL", "exactly.once.support": "Required",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Sink || c.TasksMax != 3 || !c.TasksMaxEnforce || !c.Tolerate || c.RetryTimeout >= 0 || c.RetryDelayMax != time.Minute || !c.Reload || !c.ExactlyOnceRequired ||
		c.TransactionBoundary != "interval" || c.TransactionInterval != time.Minute || c.OffsetsTopic != "" {
		t.Errorf("%+v", c)
	}
	for _, p := range []struct {
		got  any
		want string
	}{
		{c.KeyConverter, "{key.converter org.apache.kafka.connect.storage.StringConverter map[converter.type:key encoding:UTF-8]}"},
		{c.ValueConverter, "{value.converter org.apache.kafka.connect.json.JsonConverter map[converter.type:value schemas.enable:false]}"},
		{c.HeaderConverter, "{header.converter org.apache.kafka.connect.storage.SimpleHeaderConverter map[converter.type:header]}"},
		{c.Transforms[0].Plugin, "{transforms.a.type x.Tag$Value map[place:there]}"},
		{*c.Transforms[0].Predicate, "{predicates.p.type x.Odd map[n:1]}"},
		{c.Transforms[0].Negate, "true"},
		{c.Transforms[1].Plugin, "{transforms.b.type x.Tag$Key map[]}"},
		{c.Transforms[1].Predicate == nil, "true"},
	} {
		if got := fmt.Sprint(p.got); got != p.want {
			t.Errorf("got %s, want %s", got, p.want)
		}
	}
}

func TestParseConnectorSink(t *testing.T) {
	ps := somePlugins()
	w := worker(t, ps, nil)
	c, err := ParseConnector(ps, w, connect.Props{
		"name": "n", "connector.class": "FileStreamSink", "topics": "a, b,a", "errors.deadletterqueue.topic.name": "d",
		"errors.deadletterqueue.topic.replication.factor": "1", "errors.deadletterqueue.context.headers.enable": "true", "config.action.reload": "none",
	})
	if err != nil {
		t.Fatal(err)
	}
	if !c.Sink || !slices.Equal(c.Topics, []string{"a", "b"}) || c.DeadLetterTopic != "d" || c.DeadLetterReplication != 1 || !c.DeadLetterHeaders || c.Reload {
		t.Errorf("%+v", c)
	}
	for want, p := range map[string]connect.Props{
		"Invalid value  for configuration topics: Must configure one of topics or topics.regex":                                                          {},
		"Invalid value x for configuration topics: topics and topics.regex are mutually exclusive options, but both are set.":                            {"topics": "x", "topics.regex": "y"},
		"Invalid value 0 for configuration tasks.max: Value must be at least 1":                                                                          {"topics": "x", "tasks.max": "0"},
		`Missing required configuration "transforms.t.type" which has no default value.`:                                                                 {"topics": "x", "transforms": "t"},
		"This class is abstract and cannot be created. Did you mean x.Tag$Key, x.Tag$Value?":                                                             {"topics": "x", "transforms": "t", "transforms.t.type": "x.Tag"},
		"Invalid value elsewhere for configuration place: String must be one of: here, there":                                                            {"topics": "x", "transforms": "t", "transforms.t.type": "x.Tag$Value", "transforms.t.place": "elsewhere"},
		"Configuration transforms.t.place.type is defined twice.":                                                                                        {"topics": "x", "transforms": "t.place,t,t.place.type", "transforms.t.type": "x.Tag$Value", "transforms.t.place.type": "x.Odd", "transforms.t.place.type.type": "x.Odd"},
		"Plugin org.apache.kafka.connect.json.JsonConverter not found that matches the version range [1,1], available versions: [4.3.1]":                 {"topics": "x", "value.converter": "JsonConverter", "value.converter.plugin.version": "1"},
		"Class class org.apache.kafka.connect.file.FileStreamSinkConnector does not implement the HeaderConverter interface":                             {"topics": "x", "header.converter": "FileStreamSink"},
		"Class class java.lang.String does not implement the Converter interface":                                                                        {"topics": "x", "value.converter": "java.lang.String"},
		"Class interface java.util.Map does not implement the Transformation interface":                                                                  {"topics": "x", "transforms": "t", "transforms.t.type": "java.util.Map"},
		"Invalid value java.lang.Strin for configuration key.converter: Class java.lang.Strin could not be found.":                                       {"topics": "x", "key.converter": "java.lang.Strin"},
		"Invalid value a** for configuration topics.regex: Invalid regex: Dangling meta character '*' near index 2\na**\n  ^":                            {"topics.regex": "a**"},
		"Invalid value x for configuration topics: The DLQ topic 'x' may not be included in the list of topics ('topics=[x]') consumed by the connector": {"topics": "x", "errors.deadletterqueue.topic.name": "x"},
	} {
		p["name"], p["connector.class"] = "n", "FileStreamSink"
		_, err := ParseConnector(ps, w, p)
		if strings.Contains(want, "defined twice") {
			if err == nil {
				t.Errorf("%v was taken", p)
			}
			continue
		}
		if err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}

// faults lists what a validation finds, as "property: message".
func faults(infos ConfigInfos) (all []string) {
	for _, i := range infos.Configs {
		for _, e := range i.Value.Errors {
			all = append(all, i.Value.Name+": "+e)
		}
	}
	return all
}

func TestValidateDistributed(t *testing.T) {
	ps := somePlugins()
	for _, c := range []struct {
		name          string
		worker, props connect.Props
		want          []string
	}{
		{
			"worker without exactly-once", nil,
			connect.Props{"connector.class": "PlantSource", "exactly.once.support": "required"},
			[]string{"exactly.once.support: This worker does not have exactly-once source support enabled."},
		},
		{"connector can", connect.Props{"exactly.once.source.support": "enabled"}, connect.Props{"connector.class": "PlantSource", "exactly.once.support": "required"}, nil},
		{
			"connector cannot",
			connect.Props{"exactly.once.source.support": "enabled"},
			connect.Props{"connector.class": "PlantSource", "exactly.once.support": "REQUIRED", "place": "there", "plant.password": "x"},
			[]string{"exactly.once.support: The connector does not support exactly-once semantics with the provided configuration."},
		},
		{
			"own boundaries", nil,
			connect.Props{"connector.class": "PlantSource", "transaction.boundary": "connector"},
			[]string{"transaction.boundary: An unexpected error occurred during validation: nobody knows"},
		},
		{
			"no own boundaries", nil,
			connect.Props{"connector.class": "FileStreamSource", "transaction.boundary": "connector"},
			[]string{"transaction.boundary: The connector does not support connector-defined transaction boundaries with the given configuration. Please reconfigure it to use a different transaction boundary definition."},
		},
		{
			"workers' group", nil,
			connect.Props{"connector.class": "FileStreamSink", "topics": "t", "name": "taken"},
			[]string{"name: Consumer group for sink connector named taken conflicts with Connect worker group connect-taken"},
		},
		{
			"workers' group by override", nil,
			connect.Props{"connector.class": "FileStreamSink", "topics": "t", "consumer.override.group.id": "connect-taken"},
			[]string{"consumer.override.group.id: Consumer group connect-taken conflicts with Connect worker group connect-taken"},
		},
		{"the plugin's own check", nil, connect.Props{"connector.class": "PlantSource", "place": "there"}, []string{"plant.password: there needs a password"}},
		{
			"nulls", nil,
			connect.Props{"connector.class": "PlantSource", "tasks.max": connect.Null, "zzz": connect.Null, "place": connect.Null},
			[]string{
				"zzz: Null value can not be supplied as the configuration value.",
				"tasks.max: Invalid value null for configuration tasks.max: Value must be non-null",
				"tasks.max: Null value can not be supplied as the configuration value.",
				"place: Invalid value null for configuration place: String must be one of: here, there",
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.props["name"] == "" {
				c.props["name"] = "n"
			}
			infos, err := Validate(t.Context(), ps, worker(t, ps, c.worker), c.props)
			if err != nil {
				t.Fatal(err)
			}
			if got := faults(infos); strings.Join(got, "\n") != strings.Join(c.want, "\n") || infos.ErrorCount != len(c.want) {
				t.Errorf("%d: got %q", infos.ErrorCount, got)
			}
		})
	}
}

func TestValidateHidesSecrets(t *testing.T) {
	ps := somePlugins()
	w := worker(t, ps, nil)
	providers := Providers{"v": fixed{"": {"pw": "hunter2"}}}
	infos, err := ValidateWith(t.Context(), ps, w, providers, connect.Props{"name": "n", "connector.class": "PlantSource", "place": "${v:pw}", "plant.password": "${v:pw}", "tasks.max": "x${v:pw}"})
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(faults(infos))
	for _, i := range infos.Configs {
		if i.Value.Value != nil {
			text += *i.Value.Value
			if i.Value.Name == "place" && *i.Value.Value != "${v:pw}" {
				t.Errorf("place shows as %s", *i.Value.Value)
			}
		}
	}
	if strings.Contains(text, "hunter2") {
		t.Error(text)
	}
	_, err = ValidateWith(t.Context(), ps, w, providers, connect.Props{"password": "${v:pw}"})
	if want := "Connector config {password=[hidden]} contains no connector type"; err == nil || err.Error() != want {
		t.Error(err)
	}
}

func TestPluginConfigVersion(t *testing.T) {
	ps := somePlugins()
	if _, err := PluginConfig(ps, "PlantSource", "[1,2)"); err != nil {
		t.Error(err)
	}
	_, err := PluginConfig(ps, "PlantSource", "2")
	if want := "Plugin x.PlantSourceConnector not found that matches the version range [2,2], available versions: [1.2]"; err == nil || err.Error() != want || connect.ClassOf(err) != BadRequestException {
		t.Error(err)
	}
}

func TestMapsReadAsJavas(t *testing.T) {
	for want, p := range map[string]connect.Props{
		"{}":                                {},
		"{name=x, a=2}":                     {"a": "2", "name": "x"},
		"{name=src, topic=t1, file=/tmp/f}": {"name": "src", "topic": "t1", "file": "/tmp/f"},
		"{password=[hidden]}":               {"password": "p"},
		"{gone=null}":                       {"gone": connect.Null},
	} {
		if got := javaMap(p); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestValidationSaysWhatItIsAt(t *testing.T) {
	ctx, note := stage.With(t.Context())
	var stages []string
	at := func() { stages = append(stages, strings.SplitAfterN(note.Summary(), ",", 2)[0]) }
	ps := somePlugins()
	ps.Add(connect.SourcePlugin{
		Class: "x.SlowSourceConnector", Version: "1", OpenTask: noSource,
		Config: func() connect.Configurable { at(); return &plant{} },
		Check:  func(context.Context, connect.Props, []connect.ConfigInfo) error { at(); return nil },
	})
	if _, err := Validate(ctx, ps, worker(t, ps, nil), connect.Props{"connector.class": "x.SlowSourceConnector", "name": "n"}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"The worker is currently retrieving the configuration definition from the connector,",
		"The worker is currently performing multi-property validation for the connector,",
	}
	if !slices.Equal(stages, want) {
		t.Errorf("%q", stages)
	}
}
