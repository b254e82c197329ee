package data

import "math/big"

// Convert changes d to what schema to describes, as Java's Values does: numbers
// become one another, cut as Java cuts them; texts are parsed; anything becomes
// a text. A null is a null if to is optional. The schema of d, which may be
// nil, tells Date, Time and Timestamp apart. The error is a DataException.
func Convert(d Datum, to *Schema) (Value, error) {
	v := d.Value
	if v.kind == Null {
		if to.optional {
			return v, nil
		}
		return v, Fail("Unable to convert a null value to a schema that requires a value")
	}
	switch to.kind {
	case Bytes:
		if to.name == DecimalName {
			return toDecimal(v, to)
		}
		return toBytes(v, to)
	case String:
		if v.kind == String {
			return v, nil
		}
		s, err := Format(v)
		return Str(s), err
	case Bool:
		return toBool(d)
	case Int8, Int16, Int32, Int64:
		return toInteger(d, to)
	case Float32, Float64:
		return toFloat(d, to.kind)
	case Array, Map:
		if v.kind == String {
			v = Parse(v.Str()).Value
		}
		if v.kind == to.kind {
			return v, nil
		}
	case StructKind:
		if v.kind == StructKind {
			return v, nil
		}
	}
	return Value{}, unconvertible(v, to.String(), nil)
}

func unconvertible(v Value, to string, cause error) error {
	class := v.JavaClass()
	if v.kind == Null {
		return Fail("Unable to convert null to %s", to)
	}
	return &Error{Class: DataException, Cause: cause, Message: "Unable to convert " + Text(v) + " (class " + class + ") to " + to}
}

func isNumber(k Kind) bool { return k >= Int8 && k <= Float64 || k == DecimalKind || k == BigIntKind }

// low returns the integer that Java's Number.longValue gives.
func low(v Value) int64 {
	switch v.kind {
	case Float32:
		return saturate(float64(v.Float32()))
	case Float64:
		return saturate(v.Float64())
	case DecimalKind:
		return v.Decimal().Int64()
	case BigIntKind:
		return lowBits(v.BigInt())
	}
	return v.Int()
}

// float returns the float that Java's Number.doubleValue gives.
func float(v Value) float64 {
	switch v.kind {
	case Float32:
		return float64(v.Float32())
	case Float64:
		return v.Float64()
	case DecimalKind:
		return v.Decimal().Float64()
	case BigIntKind:
		f, _ := new(big.Float).SetInt(v.BigInt()).Float64()
		return f
	}
	return float64(v.Int())
}

// asLong is Java's Values.asLong; cause is what was tried before.
func asLong(v Value, from *Schema, cause error) (int64, error) {
	if isNumber(v.kind) {
		return low(v), nil
	}
	if v.kind == String {
		n, err := scanNumber(v.Str())
		if err == nil {
			return n.lowBits(), nil
		}
		cause = err
	}
	if from == nil {
		return 0, unconvertible(v, "a number", cause)
	}
	if v.kind == DateKind && from.logical() == DateKind {
		w, err := FromLogical(from, v)
		return w.Int(), err
	}
	return 0, unconvertible(v, from.String(), cause)
}

func toBool(d Datum) (Value, error) {
	switch d.Value.kind {
	case Bool:
		return d.Value, nil
	case String:
		if p := Parse(d.Value.Str()).Value; p.kind == Bool {
			return p, nil
		}
	}
	n, err := asLong(d.Value, d.Schema, nil)
	return B(n != 0), err
}

func toInteger(d Datum, to *Schema) (Value, error) {
	switch {
	case to.kind == Int32 && to.name == DateName, to.kind == Int32 && to.name == TimeName, to.kind == Int64 && to.name == TimestampName:
		return toTemporal(d, to)
	case d.Value.kind == to.kind:
		return d.Value, nil
	}
	n, err := asLong(d.Value, d.Schema, nil)
	if err != nil {
		return Value{}, err
	}
	switch to.kind {
	case Int8:
		return I8(int8(n)), nil
	case Int16:
		return I16(int16(n)), nil
	case Int32:
		return I32(int32(n)), nil
	}
	return I64(n), nil
}

func toFloat(d Datum, to Kind) (Value, error) {
	v := d.Value
	if v.kind == to {
		return v, nil
	}
	var f float64
	var cause error
	switch {
	case isNumber(v.kind):
		f = float(v)
	default:
		if v.kind == String {
			n, err := scanNumber(v.Str())
			if err == nil {
				f = n.float(64)
				break
			}
			cause = err
		}
		n, err := asLong(v, d.Schema, cause)
		if err != nil {
			return Value{}, err
		}
		f = float64(n)
	}
	if to == Float32 {
		return F32(float32(f)), nil
	}
	return F64(f), nil
}

func toTemporal(d Datum, to *Schema) (Value, error) {
	v := d.Value
	if v.kind == String {
		v = Parse(v.Str()).Value
	}
	if v.kind == DateKind {
		if d.Schema == nil || d.Schema.name == to.name {
			return v, nil
		}
		switch {
		case to.name == DateName && d.Schema.name == TimestampName:
			return ToLogical(to, I32(int32(v.Int()/dayMillis)))
		case to.name == TimeName && d.Schema.name == TimestampName:
			return ToLogical(to, I32(onFirstDay(v.Int())))
		}
	}
	n, err := asLong(v, d.Schema, nil)
	if err != nil {
		return Value{}, err
	}
	switch {
	case to.kind == Int32:
		return ToLogical(to, I32(int32(n)))
	case v.kind == DateKind && d.Schema.name == DateName:
		return ToLogical(to, I64(n*dayMillis))
	}
	return ToLogical(to, I64(n))
}

// onFirstDay returns the time of the day of ms. Java sets the year to 1970 of
// the era that ms is in.
func onFirstDay(ms int64) int32 {
	tod := floorMod(ms, dayMillis)
	if y, _, _ := civil(floorDiv(ms, dayMillis)); y <= 0 {
		tod += dayOf(1-1970, 1, 1) * dayMillis
	}
	return int32(tod)
}

func toBytes(v Value, to *Schema) (Value, error) {
	switch v.kind {
	case Bytes:
		return v, nil
	case DecimalKind:
		return to.unscaled(v.Decimal())
	}
	return Value{}, unconvertible(v, to.String(), nil)
}

func toDecimal(v Value, to *Schema) (Value, error) {
	switch {
	case v.kind == Bytes:
		return ToLogical(to, v)
	case v.kind == DecimalKind:
		return v, nil
	case isNumber(v.kind):
		v = Str(string(AppendFloat64(nil, float(v))))
		fallthrough
	case v.kind == String:
		n, err := scanNumber(v.Str())
		if err != nil {
			return Value{}, err
		}
		return Dec(n.unscaled(), n.scale), nil
	}
	return Value{}, unconvertible(v, to.String(), nil)
}
