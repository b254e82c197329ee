// Package test holds the checks that look at the repository as a whole.
package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/millwright-connect/millwright/"

type pkg struct {
	ImportPath string
	Imports    []string
}

// TestImportRules keeps the arrows of docs/design.md true:
// cmd -> rest -> worker -> {worker leaves, offsets} -> connectors/connect -> connectors/data -> std.
func TestImportRules(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for d := json.NewDecoder(bytes.NewReader(out)); ; n++ {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		from := strings.TrimPrefix(p.ImportPath, module)
		for _, imp := range p.Imports {
			if why := refuse(from, strings.TrimPrefix(imp, module), imp); why != "" {
				t.Errorf("%s imports %s: %s", from, imp, why)
			}
		}
	}
	if n < 10 {
		t.Fatalf("only %d packages were looked at", n)
	}
}

// refuse tells why package from must not import to, or nothing.
func refuse(from, to, full string) string {
	ours := to != full
	std := !strings.Contains(strings.Split(full, "/")[0], ".")
	in := func(path string, dirs ...string) bool {
		for _, d := range dirs {
			if path == d || strings.HasPrefix(path, d+"/") {
				return true
			}
		}
		return false
	}
	switch {
	case in(from, "test", "cmd"):
		return ""
	case from == "connectors/data" && !std:
		return "the data model imports the standard library only"
	case from == "connectors/connect" && !std && to != "connectors/data":
		return "the plugin API imports the standard library and connectors/data only"
	case from == "connectors/mirror" && (to == "worker/kafka" || to == "worker/topiclog"): // they are about Kafka, and know no worker
	case in(from, "connectors") && ours && in(to, "worker", "offsets", "rest", "cmd"):
		return "a plugin knows nothing of the worker"
	case in(from, "connectors") && !in(from, "connectors/all", "connectors/connecttest") && ours &&
		!in(to, "connectors/connect", "connectors/data", "connectors/internal") && folder(from) != folder(to):
		return "a plugin imports no other plugin"
	case from == "offsets" && strings.Contains(full, "franz-go"):
		return "offsets declares its own Log and knows no Kafka client"
	case strings.Contains(full, "twmb/franz-go") &&
		!in(from, "worker/group", "worker/topiclog", "worker/kafka", "connectors/mirror", "connectors/converters/registry") && from != "worker":
		return "franz-go is for worker/{group,topiclog,kafka}, the runners, connectors/mirror and the schema registry"
	case strings.Contains(full, "labstack/echo") && from != "rest":
		return "echo is for rest only"
	case in(from, "worker", "offsets") && ours && in(to, "rest", "connectors/all", "cmd"):
		return "arrows go from rest to worker, and the worker knows no plugin"
	case in(from, "worker/") && ours && to == "worker":
		return "a leaf of the worker does not import it"
	}
	return ""
}

func folder(path string) string {
	parts := strings.Split(path, "/")
	return strings.Join(parts[:min(2, len(parts))], "/")
}
