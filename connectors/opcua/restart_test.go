package opcua

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gopcua/opcua/id"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/test/services"
)

// A proxy stands between client and server so that a test can break the line.
type proxy struct {
	listener net.Listener
	to       string
	filter   func(frame []byte) []byte // changes or drops (nil) unencrypted messages; nil: all pass
	mu       sync.Mutex
	broken   bool
	conns    map[net.Conn]bool
	served   sync.WaitGroup
}

// between returns a proxy in front of an endpoint, and the endpoint through it.
func between(t *testing.T, endpoint string, filter ...func(frame []byte) []byte) (*proxy, string) {
	t.Helper()
	host, path, _ := strings.Cut(strings.TrimPrefix(endpoint, "opc.tcp://"), "/")
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, to: host, conns: map[net.Conn]bool{}}
	if len(filter) > 0 {
		p.filter = filter[0]
	}
	p.served.Go(p.serve)
	t.Cleanup(func() {
		l.Close()
		p.cut()
		p.served.Wait()
	})
	return p, "opc.tcp://" + l.Addr().String() + "/" + path
}

func (p *proxy) serve() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		out, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.to)
		p.mu.Lock()
		if err != nil || p.broken {
			in.Close()
			if out != nil {
				out.Close()
			}
			p.mu.Unlock()
			continue
		}
		p.conns[in], p.conns[out] = true, true
		p.mu.Unlock()
		for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
			p.served.Go(func() {
				p.copy(pair[0], pair[1])
				pair[0].Close()
				pair[1].Close()
			})
		}
	}
}

// copy passes messages on until an end closes.
func (p *proxy) copy(to, from net.Conn) {
	if p.filter == nil {
		io.Copy(to, from)
		return
	}
	for {
		frame := make([]byte, 8, 1024)
		if _, err := io.ReadFull(from, frame); err != nil {
			return
		}
		frame = slices.Grow(frame, int(binary.LittleEndian.Uint32(frame[4:])))[:binary.LittleEndian.Uint32(frame[4:])]
		if _, err := io.ReadFull(from, frame[8:]); err != nil {
			return
		}
		if frame = p.filter(frame); frame == nil {
			continue
		}
		if _, err := to.Write(frame); err != nil {
			return
		}
	}
}

// service returns the number of the service whose message a frame holds; 0 for
// another frame.
func service(frame []byte) uint16 {
	const body = 24 // after headers, the node id 01 00 NUMBER
	if string(frame[:4]) != "MSGF" || len(frame) < body+4 || frame[body] != 1 || frame[body+1] != 0 {
		return 0
	}
	return binary.LittleEndian.Uint16(frame[body+2:])
}

// cut breaks all connections and takes no new ones until mend.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = true
	for c := range p.conns {
		c.Close()
	}
	clear(p.conns)
}

func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = false
}

// TestBrokenLine: a line that breaks for a while costs no change that the
// server has kept, encrypted or not.
func TestBrokenLine(t *testing.T) {
	for name, more := range map[string][]string{"None": nil, "encrypted": secure(t, "Basic256Sha256", "auto")} {
		t.Run(name, func(t *testing.T) {
			p, endpoint := between(t, nodeServer(t))
			r := run(t, props(endpoint, append(more, "queue.size", "1000")...))
			all := r.poll(t, atLeast(3))
			for cut := 1; cut <= 3; cut++ {
				p.cut()
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				for len(r.logged("cannot read from the OPC UA server, trying again")) < cut {
					if err := wait(ctx); err != nil {
						t.Fatal(err)
					}
				}
				p.mend()
				all = append(all, r.poll(t, atLeast(8))...)
			}
			consecutive(t, all)
			if up := r.logged("connection up"); len(up) != 4 || !strings.Contains(up[1], "resumed=true") {
				t.Errorf("connections: %q", up)
			}
			if len(r.logged("subscription goes on")) != 3 || len(r.logged("subscription made")) != 1 || len(r.logged("OPC UA connection lost")) != 3 {
				t.Errorf("log: %q", r.log)
			}
		})
	}
}

// TestLostMessage: a notification that does not come is asked for again, and one
// that the server has no more is counted and logged.
func TestLostMessage(t *testing.T) {
	for name, gone := range map[string]bool{"kept": false, "gone": true} {
		t.Run(name, func(t *testing.T) {
			var published atomic.Int32
			_, endpoint := between(t, nodeServer(t), func(frame []byte) []byte {
				switch service(frame) {
				case id.PublishResponse_Encoding_DefaultBinary:
					if published.Add(1) == 4 {
						return nil
					}
				case id.RepublishRequest_Encoding_DefaultBinary:
					if gone { // by asking for another
						binary.LittleEndian.PutUint32(frame[len(frame)-4:], 1<<30)
					}
				}
				return frame
			})
			// The request without an answer ends meanwhile.
			r := run(t, props(endpoint, "keepalive.interval.ms", "100", "request.timeout.ms", "1000"))
			all := r.poll(t, atLeast(30))
			lost := r.logged("notifications of the OPC UA server were lost")
			if !gone {
				consecutive(t, all)
			}
			if gone != (len(lost) == 1) || gone != (r.device.losses.messages.Load() == 1) {
				t.Errorf("%d lost, log %q", r.device.losses.messages.Load(), r.log)
			}
			if len(r.logged("connection lost"))+len(r.logged("a new one is made")) != 0 {
				t.Errorf("log %q", r.log)
			}
		})
	}
}

// TestQuiet: when nothing changes, the server's signs of life are no losses.
func TestQuiet(t *testing.T) {
	onEach(t, func(t *testing.T, endpoint string) {
		var published atomic.Int32
		_, endpoint = between(t, endpoint, func(frame []byte) []byte {
			if service(frame) == id.PublishResponse_Encoding_DefaultBinary {
				published.Add(1)
			}
			return frame
		})
		r := run(t, props(endpoint, "nodes", testURI+"Types.Int32", "keepalive.interval.ms", "100"))
		if all := r.poll(t, func([]connect.SourceRecord) bool { return published.Load() >= 10 }); len(all) != 1 {
			t.Errorf("%d records", len(all))
		}
		if len(r.logged("WARN")) != 0 {
			t.Errorf("log: %q", r.log)
		}
	})
}

// TestRenewal: the channel's keys are renewed while values come.
func TestRenewal(t *testing.T) {
	onEach(t, func(t *testing.T, endpoint string) {
		var opened atomic.Int32
		_, endpoint = between(t, endpoint, func(frame []byte) []byte {
			if string(frame[:3]) == "OPN" {
				opened.Add(1)
			}
			return frame
		})
		r := run(t, props(endpoint, append(secure(t, "Basic256Sha256", "auto"), "secure.channel.lifetime.ms", "2000", "queue.size", "1000")...))
		all := r.poll(t, atLeast(1))
		before := opened.Load()
		all = append(all, r.poll(t, func([]connect.SourceRecord) bool { return opened.Load() >= before+6 })...) // question and answer
		all = append(all, r.poll(t, atLeast(5))...)
		consecutive(t, all)
		if len(r.logged("connection up")) != 1 || len(r.logged("connection lost")) != 0 {
			t.Errorf("log: %q", r.log)
		}
	})
}

// TestRestart kills the server in the middle and starts it again: the task goes
// on with what the new one has, and says that something is missing.
func TestRestart(t *testing.T) {
	for name, s := range map[string]struct {
		env   string
		start func(ctx context.Context, dir string, port int) (*services.OPCUAServer, error)
	}{
		"asyncua": {"MILLWRIGHT_TEST_OPCUA_ASYNCUA", services.StartAsyncua},
		"node-opcua": {"MILLWRIGHT_TEST_OPCUA_NODE", func(ctx context.Context, dir string, port int) (*services.OPCUAServer, error) {
			return services.StartNodeOPCUA(ctx, dir, port, false)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if os.Getenv(s.env) == "" {
				t.Skipf("%s is not set, so its server is not installed", s.env)
			}
			// A server for each mode: asyncua numbers its sessions from the same
			// number after a restart, so that a task that tries its old session
			// there would take that of the other task.
			for _, mode := range []string{subscribeMode, pollMode} {
				dir := t.TempDir()
				server, err := s.start(t.Context(), dir, 0)
				if err != nil {
					t.Fatal(err)
				}
				r := run(t, props(server.Endpoint(), "mode", mode, "poll.interval.ms", "50"))
				r.poll(t, atLeast(3))
				server.Kill()
				if server, err = s.start(t.Context(), dir, server.Port); err != nil {
					t.Fatal(err)
				}
				r.poll(t, func(all []connect.SourceRecord) bool { return len(r.logged("connection up")) == 2 && len(all) > 0 })
				r.poll(t, atLeast(3))
				if len(r.logged("connection up")) != 2 || len(r.logged("connection lost")) != 1 {
					t.Errorf("log: %q", r.log)
				}
				if lost := r.logged("changes since the last notification are missing"); len(lost) != 1 && mode == subscribeMode {
					t.Errorf("log: %q", r.log)
				}
				r.Close()
				server.Stop()
			}
		})
	}
}

// TestUnreachable: with the server off the task says so once and tries on, and
// reads when the server comes up; or it fails when it is told to.
func TestUnreachable(t *testing.T) {
	ports, err := services.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := "opc.tcp://127.0.0.1:" + strconv.Itoa(ports[0]) + "/millwright"
	err = run(t, props(endpoint, "connection.retry.timeout.ms", "200")).fails(t)
	for _, want := range []string{"no connection to " + endpoint + " for 200ms", "connection.retry.timeout.ms", "nothing listens at 127.0.0.1:"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if class := connect.ClassOf(err); class != connect.ConnectException {
		t.Error(class)
	}
	nodeServer(t)
	r := run(t, props(endpoint))
	server, err := services.StartNodeOPCUA(t.Context(), t.TempDir(), ports[0], false)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	r.poll(t, atLeast(2))
	if told := r.logged("nothing listens at"); len(told) < 2 || strings.Contains(told[1], "WARN") {
		t.Errorf("%d lines: %q", len(told), told)
	}
}

// TestSilentServer: something that takes connections and does not answer.
func TestSilentServer(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = run(t, props("opc.tcp://"+l.Addr().String(), "connection.timeout.ms", "100", "connection.retry.timeout.ms", "0")).fails(t)
	if !strings.Contains(err.Error(), "does not answer within 100ms") {
		t.Error(err)
	}
}

// TestTrust meets a server whose certificate is not trusted, pinned, in a file,
// and in a folder.
func TestTrust(t *testing.T) {
	onEach(t, func(t *testing.T, endpoint string) {
		cert, key := certificate(t)
		base := []string{"security.policy", "Basic256Sha256", "certificate.file", cert, "private.key.file", key}
		err := run(t, props(endpoint, append(base, "trust.thumbprints", strings.Repeat("00", 32))...)).fails(t)
		_, after, _ := strings.Cut(err.Error(), "SHA-256 ")
		print256, _, _ := strings.Cut(after, ",")
		if !strings.Contains(err.Error(), "is not trusted") || len(print256) != 64 {
			t.Fatal(err)
		}
		r := run(t, props(endpoint, append(base, "trust.thumbprints", strings.ToUpper(print256))...))
		r.poll(t, atLeast(1))
		der := r.device.peer.endpoint.ServerCertificate
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "plc.der"), der, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{dir, filepath.Join(dir, "plc.der")} {
			run(t, props(endpoint, append(base, "trust.certificates", path)...)).poll(t, atLeast(1))
		}
	})
}

// TestRejectedClient: the server does not know this client's certificate. The
// task says what to do, and goes on when it is done.
func TestRejectedClient(t *testing.T) {
	nodeServer(t)
	server, err := services.StartNodeOPCUA(t.Context(), t.TempDir(), 0, true)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	r := run(t, props(server.Endpoint(), secure(t, "Basic256Sha256", "auto")...))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for len(r.logged("the server refused this client's certificate")) == 0 {
		if err := wait(ctx); err != nil {
			t.Fatal(err, r.log)
		}
	}
	found, err := filepath.Glob(filepath.Join(server.PKI, "rejected", "*"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	print1, _ := thumbprints(r.device.peer.client.cert)
	if l := r.logged("the server refused this client's certificate"); !strings.Contains(l[0], print1) || !strings.Contains(filepath.Base(found[0]), print1) {
		t.Errorf("%s: %q", found, l)
	}
	if err := os.Rename(found[0], filepath.Join(server.PKI, "trusted", "certs", filepath.Base(found[0]))); err != nil {
		t.Fatal(err)
	}
	r.poll(t, atLeast(2))
}
