package file

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/connecttest"
	"github.com/millwright-connect/millwright/connectors/data"
)

func TestConformance(t *testing.T) {
	t.Run("source", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "in")
		if err := os.WriteFile(path, []byte("a\nb\nc\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		connecttest.Source(t, Source, connect.Props{"file": path, "topic": "t"}, connecttest.Expect(3))
	})
	t.Run("sink", func(t *testing.T) {
		r := connect.SinkRecord{Record: connect.Record{Topic: "t", Value: data.Datum{Schema: data.Of(data.String), Value: data.Str("line")}}}
		connecttest.Sink(t, Sink, connect.Props{"file": filepath.Join(t.TempDir(), "out")}, connecttest.Put(r, r))
	})
}
