package transforms

import "github.com/millwright-connect/millwright/connectors/connect"

func init() {
	registerPredicate("RecordIsTombstone", func() connect.Configurable { return none{} },
		func(connect.Props) (connect.Predicate, error) { return recordIsTombstone{}, nil })
}

// recordIsTombstone is true for records whose value is null.
type recordIsTombstone struct{}

func (recordIsTombstone) Test(r *connect.Record) (bool, error) { return r.Value.Value.IsNull(), nil }
