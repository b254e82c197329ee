// Command kafka is Millwright's worker as Apache Kafka's own integration tests
// drive it: the worker of the product, the test plugins under their Java class
// names, and a line to the test that tells what the plugins see. It is for the
// bridge of ../shared/kafka-tests; see README.md.
//
//	kafka worker FILE
//	kafka standalone FILE [CONNECTOR...]
//
// The plugins use nothing of the worker but the plugin API.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/millwright-connect/millwright/cmd/millwright/process"
	_ "github.com/millwright-connect/millwright/connectors/all" // the shipped plugins
	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/rest"
	"github.com/millwright-connect/millwright/worker/config"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "kafka:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 || args[0] != "worker" && args[0] != "standalone" || args[0] == "worker" && len(args) > 2 {
		return fmt.Errorf("usage: kafka worker FILE | kafka standalone FILE [CONNECTOR...]")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	props, err := config.ReadFile(args[1])
	if err != nil {
		return err
	}
	c := newChannel()
	defer c.flush()
	b := newBlocks(c)
	connect.Register(plugins(c, b)...)
	mode := config.Distributed
	if args[0] == "standalone" {
		mode = config.Standalone
	}
	connectors, err := process.ReadConnectors(args[2:])
	if err != nil {
		return err
	}
	return process.Run(ctx, process.Options{
		Props: props, Mode: mode, Connectors: connectors, Log: os.Stderr, Opened: func(s *rest.Server) { go control(s, b) },
	})
}

// Time-outs of the REST API, unless the test has changed them.
const (
	requestTimeout = 90 * time.Second
	healthTimeout  = 10 * time.Second
)

// control obeys the test's lines on standard input.
func control(s *rest.Server, b *blocks) {
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch words := strings.Fields(in.Text()); {
		case len(words) == 0:
		case words[0] == "request-timeout-ms" && len(words) == 2:
			ms, err := strconv.Atoi(words[1])
			if err != nil {
				fmt.Fprintln(os.Stderr, "bridge:", err)
				continue
			}
			s.SetRequestTimeout(time.Duration(ms) * time.Millisecond)
			s.SetHealthTimeout(time.Duration(ms) * time.Millisecond)
		case words[0] == "request-timeout-reset":
			s.SetRequestTimeout(requestTimeout)
			s.SetHealthTimeout(healthTimeout)
		case words[0] == "release-blocks":
			b.release()
		default:
			fmt.Fprintln(os.Stderr, "bridge: unknown line:", in.Text())
		}
	}
}
