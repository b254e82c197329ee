package demo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	_ "modernc.org/sqlite" // the database that the sink writes
)

// rows is what a table holds of one partition of its topic.
type rows struct{ n, first, last int64 }

// A database is plant.db, read only.
type database struct{ path string }

// open returns no database while there is no file.
func (d database) open() (*sql.DB, error) {
	if _, err := os.Stat(d.path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return sql.Open("sqlite", "file:"+d.path+"?mode=ro&_pragma=busy_timeout(10000)")
}

// size counts the rows of a table at little cost: rows are numbered as they come,
// and none is deleted.
func (d database) size(ctx context.Context, table string) (n int64, err error) {
	db, err := d.open()
	if db == nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return n, known(db.QueryRowContext(ctx, `SELECT coalesce(max(rowid), 0) FROM "`+table+`"`).Scan(&n))
}

// known takes a table that is not there yet for an empty one.
func known(err error) error {
	if err != nil && strings.Contains(err.Error(), "no such table") {
		return nil
	}
	return err
}

// partitions counts the rows of a table by the partition that they came from;
// none when there is no such table yet. The sink's primary key is topic,
// partition and offset, so no record can be in it twice.
func (d database) partitions(ctx context.Context, table string) (out map[int32]rows, err error) {
	db, err := d.open()
	if db == nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	q, err := db.QueryContext(ctx, `SELECT "__connect_partition", COUNT(*), MIN("__connect_offset"), MAX("__connect_offset") FROM "`+table+`" WHERE "__connect_topic" = ? GROUP BY 1`, table)
	if err != nil {
		return nil, known(err)
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	out = map[int32]rows{}
	for q.Next() {
		var p int32
		var r rows
		if err := q.Scan(&p, &r.n, &r.first, &r.last); err != nil {
			return nil, err
		}
		out[p] = r
	}
	return out, q.Err()
}

// compare accounts for every record of a topic: each offset that the log holds
// must be in the table, and nothing beyond its end. It returns how many records
// are missing in the table, and what can never become right. The log must have
// been read after the table.
func compare(topic string, log []span, table map[int32]rows) (missing int64, fault string) {
	for p, s := range log {
		r := table[int32(p)]
		if r.n == 0 {
			missing += s.end - s.start
			continue
		}
		if r.last >= s.end {
			fault = fmt.Sprintf("topic %s, partition %d: the database has the record at offset %d, and the broker's log ends before %d: the broker has lost records", topic, p, r.last, s.end)
		}
		// Offsets are a key: as many rows as offsets between the first and the
		// last leave no gap. Rows from before the log's start count too.
		missing += max(s.end, r.last+1) - min(s.start, r.first) - r.n
	}
	for p := range table {
		if int(p) >= len(log) {
			fault = fmt.Sprintf("topic %s: the database has partition %d, which the broker does not have", topic, p)
		}
	}
	return missing, fault
}
