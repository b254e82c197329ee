package rest

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/config"
	"github.com/millwright-connect/millwright/worker/kafka"
)

// A listener is an open port.
type listener struct {
	net.Listener
	scheme, host string // host as it is configured, "" for all interfaces
	admin        bool
	front        *front
}

var listenerForm = regexp.MustCompile(`^(.*)://\[?([0-9a-zA-Z\-%._:]*)\]?:(-?[0-9]+)`)

// listen opens the listeners of a setting.
func (s *Server) listen(urls []string, admin bool, f *front) error {
	property := "listeners"
	if admin {
		property = "admin.listeners"
	}
	for _, u := range urls {
		m := listenerForm.FindStringSubmatch(strings.TrimSpace(u))
		if m == nil {
			return connect.ConfigErrorf("Invalid value %s for configuration %s: Listener doesn't have the right format (protocol://hostname:port).", u, property)
		}
		l := &listener{scheme: strings.ToLower(m[1]), host: m[2], admin: admin, front: f}
		if l.scheme != "http" && l.scheme != "https" {
			return connect.ConfigErrorf(`Invalid value %s for configuration %s: Listener protocol must be either "http" or "https".`, u, property)
		}
		port, err := strconv.Atoi(m[3])
		if err != nil || port > 65535 {
			return connect.ConfigErrorf("Invalid value %s for configuration %s: %s is no port", u, property, m[3])
		}
		var tlsConfig *tls.Config
		if l.scheme == "https" {
			if tlsConfig, err = kafka.ListenerTLS(listenerTLS(s.settings, admin), s.settings.REST.ClientAuth); err != nil {
				return fmt.Errorf("the listener %s cannot be opened: %w", u, err)
			}
		}
		raw, err := net.Listen("tcp", net.JoinHostPort(l.host, strconv.Itoa(max(port, 0)))) //nolint:noctx // opening a port does not wait
		if err != nil {
			return fmt.Errorf("the listener %s of %s cannot be opened: %w", u, property, err)
		}
		if tlsConfig != nil {
			raw = tls.NewListener(raw, tlsConfig)
		}
		l.Listener = refusing{raw}
		s.listeners = append(s.listeners, l)
	}
	return nil
}

// listenerTLS returns the TLS settings of the listeners; an admin listener may
// have its own.
func listenerTLS(w *config.Worker, admin bool) connect.Props {
	if admin {
		if own := w.Props.WithPrefix("admin.listeners.https."); len(own) > 0 {
			return own
		}
	}
	return w.ListenerTLS()
}

// advertised returns the URL and the host:port that other workers use. Java's
// rules: the settings rest.advertised.*, then the first listener of the
// protocol, then this machine's address.
func (s *Server) advertised() (url, id string, err error) {
	o := &s.settings.REST
	scheme := strings.ToLower(o.AdvertisedListener)
	if scheme == "" {
		scheme = "https"
		for _, l := range s.listeners {
			if l.scheme == "http" && !l.admin {
				scheme = "http"
			}
		}
	}
	if scheme != "http" && scheme != "https" {
		return "", "", connect.ConfigErrorf("Invalid value %s for configuration rest.advertised.listener: it must be http or https", o.AdvertisedListener)
	}
	var at *listener
	for _, l := range s.listeners {
		if l.scheme == scheme && !l.admin {
			at = l
			break
		}
	}
	host, port := o.AdvertisedHost, o.AdvertisedPort
	if host == "" && at != nil {
		host = at.host
	}
	if host == "" || host == "0.0.0.0" && o.AdvertisedHost == "" || host == "::" && o.AdvertisedHost == "" {
		host = localAddress()
	}
	if port == 0 && at != nil {
		port = at.Addr().(*net.TCPAddr).Port
	}
	if port == 0 {
		return "", "", connect.ConfigErrorf("Invalid value %s for configuration rest.advertised.listener: listeners has no %s listener, and rest.advertised.port is not set", o.AdvertisedListener, scheme)
	}
	id = net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(port))
	return scheme + "://" + id + "/", id, nil
}

// localAddress is an address of this machine that others may reach: that of its
// host name, or where this is the loopback address, as some distributions have
// it, the first of its interfaces'.
func localAddress() string {
	if name, err := os.Hostname(); err == nil {
		if ips, err := net.LookupIP(name); err == nil { //nolint:noctx // once, at the start
			if ip, ok := firstIPv4(ips); ok {
				return ip
			}
		}
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "127.0.0.1"
	}
	var ips []net.IP
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			ips = append(ips, n.IP)
		}
	}
	if ip, ok := firstIPv4(ips); ok {
		return ip
	}
	return "127.0.0.1"
}

func firstIPv4(ips []net.IP) (string, bool) {
	for _, ip := range ips {
		if v4 := ip.To4(); v4 != nil && !v4.IsLoopback() && !v4.IsLinkLocalUnicast() {
			return v4.String(), true
		}
	}
	return "", false
}

// refusing makes the answer of net/http to what it cannot parse the page that
// Jetty answers with: net/http writes it to the connection itself, before any
// handler could.
type refusing struct{ net.Listener }

func (l refusing) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return refusingConn{c}, nil
}

type refusingConn struct{ net.Conn }

var (
	plainRefusal = []byte("HTTP/1.1 400 Bad Request")
	plainHeaders = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request")
)

func (c refusingConn) Write(b []byte) (int, error) {
	if bytes.HasPrefix(b, plainRefusal) && bytes.Contains(b[:min(len(b), 256)], plainHeaders) {
		page := (&jettyError{message: badMessage, uri: "/badMessage"}).page()
		_, err := fmt.Fprintf(c.Conn, "HTTP/1.1 400 Bad Request\r\nCache-Control: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
			pageCache, pageType, len(page), page)
		return len(b), err
	}
	return c.Conn.Write(b)
}
