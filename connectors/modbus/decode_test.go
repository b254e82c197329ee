package modbus

import (
	"encoding/hex"
	"math"
	"testing"

	"github.com/millwright-connect/millwright/connectors/data"
)

func TestDecode(t *testing.T) {
	for _, tt := range []struct{ spec, bytes, want string }{
		{"holding:0:int16", "fffe", "-2"},
		{"holding:0:int16:ba", "feff", "-2"},
		{"holding:0:uint16", "fffe", "65534"},
		{"holding:0:int32", "fffffffe", "-2"},
		{"holding:0:uint32:abcd", "01020304", "16909060"},
		{"holding:0:uint32:cdab", "03040102", "16909060"},
		{"holding:0:uint32:badc", "02010403", "16909060"},
		{"holding:0:uint32:dcba", "04030201", "16909060"},
		{"holding:0:float32:abcd", "42f6e979", "123.456"},
		{"holding:0:float32:cdab", "e97942f6", "123.456"},
		{"holding:0:float32:badc", "f64279e9", "123.456"},
		{"holding:0:float32:dcba", "79e9f642", "123.456"},
		{"holding:0:int64:abcdefgh", "0102030405060708", "72623859790382856"},
		{"holding:0:int64:ghefcdab", "0708050603040102", "72623859790382856"},
		{"holding:0:int64:badcfehg", "0201040306050807", "72623859790382856"},
		{"holding:0:int64:hgfedcba", "0807060504030201", "72623859790382856"},
		{"holding:0:int64", "ffffffffffffffff", "-1"},
		{"holding:0:uint64", "7fffffffffffffff", "9223372036854775807"},
		{"holding:0:float64", "405edd2f1a9fbe77", "123.456"},
		{"holding:0:float64:cdab", "be771a9fdd2f405e", "123.456"},
		{"holding:0.0", "0001", "true"},
		{"holding:0.15", "7fff", "false"},
		{"holding:0.8:ba", "0001", "true"},
		{"holding:0:string(6)", "505245535320", "PRESS"},
		{"holding:0:string(6)", "414200434445", "AB"},
		{"holding:0:string(5)", "4142434445ff", "ABCDE"},
		{"holding:0:string(4):badc", "42414443", "ABCD"},
		{"holding:0:string(4)", "c3a43132", "ä12"},
		{"holding:0:string(2)", "b043", "°C"},
		{"holding:0:string(4)", "00000000", ""},
		{"holding:0-2", "000100020003", "[1 2 3]"},
		{"holding:0-3:int32:cdab", "0001000000020000", "[1 2]"},
		{"holding:0-3:string(3)", "414243ff444500ff", "[ABC DE]"},
		{"holding:0:int16*0.1", "0003", "0.3"},
		{"holding:0:int16*0.1-40", "0191", "0.10000000000000142"}, // 40.1-40 in doubles
		{"holding:0:int16*-0.5+1", "0004", "-1"},
		{"holding:0:uint16*3", "ffff", "196605"},
		{"holding:0:uint64*1", "ffffffffffffffff", "1.8446744073709552e+19"},
		{"holding:0-1:uint16*0.01", "0001000a", "[0.01 0.1]"},
		{"holding:0:float32*2", "42f6e979", "246.91200256347656"},
		{"holding:0:int32*2", "fffffffe", "-4"},
		{"holding:0:uint32*2", "fffffffe", "8.589934588e+09"},
		{"holding:0:int64*2", "fffffffffffffffe", "-4"},
		{"holding:0:float64*2", "405edd2f1a9fbe77", "246.912"},
	} {
		g, err := (&rules{}).listed("t:" + tt.spec)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeAll(g, tt.bytes, uintInt)
		if err != nil {
			t.Errorf("%s: %v", tt.spec, err)
		} else if got.String() != tt.want {
			t.Errorf("%s of %s: %v, want %s", tt.spec, tt.bytes, got, tt.want)
		} else if err := g.schema.Check(got); err != nil {
			t.Errorf("%s: %v does not fit its schema: %v", tt.spec, got, err)
		}
	}
}

func decodeAll(g *tag, bytes, wideUint string) (data.Value, error) {
	b, err := hex.DecodeString(bytes)
	if err != nil {
		return data.Value{}, err
	}
	dst := make([]data.Value, g.count)
	if err := g.decode(dst, b, wideUint); err != nil {
		return data.Value{}, err
	}
	if g.array {
		return data.List(dst), nil
	}
	return dst[0], nil
}

func TestWideUint(t *testing.T) {
	for form, want := range map[string]string{uintInt: "", uintDecimal: "18446744073709551615", uintString: "18446744073709551615"} {
		g, err := (&rules{wideUint: form}).listed("t:holding:0:uint64")
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeAll(g, "ffffffffffffffff", form)
		if want == "" {
			if err == nil {
				t.Errorf("%s: %v, want an error: the number does not fit", form, got)
			}
			continue
		}
		if err != nil || got.String() != want || g.schema.Check(got) != nil {
			t.Errorf("%s: %v, %v (schema: %v)", form, got, err, g.schema.Check(got))
		}
	}
}

// FuzzDecode: any registers give a value that fits the tag's schema or an error,
// and the four orders are four views of the same bytes.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x01\x02\x03\x04\x05\x06\x07\x08"), uint8(6), uint8(3), false)
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff"), uint8(6), uint8(0), false)
	f.Add([]byte("\x7f\xc0\x00\x00\x00\x00\x00\x00"), uint8(7), uint8(1), true)
	names := []string{"int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "string(7)", "string(8)"}
	views := []string{"abcd", "cdab", "badc", "dcba"}
	f.Fuzz(func(t *testing.T, b []byte, k, o uint8, scaled bool) {
		if len(b) < 8 {
			return
		}
		name := names[int(k)%len(names)]
		spec := "t:holding:0:" + name + ":" + views[o%4]
		if scaled && int(k)%len(names) < 8 {
			spec += "*0.1+2"
		}
		for _, form := range []string{uintInt, uintDecimal, uintString} {
			g, err := (&rules{wideUint: form}).listed(spec)
			if err != nil {
				t.Fatal(err)
			}
			dst := make([]data.Value, 1)
			if err := g.decode(dst, b, form); err != nil {
				if g.kind != uint64Kind || form != uintInt || g.order.u64(b) <= math.MaxInt64 {
					t.Fatalf("%s of %x: %v", spec, b[:8], err)
				}
				continue
			}
			if err := g.schema.Check(dst[0]); err != nil {
				t.Fatalf("%s of %x: %v: %v", spec, b[:8], dst[0], err)
			}
		}
		// abcd of the bytes put in order by hand is the view of the bytes as they are.
		x := order{o&2 != 0, o&1 != 0}
		h := [8]byte(b[:8])
		if x.swapBytes {
			for i := 0; i < 8; i += 2 {
				h[i], h[i+1] = h[i+1], h[i]
			}
		}
		w := h
		if x.swapWords {
			for i := range 4 {
				copy(w[2*i:], h[6-2*i:8-2*i])
			}
		}
		if got, want := x.u64(b), (order{}).u64(w[:]); got != want {
			t.Fatalf("%v of %x is %x, want %x", x, b[:8], got, want)
		}
	})
}
