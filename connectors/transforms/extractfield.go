package transforms

import (
	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func init() {
	registerSides("ExtractField", func() connect.Configurable { return new(extractFieldConfig) }, openExtractField)
}

type extractFieldConfig struct {
	field, syntax string

	defaults bool
}

func (c *extractFieldConfig) Define(d *connect.ConfigDef) {
	d.String(&c.field, "field").Is(connect.Medium).Doc("Field that takes the place of the struct or map that holds it.")
	defineDefaults(d, &c.defaults)
	defineSyntax(d, &c.syntax)
}

type extractField struct {
	side
	extractFieldConfig
	path fieldPath
}

func openExtractField(s side, p connect.Props) (connect.Transform, error) {
	t := &extractField{side: s}
	if err := connect.Parse(p, &t.extractFieldConfig); err != nil {
		return nil, err
	}
	var err error
	t.path, err = newFieldPath(t.field, t.syntax)
	return t, err
}

func (t *extractField) Apply(r *connect.Record) (bool, error) {
	const purpose = "field extraction"
	d := t.of(r)
	out := data.Datum{}
	if d.Schema == nil {
		if d.Value.IsNull() {
			return true, nil
		}
		m, err := requireMap(d.Value, purpose)
		if err != nil {
			return true, err
		}
		if len(t.path) == 0 {
			return true, t.unknown()
		}
		out.Value, err = t.path.inMap(m)
		if err != nil {
			return true, err
		}
		*d = out
		return true, nil
	}
	var s *data.Struct
	var err error
	if !d.Value.IsNull() {
		if s, err = requireStruct(d.Value, purpose); err != nil {
			return true, err
		}
	}
	if out.Schema, err = t.path.schema(d.Schema); err != nil {
		return true, err
	}
	if out.Schema == nil || len(t.path) == 0 {
		return true, t.unknown()
	}
	if s != nil {
		if out.Value, err = t.path.inStruct(s, t.defaults); err != nil {
			return true, err
		}
	}
	*d = out
	return true, nil
}

func (t *extractField) unknown() error {
	return connect.Errorf(illegalArgument, "Unknown field: %s", t.field)
}
