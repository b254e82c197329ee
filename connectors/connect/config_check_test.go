package connect_test

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
)

func TestTextChecks(t *testing.T) {
	for _, c := range []struct {
		name, value, want string
		check             connect.Check[string]
	}{
		{"fold", "Required", "", connect.OneOfFold("required", "requested")},
		{"fold", "x", "String must be one of (case insensitive): REQUIRED, REQUESTED", connect.OneOfFold("required", "requested")},
		{"label", "", "String may not be empty", connect.Label()},
		{"label", "a\nb\x7f", "String may not contain control sequences but had the following ASCII chars: 10, 127", connect.Label()},
		{"label", "größe/µ", "", connect.Label()},
		{"non-empty", "", "String must be non-empty", connect.NonEmpty()},
		{"regex", "a+", "", connect.Regex()},
		{"regex", "(", "Invalid regex: Unclosed group near index 1\n(", connect.Regex()},
		{"regex", "[a", "Invalid regex: Unclosed character class near index 1\n[a\n ^", connect.Regex()},
		{"regex", "*a", "Invalid regex: Dangling meta character '*' near index 0\n*a\n^", connect.Regex()},
		{"regex", "a)", "Invalid regex: Unmatched closing ')' near index 0\na)\n^", connect.Regex()},
		{"url", "opc.tcp://h:1/x", "", connect.URL("opc.tcp")},
		{"url", "h:1", "scheme h is not supported; expected a http:// or https:// URL", connect.URL("http", "https")},
		{"url", "plc", "expected a http:// URL such as http://host:port", connect.URL("http")},
		{"url", "http://u:p@h:x/", "not a URL; expected a http:// URL", connect.URL("http")},
	} {
		t.Run(c.name+" "+c.value, func(t *testing.T) {
			got := ""
			if err := c.check.Valid(c.value); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestOtherChecks(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{connect.Port().Valid(1), ""},
		{connect.Port().Valid(65535), ""},
		{connect.Port().Valid(0), "Value must be at least 1"},
		{connect.Port().Valid(65536), "Value must be no more than 65535"},
		{connect.NonEmptySecret().Valid("x"), ""},
		{connect.NonEmptySecret().Valid(""), "String must be non-empty"},
		{connect.Each(connect.OneOf("a", "b")).Valid([]string{"a", "b"}), ""},
		{connect.Each(connect.OneOf("a", "b")).Valid([]string{"a", "c"}), "c: String must be one of: a, b"},
		{connect.Each(connect.OneOf("a")).Valid(nil), ""},
	} {
		got := ""
		if c.err != nil {
			got = c.err.Error()
		}
		if got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestCheckTexts(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{connect.OneOf("a", "b").Text, "[a, b]"},
		{connect.OneOfFold("a", "b").Text, "(case insensitive) [A, B]"},
		{connect.AtLeast(0).Text, "[0,...]"},
		{connect.Between(0.5, 1.0).Text, "[0.5,...,1.0]"},
		{connect.AtMost(int64(3)).Text, "[...,3]"},
		{connect.ListOf("a").Text, "[a]"},
		{connect.ListOf().Text, ""},
		{connect.Port().Text, "[1,...,65535]"},
		{connect.Each(connect.NonEmpty()).Text, "list of non-empty string"},
		{connect.NonEmptySecret().Text, "non-empty string"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"tasks.max", "topics", "topics.regex", "file"}
	for in, want := range map[string]string{"task.max": "tasks.max", "topic": "topics", "Topics": "topics", "topcis": "topics", "zebra.crossing": "", "x": ""} {
		if got := connect.Nearest(in, names); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzParse looks for a value that panics or that is taken and then not shown
// as a value that is taken again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"", " 1 ", "-0x1p3", "1d", "a , b,", "true", "9223372036854775807", "NaN"} {
		for _, typ := range []string{"INT", "LONG", "DOUBLE", "LIST", "BOOLEAN", "STRING"} {
			f.Add(typ, s)
		}
	}
	f.Fuzz(func(t *testing.T, typ, s string) {
		switch typ {
		case "INT", "SHORT", "LONG", "DOUBLE", "LIST", "BOOLEAN", "STRING":
		default:
			return
		}
		c := &oneProperty{typ: typ}
		var d connect.ConfigDef
		c.Define(&d)
		first := d.Validate(connect.Props{"k": s})[0].Value
		if len(first.Errors) > 0 {
			return
		}
		again := d.Validate(connect.Props{"k": *first.Value})[0].Value
		if len(again.Errors) > 0 || *again.Value != *first.Value {
			t.Fatalf("%s %q shows as %q, and that as %v %v", typ, s, *first.Value, again.Value, again.Errors)
		}
	})
}
