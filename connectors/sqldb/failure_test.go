package sqldb

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// fakeDB is SQLite whose connection fails as told.
type fakeDB struct {
	*sqliteDB
	opens    int
	openErrs []error // of each opening, while there are any
	writes   []error // of each write, while there are any
}

func (d *fakeDB) open(ctx context.Context) (conn, error) {
	d.opens++
	if len(d.openErrs) > 0 {
		err := d.openErrs[0]
		d.openErrs = d.openErrs[1:]
		if err != nil {
			return nil, err
		}
	}
	c, err := d.sqliteDB.open(ctx)
	return &fakeConn{c, d}, err
}

func (d *fakeDB) fault(err error) fault {
	if lostConnection(err) {
		return lost
	}
	return d.sqliteDB.fault(err)
}

type fakeConn struct {
	conn
	db *fakeDB
}

func (c *fakeConn) write(ctx context.Context, p *plan, rows []*connect.SinkRecord) error {
	if len(c.db.writes) > 0 {
		err := c.db.writes[0]
		c.db.writes = c.db.writes[1:]
		if err != nil {
			return err
		}
	}
	return c.conn.write(ctx, p, rows)
}

func fake(t *testing.T, props ...string) (*sinkTask, *fakeDB, string) {
	t.Helper()
	file := t.TempDir() + "/db"
	s := open(t, "sqlite", file, &server{kind: kindSQLite, url: "jdbc:sqlite:" + file, quote: quoter{'"', true}.quote})
	s.exec(t, "CREATE TABLE x (id INT, name TEXT, n INT)")
	task := s.task(t, &host{}, props...)
	d := &fakeDB{sqliteDB: task.db.(*sqliteDB)}
	task.db, task.tables.dialect = d, d
	return task, d, file
}

var refused = &net.OpError{Op: "dial", Err: errors.New("connection refused")}

func TestRetries(t *testing.T) {
	task, d, _ := fake(t, "connection.attempts=2", "connection.backoff.ms=7", "max.retries=2", "retry.backoff.ms=9")
	batch := []connect.SinkRecord{row("x", 0, 1, "a", 1)}
	d.openErrs = []error{refused, refused, refused, nil}
	d.writes = []error{io.ErrUnexpectedEOF, nil}
	// Two attempts to connect are one try; then a write that fails is another.
	for i, want := range []string{"7ms", "9ms", "7ms", "9ms", ""} {
		err := task.Put(t.Context(), batch)
		after, again := connect.RetryAfter(err)
		if want == "" && err != nil || want != "" && (!again || after.String() != want) {
			t.Fatalf("%d: %v, %v, want %s", i, after, err, want)
		}
	}
	// After a success the count begins again.
	d.writes = []error{io.EOF, io.EOF, nil, nil}
	if err := task.Put(t.Context(), batch); err == nil {
		t.Error("two lost connections in a row are a failure")
	}
	if err := task.Put(t.Context(), batch); err != nil {
		t.Error(err)
	}
}

func TestGivesUp(t *testing.T) {
	task, d, _ := fake(t, "max.retries=1")
	d.openErrs = []error{refused, refused, refused, refused, refused}
	batch := []connect.SinkRecord{row("x", 0, 1, "a", 1)}
	if _, again := connect.RetryAfter(task.Put(t.Context(), batch)); !again {
		t.Error("the first failure is not tried again")
	}
	err := task.Put(t.Context(), batch)
	if _, again := connect.RetryAfter(err); again || err == nil || !strings.HasPrefix(err.Error(), "gave up after 2 tries (max.retries=1): SQLite: connecting failed: dial: connection refused") {
		t.Error(err)
	}
}

// TestIdleConnection: one that the server closed while nothing was written is
// opened again without a failed try.
func TestIdleConnection(t *testing.T) {
	task, d, _ := fake(t)
	put(t, task, row("x", 0, 1, "a", 1))
	d.writes = []error{io.EOF}
	put(t, task, row("x", 1, 2, "b", 1))
	if d.opens != 2 {
		t.Errorf("opened %d times", d.opens)
	}
}

// TestKilledSession does the same with real servers.
func TestKilledSession(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		kill := map[string]string{
			kindMySQL:    "SELECT CONCAT('KILL ',id) FROM information_schema.processlist WHERE id<>CONNECTION_ID() AND db=DATABASE() AND command='Sleep'",
			kindPostgres: "SELECT 'SELECT pg_terminate_backend('||pid||')' FROM pg_stat_activity WHERE application_name='millwright' AND datname=current_database()",
		}[s.kind]
		if kill == "" {
			return // SQLite has no sessions
		}
		topic := s.topic(t)
		task := s.task(t, &host{failing: true}, "auto.create=true")
		put(t, task, row(topic, 0, 1, "a", 1))
		for _, k := range s.rows(t, kill) {
			s.exec(t, k)
		}
		put(t, task, row(topic, 1, 2, "b", 1), row(topic, 2, 3, "c", 1))
		wantRows(t, s.rows(t, "SELECT id FROM "+s.quote(topic)+" ORDER BY id"), "1", "2", "3")
	})
}

// TestRejectsOnce: a record is not reported for an attempt that is made again.
func TestRejectsOnce(t *testing.T) {
	task, d, _ := fake(t, "max.retries=5")
	d.writes = []error{io.EOF}
	batch := []connect.SinkRecord{row("x", 0, 1, "a", 1), record("x", 1, data.Datum{}, data.Datum{})}
	if _, again := connect.RetryAfter(task.Put(t.Context(), batch)); !again {
		t.Error("not tried again")
	}
	put(t, task, batch...)
	if h := task.host.(*host); len(h.rejected) != 1 {
		t.Errorf("%q", h.rejected)
	}
}

func TestCancelled(t *testing.T) {
	task, _, _ := fake(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := task.Put(ctx, []connect.SinkRecord{row("x", 0, 1, "a", 1)}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	put(t, task, row("x", 0, 1, "a", 1))
}

func TestTrimmedErrors(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		topic := s.topic(t)
		s.exec(t, "CREATE TABLE "+s.quote(topic)+" (id INT, name VARCHAR(99) PRIMARY KEY, n BIGINT)")
		for trim, want := range map[string]bool{"true": false, "false": s.kind != kindSQLite} {
			h := &host{}
			put(t, s.task(t, h, "trim.sensitive.log="+trim), row(topic, 0, 1, "private-"+trim, 1), row(topic, 1, 2, "private-"+trim, 1))
			if len(h.rejected) != 1 || strings.Contains(h.rejected[0], "private") != want {
				t.Errorf("trim.sensitive.log=%s: %q", trim, h.rejected)
			}
		}
	})
}

func TestAccessDenied(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		if s.kind != kindMySQL {
			return // the other test servers let everybody in
		}
		err := s.task(t, &host{}, "connection.user=nobody", "connection.password="+secret, "max.retries=9").Put(t.Context(), []connect.SinkRecord{row("x", 0, 1, "a", 1)})
		if _, again := connect.RetryAfter(err); again || err == nil || !strings.Contains(err.Error(), "Access denied") || strings.Contains(err.Error(), secret) {
			t.Error(err)
		}
	})
}

// TestPasswordsStayOut: no error that a database gives shows it.
func TestPasswordsStayOut(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	for _, url := range []string{"jdbc:mysql://" + addr + "/db", "jdbc:postgresql://" + addr + "/db?sslmode=disable"} {
		s := &server{url: url}
		err := s.task(t, &host{}, "connection.user=u", "connection.password="+secret).Put(t.Context(), []connect.SinkRecord{row("x", 0, 1, "a", 1)})
		if err == nil || !strings.Contains(err.Error(), "connecting failed") || strings.Contains(err.Error(), secret) || strings.Contains(connect.Trace(err), secret) {
			t.Errorf("%s: %v", url, err)
		}
	}
}
