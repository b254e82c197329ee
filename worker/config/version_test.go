package config

import "testing"

func TestVersionRanges(t *testing.T) {
	for _, c := range []struct {
		spec, version string
		want          bool
	}{
		{"latest", "9", true},
		{"1.2", "1.2", true},
		{"1.2", "1.2.0", true},
		{"1.2", "1.2.1", false},
		{"[1.0,2.0)", "1.9.9", true},
		{"[1.0,2.0)", "2.0", false},
		{"(1.0,)", "1.0", false},
		{"(,1.10]", "1.9", true},
		{"[1.0],[3,4]", "3.5", true},
		{"[1.0],[3,4]", "2", false},
		{"[1.0,2.0)", "2.0-rc1", true},
		{"[1.0-alpha,1.0)", "1.0-beta", true},
		{"[1.0,)", "1.0-SNAPSHOT", false},
		{"[1.0,)", "1.0.1-SNAPSHOT", true},
		{"[4.0,5.0)", "4.3.1", true},
	} {
		r, err := parseRange(c.spec)
		if err != nil || r.has(c.version) != c.want {
			t.Errorf("%s in %s: %v, %v", c.version, c.spec, r.has(c.version), err)
		}
	}
	for spec, want := range map[string]string{
		"(x":          "Unbounded range: (x",
		"(1.0)":       "Single version must be surrounded by []: (1.0)",
		"[2,1]":       "Range defies version ordering: [2,1]",
		"[1,3],[2,4]": "Ranges overlap: [1,3],[2,4]",
		"[1,2],3":     "Only fully-qualified sets allowed in multiple set scenario: [1,2],3",
		"[1,1)":       "Range defies version ordering: [1,1)",
	} {
		if _, err := parseRange(spec); err == nil || err.Error() != want {
			t.Errorf("%s: %v", spec, err)
		}
	}
	if r, _ := parseRange(" 1.0 "); r.String() != "[1.0,1.0]" {
		t.Error(r)
	}
	if r, _ := parseRange("(,2),[3,)"); r.String() != "(,2),[3,)" {
		t.Error(r)
	}
}

func FuzzParseRange(f *testing.F) {
	for _, s := range []string{"[1,2)", "(,1.0-rc]", "x[", "[]", "[,]", "1..2--3"} {
		f.Add(s, "1.0")
	}
	f.Fuzz(func(t *testing.T, spec, version string) {
		r, err := parseRange(spec)
		if err != nil {
			return
		}
		r.has(version)
		if compareVersions(version, spec) != -compareVersions(spec, version) {
			t.Fatalf("%q and %q are not ordered", version, spec)
		}
	})
}
