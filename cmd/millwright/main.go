// Command millwright is a Kafka Connect-compatible worker for the factory
// floor: one static binary that runs connectors, alone or in a cluster, next to
// or in place of Apache Kafka Connect.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A command is one subcommand. run returns the exit code with an error to print.
type command struct {
	name    string
	summary string
	usage   string
	run     func(ctx context.Context, args []string, std stdio) error
}

// stdio is the process's streams, so that tests can look at them.
type stdio struct{ in, out, err *os.File }

// commands are listed in the order in which help shows them.
func commands() []command {
	return []command{
		demoCommand, workerCommand, standaloneCommand, validateCommand, pluginsCommand, healthCommand, versionCommand,
	}
}

// exitError ends the process with a code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// misuse is an error in what the user gave us: flags, files, properties.
func misuse(format string, args ...any) error { return &exitError{2, fmt.Errorf(format, args...)} }

func main() {
	os.Exit(run(os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr}))
}

func run(args []string, std stdio) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" || args[0] == "-help" {
		if len(args) > 1 {
			args = []string{args[1], "--help"}
		} else {
			help(std.out)
			return 0
		}
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		ctx, caught, stop := signals()
		defer stop()
		return exitCode(c, c.run(ctx, args[1:], std), caught, std)
	}
	fmt.Fprintf(std.err, "millwright: there is no command %q%s; `millwright help` lists them\n", args[0], meant(args[0]))
	return 2
}

func exitCode(c command, err error, caught func() os.Signal, std stdio) int {
	var exit *exitError
	switch {
	case err == nil && caught() == syscall.SIGTERM:
		return 128 + int(syscall.SIGTERM) // as the Java worker ends
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &exit):
		fmt.Fprintf(std.err, "millwright %s: %v\n", c.name, err)
		return exit.code
	default:
		fmt.Fprintf(std.err, "millwright %s: %v\n", c.name, err)
		if connect.ClassOf(err) == connect.ConfigException {
			return 2
		}
		return 1
	}
}

// signals returns a context that SIGINT and SIGTERM end. A second signal ends
// the process at once.
func signals() (context.Context, func() os.Signal, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	var first os.Signal
	done := make(chan struct{})
	go func() {
		select {
		case first = <-ch:
			close(done)
			cancel()
			signal.Stop(ch) // the next one has its default effect
		case <-ctx.Done():
		}
	}()
	caught := func() os.Signal {
		select {
		case <-done:
			return first
		default:
			return nil
		}
	}
	return ctx, caught, func() { signal.Stop(ch); cancel() }
}

func help(w io.Writer) {
	fmt.Fprint(w, `Millwright runs Kafka Connect connectors on the factory floor: one binary, the
same properties, REST API and topics as Apache Kafka Connect.

Try it, with nothing installed:

  millwright demo

Commands:

`)
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-11s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, `
`+"`millwright help COMMAND`"+` tells more of one.
`)
}

// newFlags makes the flag set of a command, whose help is its usage text.
func newFlags(c *command, std stdio) *flag.FlagSet {
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(std.err)
	fs.Usage = func() {
		fmt.Fprintf(std.out, "%s\n\n", c.usage)
		fs.SetOutput(std.out)
		fs.PrintDefaults()
		fs.SetOutput(std.err)
	}
	return fs
}

// parse reads the flags of a command; they may stand before or after its
// arguments. It returns the arguments.
func parse(fs *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, &exitError{2, err}
		}
		if fs.NArg() == 0 {
			return rest, nil
		}
		rest = append(rest, fs.Arg(0))
		args = fs.Args()[1:]
	}
}

func meant(name string) string {
	for _, c := range commands() {
		if len(name) > 1 && (c.name[:2] == name[:2]) {
			return fmt.Sprintf(" (did you mean %q?)", c.name)
		}
	}
	return ""
}
