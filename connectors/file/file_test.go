package file

import (
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

func TestText(t *testing.T) {
	local := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = local })
	inner := data.StructOf("", data.F("x", data.OptionalOf(data.Float64)))
	outer := data.StructOf("", data.F("a", data.Of(data.Int8)), data.F("no", data.OptionalOf(data.String)), data.F("n", inner))
	for want, v := range map[string]data.Value{
		"Tue Nov 14 22:13:20 UTC 2023": data.Millis(1_700_000_000_000),
		"null":                         {}, "true": data.B(true), "-5": data.I64(-5), "é": data.Str("é"),
		"1.5": data.F64(1.5), "1.0E10": data.F64(1e10), "1.0E-5": data.F64(1e-5), "100.0": data.F64(100), "NaN": data.F64(math.NaN()),
		"-Infinity": data.F64(math.Inf(-1)), "1.23456789E8": data.F64(1.23456789e8), "0.001": data.F64(.001), "-0.0": data.F64(math.Copysign(0, -1)),
		"0.1": data.F32(.1), "1.6777216E7": data.F32(16777216), "9999999.0": data.F64(9999999),
		"Struct{a=1,n=Struct{x=2.5}}": data.NewStruct(outer, data.I8(1), data.Value{}, data.NewStruct(inner, data.F64(2.5)).Value()).Value(),
		"{a={b=[1, 2]}, c=null}": data.MapFrom([]data.Entry{{Key: data.Str("a"), Value: data.MapFrom([]data.Entry{{Key: data.Str("b"),
			Value: data.List([]data.Value{data.I64(1), data.I64(2)})}})}, {Key: data.Str("c")}}),
		"1.32":                 data.Dec(big.NewInt(132), 2),
		"-1.32E+5":             data.Dec(big.NewInt(-132), -3),
		"1.32E-8":              data.Dec(big.NewInt(132), 10),
		"0.000001":             data.Dec(big.NewInt(1), 6),
		"1E-7":                 data.Dec(big.NewInt(1), 7),
		"12345678901234567890": data.BigInt(new(big.Int).Mul(big.NewInt(1234567890123456789), big.NewInt(10))),
	} {
		if got := string(appendText(nil, v)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := string(appendText(nil, data.Bin([]byte{1, 2}))); !strings.HasPrefix(got, "[B@") {
		t.Error(got)
	}
}

func FuzzValid(f *testing.F) {
	for _, s := range []string{"", "a", "\xff", "\xe2\x82", "\xf0\x9f\x99", "\xed\xa0\x80x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := valid(s)
		if got != strings.ToValidUTF8(got, "") {
			t.Errorf("%q: %q is malformed", s, got)
		}
		if kept := strings.ToValidUTF8(s, ""); strings.ReplaceAll(got, "\uFFFD", "") != strings.ReplaceAll(kept, "\uFFFD", "") {
			t.Errorf("%q: %q lost characters", s, got)
		}
	})
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
