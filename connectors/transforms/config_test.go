package transforms

import (
	"encoding/json"
	"errors"
	"strings"
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

// Errors of single properties are Java's to the letter, since users see them in
// the answer of the validate endpoint.
func TestConfigErrors(t *testing.T) {
	for _, c := range []struct{ class, name, value, want string }{
		{"Cast$Value", "spec", "", "Must specify at least one field to cast."},
		{"Cast$Value", "spec", "a:int8,string", "Cast transformations that specify a type to cast the entire value to may only specify a single cast in their spec"},
		{"HeaderFrom$Key", "fields", "", "Invalid value [] for configuration fields: Empty list"},
		{"DropHeaders", "headers", "", "Configuration 'headers' must not be empty. Valid values include: any non-empty value"},
		{"DropHeaders", "headers", "a,,b", "Configuration 'headers' values must not be empty."},
		{"ReplaceField$Value", "renames", "a:b,c", "Invalid value [a:b, c] for configuration renames: Invalid rename mapping: c"},
		{"ExtractField$Value", "field.syntax.version", "V3", "Invalid value V3 for configuration field.syntax.version: String must be one of (case insensitive): V1, V2"},
		{"RegexRouter", "regex", "(", "Invalid value ( for configuration regex: Invalid regex: Unclosed group near index 1\n("},
		{"predicates.TopicNameMatches", "pattern", "", "Invalid value  for configuration pattern: String must be non-empty"},
		{"TimestampConverter$Value", "target.type", "x", "Invalid value x for configuration target.type: String must be one of: string, unix, Date, Time, Timestamp"},
	} {
		errs := []string{}
		for _, info := range configOf(prefix + c.class).Validate(connect.Props{c.name: c.value}) {
			if info.Value.Name == c.name {
				errs = append(errs, info.Value.Errors...)
			}
		}
		if strings.Join(errs, "|") != c.want {
			t.Errorf("%s %s=%q: want %q, got %q", c.class, c.name, c.value, c.want, errs)
		}
	}
}
