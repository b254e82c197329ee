package e2e

import (
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
)

// A proxy passes TCP connections on to a server until it is cut, as a broken
// network between the two would be.
type proxy struct {
	testing.TB
	port int
	to   string

	mu       sync.Mutex
	listener net.Listener // nil while cut
	open     map[net.Conn]bool
	pumps    sync.WaitGroup
}

// newProxy starts a proxy on a port that nobody listens on.
func newProxy(t testing.TB, port int, to string) *proxy {
	t.Helper()
	p := &proxy{TB: t, port: port, to: to, open: map[net.Conn]bool{}}
	p.mend()
	t.Cleanup(func() { p.cut(); p.pumps.Wait() })
	return p
}

func (p *proxy) addr() string { return fmt.Sprintf("127.0.0.1:%d", p.port) }

// mend lets connections through, again after a cut.
func (p *proxy) mend() {
	p.Helper()
	var l net.Listener
	until(p, "the proxy listens", func() (complaint string) {
		var err error
		if l, err = net.Listen("tcp", p.addr()); err != nil {
			return err.Error()
		}
		return ""
	})
	p.mu.Lock()
	p.listener = l
	p.mu.Unlock()
	p.pumps.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.pumps.Go(func() { p.pass(c, l) })
		}
	})
}

// cut breaks all connections and lets none through.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		p.listener.Close()
		p.listener = nil
	}
	for c := range p.open {
		c.Close()
	}
	clear(p.open)
}

func (p *proxy) pass(in net.Conn, l net.Listener) {
	defer in.Close()
	out, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer out.Close()
	p.mu.Lock()
	if p.listener != l { // cut meanwhile
		p.mu.Unlock()
		return
	}
	p.open[in], p.open[out] = true, true
	p.mu.Unlock()
	var back sync.WaitGroup
	back.Go(func() { _, _ = io.Copy(in, out); in.Close() })
	_, _ = io.Copy(out, in)
	out.Close()
	back.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, in)
	delete(p.open, out)
}
