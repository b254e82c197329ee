package transforms

import (
	"slices"

	"github.com/millwright-connect/millwright/connectors/connect"
)

func init() {
	register("DropHeaders", func() connect.Configurable { return new(dropHeadersConfig) }, openDropHeaders)
}

type dropHeadersConfig struct{ headers []string }

func (c *dropHeadersConfig) Define(d *connect.ConfigDef) {
	d.List(&c.headers, "headers").Is(connect.High).Check(connect.NonEmptyListOf()).Doc("Names of the headers to take off.")
}

type dropHeaders struct{ dropHeadersConfig }

func openDropHeaders(p connect.Props) (connect.Transform, error) {
	t := new(dropHeaders)
	return t, connect.Parse(p, &t.dropHeadersConfig)
}

func (t *dropHeaders) Apply(r *connect.Record) (bool, error) {
	if !hasHeader(r.Headers, t.headers...) {
		return true, nil
	}
	kept := make([]connect.Header, 0, len(r.Headers)-1)
	for i := range r.Headers {
		if !slices.Contains(t.headers, r.Headers[i].Key) {
			kept = append(kept, r.Headers[i])
		}
	}
	r.Headers = kept
	return true, nil
}
