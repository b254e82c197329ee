package rest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker"
)

// The table is what a Java worker with these settings answered.
func TestBasicAuth(t *testing.T) {
	dir := t.TempDir()
	users := filepath.Join(dir, "users.properties")
	jaas := filepath.Join(dir, "jaas.conf")
	write(t, users, "alice=secret\nbob:pw\n")
	write(t, jaas, "// users of the API\nKafkaConnect {\n  "+propertyFileLogin+" required\n  file=\""+users+"\";\n};\n")
	w := settings(t, connect.Props{"rest.extension.classes": BasicAuthExtension})
	o := options(w)
	o.JAAS = jaas
	o.Metrics = http.NotFoundHandler()
	s := serve(t, o, newFake(w))
	login := func(s string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(s))
	}
	for _, c := range []struct {
		method, path, header string
		status               int
		contentType          string
	}{
		{"GET", "/", "", 401, "application/json"},
		{"GET", "/health", "", 401, "application/json"},
		{"GET", "/", login("alice:secret"), 200, "application/json"},
		{"GET", "/", login("bob:pw"), 200, "application/json"},
		{"GET", "/", "Authorization: basic YWxpY2U6c2VjcmV0", 200, "application/json"},
		{"GET", "/", login("alice:x"), 401, "application/json"},
		{"GET", "/", login("alice:"), 401, "application/json"},
		{"GET", "/", login(":"), 401, "application/json"},
		{"GET", "/", login("nobody:x"), 401, "application/json"},
		{"GET", "/", login("nobody:"), 401, "application/json"},
		{"GET", "/", login("alice"), 401, "application/json"},
		{"GET", "/", "Authorization: Bearer x", 401, "application/json"},
		{"GET", "/", "Authorization: Basic %%%", 500, "application/json"},
		{"GET", "/nope", "", 404, ""},
		{"DELETE", "/connectors", "", 405, ""},
		{"GET", "/connectors", "Accept: text/html", 406, ""},
		{"GET", "/connectors", "Content-Type: text/plain", 415, ""},
		{"OPTIONS", "/connectors", "", 401, "text/plain"},
		{"HEAD", "/", "", 401, "application/json"},
		{"GET", "//x", "", 400, pageType},
		{"PUT", "/connectors/x/fence", "", 400, "application/json"},
		{"POST", "/connectors/x/tasks/", "", 500, "application/json"},
		{"GET", "/connectors/x/tasks", "", 401, "application/json"},
		{"GET", "/admin/loggers/root", "", 401, "application/json"},
		{"GET", "/metrics", "", 401, "text/plain"},
		{"GET", "/openapi.yaml", "", 401, "text/plain"},
		{"GET", "/openapi.yaml", login("bob:pw"), 200, "application/yaml"},
	} {
		var h []string
		if c.header != "" {
			h = append(h, c.header)
		}
		if r := ask(t, s, c.method, c.path, "", h...); r.status != c.status || r.header.Get("Content-Type") != c.contentType {
			t.Errorf("%s %s with %q: %d %v %s", c.method, c.path, c.header, r.status, r.header, r.body)
		}
	}
}

func TestBasicAuthSettings(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		p := filepath.Join(dir, name)
		write(t, p, text)
		return p
	}
	empty := file("empty", "")
	for _, c := range []struct{ class, jaas, want string }{
		{"org.example.X", "", "Invalid value org.example.X for configuration rest.extension.classes: the only extension"},
		{BasicAuthExtension, "", "there is no JAAS configuration"},
		{BasicAuthExtension, filepath.Join(dir, "none"), "cannot be read"},
		{BasicAuthExtension, file("a", "Other { };"), "no section KafkaConnect"},
		{BasicAuthExtension, file("b", "KafkaConnect { };"), "no login module"},
		{BasicAuthExtension, file("c", "KafkaConnect { org.example.Login required file=\"x\"; };"), "login module org.example.Login is Java code"},
		{BasicAuthExtension, file("d", "KafkaConnect { "+propertyFileLogin+" required; };"), "Property Credentials file must be specified"},
		{BasicAuthExtension, file("e", "KafkaConnect { "+propertyFileLogin+" required file=\""+filepath.Join(dir, "none")+"\"; };"), "Error loading Property Credentials file"},
		{BasicAuthExtension, file("f", "KafkaConnect { "+propertyFileLogin+" required file='"+empty+"'; };"), ""},
		{"", "", ""},
	} {
		a, err := newBasicAuth([]string{c.class}, c.jaas, slog.New(slog.DiscardHandler))
		switch {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s %s: %v, not %q", c.class, c.jaas, err, c.want)
		case a != nil && c.want == "":
			r, _ := http.NewRequest(http.MethodGet, "/", nil)
			if ok, err := a.allows(r); !ok || err != nil {
				t.Error("an empty file does not let everybody in")
			}
		}
	}
}

func TestJAASFile(t *testing.T) {
	env := func(m map[string]string) func(string) string { return func(k string) string { return m[k] } }
	for _, c := range []struct {
		props connect.Props
		env   map[string]string
		want  string
	}{
		{nil, nil, ""},
		{connect.Props{loginProperty: "/a"}, map[string]string{"KAFKA_OPTS": "-D" + loginProperty + "=/b"}, "/a"},
		{nil, map[string]string{"KAFKA_OPTS": "-Xmx1g -D" + loginProperty + "=/b -Dx=y"}, "/b"},
		{nil, map[string]string{"JAVA_TOOL_OPTIONS": `-D` + loginProperty + `="/c"`}, "/c"},
	} {
		if got := JAASFile(c.props, env(c.env)); got != c.want {
			t.Errorf("%v %v: %q, not %q", c.props, c.env, got, c.want)
		}
	}
}

// The table is what a Java worker with these settings answered.
func TestCORSAndHeaders(t *testing.T) {
	w := settings(t, connect.Props{
		"access.control.allow.origin": "http://ui.example,http://.*[.]plant , http://b", "access.control.allow.methods": "GET,POST,PUT",
		"response.http.headers.config": "add X-Frame-Options: DENY, set Cache-Control: no-cache, setDate Expires: 1000", "admin.listeners": "http://127.0.0.1:0",
	})
	s := serve(t, options(w), newFake(w))
	for _, c := range []struct {
		method, path, origin, preflight string
		status                          int
		allowed                         bool
	}{
		{"GET", "/connectors", "", "", 200, false},
		{"GET", "/connectors", "http://ui.example", "", 200, true},
		{"GET", "/nope", "http://ui.example", "", 404, true},
		{"DELETE", "/connectors", "http://ui.example", "", 405, true},
		{"GET", "/connectors", "http://evil.example", "", 200, false},
		{"GET", "/connectors", "http://x.plant", "", 200, true},
		{"GET", "/connectors", "http://x.y.plant", "", 200, true},
		{"GET", "/connectors", "HTTP://B", "", 200, true},
		{"GET", "/connectors", "http://b http://c", "", 200, true},
		{"OPTIONS", "/connectors", "http://ui.example", "PUT", 200, true},
		{"OPTIONS", "/connectors", "http://ui.example", "DELETE", 200, true},
		{"OPTIONS", "/connectors", "http://evil.example", "PUT", 200, false},
		{"OPTIONS", "/connectors", "http://ui.example", "", 200, true},
		{"OPTIONS", "/nope", "http://ui.example", "PUT", 404, true},
		{"GET", "/admin/loggers", "http://ui.example", "", 404, true},
	} {
		h := []string{"X-Nothing: 1"}
		if c.origin != "" {
			h = append(h, "Origin: "+c.origin)
		}
		if c.preflight != "" {
			h = append(h, "Access-Control-Request-Method: "+c.preflight)
		}
		r := ask(t, s, c.method, c.path, "", h...)
		want := map[string]string{"Vary": "Origin", "X-Frame-Options": "DENY", "Cache-Control": "no-cache"}
		for _, k := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Max-Age"} {
			want[k] = ""
		}
		if c.allowed {
			want["Access-Control-Allow-Origin"] = c.origin
			if c.preflight != "" {
				want["Access-Control-Allow-Methods"], want["Access-Control-Allow-Headers"], want["Access-Control-Max-Age"] = "GET,POST,PUT", "Content-Type", "60"
			}
		}
		if r.status != c.status {
			t.Errorf("%v: %d %s", c, r.status, r.body)
		}
		for k, v := range want {
			if got := strings.Join(r.header.Values(k), ","); got != v {
				t.Errorf("%v: %s is %q, not %q", c, k, got, v)
			}
		}
		if _, err := http.ParseTime(r.header.Get("Expires")); err != nil {
			t.Errorf("%v: Expires is %q", c, r.header.Get("Expires"))
		}
	}
	admin := s.Addresses()[1]
	for path, status := range map[string]int{"/admin/loggers/root": 200, "/": 404, "/connectors": 404, "/health": 404, "/openapi.yaml": 404} {
		r := send(t, admin, raw("GET", path, "", "Origin: http://ui.example"))
		if r.status != status || r.header.Get("Vary")+r.header.Get("X-Frame-Options") != "" {
			t.Errorf("admin listener, %s: %d %v", path, r.status, r.header)
		}
	}
}

// Listeners with TLS: certificates as PEM, clients with and without one, and
// workers that reach each other over them.
func TestHTTPS(t *testing.T) {
	dir := t.TempDir()
	ca, key := certificate(t, dir)
	w := settings(t, connect.Props{
		"listeners": "https://127.0.0.1:0,http://127.0.0.1:0", "rest.advertised.listener": "https", "ssl.client.auth": "required",
		"listeners.https.ssl.keystore.type": "PEM", "listeners.https.ssl.keystore.location": filepath.Join(dir, "both.pem"),
		"listeners.https.ssl.truststore.type": "PEM", "listeners.https.ssl.truststore.location": filepath.Join(dir, "ca.pem"),
	})
	l, f := newFake(w), newFake(w)
	leader := serve(t, options(w), l)
	if !strings.HasPrefix(leader.URL(), "https://127.0.0.1:") {
		t.Fatal(leader.URL())
	}
	f.moved = &worker.MovedError{URL: leader.URL()}
	follower := serve(t, options(w), f)
	if r := send(t, follower.Addresses()[1], raw("PUT", "/connectors/c/config", sinkConfig)); r.status != 201 || r.header.Get("Location") != "http://connect.example:8083/connectors/c" {
		t.Errorf("forwarded over TLS: %d %v %s", r.status, r.header, r.body)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{{Certificate: [][]byte{ca.Raw}, PrivateKey: key}}}}}
	defer client.CloseIdleConnections()
	res, err := client.Post(leader.URL()+"connectors", "application/json", strings.NewReader(`{"name":"d","config":`+sinkConfig+`}`))
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if res.StatusCode != 201 || res.Header.Get("Location") != leader.URL()+"connectors/d" {
		t.Errorf("%s %v %s", res.Status, res.Header, b)
	}
	stranger := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer stranger.CloseIdleConnections()
	if res, err := stranger.Get(leader.URL()); err == nil {
		res.Body.Close()
		t.Error("a client without a certificate was let in")
	}
}

func TestListenerSettings(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct {
		props connect.Props
		want  string
	}{
		{connect.Props{"listeners": "127.0.0.1:8083"}, "Listener doesn't have the right format (protocol://hostname:port)."},
		{connect.Props{"listeners": "ftp://127.0.0.1:0"}, `Listener protocol must be either "http" or "https".`},
		{connect.Props{"listeners": "http://127.0.0.1:70000"}, "70000 is no port"},
		{connect.Props{"listeners": "https://127.0.0.1:0"}, `Missing required configuration "ssl.keystore.location"`},
		{connect.Props{"listeners": "http://" + taken.Addr().String()}, "the listener http://" + taken.Addr().String() + " of listeners cannot be opened"},
		{connect.Props{"admin.listeners": "x"}, "Invalid value x for configuration admin.listeners"},
		{connect.Props{"rest.advertised.listener": "https"}, "listeners has no https listener"},
		{connect.Props{"access.control.allow.origin": "("}, "is not a pattern for an origin"},
	} {
		s, err := New(options(settings(t, c.props)))
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, not %q", c.props, err, c.want)
		}
	}
}

func TestAdvertised(t *testing.T) {
	for _, c := range []struct {
		props   connect.Props
		url, id string // PORT stands for that of the listener
	}{
		{nil, "http://127.0.0.1:PORT/", "127.0.0.1:PORT"},
		{connect.Props{"rest.advertised.host.name": "gw-7", "rest.advertised.port": "80"}, "http://gw-7:80/", "gw-7:80"},
		{connect.Props{"rest.advertised.host.name": "gw-7"}, "http://gw-7:PORT/", "gw-7:PORT"},
		{connect.Props{"rest.advertised.listener": "https", "rest.advertised.port": "443"}, "https://" + localAddress() + ":443/", localAddress() + ":443"},
		{connect.Props{"listeners": "HTTP://localhost:0"}, "http://localhost:PORT/", "localhost:PORT"},
		{connect.Props{"listeners": "http://0.0.0.0:0"}, "http://" + localAddress() + ":PORT/", localAddress() + ":PORT"},
		{connect.Props{"listeners": "http://:0"}, "http://" + localAddress() + ":PORT/", localAddress() + ":PORT"},
		{connect.Props{"listeners": "http://[::1]:0"}, "http://[::1]:PORT/", "[::1]:PORT"},
	} {
		s, err := New(options(settings(t, c.props)))
		if err != nil {
			if c.props["listeners"] == "http://[::1]:0" {
				continue // a machine without IPv6
			}
			t.Errorf("%v: %v", c.props, err)
			continue
		}
		_, port, _ := net.SplitHostPort(s.Addresses()[0].String())
		in := func(s string) string { return strings.ReplaceAll(s, "PORT", port) }
		if s.URL() != in(c.url) || s.WorkerID() != in(c.id) {
			t.Errorf("%v: %s %s, not %s %s", c.props, s.URL(), s.WorkerID(), in(c.url), in(c.id))
		}
		s.Close()
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// certificate makes a certificate for 127.0.0.1 that signs itself, and writes
// ca.pem and, with its key, both.pem.
func certificate(t *testing.T, dir string) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	write(t, filepath.Join(dir, "ca.pem"), cert)
	write(t, filepath.Join(dir, "both.pem"), cert+string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return parsed, key
}
