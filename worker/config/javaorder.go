package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// javaOrder sorts keys as a java.util.HashMap iterates that got them in the
// given order, one by one. Some answers of Java's worker have that order, and
// tools compare them.
func javaOrder(keys []string) []string {
	size := 16
	for len(keys) > size*3/4 {
		size *= 2
	}
	return buckets(keys, size)
}

// javaCopyOrder is javaOrder of a HashMap that was made as the copy of a map: its
// table is as large as the entries need.
func javaCopyOrder(keys []string) []string {
	size := 1
	for size < int(float32(len(keys))/0.75+1) {
		size *= 2
	}
	return buckets(keys, size)
}

// buckets sorts keys by the bucket of a table of size, a power of two.
func buckets(keys []string, size int) []string {
	bucket := func(k string) int {
		var h uint32
		for _, c := range utf16.Encode([]rune(k)) {
			h = 31*h + uint32(c)
		}
		return int((h ^ h>>16) & uint32(size-1))
	}
	out := slices.Clone(keys)
	slices.SortStableFunc(out, func(a, b string) int { return bucket(a) - bucket(b) })
	return out
}

// secretName matches the names of properties whose values are not to be shown
// where no definition says which are secret.
var secretName = regexp.MustCompile(`(?i)passw|secret|token|jaas|credential|\bkey\b|private`)

// javaMap writes properties as Java's worker does, which has them in the copy of
// a map.
func javaMap(p connect.Props) string {
	parts := make([]string, 0, len(p))
	for _, k := range javaCopyOrder(slices.Sorted(maps.Keys(p))) {
		v := p[k]
		switch {
		case v == connect.Null:
			v = "null"
		case secretName.MatchString(k):
			v = "[hidden]"
		}
		parts = append(parts, k+"="+v)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
