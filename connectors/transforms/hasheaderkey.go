package transforms

import "github.com/millwright-connect/millwright/connectors/connect"

func init() {
	registerPredicate("HasHeaderKey", func() connect.Configurable { return new(hasHeaderKeyConfig) }, openHasHeaderKey)
}

type hasHeaderKeyConfig struct{ name string }

func (c *hasHeaderKeyConfig) Define(d *connect.ConfigDef) {
	d.String(&c.name, "name").Is(connect.Medium).Check(connect.NonEmpty()).Doc("Name of the header that a record has to have.")
}

// hasHeaderKey is true for records with a header of that name.
type hasHeaderKey struct{ hasHeaderKeyConfig }

func openHasHeaderKey(p connect.Props) (connect.Predicate, error) {
	t := new(hasHeaderKey)
	return t, connect.Parse(p, &t.hasHeaderKeyConfig)
}

func (t *hasHeaderKey) Test(r *connect.Record) (bool, error) {
	return hasHeader(r.Headers, t.name), nil
}
