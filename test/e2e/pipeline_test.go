package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	datagen = "millwright.datagen.DatagenSourceConnector"
	sqlSink = "io.confluent.connect.jdbc.JdbcSinkConnector" // by the name that users have in their files
)

// payload returns the fields of a record that JsonConverter has written with its
// schema, numbers as they stand there.
func payload(t testing.TB, r *kgo.Record) map[string]any {
	t.Helper()
	var envelope struct{ Payload map[string]any }
	d := json.NewDecoder(bytes.NewReader(r.Value))
	d.UseNumber()
	must(t, d.Decode(&envelope))
	return envelope.Payload
}

// same compares a value of a database with one of a record.
func same(row, record any) bool {
	a, b := text(row), text(record)
	if a == b {
		return true
	}
	x, xerr := strconv.ParseFloat(a, 64)
	y, yerr := strconv.ParseFloat(b, 64)
	if f, ok := row.(float32); ok {
		return yerr == nil && f == float32(y)
	}
	if v, ok := record.(bool); ok && xerr == nil { // MariaDB and SQLite have numbers for them
		return (x == 1) == v
	}
	return xerr == nil && yerr == nil && (x == y || float32(x) == float32(y) && strings.HasPrefix(strconv.FormatFloat(y, 'f', -1, 32), b))
}

// TestPipeline takes a plant's readings through Kafka into three databases.
func TestPipeline(t *testing.T) {
	t.Parallel()
	k := shared(t)
	c := newCluster(t, k.at)
	w := c.add()
	const readings = 5000
	topic := k.topic(unique("readings"), 3)
	jsonValues := props{"value.converter": jsonConverter, "value.converter.schemas.enable": "true"}
	w.put("plant", jsonValues.with("connector.class", datagen, "topic", topic, "machines", "7", "rate", "0",
		"max.records", fmt.Sprint(readings), "tasks.max", "2"))
	w.await("plant", "RUNNING", 2)
	columns := []string{"sensor", "ts", "value", "unit", "quality"}
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			table := strings.ReplaceAll(unique("readings"), "-", "_")
			db.drop(t, table)
			name := unique(name) // the sink's consumer group has it
			w.put(name, db.sink.with("connector.class", sqlSink, "topics", topic, "tasks.max", "2", "insert.mode", "upsert", "auto.create", "true",
				"pk.mode", "record_value", "pk.fields", "machine,seq", "table.name.format", table,
				"value.converter", jsonConverter, "consumer.override.max.poll.records", "2000"))
			w.await(name, "RUNNING", 2)
			key := []string{"machine", "seq"}
			until(t, "all readings are in the table", func() string {
				if n := len(db.rows(t, table, key)); n != readings {
					if s, _ := w.status(name); strings.Contains(fmt.Sprint(s), "FAILED") {
						t.Fatalf("%+v", s)
					}
					return fmt.Sprintf("%d rows", n)
				}
				return ""
			})
			rows := db.rows(t, table, key, columns...)
			for _, r := range k.read(topic) {
				p := payload(t, r)
				row := rows[fmt.Sprintf("%v/%v", p["machine"], p["seq"])]
				if row == nil {
					t.Fatalf("%s is not in the table", r.Value)
				}
				for i, column := range columns {
					if !same(row[i], p[column]) {
						t.Fatalf("%s is %v (%T) in the table, %v in Kafka", column, text(row[i]), row[i], p[column])
					}
				}
			}
		})
	}
}

// TestPlant takes the values of an OPC UA server and a Modbus device, which
// others have written, through Kafka into databases. The sink's key is the place
// of the record in Kafka, so each record must have its row.
func TestPlant(t *testing.T) {
	t.Parallel()
	k := shared(t)
	c := newCluster(t, k.at, "value.converter", jsonConverter)
	w := c.add()
	for _, p := range []struct {
		name, env, database string
		source              func(at string) props
		columns             []string
		check               func(t *testing.T, records []map[string]any)
	}{
		{
			"opcua", "MILLWRIGHT_TEST_OPCUA_ASYNCUA", "postgres",
			func(at string) props {
				return props{
					"connector.class": "millwright.opcua.OpcUaSourceConnector", "endpoint": at,
					"nodes": "ns=2;s=Counter", "publishing.interval.ms": "100", "sampling.interval.ms": "50",
				}
			},
			[]string{"node", "name", "value", "source_timestamp", "status", "status_text"},
			func(t *testing.T, records []map[string]any) {
				last := int64(-1)
				for _, r := range records {
					v, err := r["value"].(json.Number).Int64()
					if err != nil || v <= last || text(r["status"]) != "0" {
						t.Fatalf("after %d came %v", last, r)
					}
					last = v
				}
			},
		},
		{
			"modbus", "MILLWRIGHT_TEST_MODBUS_PYMODBUS", "mariadb",
			func(at string) props {
				return props{
					"connector.class": "millwright.modbus.ModbusSourceConnector", "address": "press1=" + at, "poll.interval.ms": "20",
					"registers": "temp:holding:10:float32,count:holding:24:int64,name:holding:30:string(8),low:holding:41:int16,door:coil:1,scaled:holding:5:uint16*0.1",
				}
			},
			[]string{"device", "ts", "temp", "count", "name", "low", "door", "scaled"},
			func(t *testing.T, records []map[string]any) {
				for _, r := range records {
					if got := fmt.Sprint([]any{r["temp"], r["count"], r["name"], r["low"], r["door"], r["scaled"]}); got != "[123.456 -2 PRESS-01 -5 true 0.5]" {
						t.Fatal(got)
					}
				}
			},
		},
	} {
		t.Run(p.name, func(t *testing.T) {
			at := env(t, p.env)
			db := databases[p.database](t)
			topic := k.topic(strings.ReplaceAll(unique(p.name), "-", "_"), 1)
			db.drop(t, topic)
			name := unique(p.name)
			w.put(name, p.source(at).with("topic", topic, "tasks.max", "1"))
			w.put(name+"-db", db.sink.with("connector.class", sqlSink, "topics", topic, "auto.create", "true", "pk.mode", "kafka", "insert.mode", "upsert"))
			key := []string{"__connect_partition", "__connect_offset"}
			until(t, "rows come", func() string {
				if s, _ := w.status(name); strings.Contains(fmt.Sprint(s), "FAILED") {
					t.Fatalf("%+v", s)
				}
				if n := len(db.rows(t, topic, key)); n < 30 {
					return fmt.Sprintf("%d rows", n)
				}
				return ""
			})
			w.call("PUT", "/connectors/"+name+"/stop", nil, nil)
			w.await(name, "STOPPED", 0)
			records := k.read(topic)
			until(t, "all rows have come", func() string {
				if n := len(db.rows(t, topic, key)); n != len(records) {
					return fmt.Sprintf("%d rows of %d", n, len(records))
				}
				return ""
			})
			rows := db.rows(t, topic, key, p.columns...)
			var all []map[string]any
			for _, r := range records {
				fields := payload(t, r)
				all = append(all, fields)
				row := rows[fmt.Sprintf("%d/%d", r.Partition, r.Offset)]
				for i, column := range p.columns {
					if row == nil || !same(row[i], fields[column]) {
						t.Fatalf("%s: the row of offset %d has %v, Kafka %v", column, r.Offset, row, fields)
					}
				}
			}
			p.check(t, all)
		})
	}
}

// TestMissingTable shows what happens without auto.create, and that the task
// goes on once the table is there.
func TestMissingTable(t *testing.T) {
	t.Parallel()
	k := shared(t)
	c := newCluster(t, k.at)
	w := c.add()
	db := databases["sqlite"](t)
	topic := k.topic("t"+unique("missing")[8:], 1)
	k.produce(topic, 1, `{"schema":{"type":"struct","fields":[{"field":"id","type":"int32"}]},"payload":{"id":7}}`)
	name := unique("m")
	w.put(name, db.sink.with("connector.class", sqlSink, "topics", topic, "value.converter", jsonConverter, "max.retries", "0"))
	trace := w.awaitFailed(name)
	if !strings.Contains(trace, topic) || !strings.Contains(trace, "auto.create") {
		t.Errorf("the trace names neither table nor mend:\n%s", trace)
	}
	for p, n := range k.committed("connect-"+name, topic) {
		if n > 0 {
			t.Errorf("offset %d of partition %d was committed", n, p)
		}
	}
	_, err := db.query(t.Context(), "CREATE TABLE "+db.name(topic)+" (id INTEGER)")
	must(t, err)
	w.call("POST", "/connectors/"+name+"/restart?includeTasks=true&onlyFailed=true", nil, nil)
	w.await(name, "RUNNING", 1)
	until(t, "the row is there", func() string {
		if rows := db.rows(t, topic, []string{"id"}); rows["7"] == nil {
			return fmt.Sprint(rows)
		}
		return ""
	})
}

// TestUnreadableFile fails a source task that no restart helps, mends the cause
// and restarts it in each of the ways that there are.
func TestUnreadableFile(t *testing.T) {
	t.Parallel()
	k := shared(t)
	c := newCluster(t, k.at)
	w := c.add()
	for i, restart := range []string{"/tasks/0/restart", "/restart?includeTasks=true", "/restart?includeTasks=true&onlyFailed=true"} {
		name := fmt.Sprintf("u%d", i)
		dir := t.TempDir()
		topic := k.topic(unique(name), 1)
		w.put(name, fileSource(dir, topic)) // a folder can be opened, and not be read
		trace := w.awaitFailed(name)
		if !strings.Contains(trace, dir) || !strings.Contains(trace, "not a regular file") {
			t.Errorf("the trace does not say what is wrong:\n%s", trace)
		}
		if s, _ := w.status(name); s.Connector.State != "RUNNING" {
			t.Errorf("the connector has failed with its task: %+v", s)
		}
		must(t, os.Remove(dir))
		appendTo(t, dir, "now it can be read\n")
		w.call("POST", "/connectors/"+name+restart, nil, nil)
		w.await(name, "RUNNING", 1)
		until(t, "the line is in Kafka", func() string {
			if got := k.values(topic); len(got) != 1 || got[0] != "now it can be read" {
				return fmt.Sprint(got)
			}
			return ""
		})
	}
}
