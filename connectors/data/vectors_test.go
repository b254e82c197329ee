package data_test

import (
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/test/vectors"
)

// agree compares our answer with Java's. Texts of errors are compared too,
// unless they show an address, a ByteBuffer (a byte[] here) or an accident.
func agree(v *vectors.Vector, got data.Value, err error) error {
	if diff := compare(v, err); diff != nil || v.Failed() {
		return diff
	}
	var want vectors.V
	v.BindOutput(&want)
	return vectors.DiffValue(want.Value, got)
}

func compare(v *vectors.Vector, err error) error {
	if v.Failed() && (strings.Contains(v.Err.Text(), "@HASH") || strings.Contains(v.Err.Text(), "java.nio.")) {
		return v.CheckError(err)
	}
	return v.CheckErrorText(err)
}

func TestProject(t *testing.T) {
	vectors.Run(t, "data", []string{"schema.project"}, func(_ *testing.T, v *vectors.Vector) error {
		var in struct {
			Source, Target vectors.S
			Value          vectors.V
		}
		v.BindInput(&in)
		got, err := data.Project(in.Source.Schema, in.Value.Value, in.Target.Schema)
		return agree(v, got, err)
	})
}

func TestCheck(t *testing.T) {
	vectors.Run(t, "data", []string{"schema.validate"}, func(_ *testing.T, v *vectors.Vector) error {
		var in vectors.Datum
		v.BindInput(&in)
		return compare(v, in.Schema.Check(in.Value))
	})
}

func TestWithDefault(t *testing.T) {
	vectors.Run(t, "data", []string{"schema.default"}, func(_ *testing.T, v *vectors.Vector) error {
		var in struct {
			Schema  vectors.S
			Default vectors.V
		}
		v.BindInput(&in)
		got, err := in.Schema.WithDefault(in.Default.Value)
		if diff := compare(v, err); diff != nil || v.Failed() {
			return diff
		}
		var want vectors.S
		v.BindOutput(&want)
		return vectors.DiffSchema(want.Schema, got)
	})
}

func TestBuilder(t *testing.T) {
	vectors.Run(t, "data", []string{"struct.put"}, func(_ *testing.T, v *vectors.Vector) error {
		var in struct {
			Schema vectors.S
			Field  string
			Value  vectors.V
		}
		v.BindInput(&in)
		b := data.NewBuilder(in.Schema.Schema)
		if diff := compare(v, b.Set(in.Field, in.Value.Value)); diff != nil || v.Failed() {
			return diff
		}
		var out struct {
			Get      vectors.V
			Validate any
		}
		v.BindOutput(&out)
		s, err := b.Struct()
		if err == nil {
			if out.Validate != "ok" {
				t.Errorf("%s: want the error %v", v.ID, out.Validate)
			}
			got, err := s.Lookup(in.Field)
			if err != nil {
				return err
			}
			return vectors.DiffValue(out.Get.Value, got)
		}
		want, _ := out.Validate.(map[string]any)
		if want["message"] != err.Error() {
			t.Errorf("%s: want the error %v, got %v", v.ID, out.Validate, err)
		}
		return nil
	})
}

func TestLogicalTypes(t *testing.T) {
	plain := map[string]*data.Schema{"date": data.Date(), "time": data.Time(), "timestamp": data.Timestamp()}
	vectors.Run(t, "data", []string{"date.*", "time.*", "timestamp.*"}, func(_ *testing.T, v *vectors.Vector) error {
		var in vectors.V
		v.BindInput(&in)
		name, op, _ := strings.Cut(v.Op, ".")
		convert := data.ToLogical
		if op == "fromLogical" {
			convert = data.FromLogical
		}
		got, err := convert(plain[name], in.Value)
		return agree(v, got, err)
	})
	vectors.Run(t, "data", []string{"decimal.fromLogical"}, func(_ *testing.T, v *vectors.Vector) error {
		var in struct {
			Value vectors.V
			Scale int
		}
		v.BindInput(&in)
		got, err := data.FromLogical(data.Decimal(in.Scale), in.Value.Value)
		if diff := compare(v, err); diff != nil || v.Failed() {
			return diff
		}
		var want []byte
		v.BindOutput(&want)
		return vectors.DiffValue(data.Bin(want), got)
	})
	vectors.Run(t, "data", []string{"decimal.toLogical"}, func(_ *testing.T, v *vectors.Vector) error {
		var in struct {
			Value []byte
			Scale int
		}
		v.BindInput(&in)
		got, err := data.ToLogical(data.Decimal(in.Scale), data.Bin(append([]byte{}, in.Value...)))
		return agree(v, got, err)
	})
}

func TestParse(t *testing.T) {
	vectors.Run(t, "values", []string{"values.parse"}, func(_ *testing.T, v *vectors.Vector) error {
		var in string
		v.BindInput(&in)
		if v.Failed() {
			return v.CheckError(nil)
		}
		var want vectors.Datum
		v.BindOutput(&want)
		return vectors.DiffDatum(want.Datum, data.Parse(in))
	})
}

func TestConvert(t *testing.T) {
	one := data.Of(data.String)
	to := map[string]*data.Schema{
		"boolean": data.OptionalOf(data.Bool), "int8": data.OptionalOf(data.Int8), "int16": data.OptionalOf(data.Int16),
		"int32": data.OptionalOf(data.Int32), "int64": data.OptionalOf(data.Int64), "float32": data.OptionalOf(data.Float32),
		"float64": data.OptionalOf(data.Float64), "string": data.OptionalOf(data.String), "list": data.ArrayOf(one),
		"map": data.MapOf(one, one), "struct": data.StructOf(""), "time": data.Time(), "date": data.Date(),
		"timestamp": data.Timestamp(), "decimal": data.Decimal(2),
	}
	vectors.Run(t, "values", []string{"values.convert"}, func(t *testing.T, v *vectors.Vector) error {
		var config struct{ To string }
		v.BindConfig(&config)
		var in vectors.Datum
		v.BindInput(&in)
		if to[config.To] == nil {
			t.Fatalf("no schema for %s", config.To)
		}
		got, err := data.Convert(in.Datum, to[config.To])
		return agree(v, got, err)
	})
}

func TestInfer(t *testing.T) {
	vectors.Run(t, "values", []string{"values.infer"}, func(_ *testing.T, v *vectors.Vector) error {
		var in vectors.V
		v.BindInput(&in)
		got, err := data.Infer(in.Value)
		if diff := compare(v, err); diff != nil || v.Failed() {
			return diff
		}
		var want vectors.S
		v.BindOutput(&want)
		return vectors.DiffSchema(want.Schema, got)
	})
}
