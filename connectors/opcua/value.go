package opcua

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/millwright-connect/millwright/connectors/data"
)

// epochTicks is 1970 in the ticks of OPC UA, 100 ns since 1601.
const epochTicks = 116_444_736_000_000_000

// endOfTime is what the library makes of the latest time that OPC UA has, which
// stands for "never" or 9999-12-31: it reads all times after 2262 wrong.
var endOfTime = time.Unix(0, func() int64 {
	ticks := uint64(math.MaxInt64) - epochTicks
	return int64(ticks * 100) //nolint:gosec // as the library does it
}()).UTC()

const lastMillis = 253_402_300_799_999 // 9999-12-31T23:59:59.999Z

// unixMillis returns the time in milliseconds since 1970; false for no time.
func unixMillis(t time.Time) (int64, bool) {
	if t.IsZero() {
		return 0, false
	}
	if t.Equal(endOfTime) {
		return lastMillis, true
	}
	return t.UnixMilli(), true
}

func timestamp(t time.Time) data.Value {
	if ms, ok := unixMillis(t); ok {
		return data.Millis(ms)
	}
	return data.Value{}
}

var kindNames = [...]string{
	"Null", "Boolean", "SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64", "Float", "Double", "String", "DateTime", "Guid",
	"ByteString", "XmlElement", "NodeId", "ExpandedNodeId", "StatusCode", "QualifiedName", "LocalizedText", "Structure", "DataValue", "Variant", "DiagnosticInfo",
}

// A shape is a type of values: a built-in type of OPC UA, as scalar (rank 0),
// array (1) or matrix (2 and more).
type shape struct {
	kind ua.TypeID
	rank int
}

// name is the shape's part of a schema's name: Double, DoubleArray, DoubleMatrix2.
func (s shape) name() string {
	name := kindNames[s.kind]
	switch s.rank {
	case 0:
		return name
	case 1:
		return name + "Array"
	}
	return name + "Matrix" + strconv.Itoa(s.rank)
}

// schema returns the schema of values of a shape; null is allowed. Matrices are
// arrays of arrays.
func (s shape) schema(uint64Format string) *data.Schema {
	elem := elementSchema(s.kind, uint64Format)
	if s.rank == 0 {
		return elem.Optional()
	}
	switch {
	case s.kind == ua.TypeIDDateTime, s.kind == ua.TypeIDExtensionObject, s.kind == ua.TypeIDUint64 && uint64Format == int64Format:
		elem = elem.Optional() // there are nulls among them
	}
	for range s.rank {
		elem = data.ArrayOf(elem)
	}
	return elem.Optional()
}

// elementSchema returns the smallest type of Connect that holds the built-in
// type: those without a sign need the next larger one.
func elementSchema(kind ua.TypeID, uint64Format string) *data.Schema {
	switch kind {
	case ua.TypeIDBoolean:
		return data.Of(data.Bool)
	case ua.TypeIDSByte:
		return data.Of(data.Int8)
	case ua.TypeIDByte, ua.TypeIDInt16:
		return data.Of(data.Int16)
	case ua.TypeIDUint16, ua.TypeIDInt32:
		return data.Of(data.Int32)
	case ua.TypeIDUint32, ua.TypeIDInt64, ua.TypeIDStatusCode:
		return data.Of(data.Int64)
	case ua.TypeIDUint64:
		if uint64Format == int64Format {
			return data.Of(data.Int64)
		}
		return data.Decimal(0)
	case ua.TypeIDFloat:
		return data.Of(data.Float32)
	case ua.TypeIDDouble:
		return data.Of(data.Float64)
	case ua.TypeIDDateTime:
		return data.Timestamp()
	case ua.TypeIDByteString:
		return data.Of(data.Bytes)
	case ua.TypeIDExtensionObject:
		return structureSchema.Required()
	}
	return data.Of(data.String)
}

// shapeOf returns the shape of a value; kind 0 for a null.
func shapeOf(v *ua.Variant) shape {
	if v == nil || v.Type() == ua.TypeIDNull {
		return shape{}
	}
	s := shape{kind: v.Type()}
	if v.Has(ua.VariantArrayValues) {
		s.rank = max(1, len(v.ArrayDimensions()))
	}
	return s
}

// values turns the library's values into Connect's.
type values struct{ uint64Format string }

// of converts a scalar, array or matrix.
func (c values) of(x any) data.Value {
	switch x := x.(type) {
	case bool:
		return data.B(x)
	case int8:
		return data.I8(x)
	case byte:
		return data.I16(int16(x))
	case int16:
		return data.I16(x)
	case uint16:
		return data.I32(int32(x))
	case int32:
		return data.I32(x)
	case uint32:
		return data.I64(int64(x))
	case int64:
		return data.I64(x)
	case uint64:
		return c.unsigned(x)
	case float32:
		return data.F32(x)
	case float64:
		return data.F64(x)
	case string:
		return data.Str(x)
	case time.Time:
		return timestamp(x)
	case []byte: // a slice of the received message, which would keep it alive
		return data.Bin(append([]byte{}, x...))
	case ua.StatusCode:
		return data.I64(int64(x))
	case *ua.ExtensionObject:
		return structure(x)
	case *ua.GUID, ua.XMLElement, *ua.NodeID, *ua.ExpandedNodeID, *ua.QualifiedName, *ua.LocalizedText, *ua.DataValue, *ua.Variant, *ua.DiagnosticInfo:
		return data.Str(text(x))
	}
	return c.list(x)
}

func (c values) unsigned(x uint64) data.Value {
	if c.uint64Format == int64Format {
		if x > math.MaxInt64 {
			return data.Value{}
		}
		return data.I64(int64(x))
	}
	return data.Dec(new(big.Int).SetUint64(x), 0)
}

// list converts an array, or a matrix as an array of arrays.
func (c values) list(x any) data.Value {
	switch x := x.(type) {
	case []float64:
		return listOf(x, data.F64)
	case []float32:
		return listOf(x, data.F32)
	case []int16:
		return listOf(x, data.I16)
	case []int32:
		return listOf(x, data.I32)
	case []uint16:
		return listOf(x, func(v uint16) data.Value { return data.I32(int32(v)) })
	case []bool:
		return listOf(x, data.B)
	case ua.ByteArray:
		return listOf(x, func(v byte) data.Value { return data.I16(int16(v)) })
	}
	v := reflect.ValueOf(x)
	if v.Kind() != reflect.Slice || v.IsNil() {
		return data.Value{}
	}
	out := make([]data.Value, v.Len())
	for i := range out {
		out[i] = c.of(v.Index(i).Interface())
	}
	return data.List(out)
}

func listOf[T any](x []T, f func(T) data.Value) data.Value {
	if x == nil {
		return data.Value{}
	}
	out := make([]data.Value, len(x))
	for i, v := range x {
		out[i] = f(v)
	}
	return data.List(out)
}

// text writes values that have no type of their own in Connect.
func text(x any) string {
	switch x := x.(type) {
	case *ua.GUID:
		return strings.ToLower(x.String())
	case ua.XMLElement:
		return string(x)
	case *ua.NodeID:
		return x.String()
	case *ua.ExpandedNodeID:
		return expandedText(x)
	case *ua.QualifiedName:
		if x.NamespaceIndex == 0 {
			return x.Name
		}
		return strconv.Itoa(int(x.NamespaceIndex)) + ":" + x.Name
	case *ua.LocalizedText:
		return x.Text
	case *ua.Variant:
		return variantText(x)
	case *ua.DataValue:
		return variantText(x.Value)
	}
	return fmt.Sprintf("%+v", x)
}

func expandedText(x *ua.ExpandedNodeID) string {
	s := x.String()
	if x.HasNamespaceURI() && x.NamespaceURI != "" {
		_, rest, ok := strings.Cut(s, ";")
		if !ok {
			rest = s
		}
		s = "nsu=" + x.NamespaceURI + ";" + rest
	}
	if x.ServerIndex != 0 {
		s = "svr=" + strconv.FormatUint(uint64(x.ServerIndex), 10) + ";" + s
	}
	return s
}

func variantText(v *ua.Variant) string {
	if v == nil || v.Value() == nil {
		return ""
	}
	return string(appendText(nil, v.Value()))
}
