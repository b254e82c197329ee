package transforms

import (
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/connecttest"
)

// needs are properties without which a transform or predicate does not open.
var needs = map[string]connect.Props{
	"Cast": {"spec": "value:int32"}, "DropHeaders": {"headers": "h"}, "ExtractField": {"field": "id"}, "HeaderFrom": {"fields": "id", "headers": "x", "operation": "copy"},
	"HoistField": {"field": "f"}, "InsertHeader": {"header": "n", "value.literal": "1"}, "MaskField": {"fields": "name"}, "RegexRouter": {"regex": "(.*)", "replacement": "$1-x"},
	"InsertField": {"static.field": "s", "static.value": "v", "timestamp.field": "ts"}, "ReplaceField": {"renames": "id:n"}, "TimestampConverter": {"target.type": "string", "format": "yyyy", "field": "at"},
	"ValueToKey": {"fields": "id"}, "HasHeaderKey": {"name": "h"}, "TopicNameMatches": {"pattern": "t.*"}, "SetSchemaMetadata": {"schema.name": "n"},
}

func props(class string) connect.Props {
	s := class[strings.LastIndexByte(class, '.')+1:]
	s, _, _ = strings.Cut(s, "$")
	if p := needs[s]; p != nil {
		return p
	}
	return connect.Props{}
}

func TestTransformsConform(t *testing.T) {
	for _, class := range connect.Registered.Transforms.Names() {
		if p, _ := connect.Registered.Transforms.Find(class); strings.HasPrefix(class, "org.apache.") {
			t.Run(class, func(t *testing.T) { connecttest.Transform(t, p, props(class), connecttest.NoReadme()) })
		}
	}
}

func TestPredicatesConform(t *testing.T) {
	for _, class := range connect.Registered.Predicates.Names() {
		if p, _ := connect.Registered.Predicates.Find(class); strings.HasPrefix(class, "org.apache.") {
			t.Run(class, func(t *testing.T) { connecttest.Predicate(t, p, props(class), connecttest.NoReadme()) })
		}
	}
}
