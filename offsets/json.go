// Package offsets keeps the positions of sources: what the offsets topic says
// (Store), what of a running task may be committed (Tracker), and what users
// want to set (ParseOffsets and SinkOffsets). It knows the topic through the
// interface Log only, and imports connectors/connect and connectors/data.
package offsets

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// appendJSON writes v byte for byte as Java's JsonConverter without schemas
// writes the map or value that it stands for. The fields of objects come in
// the order that order gives them.
func appendJSON(dst []byte, v any, order func(connect.Object) []string) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case string:
		return data.AppendJSONString(dst, v), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int8:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int16:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int32:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case uint8:
		return strconv.AppendUint(dst, uint64(v), 10), nil
	case uint16:
		return strconv.AppendUint(dst, uint64(v), 10), nil
	case uint32:
		return strconv.AppendUint(dst, uint64(v), 10), nil
	case float64:
		return appendFloat(dst, v, data.AppendFloat64(nil, v)), nil
	case float32:
		return appendFloat(dst, float64(v), data.AppendFloat32(nil, v)), nil
	case json.Number:
		return append(dst, v...), nil
	case []byte:
		return append(base64.StdEncoding.AppendEncode(append(dst, '"'), v), '"'), nil
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			var err error
			if dst, err = appendJSON(dst, e, order); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	case connect.Object:
		dst = append(dst, '{')
		for i, k := range order(v) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(data.AppendJSONString(dst, k), ':')
			var err error
			if dst, err = appendJSON(dst, v[k], order); err != nil {
				return nil, err
			}
		}
		return append(dst, '}'), nil
	}
	return nil, data.Fail("Java class class %s does not have corresponding schema type.", javaClass(v))
}

// appendFloat quotes what JSON has no number for, as Jackson does.
func appendFloat(dst []byte, f float64, text []byte) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(append(append(dst, '"'), text...), '"')
	}
	return append(dst, text...)
}

// sorted gives the fields of an object in one order, whatever made it.
func sorted(o connect.Object) []string { return slices.Sorted(maps.Keys(o)) }

// javaClass names the class that a value has in Java, for messages.
func javaClass(v any) string {
	switch v.(type) {
	case time.Time:
		return "java.util.Date"
	case *big.Float, *big.Rat:
		return "java.math.BigDecimal"
	case *big.Int, uint, uint64:
		return "java.math.BigInteger"
	}
	return fmt.Sprintf("%T", v)
}

// parseJSON reads one JSON value: numbers are int64 where they are written as
// whole ones, else float64, and *big.Int where int64 does not hold them.
func parseJSON(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("there is more than one value")
	}
	return numbers(v), nil
}

// numbers replaces the json.Numbers in v, in place where it can.
func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		return number(string(v))
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case connect.Object:
		for k := range v {
			v[k] = numbers(v[k])
		}
	}
	return v
}

func number(text string) any {
	if !strings.ContainsAny(text, ".eE") {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return i
		}
		i, _ := new(big.Int).SetString(text, 10)
		return i
	}
	f, _ := strconv.ParseFloat(text, 64) // out of range: an infinity, as in Java
	return f
}

// Validate tells whether o may be a source partition or offset: an object with
// primitive values, or nil. The messages are those of Java's OffsetUtils.
func Validate(o any) error {
	m, ok := o.(connect.Object)
	switch o.(type) {
	case nil:
		return nil
	case map[any]any:
		return data.Fail("Offsets may only use String keys")
	}
	if !ok {
		return data.Fail("Offsets must be specified as a Map")
	}
	for _, k := range sorted(m) {
		what := ""
		switch v := m[k].(type) {
		case nil, bool, string, []byte, int, int8, int16, int32, int64, uint8, uint16, uint32, float32, float64:
			continue
		case []any:
			what = "ARRAY"
		case map[string]any, map[any]any:
			what = "MAP"
		default:
			what = "class " + javaClass(v)
		}
		return data.Fail("Offsets may only contain primitive types as values, but field %s contains %s", k, what)
	}
	return nil
}

// ToObject makes of a source's position the object that is committed: through
// JSON, so that it is what the offsets topic will give back, and validated.
func ToObject(position any) (connect.Object, error) {
	if position == nil {
		return nil, nil
	}
	b, err := marshalPosition(position)
	if err != nil {
		return nil, err
	}
	v, err := parseJSON(b)
	if err != nil {
		return nil, data.Fail("the position %T is not JSON: %w", position, err)
	}
	if err := Validate(v); err != nil {
		return nil, err
	}
	o, _ := v.(connect.Object)
	return o, nil
}

func marshalPosition(position any) ([]byte, error) {
	if o, ok := position.(connect.Object); ok {
		if err := Validate(o); err != nil {
			return nil, err
		}
		return appendJSON(nil, o, sorted)
	}
	b, err := json.Marshal(position)
	if err != nil {
		return nil, data.Fail("the position %T cannot be written as JSON: %w", position, err)
	}
	return b, nil
}
