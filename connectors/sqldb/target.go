package sqldb

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
)

// The kinds of databases, as messages call them.
const (
	kindMySQL    = "MySQL or MariaDB"
	kindPostgres = "PostgreSQL"
	kindSQLite   = "SQLite"
)

// A target is where to connect to.
type target struct {
	kind    string
	mysql   *mysql.Config
	pg      *pgconn.Config
	sqlite  string        // the driver's data source name
	timeout time.Duration // of one statement; 0: none. MySQL's driver has its own.
}

const supportedURLs = "supported are jdbc:mysql:, jdbc:mariadb:, jdbc:postgresql: and jdbc:sqlite:"

// parseTarget reads connection.url. Params, user and password among them, go
// before those in the URL. Errors name no value of theirs; {name} in one
// stands for the property.
func parseTarget(raw string, params map[string]string) (target, error) {
	s := strings.TrimSpace(raw)
	jdbc := false
	if len(s) > 5 && strings.EqualFold(s[:5], "jdbc:") {
		s, jdbc = s[5:], true
	}
	scheme, rest, _ := strings.Cut(s, ":")
	switch strings.ToLower(scheme) {
	case "mysql", "mariadb":
		return mysqlTarget(rest, params)
	case "postgresql", "postgres":
		return pgTarget(rest, params)
	case "sqlite":
		return sqliteTarget(rest, params)
	case "file":
		if !jdbc {
			return sqliteTarget(s, params)
		}
	case "sqlserver", "jtds", "oracle", "db2", "derby", "sap", "vertica", "sybase", "as400", "h2", "hsqldb", "snowflake", "redshift", "teradata", "clickhouse", "duckdb", "firebirdsql":
		return target{}, fmt.Errorf("{name}: %s databases are not supported by Millwright; %s", strings.ToLower(scheme), supportedURLs)
	}
	if !jdbc {
		if c, err := mysql.ParseDSN(s); err == nil {
			t := target{kind: kindMySQL, mysql: c}
			return t, mysqlParams(&t, c, params)
		}
	}
	return target{}, fmt.Errorf("{name} is not the URL of a database; %s", supportedURLs)
}

// A location is the common form of JDBC URLs: //user:password@hosts/db?params.
type location struct {
	hosts  []string
	db     string
	params map[string]string // keys in lower case
}

func parseLocation(s string, params map[string]string) (l location, err error) {
	s, query, _ := strings.Cut(s, "?")
	if l.params, err = parameters(query); err != nil {
		return l, err
	}
	if authority, ok := strings.CutPrefix(s, "//"); ok {
		authority, l.db, _ = strings.Cut(authority, "/")
		if at := strings.LastIndexByte(authority, '@'); at >= 0 {
			user, password, _ := strings.Cut(authority[:at], ":")
			for k, v := range map[string]string{"user": user, "password": password} {
				if v, err = url.PathUnescape(v); err != nil {
					return l, fmt.Errorf("{name}: user or password are malformed; write special characters as %%XX, or set connection.user and connection.password")
				}
				if v != "" {
					l.params[k] = v
				}
			}
			authority = authority[at+1:]
		}
		if authority != "" {
			l.hosts = strings.Split(authority, ",")
		}
	} else {
		l.db = strings.TrimPrefix(s, "/")
	}
	if l.db, err = url.PathUnescape(l.db); err != nil {
		return l, fmt.Errorf("{name}: the name of the database is malformed; write special characters as %%XX")
	}
	for k, v := range params {
		l.params[strings.ToLower(k)] = v
	}
	return l, nil
}

// parameters splits what follows the ? of a URL. An error never shows a piece
// of it: it may be the rest of a password that holds an &.
func parameters(query string) (map[string]string, error) {
	p := map[string]string{}
	for _, piece := range strings.Split(query, "&") {
		if piece == "" {
			continue
		}
		k, v, ok := strings.Cut(piece, "=")
		v, err := url.QueryUnescape(v)
		if !ok || err != nil || !plain(strings.ReplaceAll(k, ".", "_")) {
			return nil, fmt.Errorf("{name}: the parameters after ? are not of the form name=value&name=value; " +
				"write special characters as %%XX, or set connection.user and connection.password")
		}
		p[strings.ToLower(k)] = v
	}
	return p, nil
}

// hostPort splits host[:port], IPv6 addresses being in brackets.
func hostPort(s, port string) (string, string, error) {
	host := s
	if i := strings.LastIndexByte(s, ':'); i >= 0 && i > strings.LastIndexByte(s, ']') {
		host, port = s[:i], s[i+1:]
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return "", "", fmt.Errorf("{name}: the port of a host is not a number from 1 to 65535")
	}
	return host, port, nil
}

// rest is what is left of the parameters after known ones were taken out.
func (l *location) take(key string) (string, bool) {
	v, ok := l.params[key]
	delete(l.params, key)
	return v, ok
}

// refuse says which parameter is not supported.
func (l *location) refuse() error {
	for _, k := range slices.Sorted(maps.Keys(l.params)) {
		return fmt.Errorf("{name}: parameter %s is not supported by Millwright; leave it out", k)
	}
	return nil
}

// drop removes parameters that are about speed of a Java driver, or about
// reading, and mean nothing here.
func (l *location) drop(keys string) {
	for _, k := range strings.Fields(keys) {
		delete(l.params, k)
	}
}

func duration(key, value string, unit time.Duration) (time.Duration, error) {
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("{name}: parameter %s is not a whole number", key)
	}
	return time.Duration(n) * unit, nil
}

// sqlitePragmas are the parameters that may be set for SQLite.
const sqlitePragmas = "journal_mode synchronous busy_timeout foreign_keys cache_size temp_store locking_mode"

func sqliteTarget(path string, params map[string]string) (target, error) {
	file, query, _ := strings.Cut(path, "?")
	pragmas, err := parameters(query)
	if err != nil {
		return target{}, err
	}
	if file = strings.TrimPrefix(file, "//"); file == "" {
		return target{}, fmt.Errorf("{name}: the file is missing, as in jdbc:sqlite:/path/file.db")
	}
	if pragmas["busy_timeout"] == "" {
		pragmas["busy_timeout"] = "5000"
	}
	for k, v := range params {
		if k != "user" && k != "password" { // SQLite has neither
			pragmas[strings.ToLower(k)] = v
		}
	}
	q := url.Values{"_txlock": {"immediate"}}
	for _, k := range slices.Sorted(maps.Keys(pragmas)) {
		if !slices.Contains(strings.Fields(sqlitePragmas), k) {
			return target{}, fmt.Errorf("{name}: parameter %s is not supported by Millwright; leave it out", k)
		}
		if !plain("_" + strings.TrimPrefix(pragmas[k], "-")) {
			return target{}, fmt.Errorf("{name}: the value of parameter %s is neither a word nor a number", k)
		}
		q.Add("_pragma", k+"("+pragmas[k]+")")
	}
	return target{kind: kindSQLite, sqlite: file + "?" + q.Encode()}, nil
}

func joinHostPort(host, port string) string { return net.JoinHostPort(host, port) }
