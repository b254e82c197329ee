package config

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/test/vectors"
)

func modeOf(v *vectors.Vector) Mode {
	var c struct{ Class string }
	v.BindConfig(&c)
	if c.Class == "StandaloneConfig" {
		return Standalone
	}
	return Distributed
}

// javaPlugins are the classes that the Java worker had which made the vectors;
// most do nothing.
func javaPlugins() *connect.Plugins {
	var ps connect.Plugins
	for _, c := range []string{"json.JsonConverter", "storage.StringConverter", "converters.ByteArrayConverter"} {
		ps.Add(connect.ConverterPlugin{Class: "org.apache.kafka.connect." + c, Version: "4.3.1", Open: func(connect.Props, bool) (connect.Converter, error) { return nil, nil }})
	}
	ps.Add(connect.HeaderConverterPlugin{
		Class: "org.apache.kafka.connect.storage.SimpleHeaderConverter", Version: "4.3.1",
		Open: func(connect.Props) (connect.HeaderConverter, error) { return nil, nil },
	})
	ps.Add(connect.SourcePlugin{Class: "org.apache.kafka.connect.file.FileStreamSourceConnector", Version: "4.3.1", OpenTask: noSource})
	ps.Add(connect.SinkPlugin{Class: "org.apache.kafka.connect.file.FileStreamSinkConnector", Version: "4.3.1", OpenTask: noSink})
	return &ps
}

func TestWorkerVectors(t *testing.T) {
	plugins := javaPlugins()
	vectors.Run(t, "config", []string{"worker.config"}, func(t *testing.T, v *vectors.Vector) error {
		var p connect.Props
		v.BindInput(&p)
		w, err := ParseWorker(p, modeOf(v), plugins)
		if err := v.CheckError(err); err != nil || v.Err != nil {
			return err
		}
		return vectors.DiffJSON(v.Output, parsed(WorkerDef(modeOf(v), plugins), w.Props))
	})
}

// parsed renders the values of a definition as the vectors do.
func parsed(d *connect.ConfigDef, p connect.Props) map[string]any {
	out := map[string]any{}
	for _, i := range d.Validate(p) {
		v := i.Value.Value
		if v == nil {
			out[i.Value.Name] = nil
			continue
		}
		switch i.Definition.Type {
		case "INT", "SHORT":
			n, _ := strconv.Atoi(*v)
			out[i.Value.Name] = n
		case "BOOLEAN":
			out[i.Value.Name] = *v == "true"
		case "LIST":
			list := []string{}
			if *v != "" {
				for item := range strings.SplitSeq(*v, ",") {
					if i.Definition.Valid == nil || *i.Definition.Valid != "" || !slices.Contains(list, item) { // ParseWorker drops repetitions
						list = append(list, item)
					}
				}
			}
			out[i.Value.Name] = list
		case "PASSWORD":
			out[i.Value.Name] = map[string]string{"password": p[i.Value.Name]}
		default:
			out[i.Value.Name] = *v
		}
	}
	return out
}

func TestWorkerKeyVectors(t *testing.T) {
	plugins := javaPlugins()
	vectors.Run(t, "config", []string{"worker.key"}, func(t *testing.T, v *vectors.Vector) error {
		return diffKey(v, WorkerDef(modeOf(v), plugins))
	})
}

// diffKey compares a definition with Java's, but for the documentation, whose
// words are ours, and for descriptions of validators that are an address.
func diffKey(v *vectors.Vector, d *connect.ConfigDef) error {
	var name string
	v.BindInput(&name)
	k, ok := d.Key(name)
	if !ok {
		return data.Errorf("", "%s is not declared", name)
	}
	var want map[string]any
	v.BindOutput(&want)
	if k.Documentation == "" {
		return data.Errorf("", "%s has no documentation", name)
	}
	b, _ := json.Marshal(k)
	var got map[string]any
	_ = json.Unmarshal(b, &got)
	got["documentation"] = want["documentation"]
	got["validator"] = k.Valid
	if s, _ := want["validator"].(string); strings.Contains(s, "@HASH") && k.Valid != nil {
		got["validator"] = s
	}
	b, _ = json.Marshal(want)
	return vectors.DiffJSON(b, got)
}
