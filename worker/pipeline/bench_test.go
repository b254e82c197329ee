package pipeline

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
)

func BenchmarkOut(b *testing.B) {
	p := New(config(Config{}))
	batch := make([]connect.SourceRecord, 1000)
	for i := range batch {
		batch[i] = *source("key-000000000001", `{"temperature":21.5,"unit":"C","line":"filling-3"}`)
	}
	b.ReportAllocs()
	for b.Loop() {
		arena := p.Arena(nil, len(batch))
		for i := range batch {
			var err error
			if arena, _, _, err = p.Out(b.Context(), &batch[i], arena); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(batch)), "ns/record")
}

func BenchmarkOutWithSteps(b *testing.B) {
	keep := step(func(*connect.Record) (bool, error) { return true, nil })
	p := New(config(Config{Steps: []Step{{Transform: keep, Class: "K"}, {Transform: keep, Class: "K", Predicate: onTopic("t")}}, RetryTimeout: -1}))
	r := source("key-000000000001", `{"temperature":21.5}`)
	arena := p.Arena(nil, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, _, err := p.Out(b.Context(), r, arena); err != nil {
			b.Fatal(err)
		}
	}
}

func TestOutDoesNotAllocate(t *testing.T) {
	keep := step(func(*connect.Record) (bool, error) { return true, nil })
	p := New(config(Config{Steps: []Step{{Transform: keep, Class: "K", Predicate: onTopic("t")}}, RetryTimeout: -1, Tolerate: true, LogErrors: true}))
	r, arena := source("k", "v"), p.Arena(nil, 10)
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		if _, _, _, err := p.Out(ctx, r, arena); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per record", n)
	}
}
