package transforms

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func TestPredicates(t *testing.T) {
	tombstone := plantRecord()
	tombstone.Value.Value = data.Value{}
	tombstone.Topic, tombstone.Headers = "x", nil
	for _, c := range []struct {
		class string
		props connect.Props
		want  [2]bool // of a record, of a tombstone
	}{
		{"HasHeaderKey", connect.Props{"name": "site"}, [2]bool{true, false}},
		{"RecordIsTombstone", nil, [2]bool{false, true}},
		{"TopicNameMatches", connect.Props{"pattern": "plant|plant\\..*"}, [2]bool{true, false}},
		{"TopicNameMatches", connect.Props{"pattern": "plan|x"}, [2]bool{false, true}},
	} {
		plugin, ok := connect.Registered.Predicates.Find(prefix + "predicates." + c.class)
		if !ok {
			t.Fatalf("%s is not registered", c.class)
		}
		p, err := plugin.Open(c.props)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range []connect.Record{plantRecord(), tombstone} {
			if got, err := p.Test(&r); err != nil || got != c.want[i] {
				t.Errorf("%s %v of record %d: want %v, got %v %v", c.class, c.props, i, c.want[i], got, err)
			}
		}
	}
}
