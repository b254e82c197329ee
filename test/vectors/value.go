package vectors

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"unicode/utf8"

	"github.com/millwright-connect/millwright/connectors/data"
)

// V is a data.Value in the form of the vectors: null, or an object tagged t.
type V struct{ data.Value }

// S is a schema in the form of the vectors; a JSON null is a nil Schema.
type S struct{ *data.Schema }

// Datum is {"schema": S, "value": V}.
type Datum struct{ data.Datum }

// Text is bytes that are usually text: null (nil), {"utf8": text} or
// {"b64": base64}.
type Text []byte

type taggedValue struct {
	T      string          `json:"t"`
	V      json.RawMessage `json:"v"`
	U      string          `json:"u"` // unscaled value of a dec
	S      int32           `json:"s"` // scale of a dec
	Class  string          `json:"class"`
	Schema json.RawMessage `json:"schema"`
}

// UnmarshalJSON decodes a V.
func (v *V) UnmarshalJSON(b []byte) (err error) {
	if string(b) == "null" {
		v.Value = data.Value{}
		return nil
	}
	var t taggedValue
	if err = json.Unmarshal(b, &t); err != nil {
		return err
	}
	v.Value, err = t.value()
	return err
}

func (t *taggedValue) value() (data.Value, error) {
	var null data.Value
	if n, ok := map[string]int{"i8": 8, "i16": 16, "i32": 32}[t.T]; ok {
		i, err := strconv.ParseInt(string(t.V), 10, n)
		return map[int]data.Value{8: data.I8(int8(i)), 16: data.I16(int16(i)), 32: data.I32(int32(i))}[n], err
	}
	switch t.T {
	case "bool":
		return data.B(string(t.V) == "true"), nil
	case "list":
		var l []V
		if err := json.Unmarshal(t.V, &l); err != nil {
			return null, err
		}
		values := make([]data.Value, len(l))
		for i := range l {
			values[i] = l[i].Value
		}
		return data.List(values), nil
	case "map":
		var l [][2]V
		if err := json.Unmarshal(t.V, &l); err != nil {
			return null, err
		}
		entries := make([]data.Entry, len(l))
		for i := range l {
			entries[i] = data.Entry{Key: l[i][0].Value, Value: l[i][1].Value}
		}
		return data.MapFrom(entries), nil
	case "struct":
		return t.structure()
	case "schema":
		return data.Other("org.apache.kafka.connect.data.ConnectSchema"), nil
	case "java":
		return data.Other(t.Class), nil
	case "dec":
		u, ok := new(big.Int).SetString(t.U, 10)
		if !ok {
			return null, fmt.Errorf("dec: no unscaled value in %q", t.U)
		}
		return data.Dec(u, t.S), nil
	}
	return t.fromText()
}

// fromText makes the values whose v is a JSON string.
func (t *taggedValue) fromText() (data.Value, error) {
	var null data.Value
	var s string
	if err := json.Unmarshal(t.V, &s); err != nil {
		return null, err
	}
	switch t.T {
	case "i64":
		i, err := strconv.ParseInt(s, 10, 64)
		return data.I64(i), err
	case "date":
		i, err := strconv.ParseInt(s, 10, 64)
		return data.Millis(i), err
	case "f32":
		f, err := strconv.ParseFloat(s, 32)
		return data.F32(float32(f)), err
	case "f64":
		f, err := strconv.ParseFloat(s, 64)
		return data.F64(f), err
	case "bigint":
		i, ok := new(big.Int).SetString(s, 10)
		if !ok {
			return null, fmt.Errorf("bigint: %q", s)
		}
		return data.BigInt(i), nil
	case "str":
		return data.Str(s), nil
	case "bytes":
		b, err := base64.StdEncoding.DecodeString(s)
		if b == nil {
			b = []byte{}
		}
		return data.Bin(b), err
	}
	return null, fmt.Errorf("no value is tagged %q", t.T)
}

func (t *taggedValue) structure() (data.Value, error) {
	var schema S
	if err := json.Unmarshal(t.Schema, &schema); err != nil {
		return data.Value{}, err
	}
	var l [][2]json.RawMessage
	if err := json.Unmarshal(t.V, &l); err != nil {
		return data.Value{}, err
	}
	values := make([]data.Value, len(l))
	for i := range l {
		var v V
		if err := json.Unmarshal(l[i][1], &v); err != nil {
			return data.Value{}, err
		}
		values[i] = v.Value
	}
	return data.NewStruct(schema.Schema, values...).Value(), nil
}

// MarshalJSON encodes a V, maps in their own order.
func (v V) MarshalJSON() ([]byte, error) {
	tag := func(t string, x any) ([]byte, error) { return json.Marshal(map[string]any{"t": t, "v": x}) }
	switch v.Kind() {
	case data.Null:
		return []byte("null"), nil
	case data.Int8:
		return tag("i8", v.Int())
	case data.Int16:
		return tag("i16", v.Int())
	case data.Int32:
		return tag("i32", v.Int())
	case data.Int64:
		return tag("i64", strconv.FormatInt(v.Int(), 10))
	case data.Float32:
		return tag("f32", strconv.FormatFloat(float64(v.Float32()), 'g', -1, 32))
	case data.Float64:
		return tag("f64", strconv.FormatFloat(v.Float64(), 'g', -1, 64))
	case data.Bool:
		return tag("bool", v.Bool())
	case data.String:
		return tag("str", v.Str())
	case data.Bytes:
		return tag("bytes", base64.StdEncoding.EncodeToString(v.Bytes()))
	case data.DateKind:
		return tag("date", strconv.FormatInt(v.Int(), 10))
	case data.BigIntKind:
		return tag("bigint", v.BigInt().String())
	case data.DecimalKind:
		return json.Marshal(map[string]any{"t": "dec", "u": v.Decimal().Unscaled.String(), "s": v.Decimal().Scale})
	case data.Array:
		l := make([]V, len(v.List()))
		for i, e := range v.List() {
			l[i] = V{e}
		}
		return tag("list", l)
	case data.Map:
		l := [][2]V{}
		for _, e := range v.Map().Entries() {
			l = append(l, [2]V{{e.Key}, {e.Value}})
		}
		return tag("map", l)
	case data.StructKind:
		l := [][2]any{}
		for i, f := range v.Struct().Schema().Fields() {
			l = append(l, [2]any{f.Name, V{v.Struct().At(i)}})
		}
		return json.Marshal(map[string]any{"t": "struct", "v": l, "schema": S{v.Struct().Schema()}})
	}
	return json.Marshal(map[string]any{"t": "java", "class": v.Str()})
}

// UnmarshalJSON decodes a Datum.
func (d *Datum) UnmarshalJSON(b []byte) error {
	var x struct {
		Schema S
		Value  V
	}
	if err := json.Unmarshal(b, &x); err != nil {
		return err
	}
	d.Datum = data.Datum{Schema: x.Schema.Schema, Value: x.Value.Value}
	return nil
}

// MarshalJSON encodes a Datum.
func (d Datum) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"schema": S{d.Schema}, "value": V{d.Value}})
}

// UnmarshalJSON decodes a Text.
func (t *Text) UnmarshalJSON(b []byte) error {
	*t = nil
	if string(b) == "null" {
		return nil
	}
	var x struct {
		UTF8 *string
		B64  []byte
	}
	if err := json.Unmarshal(b, &x); err != nil {
		return err
	}
	if x.UTF8 != nil {
		*t = append([]byte{}, *x.UTF8...)
	} else {
		*t = append([]byte{}, x.B64...)
	}
	return nil
}

// MarshalJSON encodes a Text.
func (t Text) MarshalJSON() ([]byte, error) {
	switch {
	case t == nil:
		return []byte("null"), nil
	case utf8.Valid(t):
		return json.Marshal(map[string]string{"utf8": string(t)})
	}
	return json.Marshal(map[string][]byte{"b64": t})
}
