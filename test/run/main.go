// Command run is `make test`: it starts every real server that it finds, runs
// the tests with it, and ends with what was left out and the command that would
// add it.
//
//	go run ./test/run            all tests
//	go run ./test/run -race      with the race detector
//	go run ./test/run -install   install what is missing first (as CI does)
//	go run ./test/run ./worker   some packages
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/millwright-connect/millwright/test/services"
)

func main() { os.Exit(run()) }

type options struct {
	install, race, verbose bool
	timeout                time.Duration
	packages               []string
}

func run() int {
	var o options
	flag.BoolVar(&o.install, "install", false, "install the servers that are missing (needs root)")
	flag.BoolVar(&o.race, "race", false, "run with the race detector")
	flag.BoolVar(&o.verbose, "v", false, "show the output of tests that pass")
	flag.DurationVar(&o.timeout, "timeout", 20*time.Minute, "time limit of one package")
	flag.Parse()
	if o.packages = flag.Args(); len(o.packages) == 0 {
		o.packages = []string{"./..."}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp("", "millwright-test-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	left, env, end := startAll(ctx, dir, o.install)
	defer end()
	r := newResult(o, env)
	for _, stage := range stages(ctx, o.packages) {
		r.run(ctx, stage)
	}
	r.again(ctx)
	r.count()
	return report(ctx, r.failed(), r.skipped, left)
}

// startAll starts every service that can be started. left says what cannot.
func startAll(ctx context.Context, dir string, install bool) (left, env []string, end func()) {
	var (
		mu      sync.Mutex
		started []*services.Process
		all     sync.WaitGroup
	)
	end = func() {
		for _, p := range started {
			all.Go(p.Stop)
		}
		all.Wait()
	}
	for _, s := range services.All() {
		if at := os.Getenv(s.Env); at != "" {
			fmt.Printf("using   %s at %s=%s\n", s.Name, s.Env, at)
			continue
		}
		missing := s.Missing()
		if missing != "" && install { // one after another: package managers lock
			fmt.Printf("install %s: %s\n", s.Name, s.Install)
			if err := installed(ctx, s); err != nil {
				missing = err.Error()
			} else {
				missing = s.Missing()
			}
		}
		if missing != "" {
			mu.Lock()
			left = append(left, fmt.Sprintf("%s: %s. To add it: %s", s.Name, missing, s.Install))
			mu.Unlock()
			continue
		}
		all.Go(func() {
			value, p, took, err := startOne(ctx, s, filepath.Join(dir, s.Env))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				left = append(left, fmt.Sprintf("%s could not be started: %v", s.Name, err))
				return
			}
			if p != nil {
				started = append(started, p)
			}
			env = append(env, s.Env+"="+value)
			fmt.Printf("started %s in %v: %s=%s\n", s.Name, took.Round(10*time.Millisecond), s.Env, value)
		})
	}
	all.Wait()
	return left, env, end
}

func startOne(ctx context.Context, s services.Service, data string) (value string, p *services.Process, took time.Duration, err error) {
	if err := os.MkdirAll(data, 0o755); err != nil {
		return "", nil, 0, err
	}
	began := time.Now()
	value, p, err = s.Start(ctx, data)
	return value, p, time.Since(began), err
}

// installed runs the service's install command, up to three times: registries
// have bad moments.
func installed(ctx context.Context, s services.Service) (err error) {
	for try := range 3 {
		if try > 0 {
			fmt.Printf("install %s: again after: %v\n", s.Name, err)
		}
		cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", s.Install) //nolint:gosec // it is ours
		cmd.Stderr = os.Stderr
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if err = cmd.Run(); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return fmt.Errorf("install failed: %w", err)
}

// report ends the run with what was left out; under CI=true that is a failure.
func report(ctx context.Context, failed []string, skipped map[string][]string, left []string) int {
	if ctx.Err() != nil {
		fmt.Println("interrupted")
		return 1
	}
	for _, f := range failed {
		fmt.Println("FAILED", f)
	}
	if len(left)+len(skipped) > 0 {
		fmt.Println("\nLeft out:")
		for _, l := range left {
			fmt.Println("  -", l)
		}
		reasons := make([]string, 0, len(skipped))
		for r := range skipped {
			reasons = append(reasons, r)
		}
		sort.Strings(reasons)
		for _, r := range reasons {
			fmt.Printf("  - %s (%d tests, the first is %s)\n", r, len(skipped[r]), skipped[r][0])
		}
		fmt.Println("`go run ./test/run -install` adds all servers that can be installed here (as root).")
	} else {
		fmt.Println("Nothing was left out.")
	}
	if len(failed) > 0 {
		return 1
	}
	for reason := range skipped {
		if strings.Contains(reason, "../shared") || strings.Contains(reason, "/shared/") {
			delete(skipped, reason) // the yardsticks lie beside some checkouts only
		}
	}
	if os.Getenv("CI") == "true" && len(left)+len(skipped) > 0 {
		fmt.Println("Under CI=true nothing may be left out.")
		return 1
	}
	return 0
}
