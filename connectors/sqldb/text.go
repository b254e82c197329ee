package sqldb

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/millwright-connect/millwright/connectors/data"
)

// Names of Connect's logical types.
const (
	dateLogical      = "org.apache.kafka.connect.data.Date"
	timeLogical      = "org.apache.kafka.connect.data.Time"
	timestampLogical = "org.apache.kafka.connect.data.Timestamp"
	decimalLogical   = "org.apache.kafka.connect.data.Decimal"
)

// logical returns the name of a schema's logical type, or "".
func logical(s *data.Schema) string {
	switch n := s.Name(); n {
	case dateLogical, timeLogical, timestampLogical, decimalLogical:
		return n
	}
	return ""
}

func scaleOf(s *data.Schema) int {
	text, _ := s.Param("scale")
	n, _ := strconv.Atoi(text)
	return n
}

func noType(f *field) error {
	return fmt.Errorf("there is no column type for %s", f.schema.Kind())
}

// An errValue is a value that a database has no form for.
type errValue struct {
	field string
	why   string
}

func (e *errValue) Error() string { return "field " + e.field + ": " + e.why }

func valueError(f *field, err error) error { return &errValue{f.name, err.Error()} }

// textStyle is how MySQL's literals are written.
type textStyle struct {
	zone    *time.Location
	doubled bool // a backslash means itself (NO_BACKSLASH_ESCAPES)
}

// appendMySQL appends a value as a literal.
func appendMySQL(b []byte, how form, v data.Value, style *textStyle) ([]byte, error) {
	switch k := v.Kind(); k {
	case data.Null:
		return append(b, "NULL"...), nil
	case data.Int8, data.Int16, data.Int32, data.Int64:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case data.Float32:
		return appendNumber(b, float64(v.Float32()), 32)
	case data.Float64:
		return appendNumber(b, v.Float64(), 64)
	case data.Bool:
		if v.Bool() {
			return append(b, '1'), nil
		}
		return append(b, '0'), nil
	case data.String:
		return appendQuoted(b, v.Str(), style.doubled), nil
	case data.Bytes:
		const hex = "0123456789abcdef"
		b = append(b, "x'"...)
		for _, c := range v.Bytes() {
			b = append(b, hex[c>>4], hex[c&15])
		}
		return append(b, '\''), nil
	case data.DecimalKind:
		return append(b, v.Decimal().String()...), nil
	case data.DateKind:
		return appendMoment(b, how, v.Int(), style.zone)
	default:
		return b, fmt.Errorf("a value of kind %s cannot be written", k)
	}
}

// appendNumber appends a number so that it reads back to the bit.
func appendNumber(b []byte, f float64, bits int) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return b, fmt.Errorf("MySQL has no %v", f)
	}
	return strconv.AppendFloat(b, f, 'g', -1, bits), nil
}

func appendMoment(b []byte, how form, ms int64, zone *time.Location) ([]byte, error) {
	b = append(b, '\'')
	switch how {
	case myDate:
		b = time.UnixMilli(ms).UTC().AppendFormat(b, "2006-01-02")
	case myTime:
		b = time.UnixMilli(ms).UTC().AppendFormat(b, "15:04:05.000")
	case myUTC:
		b = appendDateTime(b, time.UnixMilli(ms).UTC())
	default:
		b = appendDateTime(b, time.UnixMilli(ms).In(zone))
	}
	return append(b, '\''), nil
}

// appendDateTime appends YYYY-MM-DD hh:mm:ss.mmm; it is faster than AppendFormat.
func appendDateTime(b []byte, t time.Time) []byte {
	y, mo, d := t.Date()
	if y < 0 || y > 9999 {
		return t.AppendFormat(b, "2006-01-02 15:04:05.000")
	}
	h, mi, s := t.Clock()
	ms := t.Nanosecond() / 1e6
	two := func(n int) { b = append(b, byte('0'+n/10), byte('0'+n%10)) }
	two(y / 100)
	two(y % 100)
	b = append(b, '-')
	two(int(mo))
	b = append(b, '-')
	two(d)
	b = append(b, ' ')
	two(h)
	b = append(b, ':')
	two(mi)
	b = append(b, ':')
	two(s)
	return append(b, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
}

// appendQuoted appends a text in single quotes. The connection speaks
// utf8mb4, in which no byte of a character is that of a quote or backslash.
func appendQuoted(b []byte, s string, doubled bool) []byte {
	b = append(b, '\'')
	from := 0
	for i := range len(s) {
		var c byte
		switch s[i] {
		case '\'':
			c = '\''
		case '\\':
			c = '\\'
		case 0:
			c = '0'
		case 0x1a:
			c = 'Z'
		default:
			continue
		}
		switch {
		case !doubled:
			b = append(append(b, s[from:i]...), '\\', c)
		case c == '\'':
			b = append(append(b, s[from:i]...), '\'', c)
		default:
			continue // itself
		}
		from = i + 1
	}
	return append(append(b, s[from:]...), '\'')
}
