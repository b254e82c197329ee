package connecttest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// faulty is a plugin that does one thing wrong.
type faulty struct {
	fault string
	topic string
	pw    connect.Secret
	plain string
}

func (f *faulty) Define(d *connect.ConfigDef) {
	s := d.String(&f.topic, "topic")
	if f.fault != "undocumented" {
		s.Doc("A topic.")
	}
	if f.fault == "open secret" {
		d.String(&f.plain, "acme.password").Default("").Doc("A password.")
	} else {
		d.Password(&f.pw, "acme.password").Default("").Doc("A password.")
	}
	d.String(new(string), "mode").Default(map[bool]string{true: "x", false: "a"}[f.fault == "bad default"]).Check(connect.OneOf("a", "b")).Doc("A mode.")
	if f.fault == "dangling dependent" {
		s.Dependents("nobody")
	}
}

type faultyTask struct {
	fault string
	stop  chan struct{}
}

func (f *faultyTask) Poll(ctx context.Context, dst []connect.SourceRecord) ([]connect.SourceRecord, error) {
	switch f.fault {
	case "deaf":
		<-f.stop
	case "forgetful":
		return []connect.SourceRecord{connect.NewSourceRecord("t", nil, nil, none, none)}, nil
	case "no partition":
		return append(dst, connect.NewSourceRecord("t", nil, map[string]int{"n": 1}, none, none)), nil
	case "":
		return append(dst, connect.NewSourceRecord("t", nil, nil, none, none)), nil
	}
	<-ctx.Done()
	return dst, ctx.Err()
}

func (f *faultyTask) Close() error {
	if f.fault == "unwilling" {
		return errors.New("unwilling to close")
	}
	if f.fault != "leaky" {
		close(f.stop)
	}
	return nil
}

func (f *faulty) plugin() connect.SourcePlugin {
	return connect.SourcePlugin{
		Class: "x.AcmeSourceConnector", Version: "1",
		Config: func() connect.Configurable { return &faulty{fault: f.fault} },
		OpenTask: func(_ context.Context, _ connect.SourceHost, p connect.Props) (connect.SourceTask, error) {
			if p["topic"] == "" && f.fault != "open to all" {
				return nil, connect.ConfigErrorf("no topic")
			}
			task := &faultyTask{f.fault, make(chan struct{})}
			go func() { <-task.stop }()
			return task, nil
		},
	}
}

// TestFaulty runs when TestSuitesFail asks for it.
func TestFaulty(t *testing.T) {
	fault, ok := os.LookupEnv("CONNECTTEST_FAULT")
	if !ok {
		return
	}
	f := &faulty{fault: fault}
	valid := connect.Props{"topic": "t"}
	switch fault {
	case "changing transform":
		Transform(t, connect.TransformPlugin{Class: "x.T", Version: "1", Open: func(connect.Props) (connect.Transform, error) { return changer{}, nil }}, nil, NoReadme())
	case "holding converter":
		Converter(t, connect.ConverterPlugin{Class: "x.C", Version: "1", Open: func(connect.Props, bool) (connect.Converter, error) { return holder{}, nil }}, nil, NoReadme())
	case "stale":
		file := filepath.Join(t.TempDir(), "README.md")
		if err := os.WriteFile(file, []byte("<!-- properties of the source -->\nold\n<!-- end -->\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		Source(t, f.plugin(), valid, Readme(file), Unopened())
	case "unknown property":
		Source(t, f.plugin(), connect.Props{"topic": "t", "tpoic": "t"}, NoReadme(), Unopened())
	case "forgetful", "no partition", "":
		Source(t, f.plugin(), valid, NoReadme(), Expect(1))
	default:
		Source(t, f.plugin(), valid, NoReadme())
	}
}

// changer changes what it should replace.
type changer struct{}

func (changer) Apply(r *connect.Record) (bool, error) {
	if r.Value.Value.Kind() == data.Array {
		r.Value.Value.List()[0] = data.I32(99)
	}
	return true, nil
}

// holder keeps the bytes.
type holder struct{}

func (holder) Encode(dst []byte, _ string, _ []connect.Header, d data.Datum) ([]byte, error) {
	if d.Value.Kind() != data.Bytes {
		return nil, connect.DataErrorf("no bytes")
	}
	return append(dst, d.Value.Bytes()...), nil
}

func (holder) Decode(_ string, _ []connect.Header, b []byte) (data.Datum, error) {
	return data.Datum{Value: data.Bin(b)}, nil
}

// TestSuitesFail proves that the suites find what they are for.
func TestSuitesFail(t *testing.T) {
	if _, nested := os.LookupEnv("CONNECTTEST_FAULT"); nested {
		return
	}
	for fault, want := range map[string]string{
		"":                   "PASS",
		"undocumented":       "topic has no documentation",
		"open secret":        "acme.password looks like a secret and is no PASSWORD",
		"bad default":        `the default of mode, "x", is not valid`,
		"dangling dependent": "topic names nobody as dependent",
		"unwilling":          "unwilling to close",
		"open to all":        "it opens without topic",
		"forgetful":          "poll does not append to what it is given",
		"no partition":       "has a position and no partition",
		"changing transform": "was changed, not replaced",
		"holding converter":  "holds on to the bytes",
		"stale":              "is not current: run `go generate ./connectors/...`",
		"unknown property":   `property "tpoic" is not known and has no effect; did you mean "topic"?`,
		"leaky":              "goroutines are left",
		"deaf":               "poll, after its context had ended, did not return",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFaulty$", "-test.count=1") //nolint:gosec // this test's own binary
			c.Env = append(os.Environ(), "CONNECTTEST_FAULT="+fault, "CONNECTTEST_PATIENCE=1s")
			out, err := c.CombinedOutput()
			if (err == nil) != (fault == "") || !strings.Contains(string(out), want) {
				t.Errorf("no %q in:\n%s", want, out)
			}
		})
	}
}
