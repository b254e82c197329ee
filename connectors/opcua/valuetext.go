package opcua

import (
	"encoding/base64"
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/millwright-connect/millwright/connectors/data"
)

// appendText writes a value for value.format=string: numbers in digits, times as
// ISO 8601 in UTC, bytes in base64, arrays and matrices as JSON.
func appendText(dst []byte, x any) []byte {
	switch x := x.(type) {
	case bool:
		return strconv.AppendBool(dst, x)
	case int8:
		return strconv.AppendInt(dst, int64(x), 10)
	case byte:
		return strconv.AppendUint(dst, uint64(x), 10)
	case int16:
		return strconv.AppendInt(dst, int64(x), 10)
	case uint16:
		return strconv.AppendUint(dst, uint64(x), 10)
	case int32:
		return strconv.AppendInt(dst, int64(x), 10)
	case uint32:
		return strconv.AppendUint(dst, uint64(x), 10)
	case int64:
		return strconv.AppendInt(dst, x, 10)
	case uint64:
		return strconv.AppendUint(dst, x, 10)
	case float32:
		return appendFloat(dst, float64(x), 32)
	case float64:
		return appendFloat(dst, x, 64)
	case string:
		return append(dst, x...)
	case time.Time:
		return appendTime(dst, x)
	case []byte:
		return base64.StdEncoding.AppendEncode(dst, x)
	case ua.StatusCode:
		return append(dst, statusName(x)...)
	case *ua.ExtensionObject:
		return append(dst, structureText(x)...)
	}
	if v := reflect.ValueOf(x); v.Kind() == reflect.Slice {
		return appendList(dst, v)
	}
	return append(dst, text(x)...)
}

// appendFloat writes the shortest digits that read back the same, without an
// exponent where people would not write one.
func appendFloat(dst []byte, f float64, bits int) []byte {
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, bits)
}

func appendTime(dst []byte, t time.Time) []byte {
	switch {
	case t.IsZero():
		return dst
	case t.Equal(endOfTime):
		t = time.UnixMilli(lastMillis)
	}
	return t.UTC().AppendFormat(dst, time.RFC3339Nano)
}

func appendList(dst []byte, v reflect.Value) []byte {
	dst = append(dst, '[')
	for i := range v.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendElement(dst, v.Index(i).Interface())
	}
	return append(dst, ']')
}

// appendElement writes an element of an array as JSON.
func appendElement(dst []byte, x any) []byte {
	switch x := x.(type) {
	case bool, int8, byte, int16, uint16, int32, uint32, int64, uint64:
		return appendText(dst, x)
	case float32:
		return appendNumber(dst, float64(x), 32)
	case float64:
		return appendNumber(dst, x, 64)
	case []byte, string, time.Time, ua.StatusCode, *ua.ExtensionObject:
	default:
		if reflect.ValueOf(x).Kind() == reflect.Slice {
			return appendText(dst, x)
		}
	}
	return data.AppendJSONString(dst, string(appendText(nil, x)))
}

// appendNumber writes null for what JSON has no number for.
func appendNumber(dst []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	return appendFloat(dst, f, bits)
}
