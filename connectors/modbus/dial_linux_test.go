package modbus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// unreachable returns an address that neither takes a connection nor refuses
// it: a listener whose queue is full.
func unreachable(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", sa.(*syscall.SockaddrInet4).Port)
	for { // until the queue is full
		c, err := net.DialTimeout("tcp", addr, 200*time.Millisecond)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { c.Close() })
	}
}

// TestDialIsLeftBehind: the library's Open takes 5 s here, and no context.
func TestDialIsLeftBehind(t *testing.T) {
	addr := unreachable(t)
	quiet := slog.New(slog.DiscardHandler)
	_, err := dial(t.Context(), addr, 10*time.Millisecond, time.Second, quiet)
	if err == nil || !strings.Contains(err.Error(), "no connection within 10ms") {
		t.Errorf("dial that may take 10ms: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dial(ctx, addr, longestDial, time.Second, quiet); !errors.Is(err, context.Canceled) {
		t.Errorf("dial after cancel: %v", err)
	}
}
