package sqldb

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// BenchmarkPut writes plant rows of eight columns, 500 to a Put as the worker
// does by default, and reports this process's processor seconds for a million.
func BenchmarkPut(b *testing.B) {
	for _, c := range []struct{ name, url string }{
		{"sqlite", "jdbc:sqlite:" + b.TempDir() + "/db"},
		{"mariadb", os.Getenv("MILLWRIGHT_TEST_MARIADB")},
		{"postgres", os.Getenv("MILLWRIGHT_TEST_POSTGRES")},
	} {
		for _, mode := range []string{modeInsert, modeUpsert} {
			b.Run(c.name+"/"+mode, func(b *testing.B) {
				if c.url == "" {
					b.Skip("no server")
				}
				benchmarkPut(b, c.url, mode, 500)
			})
		}
	}
}

func benchmarkPut(b *testing.B, url, mode string, size int) {
	schema := data.StructOf("", data.F("id", data.Of(data.Int64)), data.F("ts", data.Of(data.Int64)), data.F("site", data.OptionalOf(data.String)),
		data.F("tag", data.OptionalOf(data.String)), data.F("value", data.OptionalOf(data.Float64)), data.F("quality", data.OptionalOf(data.Int32)),
		data.F("ok", data.OptionalOf(data.Bool)), data.F("note", data.OptionalOf(data.String)))
	table := fmt.Sprintf("bench%d_%d", os.Getpid(), serial.Add(1))
	got, err := openTask(b.Context(), &host{failing: true}, connect.Props{
		"connection.url": url, "auto.create": "true",
		"insert.mode": mode, "pk.mode": "record_value", "pk.fields": "id", "table.name.format": table,
	})
	if err != nil {
		b.Fatal(err)
	}
	task := got.(*sinkTask)
	records := make([]connect.SinkRecord, size)
	id := int64(0)
	b.ReportAllocs()
	before := cpu()
	for b.Loop() {
		for i := range records {
			records[i] = connect.SinkRecord{Record: connect.Record{Topic: "t", Value: data.NewStruct(schema, data.I64(id), data.I64(1_700_000_000_000+id), data.Str("hall-3"),
				data.Str("line7/press/temperature"), data.F64(float64(id)*0.37), data.I32(192), data.B(id%2 == 0), data.Str("no remarks")).Datum()}}
			id++
		}
		if err := task.Put(b.Context(), records); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((cpu()-before)/float64(id)*1e6, "cpu-s/M")
	b.ReportMetric(float64(id)/b.Elapsed().Seconds(), "rows/s")
	if task.conn != nil {
		if err := task.conn.run(context.Background(), "DROP TABLE "+task.db.quoter().quote(table)); err != nil {
			b.Error(err)
		}
	}
	if err := task.Close(); err != nil && !strings.Contains(err.Error(), "closed") {
		b.Error(err)
	}
}

func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
