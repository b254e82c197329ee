package sqldb

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// sinkTask writes each Put in one transaction. It connects when there is
// something to write, and anew after the connection was lost.
type sinkTask struct {
	*config
	host   connect.SinkHost
	db     dialect
	tables tables
	conn   conn
	used   bool // conn has written before: it may have been closed while idle
	batch  *batch
	plans  plans
	bad    []rejected // records of this attempt that cannot be written

	tries    int // failed in a row
	connects int // failed attempts to connect in a row
}

// planned is a shape with its plan, or why it has none.
type planned struct {
	shape shape
	plan  *plan
	err   error
}

// plans are kept by topic; most topics have one or two shapes.
type plans struct {
	last  *planned // the next record is probably alike
	of    map[string][]*planned
	count int
}

// maxPlans is how many are kept: a producer that sends endless schemas must not
// fill the memory.
const maxPlans = 10_000

func (p *plans) find(s *shape) *planned {
	if p.last != nil && p.last.shape.equal(s) {
		return p.last
	}
	for _, known := range p.of[s.topic] {
		if known.shape.equal(s) {
			p.last = known
			return known
		}
	}
	return nil
}

func (p *plans) add(n *planned) {
	if p.of == nil || p.count >= maxPlans {
		p.of, p.count = map[string][]*planned{}, 0
	}
	p.of[n.shape.topic] = append(p.of[n.shape.topic], n)
	p.last = n
	p.count++
}

// drop forgets shapes without a plan: somebody may have mended their tables.
func (p *plans) drop() {
	for topic, list := range p.of {
		p.of[topic] = slices.DeleteFunc(list, func(n *planned) bool { return n.err != nil })
	}
	p.last = nil
}

func openTask(_ context.Context, h connect.SinkHost, p connect.Props) (connect.SinkTask, error) {
	c, err := parse(p)
	if err != nil {
		return nil, err
	}
	db, err := c.dialectFor()
	if err != nil {
		return nil, err
	}
	return &sinkTask{
		config: c, host: h, db: db,
		tables: tables{c, db, map[tableName]*table{}},
		batch:  newBatch(c.batch, db.distinct()),
	}, nil
}

func (c *config) dialectFor() (dialect, error) {
	t, err := parseTarget(c.url, c.params())
	if err != nil {
		return nil, connect.ConfigErrorf("%s", strings.ReplaceAll(err.Error(), "{name}", "connection.url"))
	}
	zone, err := time.LoadLocation(c.zoneName)
	if err != nil {
		return nil, connect.ConfigErrorf("db.timezone %s: %w", c.zoneName, err)
	}
	always := c.quote == quoteAll
	switch t.kind {
	case kindMySQL:
		return newMySQL(t.mysql, zone, always), nil
	case kindPostgres:
		return newPostgres(t.pg, t.timeout, zone, always), nil
	}
	return newSQLite(t.sqlite, always), nil
}

// Put writes the batch, or nothing of it.
func (t *sinkTask) Put(ctx context.Context, records []connect.SinkRecord) error {
	if len(records) == 0 {
		return nil
	}
	err := t.put(ctx, records)
	switch {
	case err == nil:
		t.tries, t.connects = 0, 0
	case ctx.Err() != nil:
		t.disconnect()
		return ctx.Err()
	}
	return err
}

func (t *sinkTask) put(ctx context.Context, records []connect.SinkRecord) error {
	reused := t.used
	err := t.attempt(ctx, records, false)
	if reused && t.faultOf(err) == lost && ctx.Err() == nil {
		// Servers close connections that are idle; that is no failure yet.
		t.disconnect()
		err = t.attempt(ctx, records, false)
	}
	if t.faultOf(err) == badData {
		err = t.attempt(ctx, records, true)
	}
	var f *failure
	if !errors.As(err, &f) {
		return err
	}
	switch f.fault {
	case fatal:
		return f.error
	case lost:
		t.disconnect()
	case stale:
		t.forget()
	}
	if t.conn == nil && f.connecting {
		if t.connects++; t.connects < t.attempts {
			t.host.Log().Warn("cannot connect, will try again", "attempt", t.connects, "of", t.attempts, "after", t.backoff, "error", f.error)
			return connect.Retry(f.error, t.backoff)
		}
		t.connects = 0
	}
	return t.again(f.error, t.retryBackoff)
}

// failure is an error of the database, as opposed to one about a record or the
// configuration.
type failure struct {
	fault
	connecting bool
	error
}

func (e *failure) Unwrap() error { return e.error }

func (t *sinkTask) faultOf(err error) fault {
	var f *failure
	if errors.As(err, &f) {
		return f.fault
	}
	return fatal
}

// failed classifies an error of the database and takes values of rows out of
// it if that is asked for.
func (t *sinkTask) failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	if f := (*failure)(nil); errors.As(err, &f) {
		return err
	}
	if e := (*connect.Error)(nil); errors.As(err, &e) {
		return err
	}
	f := t.db.fault(err)
	if t.trimErrors {
		err = errors.New(t.db.brief(err))
	}
	return &failure{f, false, connect.Failf("%s: %s failed: %w", t.db.kind(), doing, err)}
}

// again asks for another try, until there were enough.
func (t *sinkTask) again(err error, after time.Duration) error {
	if t.tries++; t.tries > t.retries {
		return connect.Failf("gave up after %d tries (max.retries=%d): %w", t.tries, t.retries, err)
	}
	t.host.Log().Warn("write failed, will try again", "try", t.tries, "of", t.retries, "after", after, "error", err)
	return connect.Retry(err, after)
}

func (t *sinkTask) connect(ctx context.Context) error {
	if t.conn != nil {
		return nil
	}
	c, err := t.db.open(ctx)
	if err != nil {
		err = t.failed("connecting", err)
		if f := (*failure)(nil); errors.As(err, &f) {
			f.connecting = true
		}
		return err
	}
	t.conn, t.used = c, false
	return nil
}

func (t *sinkTask) disconnect() {
	if t.conn != nil {
		if err := t.conn.close(); err != nil {
			t.host.Log().Debug("closing a lost connection failed", "error", err)
		}
		t.conn, t.used = nil, false
	}
	t.forget()
}

// forget drops what was known of tables.
func (t *sinkTask) forget() {
	t.plans = plans{}
	clear(t.tables.known)
	t.batch.reset(true)
}

// attempt writes the records in one transaction. Careful looks for the records
// that the database refuses. Those go to the errors policy just before the
// transaction is committed, so that no record is reported for an attempt that
// is made again.
func (t *sinkTask) attempt(ctx context.Context, records []connect.SinkRecord, careful bool) error {
	if err := t.connect(ctx); err != nil {
		return err
	}
	t.batch.reset(!careful)
	if len(t.bad) > 0 {
		t.plans.drop()
	}
	clear(t.bad)
	t.bad = t.bad[:0]
	for i := range records {
		if err := t.sort(ctx, &records[i]); err != nil {
			return err
		}
	}
	err := t.transact(ctx, careful)
	if err == nil {
		t.used = true
	}
	return err
}

func (t *sinkTask) transact(ctx context.Context, careful bool) error {
	chunks := t.batch.chunks
	if len(chunks) == 0 {
		return t.reject()
	}
	if len(chunks) == 1 && !careful && len(t.bad) == 0 {
		return t.write(ctx, chunks[0].plan, chunks[0].rows) // a statement is a transaction by itself
	}
	if err := t.conn.begin(ctx); err != nil {
		return t.failed("beginning a transaction", err)
	}
	err := t.writeAll(ctx, chunks, careful)
	if err == nil {
		if err = t.failed("committing a transaction", t.conn.commit(ctx)); err == nil {
			return nil
		}
	}
	if t.faultOf(err) != lost {
		if back := t.conn.rollback(ctx); back != nil {
			t.disconnect() // which rolls back too
		}
	}
	return err
}

func (t *sinkTask) writeAll(ctx context.Context, chunks []chunk, careful bool) error {
	write := t.write
	if careful {
		write = t.split
	}
	for i := range chunks {
		if err := write(ctx, chunks[i].plan, chunks[i].rows); err != nil {
			return err
		}
	}
	return t.reject()
}

func (t *sinkTask) write(ctx context.Context, p *plan, rows []*connect.SinkRecord) error {
	return t.failed("writing to table "+p.table.name.String(), t.conn.write(ctx, p, rows))
}

func (t *sinkTask) reject() error {
	for _, b := range t.bad {
		if err := t.host.Reject(b.record, b.cause); err != nil {
			return err
		}
	}
	return nil
}

type rejected struct {
	record *connect.SinkRecord
	cause  error
}

// split writes rows and, when the database refuses one of them, their halves,
// down to the very row.
func (t *sinkTask) split(ctx context.Context, p *plan, rows []*connect.SinkRecord) error {
	if err := t.conn.run(ctx, "SAVEPOINT millwright"); err != nil {
		return t.failed("setting a savepoint", err)
	}
	err := t.write(ctx, p, rows)
	if err == nil {
		return t.failed("releasing a savepoint", t.conn.run(ctx, "RELEASE SAVEPOINT millwright"))
	}
	if t.faultOf(err) != badData {
		return err
	}
	if back := t.conn.run(ctx, "ROLLBACK TO SAVEPOINT millwright"); back != nil {
		return t.failed("rolling back to a savepoint", back)
	}
	if len(rows) == 1 {
		var f *failure
		errors.As(err, &f)
		t.bad = append(t.bad, rejected{rows[0], f.error})
		return nil
	}
	if err := t.split(ctx, p, rows[:len(rows)/2]); err != nil {
		return err
	}
	return t.split(ctx, p, rows[len(rows)/2:])
}

// sort puts a record into the batch, or among the bad ones if it cannot be
// written whatever the database says.
func (t *sinkTask) sort(ctx context.Context, r *connect.SinkRecord) error {
	cause := t.checkRecord(t.host.Name(), r)
	if cause == nil {
		p, err := t.planFor(ctx, r)
		if err != nil {
			return err
		}
		if cause = p.err; cause == nil {
			t.batch.add(p.plan, r)
		}
	}
	if cause != nil {
		t.bad = append(t.bad, rejected{r, cause})
	}
	return nil
}

func (t *sinkTask) planFor(ctx context.Context, r *connect.SinkRecord) (*planned, error) {
	s := shapeOf(r)
	if known := t.plans.find(&s); known != nil {
		return known, nil
	}
	p, err := t.tables.plan(ctx, t.conn, &s)
	if err != nil {
		var missing errNoTable
		if errors.As(err, &missing) {
			return nil, missing.error
		}
		if e := (*connect.Error)(nil); !errors.As(err, &e) {
			return nil, t.failed("looking at the table of topic "+s.topic, err)
		}
	}
	if p != nil {
		p.queue = t.batch.queue(p.table.name)
	}
	n := &planned{s, p, err}
	t.plans.add(n)
	return n, nil
}

// Close closes the connection.
func (t *sinkTask) Close() error {
	if t.conn == nil {
		return nil
	}
	err := t.conn.close()
	t.conn = nil
	return err
}
