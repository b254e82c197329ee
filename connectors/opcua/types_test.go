package opcua

import (
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// typeCases are the test servers' variables: schema of the value, value, and
// text with value.format=string.
var typeCases = map[string]struct {
	schema *data.Schema
	value  string
	text   string
}{
	"Boolean":       {data.OptionalOf(data.Bool), "true", "true"},
	"SByte":         {data.OptionalOf(data.Int8), "-128", "-128"},
	"Byte":          {data.OptionalOf(data.Int16), "255", "255"},
	"Int16":         {data.OptionalOf(data.Int16), "-32768", "-32768"},
	"UInt16":        {data.OptionalOf(data.Int32), "65535", "65535"},
	"Int32":         {data.OptionalOf(data.Int32), "-2147483648", "-2147483648"},
	"UInt32":        {data.OptionalOf(data.Int64), "4294967295", "4294967295"},
	"Int64":         {data.OptionalOf(data.Int64), "-9223372036854775808", "-9223372036854775808"},
	"UInt64":        {data.Decimal(0).Optional(), "18446744073709551615", "18446744073709551615"},
	"Float":         {data.OptionalOf(data.Float32), "1.5", "1.5"},
	"Double":        {data.OptionalOf(data.Float64), "-2.25", "-2.25"},
	"String":        {data.OptionalOf(data.String), "Wärme", "Wärme"},
	"DateTime":      {data.Timestamp().Optional(), "2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"},
	"Guid":          {data.OptionalOf(data.String), "72962b91-fa75-4ae6-8d28-b404dc7daf63", "72962b91-fa75-4ae6-8d28-b404dc7daf63"},
	"ByteString":    {data.OptionalOf(data.Bytes), "0001ff", "AAH/"},
	"XmlElement":    {data.OptionalOf(data.String), "<a/>", "<a/>"},
	"NodeId":        {data.OptionalOf(data.String), "ns=3;s=x", "ns=3;s=x"},
	"QualifiedName": {data.OptionalOf(data.String), "2:q", "2:q"},
	"LocalizedText": {data.OptionalOf(data.String), "Druck", "Druck"},
	"StatusCode":    {data.OptionalOf(data.Int64), "2150891520", "BadNodeIdUnknown"},
	"Int32Array":    {data.ArrayOf(data.Of(data.Int32)).Optional(), "[1 -2 3]", "[1,-2,3]"},
	"DoubleArray":   {data.ArrayOf(data.Of(data.Float64)).Optional(), "[0.5 1.5]", "[0.5,1.5]"},
	"StringArray":   {data.ArrayOf(data.Of(data.String)).Optional(), "[a b]", `["a","b"]`},
	"ByteArray":     {data.ArrayOf(data.Of(data.Int16)).Optional(), "[1 2 255]", "[1,2,255]"},
	"Matrix":        {data.ArrayOf(data.ArrayOf(data.Of(data.Int32))).Optional(), "[[1 2 3] [4 5 6]]", "[[1,2,3],[4,5,6]]"},
	"Structure":     {structureSchema, "Struct[i=886 binary 000000000000f0bf0000000000005940]", "&{Low:-1 High:100}"},
}

// TestTypes reads a value of each type, by subscription and poll.
func TestTypes(t *testing.T) {
	var nodes []string
	for name := range typeCases {
		nodes = append(nodes, testURI+"Types."+name)
	}
	for _, format := range []string{structFormat, stringFormat} {
		for _, mode := range []string{subscribeMode, pollMode} {
			t.Run(format+" "+mode, func(t *testing.T) {
				onEach(t, func(t *testing.T, endpoint string) {
					r := run(t, props(endpoint, "nodes", strings.Join(nodes, ","), "mode", mode, "value.format", format))
					got := map[string]connect.SourceRecord{}
					r.poll(t, func(all []connect.SourceRecord) bool {
						for _, r := range all {
							got[strings.TrimPrefix(r.Key.Value.Str(), testURI+"Types.")] = r
						}
						return len(got) == len(typeCases)
					})
					for name, want := range typeCases {
						r, text := got[name], want.value
						if format == stringFormat {
							text = want.text
						} else if s := r.Value.Schema.Field("value"); !data.EqualSchemas(s, want.schema) {
							t.Errorf("%s: schema %s %s %v", name, s.Kind(), s.Name(), s.IsOptional())
						}
						if err := r.Value.Schema.Check(r.Value.Value); err != nil {
							t.Errorf("%s: %v", name, err)
						}
						v := r.Value.Value.Struct().Get("value")
						if v.Kind() == data.StructKind && v.Struct().Get("type").Str() == "i=886" {
							v = v.Struct().Value()
						}
						if v.String() != text {
							t.Errorf("%s: %s, want %s", name, v, text)
						}
					}
				})
			})
		}
	}
}
