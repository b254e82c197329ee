package connecttest_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/connecttest"
	_ "github.com/millwright-connect/millwright/connectors/converters"
	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/connectors/datagen"
	_ "github.com/millwright-connect/millwright/connectors/file"
	_ "github.com/millwright-connect/millwright/connectors/transforms"
)

func TestDatagen(t *testing.T) {
	connecttest.Source(t, datagen.Source, connect.Props{"topic": "t", "rate": "0"}, connecttest.Expect(5000), connecttest.Readme("../datagen/README.md"))
}

func TestFileSink(t *testing.T) {
	p, ok := connect.Registered.Sinks.Find("FileStreamSink")
	if !ok {
		t.Fatal("no FileStreamSink")
	}
	r := connect.SinkRecord{Record: connect.Record{Topic: "t", Value: data.Datum{Schema: data.Of(data.String), Value: data.Str("line")}}}
	connecttest.Sink(t, p, connect.Props{"file": filepath.Join(t.TempDir(), "out")}, connecttest.Put(r, r), connecttest.Readme("../file/README.md"))
}

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

func TestTransforms(t *testing.T) {
	for _, class := range connect.Registered.Transforms.Names() {
		if p, _ := connect.Registered.Transforms.Find(class); strings.HasPrefix(class, "org.apache.") {
			t.Run(class, func(t *testing.T) { connecttest.Transform(t, p, props(class), connecttest.NoReadme()) })
		}
	}
}

func TestPredicates(t *testing.T) {
	for _, class := range connect.Registered.Predicates.Names() {
		if p, _ := connect.Registered.Predicates.Find(class); strings.HasPrefix(class, "org.apache.") {
			t.Run(class, func(t *testing.T) { connecttest.Predicate(t, p, props(class), connecttest.NoReadme()) })
		}
	}
}

func TestConverters(t *testing.T) {
	for _, class := range connect.Registered.Converters.Names() {
		if p, _ := connect.Registered.Converters.Find(class); strings.HasPrefix(class, "org.apache.") {
			t.Run(class, func(t *testing.T) { connecttest.Converter(t, p, nil, connecttest.NoReadme()) })
		}
	}
	for _, class := range connect.Registered.HeaderConverters.Names() {
		if p, _ := connect.Registered.HeaderConverters.Find(class); strings.HasPrefix(class, "org.apache.") {
			t.Run("header "+class, func(t *testing.T) {
				connecttest.HeaderConverter(t, p, nil, connecttest.NoReadme())
			})
		}
	}
}
