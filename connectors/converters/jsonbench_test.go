package converters

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/connectors/internal/jackson"
)

// reading is a record as plants send them, of about 100 bytes of payload.
var reading = data.StructOf("reading",
	data.F("tag", data.Of(data.String)),
	data.F("ts", data.Timestamp()),
	data.F("value", data.Of(data.Float64)),
	data.F("quality", data.Of(data.Int32)),
	data.F("good", data.Of(data.Bool)),
	data.F("unit", data.OptionalOf(data.String)),
)

func aReading() data.Datum {
	return data.NewStruct(reading, data.Str("plant1.line3.press7.temperature"), data.Millis(1700000000123), data.F64(21.53),
		data.I32(192), data.B(true), data.Str("°C")).Datum()
}

func mustJSON(tb testing.TB, p connect.Props) *jsonConverter {
	tb.Helper()
	j, err := openJSON(as(p, "value"))
	if err != nil {
		tb.Fatal(err)
	}
	return j
}

func BenchmarkJSONEncode(b *testing.B) {
	for name, props := range map[string]connect.Props{"schema": nil, "plain": {"schemas.enable": "false"}} {
		b.Run(name, func(b *testing.B) {
			j, d := mustJSON(b, props), aReading()
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if dst, err = j.Encode(dst[:0], "t", nil, d); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(dst)))
		})
	}
}

// 1 M × 100 B lines of a file: the record of W2j and W3j.
func BenchmarkJSONLine(b *testing.B) {
	line := data.Datum{Schema: data.Of(data.String), Value: data.Str("2026-11-24T12:00:00.000Z plant1 line3 press7 temperature 21.53 pressure 1013.25 status ok seq 0001")}
	j := mustJSON(b, nil)
	enc, err := j.Encode(nil, "t", nil, line)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		var dst []byte
		b.ReportAllocs()
		for b.Loop() {
			dst, _ = j.Encode(dst[:0], "t", nil, line)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := j.Decode("t", nil, enc); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkJSONDecode(b *testing.B) {
	for _, c := range []struct {
		name  string
		props connect.Props
	}{{"schema", nil}, {"plain", connect.Props{"schemas.enable": "false"}}} {
		b.Run(c.name, func(b *testing.B) {
			j := mustJSON(b, c.props)
			enc, err := j.Encode(nil, "t", nil, aReading())
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(enc)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := j.Decode("t", nil, enc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("alternating schemas", func(b *testing.B) {
		j := mustJSON(b, nil)
		one, _ := j.Encode(nil, "t", nil, aReading())
		two, _ := j.Encode(nil, "t", nil, data.Datum{Schema: data.Of(data.Int64), Value: data.I64(7)})
		b.ReportAllocs()
		for b.Loop() {
			_, err1 := j.Decode("t", nil, one)
			_, err2 := j.Decode("t", nil, two)
			if err1 != nil || err2 != nil {
				b.Fatal(err1, err2)
			}
		}
	})
}

func BenchmarkFloat(b *testing.B) {
	var dst []byte
	for b.Loop() {
		dst = jackson.AppendFloat64(dst[:0], 1013.25)
	}
}
