package transforms

import "github.com/millwright-connect/millwright/connectors/connect"

func init() {
	register("Filter", func() connect.Configurable { return none{} }, func(connect.Props) (connect.Transform, error) { return filter{}, nil })
}

// none is the config of what has no properties.
type none struct{}

func (none) Define(*connect.ConfigDef) {}

// filter drops every record; predicates choose which ones it gets.
type filter struct{}

func (filter) Apply(*connect.Record) (bool, error) { return false, nil }
