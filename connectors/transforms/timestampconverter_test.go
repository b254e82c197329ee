package transforms

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func TestTimestampConverterField(t *testing.T) {
	for _, c := range []struct {
		target, format string
		want           data.Value
		schema         *data.Schema
	}{
		{"string", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", data.Str("2017-01-03T06:30:01.864Z"), data.Of(data.String)},
		{"Date", "", data.Millis(1483401600000), data.Date()},
		{"Time", "", data.Millis(23401864), data.Time()},
		{"Timestamp", "", data.Millis(1483425001864), data.Timestamp()},
		{"unix", "", data.I64(1483425001864), data.Of(data.Int64)},
	} {
		r := plantRecord()
		apply(t, "TimestampConverter$Value", connect.Props{"field": "at", "target.type": c.target, "format": c.format}, &r)
		sameValue(t, c.want, r.Value.Value.Struct().Get("at"))
		if s := r.Value.Schema.Field("at"); !data.EqualSchemas(s, c.schema) {
			t.Errorf("%s: schema %v", c.target, s)
		}
	}
}

// A text can name its zone; Java writes the text back in that zone.
func TestTimestampConverterZones(t *testing.T) {
	for _, c := range []struct {
		target, format, text string
		want                 data.Value
	}{
		{"unix", "yyyy-MM-dd HH:mm z", "2017-07-03 06:30 PST", data.I64(1499092200000)},
		{"unix", "yyyy-MM-dd HH:mm zzzz", "2017-07-03 06:30 Pacific Daylight Time", data.I64(1499088600000)},
		{"unix", "yyyy-MM-dd HH:mm z", "2017-07-03 06:30 GMT+02:00", data.I64(1499056200000)},
		{"string", "HH:mm z", "06:30 CET", data.Str("06:30 CET")},
	} {
		r := connect.Record{Value: data.Datum{Value: data.Str(c.text)}}
		apply(t, "TimestampConverter$Value", connect.Props{"target.type": c.target, "format": c.format}, &r)
		sameValue(t, c.want, r.Value.Value)
	}
}

func TestTimestampConverterNeedsAFormat(t *testing.T) {
	r := connect.Record{Value: data.Datum{Value: data.Str("2017")}}
	fails(t, "TimestampConverter$Value", connect.Props{"target.type": "unix"}, &r,
		"the timestamp is a string, which can be read only with the property format; set it to the pattern of the text")
}

func TestUnixPrecisionSaturates(t *testing.T) {
	for in, want := range map[int64]int64{1: 1000, 1 << 62: 1<<63 - 1, -1 << 62: -1 << 63} {
		if got := saturatingMul(in, 1000); got != want {
			t.Errorf("%d: want %d, got %d", in, want, got)
		}
	}
}
