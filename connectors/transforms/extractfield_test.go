package transforms

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func TestExtractFieldTakesDefaults(t *testing.T) {
	for want, props := range map[data.Value]connect.Props{
		data.Str("C"): {"field": "unit"},
		{}:            {"field": "unit", "replace.null.with.default": "false"},
	} {
		r := plantRecord()
		apply(t, "ExtractField$Value", props, &r)
		sameValue(t, want, r.Value.Value)
		if r.Value.Schema != plantSchema.Field("unit") {
			t.Error("the schema is not the field's")
		}
	}
}

func TestExtractNestedField(t *testing.T) {
	inner := data.MapFrom([]data.Entry{entry("c.d", data.I32(1))})
	r := schemaless(entry("a", inner))
	apply(t, "ExtractField$Value", connect.Props{"field": "a.`c.d`", "field.syntax.version": "v2"}, &r)
	sameValue(t, data.I32(1), r.Value.Value)
}

func TestExtractUnknownField(t *testing.T) {
	r := plantRecord()
	fails(t, "ExtractField$Value", connect.Props{"field": "x"}, &r, "Unknown field: x")
	fails(t, "ExtractField$Value", connect.Props{"field": "", "field.syntax.version": "V2"}, &r, "Unknown field: ")
}
