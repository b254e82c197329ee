package javatext

import (
	"slices"
	"testing"
)

func TestHashOrder(t *testing.T) {
	for _, c := range []struct{ in, want []string }{
		{nil, nil},
		{[]string{"s", "b", "a"}, []string{"a", "b", "s"}},
		{[]string{"Aa", "BB"}, []string{"Aa", "BB"}}, // of one hash: as they came
		{[]string{"BB", "Aa"}, []string{"BB", "Aa"}},
		{[]string{"ts", "a.b", "missing", "😀"}, []string{"a.b", "missing", "😀", "ts"}},
	} {
		if got := HashOrder(c.in); !slices.Equal(got, c.want) {
			t.Errorf("HashOrder(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}
