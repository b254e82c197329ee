package opcua

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uacp"
	"github.com/gopcua/opcua/uasc"
)

// Limits that this client puts on what servers send.
const (
	bufferSize  = 65535    // of a chunk
	messageSize = 64 << 20 // of a message
	arraySize   = 1 << 20  // of a value
	tcpProfile  = "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary"
)

func init() {
	// The library's own limit of 65,535 would break the connection for a longer
	// array.
	ua.MaxVariantArrayLength = arraySize
}

// A link is one TCP connection to a server with its secure channel and, when
// auth is set, its session.
type link struct {
	conn       *uacp.Conn
	sc         *uasc.SecureChannel
	auth       *ua.NodeID
	maxRequest uint32 // most bytes of a request; 0: no limit
	watched    chan struct{}
	stop       chan struct{}
}

// dial connects and says hello. The library's own handshake takes the server's
// receive limits for its own and then refuses longer messages.
func (c *config) dial(ctx context.Context) (_ *uacp.Conn, maxRequest uint32, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.dialTimeout)
	defer cancel()
	defer func() {
		if err != nil {
			err = c.dialFault(err, c.dialTimeout)
		}
	}()
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", c.host)
	if err != nil {
		return nil, 0, err
	}
	ack := &uacp.Acknowledge{ReceiveBufSize: bufferSize, SendBufSize: bufferSize, MaxMessageSize: messageSize, MaxChunkCount: messageSize / 8192}
	conn, err := uacp.NewConn(raw.(*net.TCPConn), ack)
	if err != nil {
		_ = raw.Close()
		return nil, 0, err
	}
	end := context.AfterFunc(ctx, func() { _ = conn.Close() })
	server, err := hello(conn, c.endpoint)
	if !end() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, 0, err
	}
	ack.SendBufSize = min(bufferSize, max(8192, server.ReceiveBufSize))
	return conn, server.MaxMessageSize, nil
}

// hello exchanges the first messages and returns the server's limits.
func hello(conn *uacp.Conn, endpoint string) (*uacp.Acknowledge, error) {
	err := conn.Send("HELF", &uacp.Hello{ReceiveBufSize: bufferSize, SendBufSize: bufferSize, MaxMessageSize: messageSize, MaxChunkCount: 0, EndpointURL: endpoint})
	if err != nil {
		return nil, err
	}
	b, err := conn.Receive()
	if err != nil {
		return nil, err
	}
	const header = 8
	if len(b) < header || string(b[:4]) != "ACKF" {
		return nil, errors.New("it does not speak OPC UA")
	}
	server := new(uacp.Acknowledge)
	if _, err := server.Decode(b[header:]); err != nil {
		return nil, fmt.Errorf("it does not speak OPC UA: %w", err)
	}
	return server, nil
}

// open dials and opens a secure channel. When the connection breaks, lost is
// called with why, and every call on the link ends.
func (c *config) open(ctx context.Context, sec *uasc.Config, client *identity, lost func(error)) (*link, error) {
	conn, maxRequest, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	errs := make(chan error, 1)
	sc, err := uasc.NewSecureChannel(c.endpoint, conn, sec, errs)
	if err != nil {
		_ = conn.Close()
		return nil, fatalf("%w", err)
	}
	l := &link{conn: conn, sc: sc, maxRequest: maxRequest, watched: make(chan struct{}), stop: make(chan struct{})}
	first := make(chan error, 1)
	go l.watch(errs, func(err error) {
		select {
		case first <- err:
		default:
		}
		lost(err)
	})
	octx, cancel := context.WithTimeout(ctx, c.requestTimeout)
	defer cancel()
	if err := sc.Open(octx); err != nil {
		l.close()
		select {
		case err = <-first: // what the dispatcher saw says more
		default:
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
		}
		return nil, c.channelFault(err, client)
	}
	return l, nil
}

// watch waits for the connection to break. The library's dispatcher reports
// status codes of single answers as well; after a read error it would read on
// for ever, and calls would wait for their time limit.
func (l *link) watch(errs <-chan error, lost func(error)) {
	defer close(l.watched)
	for {
		select {
		case <-l.stop:
			return
		case err := <-errs:
			var code ua.StatusCode
			var fromServer *uacp.Error
			if errors.As(err, &code) && !errors.As(err, &fromServer) {
				continue
			}
			lost(err)
			_ = l.conn.Close()
			return
		}
	}
}

// close ends the channel and the connection.
func (l *link) close() {
	_ = l.sc.Close()
	close(l.stop)
	_ = l.conn.Close()
	<-l.watched
}

// call sends a request and waits for its answer.
func call[R ua.Response](ctx context.Context, l *link, limit time.Duration, req ua.Request) (R, error) {
	var res R
	err := l.sc.SendRequestWithTimeout(ctx, req, l.auth, limit, func(v ua.Response) error {
		r, ok := v.(R)
		if !ok {
			return fmt.Errorf("the server answered %T to %T", v, req)
		}
		res = r
		return nil
	})
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return res, err
}
