package worker

import (
	"encoding/json"
	"testing"
)

// TestVersionInStatus: as in Java's answers null is a version that was not found
// out, and one that a plugin does not have is left out.
func TestVersionInStatus(t *testing.T) {
	for version, want := range map[PluginVersion]string{
		"4.3.1":     `{"id":1,"state":"RUNNING","worker_id":"w:1","version":"4.3.1"}`,
		"":          `{"id":1,"state":"RUNNING","worker_id":"w:1","version":null}`,
		"undefined": `{"id":1,"state":"RUNNING","worker_id":"w:1"}`,
	} {
		got, err := json.Marshal(TaskState{ID: 1, State: "RUNNING", WorkerID: "w:1", Version: version})
		if err != nil || string(got) != want {
			t.Errorf("%s %v, not %s", got, err, want)
		}
	}
}
