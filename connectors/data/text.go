package data

import (
	"hash/crc32"
	"strconv"
	"time"
)

// JavaClass returns the name of the Java class that v has in Apache Connect,
// as messages show it.
func (v Value) JavaClass() string {
	if v.kind == OtherKind {
		return v.Str()
	}
	return [...]string{
		"null", "java.lang.Byte", "java.lang.Short", "java.lang.Integer", "java.lang.Long", "java.lang.Float", "java.lang.Double",
		"java.lang.Boolean", "java.lang.String", "[B", "java.util.ArrayList", "java.util.LinkedHashMap",
		"org.apache.kafka.connect.data.Struct", "java.util.Date", "java.math.BigDecimal", "java.math.BigInteger",
	}[v.kind]
}

// Text returns v as Java's String.valueOf does: 1.0E10, [a, b], {k=v},
// Struct{a=1,b=x}, Thu Jan 01 00:00:00 UTC 1970. Bytes, for which Java shows an
// address, become [B@ and a checksum.
func Text(v Value) string {
	if v.kind == String {
		return v.Str()
	}
	return string(AppendText(nil, v))
}

// AppendText appends what Text returns.
func AppendText(dst []byte, v Value) []byte {
	switch v.kind {
	case Null:
		return append(dst, "null"...)
	case Int8, Int16, Int32, Int64:
		return strconv.AppendInt(dst, v.Int(), 10)
	case Float32:
		return AppendFloat32(dst, v.Float32())
	case Float64:
		return AppendFloat64(dst, v.Float64())
	case Bool:
		return strconv.AppendBool(dst, v.Bool())
	case String, OtherKind:
		return append(dst, v.Str()...)
	case Bytes:
		return strconv.AppendUint(append(dst, "[B@"...), uint64(crc32.ChecksumIEEE(v.Bytes())), 16)
	case DateKind:
		return appendDate(dst, v.Int())
	case DecimalKind:
		return v.Decimal().appendText(dst)
	case BigIntKind:
		return v.BigInt().Append(dst, 10)
	case Array:
		dst = append(dst, '[')
		for i, e := range v.List() {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = AppendText(dst, e)
		}
		return append(dst, ']')
	case Map:
		dst = append(dst, '{')
		for i, e := range v.Map().entries {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = AppendText(dst, e.Key)
			dst = append(dst, '=')
			dst = AppendText(dst, e.Value)
		}
		return append(dst, '}')
	}
	return v.Struct().appendText(dst)
}

func (s *Struct) appendText(dst []byte) []byte {
	dst = append(dst, "Struct{"...)
	first := true
	for i, v := range s.fields {
		if v.kind == Null {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, s.schema.fields[i].Name...)
		dst = append(dst, '=')
		dst = AppendText(dst, v)
	}
	return append(dst, '}')
}

// appendDate writes as java.util.Date.toString does in a worker that runs in
// UTC: EEE MMM dd HH:mm:ss zzz yyyy.
func appendDate(dst []byte, ms int64) []byte {
	day, tod := floorDiv(ms, dayMillis), floorMod(ms, dayMillis)
	y, m, d := civil(day)
	if y <= 0 {
		y = 1 - y // the era is not shown
	}
	dst = append(dst, time.Weekday(floorMod(day+4, 7)).String()[:3]...)
	dst = append(dst, ' ')
	dst = append(dst, time.Month(m).String()[:3]...)
	dst = append(dst, ' ')
	dst = appendPadded(dst, d, 2)
	dst = append(dst, ' ')
	dst = appendPadded(dst, tod/3_600_000, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, tod/60_000%60, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, tod/1000%60, 2)
	dst = append(dst, " UTC "...)
	return strconv.AppendInt(dst, y, 10)
}

// appendPadded writes a number of up to four digits with zeros before it.
func appendPadded(dst []byte, n int64, width int) []byte {
	for limit := int64(10); width > 1; width, limit = width-1, limit*10 {
		if n < limit {
			dst = append(dst, "0000"[:width-1]...)
			break
		}
	}
	return strconv.AppendInt(dst, n, 10)
}
