package transforms

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func TestCastFields(t *testing.T) {
	r := plantRecord()
	apply(t, "Cast$Value", connect.Props{"spec": "temperature:int8, count:string,unit:boolean"}, &r)
	s := r.Value.Value.Struct()
	for i, want := range []data.Value{data.Str("m1"), data.I8(21), data.Str("300"), data.I64(1483425001864), data.B(false)} {
		sameValue(t, want, s.At(i))
	}
	if f := r.Value.Schema.Field("unit"); f.Kind() != data.Bool || !f.IsOptional() || f.DefaultValue().Bool() {
		t.Errorf("schema of unit: %v", f)
	}
}

func TestCastWholeKey(t *testing.T) {
	r := plantRecord()
	r.Key = data.Datum{Value: data.Str(" 1.5e3d")}
	apply(t, "Cast$Key", connect.Props{"spec": "float32"}, &r)
	sameValue(t, data.F32(1500), r.Key.Value)
}

func TestCastRefusesWhatIsNoNumber(t *testing.T) {
	r := schemaless(entry("a", data.Str("128")))
	fails(t, "Cast$Value", connect.Props{"spec": "a:int8"}, &r, "Value (128) was out of range for requested data type")
}

func TestCastReportsJavasFirstField(t *testing.T) {
	r := schemaless(entry("f1", data.MapFrom(nil)), entry("a", data.Str("300")))
	fails(t, "Cast$Value", connect.Props{"spec": "f1:int32,a:int8"}, &r, "Value (300) was out of range for requested data type")
}
