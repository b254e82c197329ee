package sqldb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Values of insert.mode, pk.mode and quote.sql.identifiers.
const (
	modeInsert = "insert"
	modeUpsert = "upsert"
	modeUpdate = "update"

	pkNone   = "none"
	pkKafka  = "kafka"
	pkKey    = "record_key"
	pkValue  = "record_value"
	quoteAll = "always"
	quoteFew = "never"
)

// config holds the properties of a task.
type config struct {
	url      string
	user     string
	password connect.Secret
	dialect  string
	driver   connect.Props // what follows connection. in further properties
	attempts int
	backoff  time.Duration

	insertMode string
	batch      int
	deletes    bool
	tableTypes []string

	tableFormat  string
	pkMode       string
	pkFields     []string
	whitelist    []string
	zoneName     string
	dateZone     string
	fillDefaults bool

	create bool
	evolve bool
	quote  string

	retries      int
	retryBackoff time.Duration
	trimErrors   bool
}

var defaultKafkaFields = []string{"__connect_topic", "__connect_partition", "__connect_offset"}

// Define declares the properties.
func (c *config) Define(d *connect.ConfigDef) {
	d.Group("Connection")
	d.String(&c.url, "connection.url").Is(connect.High).Wide(connect.WidthLong).Check(urlCheck).
		Doc("The database: jdbc:mysql://host:3306/db, jdbc:mariadb://host/db, jdbc:postgresql://host:5432/db or jdbc:sqlite:/path/file.db, with JDBC parameters; " +
			"or a native form: mysql://, postgres://, sqlite:, user@tcp(host:3306)/db.")
	d.String(&c.user, "connection.user").OrNone().Is(connect.High).Doc("User. It goes before one in the URL.")
	d.Password(&c.password, "connection.password").OrNone().Is(connect.High).Doc("Password. It goes before one in the URL.")
	d.String(&c.dialect, "dialect.name").Default("").Is(connect.Low).Check(dialectCheck).
		Doc("MySqlDatabaseDialect, PostgreSqlDatabaseDialect or SqliteDatabaseDialect; by default what the URL says, which it must agree with.")
	d.Int(&c.attempts, "connection.attempts").Default(3).Is(connect.Low).Check(connect.AtLeast(1)).
		Doc("Attempts to connect that count as one try of max.retries.")
	d.Millis(&c.backoff, "connection.backoff.ms").Default(10 * time.Second).Is(connect.Low).Check(connect.AtLeast(time.Duration(0))).
		Doc("Wait between attempts to connect.")
	d.Prefixed(&c.driver, "connection.", "Further parameters of the connection, as in the URL: connection.sslmode is the parameter sslmode.")

	d.Group("Writes")
	d.String(&c.insertMode, "insert.mode").Default(modeInsert).Is(connect.High).Check(connect.OneOfFold(modeInsert, modeUpsert, modeUpdate)).
		Doc("insert: new rows. upsert: new rows, or new values of the rows that have the key. update: new values of the rows that have the key, no new rows.")
	d.Int(&c.batch, "batch.size").Default(3000).Check(connect.AtLeast(0)).
		Doc("Most rows of one statement. Statements are no larger than one poll of the consumer either: see consumer.override.max.poll.records.")
	d.Boolean(&c.deletes, "delete.enabled").Default(false).
		Doc("Whether a record with a null value deletes the row of its key. It needs pk.mode record_key.")
	d.List(&c.tableTypes, "table.types").Default([]string{"TABLE"}).Is(connect.Low).
		Doc("Kinds of tables that may be written to: TABLE, VIEW, PARTITIONED TABLE, FOREIGN TABLE. TABLE includes partitioned ones.").
		Check(connect.NonEmptyListOf("TABLE", "PARTITIONED TABLE", "FOREIGN TABLE", "VIEW"))

	d.Group("Data Mapping")
	d.String(&c.tableFormat, "table.name.format").Default("${topic}").Check(formatCheck).
		Doc("Name of the table, ${topic} being the topic's. Dots part schema and table; a quoted part, as \"${topic}\" with its quotes, may hold dots.")
	d.String(&c.pkMode, "pk.mode").Default(pkNone).Is(connect.High).Check(connect.OneOfFold(pkNone, pkKafka, pkKey, pkValue)).
		Doc("Where the primary key comes from. none: there is none. kafka: topic, partition and offset. record_key: the record's key, a struct or a primitive. record_value: fields of the value.")
	d.List(&c.pkFields, "pk.fields").Default(nil).
		Doc("Columns of the primary key. kafka: three names, by default " + strings.Join(defaultKafkaFields, ",") +
			". record_key: fields of the key, by default all; of a primitive key the one column's name. record_value: fields of the value, by default all.")
	d.List(&c.whitelist, "fields.whitelist").Default(nil).
		Doc("Fields of the value to write beside the primary key; by default all.")
	d.String(&c.zoneName, "db.timezone").Default("UTC").Check(zoneCheck).
		Doc("Time zone of date-time columns that have none, such as DATETIME of MySQL and TIMESTAMP of PostgreSQL.")
	d.String(&c.dateZone, "date.timezone").Default("UTC").Is(connect.Low).Check(connect.OneOfFold("UTC", "DB_TIMEZONE")).
		Doc("Dates are written as the day that they are (UTC); DB_TIMEZONE is taken where it makes no difference, which is if db.timezone is UTC.")
	d.Boolean(&c.fillDefaults, "replace.null.with.default").Default(true).
		Doc("Whether a null is written as its field's default value, if the schema has one.")

	d.Group("DDL Support")
	d.Boolean(&c.create, "auto.create").Default(false).
		Doc("Whether a missing table is created after the record's schema.")
	d.Boolean(&c.evolve, "auto.evolve").Default(false).
		Doc("Whether missing columns are added, for fields that are optional or have a default.")
	d.String(&c.quote, "quote.sql.identifiers").Default(quoteAll).Check(connect.OneOfFold(quoteAll, quoteFew)).
		Doc("always: names of tables and columns are quoted. never: only names that are not plain words are, so that the database folds the case of the others.")

	d.Group("Retries")
	d.Int(&c.retries, "max.retries").Default(10).Check(connect.AtLeast(0)).
		Doc("How often a write that failed for a passing reason, such as a lost connection or a deadlock, is tried again before the task fails.")
	d.IntMillis(&c.retryBackoff, "retry.backoff.ms").Default(3 * time.Second).Check(connect.AtLeast(time.Duration(0))).
		Doc("Wait before a write is tried again.")
	d.Boolean(&c.trimErrors, "trim.sensitive.log").Default(false).Is(connect.Low).
		Doc("Whether the database's error texts, which may hold values of rows, are left out of errors; code and constraint are kept.")

	d.Group("Not supported")
	d.Unsupported("mssql.use.merge.holdlock", "SQL Server is not supported", "true", "false")
	d.Unsupported("timestamp.fields.list", "turn the fields into timestamps with the transform org.apache.kafka.connect.transforms.TimestampConverter$Value")
	d.Unsupported("timestamp.precision.mode", "Connect's timestamps have milliseconds", "microseconds")
	d.Unsupported("date.calendar.system", "dates are those of the proleptic Gregorian calendar", "PROLEPTIC_GREGORIAN")
}

var urlCheck = connect.That("URL of a MySQL, MariaDB, PostgreSQL or SQLite database", func(v string) error {
	if _, err := parseTarget(v, nil); err != nil {
		// In its own words: the usual ones show the value, and with it a password.
		return connect.PropertyError(err.Error())
	}
	return nil
})

var dialectCheck = connect.That("dialect", func(v string) error {
	if v == "" || dialectOf(v) != "" {
		return nil
	}
	return fmt.Errorf("Millwright has no such dialect; there are MySqlDatabaseDialect, PostgreSqlDatabaseDialect and SqliteDatabaseDialect")
})

// dialectOf returns the kind that one of Confluent's dialect names stands for.
func dialectOf(name string) string {
	switch strings.ToLower(strings.TrimSuffix(name, "DatabaseDialect")) {
	case "mysql", "mariadb":
		return kindMySQL
	case "postgresql", "postgres":
		return kindPostgres
	case "sqlite":
		return kindSQLite
	}
	return ""
}

var formatCheck = connect.That("table name, with or without ${topic}", func(v string) error {
	_, err := parseTableName(strings.ReplaceAll(v, "${topic}", "topic"))
	return err
})

var zoneCheck = connect.That("time zone", func(v string) error {
	if _, err := time.LoadLocation(v); err != nil || v == "" || v == "Local" {
		return fmt.Errorf("it is no time zone of the IANA database, such as UTC or Europe/Berlin")
	}
	return nil
})

// A conflict is a property that does not go with the others.
type conflict struct{ property, message string }

// conflicts finds what single properties cannot show.
func (c *config) conflicts() (bad []conflict) {
	fail := func(property, format string, args ...any) {
		bad = append(bad, conflict{property, fmt.Sprintf(format, args...)})
	}
	t, err := parseTarget(c.url, c.params())
	if err != nil {
		fail("connection.url", "%s", strings.ReplaceAll(err.Error(), "{name}", "connection.url"))
	} else if d := dialectOf(c.dialect); d != "" && d != t.kind {
		fail("dialect.name", "dialect.name %s does not agree with connection.url, which is of %s; leave dialect.name out", c.dialect, t.kind)
	}
	if c.deletes && c.pkMode != pkKey {
		fail("delete.enabled", "Deletes are only supported for pk.mode %s; set pk.mode=%s, or delete.enabled=false", pkKey, pkKey)
	}
	if c.insertMode != modeInsert && c.pkMode == pkNone {
		fail("pk.mode", "insert.mode %s needs to know the primary key; set pk.mode to %s, %s or %s", c.insertMode, pkKey, pkValue, pkKafka)
	}
	if n := len(c.pkFields); c.pkMode == pkKafka && n != 0 && n != 3 {
		fail("pk.fields", "pk.mode %s needs 3 names in pk.fields, for topic, partition and offset, or none for %s; there are %d",
			pkKafka, strings.Join(defaultKafkaFields, ","), n)
	}
	if strings.EqualFold(c.dateZone, "DB_TIMEZONE") && c.zoneName != "UTC" {
		fail("date.timezone", "Millwright writes dates as the day that they are and does not move them to another time zone; set date.timezone=UTC")
	}
	return bad
}

// parse reads the properties of a task.
func parse(p connect.Props) (*config, error) {
	c := new(config)
	if err := connect.Parse(p, c); err != nil {
		return nil, err
	}
	for _, word := range []*string{&c.insertMode, &c.pkMode, &c.quote} {
		*word = strings.ToLower(*word)
	}
	c.batch = max(c.batch, 1)
	for _, b := range c.conflicts() {
		return nil, connect.ConfigErrorf("%s", b.message)
	}
	return c, nil
}

// params returns the properties that are parameters of the connection, user
// and password among them.
func (c *config) params() map[string]string {
	p := map[string]string{}
	for k, v := range c.driver {
		if !slices.Contains([]string{"url", "user", "password", "attempts", "backoff.ms"}, k) {
			p[k] = v
		}
	}
	if c.user != "" {
		p["user"] = c.user
	}
	if c.password != "" {
		p["password"] = string(c.password)
	}
	return p
}

func checkTogether(_ context.Context, p connect.Props, infos []connect.ConfigInfo) error {
	c := new(config)
	if err := connect.Parse(p, c); err != nil {
		if e := (*connect.Error)(nil); errors.As(err, &e) {
			return nil // already among infos
		}
		return err
	}
	for _, word := range []*string{&c.insertMode, &c.pkMode} {
		*word = strings.ToLower(*word)
	}
	for _, b := range c.conflicts() {
		if v := connect.ValueOf(infos, b.property); v != nil && len(v.Errors) == 0 {
			v.Fail("%s", b.message)
		}
	}
	return nil
}
