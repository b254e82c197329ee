package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/state"
)

func TestCreateRequest(t *testing.T) {
	var c *createRequest
	if _, err := readBody([]byte(` {"initial_state":"Paused" , "config":{"a":1.50,"b":true,"c":null,"d":"\u00e9\ud83d\ude42\n"},"name":12}  `), func(r *jsonReader) { c = r.createRequest() }); err != nil {
		t.Fatal(err)
	}
	want := connect.Props{"a": "1.50", "b": "true", "c": connect.Null, "d": "é🙂\n"}
	if c.name != "12" || c.initial != state.Paused || fmt.Sprint(c.config) != fmt.Sprint(want) {
		t.Errorf("%+v", c)
	}
}

func TestTaskConfigs(t *testing.T) {
	var got []connect.Props
	if _, err := readBody([]byte(`[{"a":"1","n":null},{}]`), func(r *jsonReader) { got = r.taskConfigs() }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || fmt.Sprint(got[0]) != fmt.Sprint(connect.Props{"a": "1"}) || got[1] == nil {
		t.Errorf("%v", got)
	}
	for body, want := range map[string]string{
		`[{"a":"1"}`:  "expected close marker for Array (start marker at [Source: request body; line: 1, column: 1])",
		`[{"a":"1"},`: "Unexpected end-of-input",
		`[{},]`:       "Unexpected character (']' (code 93))",
		`[{}}`:        "Unexpected close marker '}': expected ']'",
		`[{} {}]`:     "was expecting comma to separate Array entries",
		`[1]`:         "from Integer value (token `JsonToken.VALUE_NUMBER_INT`)",
		"[\n\n 1":     "line: 3, column: 2",
	} {
		_, err := readBody([]byte(body), func(r *jsonReader) { r.taskConfigs() })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, not %q", body, err, want)
		}
	}
}

// FuzzBody compares with encoding/json, which is as strict: what one reads the
// other reads, to the same texts. Jackson alone refuses bytes that are no UTF-8,
// nested values where texts belong, and says in what comes first what is wrong.
func FuzzBody(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":"b","c":1.5e+3,"d":true,"e":null,"f":-0}`, ` { "a" : "\"\\\/\b\f\n\r\t\u0041\ud83d\ude42" } `, `{"a":01}`, `{"a":"` + "\x01" + `"}`, `[`, `null`, ``, `{"a":1}x`, `{"a":{}}`, `{"a":-}`, `{"a":1.}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got map[string]*string
		read, err := readBody(body, func(r *jsonReader) { got = r.textMap() })
		var want map[string]any
		d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
		d.UseNumber()
		wantErr := d.Decode(&want)
		if wantErr == nil {
			if _, end := d.Token(); end != io.EOF {
				wantErr = errors.New("there is more")
			}
		}
		scalars := true
		for _, v := range want {
			switch v.(type) {
			case map[string]any, []any:
				scalars = false
			}
		}
		switch {
		case err == nil && !read:
			if len(bytes.Trim(bytes.TrimPrefix(body, []byte("\ufeff")), " \t\r\n")) != 0 {
				t.Fatalf("%q was taken for nothing", body)
			}
		case err != nil && wantErr == nil && scalars && utf8.Valid(body):
			t.Fatalf("%q was refused: %v", body, err)
		case err == nil && wantErr != nil:
			t.Fatalf("%q was read; encoding/json says %v", body, wantErr)
		case err == nil:
			if len(got) != len(want) {
				t.Fatalf("%q: %v, not %v", body, got, want)
			}
			for k, v := range want {
				if p := got[k]; (p == nil) != (v == nil) || p != nil && *p != fmt.Sprint(v) {
					t.Fatalf("%q: %s is %v, not %v", body, k, p, v)
				}
			}
		}
	})
}
