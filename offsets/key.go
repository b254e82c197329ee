package offsets

import (
	"cmp"
	"maps"
	"slices"
	"unicode/utf16"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Key returns the key of a partition in the offsets topic, as Apache Connect
// writes it: ["connector",{"field":value}]. To Java, which looks offsets up by
// the bytes of their key, the order of the fields matters; it is that of the
// connector's Map there, most often a HashMap, whose order this has. A Store
// takes the key that the topic has for a partition, if there is one.
func Key(connector string, partition connect.Object) ([]byte, error) {
	if partition == nil {
		return keyOf(connector, nil)
	}
	return keyOf(connector, partition)
}

func keyOf(connector string, partition any) ([]byte, error) {
	return appendJSON(nil, []any{connector, partition}, hashOrder)
}

// identity returns the same text for all keys of one partition.
func identity(partition connect.Object) (string, error) {
	if partition == nil {
		return "null", nil
	}
	b, err := appendJSON(make([]byte, 0, 64), partition, sorted)
	return string(b), err
}

// hashOrder gives the fields of an object in the order of a Java HashMap made
// with its no-argument constructor. Fields that share a bucket, of which Java
// has the older one first, are sorted.
func hashOrder(o connect.Object) []string {
	buckets := uint32(16)
	for len(o) > int(buckets)*3/4 {
		buckets *= 2
	}
	bucket := func(k string) uint32 {
		h := uint32(0) // String.hashCode
		for _, u := range utf16.Encode([]rune(k)) {
			h = 31*h + uint32(u)
		}
		return (h ^ h>>16) & (buckets - 1)
	}
	return slices.SortedFunc(maps.Keys(o), func(a, b string) int {
		return cmp.Or(cmp.Compare(bucket(a), bucket(b)), cmp.Compare(a, b))
	})
}

// parseKey reads a key of the offsets topic, or says why it is none.
func parseKey(key []byte) (connector string, partition connect.Object, why string) {
	if key == nil {
		return "", nil, "it has no key"
	}
	v, err := parseJSON(key)
	if err != nil {
		return "", nil, "its key is not JSON: " + err.Error()
	}
	list, ok := v.([]any)
	if !ok || len(list) != 2 {
		return "", nil, "its key is not a list of two elements"
	}
	connector, ok = list[0].(string)
	if !ok {
		return "", nil, "the first element of its key is not a connector's name"
	}
	if list[1] == nil {
		return connector, nil, ""
	}
	partition, ok = list[1].(connect.Object)
	if !ok {
		return "", nil, "the second element of its key is not a map"
	}
	return connector, partition, ""
}
