package demo

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func testBroker(t *testing.T, dir string) *broker {
	t.Helper()
	port, err := freePort(0)
	if err != nil {
		t.Fatal(err)
	}
	b, err := openBroker(dir, port)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBrokerKeepsState: topics, records and the offsets of groups outlive the
// broker, be it stopped or, as a copy of its files while it runs shows, killed.
func TestBrokerKeepsState(t *testing.T) {
	ctx := t.Context()
	dir, crash := filepath.Join(t.TempDir(), "broker"), filepath.Join(t.TempDir(), "copy")
	b := testBroker(t, dir)
	for range 2 { // the second time it is there
		if err := b.createTopic(ctx, "readings", 3); err != nil {
			t.Fatal(err)
		}
	}
	const records = 1000
	var all []*kgo.Record
	for i := range records {
		all = append(all, &kgo.Record{Topic: "readings", Key: fmt.Append(nil, i), Value: fmt.Append(nil, "value ", i)})
	}
	if err := b.client.ProduceSync(ctx, all...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	logs, err := b.logs(ctx, "readings")
	if err != nil || len(logs) != 3 || total(logs) != records {
		t.Fatalf("logs %v, %v", logs, err)
	}
	var commit kadm.Offsets
	commit.AddOffset("readings", 1, 42, -1)
	if err := b.admin.CommitAllOffsets(ctx, "readers", commit); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(crash, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	b.close()
	for what, dir := range map[string]string{"stopped": dir, "killed": crash} {
		b := testBroker(t, dir)
		again, err := b.logs(ctx, "readings")
		if err != nil || !reflect.DeepEqual(again, logs) {
			t.Errorf("%s: logs %v, %v, want %v", what, again, err, logs)
		}
		offsets, err := b.admin.FetchOffsets(ctx, "readers")
		if o, ok := offsets.Lookup("readings", 1); err != nil || !ok || o.At != 42 {
			t.Errorf("%s: the group's offset is %v, %v", what, o.At, err)
		}
		reader, err := kgo.NewClient(kgo.SeedBrokers(b.addr), kgo.ConsumeTopics("readings"))
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]string{}
		for len(seen) < records {
			fetches := reader.PollFetches(ctx)
			if err := fetches.Err(); err != nil {
				t.Fatal(err)
			}
			fetches.EachRecord(func(r *kgo.Record) { seen[string(r.Key)] = string(r.Value) })
		}
		for i := range records {
			if v := seen[fmt.Sprint(i)]; v != fmt.Sprint("value ", i) {
				t.Fatalf("%s: record %d is %q", what, i, v)
			}
		}
		reader.Close()
		// and it goes on
		if err := b.client.ProduceSync(ctx, &kgo.Record{Topic: "readings", Value: []byte("more")}).FirstErr(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if more, err := b.logs(ctx, "readings"); err != nil || total(more) != records+1 {
			t.Errorf("%s: logs %v, %v", what, more, err)
		}
		b.close()
	}
}

func TestLockDir(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockDir(dir); err == nil {
		t.Error("two demos may run in one folder")
	}
	unlock()
	if unlock, err = lockDir(dir); err != nil {
		t.Fatal(err)
	}
	unlock()
}
