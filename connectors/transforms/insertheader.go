package transforms

import (
	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func init() {
	register("InsertHeader", func() connect.Configurable { return new(insertHeaderConfig) }, openInsertHeader)
}

type insertHeaderConfig struct{ header, literal string }

func (c *insertHeaderConfig) Define(d *connect.ConfigDef) {
	d.String(&c.header, "header").Is(connect.High).Check(connect.NonNull[string]()).Doc("Name of the header.")
	d.String(&c.literal, "value.literal").Is(connect.High).Check(connect.NonNull[string]()).
		Doc("Value of the header in every record. What reads as a number, a boolean, a date, a list or a map becomes one.")
}

type insertHeader struct {
	name  string
	value data.Datum
}

func openInsertHeader(p connect.Props) (connect.Transform, error) {
	var c insertHeaderConfig
	if err := connect.Parse(p, &c); err != nil {
		return nil, err
	}
	return &insertHeader{c.header, data.Parse(c.literal)}, nil
}

func (t *insertHeader) Apply(r *connect.Record) (bool, error) {
	r.Headers = addHeader(r.Headers, t.name, t.value)
	return true, nil
}
