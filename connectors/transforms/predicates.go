package transforms

import "github.com/millwright-connect/millwright/connectors/connect"

func registerPredicate(class string, config func() connect.Configurable, open func(connect.Props) (connect.Predicate, error)) {
	connect.Register(connect.PredicatePlugin{Class: prefix + "predicates." + class, Version: version, Config: config, Open: open})
}
