package registry

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

const (
	avroClass     = "io.confluent.connect.avro.AvroConverter"
	jsonClass     = "io.confluent.connect.json.JsonSchemaConverter"
	protobufClass = "io.confluent.connect.protobuf.ProtobufConverter"
)

// fakeRegistry starts a registry.
func fakeRegistry(t testing.TB, opts ...srfake.Option) *srfake.Registry {
	t.Helper()
	r := srfake.New(opts...)
	t.Cleanup(r.Close)
	return r
}

// openConverter opens a converter of values.
func openConverter(t testing.TB, class string, r *srfake.Registry, props connect.Props) *converter {
	t.Helper()
	p := connect.Props{"schema.registry.url": r.URL(), "retries.wait.ms": "1"}
	for k, v := range props {
		p[k] = v
	}
	plugin, ok := connect.Registered.Converters.Find(class)
	if !ok {
		t.Fatalf("no converter %s", class)
	}
	c, err := plugin.Open(p, false)
	if err != nil {
		t.Fatal(connect.Trace(err))
	}
	conv := c.(*converter)
	t.Cleanup(func() { _ = conv.Close() })
	return conv
}

// written encodes d for topic t, or fails the test.
func encoded(t testing.TB, c *converter, d data.Datum) []byte {
	t.Helper()
	b, err := c.Encode(nil, "t", nil, d)
	if err != nil {
		t.Fatalf("%v: %s", d.Value, connect.Trace(err))
	}
	return b
}

func decoded(t testing.TB, c *converter, b []byte) data.Datum {
	t.Helper()
	d, err := c.Decode("t", nil, b)
	if err != nil {
		t.Fatalf("%q: %s", b, connect.Trace(err))
	}
	return d
}

// reference is Confluent's Python serializers in a process of their own.
type serializers struct {
	in  io.Writer
	out *bufio.Scanner
}

// python starts the reference, and skips the test where Python has not got it.
func python(t *testing.T, r *srfake.Registry) *serializers {
	t.Helper()
	exe := os.Getenv("MILLWRIGHT_TEST_CONFLUENT_PYTHON")
	if exe == "" {
		t.Skip("MILLWRIGHT_TEST_CONFLUENT_PYTHON is not set: no reference serializers (a Python with confluent-kafka[avro,json,protobuf,schemaregistry])")
	}
	cmd := exec.CommandContext(t.Context(), exe, "testdata/reference.py", r.URL())
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	sc := bufio.NewScanner(out)
	sc.Buffer(nil, 1<<20)
	return &serializers{in, sc}
}

func (p *serializers) ask(t *testing.T, q map[string]any) map[string]any {
	t.Helper()
	b, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.in.Write(append(b, '\n')); err != nil {
		t.Fatal(err)
	}
	if !p.out.Scan() {
		t.Fatalf("no answer to %s: %v", b, p.out.Err())
	}
	var a map[string]any
	if err := json.Unmarshal(p.out.Bytes(), &a); err != nil {
		t.Fatal(err)
	}
	if e := a["error"]; e != nil {
		t.Fatalf("%.300s: %s", b, e)
	}
	return a
}

func avroText(s string) sr.Schema { return sr.Schema{Schema: s, Type: sr.TypeAvro} }
