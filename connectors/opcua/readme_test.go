package opcua

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
)

//go:generate go test -run TestReadme -update .

var update = flag.Bool("update", false, "write the property tables of README.md")

// TestReadme: the property tables of README.md are those of the code.
func TestReadme(t *testing.T) {
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for what, c := range map[string]connect.Configurable{"source": new(config)} {
		begin := "<!-- properties of the " + what + " -->\n"
		before, rest, ok := strings.Cut(text, begin)
		_, after, end := strings.Cut(rest, "<!-- end -->")
		if !ok || !end {
			t.Fatalf("README.md has no place for the properties of the %s", what)
		}
		text = before + begin + "\n" + connect.Markdown(c) + "\n<!-- end -->" + after
	}
	if text == string(b) {
		return
	}
	if !*update {
		t.Fatal("README.md is not current: run go generate ./...")
	}
	if err := os.WriteFile("README.md", []byte(text), 0o644); err != nil { //nolint:gosec // for everybody to read
		t.Fatal(err)
	}
}
