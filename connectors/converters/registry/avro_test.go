package registry

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// inner and rich are schemas with all that the formats tell apart.
var (
	inner = data.StructOf("com.acme.Inner", data.F("x", data.Of(data.Int32)), data.F("y", data.OptionalOf(data.String))).Versioned(2)
	rich  = data.StructOf("com.acme.Rich",
		data.F("i8", data.Of(data.Int8)),
		data.F("i16", data.Of(data.Int16)),
		data.F("i32", data.Of(data.Int32).Documented("a number")),
		data.F("i64", data.Of(data.Int64)),
		data.F("f32", data.Of(data.Float32)),
		data.F("f64", data.Of(data.Float64)),
		data.F("b", data.Of(data.Bool)),
		data.F("s", data.Of(data.String).Default(data.Str("dflt"))),
		data.F("by", data.Of(data.Bytes)),
		data.F("dec", data.Decimal(2)),
		data.F("date", data.Date()),
		data.F("time", data.Time()),
		data.F("ts", data.Timestamp()),
		data.F("oi32", data.OptionalOf(data.Int32)),
		data.F("os", data.OptionalOf(data.String).Default(data.Str("dflt"))),
		data.F("ots", data.Timestamp().Optional()),
		data.F("st", inner),
		data.F("ost", inner.Optional()),
		data.F("arr", data.ArrayOf(data.Of(data.Int32))),
		data.F("map", data.MapOf(data.Of(data.String), data.OptionalOf(data.Int64))),
		data.F("pairs", data.MapOf(data.Of(data.Int32), data.Of(data.String))),
	)
)

func aRich() data.Datum {
	in := data.NewStruct(inner, data.I32(11), data.Str("why")).Value()
	return data.NewStruct(rich,
		data.I8(8), data.I16(-16), data.I32(32), data.I64(1<<40), data.F32(3.25), data.F64(-6.5e10), data.B(true), data.Str("text é"),
		data.Bin([]byte{1, 2, 255}), data.Dec(big.NewInt(-1234), 2), data.Millis(17168*86_400_000), data.Millis(23401864), data.Millis(1483425001864),
		data.Value{}, data.Str("given"), data.Value{}, in,
		data.NewStruct(inner.Optional(), data.I32(12), data.Value{}).Value(),
		data.List([]data.Value{data.I32(1), data.I32(-2)}),
		data.MapFrom([]data.Entry{{Key: data.Str("a"), Value: data.I64(1)}, {Key: data.Str("b"), Value: data.Value{}}}),
		data.MapFrom([]data.Entry{{Key: data.I32(7), Value: data.Str("seven")}}),
	).Datum()
}

// TestAvroSchemaText compares with what Java registers.
func TestAvroSchemaText(t *testing.T) {
	for _, c := range []struct {
		s    *data.Schema
		want string
	}{
		{data.Of(data.Int32), `"int"`},
		{data.Of(data.Int8), `{"type":"int","connect.type":"int8"}`},
		{data.OptionalOf(data.String), `["null","string"]`},
		{data.Decimal(2), `{"type":"bytes","scale":2,"precision":64,"connect.version":1,"connect.parameters":{"scale":"2"},` +
			`"connect.name":"org.apache.kafka.connect.data.Decimal","logicalType":"decimal"}`},
		{data.Timestamp(), `{"type":"long","connect.version":1,"connect.name":"org.apache.kafka.connect.data.Timestamp","logicalType":"timestamp-millis"}`},
		{
			data.StructOf("", data.F("a", data.OptionalOf(data.Int64)), data.F("s", data.Of(data.String).Default(data.Str("x")))),
			`{"type":"record","name":"ConnectDefault","namespace":"io.confluent.connect.avro","fields":[` +
				`{"name":"a","type":["null","long"],"default":null},` +
				`{"name":"s","type":{"type":"string","connect.default":"x"},"default":"x"}]}`,
		},
		{
			data.StructOf("com.acme.A", data.F("in", inner), data.F("again", inner.Optional())),
			`{"type":"record","name":"A","namespace":"com.acme","fields":[{"name":"in","type":{"type":"record","name":"Inner",` +
				`"fields":[{"name":"x","type":"int"},{"name":"y","type":["null","string"],"default":null}],"connect.version":2,` +
				`"connect.name":"com.acme.Inner"}},{"name":"again","type":["null","Inner"],"default":null}],"connect.name":"com.acme.A"}`,
		},
		{
			data.MapOf(data.Of(data.Int32), data.Of(data.String)),
			`{"type":"array","items":{"type":"record","name":"MapEntry","namespace":"io.confluent.connect.avro","fields":[` +
				`{"name":"key","type":"int"},{"name":"value","type":"string"}]}}`,
		},
		{nil, `{"type":"record","name":"Anything","namespace":"io.confluent.connect.avro","fields":[` +
			`{"name":"boolean","type":["null","boolean"],"default":null},{"name":"bytes","type":["null","bytes"],"default":null},` +
			`{"name":"double","type":["null","double"],"default":null},{"name":"float","type":["null","float"],"default":null},` +
			`{"name":"int","type":["null","int"],"default":null},{"name":"long","type":["null","long"],"default":null},` +
			`{"name":"string","type":["null","string"],"default":null},{"name":"array","type":["null",{"type":"array","items":"Anything"}],` +
			`"default":null},{"name":"map","type":["null",{"type":"array","items":{"type":"record","name":"MapEntry","fields":[` +
			`{"name":"key","type":"Anything"},{"name":"value","type":"Anything"}]}}],"default":null}]}`},
	} {
		a, err := (&avroConfig{meta: true}).fromConnect(c.s)
		if err != nil {
			t.Errorf("%v: %v", c.s, err)
			continue
		}
		if got := a.String(); got != c.want {
			t.Errorf("%v\n got  %s\n want %s", c.s, got, c.want)
		}
		if again, err := parseAvro(a.String(), nil); err != nil || again.String() != a.String() {
			t.Errorf("%s is read as %v, %v", a, again, err)
		}
	}
}

func TestAvroRoundTrip(t *testing.T) {
	for _, d := range samples() {
		c := openConverter(t, avroClass, fakeRegistry(t), nil)
		b := encoded(t, c, d)
		got := decoded(t, c, b)
		want := d.Schema
		if want != nil {
			if _, ok := want.Version(); !ok && !want.IsOptional() {
				want = want.Versioned(1) // the registry's; Java forgets it for unions with null
			}
			if !data.EqualSchemas(got.Schema, want) {
				t.Errorf("the schema of %s is read as\n %s, want\n %s", d.Value, show(got.Schema), show(want))
			}
		}
		if got.Value.String() != d.Value.String() {
			t.Errorf("%v is read as %v", d.Value, got.Value)
		}
		again := data.Datum{Schema: got.Schema, Value: got.Value}
		if b2 := encoded(t, c, again); string(b2[5:]) != string(b[5:]) {
			t.Errorf("%v, read and written again, is %x, was %x", d.Value, b2, b)
		}
	}
}

// samples are values of all kinds.
func samples() []data.Datum {
	dec := data.Dec(big.NewInt(-1), 3)
	union := data.StructOf(unionName, data.F("int", data.OptionalOf(data.Int32)), data.F("Inner", inner.Optional()), data.F("string", data.OptionalOf(data.String)))
	return []data.Datum{
		aRich(),
		{Schema: data.Of(data.Bytes), Value: data.Bin([]byte{0, 1, 2})},
		{Schema: data.OptionalOf(data.Bytes), Value: data.Bin([]byte{})},
		{Schema: data.Decimal(3), Value: dec},
		{Schema: data.Of(data.String), Value: data.Str("")},
		{Schema: data.Of(data.Int64), Value: data.I64(-1 << 63)},
		{Schema: data.Of(data.Float32), Value: data.F32(1e-3)},
		{Schema: data.ArrayOf(data.OptionalOf(data.Bool)), Value: data.List([]data.Value{data.B(true), {}, data.B(false)})},
		{Schema: union, Value: data.NewStruct(union, data.Value{}, data.NewStruct(inner.Optional(), data.I32(1), data.Value{}).Value(), data.Value{}).Value()},
		{Schema: union, Value: data.NewStruct(union, data.Value{}, data.Value{}, data.Str("s")).Value()},
		{Value: data.List([]data.Value{
			data.Str("a"), data.I64(5),
			{},
			data.F64(0.5), data.B(true), data.Bin([]byte{9}), data.F32(2),
			data.I32(3), data.MapFrom([]data.Entry{{Key: data.Str("k"), Value: data.List(nil)}}),
		})},
	}
}

func show(s *data.Schema) string {
	if s == nil {
		return "none"
	}
	out := s.String()
	for _, p := range s.Params() {
		out += " " + p.Key + "=" + p.Value
	}
	if v, ok := s.Version(); ok {
		b, _ := json.Marshal(v)
		out += " v" + string(b)
	}
	if !s.DefaultValue().IsNull() {
		out += " default " + s.DefaultValue().String()
	}
	for _, f := range s.Fields() {
		out += "\n  " + f.Name + ": " + show(f.Schema)
	}
	return out
}

// TestAvroReference has Confluent's serializers read what is written here, and
// the other way round.
func TestAvroReference(t *testing.T) {
	reg := fakeRegistry(t)
	py := python(t, reg)
	c := openConverter(t, avroClass, reg, nil)
	b := encoded(t, c, aRich())
	got := py.ask(t, map[string]any{"op": "read", "format": "avro", "topic": "t", "record": base64.StdEncoding.EncodeToString(b)})
	var want map[string]any
	if err := json.Unmarshal([]byte(`{"i8":8,"i16":-16,"i32":32,"i64":1099511627776,"f32":3.25,"f64":-6.5e10,"b":true,"s":"text é",
		"by":{"bytes":"AQL/"},"dec":{"decimal":"-12.34"},"date":{"time":"2017-01-02"},"time":{"time":"06:30:01.864000"},
		"ts":{"time":"2017-01-03T06:30:01.864000+00:00"},"oi32":null,"os":"given","ots":null,"st":{"x":11,"y":"why"},"ost":{"x":12,"y":null},
		"arr":[1,-2],"map":{"a":1,"b":null},"pairs":[{"key":7,"value":"seven"}]}`), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got["value"], any(want)) {
		t.Errorf("the reference reads\n %v, want\n %v", got["value"], want)
	}
	a, err := (&avroConfig{meta: true}).fromConnect(rich)
	if err != nil {
		t.Fatal(err)
	}
	theirs := py.ask(t, map[string]any{"op": "write", "format": "avro", "topic": "t", "schema": a.String(), "value": numbered(want)})
	raw, err := base64.StdEncoding.DecodeString(theirs["record"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if string(raw) != string(b) {
		t.Errorf("the reference writes\n %x, we\n %x", raw, b)
	}
	if d := decoded(t, c, raw); d.Value.String() != aRich().Value.String() {
		t.Errorf("what the reference writes is read as %v", d.Value)
	}
}

// numbered gives times of day and dates in the form the reference takes.
func numbered(v map[string]any) map[string]any {
	out := map[string]any{}
	for k, x := range v {
		out[k] = x
	}
	out["date"], out["time"] = 17168, 23401864
	return out
}

// TestAvroReaders reads schemas that others write.
func TestAvroReaders(t *testing.T) {
	const schema = `{"type":"record","name":"Order","namespace":"shop","doc":"an order","fields":[
		{"name":"id","type":{"type":"fixed","name":"Id","size":2},"doc":"the id"},
		{"name":"state","type":{"type":"enum","name":"State","symbols":["OPEN","SHUT"],"default":"OPEN"},"default":"SHUT"},
		{"name":"price","type":["null",{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}],"default":null},
		{"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},
		{"name":"lines","type":{"type":"array","items":["string",{"type":"record","name":"Line","fields":[{"name":"n","type":"int","default":3}]}]}}]}`
	reg := fakeRegistry(t)
	id, _, err := reg.RegisterSchema("t-value", avroText(schema))
	if err != nil {
		t.Fatal(err)
	}
	payload := append([]byte{0, 0, 0, 0, byte(id)}, "\xab\xcd\x02\x02\x04\x00\x7b\x0a\x04\x00\x02x\x02\x0e\x00"...)
	d := decoded(t, openConverter(t, avroClass, reg, nil), payload)
	if id := d.Value.Struct().Get("id"); string(id.Bytes()) != "\xab\xcd" {
		t.Errorf("the id is %v", id)
	}
	const want = ",state=SHUT,price=1.23,at=5,lines=[Struct{string=x}, Struct{Line=Struct{n=7}}]}"
	if got := data.Text(d.Value); !strings.HasSuffix(got, want) {
		t.Errorf("got %s\nwant …%s", got, want)
	}
	s := d.Schema
	for name, want := range map[string]string{
		"id": "connect.fixed.size=2", "state": "io.confluent.connect.avro.Enum.OPEN=OPEN", "price": "connect.decimal.precision=9",
	} {
		found := false
		for _, p := range s.Field(name).Params() {
			found = found || p.Key+"="+p.Value == want
		}
		if !found {
			t.Errorf("field %s has not %s: %s", name, want, show(s.Field(name)))
		}
	}
	if v, _ := s.Version(); v != 1 || s.Name() != "shop.Order" || s.Field("lines").Elem().Name() != unionName {
		t.Errorf("the schema is %s", show(s))
	}
	if def := s.Field("state").DefaultValue(); !data.Equal(def, data.Str("SHUT")) {
		t.Errorf("the default of state is %v", def)
	}
}

func TestAvroEnhanced(t *testing.T) {
	reg := fakeRegistry(t)
	const schema = `{"type":"record","name":"R","namespace":"n","fields":[{"name":"e","type":{"type":"enum","name":"E","doc":"d","symbols":["A","B"],"default":"A"}}]}`
	id, _, err := reg.RegisterSchema("t-value", avroText(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := openConverter(t, avroClass, reg, connect.Props{"enhanced.avro.schema.support": "true", "connect.meta.data": "false"})
	in := []byte{0, 0, 0, 0, byte(id), 2}
	d := decoded(t, c, in)
	if out := encoded(t, c, d); string(out[5:]) != string(in[5:]) {
		t.Errorf("an enum is written as %x", out)
	}
	s, err := c.byID(int(encoded(t, c, d)[4]))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"type":"record","name":"R","namespace":"n","fields":[{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}}]}`; s.Schema != want {
		t.Errorf("the enum is registered as %s", s.Schema)
	}
}

func TestAvroNames(t *testing.T) {
	s := data.StructOf("9a-b.ü c", data.F("x.y", data.Of(data.Int8)), data.F("1", data.OptionalOf(data.String)))
	d := data.NewStruct(s, data.I8(1), data.Value{}).Datum()
	if _, err := openConverter(t, avroClass, fakeRegistry(t), nil).Encode(nil, "t", nil, d); err == nil {
		t.Error("names that Avro does not allow are taken")
	}
	c := openConverter(t, avroClass, fakeRegistry(t), connect.Props{"scrub.invalid.names": "true"})
	b := encoded(t, c, d)
	reg, err := c.byID(int(b[4]))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"type":"record","name":"_C3_BC_c","namespace":"x9a_b","fields":[{"name":"x_y","type":{"type":"int","connect.type":"int8"}},` +
		`{"name":"x1","type":["null","string"],"default":null}],"connect.name":"9a-b.ü c"}`; reg.Schema != want {
		t.Errorf("got  %s\nwant %s", reg.Schema, want)
	}
}
