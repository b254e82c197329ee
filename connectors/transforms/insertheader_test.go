package transforms

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func TestInsertHeaderSharesTheOthers(t *testing.T) {
	r := plantRecord()
	r.Headers = append(make([]connect.Header, 0, 8), r.Headers...)
	other := r.Headers[:2] // as a record that shares the array would see it
	apply(t, "InsertHeader", connect.Props{"header": "n", "value.literal": "5"}, &r)
	if len(r.Headers) != 2 || r.Headers[1].Key != "n" || other[1].Key != "" {
		t.Errorf("headers %v, of the other record %v", r.Headers, other)
	}
	sameValue(t, data.I8(5), r.Headers[1].Value.Value)
}
