package registry

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func TestProtobufText(t *testing.T) {
	other := data.StructOf("Other", data.F("x", data.Of(data.Int32)))
	union := data.StructOf(protoUnion+".choice", data.F("n", data.OptionalOf(data.Int64)), data.F("in", other.Optional())).Optional()
	s := data.StructOf("com.acme.Rec",
		data.F("i8", data.Of(data.Int8)),
		data.F("os", data.OptionalOf(data.String)),
		data.F("ts", data.Timestamp().Optional()),
		data.F("list", data.ArrayOf(data.Of(data.Float64))),
		data.F("map", data.MapOf(data.Of(data.String), data.Of(data.Bool))),
		data.F("Inner", inner),
		data.F("choice_0", union))
	text, name, err := (&protoConfig{}).fromConnect(s)
	if err != nil {
		t.Fatal(err)
	}
	const want = `syntax = "proto3";
package com.acme;

import "confluent/meta.proto";
import "google/protobuf/timestamp.proto";

message Rec {
  int32 i8 = 1 [(confluent.field_meta) = {
    params: [
      {
        key: "connect.type",
        value: "int8"
      }
    ]
  }];
  string os = 2;
  google.protobuf.Timestamp ts = 3;
  repeated double list = 4;
  repeated ConnectDefault1Entry map = 5;
  InnerMessage Inner = 6;
  oneof choice {
    int64 n = 8;
    Other in = 9;
  }
  message ConnectDefault1Entry {
    string key = 1;
    bool value = 2;
  }
  message InnerMessage {
    int32 x = 1;
    string y = 2;
  }
    message Other {
      int32 x = 1;
    }
}
`
	if text != want || name != "Rec" {
		t.Errorf("got %s\n%s", name, text)
	}
	if _, err := compileProto(text, nil); err != nil {
		t.Error(err)
	}
}

func TestProtobufRoundTrip(t *testing.T) {
	for name, props := range map[string]connect.Props{
		"plain": nil, "optional": {"optional.for.nullables": "true"}, "wrapper": {"wrapper.for.nullables": "true", "enhanced.protobuf.schema.support": "true"},
	} {
		c := openConverter(t, protobufClass, fakeRegistry(t), props)
		d := aRich()
		b := encoded(t, c, d)
		got := decoded(t, c, b)
		want := d.Value.Struct()
		for i, f := range rich.Fields() {
			w, g := want.At(i), got.Value.Struct().Get(f.Name)
			if name == "plain" && w.IsNull() && f.Schema.Kind() <= data.String && !isLogical(f.Schema) {
				continue // a zero then
			}
			if f.Name == "map" || f.Name == "ost" {
				continue // they hold nulls too
			}
			if data.Text(w) != data.Text(g) {
				t.Errorf("%s: field %s is read as %s, was %s", name, f.Name, data.Text(g), data.Text(w))
			}
			if k := got.Schema.Field(f.Name).Kind(); k != f.Schema.Kind() {
				t.Errorf("%s: field %s is read as %s, was %s", name, f.Name, k, f.Schema.Kind())
			}
		}
		if b2 := encoded(t, c, got); string(b2[5:]) != string(b[5:]) && name == "optional" { // with wrappers, the elements of lists become such
			t.Errorf("%s: read and written again it is\n %x, was\n %x", name, b2[5:], b[5:])
		}
	}
}

func TestProtobufSingleValues(t *testing.T) {
	for _, c := range []struct {
		d    data.Datum
		want string // after the id
	}{
		{data.Datum{Schema: data.Of(data.String), Value: data.Str("é")}, "\x02\x0e\x0a\x02é"},
		{data.Datum{Schema: data.Of(data.Int64), Value: data.I64(-1)}, "\x02\x04\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"},
		{data.Datum{Schema: data.Of(data.Bool), Value: data.B(false)}, "\x02\x0c"},
	} {
		conv := openConverter(t, protobufClass, fakeRegistry(t), nil)
		b := encoded(t, conv, c.d)
		if string(b[5:]) != c.want {
			t.Errorf("%v is written as %q, want %q", c.d.Value, b[5:], c.want)
		}
		if got := decoded(t, conv, b); !data.Equal(got.Value, c.d.Value) || got.Schema.Kind() != c.d.Schema.Kind() {
			t.Errorf("%v is read as %v", c.d.Value, got.Value)
		}
	}
}

// descriptors returns a file after those it imports, as the reference takes it.
func descriptors(f protoreflect.FileDescriptor) string {
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	var add func(f protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
	}
	add(f)
	b, _ := proto.Marshal(set)
	return base64.StdEncoding.EncodeToString(b)
}

// TestProtobufReference has Confluent's serializers read what is written here,
// and the other way round.
func TestProtobufReference(t *testing.T) {
	reg := fakeRegistry(t)
	py := python(t, reg)
	c := openConverter(t, protobufClass, reg, nil)
	b := encoded(t, c, aRich())
	text, _, err := (&protoConfig{}).fromConnect(rich)
	if err != nil {
		t.Fatal(err)
	}
	f, err := compileProto(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	// The reference asks for the descriptor, which the fake registry does not know.
	file, err := proto.Marshal(protodesc.ToFileDescriptorProto(f))
	if err != nil {
		t.Fatal(err)
	}
	reg.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("format") != "serialized" {
			return false
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"schema": base64.StdEncoding.EncodeToString(file), "schemaType": "PROTOBUF"})
		return true
	})
	got := py.ask(t, map[string]any{"op": "read", "format": "protobuf", "topic": "t", "schema": descriptors(f), "record": base64.StdEncoding.EncodeToString(b)})
	var want any
	if err := json.Unmarshal([]byte(`{"i8":8,"i16":-16,"i32":32,"i64":"1099511627776","f32":3.25,"f64":-6.5e10,"b":true,"s":"text é",
		"by":"AQL/","dec":{"value":"+y4=","precision":4,"scale":2},"date":{"year":2017,"month":1,"day":2},
		"time":{"hours":6,"minutes":30,"seconds":1,"nanos":864000000},"ts":"2017-01-03T06:30:01.864Z","os":"given",
		"st":{"x":11,"y":"why"},"ost":{"x":12},"arr":[1,-2],"map":[{"key":"a","value":"1"},{"key":"b"}],"pairs":[{"key":7,"value":"seven"}]}`), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got["value"], want) {
		t.Errorf("the reference reads\n %v, want\n %v", got["value"], want)
	}
	theirs := py.ask(t, map[string]any{"op": "write", "format": "protobuf", "topic": "t", "schema": descriptors(f), "value": want})
	raw, err := base64.StdEncoding.DecodeString(theirs["record"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if string(raw[5:]) != string(b[5:]) {
		t.Errorf("the reference writes\n %x, we\n %x", raw[5:], b[5:])
	}
	ours, read := decoded(t, c, b), decoded(t, c, raw)
	if ours.Value.String() != read.Value.String() {
		t.Errorf("what the reference writes is read as\n %v, ours as\n %v", read.Value, ours.Value)
	}
}

// TestProtobufReaders reads schemas that others write.
func TestProtobufReaders(t *testing.T) {
	const schema = `syntax = "proto3"; package shop; import "other.proto"; import "google/protobuf/wrappers.proto";
		message First { int32 unused = 1; }
		message Order {
			message Line { uint32 n = 1; sint64 z = 2; fixed32 f = 3; }
			enum State { OPEN = 0; SHUT = 1; }
			State state = 1;
			oneof by { string name = 2; Line line = 3; }
			map<string, Line> lines_by = 4;
			repeated sint32 nums = 5;
			optional string note = 6;
			common.Thing thing = 7;
			google.protobuf.StringValue wrapped = 8;
		}`
	reg := fakeRegistry(t)
	if _, _, err := reg.RegisterSchema("other", sr.Schema{Schema: `syntax = "proto3"; package common; message Thing { bool on = 1; }`, Type: sr.TypeProtobuf}); err != nil {
		t.Fatal(err)
	}
	id, _, err := reg.RegisterSchema("t-value", sr.Schema{
		Schema: schema, Type: sr.TypeProtobuf,
		References: []sr.SchemaReference{{Name: "other.proto", Subject: "other", Version: 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	head := []byte{0, 0, 0, 0, byte(id), 2, 2} // one step, to the second message
	for _, c := range []struct {
		body, want string
		props      connect.Props
	}{
		{"", "Struct{state=OPEN,lines_by={},nums=[]}", nil},
		{"\x08\x01\x12\x02me\x2a\x02\x01\x02\x28\x03\x32\x00\x3a\x02\x08\x01", "Struct{by_0=Struct{name=me},state=SHUT,lines_by={},nums=[-1, 1, -2],note=,thing=Struct{on=true}}", nil},
		{"\x08\x09\x1a\x09\x08\xff\xff\xff\xff\x0f\x10\x03\x1d\x1a\x05\xff\xff\xff\xff\xff", "", nil},
		{"\x1a\x0d\x08\xff\xff\xff\xff\x0f\x10\x03\x1d\x01\x00\x00\x80", "Struct{by_0=Struct{line=Struct{n=4294967295,z=-2,f=2147483649}},state=OPEN,lines_by={},nums=[]}", nil},
		{"\x22\x07\x0a\x01k\x12\x02\x08\x07", "Struct{state=OPEN,lines_by={k=Struct{n=7,z=0,f=0}},nums=[]}", nil},
		{
			"\x12\x01x\x42\x03\x0a\x01y", "Struct{name=x,state=0,lines_by={},nums=[],wrapped=y}",
			connect.Props{"flatten.unions": "true", "int.for.enums": "true", "wrapper.for.nullables": "true"},
		},
		{"\x98\x06\x01\xa2\x06\x01z", "Struct{state=OPEN,lines_by={},nums=[]}", nil}, // fields nobody knows
		{"\x2a\x02\x01", "", nil},
	} {
		conv := openConverter(t, protobufClass, reg, c.props)
		d, err := conv.Decode("t", nil, append(append([]byte{}, head...), c.body...))
		if (err != nil) != (c.want == "") {
			t.Errorf("%q: %v", c.body, err)
		} else if err == nil && data.Text(d.Value) != c.want {
			t.Errorf("%q is read as %s, want %s", c.body, data.Text(d.Value), c.want)
		}
	}
	c := openConverter(t, protobufClass, reg, nil)
	s := decoded(t, c, head).Schema
	if got := show(s.Field("state")); !strings.Contains(got, protoEnum+".SHUT=1") || s.Field("lines_by").Name() != "lines_by" {
		t.Errorf("the schema is %s", show(s))
	}
}

// TestProtobufDescriptor reads a schema that is registered as its descriptor.
func TestProtobufDescriptor(t *testing.T) {
	f, err := compileProto(`syntax = "proto3"; message M { string s = 1; }`, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := proto.Marshal(protodesc.ToFileDescriptorProto(f))
	if err != nil {
		t.Fatal(err)
	}
	reg := fakeRegistry(t)
	id, _, err := reg.RegisterSchema("t-value", sr.Schema{Schema: base64.StdEncoding.EncodeToString(b), Type: sr.TypeProtobuf})
	if err != nil {
		t.Fatal(err)
	}
	if d := decoded(t, openConverter(t, protobufClass, reg, nil), []byte{0, 0, 0, 0, byte(id), 0, 10, 1, 'x'}); data.Text(d.Value) != "Struct{s=x}" {
		t.Errorf("got %s", data.Text(d.Value))
	}
}
