package mirror

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Fields of source partitions and offsets.
const (
	clusterField   = "cluster"
	topicField     = "topic"
	partitionField = "partition"
	groupField     = "group"
	sourceField    = "sourceClusterAlias"
	targetField    = "targetClusterAlias"
	offsetField    = "offset"
)

// zero is the offset of what has no place in a stream: checkpoints, heartbeats.
var zero = json.RawMessage(`{"offset":0}`)

// alterOffsets checks offsets that a user wants to set: the texts and, with
// numbered, the number that partitions must have, and offsets, of which
// onlyZero leaves 0. Resets are taken for anything, so that garbage can be
// removed.
func alterOffsets(numbered, onlyZero bool, texts ...string) func(context.Context, connect.Props, []connect.PartitionOffset) (bool, error) {
	return func(_ context.Context, _ connect.Props, offsets []connect.PartitionOffset) (bool, error) {
		for _, o := range offsets {
			if o.Offset == nil {
				continue
			}
			if o.Partition == nil {
				return false, connect.Failf("Source partitions may not be null")
			}
			for _, key := range texts {
				if err := checkText(o.Partition, key); err != nil {
					return false, err
				}
			}
			if numbered {
				if err := checkNumber(o.Partition); err != nil {
					return false, err
				}
			}
			if err := checkOffset(o, onlyZero); err != nil {
				return false, err
			}
		}
		return true, nil
	}
}

func checkText(p connect.Object, key string) error {
	v, ok := p[key]
	if !ok {
		return connect.Failf("Source partition %s is missing the '%s' key, which is required", javaMap(p), key)
	}
	if _, ok := v.(string); !ok {
		return connect.Failf("Source partition %s has an invalid value %s for the '%s' key, which must be a string", javaMap(p), javaText(v), key)
	}
	return nil
}

func checkNumber(p connect.Object) error {
	v, ok := p[partitionField]
	if !ok {
		return connect.Failf("Source partition %s is missing the '%s' key, which is required", javaMap(p), partitionField)
	}
	n, ok := v.(int64)
	if !ok || n > math.MaxInt32 {
		return connect.Failf("Source partition %s has an invalid value %s for the '%s' key, which must be an integer", javaMap(p), javaText(v), partitionField)
	}
	if int32(n) < 0 {
		return connect.Failf("Source partition %s has an invalid value %s for the '%s' key, which cannot be negative", javaMap(p), javaText(v), partitionField)
	}
	return nil
}

func checkOffset(o connect.PartitionOffset, onlyZero bool) error {
	v, ok := o.Offset[offsetField]
	if !ok {
		return connect.Failf("Source offset %s for source partition %s is missing the '%s' key, which is required",
			javaMap(o.Offset), javaMap(o.Partition), offsetField)
	}
	var why string
	switch n, ok := v.(int64); {
	case !ok:
		why = "for the '" + offsetField + "' key, which must be an integer"
	case onlyZero && n != 0:
		why = "for the '" + offsetField + "' key; the only accepted value is 0"
	case n < 0:
		why = "for the '" + offsetField + "' key, which cannot be negative"
	default:
		return nil
	}
	return connect.Failf("Source offset %s for source partition %s has an invalid value %s %s", javaMap(o.Offset), javaMap(o.Partition), javaText(v), why)
}

// javaMap shows a map as Java does, but for the order, which is the names'.
func javaMap(o connect.Object) string {
	var parts []string
	for k, v := range o {
		parts = append(parts, k+"="+javaText(v))
	}
	slices.Sort(parts)
	return "{" + strings.Join(parts, ", ") + "}"
}

func javaText(v any) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprint(v)
}
