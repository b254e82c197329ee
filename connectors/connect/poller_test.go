package connect_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

func TestEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var at []time.Duration
		slow := map[int]time.Duration{2: 2500 * time.Millisecond}
		p := connect.Every(time.Second, func(_ context.Context, dst []connect.SourceRecord) ([]connect.SourceRecord, error) {
			at = append(at, time.Since(began))
			time.Sleep(slow[len(at)])
			return append(dst, connect.SourceRecord{}), nil
		})
		for range 5 {
			if got, err := p.Poll(t.Context(), nil); err != nil || len(got) != 1 {
				t.Fatal(got, err)
			}
		}
		// The second read is late by 2.5 s: one turn is due then, none is made up for.
		want := []time.Duration{0, time.Second, 3500 * time.Millisecond, 4 * time.Second, 5 * time.Second}
		if !reflect.DeepEqual(at, want) {
			t.Errorf("read at %v, want %v", at, want)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		kept := []connect.SourceRecord{{}}
		if got, err := p.Poll(ctx, kept); !errors.Is(err, context.DeadlineExceeded) || len(got) != 1 {
			t.Errorf("got %d records and %v when the context ended", len(got), err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestEveryNeverPolled(t *testing.T) {
	if err := connect.Every(time.Second, nil).Close(); err != nil {
		t.Error(err)
	}
}

func TestSplit(t *testing.T) {
	base := connect.Props{"host": "plc"}
	for _, c := range []struct {
		list string
		most int
		want string // shares, parted by blanks
	}{
		{"a b c d e", 2, "a,b c,d,e"},
		{"a b c", 3, "a b c"},
		{"a b", 5, "a b"},
		{"a b c d", 1, "a,b,c,d"},
		{"", 3, ""},
	} {
		tasks := connect.Split(base, "tags", strings.Fields(c.list), c.most)
		var shares []string
		for _, p := range tasks {
			if p["host"] != "plc" || len(p) != 2 {
				t.Errorf("%v lacks what all have", p)
			}
			shares = append(shares, p["tags"])
		}
		if got := strings.Join(shares, " "); got != c.want {
			t.Errorf("%q for %d tasks: %q, want %q", c.list, c.most, got, c.want)
		}
	}
	if len(base) != 1 {
		t.Error("the base was changed")
	}
}
