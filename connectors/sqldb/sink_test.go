package sqldb

import (
	"strings"
	"sync"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func TestInsert(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		topic := s.topic(t)
		task := s.task(t, &host{}, "auto.create=true")
		put(t, task, row(topic, 0, 1, "a", 10), row(topic, 1, 1, "a", 10))
		put(t, task, row(topic, 2, 2, "quote ' \" \\ \n é 🙂", -5))
		wantRows(t, s.rows(t, "SELECT id,name,n FROM "+s.quote(topic)+" ORDER BY id"), "1|a|10", "1|a|10", "2|quote ' \" \\ \n é 🙂|-5")
	})
}

func TestUpsertAndDelete(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		topic := s.topic(t)
		task := s.task(t, &host{}, "auto.create=true", "insert.mode=upsert", "pk.mode=record_key", "pk.fields=id", "delete.enabled=true", "batch.size=3")
		put(t, task,
			row(topic, 0, 1, "a", 1), row(topic, 1, 1, "b", 2), row(topic, 2, 2, "c", 3), row(topic, 3, 3, "d", 4),
			row(topic, 4, 4, "e", 5), record(topic, 5, key(3), data.Datum{}), record(topic, 6, key(9), data.Datum{}),
			row(topic, 7, 5, "f", 6), record(topic, 8, key(5), data.Datum{}), row(topic, 9, 5, "g", 7), record(topic, 10, key(4), data.Datum{}))
		wantRows(t, s.rows(t, "SELECT id,name,n FROM "+s.quote(topic)+" ORDER BY id"), "1|b|2", "2|c|3", "5|g|7")
		put(t, task, row(topic, 11, 2, "h", 8))
		wantRows(t, s.rows(t, "SELECT id,name,n FROM "+s.quote(topic)+" ORDER BY id"), "1|b|2", "2|h|8", "5|g|7")
	})
}

func TestCompositeKey(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		topic := s.topic(t)
		ks := data.StructOf("K", data.F("site", data.Of(data.String)), data.F("no", data.Of(data.Int16)))
		k := func(site string, no int16) data.Datum {
			return data.NewStruct(ks, data.Str(site), data.I16(no)).Datum()
		}
		v := func(x string) data.Datum {
			return data.NewStruct(data.StructOf("", data.F("x", data.OptionalOf(data.String))), data.Str(x)).Datum()
		}
		task := s.task(t, &host{}, "auto.create=true", "insert.mode=upsert", "pk.mode=record_key", "delete.enabled=true")
		put(t, task, record(topic, 0, k("a", 1), v("p")), record(topic, 1, k("a", 2), v("q")), record(topic, 2, k("b", 1), v("r")), record(topic, 3, k("a", 1), v("s")))
		put(t, task, record(topic, 4, k("a", 2), data.Datum{}), record(topic, 5, k("b", 2), data.Datum{}))
		wantRows(t, s.rows(t, "SELECT site,no,x FROM "+s.quote(topic)+" ORDER BY 1,2"), "a|1|s", "b|1|r")
	})
}

func TestKeyOnly(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		topic := s.topic(t)
		only := data.StructOf("", data.F("id", data.Of(data.Int32)))
		r := record(topic, 0, data.Datum{}, data.NewStruct(only, data.I32(7)).Datum())
		put(t, s.task(t, &host{}, "auto.create=true", "insert.mode=upsert", "pk.mode=record_value"), r, r)
		wantRows(t, s.rows(t, "SELECT id FROM "+s.quote(topic)), "7")
	})
}

func TestUpdate(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		topic := s.topic(t)
		s.exec(t, "CREATE TABLE "+s.quote(topic)+" (id INT PRIMARY KEY, name VARCHAR(20), n BIGINT)")
		s.exec(t, "INSERT INTO "+s.quote(topic)+" VALUES (1,'old',1),(2,'old',2)")
		task := s.task(t, &host{}, "insert.mode=update", "pk.mode=record_value", "pk.fields=id", "fields.whitelist=name")
		put(t, task, row(topic, 0, 1, "a", 10), row(topic, 1, 1, "b", 20), row(topic, 2, 3, "c", 30))
		wantRows(t, s.rows(t, "SELECT id,name,n FROM "+s.quote(topic)+" ORDER BY id"), "1|b|1", "2|old|2")
	})
}

func TestKafkaCoordinates(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		topic := s.topic(t)
		task := s.task(t, &host{}, "auto.create=true", "insert.mode=upsert", "pk.mode=kafka", "fields.whitelist=name")
		put(t, task, row(topic, 4, 1, "a", 1), row(topic, 5, 1, "b", 1))
		put(t, task, row(topic, 5, 1, "c", 1))
		wantRows(t, s.rows(t, "SELECT __connect_topic,__connect_partition,__connect_offset,name FROM "+s.quote(topic)+" ORDER BY 3"), topic+"|0|4|a", topic+"|0|5|c")
	})
}

func TestEvolve(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		topic := s.topic(t)
		h := &host{}
		task := s.task(t, h, "auto.create=true", "auto.evolve=true", "insert.mode=upsert", "pk.mode=record_key", "pk.fields=id")
		wider := data.StructOf("Row", append(rowSchema.Fields(), data.F("more", data.Of(data.String).Default(data.Str("it's"))), data.F("x", data.OptionalOf(data.Float64)))...)
		wide := func(offset int64, id int32) connect.SinkRecord {
			return record(topic, offset, key(id), data.NewStruct(wider, data.I32(id), data.Str("w"), data.Value{}, data.Value{}, data.F64(1.5)).Datum())
		}
		// Old and new shapes of one key keep their order within a Put.
		put(t, task, row(topic, 0, 1, "a", 1), wide(1, 1), row(topic, 2, 1, "c", 3), row(topic, 3, 2, "d", 4))
		wantRows(t, s.rows(t, "SELECT id,name,n,more,x FROM "+s.quote(topic)+" ORDER BY id"), "1|c|3|it's|1.5", "2|d|4|it's|NULL")
		if len(h.rejected) > 0 {
			t.Error(h.rejected)
		}

		strict := data.StructOf("Row", append(rowSchema.Fields(), data.F("must", data.Of(data.String)))...)
		put(t, task, record(topic, 4, key(5), data.NewStruct(strict, data.I32(5), data.Value{}, data.Value{}, data.Str("x")).Datum()), row(topic, 5, 6, "z", 0))
		if len(h.rejected) != 1 || !strings.Contains(h.rejected[0], "to add missing field must, as the field is not optional and does not have a default value") {
			t.Error(h.rejected)
		}
		wantRows(t, s.rows(t, "SELECT id FROM "+s.quote(topic)+" ORDER BY id"), "1", "2", "6")
	})
}

// TestMendedTable: a table that somebody alters while the task runs is seen.
func TestMendedTable(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		topic := s.topic(t)
		h := &host{}
		task := s.task(t, h, "max.retries=1")
		err := task.Put(t.Context(), []connect.SinkRecord{row(topic, 0, 1, "a", 1)})
		if err == nil || !strings.Contains(err.Error(), "is missing and auto-creation is disabled; create it, or set auto.create=true") {
			t.Fatal(err)
		}
		s.exec(t, "CREATE TABLE "+s.quote(topic)+" (id INT, name VARCHAR(20))")
		put(t, task, row(topic, 1, 1, "a", 1))
		if len(h.rejected) != 1 || !strings.Contains(h.rejected[0], "is missing fields (n) and auto-evolution is disabled") {
			t.Fatal(h.rejected)
		}
		s.exec(t, "ALTER TABLE "+s.quote(topic)+" ADD COLUMN n BIGINT")
		put(t, task, row(topic, 2, 2, "b", 2))
		s.exec(t, "ALTER TABLE "+s.quote(topic)+" RENAME COLUMN n TO m")
		err = task.Put(t.Context(), []connect.SinkRecord{row(topic, 3, 3, "c", 3)})
		if _, again := connect.RetryAfter(err); !again {
			t.Fatal(err)
		}
		s.exec(t, "ALTER TABLE "+s.quote(topic)+" RENAME COLUMN m TO n")
		put(t, task, row(topic, 3, 3, "c", 3))
		wantRows(t, s.rows(t, "SELECT id,name,n FROM "+s.quote(topic)+" ORDER BY id"), "2|b|2", "3|c|3")
	})
}

func TestNoUniqueIndex(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		topic := s.topic(t)
		s.exec(t, "CREATE TABLE "+s.quote(topic)+" (id INT, name VARCHAR(20), n BIGINT)")
		task := s.task(t, &host{}, "insert.mode=upsert", "pk.mode=record_key", "pk.fields=id")
		err := task.Put(t.Context(), []connect.SinkRecord{row(topic, 0, 1, "a", 1)})
		if err == nil || !strings.Contains(err.Error(), "needs table "+topic+" to have a primary key or unique index of exactly (id)") {
			t.Fatal(err)
		}
		s.exec(t, "CREATE UNIQUE INDEX u"+topic+" ON "+s.quote(topic)+" (id)")
		put(t, task, row(topic, 0, 1, "a", 1), row(topic, 1, 1, "b", 1))
		wantRows(t, s.rows(t, "SELECT id,name FROM "+s.quote(topic)), "1|b")
	})
}

// TestBadRows: of many rows those that the database refuses are rejected and
// the others written, in one transaction.
func TestBadRows(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		topic := s.topic(t)
		s.exec(t, "CREATE TABLE "+s.quote(topic)+" (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL, n BIGINT CHECK (n < 100))")
		var records []connect.SinkRecord
		for i := range int32(50) {
			n := int64(i)
			if i%20 == 7 {
				n = 100 // 7, 27, 47
			}
			records = append(records, row(topic, int64(i), i, "x", n))
		}
		records = append(records, row(topic, 50, 3, "twice", 1), record(topic, 51, data.Datum{}, data.NewStruct(rowSchema, data.I32(99), data.Value{}, data.Value{}).Datum()))
		h := &host{}
		put(t, s.task(t, h), records...)
		if got := strings.Join(h.rejected, "\n"); len(h.rejected) != 5 || !strings.HasPrefix(got, "7: ") || !strings.Contains(got, "\n27: ") ||
			!strings.Contains(got, "\n47: ") || !strings.Contains(got, "\n50: ") || !strings.Contains(got, "\n51: ") {
			t.Error(got)
		}
		wantRows(t, s.rows(t, "SELECT count(*),sum(id) FROM "+s.quote(topic)), "47|1144")

		// Without tolerance nothing is written.
		s.exec(t, "DELETE FROM "+s.quote(topic))
		err := s.task(t, &host{failing: true}).Put(t.Context(), records)
		if err == nil || !strings.Contains(err.Error(), "writing to table "+topic+" failed") {
			t.Error(err)
		}
		wantRows(t, s.rows(t, "SELECT count(*) FROM "+s.quote(topic)), "0")
	})
}

// TestBadUpsert: the row that takes the place of a bad one of the same key, or
// the other way round, is not lost.
func TestBadUpsert(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		topic := s.topic(t)
		s.exec(t, "CREATE TABLE "+s.quote(topic)+" (id INT PRIMARY KEY, name VARCHAR(20), n BIGINT CHECK (n < 100))")
		h := &host{}
		task := s.task(t, h, "insert.mode=upsert", "pk.mode=record_key", "pk.fields=id")
		put(t, task, row(topic, 0, 1, "good", 1), row(topic, 1, 1, "bad", 100), row(topic, 2, 2, "bad", 100), row(topic, 3, 2, "good", 2))
		wantRows(t, s.rows(t, "SELECT id,name,n FROM "+s.quote(topic)+" ORDER BY id"), "1|good|1", "2|good|2")
		if !strings.Contains(strings.Join(h.rejected, "\n"), "1: ") {
			t.Error(h.rejected)
		}
	})
}

func TestUnusableRecords(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		topic := s.topic(t)
		h := &host{}
		task := s.task(t, h, "auto.create=true", "insert.mode=upsert", "pk.mode=record_key", "pk.fields=id")
		nested := data.StructOf("", data.F("id", data.Of(data.Int32)), data.F("in", rowSchema))
		put(t, task,
			record(topic, 0, key(1), data.Datum{}),
			record(topic, 1, key(1), data.Datum{Value: data.MapFrom(nil)}),
			record(topic, 2, data.Datum{}, row(topic, 0, 1, "", 0).Value),
			record(topic, 3, data.Datum{Value: data.I32(1)}, row(topic, 0, 1, "", 0).Value),
			record(topic, 4, data.NewStruct(rowSchema, data.I32(1), data.Value{}, data.Value{}).Datum(), data.NewStruct(nested, data.I32(1), data.Value{}).Datum()),
			row(topic, 5, 5, "good", 1))
		want := []string{
			"0: Sink connector 'test' is configured with 'delete.enabled=false' and 'pk.mode=record_key' and therefore requires records with a non-null Struct value and non-null Struct schema, but found record at (topic='" + topic + "',partition=0,offset=0,timestamp=-1) with a null value and null value schema",
			"1: Sink connector 'test' is configured with 'delete.enabled=false' and 'pk.mode=record_key' and therefore requires records with a non-null Struct value and non-null Struct schema, but found record at (topic='" + topic + "',partition=0,offset=1,timestamp=-1) with a MAP value and null value schema",
			"2: Sink connector 'test' is configured with 'pk.mode=record_key' and therefore requires records with a non-null key",
			"3: PK mode for table '" + topic + "' is RECORD_KEY, but record key schema is missing",
			"4: field in cannot be a column of table " + topic + ": it is a STRUCT; flatten it",
		}
		for i, w := range want {
			if i >= len(h.rejected) || !strings.HasPrefix(h.rejected[i], w) {
				t.Errorf("%d: %q\nwant %s", i, h.rejected, w)
			}
		}
		wantRows(t, s.rows(t, "SELECT id,name,n FROM "+s.quote(topic)), "5|good|1")
	})
}

// TestTasksTogether has tasks that all create and alter the same tables.
func TestTasksTogether(t *testing.T) {
	onEach(t, func(t *testing.T, s *server) {
		topic := s.topic(t)
		wider := data.StructOf("Row", append(rowSchema.Fields(), data.F("x", data.OptionalOf(data.Float64)), data.F("y", data.OptionalOf(data.Float64)))...)
		var g sync.WaitGroup
		for n := range int32(4) {
			task := s.task(t, &host{failing: true}, "auto.create=true", "auto.evolve=true", "insert.mode=upsert", "pk.mode=record_key", "pk.fields=id", "max.retries=100")
			g.Go(func() {
				for i := range int32(5) {
					id := n*100 + i
					batch := []connect.SinkRecord{
						row(topic, 0, id, "a", 1),
						record(topic, 1, key(id), data.NewStruct(wider, data.I32(id), data.Str("b"), data.Value{}, data.F64(1), data.F64(2)).Datum()),
					}
					for {
						err := task.Put(t.Context(), batch)
						if _, again := connect.RetryAfter(err); again {
							continue
						}
						if err != nil {
							t.Error(err)
						}
						break
					}
				}
			})
		}
		g.Wait()
		wantRows(t, s.rows(t, "SELECT count(*),min(name),sum(x),sum(y) FROM "+s.quote(topic)), "20|b|20|40")
	})
}
