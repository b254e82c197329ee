package sqldb

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// pgEpoch is PostgreSQL's first day, in milliseconds since 1970.
const pgEpoch = 946_684_800_000

const msPerDay = 86_400_000

// appendPgArray appends a one-dimensional array of a field's values in
// PostgreSQL's binary format: dimensions, whether there are nulls, the
// element's type, length and lower bound; then each element behind its length.
func appendPgArray(b []byte, f *field, rows []*connect.SinkRecord, zone *time.Location) ([]byte, error) {
	be := binary.BigEndian
	start := len(b)
	b = be.AppendUint32(b, 1)
	b = be.AppendUint32(b, 0)
	b = be.AppendUint32(b, pgForms[f.form].oid)
	b = be.AppendUint32(b, uint32(len(rows)))
	b = be.AppendUint32(b, 1)
	for _, r := range rows {
		v := f.value(r)
		if v.IsNull() {
			b[start+7] = 1
			b = be.AppendUint32(b, math.MaxUint32)
			continue
		}
		at := len(b)
		b = append(b, 0, 0, 0, 0)
		var err error
		if b, err = appendPgElement(b, f, v, zone); err != nil {
			return b, err
		}
		be.PutUint32(b[at:], uint32(len(b)-at-4))
	}
	if len(b)-start >= 1<<30 {
		return b, fmt.Errorf("the values of %d rows are over 1 GiB", len(rows))
	}
	return b, nil
}

func appendPgElement(b []byte, f *field, v data.Value, zone *time.Location) ([]byte, error) {
	be := binary.BigEndian
	k := v.Kind()
	switch f.form {
	case pgInt8:
		if k >= data.Int8 && k <= data.Int64 {
			return be.AppendUint64(b, uint64(v.Int())), nil
		}
	case pgFloat4:
		if k == data.Float32 {
			return be.AppendUint32(b, math.Float32bits(v.Float32())), nil
		}
	case pgFloat8:
		if k == data.Float64 {
			return be.AppendUint64(b, math.Float64bits(v.Float64())), nil
		}
	case pgBool:
		if k == data.Bool {
			return append(b, bit(v)), nil
		}
	case pgBoolAsInt:
		if k == data.Bool {
			return be.AppendUint64(b, uint64(bit(v))), nil
		}
	case pgText:
		return appendPgText(b, v, f.schema, zone), nil
	case pgBytea:
		if k == data.Bytes {
			return append(b, v.Bytes()...), nil
		}
	}
	if k != data.DateKind {
		return b, fmt.Errorf("its schema is %s, but the value is %s", f.schema.Kind(), k)
	}
	switch f.form {
	case pgDate:
		return be.AppendUint32(b, uint32(int32(floorDiv(v.Int()-pgEpoch, msPerDay)))), nil
	case pgTime:
		return be.AppendUint64(b, uint64((v.Int()-floorDiv(v.Int(), msPerDay)*msPerDay)*1000)), nil
	case pgTimestamptz:
		return be.AppendUint64(b, uint64((v.Int()-pgEpoch)*1000)), nil
	}
	ms := v.Int()
	if zone != time.UTC {
		_, offset := time.UnixMilli(ms).In(zone).Zone()
		ms += int64(offset) * 1000
	}
	return be.AppendUint64(b, uint64((ms-pgEpoch)*1000)), nil
}

func bit(v data.Value) byte {
	if v.Bool() {
		return 1
	}
	return 0
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// appendPgText appends a value as PostgreSQL's text format, for any type.
func appendPgText(b []byte, v data.Value, s *data.Schema, zone *time.Location) []byte {
	switch v.Kind() {
	case data.Int8, data.Int16, data.Int32, data.Int64:
		return strconv.AppendInt(b, v.Int(), 10)
	case data.Float32:
		return strconv.AppendFloat(b, float64(v.Float32()), 'g', -1, 32)
	case data.Float64:
		return strconv.AppendFloat(b, v.Float64(), 'g', -1, 64)
	case data.Bool:
		return strconv.AppendBool(b, v.Bool())
	case data.String:
		return append(b, v.Str()...)
	case data.Bytes:
		return fmt.Appendf(b, `\x%x`, v.Bytes())
	case data.DateKind:
		switch logical(s) {
		case dateLogical:
			return v.Time().AppendFormat(b, "2006-01-02")
		case timeLogical:
			return v.Time().AppendFormat(b, "15:04:05.000")
		}
		return v.Time().In(zone).AppendFormat(b, "2006-01-02 15:04:05.000Z07:00")
	case data.DecimalKind:
		return append(b, v.Decimal().String()...)
	case data.Array:
		b = append(b, '{')
		for i, e := range v.List() {
			if i > 0 {
				b = append(b, ',')
			}
			if e.IsNull() {
				b = append(b, "NULL"...)
				continue
			}
			b = append(b, '"')
			for _, c := range appendPgText(nil, e, s.Elem(), zone) {
				if c == '"' || c == '\\' {
					b = append(b, '\\')
				}
				b = append(b, c)
			}
			b = append(b, '"')
		}
		return append(b, '}')
	}
	return append(b, v.String()...)
}
