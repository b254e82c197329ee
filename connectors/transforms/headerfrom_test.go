package transforms

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func TestHeaderFromMovesFields(t *testing.T) {
	r := plantRecord()
	shared := r.Headers
	apply(t, "HeaderFrom$Value", connect.Props{"fields": "machine,count", "headers": "m,n", "operation": "move"}, &r)
	if len(r.Headers) != 3 || len(shared) != 1 || r.Headers[2].Key != "n" || r.Headers[2].Value.Schema != data.Of(data.Int32) {
		t.Errorf("headers %v", r.Headers)
	}
	sameValue(t, data.I32(300), r.Headers[2].Value.Value)
	if r.Value.Schema.Index("machine") >= 0 || len(r.Value.Schema.Fields()) != 3 {
		t.Errorf("fields %v", r.Value.Schema.Fields())
	}
}

func TestHeaderFromMissingField(t *testing.T) {
	r := plantRecord()
	fails(t, "HeaderFrom$Value", connect.Props{"fields": "x", "headers": "h", "operation": "copy"}, &r,
		"the field x, which is to become a header, is not in the record's schema")
}

func TestHeaderFromStructKeepsItsSchema(t *testing.T) {
	s := data.NewStruct(data.StructOf("inner", data.F("x", data.Of(data.Int8))), data.I8(1))
	r := schemaless(entry("a", s.Value()), entry("b", data.I8(2)))
	apply(t, "HeaderFrom$Value", connect.Props{"fields": "a,b", "headers": "h,i", "operation": "copy"}, &r)
	at := len(r.Headers) - 2
	if r.Headers[at].Value.Schema != s.Schema() || r.Headers[at+1].Value.Schema != nil {
		t.Errorf("headers %v", r.Headers)
	}
}
