package worker_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// The benchmarks run whole workers against the broker at KAFKA_BOOTSTRAP and
// report the CPU seconds that a million records cost this process, start of the
// connector included: what an operator pays. Run them with
//
//	KAFKA_BOOTSTRAP=... go test ./worker -run '^$' -bench Million -benchtime 1x

const million = 1_000_000

func cpuSeconds(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

const (
	stringConverter = "org.apache.kafka.connect.storage.StringConverter"
	jsonConverter   = "org.apache.kafka.connect.json.JsonConverter"
)

func BenchmarkMillionFromFile(b *testing.B) {
	bootstrap := bootstrapOrSkip(b)
	in := filepath.Join(b.TempDir(), "in")
	if err := os.WriteFile(in, bytes.Repeat(append(bytes.Repeat([]byte("x"), 99), '\n'), million), 0o600); err != nil {
		b.Fatal(err)
	}
	for name, converter := range map[string]string{"String": stringConverter, "JSON": jsonConverter} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				topic := fmt.Sprintf("bench%d", time.Now().UnixNano())
				w := start(b, bootstrap, connect.Props{"offset.flush.interval.ms": "10000"})
				cl := newClient(b, bootstrap, kgo.AllowAutoTopicCreation())
				before := cpuSeconds(b)
				if _, err := w.Create(b.Context(), "src", connect.Props{"name": "src", "connector.class": "FileStreamSource", "file": in, "topic": topic, "value.converter": converter}, ""); err != nil {
					b.Fatal(err)
				}
				eventually(b, "a million records", func() bool { return endOf(b, cl, topic) >= million })
				b.ReportMetric(cpuSeconds(b)-before, "cpu-s/M")
			}
		})
	}
}

func BenchmarkMillionToFile(b *testing.B) {
	bootstrap := bootstrapOrSkip(b)
	for _, kind := range []struct {
		name  string
		value string
		props connect.Props
	}{
		{"String", string(bytes.Repeat([]byte("x"), 99)), connect.Props{"value.converter": stringConverter}},
		{
			"JSON", `{"schema":{"type":"struct","fields":[{"type":"string","optional":false,"field":"tag"},{"type":"int64","optional":false,"field":"ts"},` +
				`{"type":"double","optional":false,"field":"value"},{"type":"int32","optional":false,"field":"quality"},{"type":"string","optional":true,"field":"unit"},` +
				`{"type":"boolean","optional":false,"field":"ok"},{"type":"int64","optional":false,"field":"seq"},{"type":"string","optional":true,"field":"note"}],"optional":false},` +
				`"payload":{"tag":"plant1.line2.machine3.temp","ts":1700000000000,"value":21.5,"quality":192,"unit":"degC","ok":true,"seq":123456,"note":"nothing to say"}}`,
			connect.Props{
				"value.converter": jsonConverter, "transforms": "a,b,c",
				"transforms.a.type": "org.apache.kafka.connect.transforms.InsertField$Value", "transforms.a.static.field": "gateway", "transforms.a.static.value": "gw-12",
				"transforms.b.type": "org.apache.kafka.connect.transforms.ReplaceField$Value", "transforms.b.exclude": "note", "transforms.b.renames": "tag:signal",
				"transforms.c.type": "org.apache.kafka.connect.transforms.Cast$Value", "transforms.c.spec": "quality:string,value:float32",
			},
		},
	} {
		b.Run(kind.name, func(b *testing.B) {
			topic := fmt.Sprintf("bench%d", time.Now().UnixNano())
			cl := newClient(b, bootstrap, kgo.AllowAutoTopicCreation(), kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(5*time.Millisecond))
			for range million {
				cl.Produce(b.Context(), kgo.StringRecord(kind.value), nil)
			}
			if err := cl.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
			for n := range b.N {
				out := filepath.Join(b.TempDir(), "out")
				w := start(b, bootstrap, connect.Props{"offset.flush.interval.ms": "500"})
				props := connect.Props{"name": "snk", "connector.class": "FileStreamSink", "file": out, "topics": topic, "consumer.override.group.id": fmt.Sprint(topic, n)}
				for k, v := range kind.props {
					props[k] = v
				}
				before := cpuSeconds(b)
				if _, err := w.Create(b.Context(), "snk", props, ""); err != nil {
					b.Fatal(err)
				}
				eventually(b, "a million lines", func() bool {
					o, err := w.Offsets(b.Context(), "snk")
					return err == nil && len(o) == 1 && o[0].Offset["kafka_offset"] == int64(million)
				})
				b.ReportMetric(cpuSeconds(b)-before, "cpu-s/M")
			}
		})
	}
}

func bootstrapOrSkip(tb testing.TB) string {
	tb.Helper()
	bootstrap := os.Getenv("KAFKA_BOOTSTRAP")
	if bootstrap == "" {
		tb.Skip("KAFKA_BOOTSTRAP is not set: this needs a real broker")
	}
	return bootstrap
}

func newClient(tb testing.TB, bootstrap string, opts ...kgo.Opt) *kgo.Client {
	tb.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(bootstrap))...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(cl.Close)
	return cl
}

// endOf returns how many records a topic of one partition holds.
func endOf(tb testing.TB, cl *kgo.Client, topic string) int64 {
	tb.Helper()
	ends, err := kadm.NewClient(cl).ListEndOffsets(tb.Context(), topic)
	if err != nil {
		tb.Fatal(err)
	}
	end, _ := ends.Lookup(topic, 0)
	return end.Offset
}

// BenchmarkIdleSinks reports the part of a core that two hundred sink tasks
// without work cost.
func BenchmarkIdleSinks(b *testing.B) {
	bootstrap := bootstrapOrSkip(b)
	topic := fmt.Sprintf("idle%d", time.Now().UnixNano())
	cl := newClient(b, bootstrap)
	if _, err := kadm.NewClient(cl).CreateTopic(b.Context(), 10, 1, nil, topic); err != nil {
		b.Fatal(err)
	}
	w := start(b, bootstrap, connect.Props{"offset.flush.interval.ms": "60000"})
	for n := range 20 {
		name := fmt.Sprintf("%s-%d", topic, n)
		if _, err := w.Create(b.Context(), name, connect.Props{"name": name, "connector.class": "FileStreamSink", "file": "/dev/null", "topics": topic, "tasks.max": "10"}, ""); err != nil {
			b.Fatal(err)
		}
	}
	for n := range 20 {
		eventually(b, "all to run", running(w, fmt.Sprintf("%s-%d", topic, n), 10))
	}
	time.Sleep(10 * time.Second) // their groups settle
	for range b.N {
		before, began := cpuSeconds(b), time.Now()
		time.Sleep(20 * time.Second)
		b.ReportMetric(100*(cpuSeconds(b)-before)/time.Since(began).Seconds(), "%core")
		b.ReportMetric(float64(runtime.NumGoroutine()), "goroutines")
	}
}
