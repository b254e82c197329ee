package mirror

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connecttest"
)

func TestConformance(t *testing.T) {
	a, b := newSite(t), newSite(t)
	a.topic(t, "plant", 3)
	a.write(t, "plant", 3, 0, 10)
	a.commit(t, "readers", "plant", 0, 5)
	t.Run("source", func(t *testing.T) {
		connecttest.Source(t, Source, only(props(a, b), new(sourceConfig)), connecttest.Expect(30))
	})
	t.Run("checkpoint", func(t *testing.T) {
		connecttest.Source(t, Checkpoint, only(props(a, b), new(checkpointConfig)))
	})
	t.Run("heartbeat", func(t *testing.T) {
		connecttest.Source(t, Heartbeat, only(props(a, b), new(heartbeatConfig)), connecttest.Expect(1))
	})
}
