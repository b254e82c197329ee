package vectors_test

import (
	"encoding/json"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/test/vectors"
)

// Everything that we decode encodes to the same JSON again, so nothing of a
// vector is lost before it is compared.
func TestRecordsKeepEverything(t *testing.T) {
	vectors.Run(t, "transforms", []string{"transform"}, func(_ *testing.T, v *vectors.Vector) error {
		var in, out *vectors.Record
		v.BindInput(&in)
		if !v.Failed() {
			v.BindOutput(&out)
			if out != nil {
				if err := vectors.DiffRecord(&out.Record, &out.Record); err != nil {
					return err
				}
			}
		}
		return again(v.Input, in)
	})
}

func TestDataKeepEverything(t *testing.T) {
	vectors.Run(t, "values", []string{"values.convert"}, func(_ *testing.T, v *vectors.Vector) error {
		var in vectors.Datum
		v.BindInput(&in)
		return again(v.Input, in)
	})
	vectors.Run(t, "converters", []string{"converter.from"}, func(_ *testing.T, v *vectors.Vector) error {
		var out vectors.Text
		if v.Failed() {
			return nil
		}
		v.BindOutput(&out)
		return again(v.Output, out)
	})
}

// again compares the JSON of x with the original by decoding both: a buffer is
// bytes to us, and floats may be written otherwise.
func again[X any](want json.RawMessage, x X) error {
	var first, second X
	if err := json.Unmarshal(want, &first); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(vectors.Show(x)), &second); err != nil {
		return err
	}
	return vectors.DiffJSON(json.RawMessage(vectors.Show(first)), second)
}

func TestDiffsNameThePlace(t *testing.T) {
	s := data.StructOf("s", data.F("a", data.Of(data.Int32)), data.F("b", data.ArrayOf(data.Of(data.String))))
	one := data.NewStruct(s, data.I32(1), data.List([]data.Value{data.Str("x")}))
	two := data.NewStruct(s, data.I32(1), data.List([]data.Value{data.Str("y")}))
	for _, c := range []struct {
		err  error
		want string
	}{
		{vectors.DiffValue(one.Value(), one.Value()), ""},
		{vectors.DiffValue(one.Value(), two.Value()), `value.b[0]: want {"t":"str","v":"x"}, got {"t":"str","v":"y"}`},
		{vectors.DiffSchema(s, data.StructOf("s", data.F("a", data.Of(data.Int64)), s.Fields()[1])), `schema.a: want {"type":"int32"}, got {"type":"int64"}`},
		{vectors.DiffRecord(&connect.Record{Topic: "a"}, &connect.Record{Topic: "b"}), "topic: want a, got b"},
		{vectors.DiffRecord(nil, &connect.Record{}), "dropped: want true, got false"},
		{vectors.DiffText(nil, []byte{}), `want null, got {"utf8":""}`},
		{vectors.DiffText([]byte(`{"a":1,"b":2}`), []byte(`{"b":2, "a":1}`)), ""},
		{vectors.DiffText([]byte(`1`), []byte(`1.0`)), `want {"utf8":"1"}, got {"utf8":"1.0"}`},
	} {
		got := ""
		if c.err != nil {
			got = c.err.Error()
		}
		if got != c.want {
			t.Errorf("want %q, got %q", c.want, got)
		}
	}
}

func TestErrorsCompareByClass(t *testing.T) {
	message := "no"
	v := &vectors.Vector{Op: "transform", Err: &vectors.JavaError{Class: data.DataException, Message: &message}}
	for _, c := range []struct {
		op  string
		err error
		ok  bool
	}{
		{"transform", nil, false},
		{"transform", data.Fail("other text"), true},
		{"transform", connect.Failf("no"), false},
		{"validate", data.Fail("other text"), false},
		{"validate", data.Fail("no"), true},
	} {
		v.Op = c.op
		if err := v.CheckError(c.err); (err == nil) != c.ok {
			t.Errorf("%s %v: %v", c.op, c.err, err)
		}
	}
}
