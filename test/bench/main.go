// Command bench is the second half of `make bench`: it builds the binary,
// measures what a user of a small gateway feels (its size, how fast a worker
// starts, what it takes when idle) and, where the shared benchmark folder is at
// hand, what a million records cost beside the least that a Go program could do
// with the same client library.
//
//	go run ./test/bench                       size, start, idle, W2 and W3
//	go run ./test/bench -w none               without workloads
//	go run ./test/bench -w W2j,W3j,W8 -runs 1 other workloads of bench.py
//	go run ./test/bench -java                 Apache Connect beside us
//
// Figures are marked against their targets; only what does not work makes it
// fail, for times on a busy machine say little.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/millwright-connect/millwright/test/services"
)

func main() { os.Exit(run()) }

type options struct {
	binary    string
	shared    string
	bootstrap string
	workloads []string
	runs      int
	starts    int
	idle      time.Duration
	java      bool
}

// A figure is one line of the table. mark is empty where there is no target.
type figure struct{ what, value, target, mark string }

// below makes a figure whose target is an upper limit.
func below(what, value string, got, limit float64, target string) figure {
	mark := "pass"
	if got >= limit {
		mark = "MISS"
	}
	return figure{what, value, target, mark}
}

func run() int {
	var o options
	workloads := flag.String("w", "W2,W3", "workloads of bench.py, by commas; none for none")
	flag.StringVar(&o.binary, "bin", "", "the binary to measure; without it bin/millwright is built")
	flag.StringVar(&o.shared, "shared", "../shared/bench", "folder of bench.py")
	flag.StringVar(&o.bootstrap, "bootstrap", os.Getenv("KAFKA_BOOTSTRAP"), "a broker to use; without it one is started")
	flag.IntVar(&o.runs, "runs", 3, "runs of each workload")
	flag.IntVar(&o.starts, "starts", 5, "measured starts")
	flag.DurationVar(&o.idle, "idle", 20*time.Second, "how long an idle worker is watched")
	flag.BoolVar(&o.java, "java", false, "run Apache Connect beside us")
	flag.Parse()
	if *workloads != "none" && *workloads != "" {
		o.workloads = strings.Split(*workloads, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp("", "millwright-bench-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	figures, err := measure(ctx, o, dir)
	print(figures)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

// measure returns the figures that it has, also with an error.
func measure(ctx context.Context, o options, dir string) ([]figure, error) {
	var all []figure
	if o.binary == "" {
		say("building bin/millwright")
		if err := build(ctx); err != nil {
			return all, err
		}
		o.binary = "bin/millwright"
	}
	binary, err := filepath.Abs(o.binary)
	if err != nil {
		return all, err
	}
	o.binary = binary
	info, err := os.Stat(binary)
	if err != nil {
		return all, err
	}
	mb := float64(info.Size()) / 1e6
	all = append(all, below("binary size", fmt.Sprintf("%.1f MB", mb), mb, 60, "< 60 MB"))

	if o.bootstrap == "" {
		say("starting a Kafka broker")
		b, err := services.StartKafka(ctx, filepath.Join(dir, "kafka"), 0)
		if err != nil {
			return all, err
		}
		defer b.Stop()
		o.bootstrap = b.Bootstrap()
	}
	figures, err := footprint(ctx, o, dir)
	all = append(all, figures...)
	if err != nil || len(o.workloads) == 0 {
		return all, err
	}
	if _, err := os.Stat(filepath.Join(o.shared, "bench.py")); err != nil {
		say("no workloads: there is no bench.py in %s (see -shared)", o.shared)
		return all, nil
	}
	figures, err = workloads(ctx, o, dir)
	return append(all, figures...), err
}

// say prints a line of progress.
func say(format string, args ...any) {
	fmt.Printf(time.Now().Format("15:04:05 ")+format+"\n", args...)
}

func print(figures []figure) {
	if len(figures) == 0 {
		return
	}
	fmt.Println()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, f := range figures {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.what, f.value, f.target, f.mark)
	}
	_ = w.Flush()
}
