// Package e2e runs the program as its users do: worker processes, a real Kafka,
// real databases and devices, the REST API. What is tested is what can be seen
// from outside when things go right, and when they go wrong.
package e2e

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/millwright-connect/millwright/test/services"
)

// program is the path of the binary, built once for all tests.
var program string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "millwright-e2e-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if program, err = services.Millwright(context.Background(), dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// patience is how long a condition may take to come true. It is long since the
// machine may be busy: a test that passes does not use it up.
const patience = 2 * time.Minute

// until polls until f has nothing more to complain of.
func until(t testing.TB, what string, f func() (complaint string)) {
	t.Helper()
	end := time.Now().Add(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		complaint := f()
		if complaint == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: not in %v: %s", what, patience, complaint)
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("%s: the test has ended: %s", what, complaint)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// unique makes a name that no other run has used: brokers are shared.
func unique(name string) string {
	return strings.ToLower(name + "-" + rand.Text()[:8])
}

func freePorts(t testing.TB, n int) []int {
	t.Helper()
	ports, err := services.FreePorts(n)
	must(t, err)
	return ports
}

// env returns the address of a server that the run has started, or skips the
// test.
func env(t testing.TB, name string) string {
	t.Helper()
	at := os.Getenv(name)
	if at == "" {
		t.Skip(name + " is not set")
	}
	return at
}

type props map[string]string

// with returns p with further properties.
func (p props) with(more ...string) props {
	q := make(props, len(p)+len(more)/2)
	for k, v := range p {
		q[k] = v
	}
	for i := 0; i < len(more); i += 2 {
		q[more[i]] = more[i+1]
	}
	return q
}
