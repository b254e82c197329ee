package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// parse reads a value as Java's JsonConverter without schemas does: numbers
// are json.Number, and no bytes are nil, as are bytes that hold nothing. A byte
// order mark may come first, and anything after the value.
func parse(b []byte) (any, error) {
	b = bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\ufeff")), " \t\n\r")
	if len(b) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if !utf8.Valid(b[:d.InputOffset()]) {
		return nil, errors.New("it is not UTF-8")
	}
	return v, nil
}

// A field is one field of a JSON object, in a place of its own as in a struct
// of Java's.
type field struct {
	name  string
	value any // string, int, int64, bool, connect.Props, []field or nil
}

// render writes an object byte for byte as Java's JsonConverter without
// schemas does, but for the order within maps, which is a hash's there and
// that of the keys here.
func render(dst []byte, fields []field) []byte {
	dst = append(dst, '{')
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(data.AppendJSONString(dst, f.name), ':')
		switch v := f.value.(type) {
		case nil:
			dst = append(dst, "null"...)
		case string:
			dst = data.AppendJSONString(dst, v)
		case int:
			dst = strconv.AppendInt(dst, int64(v), 10)
		case int64:
			dst = strconv.AppendInt(dst, v, 10)
		case bool:
			dst = strconv.AppendBool(dst, v)
		case []field:
			dst = render(dst, v)
		case connect.Props:
			var props []field
			for _, k := range slices.Sorted(maps.Keys(v)) {
				props = append(props, field{k, v[k]})
			}
			dst = render(dst, props)
		}
	}
	return append(dst, '}')
}

// integer returns a JSON number that is written as a whole one.
func integer(v any) (int64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := strconv.ParseInt(string(n), 10, 64)
	return i, err == nil
}

// properties returns the map in field "properties". Java takes numbers and the
// like for strings there and fails later; their text is kept here. A property
// that is null is none.
func properties(v any) (connect.Props, string) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, notA("value", "map", v)
	}
	in, ok := m["properties"].(map[string]any)
	if !ok {
		return nil, notA("'properties'", "map", m["properties"])
	}
	props := make(connect.Props, len(in))
	for k, v := range in {
		switch v := v.(type) {
		case nil:
		case string:
			props[k] = v
		default:
			text, err := json.Marshal(v)
			if err != nil { // never: it was parsed from JSON
				return nil, err.Error()
			}
			props[k] = string(text)
		}
	}
	return props, ""
}

// notA says that a part of a record is of the wrong type.
func notA(what, want string, got any) string {
	is := "a map"
	switch got.(type) {
	case nil:
		is = "missing or null"
	case bool:
		is = "a boolean"
	case json.Number:
		is = "a number"
	case string:
		is = "a string"
	case []any:
		is = "a list"
	}
	return fmt.Sprintf("%s should be a %s, but is %s", what, want, is)
}

// taskOf reads a task's id from the end of a key whose first parts, up to
// dashes, say what it is. The name may hold dashes. As in Java, dashes at the
// end do not count.
func taskOf(key string, parts int) (name string, task int, ok bool) {
	key = strings.TrimRight(key, "-")
	for range parts {
		var found bool
		if _, key, found = strings.Cut(key, "-"); !found {
			return "", 0, false
		}
	}
	dash := strings.LastIndexByte(key, '-')
	if dash < 0 {
		return "", 0, false
	}
	n, err := strconv.ParseInt(key[dash+1:], 10, 32)
	if err != nil {
		return "", 0, false
	}
	return key[:dash], int(n), true
}
