package converters

import (
	"encoding/base64"
	"math"
	"strconv"

	"github.com/millwright-connect/millwright/connectors/data"
)

// appendFloat64 appends f in the form of Double.toString; what JSON has no
// number for is quoted, as Jackson does.
func appendFloat64(dst []byte, f float64) []byte {
	a := math.Abs(f)
	if a >= 1e-3 && a < 1e7 {
		for d, p := range powers[:maxDecimals+1] {
			if x := math.Round(a * p); x/p == a { // the shortest decimal that reads back as f
				if f < 0 {
					dst = append(dst, '-')
				}
				return appendScaled(dst, uint64(x), d)
			}
		}
	}
	if f != f || a > math.MaxFloat64 {
		return append(data.AppendFloat64(append(dst, '"'), f), '"')
	}
	return data.AppendFloat64(dst, f)
}

// maxDecimals bounds the short decimals that appendFloat64 looks for: readings
// of instruments seldom have more.
const maxDecimals = 6

// appendScaled appends n × 10^-decimals, with at least one decimal.
func appendScaled(dst []byte, n uint64, decimals int) []byte {
	if decimals == 0 {
		return append(strconv.AppendUint(dst, n, 10), '.', '0')
	}
	var frac [maxDecimals + 1]byte
	for i := decimals; i > 0; i-- {
		frac[i] = byte('0' + n%10)
		n /= 10
	}
	frac[0] = '.'
	return append(strconv.AppendUint(dst, n, 10), frac[:decimals+1]...)
}

func appendFloat32(dst []byte, f float32) []byte {
	if f != f || f-f != 0 {
		return append(data.AppendFloat32(append(dst, '"'), f), '"')
	}
	return data.AppendFloat32(dst, f)
}

// appendBase64 appends b as a JSON string.
func appendBase64(dst, b []byte) []byte {
	dst = base64.StdEncoding.AppendEncode(append(dst, '"'), b)
	return append(dst, '"')
}
