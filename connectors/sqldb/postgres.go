package sqldb

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// pgDB is PostgreSQL. A statement takes one array for each column and unnests
// them, so its text does not depend on the number of rows and the server
// parses a few parameters in place of thousands.
type pgDB struct {
	quoter_ quoter
	config  *pgconn.Config
	timeout time.Duration
	zone    *time.Location // of TIMESTAMP columns without time zone
}

func newPostgres(c *pgconn.Config, timeout time.Duration, zone *time.Location, quoteAlways bool) *pgDB {
	c = c.Copy()
	if _, set := c.RuntimeParams["timezone"]; !set {
		c.RuntimeParams["timezone"] = zone.String() // for texts that become moments
	}
	if _, set := c.RuntimeParams["application_name"]; !set {
		c.RuntimeParams["application_name"] = "millwright"
	}
	return &pgDB{quoter{'"', quoteAlways}, c, timeout, zone}
}

func (d *pgDB) kind() string         { return kindPostgres }
func (d *pgDB) quoter() quoter       { return d.quoter_ }
func (d *pgDB) tableOptions() string { return "" }
func (d *pgDB) distinct() bool       { return true }

// columnType maps types as Confluent's sink does.
func (d *pgDB) columnType(f *field) (string, error) { return pgType(f, f.schema) }

func pgType(f *field, s *data.Schema) (string, error) {
	switch logical(s) {
	case dateLogical:
		return "DATE", nil
	case timeLogical:
		return "TIME", nil
	case timestampLogical:
		return "TIMESTAMP", nil
	case decimalLogical:
		return "DECIMAL", nil
	}
	switch s.Kind() {
	case data.Int8, data.Int16:
		return "SMALLINT", nil
	case data.Int32:
		return "INT", nil
	case data.Int64:
		return "BIGINT", nil
	case data.Float32:
		return "REAL", nil
	case data.Float64:
		return "DOUBLE PRECISION", nil
	case data.Bool:
		return "BOOLEAN", nil
	case data.String:
		return "TEXT", nil
	case data.Bytes:
		return "BYTEA", nil
	case data.Array:
		if e := s.Elem(); e != nil && e.Kind() != data.Array && e.Kind() != data.Map && e.Kind() != data.StructKind {
			t, err := pgType(f, e)
			return t + "[]", err
		}
	}
	return "", noType(f)
}

func (d *pgDB) literal(f *field, v data.Value) (string, error) {
	if f.schema.Kind() == data.Array {
		return "", errors.New("arrays with a default value are not supported")
	}
	var b []byte
	switch v.Kind() {
	case data.Bytes:
		b = fmt.Appendf(nil, `\x%x`, v.Bytes())
	case data.DateKind:
		switch logical(f.schema) {
		case dateLogical:
			b = v.Time().AppendFormat(nil, "2006-01-02")
		case timeLogical:
			b = v.Time().AppendFormat(nil, "15:04:05.000")
		default:
			b = v.Time().In(d.zone).AppendFormat(nil, "2006-01-02 15:04:05.000")
		}
	default:
		b = appendPgText(nil, v, f.schema, d.zone)
	}
	return "'" + strings.ReplaceAll(string(b), "'", "''") + "'", nil
}

// Forms of PostgreSQL: the element types of the arrays that are sent.
const (
	pgInt8 form = iota // whole numbers of all sizes
	pgFloat4
	pgFloat8
	pgBool
	pgBoolAsInt // for columns of numbers
	pgText      // what has no form of its own goes as text and is cast
	pgBytea
	pgDate
	pgTime
	pgTimestamp
	pgTimestamptz
)

// pgForms are the element type, its OID and the array's OID of each form.
var pgForms = [...]struct {
	name        string
	oid, arrOID uint32
}{
	pgInt8: {"int8", 20, 1016}, pgFloat4: {"float4", 700, 1021}, pgFloat8: {"float8", 701, 1022}, pgBool: {"bool", 16, 1000},
	pgBoolAsInt: {"int8", 20, 1016}, pgText: {"text", 25, 1009}, pgBytea: {"bytea", 17, 1001}, pgDate: {"date", 1082, 1182},
	pgTime: {"time", 1083, 1183}, pgTimestamp: {"timestamp", 1114, 1115}, pgTimestamptz: {"timestamptz", 1184, 1185},
}

// OIDs of column types.
const (
	oidBool, oidInt8, oidInt2, oidInt4, oidText = 16, 20, 21, 23, 25
	oidFloat4, oidFloat8, oidNumeric            = 700, 701, 1700
	oidBpchar, oidVarchar, oidName              = 1042, 1043, 19
	oidBit, oidVarbit, oidTimestamptz           = 1560, 1562, 1184
)

// bind lets numbers, texts and moments go in their own form to columns that
// take them, and all else as text with a cast. A cast never names a length,
// for it would cut texts to it.
func (d *pgDB) bind(f *field, c *column) error {
	number := c.oid == oidInt2 || c.oid == oidInt4 || c.oid == oidInt8 || c.oid == oidFloat4 || c.oid == oidFloat8 || c.oid == oidNumeric
	letters := c.oid == oidText || c.oid == oidVarchar || c.oid == oidBpchar || c.oid == oidName
	asText := func() {
		f.form, f.cast = pgText, c.typ
		switch {
		case letters:
			f.cast = ""
		case c.oid == oidBit:
			f.cast = "varbit" // bit alone would be one bit
		}
	}
	switch logical(f.schema) {
	case dateLogical:
		f.form = pgDate
		return nil
	case timeLogical:
		f.form = pgTime
		return nil
	case timestampLogical:
		f.form = pgTimestamp
		if c.oid == oidTimestamptz {
			f.form = pgTimestamptz
		}
		return nil
	case decimalLogical:
		asText()
		return nil
	}
	switch k := f.schema.Kind(); k {
	case data.Int8, data.Int16, data.Int32, data.Int64:
		if f.form = pgInt8; !number && !letters {
			asText()
		}
	case data.Float32:
		if f.form = pgFloat4; !number && !letters {
			asText()
		}
	case data.Float64:
		if f.form = pgFloat8; !number && !letters {
			asText()
		}
	case data.Bool:
		f.form = pgBool
		if number {
			f.form = pgBoolAsInt
		} else if c.oid != oidBool && !letters {
			asText()
		}
	case data.String, data.Array:
		if k == data.Array {
			if _, err := pgType(f, f.schema); err != nil {
				return err
			}
		}
		asText()
	case data.Bytes:
		f.form = pgBytea
	default:
		return noType(f)
	}
	return nil
}

// prepare makes the whole statement, in head.
func (d *pgDB) prepare(p *plan) {
	q := d.quoter_
	all, table := names(p.fields), q.table(p.table.name)
	var params, cols, exprs, on, set []string
	for i := range p.fields {
		f := &p.fields[i]
		params = append(params, fmt.Sprintf("$%d::%s[]", i+1, pgForms[f.form].name))
		col := "c" + strconv.Itoa(i)
		cols = append(cols, col)
		expr := "u." + col
		if f.cast != "" {
			expr += "::" + f.cast
		}
		exprs = append(exprs, expr)
		if i < p.keys {
			on = append(on, "t."+q.quote(f.name)+"="+expr)
		} else if p.op == opUpdate {
			set = append(set, q.quote(f.name)+"="+expr)
		} else {
			set = append(set, q.quote(f.name)+"=EXCLUDED."+q.quote(f.name))
		}
	}
	from := "unnest(" + strings.Join(params, ",") + ") AS u(" + strings.Join(cols, ",") + ")"
	insert := "INSERT INTO " + table + " (" + q.list(all) + ") SELECT " + strings.Join(exprs, ",") + " FROM " + from
	switch p.op {
	case opInsert:
		p.sql.head = insert
	case opUpsert:
		p.sql.head = insert + " ON CONFLICT (" + q.list(all[:p.keys]) + ") DO "
		if len(set) == 0 {
			p.sql.head += "NOTHING"
		} else {
			p.sql.head += "UPDATE SET " + strings.Join(set, ",")
		}
	case opUpdate:
		p.sql.head = "UPDATE " + table + " AS t SET " + strings.Join(set, ",") + " FROM " + from + " WHERE " + strings.Join(on, " AND ")
	case opDelete:
		p.sql.head = "DELETE FROM " + table + " AS t USING " + from + " WHERE " + strings.Join(on, " AND ")
	}
}

func (d *pgDB) open(ctx context.Context) (conn, error) {
	pg, err := pgconn.ConnectConfig(ctx, d.config)
	if err != nil {
		return nil, err
	}
	return &pgConn{pgDB: d, pg: pg}, nil
}

// pgConn is one session. Its buffers are used again by the next statement.
type pgConn struct {
	*pgDB
	pg     *pgconn.PgConn
	values [][]byte
	oids   []uint32
	binary []int16
}

// limited applies socketTimeout of the URL.
func (c *pgConn) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.timeout == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, c.timeout)
}

func (c *pgConn) run(ctx context.Context, sql string) error {
	ctx, cancel := c.limited(ctx)
	defer cancel()
	_, err := c.pg.Exec(ctx, sql).ReadAll()
	return err
}

func (c *pgConn) begin(ctx context.Context) error  { return c.run(ctx, "BEGIN") }
func (c *pgConn) commit(ctx context.Context) error { return c.run(ctx, "COMMIT") }

func (c *pgConn) rollback(ctx context.Context) error { return c.run(ctx, "ROLLBACK") }

// close says goodbye within a second; a server that does not listen must not
// hold up the task.
func (c *pgConn) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return c.pg.Close(ctx)
}

// write sends the rows as arrays. The statement is not kept on the server:
// parsing it costs little against a chunk, and poolers in between stay
// possible.
func (c *pgConn) write(ctx context.Context, p *plan, rows []*connect.SinkRecord) error {
	n := len(p.fields)
	for len(c.values) < n {
		c.values, c.oids, c.binary = append(c.values, nil), append(c.oids, 0), append(c.binary, 1)
	}
	for i := range p.fields {
		f := &p.fields[i]
		var err error
		if c.values[i], err = appendPgArray(c.values[i][:0], f, rows, c.zone); err != nil {
			return valueError(f, err)
		}
		c.oids[i] = pgForms[f.form].arrOID
	}
	ctx, cancel := c.limited(ctx)
	defer cancel()
	err := c.pg.ExecParams(ctx, p.sql.head, c.values[:n], c.oids[:n], c.binary[:n], nil).Read().Err
	if e := (*pgconn.PgError)(nil); errors.As(err, &e) && e.Detail != "" {
		return fmt.Errorf("%w: %s", err, e.Detail)
	}
	return err
}

func (c *pgConn) describe(ctx context.Context, n tableName) (*table, error) {
	name := c.quoter_.table(n)
	rows, err := c.query(ctx, "SELECT oid::text, relkind FROM pg_class WHERE oid=to_regclass($1)", name)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	t := &table{name: n, kind: map[string]string{"r": "TABLE", "p": "PARTITIONED TABLE", "f": "FOREIGN TABLE"}[rows[0][1]]}
	if t.kind == "" {
		t.kind = "VIEW"
	}
	oid := rows[0][0]
	// The type of a domain is the one beneath it: casts to it check the domain later.
	rows, err = c.query(ctx, `SELECT a.attname, format_type(b.oid, NULL), b.oid::text, a.attgenerated<>'' OR a.attidentity='a'
		FROM pg_attribute a JOIN pg_type y ON y.oid=a.atttypid JOIN pg_type b ON b.oid=CASE WHEN y.typtype='d' THEN y.typbasetype ELSE y.oid END
		WHERE a.attrelid=$1::oid AND a.attnum>0 AND NOT a.attisdropped ORDER BY a.attnum`, oid)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		id, err := strconv.ParseUint(r[2], 10, 32)
		if err != nil {
			return nil, err
		}
		t.columns = append(t.columns, column{name: r[0], typ: r[1], oid: uint32(id), readOnly: r[3] == "t"})
	}
	rows, err = c.query(ctx, `SELECT i.indexrelid::text, a.attname FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY AS k(n, at), pg_attribute a
		WHERE i.indrelid=$1::oid AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND k.at<=i.indnkeyatts AND a.attrelid=i.indrelid AND a.attnum=k.n
		ORDER BY i.indexrelid, k.at`, oid)
	index := ""
	for _, r := range rows {
		if r[0] != index {
			index, t.unique = r[0], append(t.unique, nil)
		}
		last := len(t.unique) - 1
		t.unique[last] = append(t.unique[last], r[1])
	}
	return t, err
}

// query returns the rows as texts.
func (c *pgConn) query(ctx context.Context, sql, arg string) (rows [][]string, err error) {
	ctx, cancel := c.limited(ctx)
	defer cancel()
	result := c.pg.ExecParams(ctx, sql, [][]byte{[]byte(arg)}, []uint32{oidText}, nil, nil).Read()
	for _, r := range result.Rows {
		row := make([]string, len(r))
		for i, v := range r {
			row[i] = string(v)
		}
		rows = append(rows, row)
	}
	return rows, result.Err
}

func (d *pgDB) fault(err error) fault {
	var v *errValue
	if errors.As(err, &v) {
		return badData
	}
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return sqlState(e.Code)
	}
	var failed *pgconn.ConnectError
	if lostConnection(err) || pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "conn closed") {
		return lost
	}
	if errors.As(err, &failed) && !strings.Contains(err.Error(), "tls: ") {
		return lost
	}
	return fatal
}

func (d *pgDB) brief(err error) string {
	if e := (*pgconn.PgError)(nil); errors.As(err, &e) {
		s := "SQLSTATE " + e.Code
		if e.ConstraintName != "" {
			s += ", constraint " + e.ConstraintName
		}
		if e.ColumnName != "" {
			s += ", column " + e.ColumnName
		}
		return s
	}
	if v := (*errValue)(nil); errors.As(err, &v) {
		return "the value of field " + v.field + " does not fit"
	}
	return err.Error()
}
