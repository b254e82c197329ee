package data_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/millwright-connect/millwright/connectors/data"
)

func TestText(t *testing.T) {
	s := data.StructOf("s", data.F("a", data.Of(data.Int32)), data.F("b", data.OptionalOf(data.String)), data.F("c", data.Of(data.Float32)))
	for _, c := range []struct {
		v    data.Value
		want string
	}{
		{data.Value{}, "null"},
		{data.F64(1), "1.0"},
		{data.F64(1e7), "1.0E7"},
		{data.F64(123456.789), "123456.789"},
		{data.F64(0.001), "0.001"},
		{data.F64(0.0001), "1.0E-4"},
		{data.F64(4.9e-324), "4.9E-324"},
		{data.F64(1.598532531463979e18), "1.59853253146397901E18"}, // the digit too many of Java up to 18
		{data.F64(math.MaxFloat64), "1.7976931348623157E308"},
		{data.F64(math.Copysign(0, -1)), "-0.0"},
		{data.F64(math.NaN()), "NaN"},
		{data.F64(math.Inf(-1)), "-Infinity"},
		{data.F32(1.1), "1.1"},
		{data.F32(-2.14748365e9), "-2.14748365E9"},
		{data.F32(0.041872427), "0.041872427"},
		{data.Dec(big.NewInt(12345), 2), "123.45"},
		{data.Dec(big.NewInt(-5), 3), "-0.005"},
		{data.Dec(big.NewInt(0), 2), "0.00"},
		{data.Dec(big.NewInt(15), 8), "1.5E-7"},
		{data.Dec(big.NewInt(1), -400), "1E+400"},
		{data.BigInt(new(big.Int).Lsh(big.NewInt(1), 70)), "1180591620717411303424"},
		{data.Millis(0), "Thu Jan 01 00:00:00 UTC 1970"},
		{data.Millis(1483425001864), "Tue Jan 03 06:30:01 UTC 2017"},
		{data.Millis(-12219292800001), "Thu Oct 04 23:59:59 UTC 1582"}, // the day before 15 October
		{data.List([]data.Value{data.Str("a"), {}, data.B(true)}), "[a, null, true]"},
		{data.MapFrom([]data.Entry{{Key: data.Str("k"), Value: data.I8(1)}, {Key: data.I32(2), Value: data.Str("v")}}), "{k=1, 2=v}"},
		{data.NewStruct(s, data.I32(1), data.Value{}, data.F32(2)).Value(), "Struct{a=1,c=2.0}"},
		{data.Other("java.lang.StringBuilder"), "java.lang.StringBuilder"},
	} {
		if got := data.Text(c.v); got != c.want {
			t.Errorf("want %s, got %s", c.want, got)
		}
	}
}

func TestCalendarIsJulianBefore1582(t *testing.T) {
	for _, c := range []struct {
		day, year  int64
		month, dom int
	}{
		{0, 1970, 1, 1},
		{11016, 2000, 2, 29},
		{-141427, 1582, 10, 15},
		{-141428, 1582, 10, 4},
		{-719164, 1, 1, 1},
		{-719165, 0, 12, 31},
	} {
		if y, m, d := data.Civil(c.day); y != c.year || m != c.month || d != c.dom {
			t.Errorf("day %d: want %d-%d-%d, got %d-%d-%d", c.day, c.year, c.month, c.dom, y, m, d)
		}
		if got := data.DayOf(c.year, c.month, c.dom); got != c.day {
			t.Errorf("%d-%d-%d: want day %d, got %d", c.year, c.month, c.dom, c.day, got)
		}
	}
	for day := int64(-800_000); day < 800_000; day += 7 {
		y, m, d := data.Civil(day)
		if got := data.DayOf(y, m, d); got != day {
			t.Fatalf("day %d becomes %d-%d-%d, which is day %d", day, y, m, d, got)
		}
	}
	if got, want := data.DayOf(2017, 14, 30), data.DayOf(2018, 3, 2); got != want {
		t.Errorf("30 February 2018 is day %d, want %d", got, want)
	}
}

func TestParseDecimal(t *testing.T) {
	for text, want := range map[string]string{
		"1.50": "150/2", "-0.0": "0/1", "+7": "7/0", "1e3": "1/-3", "12.5E-3": "125/4", ".5": "5/1", "5.": "5/0", "0e99": "0/-99",
		"": "", ".": "", "1e": "", "1_0": "", "1e99999999999": "", "--1": "", "1.2.3": "", "1 ": "", "0x1": "",
	} {
		d, err := data.ParseDecimal(text)
		got := ""
		if err == nil {
			got = d.Unscaled.String() + "/" + big.NewInt(int64(d.Scale)).String()
		}
		if got != want {
			t.Errorf("%q: want %q, got %q (%v)", text, want, got, err)
		}
	}
}

func TestBigIntBytes(t *testing.T) {
	big70 := new(big.Int).Lsh(big.NewInt(1), 70)
	for _, c := range []struct {
		n    *big.Int
		want []byte
	}{
		{big.NewInt(0), []byte{0}},
		{big.NewInt(127), []byte{0x7f}},
		{big.NewInt(128), []byte{0, 0x80}},
		{big.NewInt(-128), []byte{0x80}},
		{big.NewInt(-129), []byte{0xff, 0x7f}},
		{big.NewInt(math.MinInt64), []byte{0x80, 0, 0, 0, 0, 0, 0, 0}},
		{big70, []byte{0x40, 0, 0, 0, 0, 0, 0, 0, 0}},
		{new(big.Int).Neg(big70), []byte{0xc0, 0, 0, 0, 0, 0, 0, 0, 0}},
		{new(big.Int).Lsh(big.NewInt(-1), 71), []byte{0x80, 0, 0, 0, 0, 0, 0, 0, 0}},
	} {
		b := data.AppendBigInt(nil, c.n)
		if !bytes.Equal(b, c.want) {
			t.Errorf("%d: want %x, got %x", c.n, c.want, b)
		}
		if got := data.BigIntOf(b); got.Cmp(c.n) != 0 {
			t.Errorf("%x: want %d, got %d", b, c.n, got)
		}
	}
}

func TestFrom(t *testing.T) {
	now := time.UnixMilli(1483425001864)
	reused := []byte("abc")
	for _, c := range []struct {
		x    any
		want data.Value
	}{
		{nil, data.Value{}},
		{true, data.B(true)},
		{int8(-1), data.I8(-1)},
		{int16(2), data.I16(2)},
		{int32(3), data.I32(3)},
		{int64(4), data.I64(4)},
		{5, data.I64(5)},
		{uint8(255), data.I16(255)},
		{uint16(65535), data.I32(65535)},
		{uint32(1 << 31), data.I64(1 << 31)},
		{uint64(7), data.I64(7)},
		{uint64(math.MaxUint64), data.BigInt(new(big.Int).SetUint64(math.MaxUint64))},
		{float32(1.5), data.F32(1.5)},
		{2.5, data.F64(2.5)},
		{"x", data.Str("x")},
		{reused, data.Bin([]byte("abc"))},
		{[]byte(nil), data.Value{}},
		{now, data.Millis(1483425001864)},
		{big.NewInt(9), data.BigInt(big.NewInt(9))},
		{json.Number("12"), data.I64(12)},
		{json.Number("1.5"), data.F64(1.5)},
		{[]any{1, "a", nil}, data.List([]data.Value{data.I64(1), data.Str("a"), {}})},
		{map[string]any{"b": 1, "a": "x"}, data.MapFrom([]data.Entry{{Key: data.Str("a"), Value: data.Str("x")}, {Key: data.Str("b"), Value: data.I64(1)}})},
	} {
		got, err := data.From(c.x)
		if err != nil || !data.Equal(got, c.want) {
			t.Errorf("%T %v: want %v, got %v (%v)", c.x, c.x, c.want, got, err)
		}
	}
	v, _ := data.From(reused)
	reused[0] = 'X'
	if string(v.Bytes()) != "abc" {
		t.Error("bytes are shared with the driver")
	}
	_, err := data.From(struct{}{})
	var e *data.Error
	if !errors.As(err, &e) || e.Class != data.DataException || e.Message != "a value of the Go type struct {} has no place in Connect's data model" {
		t.Errorf("got %v", err)
	}
}

func TestNewStructSchema(t *testing.T) {
	for _, c := range []struct {
		fields []data.Field
		want   string
	}{
		{[]data.Field{data.F("", data.Of(data.Int8))}, "fieldName cannot be null."},
		{[]data.Field{data.F("a", nil)}, "fieldSchema for field a cannot be null."},
		{[]data.Field{data.F("a", data.Of(data.Int8)), data.F("a", data.Of(data.Int8))}, "Cannot create field because of field name duplication a"},
	} {
		if _, err := data.NewStructSchema("s", c.fields...); err == nil || err.Error() != c.want {
			t.Errorf("want %q, got %v", c.want, err)
		}
	}
	s, err := data.NewStructSchema("s", data.F("a", data.Of(data.Int8)))
	if err != nil || s.String() != "Schema{s:STRUCT}" {
		t.Errorf("got %v, %v", s, err)
	}
}

func TestMapsFindEveryKindOfKey(t *testing.T) {
	var entries []data.Entry
	for i := range 20 {
		entries = append(entries,
			data.Entry{Key: data.I32(int32(i)), Value: data.I8(1)},
			data.Entry{Key: data.I64(int64(i)), Value: data.I8(2)},
			data.Entry{Key: data.F64(float64(i)), Value: data.I8(3)},
			data.Entry{Key: data.Str(string(rune('a' + i))), Value: data.I8(4)},
			data.Entry{Key: data.I32(int32(i)), Value: data.I8(5)})
	}
	m := data.NewMap(entries)
	if m.Len() != 80 {
		t.Errorf("want 80 entries, got %d", m.Len())
	}
	for _, c := range []struct {
		key  data.Value
		want int64
	}{{data.I32(7), 5}, {data.I64(7), 2}, {data.F64(7), 3}, {data.Str("h"), 4}} {
		if v, ok := m.Lookup(c.key); !ok || v.Int() != c.want {
			t.Errorf("%v: want %d, got %v", c.key, c.want, v)
		}
	}
	if _, ok := m.Lookup(data.I16(7)); ok {
		t.Error("an Int16 is found as another type's key")
	}
}

// TestMapsKeepTheLastOfAKey compares maps of all sizes, with and without an
// index, with the plain way to make one.
func TestMapsKeepTheLastOfAKey(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 60 {
		var entries, want []data.Entry
		for i := range n {
			key := data.Str(fmt.Sprint(random.IntN(n)))
			switch random.IntN(6) {
			case 0:
				key = data.I32(int32(random.IntN(n)))
			case 1:
				key = data.Str("")
			case 2:
				key = data.Value{}
			}
			e := data.Entry{Key: key, Value: data.I32(int32(i))}
			entries = append(entries, e)
			if at := slices.IndexFunc(want, func(o data.Entry) bool { return data.Equal(o.Key, key) }); at >= 0 {
				want[at] = e
			} else {
				want = append(want, e)
			}
		}
		before := slices.Clone(entries)
		m := data.NewMap(entries)
		if !slices.EqualFunc(m.Entries(), want, sameEntry) {
			t.Errorf("%d entries %v: got %v", n, entries, m.Entries())
		}
		for _, e := range want {
			if v, ok := m.Lookup(e.Key); !ok || !data.Equal(v, e.Value) {
				t.Errorf("%d entries: %v is %v", n, e.Key, v)
			}
		}
		if _, ok := m.Get("none"); ok {
			t.Error("a key that is not there was found")
		}
		if !slices.EqualFunc(entries, before, sameEntry) {
			t.Error("the caller's entries were changed")
		}
	}
}

func sameEntry(a, b data.Entry) bool { return data.Equal(a.Key, b.Key) && data.Equal(a.Value, b.Value) }

func TestBatch(t *testing.T) {
	s := data.StructOf("s", data.F("a", data.Of(data.Int32)), data.F("b", data.OptionalOf(data.String)))
	b := data.NewBatch(s, 3)
	var made []*data.Struct
	for i := range 10 {
		one, fields := b.New()
		fields[0], fields[1] = data.I32(int32(i)), data.Str("x")
		made = append(made, one)
	}
	for i, one := range made {
		if want := data.NewStruct(s, data.I32(int32(i)), data.Str("x")); !one.Equal(want) {
			t.Errorf("struct %d is %v", i, one.Value())
		}
	}
	if n := testing.AllocsPerRun(10, func() {
		b := data.NewBatch(s, 1000)
		for range 1000 {
			_, fields := b.New()
			fields[0] = data.I32(1)
		}
	}); n > 3 {
		t.Errorf("a batch of 1000 structs takes %v allocations", n)
	}
}

func TestStructsAreNoDefaults(t *testing.T) {
	s := data.StructOf("s", data.F("x", data.OptionalOf(data.Int8)))
	v := data.NewStruct(s, data.Value{}).Value()
	var wrong *data.Error
	if _, err := s.WithDefault(v); !errors.As(err, &wrong) || wrong.Class != data.SchemaBuilderException || errors.Unwrap(wrong).Error() != "Struct schemas do not match." {
		t.Errorf("a struct as a default: %v", err)
	}
	if _, err := data.ArrayOf(s).WithDefault(data.List([]data.Value{v})); err != nil {
		t.Errorf("a list of structs as a default: %v", err)
	}
}
