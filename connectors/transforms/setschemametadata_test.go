package transforms

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func TestSetSchemaMetadata(t *testing.T) {
	r := plantRecord()
	apply(t, "SetSchemaMetadata$Value", connect.Props{"schema.name": "r", "schema.version": "4"}, &r)
	if v, ok := r.Value.Schema.Version(); r.Value.Schema.Name() != "r" || !ok || v != 4 || r.Value.Value.Struct().Schema() != r.Value.Schema {
		t.Errorf("schema %v version %d %v", r.Value.Schema, v, ok)
	}
	sameValue(t, data.Str("C"), r.Value.Value.Struct().At(4))

	r = plantRecord()
	apply(t, "SetSchemaMetadata$Value", connect.Props{"schema.version": "4", "replace.null.with.default": "false"}, &r)
	sameValue(t, data.Value{}, r.Value.Value.Struct().At(4))
	if r.Value.Schema.Name() != plantSchema.Name() {
		t.Error("the name was lost")
	}
	fails(t, "SetSchemaMetadata$Key", connect.Props{"schema.version": "4"}, &r, "Cannot list fields on non-struct type")
}
