package file

import (
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func TestConfigErrors(t *testing.T) {
	for _, c := range []struct {
		props connect.Props
		want  string
	}{
		{connect.Props{"topic": ""}, "Invalid value  for configuration topic: String must be non-empty"},
		{connect.Props{}, `Missing required configuration "topic" which has no default value.`},
		{connect.Props{"topic": "a", "batch.size": "x"}, "Invalid value x for configuration batch.size: Not a number of type INT"},
		{connect.Props{"topic": "a", "batch.size": "3000000000"}, "Invalid value 3000000000 for configuration batch.size: Not a number of type INT"},
	} {
		if err := connect.Parse(c.props, new(sourceConfig)); err == nil || err.Error() != c.want {
			t.Errorf("%v: %v, want %s", c.props, err, c.want)
		}
	}
}

func TestExactlyOnce(t *testing.T) {
	for file, want := range map[string]connect.Support{"": connect.Unsupported, "/tmp/x": connect.Supported} {
		if got, err := exactlyOnce(connect.Props{"topic": "x", "file": file}); got != want || err != nil {
			t.Errorf("%q: %v, %v", file, got, err)
		}
	}
}

func TestAlterOffsets(t *testing.T) {
	file := connect.Object{"filename": "f"}
	for _, c := range []struct {
		partition, offset connect.Object
		want              string
	}{
		{file, connect.Object{"position": int64(3)}, ""},
		{connect.Object{"filename": int64(5)}, connect.Object{"position": int64(1)}, ""},
		{nil, nil, ""},
		{connect.Object{}, connect.Object{"position": int64(3)}, "Partition objects should contain the key 'filename'"},
		{nil, connect.Object{"position": int64(3)}, "Partition objects cannot be null"},
		{file, connect.Object{}, "Offset objects should either be null or contain the key 'position'"},
		{file, connect.Object{"position": int64(-1)}, "The value for the 'position' key in the offset should be a non-negative value"},
		{file, connect.Object{"position": "3"}, "The value for the 'position' key in the offset is expected to be a Long value"},
		{file, connect.Object{"position": 1.5}, "The value for the 'position' key in the offset is expected to be a Long value"},
	} {
		checked, err := alterSourceOffsets(t.Context(), connect.Props{"file": "f", "topic": "x"},
			[]connect.PartitionOffset{{Partition: c.partition, Offset: c.offset}})
		if c.want == "" && (err != nil || !checked) || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%v %v: %v, want %s", c.partition, c.offset, err, c.want)
		}
	}
	_, err := alterSourceOffsets(t.Context(), connect.Props{"topic": "x"}, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "Offsets cannot be modified if the 'file' configuration is unspecified.") {
		t.Error(err)
	}
}

func TestTasks(t *testing.T) {
	for _, c := range []struct {
		source bool
		want   int
	}{{true, 1}, {false, 3}} {
		tasks, err := (&connector{connect.Props{"topic": "x"}, c.source}).Tasks(t.Context(), 3)
		if err != nil || len(tasks) != c.want {
			t.Errorf("source %v: %d tasks, %v", c.source, len(tasks), err)
		}
	}
}

func record(v data.Value) connect.SinkRecord {
	return connect.SinkRecord{Record: connect.Record{Value: data.Datum{Value: v}}}
}

func TestSink(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	write(t, path, "before\n")
	task, err := openSinkTask(t.Context(), nil, connect.Props{"file": path, "topics": "x"})
	if err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("x", writeSize)
	if err := task.Put(t.Context(), []connect.SinkRecord{record(data.Str("a")), record(data.Value{}), record(data.Str(big))}); err != nil {
		t.Fatal(err)
	}
	if err := task.Put(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "before\na\nnull\n"+big+"\n" {
		t.Errorf("%d bytes before flush", len(got))
	}
	if err := task.(connect.Flusher).Flush(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if err := task.Close(); err != nil {
		t.Error(err)
	}
	err = task.Put(t.Context(), []connect.SinkRecord{record(data.Str("late"))})
	if want := "Couldn't write to file '" + path + "' for FileStreamSinkTask: file already closed"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestSinkCannotOpen(t *testing.T) {
	_, err := openSinkTask(t.Context(), nil, connect.Props{"file": "/nonexistent-dir/out.txt"})
	want := "org.apache.kafka.connect.errors.ConnectException: Couldn't find or create file '/nonexistent-dir/out.txt' for FileStreamSinkTask\n" +
		"Caused by: java.nio.file.NoSuchFileException: /nonexistent-dir/out.txt\n"
	if got := connect.Trace(err); got != want {
		t.Errorf("%s", got)
	}
}

// TestSinkLines: a line is what Java's String.valueOf makes of a value.
func TestSinkLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	task, err := openSinkTask(t.Context(), nil, connect.Props{"file": path})
	if err != nil {
		t.Fatal(err)
	}
	schema := data.StructOf("", data.F("a", data.Of(data.Int8)), data.F("no", data.OptionalOf(data.String)), data.F("b", data.OptionalOf(data.Float64)))
	entries := []data.Entry{{Key: data.Str("a"), Value: data.List([]data.Value{data.I64(1), {}})}}
	for _, v := range []data.Value{
		data.F64(1e10), data.B(true), data.MapFrom(entries), data.Millis(1_700_000_000_000), data.Dec(big.NewInt(132), 2),
		data.NewStruct(schema, data.I8(1), data.Value{}, data.F64(2.5)).Value(),
	} {
		if err := task.Put(t.Context(), []connect.SinkRecord{record(v)}); err != nil {
			t.Fatal(err)
		}
	}
	want := "1.0E10\ntrue\n{a=[1, null]}\nTue Nov 14 22:13:20 UTC 2023\n1.32\nStruct{a=1,b=2.5}\n"
	if got, _ := os.ReadFile(path); string(got) != want {
		t.Errorf("%s", got)
	}
	if err := task.Close(); err != nil {
		t.Error(err)
	}
}

func BenchmarkSink(b *testing.B) {
	task, err := openSinkTask(b.Context(), nil, connect.Props{"file": filepath.Join(b.TempDir(), "out")})
	if err != nil {
		b.Fatal(err)
	}
	defer task.Close()
	batch := make([]connect.SinkRecord, 500)
	for i := range batch {
		batch[i] = record(data.Str(strings.Repeat("x", 99)))
	}
	b.ReportAllocs()
	b.SetBytes(int64(100 * len(batch)))
	for b.Loop() {
		if err := task.Put(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
}
