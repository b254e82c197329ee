package transforms

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func TestHoistField(t *testing.T) {
	r := plantRecord()
	apply(t, "HoistField$Key", connect.Props{"field": "id"}, &r)
	sameValue(t, data.NewStruct(data.StructOf("", data.F("id", data.Of(data.String))), data.Str("m1")).Value(), r.Key.Value)

	r = connect.Record{Value: data.Datum{Value: data.I64(1)}}
	apply(t, "HoistField$Value", connect.Props{"field": "v"}, &r)
	sameValue(t, data.MapFrom([]data.Entry{entry("v", data.I64(1))}), r.Value.Value)
}

func TestHoistFieldChecksTheValue(t *testing.T) {
	r := connect.Record{Value: data.Datum{Schema: data.Of(data.String)}}
	fails(t, "HoistField$Value", connect.Props{"field": "v"}, &r, `Invalid value: null used for required field: "v", schema type: STRING`)
}
