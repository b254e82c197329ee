package jackson

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/millwright-connect/millwright/connectors/data"
)

// TestAppendFloat64 sees that the short way gives what Double.toString gives.
func TestAppendFloat64(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		f := float64(r.Int64N(1e15)) / math.Pow10(r.IntN(12))
		if r.IntN(4) == 0 {
			f = r.NormFloat64() * math.Pow10(r.IntN(20)-10)
		}
		got := string(AppendFloat64(nil, f))
		if want := string(data.AppendFloat64(nil, f)); got != want {
			t.Fatalf("%v is written as %s, want %s", f, got, want)
		}
		if back, err := strconv.ParseFloat(got, 64); err != nil || back != f {
			t.Fatalf("%v, written as %s, is read as %v, %v", f, got, back, err)
		}
	}
	for f, want := range map[float64]string{math.Inf(1): `"Infinity"`, math.Inf(-1): `"-Infinity"`, 0: "0.0", -1.5: "-1.5", 1e7: "1.0E7"} {
		if got := string(AppendFloat64(nil, f)); got != want {
			t.Errorf("%v is written as %s, want %s", f, got, want)
		}
	}
	if got := string(AppendFloat32(nil, float32(math.NaN()))); got != `"NaN"` {
		t.Errorf("NaN is written as %s", got)
	}
}

func TestDecodeBase64(t *testing.T) {
	for in, want := range map[string]string{"": "", "QQ==": "A", "QUI=": "AB", "QUJD": "ABC", " QQ== \nQUI= ": "AAB"} {
		if got, err := DecodeBase64(in); err != nil || string(got) != want {
			t.Errorf("%q is read as %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"Q", "QQ", "QQ=", "Q===", "QUJ!", "QQ=A", "QU JD"} {
		if got, err := DecodeBase64(in); err == nil {
			t.Errorf("%q is read as %q, want an error", in, got)
		}
	}
}
