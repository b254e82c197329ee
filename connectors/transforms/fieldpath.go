package transforms

import (
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

const nested = "nested field access"

// defineSyntax declares the property that chooses how field names are read
// (KIP-821).
func defineSyntax(d *connect.ConfigDef, p *string) {
	d.String(p, "field.syntax.version").Default("V1").Is(connect.High).Check(connect.OneOfFold("V1", "V2")).
		Doc("How field names are read. V1 takes a name as it is and finds fields at the top only. V2 takes dots as steps into nested fields; " +
			"a name that has dots itself stands between backticks: `foo.bar`.baz is the field baz of the field foo.bar.")
}

// A fieldPath leads to a field, from the outside in. It is never without a step
// but for an empty path of V2, which leads nowhere.
type fieldPath []string

func newFieldPath(path, syntax string) (fieldPath, error) {
	if strings.EqualFold(syntax, "V2") {
		return parsePath(path)
	}
	return fieldPath{path}, nil
}

// parsePath splits a path at its dots. A step in backticks ends at the first
// backtick that a dot or the end follows and no backslash precedes; a backtick
// of the name before a dot is written with a backslash.
func parsePath(path string) (fieldPath, error) {
	var steps fieldPath
	for at := 0; at < len(path); {
		if path[at] != '`' {
			step, _, more := strings.Cut(path[at:], ".")
			steps = append(steps, step)
			at += len(step)
			if more {
				at++
			}
			continue
		}
		step, end := quotedStep(path, at+1)
		if end < 0 {
			return nil, connect.ConfigErrorf("Incomplete backtick pair in path: [%s], consider adding a backslash before backtick at position %d to escape it",
				path, len([]rune(path[:at])))
		}
		steps = append(steps, step)
		at = end
	}
	if strings.HasSuffix(path, ".") {
		steps = append(steps, "")
	}
	return steps, nil
}

// quotedStep reads a step up to its closing backtick; end is behind that and
// the dot after it, -1 if nothing closes the step.
func quotedStep(path string, start int) (step string, end int) {
	for at := start; ; at++ {
		next := strings.IndexByte(path[at:], '`')
		if next < 0 {
			return "", -1
		}
		at += next
		escaped := path[at-1] == '\\'
		last := at == len(path)-1
		switch {
		case last && escaped:
			return "", -1
		case last:
			return step + path[start:at], at + 1
		case path[at+1] != '.':
		case escaped:
			step += path[start:at-1] + "`"
			start = at + 1
		default:
			return step + path[start:at], at + 2
		}
	}
}

func (p fieldPath) last() string { return p[len(p)-1] }

// schema returns the schema of the field, nil if there is no such field.
func (p fieldPath) schema(s *data.Schema) (*data.Schema, error) {
	for _, step := range p {
		if s == nil {
			return nil, nil
		}
		if s.Kind() != data.StructKind {
			return nil, connect.DataErrorf("Cannot look up fields on non-struct type")
		}
		s = s.Field(step)
	}
	return s, nil
}

// inStruct returns the field's value, null if there is none on the way.
func (p fieldPath) inStruct(s *data.Struct, withDefault bool) (data.Value, error) {
	for _, step := range p[:len(p)-1] {
		v := s.Get(step)
		if v.IsNull() {
			return v, nil
		}
		var err error
		if s, err = requireStruct(v, nested); err != nil {
			return v, err
		}
	}
	i := s.Schema().Index(p.last())
	if i < 0 {
		return data.Value{}, nil
	}
	return get(s, i, withDefault), nil
}

// inMap returns the field's value, null if there is none on the way.
func (p fieldPath) inMap(m *data.MapValue) (data.Value, error) {
	for _, step := range p[:len(p)-1] {
		v, _ := m.Get(step)
		if v.IsNull() {
			return v, nil
		}
		var err error
		if m, err = requireMap(v, nested); err != nil {
			return v, err
		}
	}
	v, _ := m.Get(p.last())
	return v, nil
}
