package offsets

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/millwright-connect/millwright/connectors/connect"
)

func source(t testing.TB, name string) *connect.SourcePartition {
	t.Helper()
	p, err := connect.NewSourcePartition(connect.Object{"p": name})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A model of a Tracker, as simple as can be.
type model struct {
	records []*modelRecord
}

type modelRecord struct {
	source      string
	position    int
	acked, gone bool
}

func (m *model) committable() (positions map[string]int, records, pending int) {
	positions = map[string]int{}
	blocked := map[string]bool{}
	for _, r := range m.records {
		switch {
		case r.gone:
		case !r.acked:
			blocked[r.source] = true
			pending++
		case blocked[r.source]:
			pending++
		default:
			r.gone = true
			records++
			if r.source != "" {
				positions[r.source] = r.position
			}
		}
	}
	return positions, records, pending
}

// Random submits, acks (some of them twice), drops and commits agree with the
// model, over queues that grow through all sizes of chunks and shrink again.
func TestTrackerAgreesWithModel(t *testing.T) {
	for seed := range uint64(10) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		tracker, m := NewTracker(), &model{}
		var handles []Handle
		for step := range 8000 {
			switch n := rnd.IntN(100); {
			case n < 50 || n < 55 && step/1000%2 == 0: // now it grows, now it shrinks
				name := fmt.Sprintf("s%d", rnd.IntN(5))
				src := source(t, name) // a new pointer each time
				if name == "s4" {
					name, src = "", nil
				}
				handles = append(handles, tracker.Submit(src, step))
				m.records = append(m.records, &modelRecord{source: name, position: step})
			case n < 97 && len(handles) > 0:
				i := rnd.IntN(len(handles))
				if n%2 == 0 {
					i = max(0, len(handles)-1-rnd.IntN(3))
				}
				tracker.Ack(handles[i])
				if !m.records[i].gone {
					m.records[i].acked = true
				}
			case n < 99 && len(handles) > 0:
				i := len(handles) - 1
				r := m.records[i]
				if got, want := tracker.Drop(handles[i]), !r.acked && !r.gone; got != want {
					t.Fatalf("seed %d step %d: Drop = %v", seed, step, got)
				} else if got {
					r.gone = true
				}
			default:
				c := tracker.Committable()
				positions, records, pending := m.committable()
				got := map[string]int{}
				for _, p := range c.Positions {
					got[p.Source.Fields["p"].(string)] = p.Position.(int)
				}
				if fmt.Sprint(got) != fmt.Sprint(positions) || c.Records != records || c.Pending != pending {
					t.Fatalf("seed %d step %d: got %v %d %d, want %v %d %d", seed, step, got, c.Records, c.Pending, positions, records, pending)
				}
				live := 0
				for _, r := range m.records {
					if !r.gone && !r.acked {
						live++
					}
				}
				if tracker.InFlight() != live {
					t.Fatalf("seed %d step %d: %d in flight, want %d", seed, step, tracker.InFlight(), live)
				}
			}
		}
	}
}

func TestPositionsThatStay(t *testing.T) {
	tracker, p := NewTracker(), source(t, "a")
	tracker.Ack(tracker.Submit(p, 1))
	tracker.Ack(tracker.Submit(p, nil))
	c := tracker.Committable()
	if len(c.Positions) != 1 || c.Positions[0].Position != 1 || c.Records != 2 {
		t.Fatalf("got %+v", c)
	}
	tracker.Ack(tracker.Submit(p, nil))
	if c := tracker.Committable(); len(c.Positions) != 0 || c.Records != 1 {
		t.Fatalf("got %+v", c)
	}
}

func TestClosedTrackerCommitsNothing(t *testing.T) {
	tracker, p := NewTracker(), source(t, "a")
	h := tracker.Submit(p, 1)
	tracker.Close()
	tracker.Ack(h)
	tracker.Ack(tracker.Submit(p, 2))
	if c := tracker.Committable(); !c.Empty() {
		t.Fatalf("a zombie commits %+v", c)
	}
	if !tracker.Closed() {
		t.Fatal("not closed")
	}
	if err := tracker.Drained(t.Context()); err != nil {
		t.Fatal(err)
	}
	tracker.Ack(Handle{})
	tracker.Drop(Handle{})
}

func TestDrained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker, p := NewTracker(), source(t, "a")
		if err := tracker.Drained(t.Context()); err != nil {
			t.Fatal(err)
		}
		a, b := tracker.Submit(p, 1), tracker.Submit(p, 2)
		ctx, cancel := context.WithCancelCause(t.Context())
		errs := make(chan error, 3)
		go func() { errs <- tracker.Drained(ctx) }()
		synctest.Wait()
		late := errors.New("too late")
		cancel(late)
		if err := <-errs; !errors.Is(err, late) {
			t.Fatalf("err = %v", err)
		}
		for range 2 {
			go func() { errs <- tracker.Drained(t.Context()) }()
		}
		synctest.Wait()
		tracker.Ack(b)
		synctest.Wait()
		if len(errs) != 0 {
			t.Fatal("drained with a record in flight")
		}
		tracker.Ack(a)
		for range 2 {
			if err := <-errs; err != nil {
				t.Fatal(err)
			}
		}
		tracker.Submit(p, 3)
		go func() { errs <- tracker.Drained(t.Context()) }()
		synctest.Wait()
		tracker.Close()
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	})
}

// One goroutine submits, two acknowledge, one commits, as in a running task.
func TestTrackerConcurrently(t *testing.T) {
	const records = 50000
	tracker := NewTracker()
	sources := []*connect.SourcePartition{source(t, "a"), source(t, "b"), source(t, "c")}
	sent := make(chan Handle, 1000)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range records {
			sent <- tracker.Submit(sources[i%3], i)
		}
		close(sent)
	})
	for range 2 {
		wg.Go(func() {
			for h := range sent {
				tracker.Ack(h)
			}
		})
	}
	done := make(chan struct{})
	total, last := 0, map[string]int{}
	add := func() {
		c := tracker.Committable()
		total += c.Records
		for _, p := range c.Positions {
			name := p.Source.Fields["p"].(string)
			if at, ok := last[name]; ok && p.Position.(int) <= at {
				t.Errorf("%s went back from %d to %d", name, at, p.Position)
			}
			last[name] = p.Position.(int)
		}
	}
	committed := make(chan struct{})
	go func() {
		defer close(committed)
		for {
			select {
			case <-done:
				return
			default:
				add()
			}
		}
	}()
	wg.Wait()
	if err := tracker.Drained(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(done)
	<-committed
	add()
	if total != records || tracker.InFlight() != 0 || len(tracker.queues)+len(tracker.byKey)+len(tracker.byPtr) != 0 {
		t.Fatalf("%d committed, %d in flight", total, tracker.InFlight())
	}
	for i, name := range []string{"a", "b", "c"} {
		if want := records - 3 + (i-(records-3)%3+3)%3; last[name] != want {
			t.Errorf("%s ended at %d, want %d", name, last[name], want)
		}
	}
}

func TestThen(t *testing.T) {
	a, b := source(t, "a"), source(t, "b")
	first := Committable{Positions: []Position{{a, 1}, {b, 1}}, Records: 4, Pending: 9}
	got := first.Then(Committable{Positions: []Position{{source(t, "b"), 2}}, Records: 1, Pending: 2, Queues: 1})
	if len(got.Positions) != 2 || got.Positions[0] != (Position{a, 1}) || got.Positions[1].Position != 2 ||
		got.Records != 5 || got.Pending != 2 || got.Queues != 1 {
		t.Fatalf("got %+v", got)
	}
	if first.Positions[1].Position != 1 {
		t.Fatal("Then changed what it was called on")
	}
}

func TestChanges(t *testing.T) {
	type position struct {
		Line int64   `json:"line"`
		Part float64 `json:"part"`
	}
	a := source(t, "a")
	changes, err := Committable{Positions: []Position{{a, position{1 << 60, 0.5}}, {a, connect.Object{"x": int8(3)}}}}.Changes()
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(changes); got != "[{map[p:a] map[line:1152921504606846976 part:0.5]} {map[p:a] map[x:3]}]" {
		t.Fatal(got)
	}
	for _, bad := range []any{5, []int{1}, map[string][]int{"a": {1}}, func() {}, connect.Object{"a": []any{}}} {
		if _, err := (Committable{Positions: []Position{{a, bad}}}).Changes(); connect.ClassOf(err) != connect.DataException {
			t.Errorf("%T: %v", bad, err)
		}
	}
}

func BenchmarkTracker(b *testing.B) {
	tracker, p, q := NewTracker(), source(b, "a"), source(b, "b")
	position := any(&struct{ n int }{})
	var handles [500]Handle
	b.ReportAllocs()
	for b.Loop() { // one batch of 500 records
		for i := range handles {
			src := p
			if i >= 250 {
				src = q
			}
			handles[i] = tracker.Submit(src, position)
		}
		for _, h := range handles {
			tracker.Ack(h)
		}
		tracker.Committable()
	}
}

// TestKeepsNoAcknowledged: between two commits a task may send millions of
// records; the tracker keeps those in flight only.
func TestKeepsNoAcknowledged(t *testing.T) {
	tracker, a := NewTracker(), source(t, "a")
	var held []Handle
	for i := range 100_000 {
		held = append(held, tracker.Submit(a, i))
		if len(held) == 100 {
			for _, h := range held {
				tracker.Ack(h)
			}
			held = held[:0]
		}
		if n := tracker.last.slots; n > sizes[2]+100 {
			t.Fatalf("%d slots in use after %d records", n, i)
		}
	}
	if c := tracker.Committable(); len(c.Positions) != 1 || c.Positions[0].Position != 99_999 || c.Records != 100_000 || c.Pending != 0 {
		t.Errorf("%+v", c)
	}
}
