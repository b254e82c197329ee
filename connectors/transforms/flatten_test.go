package transforms

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func TestFlattenMissingStruct(t *testing.T) {
	inner := data.StructOf("", data.F("x", data.Of(data.Int32)), data.F("y", data.Of(data.Int32)))
	outer := data.StructOf("s", data.F("a", inner.Optional()), data.F("b", data.Of(data.String)), data.F("c", inner))
	r := connect.Record{Value: data.NewStruct(outer, data.Value{}, data.Str("b"), data.NewStruct(inner, data.I32(1), data.I32(2)).Value()).Datum()}
	apply(t, "Flatten$Value", connect.Props{"delimiter": "_"}, &r)
	want := data.StructOf("s",
		data.F("a_x", data.OptionalOf(data.Int32)), data.F("a_y", data.OptionalOf(data.Int32)), data.F("b", data.Of(data.String)),
		data.F("c_x", data.Of(data.Int32)), data.F("c_y", data.Of(data.Int32)))
	sameValue(t, data.NewStruct(want, data.Value{}, data.Value{}, data.Str("b"), data.I32(1), data.I32(2)).Value(), r.Value.Value)
}

func TestFlattenRefusesMaps(t *testing.T) {
	outer := data.StructOf("", data.F("m", data.MapOf(data.Of(data.String), data.Of(data.String))))
	r := connect.Record{Value: data.NewStruct(outer, data.MapFrom(nil)).Datum()}
	fails(t, "Flatten$Value", nil, &r, "Flatten transformation does not support MAP for record with schemas (for field m).")
}
