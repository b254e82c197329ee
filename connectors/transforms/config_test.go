package transforms

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/test/vectors"
)

// configOf returns the definition of a class of this package, nil for others.
func configOf(class string) *connect.ConfigDef {
	var config func() connect.Configurable
	if t, ok := connect.Registered.Transforms.Find(class); ok {
		config = t.Config
	} else if p, ok := connect.Registered.Predicates.Find(class); ok {
		config = p.Config
	} else {
		return nil
	}
	var d connect.ConfigDef
	config().Define(&d)
	return &d
}

// Definitions are Java's but for the documentation, which is ours.
func TestConfigsAsJava(t *testing.T) {
	vectors.Run(t, "config", []string{"plugin.config"}, func(_ *testing.T, v *vectors.Vector) error {
		var class string
		v.BindInput(&class)
		d := configOf(class)
		if d == nil || v.Failed() {
			return nil
		}
		var want []connect.ConfigKey
		v.BindOutput(&want)
		keys := d.Keys()
		for i := range keys {
			if len(keys[i].Documentation) < 10 {
				return errors.New("no documentation of " + keys[i].Name)
			}
			keys[i].Documentation = ""
		}
		for i := range want {
			want[i].Documentation = ""
		}
		b, err := json.Marshal(want)
		if err != nil {
			return err
		}
		return vectors.DiffJSON(b, keys)
	})
}

// Every line of validate.jsonl is what the ConfigDef of the class in Kafka 4.3.1
// says to one property: [class, name, value], without value when it is missing.
// Users see these texts in the answer of the validate endpoint.
func TestConfigErrorsAsJava(t *testing.T) {
	b, err := os.ReadFile("testdata/validate.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(b) {
		var c struct {
			Property []*string
			Errors   []string
		}
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		name, p := *c.Property[1], connect.Props{}
		if len(c.Property) == 3 {
			p[name] = connect.Null
			if c.Property[2] != nil {
				p[name] = *c.Property[2]
			}
		}
		for _, info := range configOf(prefix + *c.Property[0]).Validate(p) {
			if info.Value.Name == name && !slices.Equal(info.Value.Errors, c.Errors) {
				t.Errorf("%s %q: want %q, got %q", *c.Property[0], p, c.Errors, info.Value.Errors)
			}
		}
	}
}
