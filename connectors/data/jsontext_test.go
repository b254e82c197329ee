package data

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAppendJSONString(t *testing.T) {
	for in, want := range map[string]string{
		"":                      `""`,
		"a/b<&>'":               `"a/b<&>'"`,
		"q\" \\ \b\t\n\f\r\x1f": `"q\" \\ \b\t\n\f\r\u001F"`,
		"ü 日\u2028\x7f":         "\"ü 日\u2028\x7f\"",
		"🙂x":                    `"\uD83D\uDE42x"`,
		"a\xffb\uFFFD":          "\"a\uFFFDb\uFFFD\"",
		"\U0010FFFF\U00010000":  `"\uDBFF\uDFFF\uD800\uDC00"`,
	} {
		if got := string(AppendJSONString(nil, in)); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func FuzzAppendJSONString(f *testing.F) {
	f.Add("🙂 \x00\xf0\x9f é\\\"")
	f.Fuzz(func(t *testing.T, s string) {
		var back string
		b := AppendJSONString(nil, s)
		if err := json.Unmarshal(b, &back); err != nil || !utf8.Valid(b) {
			t.Fatalf("%q: %s: %v", s, b, err)
		}
		want, _ := json.Marshal(s)
		var norm string
		if err := json.Unmarshal(want, &norm); err != nil || back != norm || strings.ContainsFunc(string(b), func(r rune) bool { return r > 0xffff }) {
			t.Fatalf("%q became %q", s, back)
		}
	})
}
