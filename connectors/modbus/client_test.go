package modbus

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/simonvetter/modbus"
)

// Tests named TestLibrary show what the client library does, and fail when a
// new version does better: then conn can do less. The ones after them show that
// conn does not have the gap.

// script is a Modbus server that does as told on one connection after another.
func script(t *testing.T, serve func(c net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

// request reads one request, all of which are 12 bytes here.
func request(c net.Conn) ([]byte, error) {
	b := make([]byte, 12)
	_, err := io.ReadFull(c, b)
	return b, err
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// late answers the first request in two parts, the second only when the next
// request has come. The registers in it look like an answer to that: 0xBEEF.
func late(c net.Conn) {
	if _, err := request(c); err != nil {
		return
	}
	if _, err := c.Write(unhex("0001 0000 0011 01 03 0e")); err != nil {
		return
	}
	if _, err := request(c); err != nil {
		return
	}
	c.Write(unhex("0002 0000 0005 01 03 02 beef 000000"))
	c.Write(unhex("0002 0000 0005 01 03 02 0001"))
	io.Copy(io.Discard, c)
}

func TestLibraryTakesRestOfLateAnswerForTheNext(t *testing.T) {
	mc, err := modbus.NewClient(&modbus.ClientConfiguration{URL: "tcp://" + script(t, late), Timeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := mc.Open(); err != nil {
		t.Fatal(err)
	}
	defer mc.Close()
	if _, err := mc.ReadRegisters(0, 7, modbus.HOLDING_REGISTER); !errors.Is(err, modbus.ErrRequestTimedOut) {
		t.Fatalf("first read: %v", err)
	}
	got, err := mc.ReadRegister(0, modbus.HOLDING_REGISTER)
	if err != nil || got != 0xBEEF {
		t.Fatalf("second read: %#x, %v: the library has mended it; conn need not break any more", got, err)
	}
}

func TestLateAnswerBreaksConnection(t *testing.T) {
	c := opened(t, script(t, late), 200*time.Millisecond)
	if _, err := c.registers(t.Context(), 1, holdings, 0, 7); !timedOut(err) {
		t.Fatalf("first read: %v", err)
	}
	if b, err := c.registers(t.Context(), 1, holdings, 0, 1); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Fatalf("second read: %x, %v", b, err)
	}
}

func opened(t *testing.T, addr string, timeout time.Duration) *conn {
	t.Helper()
	c, err := dial(t.Context(), addr, longestDial, timeout, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

// mute takes a request, says so, and never answers.
func mute(asked chan<- struct{}) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := request(c); err == nil {
			asked <- struct{}{}
		}
		io.Copy(io.Discard, c)
	}
}

func TestLibraryCloseWaitsForRequest(t *testing.T) {
	asked := make(chan struct{}, 1)
	mc, err := modbus.NewClient(&modbus.ClientConfiguration{URL: "tcp://" + script(t, mute(asked)), Timeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := mc.Open(); err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() {
		_, err := mc.ReadRegister(0, modbus.HOLDING_REGISTER)
		result <- err
	}()
	<-asked
	mc.Close()
	if err := <-result; !errors.Is(err, modbus.ErrRequestTimedOut) {
		t.Fatalf("the request ended with %v: Close did not wait for its timeout; conn need not leave it behind any more", err)
	}
}

func TestCancelLeavesRequestBehind(t *testing.T) {
	asked := make(chan struct{}, 1)
	closed := make(chan struct{})
	addr := script(t, func(c net.Conn) {
		mute(asked)(c)
		close(closed)
	})
	c := opened(t, addr, 500*time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if _, err := c.registers(ctx, 1, holdings, 0, 1); !errors.Is(err, context.Canceled) {
		t.Fatalf("read: %v", err)
	}
	if !c.broken {
		t.Error("the connection is not broken, though a request is under way")
	}
	c.close()
	<-closed // by what was left behind, when the request has timed out
}

func TestLibraryPanicsBeforeOpen(t *testing.T) {
	mc, err := modbus.NewClient(&modbus.ClientConfiguration{URL: "tcp://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic: the library has mended it")
		}
	}()
	mc.ReadCoil(0)
}

func TestLibraryPrintsToStandardOutput(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = w
	_, err = modbus.NewClient(&modbus.ClientConfiguration{URL: "nothing"})
	os.Stdout = stdout
	w.Close()
	printed, _ := io.ReadAll(r)
	if err == nil || len(printed) == 0 {
		t.Errorf("printed %q, %v: the library has mended it", printed, err)
	}
}

func TestLibraryLogGoesToDebug(t *testing.T) {
	var b strings.Builder
	l := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug}))
	addr := script(t, func(c net.Conn) {
		request(c)
		c.Write(unhex("0099 0000 0005 01 03 02 0005")) // of another transaction
		c.Write(unhex("0001 0000 0005 01 03 02 0007"))
		io.Copy(io.Discard, c)
	})
	c, err := dial(t.Context(), addr, longestDial, 10*time.Second, l)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if got, err := c.registers(t.Context(), 1, holdings, 0, 1); err != nil || got[1] != 7 {
		t.Fatalf("%x, %v", got, err)
	}
	if !strings.Contains(b.String(), "level=DEBUG") || !strings.Contains(b.String(), "unexpected transaction id") {
		t.Errorf("log: %s", b.String())
	}
}

// TestAnswers: what keeps a connection in use, and what breaks it.
func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		name, answer, want string
		broken             bool
	}{
		{"value", "0001 0000 0005 01 03 02 0007", "", false},
		{"illegal address", "0001 0000 0003 01 83 02", "illegal data address", false},
		{"busy", "0001 0000 0003 01 83 06", "server device busy", false},
		{"gateway", "0001 0000 0003 ff 83 0b", "gateway target device failed to respond", false},
		{"exception that the library has no name for", "0001 0000 0003 01 83 07", "unknown exception code (7)", false},
		{"other unit", "0001 0000 0005 02 03 02 0007", "another unit answered", true},
		{"other function", "0001 0000 0005 01 04 02 0007", "the answer is not one to the request", true},
		{"wrong length", "0001 0000 0007 01 03 04 00070008", "the answer is not one to the request", true},
		{"too long a frame", "0001 0000 0200 01 03 04 00070008", "the answer is not one to the request", true},
		{"hung up", "", "the device closed the connection", true},
		{"hung up halfway", "0001 0000 0005", "the device closed the connection", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := script(t, func(c net.Conn) {
				request(c)
				c.Write(unhex(tt.answer))
			})
			c := opened(t, addr, 10*time.Second)
			got, err := c.registers(t.Context(), 1, holdings, 0, 1)
			if tt.want == "" {
				if err != nil || got[1] != 7 {
					t.Errorf("%x, %v", got, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%x, %v, want %s", got, err, tt.want)
			}
			if c.broken != tt.broken {
				t.Errorf("broken: %v, want %v", c.broken, tt.broken)
			}
		})
	}
}

func TestDialRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := dial(t.Context(), l.Addr().String(), longestDial, time.Second, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("dial: %v", err)
	}
}
