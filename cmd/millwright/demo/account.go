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

// partitions counts the rows of a table by the partition that they came from;
// none when there is no such table yet. The sink's primary key is topic,
// partition and offset, so no record can be in it twice.
func (d database) partitions(ctx context.Context, table string) (map[int32]rows, error) {
	if _, err := os.Stat(d.path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	db, err := sql.Open("sqlite", "file:"+d.path+"?mode=ro&_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	q, err := db.QueryContext(ctx, `SELECT "__connect_partition", COUNT(*), MIN("__connect_offset"), MAX("__connect_offset") FROM "`+table+`" WHERE "__connect_topic" = ? GROUP BY 1`, table)
	if err != nil {
		if strings.Contains(err.Error(), "no such table") {
			return nil, nil
		}
		return nil, fmt.Errorf("table %s: %w", table, err)
	}
	defer q.Close()
	out := map[int32]rows{}
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
// are missing in the table, or what can never become right.
func compare(topic string, log []span, table map[int32]rows) (missing int64, err error) {
	for p, s := range log {
		r := table[int32(p)]
		if r.n == 0 {
			missing += s.end - s.start
			continue
		}
		if r.last >= s.end {
			return 0, fmt.Errorf("topic %s, partition %d: the database has the record at offset %d, and the broker's log ends before %d: the broker has lost records", topic, p, r.last, s.end)
		}
		// Offsets are a key: as many rows as offsets between the first and the
		// last leave no gap. Rows from before the log's start count too.
		want := s.end - min(s.start, r.first)
		missing += want - r.n
	}
	for p := range table {
		if int(p) >= len(log) {
			return 0, fmt.Errorf("topic %s: the database has partition %d, which the broker does not have", topic, p)
		}
	}
	return missing, nil
}
