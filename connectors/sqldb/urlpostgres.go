package sqldb

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Parameters of pgjdbc that change nothing for a writer like this one.
// stringtype is among them: texts always go to columns of any type.
const pgMeaningless = `stringtype rewritebatchedinserts preparethreshold preparedstatementcachequeries preparedstatementcachesizemib
	binarytransfer binarytransferenable binarytransferdisable tcpkeepalive tcpnodelay defaultrowfetchsize autosave loglevel loggerlevel loggerfile
	assumeminserverversion prefersquerymode prefer querymode hostrecheckseconds loadbalancehosts cleanupsavepoints
	readonlymode adaptivefetch logunclosedconnections databasemetadatacachefields databasemetadatacachefieldsmib`

// pgNames maps pgjdbc's parameters to libpq's, which pgconn reads.
var pgNames = map[string]string{
	"sslmode": "sslmode", "sslrootcert": "sslrootcert", "sslcert": "sslcert", "sslkey": "sslkey", "sslpassword": "sslpassword",
	"applicationname": "application_name", "application_name": "application_name",
	"currentschema": "search_path", "search_path": "search_path", "options": "options",
	"connecttimeout": "connect_timeout", "logintimeout": "connect_timeout", "connect_timeout": "connect_timeout",
	"gssencmode": "gssencmode", "channelbinding": "channel_binding", "sslnegotiation": "sslnegotiation",
}

func pgTarget(s string, params map[string]string) (target, error) {
	t := target{kind: kindPostgres}
	l, err := parseLocation(s, params)
	if err != nil {
		return t, err
	}
	user, _ := l.take("user")
	password, _ := l.take("password")
	words := map[string]string{"host": "localhost", "port": "5432"}
	if len(l.hosts) > 0 {
		var hosts, ports []string
		for _, h := range l.hosts {
			host, port, err := hostPort(h, "5432")
			if err != nil {
				return t, err
			}
			hosts, ports = append(hosts, host), append(ports, port)
		}
		words["host"], words["port"] = strings.Join(hosts, ","), strings.Join(ports, ",")
	}
	if user != "" {
		words["user"] = user
	}
	if l.db == "" {
		l.db = user // as PostgreSQL's own clients do
	}
	words["dbname"] = l.db
	if v, ok := l.take("sockettimeout"); ok {
		if t.timeout, err = duration("socketTimeout", v, time.Second); err != nil {
			return t, err
		}
	}
	if v, ok := l.take("ssl"); ok && l.params["sslmode"] == "" && !strings.EqualFold(v, "false") {
		words["sslmode"] = "verify-full"
	}
	if v, ok := l.take("sslfactory"); ok {
		if !strings.HasSuffix(v, "NonValidatingFactory") {
			return t, errors.New("{name}: parameter sslfactory is not supported by Millwright; set sslmode and sslrootcert")
		}
		words["sslmode"] = "require"
	}
	if v, ok := l.take("targetservertype"); ok {
		switch strings.ToLower(v) {
		case "any":
		case "primary", "master":
			words["target_session_attrs"] = "read-write"
		default:
			return t, errors.New("{name}: parameter targetServerType must be any or primary, for a writer")
		}
	}
	for from, to := range pgNames {
		if v, ok := l.take(from); ok {
			words[to] = v
		}
	}
	l.drop(pgMeaningless)
	if err := l.refuse(); err != nil {
		return t, err
	}
	if words["gssencmode"] != "" {
		delete(words, "gssencmode") // GSS encryption is never used
	}
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(words)) {
		fmt.Fprintf(&b, "%s='%s' ", k, strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(words[k]))
	}
	if t.pg, err = pgconn.ParseConfig(b.String()); err != nil {
		// The whole text shows the parameters, though not the password.
		if u := errors.Unwrap(err); u != nil {
			err = u
		}
		return t, fmt.Errorf("{name}: %w", err)
	}
	if password != "" {
		t.pg.Password = password
	}
	return t, nil
}
