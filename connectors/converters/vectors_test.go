package converters

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/test/vectors"
)

type vectorConfig struct {
	Class string                     `json:"class"`
	IsKey bool                       `json:"isKey"`
	Props map[string]json.RawMessage `json:"props"`
}

func (c *vectorConfig) props() connect.Props {
	p := connect.Props{}
	for k, v := range c.Props {
		var s string
		if json.Unmarshal(v, &s) != nil {
			s = string(v)
		}
		p[k] = s
	}
	return p
}

// TestVectorsConverter compares with Java's converters.
func TestVectorsConverter(t *testing.T) {
	vectors.Run(t, "converters", []string{"converter.*"}, func(_ *testing.T, v *vectors.Vector) error {
		var c vectorConfig
		v.BindConfig(&c)
		plugin, ok := connect.Registered.Converters.Find(c.Class)
		if !ok {
			t.Fatalf("no converter %s", c.Class)
		}
		conv, err := plugin.Open(c.props(), c.IsKey)
		return compare(v, err,
			func(d data.Datum) ([]byte, error) { return conv.Encode(nil, "t", nil, d) },
			func(b []byte) (data.Datum, error) { return conv.Decode("t", nil, b) })
	})
}

// TestVectorsHeaderConverter compares with Java's header converters.
func TestVectorsHeaderConverter(t *testing.T) {
	vectors.Run(t, "converters", []string{"headerconverter.*"}, func(_ *testing.T, v *vectors.Vector) error {
		var c vectorConfig
		v.BindConfig(&c)
		plugin, ok := connect.Registered.HeaderConverters.Find(c.Class)
		if !ok {
			t.Fatalf("no header converter %s", c.Class)
		}
		conv, err := plugin.Open(c.props())
		return compare(v, err,
			func(d data.Datum) ([]byte, error) { return conv.EncodeHeader(nil, "t", "h", d) },
			func(b []byte) (data.Datum, error) { return conv.DecodeHeader("t", "h", b) })
	})
}

func compare(v *vectors.Vector, err error, encode func(data.Datum) ([]byte, error), decode func([]byte) (data.Datum, error)) error {
	if err != nil {
		return v.CheckErrorText(err)
	}
	if strings.HasSuffix(v.Op, ".to") {
		var in vectors.Text
		v.BindInput(&in)
		got, err := decode(in)
		if err := v.CheckErrorText(err); err != nil || v.Failed() {
			return err
		}
		var want vectors.Datum
		v.BindOutput(&want)
		return vectors.DiffDatum(want.Datum, got)
	}
	if strings.Contains(string(v.Input), `"v":"","buf":true`) {
		return nil // the recorder had read the buffer to its end before it wrote it down
	}
	var in vectors.Datum
	v.BindInput(&in)
	got, err := encode(in.Datum)
	check := v.CheckErrorText
	if strings.Contains(string(v.Input), `"buf":true`) {
		check = v.CheckError // our bytes are of one class only, which the message names
	}
	if err := check(err); err != nil || v.Failed() {
		return err
	}
	var want vectors.Text
	v.BindOutput(&want)
	if bytes.HasPrefix(want, []byte("java.nio.HeapByteBuffer[")) {
		want = []byte("[B@") // our bytes are of one class only
	}
	return vectors.DiffText(address.ReplaceAll(want, []byte("[B@")), address.ReplaceAll(got, []byte("[B@")))
}

// address is what Java shows of bytes.
var address = regexp.MustCompile(`\[B@[0-9a-f]*`)

// TestVectorsConfig compares the definitions of the properties with Java's, but
// for the help, which is ours.
func TestVectorsConfig(t *testing.T) {
	vectors.Run(t, "config", []string{"plugin.config"}, func(_ *testing.T, v *vectors.Vector) error {
		var name string
		v.BindInput(&name)
		var config func() connect.Configurable
		if p, ok := connect.Registered.Converters.Find(name); ok {
			config = p.Config
		} else if p, ok := connect.Registered.HeaderConverters.Find(name); ok {
			config = p.Config
		} else {
			return nil // of another package
		}
		var def connect.ConfigDef
		config().Define(&def)
		got := []*connect.ConfigKey{}
		for _, info := range def.Validate(connect.Props{}) {
			if info.Definition.Documentation == "" {
				return fmt.Errorf("%s has no help", info.Definition.Name)
			}
			info.Definition.Documentation = ""
			got = append(got, info.Definition)
		}
		var want []map[string]any
		v.BindOutput(&want)
		for _, k := range want {
			k["documentation"] = ""
		}
		b, err := json.Marshal(want)
		if err != nil {
			return err
		}
		return vectors.DiffJSON(b, got)
	})
}
