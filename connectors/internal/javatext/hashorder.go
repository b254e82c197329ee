package javatext

import (
	"slices"
	"unicode/utf16"
)

// HashOrder returns keys as a java.util.HashMap iterates that was made empty and
// got them in the given order; no key may be there twice. What Java's classes do
// first, or last, depends on it where several fields are wrong or of one name.
func HashOrder(keys []string) []string {
	size := 16
	for len(keys) > size*3/4 {
		size *= 2
	}
	place := func(key string) int {
		var h uint32 // String.hashCode
		for _, u := range utf16.Encode([]rune(key)) {
			h = 31*h + uint32(u)
		}
		return int((h ^ h>>16) & uint32(size-1))
	}
	out := slices.Clone(keys)
	slices.SortStableFunc(out, func(a, b string) int { return place(a) - place(b) })
	return out
}
