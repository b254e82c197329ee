package transforms

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func TestMaskFields(t *testing.T) {
	r := plantRecord()
	apply(t, "MaskField$Value", connect.Props{"fields": "machine,temperature,unit"}, &r)
	sameValue(t, data.NewStruct(plantSchema, data.Str(""), data.F64(0), data.I32(300), data.I64(1483425001864), data.Str("")).Value(), r.Value.Value)
	if r.Value.Schema != plantSchema {
		t.Error("masking changed the schema")
	}
}

func TestMaskFieldReplacement(t *testing.T) {
	r := plantRecord()
	apply(t, "MaskField$Value", connect.Props{"fields": "machine,count", "replacement": "7"}, &r)
	sameValue(t, data.Str("7"), r.Value.Value.Struct().At(0))
	sameValue(t, data.I32(7), r.Value.Value.Struct().At(2))
	fails(t, "MaskField$Value", connect.Props{"fields": "count", "replacement": "x"}, &r, "Unable to convert x (class java.lang.String) to a number")
}

func TestMaskFieldReportsJavasFirstField(t *testing.T) {
	r := schemaless(entry("a", data.B(true)), entry("b", data.Millis(0)))
	for _, fields := range []string{"a,b", "b,a,b"} {
		fails(t, "MaskField$Value", connect.Props{"fields": fields, "replacement": "7"}, &r,
			"Cannot mask value of type class java.lang.Boolean with custom replacement.")
	}
}
