package transforms

import (
	"math"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// stampKind is a form that TimestampConverter reads and writes.
type stampKind uint8

const (
	stampString stampKind = iota
	stampUnix
	stampDate
	stampTime
	stampTimestamp
)

func stampKindOf(name string) stampKind {
	switch name {
	case "string":
		return stampString
	case "unix":
		return stampUnix
	case "Date":
		return stampDate
	case "Time":
		return stampTime
	}
	return stampTimestamp
}

// stampKindOfSchema tells the form from the schema: texts and longs that are of
// no logical type are taken for what the transform is configured to read.
func stampKindOfSchema(s *data.Schema) (stampKind, error) {
	switch s.Name() {
	case data.TimestampName:
		return stampTimestamp, nil
	case data.DateName:
		return stampDate, nil
	case data.TimeName:
		return stampTime, nil
	}
	switch s.Kind() {
	case data.String:
		return stampString, nil
	case data.Int64:
		return stampUnix, nil
	}
	return 0, connect.Failf("Schema %s does not correspond to a known timestamp type format", s)
}

var stampSchemas = func() (s [5][2]*data.Schema) {
	for i, required := range []*data.Schema{data.Of(data.String), data.Of(data.Int64), data.Date(), data.Time(), data.Timestamp()} {
		s[i] = [2]*data.Schema{required, required.Optional()}
	}
	return s
}()

// schema returns the schema of the form; it is shared.
func (k stampKind) schema(optional bool) *data.Schema {
	if optional {
		return stampSchemas[k][1]
	}
	return stampSchemas[k][0]
}

// convertAny converts a value without schema.
func (t *timestampConverter) convertAny(v data.Value) (data.Value, error) {
	switch v.Kind() {
	case data.Null:
		return v, nil
	case data.DateKind:
		return t.convert(v, stampTimestamp)
	case data.Int64:
		return t.convert(v, stampUnix)
	case data.String:
		return t.convert(v, stampString)
	}
	return v, connect.DataErrorf("TimestampConverter does not support %s objects as timestamps", className(v))
}

func (t *timestampConverter) convert(v data.Value, from stampKind) (data.Value, error) {
	if v.IsNull() {
		return v, nil
	}
	switch from {
	case stampString:
		return t.fromText(v)
	case stampUnix:
		if v.Kind() != data.Int64 {
			return v, connect.DataErrorf("Expected Unix timestamp to be a Long, but found %s", className(v))
		}
		return t.write(t.fromUnix(v.Int())), nil
	}
	if v.Kind() != data.DateKind {
		name := [...]string{stampDate: "Date", stampTime: "Time", stampTimestamp: "Timestamp"}[from]
		return v, connect.DataErrorf("Expected %s to be a java.util.Date, but found %s", name, className(v))
	}
	return t.write(v.Int()), nil
}

func (t *timestampConverter) fromText(v data.Value) (data.Value, error) {
	if v.Kind() != data.String {
		return v, connect.DataErrorf("Expected string timestamp to be a String, but found %s", className(v))
	}
	if t.text == nil {
		return v, connect.Errorf(nullPointer, "the timestamp is a string, which can be read only with the property format; set it to the pattern of the text")
	}
	ms, loc, err := t.text.Parse(v.Str())
	if err != nil {
		return v, &connect.Error{
			Class: connect.DataException, Cause: javaError(err),
			Message: "Could not parse timestamp: value (" + v.Str() + ") does not match pattern (" + t.text.Pattern() + ")",
		}
	}
	if loc != nil && t.to == stampString {
		return data.Str(t.text.Format(ms, loc)), nil
	}
	return t.write(ms), nil
}

const dayMillis = 24 * 60 * 60 * 1000

// write returns a time in milliseconds since 1970 in the wanted form.
func (t *timestampConverter) write(ms int64) data.Value {
	inDay := ms % dayMillis
	if inDay < 0 {
		inDay += dayMillis
	}
	switch t.to {
	case stampString:
		t.scratch = t.text.Append(t.scratch[:0], ms, nil)
		return data.Str(string(t.scratch))
	case stampUnix:
		return data.I64(t.toUnix(ms))
	case stampDate:
		return data.Millis(ms - inDay)
	case stampTime:
		return data.Millis(inDay)
	}
	return data.Millis(ms)
}

func (t *timestampConverter) fromUnix(n int64) int64 {
	switch t.precision {
	case "seconds":
		return saturatingMul(n, 1000)
	case "microseconds":
		return n / 1000
	case "nanoseconds":
		return n / 1000000
	}
	return n
}

func (t *timestampConverter) toUnix(ms int64) int64 {
	switch t.precision {
	case "seconds":
		return ms / 1000
	case "microseconds":
		return saturatingMul(ms, 1000)
	case "nanoseconds":
		return saturatingMul(ms, 1000000)
	}
	return ms
}

// saturatingMul multiplies as Java's TimeUnit does: what is too large becomes
// the largest long.
func saturatingMul(n, by int64) int64 {
	switch {
	case n > math.MaxInt64/by:
		return math.MaxInt64
	case n < math.MinInt64/by:
		return math.MinInt64
	}
	return n * by
}
