package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// sqliteDB is SQLite. The database is in this process, so a statement for each
// row, prepared once, is as fast as any.
type sqliteDB struct {
	quoter_ quoter
	source  string
}

func newSQLite(source string, quoteAlways bool) *sqliteDB {
	return &sqliteDB{quoter{'"', quoteAlways}, source}
}

func (d *sqliteDB) kind() string         { return kindSQLite }
func (d *sqliteDB) quoter() quoter       { return d.quoter_ }
func (d *sqliteDB) tableOptions() string { return "" }
func (d *sqliteDB) distinct() bool       { return false }

// columnType maps types as Confluent's sink does. Moments are NUMERIC:
// milliseconds since 1970.
func (d *sqliteDB) columnType(f *field) (string, error) {
	if logical(f.schema) != "" {
		return "NUMERIC", nil
	}
	switch f.schema.Kind() {
	case data.Int8, data.Int16, data.Int32, data.Int64, data.Bool:
		return "INTEGER", nil
	case data.Float32, data.Float64:
		return "REAL", nil
	case data.String:
		return "TEXT", nil
	case data.Bytes:
		return "BLOB", nil
	}
	return "", noType(f)
}

func (d *sqliteDB) literal(_ *field, v data.Value) (string, error) {
	a, err := sqliteArg(v)
	switch a := a.(type) {
	case string:
		return "'" + strings.ReplaceAll(a, "'", "''") + "'", err
	case []byte:
		return fmt.Sprintf("x'%x'", a), err
	}
	return fmt.Sprint(a), err
}

func (d *sqliteDB) bind(f *field, _ *column) error {
	switch f.schema.Kind() {
	case data.Array, data.Map, data.StructKind:
		return noType(f)
	}
	return nil
}

// prepare makes the statement of one row, in head. Its parameters are numbered
// by field.
func (d *sqliteDB) prepare(p *plan) {
	q := d.quoter_
	all, table := names(p.fields), q.table(p.table.name)
	var params, on, set, excluded []string
	for i, n := range all {
		param := fmt.Sprintf("?%d", i+1)
		params = append(params, param)
		if n = q.quote(n); i < p.keys {
			on = append(on, n+"="+param)
			continue
		}
		set = append(set, n+"="+param)
		excluded = append(excluded, n+"=excluded."+n)
	}
	insert := "INSERT INTO " + table + " (" + q.list(all) + ") VALUES (" + strings.Join(params, ",") + ")"
	switch p.op {
	case opInsert:
		p.sql.head = insert
	case opUpsert:
		p.sql.head = insert + " ON CONFLICT (" + q.list(all[:p.keys]) + ") DO "
		if len(set) == 0 {
			p.sql.head += "NOTHING"
		} else {
			p.sql.head += "UPDATE SET " + strings.Join(excluded, ",")
		}
	case opUpdate:
		p.sql.head = "UPDATE " + table + " SET " + strings.Join(set, ",") + " WHERE " + strings.Join(on, " AND ")
	case opDelete:
		p.sql.head = "DELETE FROM " + table + " WHERE " + strings.Join(on, " AND ")
	}
}

func (d *sqliteDB) open(ctx context.Context) (conn, error) {
	db, err := sql.Open("sqlite", d.source)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &sqliteConn{sqliteDB: d, db: db, c: c, prepared: map[string]*sql.Stmt{}}, nil
}

// sqliteConn is one open database.
type sqliteConn struct {
	*sqliteDB
	db       *sql.DB
	c        *sql.Conn
	prepared map[string]*sql.Stmt
	args     []any
	inTx     bool
}

func (c *sqliteConn) run(ctx context.Context, sql string) error {
	_, err := c.c.ExecContext(ctx, sql)
	return err
}

// begin takes the write lock at once: one that is taken later may have to be
// refused because of another writer.
func (c *sqliteConn) begin(ctx context.Context) error {
	err := c.run(ctx, "BEGIN IMMEDIATE")
	c.inTx = err == nil
	return err
}

func (c *sqliteConn) commit(ctx context.Context) error {
	err := c.run(ctx, "COMMIT")
	c.inTx = err != nil // a busy database may be committed to again
	return err
}

func (c *sqliteConn) rollback(ctx context.Context) error {
	c.inTx = false
	return c.run(ctx, "ROLLBACK")
}

func (c *sqliteConn) close() error {
	var errs []error
	for _, s := range c.prepared {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.c.Close(), c.db.Close())...)
}

func (c *sqliteConn) write(ctx context.Context, p *plan, rows []*connect.SinkRecord) error {
	if !c.inTx {
		if err := c.begin(ctx); err != nil {
			return err
		}
		if err := c.write(ctx, p, rows); err != nil {
			return errors.Join(err, c.rollback(ctx))
		}
		return c.commit(ctx)
	}
	s := c.prepared[p.sql.head]
	if s == nil {
		var err error
		if s, err = c.c.PrepareContext(ctx, p.sql.head); err != nil {
			return err
		}
		c.prepared[p.sql.head] = s
	}
	for _, r := range rows {
		c.args = c.args[:0]
		for i := range p.fields {
			f := &p.fields[i]
			a, err := sqliteArg(f.value(r))
			if err != nil {
				return valueError(f, err)
			}
			c.args = append(c.args, a)
		}
		if p.op == opDelete {
			c.args = c.args[:p.keys]
		}
		if _, err := s.ExecContext(ctx, c.args...); err != nil {
			return err
		}
	}
	return nil
}

// sqliteArg is a value as the driver takes it.
func sqliteArg(v data.Value) (any, error) {
	switch k := v.Kind(); k {
	case data.Null:
		return nil, nil
	case data.Int8, data.Int16, data.Int32, data.Int64, data.DateKind:
		return v.Int(), nil
	case data.Float32:
		return float64(v.Float32()), nil
	case data.Float64:
		return v.Float64(), nil
	case data.Bool:
		return int64(bit(v)), nil
	case data.String:
		return v.Str(), nil
	case data.Bytes:
		return v.Bytes(), nil
	case data.DecimalKind:
		return v.Decimal().String(), nil
	default:
		return nil, fmt.Errorf("a value of kind %s cannot be written", k)
	}
}

func (c *sqliteConn) describe(ctx context.Context, n tableName) (*table, error) {
	schema := n.schema
	if schema == "" {
		schema = "main"
	}
	q := quoter{'"', true}
	var kind string
	err := c.c.QueryRowContext(ctx, "SELECT type, name FROM "+q.quote(schema)+".sqlite_master WHERE type IN ('table','view') AND name=? COLLATE NOCASE", n.name).
		Scan(&kind, new(string))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t := &table{name: n, kind: strings.ToUpper(kind)}
	args := tableName{schema, n.name}
	var keys []string
	// hidden 2 and 3 are generated columns; pk is the place in the primary key.
	err = each(ctx, c.c, "SELECT name,hidden,pk FROM pragma_table_xinfo(?2,?1) ORDER BY pk,cid", args, func(v []string) {
		t.columns = append(t.columns, column{name: v[0], readOnly: v[1] != "0"})
		if v[2] != "0" {
			keys = append(keys, v[0])
		}
	})
	if err != nil {
		return nil, err
	}
	if len(keys) > 0 {
		t.unique = append(t.unique, keys)
	}
	index := ""
	err = each(ctx, c.c, `SELECT l.name,i.name,'' FROM pragma_index_list(?2,?1) l, pragma_index_info(l.name,?1) i
		WHERE l."unique"=1 AND l.partial=0 ORDER BY l.name,i.seqno`, args, func(v []string) {
		if v[0] != index {
			index, t.unique = v[0], append(t.unique, nil)
		}
		last := len(t.unique) - 1
		t.unique[last] = append(t.unique[last], v[1])
	})
	return t, err
}

func (d *sqliteDB) fault(err error) fault {
	var v *errValue
	if errors.As(err, &v) {
		return badData
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return fatal
	}
	switch e.Code() & 0xFF {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG:
		return badData
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_PROTOCOL:
		return passing
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM:
		return lost
	case sqlite3.SQLITE_ERROR:
		if m := e.Error(); strings.Contains(m, "no such table") || strings.Contains(m, "no such column") || strings.Contains(m, "has no column named") {
			return stale
		}
	}
	return fatal
}

func (d *sqliteDB) brief(err error) string {
	if e := (*sqlite.Error)(nil); errors.As(err, &e) {
		return fmt.Sprintf("code %d", e.Code())
	}
	if v := (*errValue)(nil); errors.As(err, &v) {
		return "the value of field " + v.field + " does not fit"
	}
	return err.Error()
}
