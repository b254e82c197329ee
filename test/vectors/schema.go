package vectors

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/millwright-connect/millwright/connectors/data"
)

type field struct {
	Name   string `json:"name"`
	Schema S      `json:"schema"`
}

type schemaJSON struct {
	Type       string            `json:"type"`
	Optional   bool              `json:"optional,omitempty"`
	Name       *string           `json:"name,omitempty"`
	Version    *int              `json:"version,omitempty"`
	Doc        *string           `json:"doc,omitempty"`
	Parameters map[string]string `json:"parameters,omitempty"`
	Default    *V                `json:"default,omitempty"`
	Keys       *S                `json:"keys,omitempty"`
	Values     *S                `json:"values,omitempty"`
	Fields     []field           `json:"fields,omitempty"`
}

// UnmarshalJSON decodes an S.
func (s *S) UnmarshalJSON(b []byte) error {
	s.Schema = nil
	if string(b) == "null" {
		return nil
	}
	var x schemaJSON
	if err := json.Unmarshal(b, &x); err != nil {
		return err
	}
	sub := func(p *S) *data.Schema {
		if p == nil {
			return nil
		}
		return p.Schema
	}
	r := (*data.Schema)(nil)
	switch x.Type {
	case "array":
		r = data.ArrayOf(sub(x.Values))
	case "map":
		r = data.MapOf(sub(x.Keys), sub(x.Values))
	case "struct":
		fields := make([]data.Field, len(x.Fields))
		for i, f := range x.Fields {
			fields[i] = data.F(f.Name, f.Schema.Schema)
		}
		r = data.StructOf("", fields...)
	default:
		for k := data.Int8; k <= data.Bytes; k++ {
			if strings.EqualFold(k.String(), x.Type) {
				r = data.Of(k)
			}
		}
	}
	if r == nil {
		return fmt.Errorf("no schema has the type %q", x.Type)
	}
	if x.Optional {
		r = r.Optional()
	}
	switch {
	case x.Name != nil && *x.Name == "":
		r = r.WithEmptyName()
	case x.Name != nil:
		r = r.WithName(*x.Name)
	}
	if x.Version != nil {
		r = r.Versioned(*x.Version)
	}
	if x.Doc != nil {
		r = r.Documented(*x.Doc)
	}
	keys := make([]string, 0, len(x.Parameters))
	for k := range x.Parameters {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		r = r.With(k, x.Parameters[k])
	}
	if x.Default != nil && !x.Default.IsNull() {
		r = r.Default(x.Default.Value)
	}
	s.Schema = r
	return nil
}

// MarshalJSON encodes an S.
func (s S) MarshalJSON() ([]byte, error) {
	if s.Schema == nil {
		return []byte("null"), nil
	}
	x := schemaJSON{Type: strings.ToLower(s.Kind().String()), Optional: s.IsOptional()}
	if s.HasName() {
		name := s.Name()
		x.Name = &name
	}
	if v, ok := s.Version(); ok {
		x.Version = &v
	}
	if doc := s.Doc(); s.HasDoc() {
		x.Doc = &doc
	}
	for _, p := range s.Params() {
		if x.Parameters == nil {
			x.Parameters = map[string]string{}
		}
		x.Parameters[p.Key] = p.Value
	}
	if d := s.DefaultValue(); !d.IsNull() {
		x.Default = &V{d}
	}
	if s.Key() != nil {
		x.Keys = &S{s.Key()}
	}
	if s.Elem() != nil {
		x.Values = &S{s.Elem()}
	}
	for _, f := range s.Fields() {
		x.Fields = append(x.Fields, field{f.Name, S{f.Schema}})
	}
	return json.Marshal(x)
}
