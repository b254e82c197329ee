package converters

import (
	"bytes"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/connectors/internal/jackson"
)

func TestJSONWritesWhatJavaWrites(t *testing.T) {
	got, err := mustJSON(t, nil).Encode([]byte("kept "), "t", nil, aReading())
	if err != nil {
		t.Fatal(err)
	}
	const want = `kept {"schema":{"type":"struct","fields":[{"type":"string","optional":false,"field":"tag"},` +
		`{"type":"int64","optional":false,"name":"org.apache.kafka.connect.data.Timestamp","version":1,"field":"ts"},` +
		`{"type":"double","optional":false,"field":"value"},{"type":"int32","optional":false,"field":"quality"},` +
		`{"type":"boolean","optional":false,"field":"good"},{"type":"string","optional":true,"field":"unit"}],"optional":false,` +
		`"name":"reading"},"payload":{"tag":"plant1.line3.press7.temperature","ts":1700000000123,"value":21.53,"quality":192,` +
		`"good":true,"unit":"°C"}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestJSONEnvelopes reads the same envelope written in several ways.
func TestJSONEnvelopes(t *testing.T) {
	const schema, payload = `{"type":"struct","optional":false,"fields":[{"type":"int32","optional":false,"field":"x"}]}`, `{"x":7}`
	for _, text := range []string{
		`{"schema":` + schema + `,"payload":` + payload + `}`,
		`{"payload":` + payload + `,"schema":` + schema + `}`,
		" {\n\"schema\" : " + schema + " ,\t\"payload\" : " + payload + " } trailing",
		`{"schema":1,"payload":2,"schema":` + schema + `,"payload":` + payload + `}`,
		`{"sch\u0065ma":` + schema + `,"payload":` + payload + `}`,
	} {
		j := mustJSON(t, nil)
		for range 2 { // without and with caches
			d, err := j.Decode("t", nil, []byte(text))
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if got := d.Value.Struct().Get("x"); !data.Equal(got, data.I32(7)) {
				t.Errorf("%s: x is %v", text, got)
			}
		}
	}
}

// TestJSONSharesSchemas sees that records of one schema point to one schema, in
// turn with others too, and that the caches keep their size.
func TestJSONSharesSchemas(t *testing.T) {
	j := mustJSON(t, connect.Props{"schemas.cache.size": "3"})
	encode := func(d data.Datum) []byte {
		b, err := j.Encode(nil, "t", nil, d)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	decode := func(b []byte) *data.Schema {
		d, err := j.Decode("t", nil, b)
		if err != nil {
			t.Fatal(err)
		}
		return d.Schema
	}
	one := encode(aReading())
	two := encode(data.Datum{Schema: data.Decimal(2), Value: data.Dec(data.BigIntOf([]byte{1}), 2)})
	first := decode(one)
	decode(two)
	if decode(one) != first {
		t.Error("the schema is read anew")
	}
	for i := range 10 {
		s := data.StructOf("s", data.F(strings.Repeat("x", i+1), data.OptionalOf(data.Int8)))
		decode(encode(data.NewStruct(s, data.I8(1)).Datum()))
		if len(j.readers) > 3 || len(j.writers) > 3 {
			t.Fatalf("%d readers and %d writers are kept, of 3 allowed", len(j.readers), len(j.writers))
		}
	}
	none := mustJSON(t, connect.Props{"schemas.cache.size": "0"})
	if b, err := none.Encode(nil, "t", nil, aReading()); err != nil || !bytes.Equal(b, one) {
		t.Errorf("without a cache %s, %v is written", b, err)
	}
}

// TestJSONKeepsNoBytes sees that a value does not change with the buffer that
// it was read from.
func TestJSONKeepsNoBytes(t *testing.T) {
	for _, props := range []connect.Props{nil, {"schemas.enable": "false"}} {
		j := mustJSON(t, props)
		b, err := j.Encode(nil, "t", nil, aReading())
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			buf := bytes.Clone(b)
			d, err := j.Decode("t", nil, buf)
			if err != nil {
				t.Fatal(err)
			}
			before := d.Value.String()
			for i := range buf {
				buf[i] = 'x'
			}
			if after := d.Value.String(); after != before {
				t.Errorf("%s became %s", before, after)
			}
		}
	}
}

func TestJSONDeepNesting(t *testing.T) {
	j := mustJSON(t, connect.Props{"schemas.enable": "false"})
	nested := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	d, err := j.Decode("t", nil, nested(jackson.MaxDepth))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Encode(nil, "t", nil, d); err != nil {
		t.Error(err)
	}
	if _, err := j.Encode(nil, "t", nil, data.Datum{Value: data.List([]data.Value{d.Value})}); err == nil {
		t.Error("a value nested too deep is written")
	}
	if _, err := j.Decode("t", nil, nested(jackson.MaxDepth+1)); err == nil || !strings.Contains(connect.Trace(err), "nested deeper") {
		t.Errorf("JSON nested too deep: %v", err)
	}
}

func TestJSONErrorsSayWhere(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1,}`:  `bad JSON at byte 7: '}' where a name is expected`,
		`[1 2]`:     `bad JSON at byte 3: '2' where ',' or ']' is expected`,
		`{"a"`:      `JSON ends at byte 4 where ':' is expected`,
		"\"a\nb\"":  `bad JSON at byte 2: '\n' where an escape is expected`,
		`tru`:       `bad JSON at byte 0: 't' where a value is expected`,
		"\"\xffa\"": `bad JSON at byte 1: '\ufffd' where UTF-8 is expected`,
	} {
		_, err := mustJSON(t, connect.Props{"schemas.enable": "false"}).Decode("t", nil, []byte(text))
		if err == nil || !strings.Contains(connect.Trace(err), strings.ReplaceAll(want, `\ufffd`, "\uFFFD")) {
			t.Errorf("%q: %v, want %s", text, connect.Trace(err), want)
		}
	}
}

// TestJSONSteadyState sees that records of one schema cost what their values
// need and nothing more.
func TestJSONSteadyState(t *testing.T) {
	j, d := mustJSON(t, nil), aReading()
	var dst []byte
	if n := testing.AllocsPerRun(100, func() { dst, _ = j.Encode(dst[:0], "t", nil, d) }); n > 0 {
		t.Errorf("writing allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = j.Decode("t", nil, dst) }); n > 3 { // text, fields, struct
		t.Errorf("reading allocates %v times", n)
	}
}

func TestJSONSchemaTexts(t *testing.T) {
	for _, c := range []struct{ text, fails string }{
		{`{"schema":{"type":"int8","optional":false,"doc":""},"payload":1}`, ""},
		{`{"schema":{"type":"struct","fields":[],"optional":true,"default":{}},"payload":null}`, "Invalid default value"},
	} {
		d, err := mustJSON(t, nil).Decode("t", nil, []byte(c.text))
		if c.fails != "" {
			if err == nil || err.Error() != c.fails {
				t.Errorf("%s: want the error %s, got %v", c.text, c.fails, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", c.text, err)
		}
		if b, err := mustJSON(t, nil).Encode(nil, "t", nil, d); err != nil || string(b) != c.text {
			t.Errorf("%s becomes %s, %v", c.text, b, err)
		}
	}
}
