package transforms

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func TestInsertFields(t *testing.T) {
	r := plantRecord()
	apply(t, "InsertField$Value", connect.Props{
		"topic.field": "topic!", "partition.field": "part", "offset.field": "off?", "timestamp.field": "ts", "static.field": "site", "static.value": "",
	}, &r)
	s := r.Value.Value.Struct()
	for name, want := range map[string]data.Value{
		"topic": data.Str("plant.line1"), "part": data.I32(2), "off": data.I64(7), "ts": data.Millis(1483425001864), "site": data.Str(""), "unit": data.Str("C"),
	} {
		sameValue(t, want, s.Get(name))
	}
	if s.Schema().Field("topic").IsOptional() || !s.Schema().Field("off").IsOptional() {
		t.Error("the suffixes were not heeded")
	}
}

func TestInsertFieldWithoutMetadata(t *testing.T) {
	r := schemaless(entry("a", data.I32(1)))
	apply(t, "InsertField$Value", connect.Props{"partition.field": "p", "timestamp.field": "ts", "topic.field": "a"}, &r)
	sameValue(t, data.MapFrom([]data.Entry{entry("a", data.Str("t"))}), r.Value.Value)
	fails(t, "InsertField$Value", connect.Props{"offset.field": "o"}, &r,
		"Only SinkRecord supported for [field insertion], found: org.apache.kafka.connect.source.SourceRecord")
}

func TestInsertFieldLeavesTombstones(t *testing.T) {
	r := connect.Record{Value: data.Datum{Schema: plantSchema}}
	apply(t, "InsertField$Value", connect.Props{"topic.field": "t"}, &r)
	if r.Value.Schema != plantSchema || !r.Value.Value.IsNull() {
		t.Error("a tombstone was changed")
	}
}
