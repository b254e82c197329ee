package kafka

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/worker/logging"
)

// Many clients say the same; it is heard once in a while, and its end is.
func TestBrokerIsAwayInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(logging.NewHandler(logging.New(slog.LevelInfo), logging.Options{Out: &out}))
		var clients []logger
		for range 50 {
			to := log.With("connector", "c")
			clients = append(clients, logger{to, trouble(to)})
		}
		said := func(what string) int {
			n := strings.Count(out.String(), what)
			out.Reset()
			return n
		}
		for range 90 {
			for i, c := range clients {
				c.Log(kgo.LogLevelWarn, "unable to open connection to broker", "addr", "plant:9092", "broker", []any{"1", "seed_0"}[i%2], "err", errors.New("refused"))
			}
			clients[0].OnBrokerConnect(kgo.BrokerMetadata{Host: "plant", Port: 9092}, 0, nil, io.EOF)
			clients[0].OnBrokerConnect(kgo.BrokerMetadata{Host: "plant", Port: 9093}, 0, nil, nil)
			time.Sleep(time.Second)
		}
		if text := out.String(); !strings.Contains(text, "unsaid=1499") {
			t.Errorf("said %s", text)
		}
		if n := said("unable to open connection"); n != 3 {
			t.Errorf("said %d times in 90 s", n)
		}
		clients[0].Log(kgo.LogLevelWarn, "unable to open connection to broker", "addr", "plant:9093")
		clients[0].Log(kgo.LogLevelWarn, "produce partition load error", "topic", "t", "partition", 1)
		clients[0].Log(kgo.LogLevelWarn, "produce partition load error", "topic", "t", "partition", 2)
		clients[0].Log(kgo.LogLevelError, "broken")
		clients[1].Log(kgo.LogLevelError, "broken")
		if n := said("\n"); n != 5 {
			t.Errorf("%d lines, want 5 of different things", n)
		}
		for _, c := range clients {
			c.OnBrokerConnect(kgo.BrokerMetadata{Host: "plant", Port: 9092}, 0, nil, nil)
		}
		if text := out.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "the broker can be reached again addr=plant:9092 after=1m30s") {
			t.Errorf("said %s", text)
		}
	})
}

// A broker that stops closes connections that it has taken a moment before, which
// is no reason for a record to fail.
func TestClosedInTheBeginning(t *testing.T) {
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	// The network closes some connections before anything has come through.
	var (
		mu    sync.Mutex
		cuts  int
		open  []net.Conn
		conns sync.WaitGroup
	)
	s, err := Read(map[string]string{"bootstrap.servers": k.ListenAddrs()[0], "retry.backoff.ms": "1", "enable.idempotence": "false"}, Producer)
	if err != nil {
		t.Fatal(err)
	}
	opts, err := s.Opts(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	dial := func(addr string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		if cuts == 0 {
			c, err := net.Dial("tcp", addr)
			open = append(open, c)
			return c, err
		}
		cuts--
		ours, theirs := net.Pipe()
		conns.Go(func() {
			_, _ = theirs.Read(make([]byte, 1024))
			theirs.Close()
		})
		return ours, nil
	}
	cl, err := kgo.NewClient(append(opts, kgo.Dialer(func(_ context.Context, _, addr string) (net.Conn, error) { return dial(addr) }))...)
	if err != nil {
		t.Fatal(err)
	}
	defer conns.Wait()
	defer cl.Close()
	for range 3 {
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "t", Value: []byte("v")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		open, cuts = nil, 6
		mu.Unlock()
	}
}
