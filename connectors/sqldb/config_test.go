package sqldb

import (
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
)

const secret = "s3cr&t'pw"

func TestTargets(t *testing.T) {
	for _, c := range []struct {
		url, user, want string
	}{
		{"jdbc:mysql://h:3307/db?rewriteBatchedStatements=true&serverTimezone=UTC", "u", "u@h:3307/db"},
		{"jdbc:mariadb://u:s3cr%26t%27pw@h/db", "", "u@h:3306/db"},
		{"jdbc:mysql://[::1]:3307/db", "u", "u@[::1]:3307/db"},
		{"mysql://u:x@h/my%20db", "", "u@h:3306/my db"},
		{"u:p@tcp(h:3307)/db?parseTime=true", "", "u@h:3307/db"},
		{"u@unix(/tmp/s)/db", "", "u@/tmp/s/db"},
		{"jdbc:postgresql://h:5433/db?currentSchema=plant&stringtype=unspecified&ssl=false", "u", "u@h:5433/db"},
		{"postgres://u:x@h/db", "", "u@h:5432/db"},
		{"jdbc:postgresql:db", "u", "u@localhost:5432/db"},
		{"jdbc:postgresql://h/", "u", "u@h:5432/u"},
		{"jdbc:postgresql://h1,h2:5433/db?targetServerType=primary", "u", "u@h1:5432/db"},
		{"jdbc:sqlite:/a/b.db", "", "/a/b.db?_pragma=busy_timeout%285000%29&_txlock=immediate"},
		{"jdbc:sqlite:/a/b.db?journal_mode=WAL", "", "/a/b.db?_pragma=busy_timeout%285000%29&_pragma=journal_mode%28WAL%29&_txlock=immediate"},
		{"file:/a/b.db", "", "file:/a/b.db?_pragma=busy_timeout%285000%29&_txlock=immediate"},
	} {
		p := map[string]string{}
		if c.user != "" {
			p["user"], p["password"] = c.user, secret
		}
		got, err := parseTarget(c.url, p)
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		var text string
		switch got.kind {
		case kindMySQL:
			text = got.mysql.User + "@" + got.mysql.Addr + "/" + got.mysql.DBName
			if (c.user != "" || strings.Contains(c.url, "%26")) && got.mysql.Passwd != secret {
				t.Errorf("%s: password %q", c.url, got.mysql.Passwd)
			}
		case kindPostgres:
			text = got.pg.User + "@" + strings.ReplaceAll(joinHostPort(got.pg.Host, "")+itoa(got.pg.Port), "::", ":") + "/" + got.pg.Database
			if c.user != "" && got.pg.Password != secret {
				t.Errorf("%s: password %q", c.url, got.pg.Password)
			}
		default:
			text = got.sqlite
		}
		if text != c.want {
			t.Errorf("%s: %s, want %s", c.url, text, c.want)
		}
	}
}

func itoa(n uint16) string {
	var b []byte
	for ; n > 0; n /= 10 {
		b = append([]byte{byte('0' + n%10)}, b...)
	}
	return string(b)
}

// TestRefusals: what is not supported is refused by name, and no error shows a
// password.
func TestRefusals(t *testing.T) {
	for _, c := range []struct{ props, want string }{
		{"connection.url=jdbc:sqlserver://h;password=" + secret, "connection.url: sqlserver databases are not supported by Millwright; supported are jdbc:mysql:, jdbc:mariadb:, jdbc:postgresql: and jdbc:sqlite:"},
		{"connection.url=jdbc:oracle:thin:u/" + secret + "@h:1521/x", "connection.url: oracle databases are not supported by Millwright"},
		{"connection.url=nonsense " + secret, "connection.url is not the URL of a database; supported are"},
		{"connection.url=jdbc:mysql:replication://u:" + secret + "@a,b/db", `connection.url: "replication:" before // is not supported by Millwright`},
		{"connection.url=jdbc:mysql://u:" + secret + "@a,b/db", "connection.url: several hosts or hosts with options are not supported by Millwright; name one"},
		{"connection.url=jdbc:mysql://u:" + secret + "@a:x/db", "connection.url: the port of a host is not a number"},
		{"connection.url=jdbc:mysql://u:" + secret + "@a", "connection.url: the name of the database is missing"},
		{"connection.url=jdbc:mysql://a/db?password=x&allowLoadLocalInfile=true", "connection.url: parameter allowloadlocalinfile is not supported by Millwright; leave it out"},
		{"connection.url=jdbc:mysql://a/db?serverTimezone=Asia/Tokyo", "connection.url: parameter servertimezone is not supported by Millwright; leave it out and set db.timezone"},
		{"connection.url=jdbc:mysql://a/db?sslMode=maybe", "connection.url: parameter sslMode must be one of"},
		{"connection.url=jdbc:mysql://a/db?trustCertificateKeyStoreUrl=file:x.jks&useSSL=true", "connection.url: parameter trustcertificatekeystoreurl is not supported by Millwright; name the authorities' PEM file in serverSslCert"},
		{"connection.url=jdbc:postgresql://a/db?password=s3&sslmode=maybe", "connection.url: sslmode is invalid"},
		{"connection.url=jdbc:postgresql://a/db?nonsense=1", "connection.url: parameter nonsense is not supported by Millwright; leave it out"},
		{"connection.url=jdbc:sqlite:", "connection.url: the file is missing"},
		{"connection.url=jdbc:sqlite:x?journal_mode=wal)drop", "connection.url: the value of parameter journal_mode is neither a word nor a number"},
		{"connection.url=jdbc:sqlite:x connection.oauth.token=" + secret, "connection.url: parameter oauth.token is not supported by Millwright; leave it out"},
		{"connection.url=jdbc:sqlite:x dialect.name=PostgreSqlDatabaseDialect", "dialect.name PostgreSqlDatabaseDialect does not agree with connection.url, which is of SQLite"},
		{"connection.url=jdbc:sqlite:x dialect.name=OracleDatabaseDialect", "Invalid value OracleDatabaseDialect for configuration dialect.name: Millwright has no such dialect"},
		{"connection.url=jdbc:sqlite:x delete.enabled=true", "Deletes are only supported for pk.mode record_key"},
		{"connection.url=jdbc:sqlite:x insert.mode=UPSERT", "insert.mode upsert needs to know the primary key; set pk.mode"},
		{"connection.url=jdbc:sqlite:x pk.mode=kafka pk.fields=a,b", "pk.mode kafka needs 3 names in pk.fields, for topic, partition and offset, or none for __connect_topic,__connect_partition,__connect_offset; there are 2"},
		{"connection.url=jdbc:sqlite:x timestamp.fields.list=a", "Invalid value a for configuration timestamp.fields.list: Millwright does not support this property"},
		{"connection.url=jdbc:sqlite:x db.timezone=Mars/Base", "Invalid value Mars/Base for configuration db.timezone: it is no time zone"},
		{"connection.url=jdbc:sqlite:x db.timezone=Asia/Tokyo date.timezone=DB_TIMEZONE", "Millwright writes dates as the day that they are"},
		{"connection.url=jdbc:sqlite:x table.name.format=a.b.c.${topic}", "has 4 parts"},
		{"connection.url=jdbc:sqlite:x table.types=SYNONYM", "table.types"},
		{"connection.url=jdbc:sqlite:x connection.attempts=0", "Invalid value 0 for configuration connection.attempts: Value must be at least 1"},
		{"topics=x", `Missing required configuration "connection.url" which has no default value.`},
	} {
		p := connect.Props{}
		for _, kv := range strings.Split(c.props, " ") {
			if k, v, ok := strings.Cut(kv, "="); ok {
				p[k] = v
			}
		}
		_, err := parse(p)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\n%v\nwant %s", c.props, err, c.want)
			continue
		}
		if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "t'pw") {
			t.Errorf("%s: shows the password: %v", c.props, err)
		}
		if err := connect.ClassOf(err); err != connect.ConfigException {
			t.Errorf("%s: %s", c.props, err)
		}
	}
}

// TestCheck: the validate endpoint says the same, at the property.
func TestCheck(t *testing.T) {
	p := connect.Props{"connection.url": "jdbc:sqlite:x", "delete.enabled": "true", "insert.mode": "UPSERT"}
	var d connect.ConfigDef
	new(config).Define(&d)
	infos := d.Validate(p)
	if err := checkTogether(t.Context(), p, infos); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"delete.enabled": "Deletes are only supported", "pk.mode": "insert.mode upsert needs"} {
		if v := connect.ValueOf(infos, name); len(v.Errors) != 1 || !strings.HasPrefix(v.Errors[0], want) {
			t.Errorf("%s: %q", name, v.Errors)
		}
	}
}

func TestTableNames(t *testing.T) {
	for _, c := range []struct{ in, want, bad string }{
		{"a", ".a", ""},
		{"s.a", "s.a", ""},
		{`"a.b"`, ".a.b", ""},
		{`s."a""b"`, `s.a"b`, ""},
		{"`s`.a", "s.a", ""},
		{"a.b.c", "", "has 3 parts"},
		{"", "", "is empty"},
		{"a.", "", "is empty"},
		{".a", "", "is empty"},
		{`"a`, "", "not closed"},
		{`""`, "", "is empty"},
		{`"a"b`, "", "a dot must follow"},
	} {
		n, err := parseTableName(c.in)
		if c.bad == "" && (err != nil || n.schema+"."+n.name != c.want) || c.bad != "" && (err == nil || !strings.Contains(err.Error(), c.bad)) {
			t.Errorf("%q: %v %v", c.in, n, err)
		}
	}
}

func TestQuoting(t *testing.T) {
	always, few := quoter{'"', true}, quoter{'"', false}
	for in, want := range map[string][2]string{"a": {`"a"`, "a"}, `a"b`: {`"a""b"`, `"a""b"`}, "1a": {`"1a"`, `"1a"`}, "a b": {`"a b"`, `"a b"`}, "_a1$": {`"_a1$"`, "_a1$"}} {
		if got := [2]string{always.quote(in), few.quote(in)}; got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

// FuzzTarget: no URL makes it panic, and no error shows what stands after the
// scheme.
func FuzzTarget(f *testing.F) {
	for _, s := range []string{"jdbc:mysql://u:p@h:1/d?a=b", "jdbc:postgresql://[::1]/d?x", "jdbc:sqlite:a?b=c", "u:p@tcp(h)/d", "a:b@c", "jdbc:", "mysql:", "//", "postgres://%zz@h/d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		_, err := parseTarget(s, map[string]string{"password": secret})
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Error(err)
		}
	})
}

// FuzzTableName: what parses is written in quotes and parses to the same.
func FuzzTableName(f *testing.F) {
	for _, s := range []string{"a", "a.b", `"a.b".c`, "`a``b`", `""`, "."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := parseTableName(s)
		if err != nil {
			return
		}
		again, err := parseTableName(quoter{'"', true}.table(n))
		if err != nil || again != n {
			t.Errorf("%q: %v, then %v, %v", s, n, again, err)
		}
	})
}
