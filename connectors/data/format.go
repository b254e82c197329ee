package data

import (
	"encoding/base64"
	"strconv"
)

// Format writes v as Java's Values.convertToString does, the form that Parse
// reads: texts inside of arrays, maps and structs are quoted, bytes are base64,
// dates are ISO 8601. The error, a DataException, is for an OtherKind only.
func Format(v Value) (string, error) {
	if v.kind == String {
		return v.Str(), nil
	}
	b, err := AppendFormat(nil, v)
	return string(b), err
}

// AppendFormat appends what Format returns.
func AppendFormat(dst []byte, v Value) ([]byte, error) { return appendFormat(dst, v, false) }

func appendFormat(dst []byte, v Value, embedded bool) ([]byte, error) {
	var err error
	switch v.kind {
	case String:
		if embedded {
			return appendQuoted(dst, v.Str()), nil
		}
		return append(dst, v.Str()...), nil
	case Bytes:
		if embedded {
			dst = base64.StdEncoding.AppendEncode(append(dst, '"'), v.Bytes())
			return append(dst, '"'), nil
		}
		return base64.StdEncoding.AppendEncode(dst, v.Bytes()), nil
	case DateKind:
		return appendISO(dst, v.Int()), nil
	case Array:
		dst = append(dst, '[')
		for i, e := range v.List() {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendFormat(dst, e, true); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	case Map:
		dst = append(dst, '{')
		for i, e := range v.Map().entries {
			if dst, err = appendPair(dst, i, e.Key, e.Value); err != nil {
				return dst, err
			}
		}
		return append(dst, '}'), nil
	case StructKind:
		s := v.Struct()
		dst = append(dst, '{')
		for i, f := range s.schema.fields {
			e := s.fields[i]
			if e.kind == Null {
				e = f.Schema.def
			}
			if dst, err = appendPair(dst, i, Str(f.Name), e); err != nil {
				return dst, err
			}
		}
		return append(dst, '}'), nil
	case OtherKind:
		return dst, Fail("Failed to serialize unexpected value type %s: %s", v.Str(), strconv.Quote(v.Str()))
	}
	return AppendText(dst, v), nil
}

func appendPair(dst []byte, i int, key, value Value) ([]byte, error) {
	if i > 0 {
		dst = append(dst, ',')
	}
	dst, err := appendFormat(dst, key, true)
	if err != nil {
		return dst, err
	}
	return appendFormat(append(dst, ':'), value, true)
}

func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}
