package transforms

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func TestReplaceField(t *testing.T) {
	r := plantRecord()
	apply(t, "ReplaceField$Value", connect.Props{"include": "machine,count,unit", "exclude": "unit", "renames": "machine:id"}, &r)
	want := data.StructOf("plant.Reading", data.F("id", data.Of(data.String)), data.F("count", data.Of(data.Int32)))
	sameValue(t, data.NewStruct(want, data.Str("m1"), data.I32(300)).Value(), r.Value.Value)
}

func TestReplaceFieldNamesThatMeet(t *testing.T) {
	r := plantRecord()
	fails(t, "ReplaceField$Value", connect.Props{"renames": "machine:unit"}, &r, "Cannot create field because of field name duplication unit")
	fails(t, "ReplaceField$Value", connect.Props{"include": "unit", "renames": "x:unit"}, &r, "x is not a valid field name")

	r = schemaless(entry("a", data.I32(1)), entry("b", data.I32(2)))
	apply(t, "ReplaceField$Value", connect.Props{"renames": "a:b"}, &r)
	sameValue(t, data.MapFrom([]data.Entry{entry("b", data.I32(2))}), r.Value.Value)
}

func TestReplaceFieldOfTwoNames(t *testing.T) {
	// Both old names claim the new one; Java's map of names lets the later of its
	// own order win, whatever the order in the property.
	for _, renames := range []string{"count:n,unit:n", "unit:n,count:n"} {
		r := plantRecord()
		fails(t, "ReplaceField$Value", connect.Props{"include": "unit", "renames": renames}, &r,
			`Invalid Java object for schema with type STRING: class java.lang.Integer for field: "n"`)
	}
}
