package transforms

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func TestValueToKey(t *testing.T) {
	r := plantRecord()
	apply(t, "ValueToKey", connect.Props{"fields": "unit,machine"}, &r)
	want := data.StructOf("", plantSchema.Fields()[4], plantSchema.Fields()[0])
	sameValue(t, data.NewStruct(want, data.Str("C"), data.Str("m1")).Value(), r.Key.Value)
	fails(t, "ValueToKey", connect.Props{"fields": "x"}, &r, "Field does not exist: x")

	r = schemaless(entry("a", data.I32(1)))
	apply(t, "ValueToKey", connect.Props{"fields": "a,x"}, &r)
	sameValue(t, data.MapFrom([]data.Entry{entry("a", data.I32(1)), entry("x", data.Value{})}), r.Key.Value)
}
