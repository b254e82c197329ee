package state

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// parse reads a value as Java's JsonConverter without schemas does: numbers
// are json.Number, and no bytes are nil.
func parse(b []byte) (any, error) {
	if b == nil {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return v, nil
}

// render writes a value as Java's JsonConverter without schemas does, with the
// fields of a struct in their order.
func render(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // all values are made of strings and numbers here
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
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
			props[k] = string(render(v))
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
