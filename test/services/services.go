// Package services starts the real servers that tests run against: Apache
// Kafka, MariaDB, PostgreSQL, OPC UA and Modbus servers of other authors. Each
// listens on a free loopback port, keeps its data in a directory of the caller
// and ends with it.
//
// Tests do not start servers that they can share: `go run ./test/run` (that is
// `make test`) starts them once and tells tests where they are in environment
// variables. A test whose variable is not set is skipped, and the run lists it.
package services

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

//go:embed files
var files embed.FS

// A Service is one kind of server.
type Service struct {
	Name string
	Env  string // the variable that tells tests where it is
	// Missing says what is not installed, and Install is the shell command that
	// would add it; Missing is empty when the service can be started.
	Missing func() string
	Install string
	// Start starts it with its data in dir and returns the value of Env.
	Start func(ctx context.Context, dir string) (value string, p *Process, err error)
}

var all []Service

// register adds services; each file does so for its own.
func register(s ...Service) bool { all = append(all, s...); return true }

// All lists the services.
func All() []Service { return all }

// Cache is the folder for what Install fetches.
func Cache() string {
	if dir := os.Getenv("MILLWRIGHT_TEST_CACHE"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "millwright-test")
}

// A Process is a server that was started; Stop ends it.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error
	Port int
}

// start runs a command in a process group of its own and waits until something
// listens on port.
func start(ctx context.Context, port int, dir string, env []string, name string, args ...string) (*Process, error) {
	p := &Process{done: make(chan struct{}), Port: port}
	out, err := os.Create(filepath.Join(dir, filepath.Base(name)+".log"))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p.cmd = exec.Command(name, args...) //nolint:gosec,noctx // it lives until Stop
	p.cmd.Dir, p.cmd.Env = dir, append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.err = p.cmd.Wait(); close(p.done) }()
	if err := p.listening(ctx, port); err != nil {
		p.Stop()
		tail, _ := os.ReadFile(out.Name())
		return nil, fmt.Errorf("%s: %w\n%s", name, err, tail[max(0, len(tail)-3000):])
	}
	return p, nil
}

// listening polls until the port answers; servers have no other common sign.
func (p *Process) listening(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	dialer := net.Dialer{Timeout: time.Second}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return c.Close()
		}
		select {
		case <-tick.C:
		case <-p.done:
			return fmt.Errorf("it ended before it listened: %w", errors.Join(p.err))
		case <-ctx.Done():
			return fmt.Errorf("it does not listen on port %d: %w", port, ctx.Err())
		}
	}
}

// PID returns the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal to the process and its children.
func (p *Process) Signal(s syscall.Signal) { _ = syscall.Kill(-p.cmd.Process.Pid, s) }

// Stop ends the process: SIGTERM, and after ten seconds SIGKILL.
func (p *Process) Stop() {
	if p == nil {
		return
	}
	p.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
	}
	p.Signal(syscall.SIGKILL)
	<-p.done
}

// Kill ends the process as a power cut would.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.done
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// FreePorts returns n loopback ports that nobody listens on.
func FreePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not block
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

func have(commands ...string) string {
	for _, c := range commands {
		if _, err := exec.LookPath(c); err != nil {
			return c + " is not installed"
		}
	}
	return ""
}

func exists(path, what string) string {
	if _, err := os.Stat(path); err != nil {
		return what + " is not installed (" + path + ")"
	}
	return ""
}

// unpack writes an embedded file into dir and returns its path.
func unpack(name, dir string) (string, error) {
	b, err := files.ReadFile("files/" + name)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	return path, os.WriteFile(path, b, 0o644)
}

// output runs a command to its end and gives what it printed with an error.
func output(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out[max(0, len(out)-3000):])
	}
	return nil
}
