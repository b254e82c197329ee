package transforms

import (
	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func init() {
	registerSides("SetSchemaMetadata", func() connect.Configurable { return new(setSchemaMetadataConfig) }, openSetSchemaMetadata)
}

type setSchemaMetadataConfig struct {
	name     string
	version  int
	defaults bool
}

func (c *setSchemaMetadataConfig) Define(d *connect.ConfigDef) {
	d.String(&c.name, "schema.name").OrNone().Is(connect.High).Doc("Name that the schema gets.")
	d.Int(&c.version, "schema.version").OrNone().Is(connect.High).Doc("Version that the schema gets.")
	defineDefaults(d, &c.defaults)
}

type setSchemaMetadata struct {
	side
	setSchemaMetadataConfig
	named, versioned bool
	schemas          planCache[*data.Schema]
}

func openSetSchemaMetadata(s side, p connect.Props) (connect.Transform, error) {
	t := &setSchemaMetadata{side: s, named: given(p, "schema.name"), versioned: given(p, "schema.version")}
	if err := connect.Parse(p, &t.setSchemaMetadataConfig); err != nil {
		return nil, err
	}
	if !t.named && !t.versioned {
		return nil, connect.ConfigErrorf("Neither schema name nor version configured")
	}
	return t, nil
}

func (t *setSchemaMetadata) Apply(r *connect.Record) (bool, error) {
	d := t.of(r)
	if d.Schema == nil {
		if d.Value.IsNull() {
			return true, nil
		}
		return true, connect.DataErrorf("Schema required for [updating schema metadata]")
	}
	schema, err := t.schemas.of(d.Schema, t.updated)
	if err != nil {
		return true, err
	}
	v := d.Value
	if v.Kind() == data.StructKind {
		if v, err = t.restruct(schema, v.Struct()); err != nil {
			return true, err
		}
	}
	*d = data.Datum{Schema: schema, Value: v}
	return true, nil
}

func (t *setSchemaMetadata) updated(s *data.Schema) (*data.Schema, error) {
	if _, err := requireFields(s); err != nil {
		return nil, err // Java cannot do it for other schemas
	}
	switch {
	case t.named && t.name == "":
		s = s.WithEmptyName()
	case t.named:
		s = s.WithName(t.name)
	}
	if t.versioned {
		s = s.Versioned(t.version)
	}
	return s, nil
}

// restruct returns s under another schema of the same fields. The values stay
// where they are unless a default is put in.
func (t *setSchemaMetadata) restruct(schema *data.Schema, s *data.Struct) (data.Value, error) {
	values := s.Values()
	fields := schema.Fields()
	if len(values) != len(fields) {
		return data.Value{}, connect.DataErrorf("Struct schemas do not match.")
	}
	copied := false
	for i := range fields {
		if !values[i].IsNull() {
			continue
		}
		v := get(s, i, t.defaults)
		if err := checkNull(&fields[i], v); err != nil {
			return v, err
		}
		if !v.IsNull() {
			if !copied {
				values, copied = append([]data.Value(nil), values...), true
			}
			values[i] = v
		}
	}
	return data.NewStruct(schema, values...).Value(), nil
}
