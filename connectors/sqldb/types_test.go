package sqldb

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// moment is 2023-11-14 22:13:20.123 UTC.
const moment = 1_700_000_000_123

var allTypes = []struct {
	name   string
	schema *data.Schema
	value  data.Value
	want   map[string]string // by kind; "" for all
}{
	{"i8", data.Of(data.Int8), data.I8(-128), map[string]string{"": "-128"}},
	{"i16", data.Of(data.Int16), data.I16(32767), map[string]string{"": "32767"}},
	{"i32", data.Of(data.Int32), data.I32(math.MinInt32), map[string]string{"": "-2147483648"}},
	{"i64", data.Of(data.Int64), data.I64(math.MinInt64), map[string]string{"": "-9223372036854775808"}},
	{"f32", data.Of(data.Float32), data.F32(1.5), map[string]string{"": "1.5"}},
	{"f64", data.Of(data.Float64), data.F64(0.1), map[string]string{"": "0.1"}},
	{"t", data.Of(data.Bool), data.B(true), map[string]string{"": "1", kindPostgres: "t"}},
	{"s", data.Of(data.String), data.Str("it's"), map[string]string{"": "it's"}},
	{"b", data.Of(data.Bytes), data.Bin([]byte{0x41, 0x42}), map[string]string{"": "AB", kindPostgres: `\x4142`}},
	{"d", data.Date(), data.Millis(19_000 * msPerDay), map[string]string{kindMySQL: "2022-01-08", kindPostgres: "2022-01-08", kindSQLite: "1641600000000"}},
	{"tm", data.Time(), data.Millis(3_723_004), map[string]string{kindMySQL: "01:02:03.004", kindPostgres: "01:02:03.004", kindSQLite: "3723004"}},
	{"ts", data.Timestamp(), data.Millis(moment), map[string]string{kindMySQL: "2023-11-14 22:13:20.123", kindPostgres: "2023-11-14 22:13:20.123", kindSQLite: "1700000000123"}},
	{"dec", data.Decimal(2), data.Dec(big.NewInt(-12345), 2), map[string]string{"": "-123.45"}},
}

func typesSchema(optional bool, change func(s *data.Schema, v data.Value) *data.Schema) (*data.Schema, []data.Value) {
	fields := []data.Field{data.F("id", data.Of(data.Int32))}
	values := []data.Value{data.I32(1)}
	for _, a := range allTypes {
		s := a.schema
		if optional {
			s = s.Optional()
		}
		if change != nil {
			s = change(s, a.value)
		}
		fields, values = append(fields, data.F(a.name, s)), append(values, a.value)
	}
	return data.StructOf("", fields...), values
}

func wantTypes(kind string) string {
	out := []string{"1"}
	for _, a := range allTypes {
		w, ok := a.want[kind]
		if !ok {
			w = a.want[""]
		}
		out = append(out, w)
	}
	return strings.Join(out, "|")
}

// TestTypes writes every type of Connect to tables that it creates, and reads
// it back as text.
func TestTypes(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		for _, mode := range []string{modeInsert, modeUpsert} {
			topic := s.topic(t)
			task := s.task(t, &host{failing: true}, "auto.create=true", "pk.mode=record_value", "pk.fields=id", "insert.mode="+mode)
			schema, values := typesSchema(true, nil)
			nulls := make([]data.Value, len(values))
			nulls[0] = data.I32(2)
			put(t, task, record(topic, 0, data.Datum{}, data.NewStruct(schema, values...).Datum()), record(topic, 1, data.Datum{}, data.NewStruct(schema, nulls...).Datum()))
			wantRows(t, s.rows(t, "SELECT * FROM "+s.quote(topic)+" ORDER BY id"), wantTypes(s.kind), "2"+strings.Repeat("|NULL", len(allTypes)))
		}
	})
}

// TestDefaults has columns of every type with its value as the default: in the
// table, and in place of null.
func TestDefaults(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		topic := s.topic(t)
		schema, values := typesSchema(false, (*data.Schema).Default)
		nulls := make([]data.Value, len(values))
		nulls[0] = data.I32(1)
		put(t, s.task(t, &host{failing: true}, "auto.create=true", "pk.mode=record_value", "pk.fields=id"), record(topic, 0, data.Datum{}, data.NewStruct(schema, nulls...).Datum()))
		s.exec(t, "INSERT INTO "+s.quote(topic)+" (id) VALUES (2)")
		want := wantTypes(s.kind)
		wantRows(t, s.rows(t, "SELECT * FROM "+s.quote(topic)+" ORDER BY id"), want, "2"+want[1:])

		optional, _ := typesSchema(true, (*data.Schema).Default)
		nulls[0] = data.I32(3)
		topic = s.topic(t)
		put(t, s.task(t, &host{failing: true}, "auto.create=true", "replace.null.with.default=false"), record(topic, 0, data.Datum{}, data.NewStruct(optional, nulls...).Datum()))
		wantRows(t, s.rows(t, "SELECT * FROM "+s.quote(topic)+" ORDER BY id"), "3"+strings.Repeat("|NULL", len(allTypes)))
	})
}

// TestTypeNames are those of Confluent's sink.
func TestTypeNames(t *testing.T) {
	want := map[string]string{
		kindMySQL:    "TINYINT SMALLINT INT BIGINT FLOAT DOUBLE TINYINT TEXT VARBINARY(1024) DATE TIME(3) DATETIME(3) DECIMAL(65,2)",
		kindPostgres: "SMALLINT SMALLINT INT BIGINT REAL DOUBLE PRECISION BOOLEAN TEXT BYTEA DATE TIME TIMESTAMP DECIMAL",
		kindSQLite:   "INTEGER INTEGER INTEGER INTEGER REAL REAL INTEGER TEXT BLOB NUMERIC NUMERIC NUMERIC NUMERIC",
	}
	for _, url := range []string{"jdbc:mysql://h/d", "jdbc:postgresql://h/d", "jdbc:sqlite:x"} {
		c, err := parse(connect.Props{"connection.url": url})
		if err != nil {
			t.Fatal(err)
		}
		d, err := c.dialectFor()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range allTypes {
			typ, err := d.columnType(&field{name: a.name, schema: a.schema})
			if err != nil {
				t.Error(err)
			}
			got = append(got, typ)
		}
		if strings.Join(got, " ") != want[d.kind()] {
			t.Errorf("%s: %s", d.kind(), got)
		}
	}
}

// TestForeignColumns writes to columns of other types than auto.create makes.
func TestForeignColumns(t *testing.T) {
	type column struct {
		typ    string
		schema *data.Schema
		value  data.Value
		want   string
	}
	columns := map[string][]column{
		kindPostgres: {
			{"uuid", data.Of(data.String), data.Str("0f0e0d0c-0b0a-0908-0706-050403020100"), "0f0e0d0c-0b0a-0908-0706-050403020100"},
			{"jsonb", data.Of(data.String), data.Str(`{"a": [1]}`), `{"a": [1]}`},
			{"int", data.Of(data.String), data.Str("12"), "12"},
			{"varchar(5)", data.Of(data.String), data.Str("abcde"), "abcde"},
			{"bpchar(3)", data.Of(data.String), data.Str("ab"), "ab "},
			{"bit(4)", data.Of(data.String), data.Str("1010"), "1010"},
			{"numeric(10,2)", data.Of(data.Float64), data.F64(1.005), "1.01"},
			{"numeric(30,10)", data.Of(data.Int64), data.I64(5), "5.0000000000"},
			{"int", data.Of(data.Bool), data.B(true), "1"},
			{"bool", data.Of(data.Int32), data.I32(1), "t"},
			{"text", data.Of(data.Int64), data.I64(7), "7"},
			{"text", data.Of(data.Bool), data.B(false), "false"},
			{"text", data.Decimal(1), data.Dec(big.NewInt(15), 1), "1.5"},
			{"smallint", data.Of(data.Int64), data.I64(7), "7"},
			{"timestamptz", data.Timestamp(), data.Millis(moment), "2023-11-14 22:13:20.123+00"},
			{"date", data.Timestamp(), data.Millis(moment), "2023-11-14"},
			{"timestamptz", data.Of(data.String), data.Str("2023-11-14 23:13:20+01"), "2023-11-14 22:13:20+00"},
			{"inet", data.Of(data.String), data.Str("10.0.0.1"), "10.0.0.1"},
			{"int[]", data.ArrayOf(data.OptionalOf(data.Int32)), data.List([]data.Value{data.I32(1), {}, data.I32(3)}), "{1,NULL,3}"},
			{"text[]", data.ArrayOf(data.Of(data.String)), data.List([]data.Value{data.Str(`a"b\`), data.Str("NULL"), data.Str("")}), `{"a\"b\\","NULL",""}`},
			{"float8", data.Of(data.Float32), data.F32(0.5), "0.5"},
			{"float8", data.Of(data.Float64), data.F64(math.Inf(-1)), "-Infinity"},
			{"float8", data.Of(data.Float64), data.F64(5e-324), "5e-324"},
		},
		kindMySQL: {
			{"timestamp(3) NULL", data.Timestamp(), data.Millis(moment), "2023-11-14 22:13:20.123"},
			{"json", data.Of(data.String), data.Str(`{"a": [1]}`), `{"a": [1]}`},
			{"decimal(10,2)", data.Of(data.Float64), data.F64(1.25), "1.25"},
			{"varchar(5)", data.Of(data.Int64), data.I64(-7), "-7"},
			{"bit(1)", data.Of(data.Bool), data.B(true), "\x01"},
			{"enum('a','b')", data.Of(data.String), data.Str("b"), "b"},
			{"blob", data.Of(data.Bytes), data.Bin([]byte("\x00'\\\"\x1a\xff")), "\x00'\\\"\x1a\xff"},
			{"blob", data.Of(data.Bytes), data.Bin([]byte{}), ""},
			{"longtext CHARACTER SET utf8mb4", data.Of(data.String), data.Str("\x00'\\\"\x1a\n\r\t;--%_🙂"), "\x00'\\\"\x1a\n\r\t;--%_🙂"},
			{"double", data.Of(data.Float64), data.F64(math.MaxFloat64), "1.7976931348623157e+308"},
			{"float", data.Of(data.Float32), data.F32(0.1), "0.1"},
		},
		kindSQLite: {
			{"TEXT", data.Of(data.Int64), data.I64(7), "7"},
			{"", data.Of(data.String), data.Str("x\x00y'"), "x\x00y'"},
			{"NUMERIC", data.Decimal(20), data.Dec(new(big.Int).Exp(big.NewInt(10), big.NewInt(19), nil), 20), "0.1"},
		},
	}
	onEach(t, func(t *testing.T, s *server) {
		for _, c := range columns[s.kind] {
			topic := s.topic(t)
			s.exec(t, fmt.Sprintf("CREATE TABLE %s (id INT PRIMARY KEY, v %s)", s.quote(topic), c.typ))
			schema := data.StructOf("", data.F("id", data.Of(data.Int32)), data.F("v", c.schema))
			r := record(topic, 0, data.Datum{}, data.NewStruct(schema, data.I32(1), c.value).Datum())
			for _, mode := range []string{modeInsert, modeUpsert, modeUpdate} {
				if err := s.task(t, &host{failing: true}, "insert.mode="+mode, "pk.mode=record_value", "pk.fields=id").Put(t.Context(), []connect.SinkRecord{r}); err != nil {
					t.Errorf("%s to %s: %v", c.schema.Kind(), c.typ, err)
					break
				}
			}
			wantRows(t, s.rows(t, "SELECT v FROM "+s.quote(topic)), c.want)
		}
	})
}

// TestMisfits are values that a column does not take: they are refused, never
// cut to fit.
func TestMisfits(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		if s.kind == kindSQLite {
			return // its columns take anything
		}
		for _, c := range []struct {
			typ    string
			schema *data.Schema
			value  data.Value
		}{
			{"varchar(3)", data.Of(data.String), data.Str("abcd")},
			{"smallint", data.Of(data.Int32), data.I32(40000)},
			{"int", data.Of(data.String), data.Str("x")},
			{"decimal(3,1)", data.Decimal(0), data.Dec(big.NewInt(1000), 0)},
			{"date", data.Of(data.String), data.Str("2023-02-30")},
		} {
			topic := s.topic(t)
			s.exec(t, fmt.Sprintf("CREATE TABLE %s (v %s)", s.quote(topic), c.typ))
			h := &host{}
			put(t, s.task(t, h), record(topic, 0, data.Datum{}, data.NewStruct(data.StructOf("", data.F("v", c.schema)), c.value).Datum()))
			if len(h.rejected) != 1 {
				t.Errorf("%v in %s: %q", c.value, c.typ, h.rejected)
			}
			wantRows(t, s.rows(t, "SELECT v FROM "+s.quote(topic)))
		}
	})
}

// TestTimeZone: db.timezone is that of columns without one; dates and instants
// do not move.
func TestTimeZone(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		if s.kind == kindSQLite {
			return // moments are numbers there
		}
		topic := s.topic(t)
		plain, zoned := "DATETIME(3)", "TIMESTAMP(3) NULL"
		if s.kind == kindPostgres {
			plain, zoned = "TIMESTAMP", "TIMESTAMPTZ"
		}
		s.exec(t, fmt.Sprintf("CREATE TABLE %s (a %s, b %s, d DATE, t TIME)", s.quote(topic), plain, zoned))
		schema := data.StructOf("", data.F("a", data.Timestamp()), data.F("b", data.Timestamp()), data.F("d", data.Date()), data.F("t", data.Time()))
		rec := func(at time.Time) connect.SinkRecord {
			ms := data.Millis(at.UnixMilli())
			return record(topic, 0, data.Datum{}, data.NewStruct(schema, ms, ms, data.Millis(19_000*msPerDay), data.Millis(3_600_000)).Datum())
		}
		task := s.task(t, &host{failing: true}, "db.timezone=America/New_York")
		put(t, task, rec(time.Date(2023, 7, 1, 3, 0, 0, 0, time.UTC)), rec(time.Date(2023, 12, 1, 3, 0, 0, 0, time.UTC)))
		instant := map[string]string{
			kindPostgres: "SELECT a, b AT TIME ZONE 'UTC', d, t FROM %s ORDER BY a",
			kindMySQL:    "SELECT a, CONVERT_TZ(b, @@session.time_zone, '+00:00'), d, t FROM %s ORDER BY a",
		}
		got := s.rows(t, fmt.Sprintf(instant[s.kind], s.quote(topic)))
		for i := range got {
			got[i] = strings.ReplaceAll(got[i], ".000", "")
		}
		wantRows(t, got, "2023-06-30 23:00:00|2023-07-01 03:00:00|2022-01-08|01:00:00", "2023-11-30 22:00:00|2023-12-01 03:00:00|2022-01-08|01:00:00")
	})
}
