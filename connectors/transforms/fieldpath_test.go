package transforms

import (
	"slices"
	"strings"
	"testing"
)

func TestFieldPaths(t *testing.T) {
	for _, c := range []struct {
		path string
		want []string
	}{
		{"", nil},
		{"a", []string{"a"}},
		{"a.b", []string{"a", "b"}},
		{".", []string{"", ""}},
		{"a..b.", []string{"a", "", "b", ""}},
		{"`a.b`.c", []string{"a.b", "c"}},
		{"a.`b.c`", []string{"a", "b.c"}},
		{"`a`b`.c", []string{"a`b", "c"}},
		{"`a\\`.b`", []string{"a`.b"}},
		{"a`b`", []string{"a`b`"}},
		{"``", []string{""}},
		{"`ä`.`ö`", []string{"ä", "ö"}},
	} {
		got, err := parsePath(c.path)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q: want %q, got %q %v", c.path, c.want, got, err)
		}
	}
	for _, path := range []string{"`", "`a", "`a`b", "a.`b", "`a\\`", "`a`.`"} {
		if got, err := parsePath(path); err == nil {
			t.Errorf("%q is taken as %q", path, got)
		}
	}
}

func FuzzFieldPath(f *testing.F) {
	f.Add("`a\\`.b`.c.")
	f.Fuzz(func(t *testing.T, path string) {
		steps, err := parsePath(path)
		if err != nil || strings.Contains(path, "`") {
			return
		}
		if got := strings.Join(steps, "."); got != path {
			t.Errorf("%q is taken as %q", path, got)
		}
	})
}
