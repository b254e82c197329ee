package transforms

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
)

func TestDropHeadersKeepsTheOthers(t *testing.T) {
	r := plantRecord()
	r.Headers = append(r.Headers, connect.Header{Key: "line"}, connect.Header{Key: "site"})
	shared := r.Headers
	apply(t, "DropHeaders", connect.Props{"headers": "site,none"}, &r)
	if len(r.Headers) != 1 || r.Headers[0].Key != "line" {
		t.Errorf("headers %v", r.Headers)
	}
	if shared[0].Key != "site" {
		t.Error("the shared headers were changed")
	}
}
