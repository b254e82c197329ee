package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// A server is a database to test with.
type server struct {
	kind  string
	url   string                                                    // for connection.url
	query func(ctx context.Context, query string) ([]string, error) // rows, columns parted by |
	quote func(string) string
}

var serial atomic.Int64

// topic returns a name that no other test uses.
func (s *server) topic(t *testing.T) string {
	name := fmt.Sprintf("t%d_%d", os.Getpid(), serial.Add(1))
	t.Cleanup(func() {
		if _, err := s.query(context.Background(), "DROP TABLE IF EXISTS "+s.quote(name)); err != nil {
			t.Error(err)
		}
	})
	return name
}

// onEach runs a test against SQLite and against the servers that
// MILLWRIGHT_TEST_MARIADB and MILLWRIGHT_TEST_POSTGRES name: URLs such as
// mysql://root@127.0.0.1:3306/test and postgres://postgres@127.0.0.1/test.
func onEach(t *testing.T, test func(t *testing.T, s *server)) {
	t.Run("sqlite", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "db")
		test(t, open(t, "sqlite", file, &server{kind: kindSQLite, url: "jdbc:sqlite:" + file, quote: quoter{'"', true}.quote}))
	})
	for _, c := range []struct{ name, env, kind string }{{"mariadb", "MILLWRIGHT_TEST_MARIADB", kindMySQL}, {"postgres", "MILLWRIGHT_TEST_POSTGRES", kindPostgres}} {
		t.Run(c.name, func(t *testing.T) {
			url := os.Getenv(c.env)
			if url == "" {
				t.Skipf("%s is not set: it is the URL of a server to test with", c.env)
			}
			s := &server{kind: c.kind, url: url, quote: quoter{'"', true}.quote}
			target, err := parseTarget(url, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.kind == kindMySQL {
				s.quote = quoter{'`', true}.quote
				test(t, open(t, "mysql", target.mysql.FormatDSN(), s))
				return
			}
			pg, err := pgconn.ConnectConfig(t.Context(), target.pg)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { pg.Close(context.Background()) })
			s.query = func(ctx context.Context, query string) ([]string, error) { return pgRows(ctx, pg, query) }
			test(t, s)
		})
	}
}

func open(t *testing.T, driver, source string, s *server) *server {
	t.Helper()
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s.query = func(ctx context.Context, query string) ([]string, error) { return sqlRows(ctx, db, query) }
	return s
}

func pgRows(ctx context.Context, pg *pgconn.PgConn, query string) (out []string, err error) {
	results, err := pg.Exec(ctx, query).ReadAll()
	for _, r := range results {
		for _, row := range r.Rows {
			texts := make([]string, len(row))
			for i, v := range row {
				if texts[i] = string(v); v == nil {
					texts[i] = "NULL"
				}
			}
			out = append(out, strings.Join(texts, "|"))
		}
	}
	return out, err
}

func sqlRows(ctx context.Context, db *sql.DB, query string) (out []string, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		v := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range v {
			into[i] = &v[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		texts := make([]string, len(columns))
		for i := range v {
			if texts[i] = v[i].String; !v[i].Valid {
				texts[i] = "NULL"
			}
		}
		out = append(out, strings.Join(texts, "|"))
	}
	return out, rows.Err()
}

func (s *server) exec(t *testing.T, query string) {
	t.Helper()
	s.rows(t, query)
}

func (s *server) rows(t *testing.T, query string) []string {
	t.Helper()
	out, err := s.query(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return out
}

// host is a worker that keeps what is rejected; with failing it tolerates
// nothing.
type host struct {
	failing  bool
	rejected []string // offset: cause
}

func (*host) Name() string                         { return "test" }
func (*host) Log() *slog.Logger                    { return slog.New(slog.DiscardHandler) }
func (*host) Assignment() []connect.TopicPartition { return nil }
func (*host) Seek(connect.TopicPartition, int64)   {}
func (*host) Pause(...connect.TopicPartition)      {}
func (*host) Resume(...connect.TopicPartition)     {}
func (*host) RequestCommit()                       {}

func (*host) Gauge(string, map[string]string, func() float64) error { return nil }

func (h *host) Reject(r *connect.SinkRecord, cause error) error {
	if h.failing {
		return cause
	}
	h.rejected = append(h.rejected, fmt.Sprintf("%d: %v", r.Offset, cause))
	return nil
}

// task opens a task with properties given as k=v.
func (s *server) task(t *testing.T, h *host, props ...string) *sinkTask {
	t.Helper()
	p := connect.Props{"connection.url": s.url, "max.retries": "0", "connection.attempts": "1"}
	for _, kv := range props {
		k, v, _ := strings.Cut(kv, "=")
		p[k] = v
	}
	task, err := openTask(t.Context(), h, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { task.Close() })
	return task.(*sinkTask)
}

var noTime = int64(-1)

// record makes a record; a nil value is a tombstone.
func record(topic string, offset int64, key, value data.Datum) connect.SinkRecord {
	return connect.SinkRecord{Record: connect.Record{Topic: topic, Key: key, Value: value, Offset: offset, Timestamp: noTime}}
}

var (
	rowSchema = data.StructOf("Row", data.F("id", data.Of(data.Int32)), data.F("name", data.OptionalOf(data.String)), data.F("n", data.OptionalOf(data.Int64)))
	keySchema = data.Of(data.Int32)
)

// row makes a record of rowSchema with the id as its key.
func row(topic string, offset int64, id int32, name string, n int64) connect.SinkRecord {
	return record(topic, offset, key(id), data.NewStruct(rowSchema, data.I32(id), data.Str(name), data.I64(n)).Datum())
}

func key(id int32) data.Datum { return data.Datum{Schema: keySchema, Value: data.I32(id)} }

func put(t *testing.T, task *sinkTask, records ...connect.SinkRecord) {
	t.Helper()
	if err := task.Put(t.Context(), records); err != nil {
		t.Fatal(err)
	}
}

func wantRows(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
