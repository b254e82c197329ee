package transforms

import (
	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func init() {
	registerSides("HoistField", func() connect.Configurable { return new(hoistFieldConfig) }, openHoistField)
}

type hoistFieldConfig struct{ field string }

func (c *hoistFieldConfig) Define(d *connect.ConfigDef) {
	d.String(&c.field, "field").Is(connect.Medium).Doc("Name of the one field of the struct or map that is put around the data.")
}

type hoistField struct {
	side
	hoistFieldConfig
	schemas planCache[*data.Schema]
}

func openHoistField(s side, p connect.Props) (connect.Transform, error) {
	t := &hoistField{side: s}
	return t, connect.Parse(p, &t.hoistFieldConfig)
}

func (t *hoistField) Apply(r *connect.Record) (bool, error) {
	d := t.of(r)
	if d.Schema == nil {
		d.Value = data.MapFrom([]data.Entry{{Key: data.Str(t.field), Value: d.Value}})
		return true, nil
	}
	schema, err := t.schemas.of(d.Schema, func(s *data.Schema) (*data.Schema, error) {
		return data.NewStructSchema("", data.F(t.field, s))
	})
	if err != nil {
		return true, err
	}
	if err := checkAll(&schema.Fields()[0], d.Value); err != nil {
		return true, err
	}
	*d = data.NewStruct(schema, d.Value).Datum()
	return true, nil
}
