package data

import (
	"cmp"
	"encoding/json"
	"math"
	"math/big"
	"slices"
	"time"
)

// From makes a value of what Go code, such as a database driver, hands out:
// nil, booleans, integers, floats, string, []byte, time.Time, *big.Int,
// json.Number, slices, and maps from string. Integers keep their size, unsigned
// ones go to the next larger signed one, a uint64 beyond it to a BigInt; int is
// an Int64. A time is cut to milliseconds. Bytes are copied, since drivers
// reuse them; a map's keys are sorted. The error, a DataException, names the Go
// type of anything else.
func From(x any) (Value, error) {
	switch x := x.(type) {
	case nil:
		return Value{}, nil
	case Value:
		return x, nil
	case bool:
		return B(x), nil
	case string:
		return Str(x), nil
	case []byte:
		return Bin(slices.Clone(x)), nil
	case int64:
		return I64(x), nil
	case int:
		return I64(int64(x)), nil
	case float64:
		return F64(x), nil
	case float32:
		return F32(x), nil
	case time.Time:
		return At(x), nil
	case json.Number:
		return fromNumber(x)
	case *big.Int:
		if x == nil {
			return Value{}, nil
		}
		return BigInt(x), nil
	case []any:
		return fromList(x)
	case []string:
		return fromList(x)
	case map[string]any:
		return fromMap(x)
	case map[string]string:
		return fromMap(x)
	case *Struct:
		if x == nil {
			return Value{}, nil
		}
		return x.Value(), nil
	}
	return fromSized(x)
}

func fromSized(x any) (Value, error) {
	switch x := x.(type) {
	case int8:
		return I8(x), nil
	case int16:
		return I16(x), nil
	case int32:
		return I32(x), nil
	case uint8:
		return I16(int16(x)), nil
	case uint16:
		return I32(int32(x)), nil
	case uint32:
		return I64(int64(x)), nil
	case uint64:
		return fromUint(x), nil
	case uint:
		return fromUint(uint64(x)), nil
	}
	return Value{}, Fail("a value of the Go type %T has no place in Connect's data model", x)
}

func fromUint(x uint64) Value {
	if x > math.MaxInt64 {
		return BigInt(new(big.Int).SetUint64(x))
	}
	return I64(int64(x))
}

// fromNumber keeps whole numbers whole.
func fromNumber(x json.Number) (Value, error) {
	if n, err := x.Int64(); err == nil {
		return I64(n), nil
	}
	if n, ok := new(big.Int).SetString(x.String(), 10); ok {
		return BigInt(n), nil
	}
	f, err := x.Float64()
	if err != nil {
		return Value{}, Fail("%q is not a number: %w", x.String(), err)
	}
	return F64(f), nil
}

func fromList[T any](x []T) (Value, error) {
	if x == nil {
		return Value{}, nil
	}
	out := make([]Value, len(x))
	for i, e := range x {
		v, err := From(e)
		if err != nil {
			return Value{}, err
		}
		out[i] = v
	}
	return List(out), nil
}

func fromMap[T any](x map[string]T) (Value, error) {
	if x == nil {
		return Value{}, nil
	}
	out := make([]Entry, 0, len(x))
	for k, e := range x {
		v, err := From(e)
		if err != nil {
			return Value{}, err
		}
		out = append(out, Entry{Str(k), v})
	}
	slices.SortFunc(out, func(a, b Entry) int { return cmp.Compare(a.Key.Str(), b.Key.Str()) })
	return MapFrom(out), nil
}
