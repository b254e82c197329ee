package transforms

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/connectors/internal/javatext"
)

// castValue changes a value to a scalar kind by Java's casts and parsers. The
// schema, nil for none, is that of the value.
func castValue(s *data.Schema, v data.Value, to data.Kind) (data.Value, error) {
	if v.IsNull() {
		return v, nil
	}
	from := v.Kind()
	switch {
	case s != nil:
		from = s.Kind()
	case from > data.StructKind:
		return v, connect.DataErrorf("Cast transformation was passed a value of type %s which is not supported by Connect's data API", className(v))
	}
	if from > data.Bytes {
		return v, connect.DataErrorf("Cast transformation does not support casting from %s; supported types are %s", from, castInputs)
	}
	if to == data.String {
		return castToString(v)
	}
	if v.Kind() == data.DateKind && s != nil {
		var err error
		if v, err = data.FromLogical(s, v); err != nil {
			return v, err
		}
	}
	switch to {
	case data.Int8, data.Int16, data.Int32, data.Int64:
		return castToInt(v, to)
	case data.Float32, data.Float64:
		return castToFloat(v, to)
	case data.Bool:
		return castToBool(v)
	}
	return v, connect.DataErrorf("%s is not supported in the Cast transformation.", to)
}

func castToString(v data.Value) (data.Value, error) {
	switch v.Kind() {
	case data.String:
		return v, nil
	case data.DateKind:
		text, err := data.Format(v)
		return data.Str(text), err
	case data.Bytes:
		return data.Str(base64.StdEncoding.EncodeToString(v.Bytes())), nil
	}
	return data.Str(data.Text(v)), nil
}

func unexpected(v data.Value) error {
	return connect.DataErrorf("Unexpected type in Cast transformation: %s", className(v))
}

func outOfRange(text string) error {
	return &connect.Error{
		Class: connect.DataException, Message: "Value (" + text + ") was out of range for requested data type",
		Cause: connect.Errorf("java.lang.NumberFormatException", "For input string: %q", text),
	}
}

func castToInt(v data.Value, to data.Kind) (data.Value, error) {
	bits := 8 << (to - data.Int8)
	var n int64
	switch v.Kind() {
	case data.Int8, data.Int16, data.Int32, data.Int64:
		n = v.Int()
	case data.Float32:
		n = fromFloat(float64(v.Float32()), bits)
	case data.Float64:
		n = fromFloat(v.Float64(), bits)
	case data.DecimalKind:
		n = v.Decimal().Int64()
	case data.Bool:
		if v.Bool() {
			n = 1
		}
	case data.String:
		var ok bool
		if n, ok = javatext.ParseInt(v.Str(), bits); !ok {
			return v, outOfRange(v.Str())
		}
	default:
		return v, unexpected(v)
	}
	switch to {
	case data.Int8:
		return data.I8(int8(n)), nil
	case data.Int16:
		return data.I16(int16(n)), nil
	case data.Int32:
		return data.I32(int32(n)), nil
	}
	return data.I64(n), nil
}

// fromFloat is Java's narrowing of a float: to the nearest int, or long, that
// there is. What is narrower yet is cut from the int.
func fromFloat(f float64, bits int) int64 {
	low, high := int64(math.MinInt32), int64(math.MaxInt32)
	if bits == 64 {
		low, high = math.MinInt64, math.MaxInt64
	}
	switch {
	case f != f:
		return 0
	case f <= float64(low):
		return low
	case f >= float64(high):
		return high
	}
	return int64(f)
}

func castToFloat(v data.Value, to data.Kind) (data.Value, error) {
	wide := to == data.Float64
	result := func(f float64) (data.Value, error) {
		if wide {
			return data.F64(f), nil
		}
		return data.F32(float32(f)), nil
	}
	switch v.Kind() {
	case data.Int8, data.Int16, data.Int32, data.Int64:
		if wide {
			return data.F64(float64(v.Int())), nil
		}
		return data.F32(float32(v.Int())), nil
	case data.Float32:
		return result(float64(v.Float32()))
	case data.Float64:
		return result(v.Float64())
	case data.DecimalKind:
		if wide {
			return data.F64(v.Decimal().Float64()), nil
		}
		f, _ := strconv.ParseFloat(v.Decimal().Text(), 32) // too large is infinite
		return data.F32(float32(f)), nil
	case data.Bool:
		if v.Bool() {
			return result(1)
		}
		return result(0)
	case data.String:
		bits := 32
		if wide {
			bits = 64
		}
		f, ok := javatext.ParseFloat(v.Str(), bits)
		if !ok {
			return v, outOfRange(v.Str())
		}
		return result(f)
	}
	return v, unexpected(v)
}

func castToBool(v data.Value) (data.Value, error) {
	switch v.Kind() {
	case data.Bool:
		return v, nil
	case data.String:
		return data.B(strings.EqualFold(v.Str(), "true")), nil
	}
	n, err := castToInt(v, data.Int64)
	if err != nil {
		return v, err
	}
	return data.B(n.Int() != 0), nil
}
