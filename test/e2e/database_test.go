package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // driver sqlite
)

// A database is where a pipeline ends.
type database struct {
	sink  props // of the SQL sink, how to reach it
	quote string
	query func(ctx context.Context, query string) ([][]any, error)
}

// databases lists the kinds that there are, by name.
var databases = map[string]func(t testing.TB) *database{
	"mariadb": func(t testing.TB) *database {
		c, err := mysql.ParseDSN(env(t, "MILLWRIGHT_TEST_MARIADB"))
		must(t, err)
		c.ParseTime, c.Loc = true, time.UTC
		return openDatabase(t, "mysql", c.FormatDSN(), "`", props{
			"connection.url": fmt.Sprintf("jdbc:mariadb://%s/%s", c.Addr, c.DBName), "connection.user": c.User, "connection.password": c.Passwd,
		})
	},
	"postgres": func(t testing.TB) *database {
		at := env(t, "MILLWRIGHT_TEST_POSTGRES")
		u, err := url.Parse(at)
		must(t, err)
		password, _ := u.User.Password()
		conn, err := pgx.Connect(t.Context(), at)
		must(t, err)
		t.Cleanup(func() { conn.Close(context.Background()) })
		query := func(ctx context.Context, query string) (all [][]any, err error) {
			rows, err := conn.Query(ctx, query)
			if err != nil {
				return nil, err
			}
			defer rows.Close()
			for rows.Next() {
				values, err := rows.Values()
				if err != nil {
					return nil, err
				}
				all = append(all, values)
			}
			return all, rows.Err()
		}
		return newDatabase(`"`, query, props{
			"connection.url":  fmt.Sprintf("jdbc:postgresql://%s%s?%s", u.Host, u.Path, u.RawQuery),
			"connection.user": u.User.Username(), "connection.password": password,
		})
	},
	"sqlite": func(t testing.TB) *database {
		file := filepath.Join(t.TempDir(), "plant.db")
		return openDatabase(t, "sqlite", file+"?_pragma=busy_timeout(10000)", `"`, props{"connection.url": "jdbc:sqlite:" + file})
	},
}

func newDatabase(quote string, query func(context.Context, string) ([][]any, error), sink props) *database {
	if sink["connection.password"] == "" {
		delete(sink, "connection.password")
	}
	return &database{sink, quote, query}
}

func openDatabase(t testing.TB, driver, source, quote string, sink props) *database {
	t.Helper()
	db, err := sql.Open(driver, source)
	must(t, err)
	t.Cleanup(func() { db.Close() })
	return newDatabase(quote, func(ctx context.Context, query string) (all [][]any, err error) {
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
			values, places := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				places[i] = &values[i]
			}
			if err := rows.Scan(places...); err != nil {
				return nil, err
			}
			all = append(all, values)
		}
		return all, rows.Err()
	}, sink)
}

func (d *database) name(s string) string { return d.quote + s + d.quote }

// drop removes a table when the test ends; servers are shared.
func (d *database) drop(t testing.TB, table string) {
	t.Cleanup(func() {
		if _, err := d.query(context.Background(), "DROP TABLE IF EXISTS "+d.name(table)); err != nil {
			t.Error(err)
		}
	})
}

// rows returns some columns of all rows of a table, by the text of the key
// columns. A table that does not exist has none.
func (d *database) rows(t testing.TB, table string, key []string, columns ...string) map[string][]any {
	t.Helper()
	quoted := make([]string, 0, len(key)+len(columns))
	for _, c := range slices.Concat(key, columns) {
		quoted = append(quoted, d.name(c))
	}
	found, err := d.query(t.Context(), "SELECT "+strings.Join(quoted, ",")+" FROM "+d.name(table))
	if err != nil {
		return nil
	}
	rows := map[string][]any{}
	for _, values := range found {
		var parts []string
		for _, v := range values[:len(key)] {
			parts = append(parts, text(v))
		}
		k := strings.Join(parts, "/")
		if _, twice := rows[k]; twice {
			t.Fatalf("%s is in %s twice", k, table)
		}
		rows[k] = values[len(key):]
	}
	return rows
}

// text makes values of different drivers, and of JSON, the same.
func text(v any) string {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case time.Time:
		return fmt.Sprint(v.UnixMilli())
	case float32:
		return fmt.Sprint(float64(v))
	case nil:
		return "null"
	}
	return fmt.Sprint(v)
}
