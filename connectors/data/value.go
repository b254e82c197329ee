package data

import (
	"bytes"
	"fmt"
	"math"
	"math/big"
	"time"
	"unsafe"
)

// A Value is one value of the data model. It is 24 bytes, is copied freely and
// never changes; the zero Value is null. Layout as in slog.Value.
type Value struct {
	p    unsafe.Pointer // of string, bytes and array: the first element; else the container
	n    uint64         // of scalars: the bits; of string, bytes and array: the length
	kind Kind
}

// A Datum is a value with its schema, as records carry them. A nil schema
// means schemaless.
type Datum struct {
	Schema *Schema
	Value  Value
}

// A DecimalValue is what Java's BigDecimal is: Unscaled × 10^-Scale. Unscaled
// is shared and must not be changed.
type DecimalValue struct {
	Unscaled *big.Int
	Scale    int32
}

// I8 to B make values of the scalar kinds.
func I8(v int8) Value { return Value{n: uint64(v), kind: Int8} }

// I16 makes an Int16.
func I16(v int16) Value { return Value{n: uint64(v), kind: Int16} }

// I32 makes an Int32.
func I32(v int32) Value { return Value{n: uint64(v), kind: Int32} }

// I64 makes an Int64.
func I64(v int64) Value { return Value{n: uint64(v), kind: Int64} }

// F32 makes a Float32.
func F32(v float32) Value { return Value{n: uint64(math.Float32bits(v)), kind: Float32} }

// F64 makes a Float64.
func F64(v float64) Value { return Value{n: math.Float64bits(v), kind: Float64} }

// B makes a Bool.
func B(v bool) Value {
	if v {
		return Value{n: 1, kind: Bool}
	}
	return Value{kind: Bool}
}

// Str makes a String.
func Str(v string) Value {
	return Value{p: unsafe.Pointer(unsafe.StringData(v)), n: uint64(len(v)), kind: String}
}

// Bin makes a Bytes over v, which must not change afterwards. A nil v is null.
func Bin(v []byte) Value {
	if v == nil {
		return Value{}
	}
	return Value{p: unsafe.Pointer(unsafe.SliceData(v)), n: uint64(len(v)), kind: Bytes}
}

// List makes an Array over v, which must not change afterwards.
func List(v []Value) Value {
	return Value{p: unsafe.Pointer(unsafe.SliceData(v)), n: uint64(len(v)), kind: Array}
}

// Millis makes a DateKind from milliseconds since the epoch.
func Millis(ms int64) Value { return Value{n: uint64(ms), kind: DateKind} }

// At makes a DateKind from a time, cut to milliseconds.
func At(t time.Time) Value { return Millis(t.UnixMilli()) }

// Dec makes a DecimalKind; unscaled must not change afterwards.
func Dec(unscaled *big.Int, scale int32) Value {
	return Value{p: unsafe.Pointer(&DecimalValue{unscaled, scale}), kind: DecimalKind}
}

// BigInt makes a BigIntKind; v must not change afterwards.
func BigInt(v *big.Int) Value { return Value{p: unsafe.Pointer(v), kind: BigIntKind} }

// Other makes a value of a class that Connect does not know; converters refuse
// it by that name.
func Other(class string) Value { return Value{p: unsafe.Pointer(&class), kind: OtherKind} }

// Kind returns the value's kind.
func (v Value) Kind() Kind { return v.kind }

// IsNull reports whether v is null.
func (v Value) IsNull() bool { return v.kind == Null }

// The accessors below are for values of their kind only; they do not check it.

// Int returns an Int8, Int16, Int32, Int64 or DateKind.
func (v Value) Int() int64 { return int64(v.n) }

// Float32 returns a Float32.
func (v Value) Float32() float32 { return math.Float32frombits(uint32(v.n)) }

// Float64 returns a Float64.
func (v Value) Float64() float64 { return math.Float64frombits(v.n) }

// Bool returns a Bool.
func (v Value) Bool() bool { return v.n != 0 }

// Str returns a String, or the class of an OtherKind.
func (v Value) Str() string {
	if v.kind == OtherKind {
		return *(*string)(v.p)
	}
	return unsafe.String((*byte)(v.p), int(v.n))
}

// Bytes returns a Bytes; the caller must not change it.
func (v Value) Bytes() []byte { return unsafe.Slice((*byte)(v.p), int(v.n)) }

// List returns an Array; the caller must not change it.
func (v Value) List() []Value { return unsafe.Slice((*Value)(v.p), int(v.n)) }

// Map returns a Map.
func (v Value) Map() *MapValue { return (*MapValue)(v.p) }

// Struct returns a StructKind.
func (v Value) Struct() *Struct { return (*Struct)(v.p) }

// Time returns a DateKind as a time in UTC.
func (v Value) Time() time.Time { return time.UnixMilli(int64(v.n)).UTC() }

// Decimal returns a DecimalKind.
func (v Value) Decimal() *DecimalValue { return (*DecimalValue)(v.p) }

// BigInt returns a BigIntKind.
func (v Value) BigInt() *big.Int { return (*big.Int)(v.p) }

// String renders v for people, in logs and errors; see Text for Java's form.
func (v Value) String() string {
	switch v.kind {
	case Null:
		return "null"
	case Int8, Int16, Int32, Int64:
		return fmt.Sprint(v.Int())
	case Float32:
		return fmt.Sprint(v.Float32())
	case Float64:
		return fmt.Sprint(v.Float64())
	case Bool:
		return fmt.Sprint(v.Bool())
	case String, OtherKind:
		return v.Str()
	case Bytes:
		return fmt.Sprintf("%x", v.Bytes())
	case Array:
		return fmt.Sprint(v.List())
	case Map:
		return fmt.Sprint(v.Map().entries)
	case StructKind:
		return fmt.Sprintf("Struct%v", v.Struct().fields)
	case DateKind:
		return v.Time().Format(time.RFC3339Nano)
	case DecimalKind:
		return v.Decimal().String()
	case BigIntKind:
		return v.BigInt().String()
	}
	return "?"
}

// Equal reports whether a and b are the same value: same kind, same contents.
// Maps compare without order, floats as Java's equals does: NaN equals NaN, and
// 0.0 is not -0.0.
func Equal(a, b Value) bool {
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case String:
		return a.Str() == b.Str()
	case OtherKind:
		return a.p == b.p
	case Bytes:
		return bytes.Equal(a.Bytes(), b.Bytes())
	case Array:
		x, y := a.List(), b.List()
		if len(x) != len(y) {
			return false
		}
		for i := range x {
			if !Equal(x[i], y[i]) {
				return false
			}
		}
		return true
	case Map:
		return a.Map().equal(b.Map())
	case StructKind:
		return a.Struct().Equal(b.Struct())
	case DecimalKind:
		x, y := a.Decimal(), b.Decimal()
		return x.Scale == y.Scale && x.Unscaled.Cmp(y.Unscaled) == 0
	case BigIntKind:
		return a.BigInt().Cmp(b.BigInt()) == 0
	case Float32:
		return a.n == b.n || a.Float32() != a.Float32() && b.Float32() != b.Float32()
	case Float64:
		return a.n == b.n || a.Float64() != a.Float64() && b.Float64() != b.Float64()
	default:
		return a.n == b.n
	}
}
