package converters

import (
	"testing"
	"unicode/utf8"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/connectors/internal/jackson"
)

// everything is a schema with all that JSON tells apart.
var everything = data.StructOf("everything",
	data.F("i8", data.Of(data.Int8)),
	data.F("i16", data.OptionalOf(data.Int16)),
	data.F("i32", data.OptionalOf(data.Int32).Default(data.I32(-5))),
	data.F("i64", data.OptionalOf(data.Int64)),
	data.F("f32", data.OptionalOf(data.Float32)),
	data.F("f64", data.OptionalOf(data.Float64)),
	data.F("b", data.OptionalOf(data.Bool)),
	data.F("s", data.OptionalOf(data.String)),
	data.F("by", data.OptionalOf(data.Bytes)),
	data.F("dec", data.Decimal(2).Optional()),
	data.F("date", data.Date().Optional()),
	data.F("time", data.Time().Optional()),
	data.F("ts", data.Timestamp().Optional()),
	data.F("list", data.ArrayOf(data.Of(data.String)).Optional()),
	data.F("map", data.MapOf(data.Of(data.String), data.Of(data.Float64)).Optional()),
	data.F("pairs", data.MapOf(data.Of(data.Int32), data.OptionalOf(data.String)).Optional()),
	data.F("sub", data.StructOf("sub", data.F("a \"b\"", data.OptionalOf(data.Int64)), data.F("é", data.OptionalOf(data.Bool))).Optional()),
)

var payloads = []string{
	`{"i8":1,"i16":2,"i32":3,"i64":9223372036854775807,"f32":1.5,"f64":-2.5e-3,"b":true,"s":"text","by":"AQI=","dec":"AQI=",` +
		`"date":19000,"time":1000,"ts":1700000000123,"list":["a","b"],"map":{"x":1,"y":2.5},"pairs":[[1,"one"],[2,null]],"sub":{"a \"b\"":4,"é":false}}`,
	` { "sub" : { "é" : true , "other" : [ { "x" : [ ] } , "\u0041" ] } , "i8" : -7 , "s" : "\ud83d\ude00\n" } `,
	`{"i8":1,"i8":300}`, `{"i8":null}`, `{}`, `[]`, `""`, `"x`, `{"i8":1,"f64":12345678901234567890123}`,
	`{"i8":1,"f64":-0.0,"f32":1e39}`, `{"i8":007,"dec":1.50}`, `{"i8":1,"s":5}`, `{"i8":1,"list":[1]}`, `{"i8":1} trailing`,
	`[1,2.5,"a",null,true,{"k":[]}]`, `{"a":1,"a":2,"b":{}}`, `nullx`, `null `, `1x`, `-`, `1.`, `1e`, `[1,]`, `{"a"}`, "\"\x01\"",
	"\"\xff\"", "\"\xed\xa0\xbd\xed\xb8\x80\"", "\xef\xbb\xbf1", "[\x00", "{\x00\"\x00}\x00", `{"i8":1,"map":{"a":1,"a":2}}`,
	`{"i8":1,"time":86400001}`, `{"i8":1,"date":2147483648}`, `{"i8":1,"by":"AQ"}`, `{"i8":1,"by":"A Q="}`, `{"i8":1,"s":"12345678\"90"}`,
}

func fuzzReaders(tb testing.TB) []*reader {
	j := mustJSON(tb, nil)
	return []*reader{
		j.plain, newReader(everything, true), newReader(everything.Optional(), true), newReader(data.Of(data.String), true),
		newReader(data.OptionalOf(data.Int32), true), newReader(data.Decimal(0), true),
		newReader(data.ArrayOf(data.OptionalOf(data.Float32)), true),
		newReader(data.MapOf(data.Timestamp(), everything), true),
	}
}

// FuzzJSONFast sees that what the fast reader answers is what the tree gives.
func FuzzJSONFast(f *testing.F) {
	for _, p := range payloads {
		f.Add([]byte(p))
	}
	readers := fuzzReaders(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if !utf8.Valid(b) {
			return
		}
		var p parser
		for _, r := range readers {
			got, ok := p.root(r, b)
			if len(p.stack) != 0 || len(p.pairs) != 0 {
				t.Fatalf("%q leaves values on the stack", b)
			}
			if !ok {
				continue
			}
			n, err := jackson.Parse(b)
			if err != nil {
				t.Fatalf("%q is read as %v, but: %v", b, got, err)
			}
			want, err := r.fromTree(n)
			if err != nil || !data.Equal(want, got) {
				t.Fatalf("%q of %v is read as %v, want %v, %v", b, r.schema, got, want, err)
			}
		}
	})
}

// FuzzJSONRoundTrip sees that what is read can be written and is read again as
// the same.
func FuzzJSONRoundTrip(f *testing.F) {
	for _, p := range payloads {
		f.Add([]byte(p))
	}
	readers := fuzzReaders(f)
	schemas, plain := mustJSON(f, nil), mustJSON(f, connect.Props{"schemas.enable": "false"})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, r := range readers {
			d, err := plain.payload(r, b)
			if err != nil || d.Value.IsNull() {
				continue
			}
			j := plain
			if d.Schema != nil {
				j = schemas
			}
			enc, err := j.Encode(nil, "t", nil, d)
			if err != nil {
				if d.Schema != nil { // such as a decimal of another scale, or a null where one is not allowed
					continue
				}
				t.Fatalf("%q, read as %v, cannot be written: %v", b, d.Value, err)
			}
			again, err := j.Decode("t", nil, enc)
			if err != nil {
				t.Fatalf("%q, written as %q, cannot be read: %v", b, enc, err)
			}
			if !data.EqualSchemas(d.Schema, again.Schema) || !data.Equal(d.Value, again.Value) && !hasInfinity(d.Value) {
				t.Fatalf("%q: %v, written as %q, becomes %v", b, d.Value, enc, again.Value)
			}
		}
	})
}

// hasInfinity reports whether v has a float that JSON writes as a text.
func hasInfinity(v data.Value) bool {
	switch v.Kind() {
	case data.Float32:
		f := v.Float32()
		return f-f != 0
	case data.Float64:
		f := v.Float64()
		return f-f != 0
	case data.Array:
		for _, e := range v.List() {
			if hasInfinity(e) {
				return true
			}
		}
	case data.Map:
		for _, e := range v.Map().Entries() {
			if hasInfinity(e.Value) {
				return true
			}
		}
	case data.StructKind:
		return hasInfinity(data.List(v.Struct().Values()))
	}
	return false
}
