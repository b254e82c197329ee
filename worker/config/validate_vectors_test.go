package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	_ "github.com/millwright-connect/millwright/connectors/converters"
	_ "github.com/millwright-connect/millwright/connectors/file"
	_ "github.com/millwright-connect/millwright/connectors/mirror"
	_ "github.com/millwright-connect/millwright/connectors/transforms"
	"github.com/millwright-connect/millwright/test/vectors"
	"github.com/millwright-connect/millwright/worker/config"
)

// javaPlugins are those of our plugins that the Java worker had which made the
// vectors, under its version.
func javaPlugins() *connect.Plugins {
	from, ps := &connect.Registered, &connect.Plugins{}
	for _, l := range from.List() {
		if !strings.HasPrefix(l.Class, "org.apache.kafka.connect.") {
			continue
		}
		var plugin any
		switch l.Type {
		case connect.Source:
			p, _ := from.Sources.Find(l.Class)
			p.Version = "4.3.1"
			plugin = p
		case connect.Sink:
			p, _ := from.Sinks.Find(l.Class)
			p.Version = "4.3.1"
			plugin = p
		case connect.ConverterType:
			p, _ := from.Converters.Find(l.Class)
			p.Version = "4.3.1"
			plugin = p
		case connect.HeaderConverting:
			p, _ := from.HeaderConverters.Find(l.Class)
			p.Version = "4.3.1"
			plugin = p
		case connect.Transformation:
			p, _ := from.Transforms.Find(l.Class)
			p.Version = "4.3.1"
			plugin = p
		case connect.PredicateType:
			p, _ := from.Predicates.Find(l.Class)
			p.Version = "4.3.1"
			plugin = p
		}
		ps.Add(plugin)
	}
	return ps
}

func TestValidateVectors(t *testing.T) {
	plugins := javaPlugins()
	vectors.Run(t, "config", []string{"validate", "validate.full"}, func(t *testing.T, v *vectors.Vector) error {
		var c struct {
			Policy string `json:"connector.client.config.override.policy"`
		}
		v.BindConfig(&c)
		var values map[string]*string
		v.BindInput(&values)
		p := connect.Props{}
		for k, value := range values {
			p[k] = connect.Null
			if value != nil {
				p[k] = *value
			}
		}
		w, err := config.ParseWorker(connect.Props{
			"bootstrap.servers": "b:1", "key.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter",
			"offset.storage.file.filename": "f", "connector.client.config.override.policy": c.Policy,
		}, config.Standalone, plugins)
		if err != nil {
			return err
		}
		got, err := config.Validate(t.Context(), plugins, w, p)
		if v.Err != nil && v.Err.Class == "java.lang.NullPointerException" && got.ErrorCount > 0 {
			return nil // Java says what is wrong with a version when it is asked the first time, and fails after that
		}
		if v.Err != nil {
			return sameError(v, err)
		}
		if err != nil {
			return err
		}
		return diffInfos(v, got)
	})
}

// sameError compares errors but for what cannot be the same: the order of the
// user's map, which connectors there are, and whether Java had seen the unknown
// class before.
func sameError(v *vectors.Vector, err error) error {
	if err != nil && v.Err.Message != nil {
		want := strings.TrimPrefix(*v.Err.Message, connect.ConnectException+": ")
		switch {
		case strings.HasPrefix(want, "Connector config {"):
			a, b := sortedLetters(want), sortedLetters(err.Error())
			if a != b {
				return fmt.Errorf("want %s, got %w", want, err)
			}
			return nil
		case strings.Contains(want, ", available connectors are: "):
			a, _, _ := strings.Cut(want, "PluginDesc")
			b, _, _ := strings.Cut(err.Error(), "PluginDesc")
			if a != b {
				return fmt.Errorf("want %s, got %w", want, err)
			}
			return nil
		}
	}
	return v.CheckError(err)
}

func sortedLetters(s string) string {
	b := []byte(strings.ReplaceAll(s, ", ", ""))
	slices.Sort(b)
	return string(b)
}

// withoutClientText drops the documentation of Kafka clients' settings, whose
// words are ours.
func withoutClientText(definition map[string]any) {
	name := definition["name"].(string)
	ofMirror := slices.Contains([]string{"security.protocol", "metric.reporters", "config.providers"}, name) ||
		strings.HasPrefix(name, "ssl.") || strings.HasPrefix(name, "sasl.")
	if ofMirror || strings.Contains(name, ".override.") {
		delete(definition, "documentation")
	}
}

// diffInfos compares the whole answer of a full vector, and the values of any
// other.
func diffInfos(v *vectors.Vector, got config.ConfigInfos) error {
	b, err := json.Marshal(got)
	if err != nil {
		return err
	}
	var have, want map[string]any
	_ = json.Unmarshal(b, &have)
	v.BindOutput(&want)
	haveConfigs, wantConfigs := have["configs"].([]any), want["configs"].([]any)
	for i, c := range haveConfigs {
		entry := c.(map[string]any)
		if v.Op == "validate" {
			haveConfigs[i] = entry["value"]
		} else if d, ok := entry["definition"].(map[string]any); ok {
			if d["documentation"] == "" {
				return fmt.Errorf("%v has no documentation", d["name"])
			}
			withoutClientText(d)
		}
	}
	if v.Op != "validate" {
		for _, c := range wantConfigs {
			if d, ok := c.(map[string]any)["definition"].(map[string]any); ok {
				withoutClientText(d)
			}
		}
	}
	var errs []error
	for i := range min(len(haveConfigs), len(wantConfigs)) {
		a, _ := json.Marshal(wantConfigs[i])
		if err := vectors.DiffJSON(a, haveConfigs[i]); err != nil {
			errs = append(errs, err)
		}
		if len(errs) > 2 {
			break
		}
	}
	if len(haveConfigs) != len(wantConfigs) {
		errs = append(errs, fmt.Errorf("want %d properties, got %d: %s / %s", len(wantConfigs), len(haveConfigs), names(wantConfigs), names(haveConfigs)))
	}
	delete(have, "configs")
	delete(want, "configs")
	a, _ := json.Marshal(want)
	return errors.Join(append(errs, vectors.DiffJSON(a, have))...)
}

func names(configs []any) (all []string) {
	for _, c := range configs {
		m := c.(map[string]any)
		if value, ok := m["value"].(map[string]any); ok {
			m = value
		}
		all = append(all, fmt.Sprint(m["name"]))
	}
	return all
}

func TestPluginConfigVectors(t *testing.T) {
	plugins := javaPlugins()
	vectors.Run(t, "config", []string{"plugin.config"}, func(t *testing.T, v *vectors.Vector) error {
		var name string
		v.BindInput(&name)
		keys, err := config.PluginConfig(plugins, name)
		if err := v.CheckError(err); err != nil || v.Err != nil {
			return err
		}
		var want, got []map[string]any
		v.BindOutput(&want)
		b, _ := json.Marshal(keys)
		_ = json.Unmarshal(b, &got)
		for _, list := range [][]map[string]any{want, got} {
			for _, definition := range list {
				withoutClientText(definition)
			}
		}
		b, _ = json.Marshal(want)
		return vectors.DiffJSON(b, got)
	})
}
