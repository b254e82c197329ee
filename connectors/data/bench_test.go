package data_test

import (
	"fmt"
	"math/big"
	"testing"

	"github.com/millwright-connect/millwright/connectors/data"
)

var reading = data.StructOf("reading",
	data.F("tag", data.Of(data.String)), data.F("value", data.Of(data.Float64)),
	data.F("quality", data.Of(data.Int32)), data.F("at", data.Timestamp()))

func BenchmarkBatch(b *testing.B) {
	b.ReportAllocs()
	batch := data.NewBatch(reading, 1000)
	for b.Loop() {
		s, fields := batch.New()
		fields[0], fields[1], fields[2], fields[3] = data.Str("plant/line1/temperature"), data.F64(21.5), data.I32(192), data.Millis(1483425001864)
		_ = s.Datum()
	}
}

func BenchmarkNewMap(b *testing.B) {
	for _, n := range []int{4, 12, 24, 48} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			entries := make([]data.Entry, n)
			for i := range entries {
				entries[i] = data.Entry{Key: data.Str(fmt.Sprintf("sensor_%d", i)), Value: data.F64(21.5)}
			}
			for b.Loop() {
				if data.NewMap(entries).Len() != n {
					b.Fatal("entries were lost")
				}
			}
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	b.ReportAllocs()
	v := data.NewStruct(reading, data.Str("plant/line1/temperature"), data.F64(21.5), data.I32(192), data.Millis(1483425001864)).Value()
	for b.Loop() {
		if err := reading.Check(v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendText(b *testing.B) {
	for name, v := range map[string]data.Value{
		"float64": data.F64(21.512345), "float32": data.F32(21.5), "whole": data.F64(192), "date": data.Millis(1483425001864),
		"decimal": data.Dec(big.NewInt(1234567), 2),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var buf [64]byte
			for b.Loop() {
				data.AppendText(buf[:0], v)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for _, s := range []string{"plain text", "42", "21.5", "2017-01-03T06:30:01.864Z", `{"a":1,"b":2}`} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				data.Parse(s)
			}
		})
	}
}

func BenchmarkFromLogical(b *testing.B) {
	b.ReportAllocs()
	s, v := data.Timestamp(), data.Millis(1483425001864)
	for b.Loop() {
		if _, err := data.FromLogical(s, v); err != nil {
			b.Fatal(err)
		}
	}
}
