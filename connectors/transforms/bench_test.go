package transforms

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func BenchmarkTransform(b *testing.B) {
	withMap := schemaless(entry("machine", data.Str("m1")), entry("temperature", data.F64(21.5)), entry("at", data.I64(1483425001864)))
	withText := plantRecord()
	withText.Value = data.Datum{Value: data.Str("2017-01-03 06:30:01.864")}
	const pattern = "yyyy-MM-dd HH:mm:ss.SSS"
	for _, c := range []struct {
		name, class string
		props       connect.Props
		record      connect.Record
	}{
		{"InsertField", "InsertField$Value", connect.Props{"topic.field": "topic", "timestamp.field": "ts"}, plantRecord()},
		{"InsertField/map", "InsertField$Value", connect.Props{"topic.field": "topic", "timestamp.field": "ts"}, withMap},
		{"ReplaceField", "ReplaceField$Value", connect.Props{"exclude": "unit", "renames": "at:time"}, plantRecord()},
		{"Cast", "Cast$Value", connect.Props{"spec": "count:int64,temperature:float32"}, plantRecord()},
		{"TimestampConverter", "TimestampConverter$Value", connect.Props{"field": "at", "target.type": "Timestamp"}, plantRecord()},
		{"TimestampConverter/write", "TimestampConverter$Value", connect.Props{"field": "at", "target.type": "string", "format": pattern}, plantRecord()},
		{"TimestampConverter/read", "TimestampConverter$Value", connect.Props{"target.type": "unix", "format": pattern}, withText},
		{"RegexRouter", "RegexRouter", connect.Props{"regex": `plant\.(.*)`, "replacement": "mes-$1"}, plantRecord()},
		{"TimestampRouter", "TimestampRouter", nil, plantRecord()},
		{"Flatten", "Flatten$Value", nil, plantRecord()},
		{"SetSchemaMetadata", "SetSchemaMetadata$Value", connect.Props{"schema.name": "x"}, plantRecord()},
		{"ValueToKey", "ValueToKey", connect.Props{"fields": "machine"}, plantRecord()},
	} {
		b.Run(c.name, func(b *testing.B) {
			t := open(b, c.class, c.props)
			b.ReportAllocs()
			var r connect.Record // of the caller, so it is not counted
			for b.Loop() {
				r = c.record
				if _, err := t.Apply(&r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
