package registry

import (
	"testing"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/millwright-connect/millwright/connectors/data"
)

// codecs are the three formats with what they make of the rich schema.
func codecs(tb testing.TB) map[string]struct {
	codec codec
	out   *outgoing
} {
	tb.Helper()
	m := map[string]struct {
		codec codec
		out   *outgoing
	}{}
	for name, c := range map[string]codec{
		"avro":     &avroConfig{meta: true, flatten: true},
		"json":     &jsonConfig{additional: true, flatten: true},
		"protobuf": &protoConfig{optional: true, proto2: true, rawWrapper: true, indexUnions: true},
	} {
		out, err := c.outgoing(rich)
		if err != nil {
			tb.Fatal(err)
		}
		m[name] = struct {
			codec codec
			out   *outgoing
		}{c, out}
	}
	return m
}

// fuzzPayload reads payloads of a format: none may do harm, and one that is
// read is written again and read as the same.
func fuzzPayload(f *testing.F, format string) {
	c := codecs(f)[format]
	p, err := c.codec.parse(c.out.schema, nil)
	if err != nil {
		f.Fatal(err)
	}
	read, err := p.reader(1)
	if err != nil {
		f.Fatal(err)
	}
	b, err := c.out.write(nil, aRich().Value)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Add([]byte{})
	writers := map[*data.Schema]encoder{}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := read(b)
		if err != nil || d.Value.IsNull() {
			return
		}
		write := writers[d.Schema]
		if write == nil {
			if write, err = c.codec.writer(d.Schema, p, true); err != nil {
				return // of another message of the file
			}
			writers[d.Schema] = write
		}
		again, err := write(nil, d.Value)
		if err != nil {
			return // such as a null where the schema has none, or a decimal of another scale
		}
		d2, err := read(again)
		if err != nil {
			t.Fatalf("%x, written again as %x: %v", b, again, err)
		}
		third, err := write(nil, d2.Value)
		if err != nil || string(third) != string(again) {
			t.Fatalf("%x, written again as %x, then as %x: %v", b, again, third, err)
		}
	})
}

func FuzzAvroPayload(f *testing.F)     { fuzzPayload(f, "avro") }
func FuzzJSONPayload(f *testing.F)     { fuzzPayload(f, "json") }
func FuzzProtobufPayload(f *testing.F) { fuzzPayload(f, "protobuf") }

// FuzzSchemas reads texts as schemas of all formats: none may do harm, and what
// is read as an Avro schema is written and read as the same.
func FuzzSchemas(f *testing.F) {
	all := codecs(f)
	for _, c := range all {
		f.Add(c.out.schema.Schema)
	}
	f.Add(`{"type":"record","name":"a.R","fields":[{"name":"f","type":["null","R"],"default":null}]}`)
	f.Add(`{"type":"object","properties":{"a":{"$ref":"#"}}}`)
	f.Add(`syntax = "proto3"; message M { M m = 1; }`)
	f.Fuzz(func(t *testing.T, text string) {
		for name, c := range all {
			p, err := c.codec.parse(sr.Schema{Schema: text, Type: c.codec.kind()}, nil)
			if err != nil {
				continue
			}
			_, _ = p.reader(1)
			a, ok := p.(*avroParsed)
			if !ok {
				continue
			}
			first := a.schema.String()
			again, err := parseAvro(first, nil)
			if err != nil || again.String() != first {
				t.Fatalf("%s: %q is written as %q and read as %v, %v", name, text, first, again, err)
			}
		}
	})
}

func BenchmarkRegistry(b *testing.B) {
	reading := data.StructOf("reading", data.F("tag", data.Of(data.String)), data.F("ts", data.Timestamp()),
		data.F("value", data.Of(data.Float64)), data.F("quality", data.Of(data.Int32)), data.F("good", data.Of(data.Bool)))
	d := data.NewStruct(reading, data.Str("plant1.line3.press7.temperature"), data.Millis(1700000000123), data.F64(21.53), data.I32(192), data.B(true)).Datum()
	for _, class := range []string{avroClass, jsonClass, protobufClass} {
		c := openConverter(b, class, fakeRegistry(b), nil)
		enc := encoded(b, c, d)
		b.Run(class+"/encode", func(b *testing.B) {
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				dst, _ = c.Encode(dst[:0], "t", nil, d)
			}
		})
		b.Run(class+"/decode", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = c.Decode("t", nil, enc)
			}
		})
	}
}
