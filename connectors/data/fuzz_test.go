package data_test

import (
	"math"
	"strconv"
	"testing"

	"github.com/millwright-connect/millwright/connectors/data"
)

// Parse takes any text, what it gives has the schema that it says, and its
// text form can be parsed again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "null", "[1,2.5]", `{"a":1,"b":[null,"x"]}`, "2017-01-03T06:30:01.864Z", `"06\:30\:01.864Z"`, "1e400", "[[[", "-1E-9", `\"`, "9-99-9999x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d := data.Parse(s)
		if d.Schema == nil {
			if !d.Value.IsNull() {
				t.Fatalf("%q: %v has no schema", s, d.Value)
			}
			return
		}
		if k := d.Schema.Kind(); k != data.Array && k != data.Map {
			if err := d.Schema.Check(d.Value); err != nil {
				t.Fatalf("%q: %v", s, err)
			}
		}
		text, err := data.Format(d.Value)
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		data.Parse(text)
		data.Text(d.Value)
		if _, err := data.Infer(d.Value); err != nil && d.Schema.Kind() != data.Array && d.Schema.Kind() != data.Map {
			t.Fatalf("%q: %v", s, err)
		}
	})
}

// ParseDecimal and BigDecimal's text form are inverse, scale and all.
func FuzzParseDecimal(f *testing.F) {
	for _, s := range []string{"0", "-1.50", "1e-7", "0.000001", "0.0000001", "1E+400", "٣.٤", "5.", ".5", "1e2147483647"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := data.ParseDecimal(s)
		if err != nil || d.Scale > 1<<30 || d.Scale < -1<<30 {
			return // near the ends of an int the text form has an exponent that Java does not read either
		}
		again, err := data.ParseDecimal(d.Text())
		if err != nil || again.Scale != d.Scale || again.Unscaled.Cmp(d.Unscaled) != 0 {
			t.Fatalf("%q is %s, which is read as %v (%v)", s, d.Text(), again, err)
		}
		d.Float64()
		d.Int64()
	})
}

// The texts of floats read back to the same bits.
func FuzzFloatText(f *testing.F) {
	for _, x := range []float64{0, 1, -1.5, 1e23, 5e-324, math.MaxFloat64, 1.598532531463979e18} {
		f.Add(math.Float64bits(x), math.Float32bits(float32(x)))
	}
	f.Fuzz(func(t *testing.T, a uint64, b uint32) {
		x, y := math.Float64frombits(a), math.Float32frombits(b)
		if x == x && !math.IsInf(x, 0) {
			if got, err := strconv.ParseFloat(string(data.AppendFloat64(nil, x)), 64); err != nil || math.Float64bits(got) != a {
				t.Errorf("%x: %s (%v)", a, data.AppendFloat64(nil, x), err)
			}
		}
		if y == y && !math.IsInf(float64(y), 0) {
			if got, err := strconv.ParseFloat(string(data.AppendFloat32(nil, y)), 32); err != nil || math.Float32bits(float32(got)) != b {
				t.Errorf("%x: %s (%v)", b, data.AppendFloat32(nil, y), err)
			}
		}
	})
}
