package connecttest

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRenew(t *testing.T) {
	table := func(what string) (string, bool) {
		return "T\n", names(what, "x.AcmeSourceConnector") || names(what, "x.Cast$Key")
	}
	for _, c := range []struct {
		name, in, want string
		places         int
		fails          bool
	}{
		{"none", "text", "text", 0, false},
		{"two", "a\n<!-- properties of the source -->\nold\n<!-- end -->\nb\n<!-- properties of Cast -->\n<!-- end -->", "a\n<!-- properties of the source -->\n\nT\n\n<!-- end -->\nb\n<!-- properties of Cast -->\n\nT\n\n<!-- end -->", 2, false},
		{"another's", "<!-- properties of the sink -->\nold\n<!-- end -->", "<!-- properties of the sink -->\nold\n<!-- end -->", 0, false},
		{"by class", "<!-- properties of x.AcmeSourceConnector -->\n<!-- end -->", "<!-- properties of x.AcmeSourceConnector -->\n\nT\n\n<!-- end -->", 1, false},
		{"open", "<!-- properties of the source -->\n", "", 0, true},
		{"nested", "<!-- properties of the source -->\n<!-- properties of the sink -->\n<!-- end -->", "", 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, places, err := renew(c.in, table)
			if got != c.want || places != c.places || (err != nil) != c.fails {
				t.Errorf("got %q, %d, %v", got, places, err)
			}
			if again, _, err := renew(got, table); err != nil || again != got {
				t.Errorf("renewed again it is %q, %v", again, err)
			}
		})
	}
}

func TestRenewFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "README.md")
	tables := map[string]string{"x.ASourceConnector": "A\n", "x.ASinkConnector": "B\n"}
	if wrote, err := renewFile(file, tables); wrote || err != nil {
		t.Error("a folder without README:", wrote, err)
	}
	if err := os.WriteFile(file, []byte("<!-- properties of the sink -->\n<!-- end -->\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		if wrote, err := renewFile(file, tables); wrote != want || err != nil {
			t.Errorf("wrote %v, %v", wrote, err)
		}
	}
	b, _ := os.ReadFile(file)
	if string(b) != "<!-- properties of the sink -->\n\nB\n\n<!-- end -->\n" {
		t.Errorf("%q", b)
	}
	if err := os.WriteFile(file, []byte("<!-- properties of nobody -->\n<!-- end -->\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := renewFile(file, tables); err == nil {
		t.Error("a place for nobody is left empty without a word")
	}
}
