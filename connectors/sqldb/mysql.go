package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"
	"unsafe"

	"github.com/go-sql-driver/mysql"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// mysqlDB is MySQL and MariaDB. Rows go to the server as text, many to a
// statement: that is one round trip, and less work for either side than
// thousands of bound parameters.
type mysqlDB struct {
	quoter_ quoter
	config  *mysql.Config
	zone    *time.Location // of DATETIME columns
}

// maxStatement is the most bytes of a statement, if the server takes so many.
const maxStatement = 4 << 20

func newMySQL(c *mysql.Config, zone *time.Location, quoteAlways bool) *mysqlDB {
	c = c.Clone()
	c.MultiStatements = true // for updates, of which MySQL has no form of many rows
	c.MaxAllowedPacket = 0   // what the server says
	c.Logger = silent{}
	if c.Params == nil {
		c.Params = map[string]string{}
	}
	c.Params["time_zone"] = "'+00:00'" // TIMESTAMP columns are written in UTC
	return &mysqlDB{quoter{'`', quoteAlways}, c, zone}
}

// silent keeps the driver from logging by itself what it returns as errors.
type silent struct{}

func (silent) Print(...any) {}

func (d *mysqlDB) kind() string   { return kindMySQL }
func (d *mysqlDB) quoter() quoter { return d.quoter_ }

// tableOptions makes texts of any language fit, whatever the database's default.
func (d *mysqlDB) tableOptions() string { return " CHARACTER SET utf8mb4" }

func (d *mysqlDB) distinct() bool { return false } // rows of a statement apply in turn

// columnType maps types as Confluent's sink does.
func (d *mysqlDB) columnType(f *field) (string, error) {
	switch s := f.schema; logical(s) {
	case dateLogical:
		return "DATE", nil
	case timeLogical:
		return "TIME(3)", nil
	case timestampLogical:
		return "DATETIME(3)", nil
	case decimalLogical:
		scale := scaleOf(s)
		if scale < 0 || scale > 30 {
			return "", fmt.Errorf("its decimals have scale %d, MySQL's have 0 to 30", scale)
		}
		return fmt.Sprintf("DECIMAL(65,%d)", scale), nil
	}
	switch f.schema.Kind() {
	case data.Int8, data.Bool:
		return "TINYINT", nil
	case data.Int16:
		return "SMALLINT", nil
	case data.Int32:
		return "INT", nil
	case data.Int64:
		return "BIGINT", nil
	case data.Float32:
		return "FLOAT", nil
	case data.Float64:
		return "DOUBLE", nil
	case data.String:
		if f.key { // an index on TEXT needs a length
			return "VARCHAR(256)", nil
		}
		return "TEXT", nil
	case data.Bytes:
		if f.key {
			return "VARBINARY(256)", nil
		}
		return "VARBINARY(1024)", nil
	}
	return "", noType(f)
}

func (d *mysqlDB) literal(f *field, v data.Value) (string, error) {
	g := *f
	if err := d.bind(&g, &column{}); err != nil {
		return "", err
	}
	b, err := appendMySQL(nil, g.form, v, &textStyle{zone: d.zone})
	if k := f.schema.Kind(); k == data.String && !f.key && logical(f.schema) == "" {
		return "(" + string(b) + ")", err // TEXT takes a default only as an expression
	}
	return string(b), err
}

// Forms of MySQL.
const (
	myPlain form = iota // by the value's kind
	myDate
	myTime
	myLocal // date and time in db.timezone
	myUTC   // date and time in UTC
	myDecimal
)

func (d *mysqlDB) bind(f *field, c *column) error {
	switch logical(f.schema) {
	case dateLogical:
		f.form = myDate
	case timeLogical:
		f.form = myTime
	case timestampLogical:
		f.form = myLocal
		if c.typ == "timestamp" {
			f.form = myUTC
		}
	case decimalLogical:
		f.form = myDecimal
	default:
		switch f.schema.Kind() {
		case data.Array, data.Map, data.StructKind:
			return noType(f)
		}
		f.form = myPlain
	}
	return nil
}

func (d *mysqlDB) prepare(p *plan) {
	q := d.quoter_
	all, table := names(p.fields), q.table(p.table.name)
	switch p.op {
	case opInsert, opUpsert:
		p.sql.head = "INSERT INTO " + table + " (" + q.list(all) + ") VALUES "
		if p.op == opInsert {
			return
		}
		set := all[p.keys:]
		if len(set) == 0 {
			set = all[:1] // nothing to change, which has to be said
		}
		for i, n := range set {
			set[i] = q.quote(n) + "=VALUES(" + q.quote(n) + ")"
		}
		p.sql.tail = " ON DUPLICATE KEY UPDATE " + strings.Join(set, ",")
	case opUpdate:
		p.sql.head = "UPDATE " + table + " SET "
	case opDelete:
		p.sql.head = "DELETE FROM " + table + " WHERE "
	}
}

func (d *mysqlDB) open(ctx context.Context) (conn, error) {
	connector, err := mysql.NewConnector(d.config)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	c := &mysqlConn{mysqlDB: d, db: db}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return c, nil
}

// mysqlConn is one session.
type mysqlConn struct {
	*mysqlDB
	db    *sql.DB
	c     *sql.Conn
	style textStyle
	most  int // bytes of a statement
	buf   []byte
	inTx  bool
}

func (c *mysqlConn) start(ctx context.Context) (err error) {
	if c.c, err = c.db.Conn(ctx); err != nil {
		return err
	}
	var mode string
	var packet int
	if err = c.c.QueryRowContext(ctx, "SELECT @@SESSION.sql_mode, @@max_allowed_packet").Scan(&mode, &packet); err != nil {
		return err
	}
	if !strings.Contains(mode, "STRICT_") && !strings.Contains(mode, "TRADITIONAL") {
		// As Java's drivers: without it MySQL cuts values to what fits.
		if err = c.run(ctx, "SET SESSION sql_mode=CONCAT(@@SESSION.sql_mode,',STRICT_ALL_TABLES')"); err != nil {
			return err
		}
	}
	c.style = textStyle{zone: c.zone, doubled: strings.Contains(mode, "NO_BACKSLASH_ESCAPES")}
	c.most = min(maxStatement, packet/2)
	return nil
}

func (c *mysqlConn) run(ctx context.Context, sql string) error {
	_, err := c.c.ExecContext(ctx, sql)
	return err
}

func (c *mysqlConn) begin(ctx context.Context) error {
	c.inTx = true
	return c.run(ctx, "START TRANSACTION")
}

func (c *mysqlConn) commit(ctx context.Context) error {
	c.inTx = false
	return c.run(ctx, "COMMIT")
}

func (c *mysqlConn) rollback(ctx context.Context) error {
	c.inTx = false
	return c.run(ctx, "ROLLBACK")
}

func (c *mysqlConn) close() error {
	return errors.Join(c.c.Close(), c.db.Close())
}

// exec runs what is in buf. The driver copies it before it returns.
func (c *mysqlConn) exec(ctx context.Context) error {
	return c.run(ctx, unsafe.String(unsafe.SliceData(c.buf), len(c.buf)))
}

// write makes statements of many rows, each as long as the server takes. When
// it takes more than one, they are a transaction.
func (c *mysqlConn) write(ctx context.Context, p *plan, rows []*connect.SinkRecord) (err error) {
	n, err := c.fill(p, rows)
	if err != nil {
		return err
	}
	if c.inTx || n == len(rows) && (p.op != opUpdate || n == 1) {
		return c.writeFrom(ctx, p, rows, n)
	}
	if err := c.begin(ctx); err != nil {
		return err
	}
	if err := c.writeFrom(ctx, p, rows, n); err != nil {
		return errors.Join(err, c.rollback(ctx))
	}
	return c.commit(ctx)
}

// writeFrom executes buf, which holds n rows, and the statements of the others.
func (c *mysqlConn) writeFrom(ctx context.Context, p *plan, rows []*connect.SinkRecord, n int) (err error) {
	for {
		if err := c.exec(ctx); err != nil {
			return err
		}
		if rows = rows[n:]; len(rows) == 0 {
			return nil
		}
		if n, err = c.fill(p, rows); err != nil {
			return err
		}
	}
}

// fill makes a statement of as many of the rows as it may hold, one at least.
func (c *mysqlConn) fill(p *plan, rows []*connect.SinkRecord) (n int, err error) {
	c.buf = append(c.buf[:0], p.sql.head...)
	for ; n < len(rows); n++ {
		start := len(c.buf)
		if err := c.row(p, rows[n], n == 0); err != nil {
			return 0, err
		}
		if n > 0 && len(c.buf)+len(p.sql.tail) > c.most {
			c.buf = c.buf[:start]
			break
		}
	}
	c.buf = append(c.buf, p.sql.tail...)
	return n, nil
}

func (c *mysqlConn) row(p *plan, r *connect.SinkRecord, first bool) (err error) {
	switch p.op {
	case opInsert, opUpsert:
		if !first {
			c.buf = append(c.buf, ',')
		}
		c.buf = append(c.buf, '(')
		for i := range p.fields {
			if i > 0 {
				c.buf = append(c.buf, ',')
			}
			f := &p.fields[i]
			if c.buf, err = appendMySQL(c.buf, f.form, f.value(r), &c.style); err != nil {
				return valueError(f, err)
			}
		}
		c.buf = append(c.buf, ')')
		return nil
	case opUpdate:
		if !first {
			c.buf = append(append(c.buf, ';'), p.sql.head...)
		}
		if err = c.assign(p.fields[p.keys:], r, ","); err != nil {
			return err
		}
		c.buf = append(c.buf, " WHERE "...)
	case opDelete:
		if !first {
			c.buf = append(c.buf, " OR "...)
		}
	}
	return c.assign(p.fields[:p.keys], r, " AND ")
}

// assign appends name=value pairs.
func (c *mysqlConn) assign(fields []field, r *connect.SinkRecord, between string) (err error) {
	for i := range fields {
		f := &fields[i]
		if i > 0 {
			c.buf = append(c.buf, between...)
		}
		c.buf = append(append(c.buf, c.quoter_.quote(f.name)...), '=')
		if c.buf, err = appendMySQL(c.buf, f.form, f.value(r), &c.style); err != nil {
			return valueError(f, err)
		}
	}
	return nil
}

func (c *mysqlConn) describe(ctx context.Context, n tableName) (*table, error) {
	t := &table{name: n}
	const where = " WHERE table_schema=COALESCE(NULLIF(?,''),DATABASE()) AND table_name=?"
	err := c.c.QueryRowContext(ctx, "SELECT table_type FROM information_schema.tables"+where, n.schema, n.name).Scan(&t.kind)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if t.kind == "BASE TABLE" || t.kind == "SYSTEM VERSIONED" {
		t.kind = "TABLE"
	}
	err = each(ctx, c.c, "SELECT column_name,data_type,extra FROM information_schema.columns"+where+" ORDER BY ordinal_position", n, func(v []string) {
		extra := strings.ToUpper(v[2])
		t.columns = append(t.columns, column{
			name: v[0], typ: strings.ToLower(v[1]),
			readOnly: strings.Contains(extra, "GENERATED") && !strings.Contains(extra, "DEFAULT_GENERATED"),
		})
	})
	if err != nil {
		return nil, err
	}
	index := ""
	err = each(ctx, c.c, "SELECT index_name,column_name,'' FROM information_schema.statistics"+where+" AND non_unique=0 ORDER BY index_name,seq_in_index", n, func(v []string) {
		if v[0] != index || len(t.unique) == 0 {
			index, t.unique = v[0], append(t.unique, nil)
		}
		last := len(t.unique) - 1
		t.unique[last] = append(t.unique[last], v[1])
	})
	return t, err
}

// each calls f with the rows of a query of three texts.
func each(ctx context.Context, c *sql.Conn, query string, n tableName, f func(v []string)) (err error) {
	rows, err := c.QueryContext(ctx, query, n.schema, n.name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var v [3]sql.NullString
		if err := rows.Scan(&v[0], &v[1], &v[2]); err != nil {
			return err
		}
		f([]string{v[0].String, v[1].String, v[2].String})
	}
	return rows.Err()
}

// fault classifies by the server's error numbers, and by SQLSTATE for the
// classes of data that it refuses.
func (d *mysqlDB) fault(err error) fault {
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		var v *errValue
		switch {
		case errors.As(err, &v), errors.Is(err, mysql.ErrPktTooLarge):
			return badData
		case errors.Is(err, driver.ErrBadConn), errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, sql.ErrConnDone), lostConnection(err):
			return lost
		}
		return fatal
	}
	switch e.Number {
	case 1205, 1213, 3024, 1969, 1290, 1836, 3572: // lock wait, deadlock, time limits, read-only
		return passing
	case 1040, 1053, 1077, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1226, 1317, 1927, 3168, 3169, 4031: // too many, shutdown, killed, idle
		return lost
	case 1054, 1146, 1051: // no such column or table
		return stale
	case 1048, 1364, 1264, 1265, 1292, 1366, 1367, 1406, 1411, 1690, 1153, 3140, 3141, 3819, 4025, 1441, 3854, 1644: // values that do not fit
		return badData
	}
	if state := string(e.SQLState[:]); state != "HY000" {
		return sqlState(state)
	}
	return passing // of the server's inner life: disk, memory, storage engine
}

func (d *mysqlDB) brief(err error) string {
	if e := (*mysql.MySQLError)(nil); errors.As(err, &e) {
		return fmt.Sprintf("error %d (%s)", e.Number, e.SQLState)
	}
	if v := (*errValue)(nil); errors.As(err, &v) {
		return "the value of field " + v.field + " does not fit"
	}
	return err.Error()
}
