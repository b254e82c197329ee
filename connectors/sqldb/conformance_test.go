package sqldb

import (
	"path/filepath"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/connecttest"
)

func TestConformance(t *testing.T) {
	connecttest.Sink(t, Sink, connect.Props{
		"connection.url": "jdbc:sqlite:" + filepath.Join(t.TempDir(), "plant.db"), "topics": "t", "auto.create": "true",
	}, connecttest.Put(row("t", 0, 1, "a", 1), row("t", 1, 2, "b", 2)))
}
