package modbus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"strings"
	"time"

	"github.com/simonvetter/modbus"
)

// A conn is one connection to a device or gateway: the client library with its
// gaps filled. What the library (v1.6.4) does, each shown by a test in
// client_test.go, and what conn makes of it:
//
//   - Open takes no context and gives up after 5 s, whatever the timeout. conn
//     leaves it behind when ctx ends or the time is up, and closes what may still
//     come of it.
//   - Close waits for the request that is running. conn leaves that behind too.
//   - After a timeout the rest of the late answer stays in the stream and can be
//     taken for the next one: a wrong value without an error. conn is broken by
//     any error but a device's own refusal, and is not used again.
//   - Requests before Open panic. There is no conn that is not open.
//   - Without a Logger it prints to standard output. conn gives it one.
//
// A conn is used by one goroutine.
type conn struct {
	mc     *modbus.ModbusClient
	broken bool
	left   bool // somebody else closes it
}

// longestDial is how long the library tries to connect.
const longestDial = 5 * time.Second

// dial connects, within wait, to host:port; timeout is that of each request.
func dial(ctx context.Context, addr string, wait, timeout time.Duration, l *slog.Logger) (*conn, error) {
	mc, err := modbus.NewClient(&modbus.ClientConfiguration{URL: "tcp://" + addr, Timeout: timeout, Logger: log.New(debug{l}, "", 0)})
	if err != nil {
		return nil, fmt.Errorf("address %s: %w", addr, err)
	}
	c := &conn{mc: mc}
	ctx, cancel := context.WithTimeoutCause(ctx, wait, fmt.Errorf("no connection within %v", wait))
	defer cancel()
	_, err = await(ctx, c, func() (struct{}, error) { return struct{}{}, mc.Open() })
	if err != nil {
		return nil, err
	}
	return c, nil
}

// await runs a call of the library, which cannot be interrupted, but waits for
// it no longer than ctx lasts. A call left behind ends within the library's own
// time limit, and its connection is closed then.
func await[T any](ctx context.Context, c *conn, call func() (T, error)) (T, error) {
	type answer struct {
		v   T
		err error
	}
	done := make(chan answer, 1)
	go func() {
		v, err := call()
		done <- answer{v, err}
	}()
	select {
	case a := <-done:
		return a.v, a.err
	case <-ctx.Done():
		c.broken, c.left = true, true
		go func() {
			<-done
			_ = c.mc.Close()
		}()
		var none T
		return none, context.Cause(ctx)
	}
}

// registers reads n registers of a unit, two bytes each as they came.
func (c *conn) registers(ctx context.Context, unit uint8, a area, start, n int) ([]byte, error) {
	kind := modbus.HOLDING_REGISTER
	if a == inputs {
		kind = modbus.INPUT_REGISTER
	}
	return ask(ctx, c, unit, func() ([]byte, error) { return c.mc.ReadRawBytes(uint16(start), uint16(2*n), kind) })
}

// bits reads n coils or discrete inputs of a unit.
func (c *conn) bits(ctx context.Context, unit uint8, a area, start, n int) ([]bool, error) {
	if a == discretes {
		return ask(ctx, c, unit, func() ([]bool, error) { return c.mc.ReadDiscreteInputs(uint16(start), uint16(n)) })
	}
	return ask(ctx, c, unit, func() ([]bool, error) { return c.mc.ReadCoils(uint16(start), uint16(n)) })
}

// ask makes a request, and breaks the connection unless the answer is proper.
func ask[T any](ctx context.Context, c *conn, unit uint8, call func() ([]T, error)) ([]T, error) {
	if c.broken {
		return nil, errors.New("the connection is broken")
	}
	if err := c.mc.SetUnitId(unit); err != nil {
		return nil, err
	}
	got, err := await(ctx, c, call)
	if err == nil || refusal(err) {
		return got, err
	}
	c.broken = true
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("the device closed the connection: %w", err)
	case errors.Is(err, modbus.ErrBadUnitId):
		return nil, fmt.Errorf("another unit answered: %w", err)
	case errors.Is(err, modbus.ErrProtocolError):
		return nil, fmt.Errorf("the answer is not one to the request: %w", err)
	}
	return nil, err
}

// close releases the connection.
func (c *conn) close() {
	if c != nil && !c.left {
		c.left = true
		_ = c.mc.Close()
	}
}

// refusal reports whether err is the device's own answer, an exception code,
// after which the connection is as good as before.
func refusal(err error) bool {
	var e modbus.Error
	if !errors.As(err, &e) {
		return strings.HasPrefix(err.Error(), "unknown exception code") // the library has no type for it
	}
	switch e {
	case modbus.ErrIllegalFunction, modbus.ErrIllegalDataAddress, modbus.ErrIllegalDataValue, modbus.ErrServerDeviceFailure,
		modbus.ErrAcknowledge, modbus.ErrServerDeviceBusy, modbus.ErrMemoryParityError, modbus.ErrGWPathUnavailable,
		modbus.ErrGWTargetFailedToRespond:
		return true
	}
	return false
}

// badAddress reports whether a refusal is about what was asked for: some devices
// call it an illegal value when a read crosses the end of a block.
func badAddress(err error) bool {
	return errors.Is(err, modbus.ErrIllegalDataAddress) || errors.Is(err, modbus.ErrIllegalDataValue)
}

// unitGone reports whether a gateway refuses because it cannot reach the unit,
// so that further requests to it would only cost time.
func unitGone(err error) bool {
	return errors.Is(err, modbus.ErrGWPathUnavailable) || errors.Is(err, modbus.ErrGWTargetFailedToRespond)
}

// debug turns what the library logs into debug messages.
type debug struct{ *slog.Logger }

func (d debug) Write(b []byte) (int, error) {
	d.Debug(strings.TrimSpace(string(b)))
	return len(b), nil
}

// timedOut reports whether a device was too slow, rather than the connection
// lost.
func timedOut(err error) bool { return errors.Is(err, modbus.ErrRequestTimedOut) }
