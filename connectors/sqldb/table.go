package sqldb

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// A table is what the database says of one. It is never changed; an altered
// table is described anew.
type table struct {
	name    tableName
	kind    string // TABLE, VIEW, PARTITIONED TABLE, FOREIGN TABLE
	columns []column
	unique  [][]string // columns of each primary key and unique index
}

// A column is one of a table.
type column struct {
	name     string
	typ      string // in the database's words, without length
	oid      uint32 // PostgreSQL
	readOnly bool   // generated
}

// find returns the column of a name: the very name, else the only one that
// differs in case alone.
func (t *table) find(name string) *column {
	var like *column
	for i := range t.columns {
		c := &t.columns[i]
		if c.name == name {
			return c
		}
		if strings.EqualFold(c.name, name) {
			if like != nil {
				return nil
			}
			like = c
		}
	}
	return like
}

// A dialect is the SQL of one kind of database, and the way to it.
type dialect interface {
	kind() string
	quoter() quoter
	// columnType returns the type of a new column.
	columnType(f *field) (string, error)
	// tableOptions is what follows the columns of a new table.
	tableOptions() string
	// literal returns a default value as SQL.
	literal(f *field, v data.Value) (string, error)
	// bind chooses how a field is written to a column.
	bind(f *field, c *column) error
	// prepare makes the fixed text of a plan's statement.
	prepare(p *plan)
	// distinct reports whether the rows of an upsert or update must have
	// different keys.
	distinct() bool
	// fault classifies an error.
	fault(err error) fault
	// brief is an error without values of rows.
	brief(err error) string
	open(ctx context.Context) (conn, error)
}

// A conn is one connection.
type conn interface {
	// describe returns nil when there is no such table.
	describe(ctx context.Context, n tableName) (*table, error)
	// run executes SQL without results.
	run(ctx context.Context, sql string) error
	// write executes a plan for rows, all or nothing where the table has
	// transactions.
	write(ctx context.Context, p *plan, rows []*connect.SinkRecord) error
	begin(ctx context.Context) error
	commit(ctx context.Context) error
	rollback(ctx context.Context) error
	close() error
}

// tables keeps what is known of the database's tables.
type tables struct {
	*config
	dialect
	known map[tableName]*table
}

// errNoTable is a table that is missing: a mistake of set-up, not of records.
type errNoTable struct{ error }

// get returns a table that has columns for all fields, creating or altering it
// if the configuration allows that.
func (t *tables) get(ctx context.Context, c conn, n tableName, fields []field) (*table, error) {
	if known := t.known[n]; known != nil && len(t.missing(known, fields)) == 0 {
		return known, nil
	}
	found, err := c.describe(ctx, n)
	if err != nil {
		return nil, err
	}
	if found == nil {
		if found, err = t.make(ctx, c, n, fields); err != nil {
			return nil, err
		}
	}
	if !t.mayWrite(found.kind) {
		return nil, errNoTable{connect.Failf("'%s' is a %s, which table.types=%s leaves out; add %s to table.types to write to it",
			n, found.kind, strings.Join(t.tableTypes, ","), found.kind)}
	}
	if lacks := t.missing(found, fields); len(lacks) > 0 {
		if found, err = t.extend(ctx, c, found, lacks); err != nil {
			return nil, err
		}
	}
	t.known[n] = found
	return found, nil
}

func (t *tables) mayWrite(kind string) bool {
	return slices.Contains(t.tableTypes, kind) || kind == "PARTITIONED TABLE" && slices.Contains(t.tableTypes, "TABLE")
}

func (t *tables) missing(in *table, fields []field) (lacks []field) {
	for _, f := range fields {
		if in.find(f.name) == nil {
			lacks = append(lacks, f)
		}
	}
	return lacks
}

// make creates a table. Another task may do the same at this moment, so what
// counts is whether the table is there in the end.
func (t *tables) make(ctx context.Context, c conn, n tableName, fields []field) (*table, error) {
	if !t.create {
		return nil, errNoTable{connect.Failf("Table %s is missing and auto-creation is disabled; create it, or set auto.create=true, "+
			"or name another in table.name.format, which is %s", t.quoter().table(n), t.tableFormat)}
	}
	sql, err := t.createSQL(n, fields)
	if err != nil {
		return nil, err
	}
	failed := c.run(ctx, sql)
	found, err := c.describe(ctx, n)
	switch {
	case err != nil:
		return nil, err
	case found != nil:
		return found, nil
	case failed != nil && t.fault(failed) != fatal:
		return nil, failed
	}
	return nil, errNoTable{connect.Failf("table %s could not be created: %w (%s)", n, failed, sql)}
}

func (t *tables) createSQL(n tableName, fields []field) (string, error) {
	q := t.quoter()
	lines := make([]string, 0, len(fields)+1)
	var keys []string
	for i := range fields {
		line, err := t.columnSQL(&fields[i])
		if err != nil {
			return "", fieldError(n, &fields[i], err)
		}
		lines = append(lines, line)
		if fields[i].key {
			keys = append(keys, fields[i].name)
		}
	}
	if len(keys) > 0 {
		lines = append(lines, "PRIMARY KEY("+q.list(keys)+")")
	}
	return "CREATE TABLE " + q.table(n) + " (\n" + strings.Join(lines, ",\n") + ")" + t.tableOptions(), nil
}

func fieldError(n tableName, f *field, err error) error {
	return connect.DataErrorf("field %s cannot be a column of table %s: %w", f.name, n, err)
}

func (t *tables) columnSQL(f *field) (string, error) {
	typ, err := t.columnType(f)
	if err != nil {
		return "", err
	}
	sql := t.quoter().quote(f.name) + " " + typ
	if v := f.schema.DefaultValue(); !v.IsNull() {
		text, err := t.literal(f, v)
		if err != nil {
			return "", err
		}
		sql += " DEFAULT " + text
	}
	if f.key || !f.schema.IsOptional() {
		return sql + " NOT NULL", nil
	}
	return sql + " NULL", nil
}

// extend adds columns to a table.
func (t *tables) extend(ctx context.Context, c conn, in *table, lacks []field) (*table, error) {
	name := t.quoter().table(in.name)
	if !t.evolve {
		return nil, connect.DataErrorf("Table %s is missing fields (%s) and auto-evolution is disabled; add the columns, or set auto.evolve=true, "+
			"or leave the fields out with fields.whitelist", name, strings.Join(names(lacks), ", "))
	}
	if in.kind == "VIEW" {
		return nil, connect.DataErrorf("View %s is missing fields (%s), which cannot be added to a view; change the view", name, strings.Join(names(lacks), ", "))
	}
	for i := range lacks {
		f := &lacks[i]
		if f.key {
			return nil, connect.DataErrorf("Cannot ALTER TABLE %s to add missing field %s, as the field belongs to the primary key; add the column and the key yourself", name, f.name)
		}
		if !f.schema.IsOptional() && f.schema.DefaultValue().IsNull() {
			return nil, connect.DataErrorf("Cannot ALTER TABLE %s to add missing field %s, as the field is not optional and does not have a default value; "+
				"add the column yourself, or make the field optional in the producer's schema", name, f.name)
		}
	}
	for i := range lacks {
		line, err := t.columnSQL(&lacks[i])
		if err != nil {
			return nil, fieldError(in.name, &lacks[i], err)
		}
		sql := "ALTER TABLE " + name + " ADD COLUMN " + line
		if failed := c.run(ctx, sql); failed != nil {
			now, err := c.describe(ctx, in.name)
			if err != nil {
				return nil, err
			}
			if now != nil && now.find(lacks[i].name) != nil {
				continue // another task was faster
			}
			if t.fault(failed) != fatal {
				return nil, failed
			}
			return nil, errNoTable{connect.Failf("table %s could not be altered: %w (%s)", in.name, failed, sql)}
		}
	}
	now, err := c.describe(ctx, in.name)
	if err == nil && now == nil {
		err = errNoTable{connect.Failf("table %s has vanished", in.name)}
	}
	return now, err
}

// plan makes the plan of a shape. When it cannot, the table is described anew
// next time: somebody may have mended it.
func (t *tables) plan(ctx context.Context, c conn, s *shape) (p *plan, err error) {
	n, err := parseTableName(strings.ReplaceAll(t.tableFormat, "${topic}", s.topic))
	if err != nil {
		return nil, errNoTable{connect.Failf("topic %s: %w", s.topic, err)}
	}
	defer func() {
		if err != nil {
			delete(t.known, n)
		}
	}()
	fields, op, err := t.fieldsOf(s, n.String())
	if err != nil {
		return nil, err
	}
	for i := range fields {
		switch fields[i].schema.Kind() {
		case data.StructKind, data.Map:
			return nil, fieldError(n, &fields[i], fmt.Errorf("it is a %s; flatten it with the transform org.apache.kafka.connect.transforms.Flatten$Value, "+
				"or leave it out with fields.whitelist", fields[i].schema.Kind()))
		}
	}
	in, err := t.get(ctx, c, n, fields)
	if err != nil {
		return nil, err
	}
	p = &plan{op: op, table: in, fields: fields}
	for i := range fields {
		f := &fields[i]
		col := in.find(f.name)
		f.name = col.name
		if f.key {
			p.keys++
		}
		if col.readOnly {
			return nil, fieldError(n, f, fmt.Errorf("the column is generated; leave the field out with fields.whitelist"))
		}
		if err := t.bind(f, col); err != nil {
			return nil, fieldError(n, f, err)
		}
	}
	if err := p.checkUnique(); err != nil {
		return nil, err
	}
	t.prepare(p)
	return p, nil
}

// checkUnique refuses an upsert to a table without the key that it goes by:
// MySQL would take it for an insert without a word.
func (p *plan) checkUnique() error {
	if p.op != opUpsert || p.table.kind == "VIEW" || p.table.kind == "FOREIGN TABLE" {
		return nil
	}
	keys := names(p.fields[:p.keys])
	slices.Sort(keys)
	for _, u := range p.table.unique {
		sorted := slices.Sorted(slices.Values(u))
		if slices.Equal(sorted, keys) {
			return nil
		}
	}
	return errNoTable{connect.Failf("insert.mode=upsert needs table %s to have a primary key or unique index of exactly (%s), the columns that pk.mode and pk.fields say; "+
		"create it, or change pk.fields", p.table.name, strings.Join(keys, ","))}
}
