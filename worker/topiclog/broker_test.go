package topiclog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What the tests on kfake show is true of Apache Kafka as well.
func TestApacheKafka(t *testing.T) {
	bootstrap := os.Getenv("KAFKA_BOOTSTRAP")
	if bootstrap == "" {
		t.Skip("set KAFKA_BOOTSTRAP to the address of an Apache Kafka broker to run this test")
	}
	ctx := ctxOf(t)
	opts := []kgo.Opt{kgo.SeedBrokers(strings.Split(bootstrap, ",")...)}
	cl, err := kgo.NewClient(opts...)
	must(t, err)
	defer cl.Close()
	adm := kadm.NewClient(cl)
	name := fmt.Sprintf("topiclog-%d", time.Now().UnixNano())
	_, err = adm.CreateTopic(ctx, 5, 1, map[string]*string{"cleanup.policy": kadm.StringPtr("compact")}, name)
	must(t, err)
	defer func() { _, _ = adm.DeleteTopic(context.WithoutCancel(ctx), name) }()

	cfg := Config{Topic: name, Opts: opts, TransactionalID: name + "-leader", ReadCommitted: true}
	a, ra := open(t, cfg)
	b, rb := open(t, cfg)
	for i := range 30 {
		must(t, a.Append(ctx, kv(fmt.Sprint("k", i%7), fmt.Sprint(i)), kv("last", fmt.Sprint(i))))
		must(t, b.Sync(ctx))
		if got := rb.get("last"); got != fmt.Sprint(i) {
			t.Fatalf("after Sync last = %q, want %d", got, i)
		}
	}
	// Kafka makes a transaction visible after it has said that it is committed.
	must(t, a.Claim(ctx))
	for i := range 30 {
		must(t, a.AppendClaimed(ctx, kv("k0", fmt.Sprint("t", i)), kv("last", fmt.Sprint("t", i))))
		must(t, a.Sync(ctx))
		if got := ra.get("last") + ra.get("k0"); got != fmt.Sprintf("t%dt%d", i, i) {
			t.Fatalf("transaction %d: read %q", i, got)
		}
	}
	must(t, b.Claim(ctx))
	if err := a.AppendClaimed(ctx, kv("last", "fenced")); !errors.Is(err, ErrFenced) {
		t.Fatalf("write of a fenced leader: %v", err)
	}
	must(t, b.AppendClaimed(ctx, kv("last", "b")))
	must(t, b.Sync(ctx))
	must(t, a.Sync(ctx))
	late, rl := open(t, cfg)
	if want := fmt.Sprint(ra.last); fmt.Sprint(rb.last) != want || fmt.Sprint(rl.last) != want || rl.get("last") != "b" {
		t.Errorf("readers differ:\n%v\n%v\n%v", ra.last, rb.last, rl.last)
	}
	if late.Partitions() != 5 {
		t.Errorf("%d partitions", late.Partitions())
	}
}

func TestApacheKafkaRecreatesATopic(t *testing.T) {
	bootstrap := os.Getenv("KAFKA_BOOTSTRAP")
	if bootstrap == "" {
		t.Skip("set KAFKA_BOOTSTRAP to the address of an Apache Kafka broker to run this test")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	opts := []kgo.Opt{kgo.SeedBrokers(strings.Split(bootstrap, ",")...)}
	cl, err := kgo.NewClient(opts...)
	must(t, err)
	defer cl.Close()
	adm := kadm.NewClient(cl)
	name := fmt.Sprintf("topiclog-%d", time.Now().UnixNano())
	create := func() error { _, err := adm.CreateTopic(ctx, 1, 1, nil, name); return err }
	must(t, create())
	defer func() { _, _ = adm.DeleteTopic(context.WithoutCancel(ctx), name) }()
	l, err := Open(ctx, Config{Topic: name, Opts: opts, Apply: func(Record) {}})
	must(t, err)
	defer l.Close()
	must(t, l.Append(ctx, kv("k", "v")))
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	must(t, l.Sync(ctx))
	_, err = adm.DeleteTopic(ctx, name)
	must(t, err)
	for create() != nil && ctx.Err() == nil { //nolint:revive // Kafka deletes in the background
	}
	if err := <-done; !errors.Is(err, ErrTruncated) {
		t.Fatalf("Run: %v", err)
	}
}
