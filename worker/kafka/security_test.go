package kafka

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/millwright-connect/millwright/connectors/connect"
)

func file(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// tlsBroker is a broker that wants one of the clients of testdata.
func tlsBroker(t *testing.T) string {
	t.Helper()
	own, err := jksIdentity([]byte(file(t, "broker.jks")), "storepass", "keypass12")
	if err != nil {
		t.Fatal(err)
	}
	jks, err := jksIdentity([]byte(file(t, "client.jks")), "storepass", "keypass12")
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AddCert(jks.Leaf)
	clients.AppendCertsFromPEM([]byte(file(t, "client.pem")))
	return broker(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{*own}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients}))
}

func broker(t *testing.T, opts ...kfake.Opt) string {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.ClusterID("cluster-1")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.ListenAddrs()[0]
}

// reach asks a broker for its cluster's id.
func reach(t *testing.T, addr string, pairs ...string) error {
	t.Helper()
	p := with(pairs...)
	p["bootstrap.servers"] = addr
	c, unsupported, err := OpenCluster(p, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, u := range unsupported {
		t.Errorf("%s: %s", u.Key, u.Reason)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	id, err := c.clusterID(ctx)
	if err == nil && id != "cluster-1" {
		t.Errorf("cluster %s", id)
	}
	return err
}

func TestStores(t *testing.T) {
	addr := tlsBroker(t)
	folded := strings.ReplaceAll(strings.TrimSpace(file(t, "broker.pem")), "\n", " ")
	trusts := map[string][]string{
		"jks":             {"ssl.truststore.location", "testdata/trust.jks", "ssl.truststore.password", "storepass"},
		"jks unchecked":   {"ssl.truststore.location", "testdata/trust.jks"},
		"p12":             {"ssl.truststore.location", "testdata/trust.p12", "ssl.truststore.password", "storepass", "ssl.truststore.type", "PKCS12"},
		"p12 called jks":  {"ssl.truststore.location", "testdata/trust.p12", "ssl.truststore.password", "storepass"},
		"pem file":        {"ssl.truststore.location", "testdata/broker.pem", "ssl.truststore.type", "PEM"},
		"pem":             {"ssl.truststore.certificates", file(t, "broker.pem"), "ssl.truststore.type", "PEM"},
		"pem in one line": {"ssl.truststore.certificates", folded, "ssl.truststore.type", "PEM"},
		"pem escaped":     {"ssl.truststore.certificates", strings.ReplaceAll(file(t, "broker.pem"), "\n", `\n`), "ssl.truststore.type", "PEM"},
		"no host name":    {"ssl.truststore.location", "testdata/trust.jks", "ssl.endpoint.identification.algorithm", ""},
		"key entry":       {"ssl.truststore.location", "testdata/broker.jks", "ssl.truststore.password", "storepass"},
	}
	keys := map[string][]string{
		"p12":      {"ssl.keystore.location", "testdata/client.p12", "ssl.keystore.password", "storepass", "ssl.keystore.type", "PKCS12", "ssl.key.password", "storepass"},
		"jks":      {"ssl.keystore.location", "testdata/client.jks", "ssl.keystore.password", "storepass", "ssl.key.password", "keypass12"},
		"pem aes":  {"ssl.keystore.type", "PEM", "ssl.keystore.certificate.chain", file(t, "client.pem"), "ssl.keystore.key", file(t, "client-enc.key"), "ssl.key.password", "keypass12"},
		"pem des3": {"ssl.keystore.type", "PEM", "ssl.keystore.certificate.chain", file(t, "client.pem"), "ssl.keystore.key", file(t, "client-des3.key"), "ssl.key.password", "keypass12"},
	}
	try := func(name string, pairs ...[]string) {
		t.Run(name, func(t *testing.T) {
			all := []string{"security.protocol", "SSL"}
			for _, p := range pairs {
				all = append(all, p...)
			}
			if err := reach(t, addr, all...); err != nil {
				t.Error(err)
			}
		})
	}
	for name, p := range trusts {
		try("trust "+name, p, keys["jks"])
	}
	for name, p := range keys {
		try("key "+name, trusts["jks"], p)
	}
	try("versions and suites", trusts["jks"], keys["jks"], []string{
		"ssl.enabled.protocols", "TLSv1.2", "ssl.protocol", "TLSv1.2",
		"ssl.cipher.suites", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
	})
}

func TestStoresRefused(t *testing.T) {
	const secret = "hunter2!"
	for _, c := range []struct {
		name, want string
		pairs      []string
	}{
		{"jks password", "Failed to load SSL keystore testdata/trust.jks of type JKS: keystore password was incorrect", []string{"ssl.truststore.location", "testdata/trust.jks", "ssl.truststore.password", secret}},
		{"p12 password", "Failed to load SSL keystore testdata/trust.p12 of type PKCS12: keystore password was incorrect (ssl.truststore.password)", []string{"ssl.truststore.location", "testdata/trust.p12", "ssl.truststore.type", "PKCS12", "ssl.truststore.password", secret}},
		{"key password", "Failed to load SSL keystore testdata/client.jks of type JKS: entry clientjks: the key cannot be recovered; is ssl.key.password right?", []string{"ssl.keystore.location", "testdata/client.jks", "ssl.keystore.password", "storepass"}},
		{"pem key password", "Failed to load PEM SSL key: the key cannot be decrypted; is ssl.key.password right?", []string{"ssl.keystore.type", "PEM", "ssl.keystore.certificate.chain", file(t, "client.pem"), "ssl.keystore.key", file(t, "client-enc.key"), "ssl.key.password", secret}},
		{"no file", "Failed to load SSL keystore nowhere of type JKS: no such file nowhere", []string{"ssl.truststore.location", "nowhere"}},
		{"type", "Failed to load SSL keystore x of type BKS: BKS not found; the types are PEM, PKCS12 and JKS", []string{"ssl.truststore.location", "x", "ssl.truststore.type", "BKS"}},
		{"other key", "The private key does not belong to the first certificate of the chain", []string{"ssl.keystore.type", "PEM", "ssl.keystore.certificate.chain", file(t, "broker.pem"), "ssl.keystore.key", file(t, "client-enc.key"), "ssl.key.password", "keypass12"}},
		{"protocol", "Invalid value TLSv9 for configuration ssl.enabled.protocols: TLSv9 is not supported; TLSv1.2 and TLSv1.3 are", []string{"ssl.enabled.protocols", "TLSv9"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := Options(with(append([]string{"security.protocol", "SSL"}, c.pairs...)...), Producer, nil)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), secret) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

// A broker that is not the one of its certificate, and one that is not trusted.
func TestBrokerIsChecked(t *testing.T) {
	addr := tlsBroker(t)
	key := []string{"security.protocol", "SSL", "ssl.keystore.location", "testdata/client.jks", "ssl.keystore.password", "storepass", "ssl.key.password", "keypass12", "retries", "0"}
	var unknown x509.UnknownAuthorityError
	for _, identification := range []string{"https", ""} {
		err := reach(t, addr, append(key, "ssl.truststore.type", "PEM", "ssl.truststore.certificates", file(t, "client.pem"), "ssl.endpoint.identification.algorithm", identification)...)
		if !errors.As(err, &unknown) {
			t.Errorf("identification %q: %v", identification, err)
		}
	}
}

// TestNamesOfBrokers: a certificate without alternative names is its common
// name's, as Java has it, and no other's.
func TestNamesOfBrokers(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, host string // how the certificate and the client call the broker
		dns        []string
		ips        []net.IP
		strict     bool
		ok         bool
	}{
		{"localhost", "localhost", nil, nil, true, true},
		{"other", "localhost", nil, nil, true, false},
		{"other", "localhost", nil, nil, false, true},
		{"localhost", "localhost", []string{"other"}, nil, true, false},
		{"other", "localhost", []string{"localhost"}, nil, true, true},
		{"127.0.0.1", "127.0.0.1", nil, nil, true, false},
		{"other", "127.0.0.1", nil, []net.IP{net.IPv4(127, 0, 0, 1)}, true, true},
	} {
		cert := x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: c.name}, DNSNames: c.dns, IPAddresses: c.ips, NotAfter: time.Now().Add(time.Hour),
			IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}
		der, err := x509.CreateCertificate(rand.Reader, &cert, &cert, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		addr := broker(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}))
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			t.Fatal(err)
		}
		s := security{identification: "https", sslProtocol: "TLSv1.3"}
		if !c.strict {
			s.identification = ""
		}
		s.truststore.kind = "PEM"
		s.truststore.certs = connect.Secret(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
		conf, err := s.tls()
		if err != nil {
			t.Fatal(err)
		}
		conn, err := dialTLS(conf, time.Minute, c.strict)(t.Context(), "tcp", net.JoinHostPort(c.host, port))
		if (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
		if err == nil {
			conn.Close()
		}
	}
}

func TestSASL(t *testing.T) {
	addr := broker(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "hunter2"), kfake.Superuser("SCRAM-SHA-256", "u", "hunter2"), kfake.Superuser("SCRAM-SHA-512", "u", "hunter2"))
	scramJAAS := strings.Replace(plainJAAS, "plain.Plain", "scram.Scram", 1)
	for mechanism, jaas := range map[string]string{"PLAIN": plainJAAS, "SCRAM-SHA-256": scramJAAS, "SCRAM-SHA-512": scramJAAS} {
		if err := reach(t, addr, "security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", mechanism, "sasl.jaas.config", jaas); err != nil {
			t.Errorf("%s: %v", mechanism, err)
		}
	}
}

func TestOAuth(t *testing.T) {
	asked := 0
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		id, secret, _ := r.BasicAuth()
		if id != "id" || secret != "hunter2" || r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "kafka" {
			http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"access_token":"tok","expires_in":3600}`))
	}))
	defer endpoint.Close()
	tokenFile := t.TempDir() + "/token"
	if err := os.WriteFile(tokenFile, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	said := func(t *testing.T, pairs ...string) (string, error) {
		s, err := Read(with(append([]string{"security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "OAUTHBEARER"}, pairs...)...), Admin)
		if err != nil {
			return "", err
		}
		m, err := s.security.sasl()
		if err != nil {
			return "", err
		}
		_, first, err := m.Authenticate(t.Context(), "")
		return string(first), err
	}
	module := oauthModule + " required "
	for _, c := range []struct {
		name, want string
		pairs      []string
	}{
		{"endpoint", "n,,\x01auth=Bearer tok\x01x=y\x01\x01", []string{"sasl.oauthbearer.token.endpoint.url", endpoint.URL, "sasl.jaas.config", module + `clientId="id" clientSecret="hunter2" scope="kafka" extension_x="y";`}},
		{"properties only", "auth=Bearer tok\x01", []string{"sasl.oauthbearer.token.endpoint.url", endpoint.URL, "sasl.oauthbearer.client.credentials.client.id", "id", "sasl.oauthbearer.client.credentials.client.secret", "hunter2", "sasl.oauthbearer.scope", "kafka"}},
		{"strimzi", "auth=Bearer tok\x01", []string{"sasl.login.callback.handler.class", "io.strimzi.kafka.oauth.client.JaasClientOauthLoginCallbackHandler", "sasl.jaas.config", module + `oauth.client.id="id" oauth.client.secret="hunter2" oauth.scope="kafka" oauth.token.endpoint.uri="` + endpoint.URL + `";`}},
		{"strimzi token", "auth=Bearer fix\x01", []string{"sasl.jaas.config", module + `oauth.access.token="fix";`}},
		{"file", "auth=Bearer from-file\x01", []string{"sasl.oauthbearer.token.endpoint.url", "file://" + tokenFile, "sasl.jaas.config", module + ";"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := said(t, c.pairs...)
			if err != nil || !strings.Contains(got, c.want) {
				t.Errorf("said %q, error %v", got, err)
			}
		})
	}
	if _, err := said(t, "sasl.oauthbearer.token.endpoint.url", endpoint.URL, "sasl.jaas.config", module+`clientId="id" clientSecret="hunter3";`); err == nil || !strings.Contains(err.Error(), "401 Unauthorized invalid_client") || strings.Contains(err.Error(), "hunter3") {
		t.Errorf("refusal: %v", err)
	}
	got, err := said(t, "sasl.jaas.config", module+`unsecuredLoginStringClaim_sub="me";`)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := base64.RawURLEncoding.DecodeString(strings.Split(got, ".")[1])
	var body struct{ Sub string }
	if err != nil || json.Unmarshal(claims, &body) != nil || body.Sub != "me" {
		t.Errorf("unsecured %s: %v", claims, err)
	}
	before := asked
	s, _ := Read(with("security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "OAUTHBEARER", "sasl.oauthbearer.token.endpoint.url", endpoint.URL, "sasl.jaas.config", module+`clientId="id" clientSecret="hunter2" scope="kafka";`), Admin)
	m, err := s.security.sasl()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, _, err := m.Authenticate(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	if asked != before+1 {
		t.Errorf("asked %d times for a token that lasts an hour", asked-before)
	}
}

func TestRefusedMechanisms(t *testing.T) {
	for mechanism, want := range map[string]string{
		"":       "Invalid value GSSAPI for configuration sasl.mechanism: Kerberos is not supported",
		"GSSAPI": "Invalid value GSSAPI for configuration sasl.mechanism: Kerberos is not supported",
		"X":      "Invalid value X for configuration sasl.mechanism: the supported mechanisms are PLAIN,",
		"PLAIN":  "Could not find a 'KafkaClient' entry in the JAAS configuration",
	} {
		p := with("security.protocol", "SASL_SSL")
		if mechanism != "" {
			p["sasl.mechanism"] = mechanism
		}
		if _, _, err := Options(p, Admin, nil); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", mechanism, err)
		}
	}
}

func FuzzJAAS(f *testing.F) {
	for _, s := range []string{plainJAAS, "", `a required b='c' /* d */ e="\"f"; // g`, `a required b=;`, "a required /*", `a required b="`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := parseJAAS(s)
		if err == nil && (l.module == "" || !strings.Contains(s, ";")) {
			t.Errorf("%q is taken as %v", s, l)
		}
	})
}

func FuzzKeyFiles(f *testing.F) {
	for _, name := range []string{"trust.jks", "client.jks"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = jksUnchecked(b)
		_, _ = decryptPKCS8(b, []byte("x"))
		_ = unfold(string(b))
	})
}
