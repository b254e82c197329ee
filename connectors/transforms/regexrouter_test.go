package transforms

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
)

func TestRegexRouter(t *testing.T) {
	for _, c := range []struct{ regex, replacement, want string }{
		{`plant\.(.*)`, "mes-$1", "mes-line1"},
		{`plant`, "mes", "plant.line1"},
		{`(?<site>[a-z]+)\.(?=line).*`, "${site}", "plant"},
		{`[a-z.]+?(\d)`, "$1", "1"},
	} {
		r := plantRecord()
		apply(t, "RegexRouter", connect.Props{"regex": c.regex, "replacement": c.replacement}, &r)
		if r.Topic != c.want {
			t.Errorf("%s: want %s, got %s", c.regex, c.want, r.Topic)
		}
	}
	r := plantRecord()
	fails(t, "RegexRouter", connect.Props{"regex": ".*", "replacement": "$1"}, &r, "No group 1")
}
