package registry

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func TestJSONSchemaText(t *testing.T) {
	for _, c := range []struct {
		s    *data.Schema
		want string
	}{
		{data.Of(data.Int8), `{"type":"integer","connect.type":"int8"}`},
		{data.OptionalOf(data.String), `{"oneOf":[{"type":"null"},{"type":"string"}]}`},
		{
			data.StructOf("Rec", data.F("f1", data.OptionalOf(data.Int32)), data.F("f2", data.Of(data.String).Default(data.Str("x")))),
			`{"title":"Rec","type":"object","properties":{` +
				`"f1":{"oneOf":[{"type":"null"},{"type":"integer","connect.type":"int32"}],"connect.index":0},` +
				`"f2":{"default":"x","type":"string","connect.index":1}}}`,
		},
		{data.Decimal(2), `{"title":"org.apache.kafka.connect.data.Decimal","type":"string","connect.version":1,` +
			`"connect.type":"bytes","connect.parameters":{"scale":"2"}}`},
		{data.MapOf(data.Of(data.String), data.Of(data.Bool)), `{"type":"object","additionalProperties":{"type":"boolean"},"connect.type":"map"}`},
	} {
		n, err := (&jsonMaker{jsonConfig: &jsonConfig{additional: true}, ids: map[string]bool{}}).schema(c.s, -1, false)
		if err != nil {
			t.Errorf("%v: %v", c.s, err)
			continue
		}
		var got, want any
		if json.Unmarshal(n.Append(nil), &got) != nil || json.Unmarshal([]byte(c.want), &want) != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v\n got  %s\n want %s", c.s, n.Append(nil), c.want)
		}
	}
}

func TestJSONSchemaRoundTrip(t *testing.T) {
	for _, props := range []connect.Props{nil, {"decimal.format": "numeric", "json.fail.invalid.schema": "true"}} {
		c := openConverter(t, jsonClass, fakeRegistry(t), props)
		for _, d := range samples() {
			if d.Schema == nil || d.Schema.Name() == unionName {
				continue
			}
			b := encoded(t, c, d)
			got := decoded(t, c, b)
			if got.Value.String() != d.Value.String() {
				t.Errorf("%v is read as %v of %s", d.Value, got.Value, b[5:])
			}
			if b2 := encoded(t, c, got); string(b2[5:]) != string(b[5:]) {
				t.Errorf("%v, read and written again, is %s, was %s", d.Value, b2[5:], b[5:])
			}
			if d.Schema.Kind() == data.StructKind {
				for _, f := range d.Schema.Fields() {
					g := got.Schema.Field(f.Name)
					if g == nil || g.Kind() != f.Schema.Kind() || g.IsOptional() != f.Schema.IsOptional() || g.Name() != f.Schema.Name() {
						t.Errorf("field %s is read as %s, was %s", f.Name, show(g), show(f.Schema))
					}
				}
			}
		}
	}
}

// TestJSONSchemaReference has Confluent's serializers read what is written
// here, and the other way round.
func TestJSONSchemaReference(t *testing.T) {
	reg := fakeRegistry(t)
	py := python(t, reg)
	c := openConverter(t, jsonClass, reg, nil)
	b := encoded(t, c, aRich())
	got := py.ask(t, map[string]any{"op": "read", "format": "json", "topic": "t", "record": base64.StdEncoding.EncodeToString(b)})
	var want any
	if err := json.Unmarshal([]byte(`{"i8":8,"i16":-16,"i32":32,"i64":1099511627776,"f32":3.25,"f64":-6.5e10,"b":true,"s":"text é",
		"by":"AQL/","dec":"+y4=","date":17168,"time":23401864,"ts":1483425001864,"oi32":null,"os":"given","ots":null,
		"st":{"x":11,"y":"why"},"ost":{"x":12,"y":null},"arr":[1,-2],"map":{"a":1,"b":null},"pairs":[{"key":7,"value":"seven"}]}`), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got["value"], want) {
		t.Errorf("the reference reads\n %v, want\n %v", got["value"], want)
	}
	text, err := c.byID(int(b[4]))
	if err != nil {
		t.Fatal(err)
	}
	theirs := py.ask(t, map[string]any{"op": "write", "format": "json", "topic": "t", "schema": text.Schema, "value": want})
	raw, err := base64.StdEncoding.DecodeString(theirs["record"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if string(raw[:5]) != string(b[:5]) {
		t.Errorf("the reference writes %x before the payload, we %x", raw[:5], b[:5])
	}
	if d := decoded(t, c, raw); d.Value.String() != aRich().Value.String() {
		t.Errorf("what the reference writes is read as %v", d.Value)
	}
}

// TestJSONSchemaReaders reads schemas that others write.
func TestJSONSchemaReaders(t *testing.T) {
	for _, c := range []struct{ schema, payload, want string }{
		{
			`{"type":"object","title":"T","properties":{"a":{"type":"integer"},"b":{"type":"number"}},"required":["a"]}`,
			`{"a":1,"b":2,"c":3}`, "Struct{a=1,b=2.0}",
		},
		{`{"type":["null","string"]}`, `"x"`, "x"},
		{
			`{"anyOf":[{"type":"integer"},{"type":"string"},{"type":"object","properties":{"n":{"type":"boolean"}}}]}`,
			`{"n":true}`, "Struct{io.confluent.connect.json.OneOf.field.2=Struct{n=true}}",
		},
		{`{"allOf":[{"$ref":"#/definitions/a"},{"type":"object","properties":{"y":{"type":"string"}}}],` +
			`"definitions":{"a":{"type":"object","properties":{"x":{"type":"integer"}}}}}`, `{"x":1,"y":"z"}`, "Struct{x=1,y=z}"},
		{
			`{"type":"object","properties":{"e":{"enum":["A","B"]},"l":{"type":"array","items":{"$ref":"#leaf"}}},` +
				`"definitions":{"leaf":{"$id":"#leaf","type":"object","properties":{"n":{"type":"integer"}}}}}`,
			`{"e":"B","l":[{"n":1},{}]}`, "Struct{e=B,l=[Struct{n=1}, Struct{}]}",
		},
		{`{"type":"object","properties":{"o":{"$ref":"other.json"}}}`, `{"o":"text"}`, "Struct{o=text}"},
	} {
		reg := fakeRegistry(t)
		if _, _, err := reg.RegisterSchema("other", sr.Schema{Schema: `{"type":"string"}`, Type: sr.TypeJSON}); err != nil {
			t.Fatal(err)
		}
		s := sr.Schema{Schema: c.schema, Type: sr.TypeJSON}
		if strings.Contains(c.schema, "other.json") {
			s.References = []sr.SchemaReference{{Name: "other.json", Subject: "other", Version: 1}}
		}
		id, _, err := reg.RegisterSchema("t-value", s)
		if err != nil {
			t.Fatal(err)
		}
		d := decoded(t, openConverter(t, jsonClass, reg, connect.Props{"json.fail.invalid.schema": "true"}), append([]byte{0, 0, 0, 0, byte(id)}, c.payload...))
		if got := data.Text(d.Value); got != c.want {
			t.Errorf("%s of %s is read as %s, want %s", c.payload, c.schema, got, c.want)
		}
	}
}

// TestJSONSchemaChecks refuses records that break the rules of their schema.
func TestJSONSchemaChecks(t *testing.T) {
	reg := fakeRegistry(t)
	id, _, err := reg.RegisterSchema("t-value", sr.Schema{Schema: `{"type":"integer","maximum":10}`, Type: sr.TypeJSON})
	if err != nil {
		t.Fatal(err)
	}
	b := append([]byte{0, 0, 0, 0, byte(id)}, "11"...)
	decoded(t, openConverter(t, jsonClass, reg, nil), b)
	c := openConverter(t, jsonClass, reg, connect.Props{"json.fail.invalid.schema": "true"})
	if _, err := c.Decode("t", nil, b); err == nil || connect.ClassOf(err) != data.DataException || !strings.Contains(connect.Trace(err), "maximum") {
		t.Errorf("11 where 10 is the maximum: %v", err)
	}
}
