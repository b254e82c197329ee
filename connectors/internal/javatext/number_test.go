package javatext

import (
	"math"
	"strconv"
	"testing"
)

// What a JVM (17) made of the texts: Double.parseDouble and Float.parseFloat,
// Byte.parseByte and Long.parseLong; "no" is a NumberFormatException.
var (
	floatTexts = [][3]string{
		{"1_0", "no", "no"},
		{"0x1p3", "8.0", "8.0"},
		{"0x1p3f", "8.0", "8.0"},
		{"0x1.8P1d", "3.0", "3.0"},
		{"1f", "1.0", "1.0"},
		{"1D", "1.0", "1.0"},
		{"0x1", "no", "no"},
		{"Inf", "no", "no"},
		{"nan", "no", "no"},
		{"NaN", "NaN", "NaN"},
		{"-NaN", "NaN", "NaN"},
		{"+NaN", "NaN", "NaN"},
		{"NaNf", "no", "no"},
		{"Infinity", "Infinity", "Infinity"},
		{"-Infinity", "-Infinity", "-Infinity"},
		{"infinity", "no", "no"},
		{" 1 ", "1.0", "1.0"},
		{"\u00091\u000a", "1.0", "1.0"},
		{"1e", "no", "no"},
		{"1e400", "Infinity", "Infinity"},
		{"-1e400", "-Infinity", "-Infinity"},
		{"1e-400", "0.0", "0.0"},
		{"+.5", "0.5", "0.5"},
		{".", "no", "no"},
		{"--1", "no", "no"},
		{"+-1", "no", "no"},
		{"1d5", "no", "no"},
		{"\uff11", "no", "no"},
		{"", "no", "no"},
		{"+", "no", "no"},
		{"5.", "5.0", "5.0"},
		{"1e+3", "1000.0", "1000.0"},
		{"1e3.5", "no", "no"},
		{"0x.8p0", "0.5", "0.5"},
		{"0xp1", "no", "no"},
		{"0x1pf", "no", "no"},
		{"1ff", "no", "no"},
		{"0x1p3ff", "no", "no"},
		{"f", "no", "no"},
		{"1.0E10", "1.0E10", "1.0E10"},
		{"0X1P3", "8.0", "8.0"},
		{"\u00a01", "no", "no"},
		{"1 2", "no", "no"},
		{"3.4028236e38", "3.4028236E38", "Infinity"},
		{"1e39", "1.0E39", "Infinity"},
		{"0x1.fffffffp127", "3.4028236628711316E38", "Infinity"},
	}
	intTexts = [][3]string{
		{"1", "1", "1"},
		{"+1", "1", "1"},
		{"-1", "-1", "-1"},
		{"127", "127", "127"},
		{"128", "no", "128"},
		{"-128", "-128", "-128"},
		{"-129", "no", "-129"},
		{"", "no", "no"},
		{"+", "no", "no"},
		{"-", "no", "no"},
		{"1_0", "no", "no"},
		{" 1", "no", "no"},
		{"\uff11\u0663", "13", "13"},
		{"0x1", "no", "no"},
		{"1e3", "no", "no"},
		{"--1", "no", "no"},
		{"+-1", "no", "no"},
		{"00012", "12", "12"},
		{"9223372036854775807", "no", "9223372036854775807"},
		{"9223372036854775808", "no", "no"},
		{"\u0661-", "no", "no"},
		{"𝟏𝟐", "no", "no"},
		{"1L", "no", "no"},
		{"-0", "0", "0"},
	}
)

func TestParseFloatAsJava(t *testing.T) {
	for _, c := range floatTexts {
		for i, bits := range []int{64, 32} {
			got, ok := ParseFloat(c[0], bits)
			if ok != (c[i+1] != "no") {
				t.Errorf("%q of %d bits: want %s, got %v %v", c[0], bits, c[i+1], got, ok)
				continue
			}
			want, err := strconv.ParseFloat(c[i+1], bits)
			if err == nil && want != got && !(math.IsNaN(want) && math.IsNaN(got)) {
				t.Errorf("%q of %d bits: want %v, got %v", c[0], bits, want, got)
			}
		}
	}
}

func TestParseIntAsJava(t *testing.T) {
	for _, c := range intTexts {
		for i, bits := range []int{8, 64} {
			got, ok := ParseInt(c[0], bits)
			if ok != (c[i+1] != "no") || ok && strconv.FormatInt(got, 10) != c[i+1] {
				t.Errorf("%q of %d bits: want %s, got %v %v", c[0], bits, c[i+1], got, ok)
			}
		}
	}
}
