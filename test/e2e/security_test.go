package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// certificate makes a certificate of a server on this machine, which is its own
// authority, and returns the files that the server and its clients read.
func certificate(t testing.TB, dir string) (server, trust string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	server, trust = filepath.Join(dir, "server.pem"), filepath.Join(dir, "trust.pem")
	must(t, os.WriteFile(server, append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), chain...), 0o600))
	must(t, os.WriteFile(trust, chain, 0o600))
	return server, trust
}

// TestSecuredBroker runs workers of both modes on a broker that wants TLS and a
// password, with the settings that Java's worker needs.
func TestSecuredBroker(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, trust := certificate(t, dir)
	ports := freePorts(t, 3)
	plain, secured, controller := ports[0], ports[1], ports[2]
	b := ownAt(t, plain,
		fmt.Sprintf("listeners=PLAINTEXT://127.0.0.1:%d,SECURED://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d", plain, secured, controller),
		fmt.Sprintf("advertised.listeners=PLAINTEXT://127.0.0.1:%d,SECURED://127.0.0.1:%d", plain, secured),
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SECURED:SASL_SSL,CONTROLLER:PLAINTEXT",
		"inter.broker.listener.name=PLAINTEXT", fmt.Sprintf("controller.quorum.voters=1@127.0.0.1:%d", controller),
		"ssl.keystore.type=PEM", "ssl.keystore.location="+server,
		"listener.name.secured.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512",
		`listener.name.secured.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_worker="p w\\"d";`,
		"listener.name.secured.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;")
	changed, err := b.admin.AlterUserSCRAMs(t.Context(), nil, []kadm.UpsertSCRAM{{User: "worker", Mechanism: kadm.ScramSha512, Iterations: 4096, Password: "scr4m-s3cret"}})
	must(t, err)
	must(t, changed.Error())
	store := filepath.Join(dir, "trust.p12")
	if out, err := exec.CommandContext(t.Context(), "keytool", "-importcert", "-noprompt", "-alias", "ca", "-file", trust,
		"-keystore", store, "-storetype", "PKCS12", "-storepass", "changeit").CombinedOutput(); err != nil {
		t.Fatalf("keytool: %v\n%s", err, out)
	}
	for _, c := range []struct {
		name, secret string
		security     props
	}{
		{"plain, pem", `p w"d`, props{
			"sasl.mechanism": "PLAIN", "ssl.truststore.type": "PEM", "ssl.truststore.location": trust,
			"sasl.jaas.config": `org.apache.kafka.common.security.plain.PlainLoginModule required username="worker" password="p w\"d";`,
		}},
		{"scram, pkcs12", "scr4m-s3cret", props{
			"sasl.mechanism": "SCRAM-SHA-512", "ssl.truststore.type": "PKCS12", "ssl.truststore.location": store, "ssl.truststore.password": "changeit",
			"sasl.jaas.config": `org.apache.kafka.common.security.scram.ScramLoginModule required username="worker" password="scr4m-s3cret";`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := fmt.Sprintf("127.0.0.1:%d", secured)
			settings := props{"security.protocol": "SASL_SSL"}.with(pairs(c.security)...)
			for k, v := range settings.with() { // as in Java, the clients of connectors have settings of their own
				for _, client := range []string{"producer.", "consumer.", "admin."} {
					settings[client+k] = v
				}
			}
			cl := newCluster(t, at, pairs(settings)...)
			cl.add()
			cl.add()
			f := newFlow(t, b.kafka, cl.workers[0], "s", 2, 2, pace)
			f.through(t)
			for _, w := range cl.workers {
				if code := w.stop(); code != 143 {
					t.Errorf("exit code %d, want 143", code)
				}
				w.start()
				w.ready()
				f.through(t)
			}
			f.stop()
			if more := twice(f.through(t)); more != nil {
				t.Errorf("came twice: %v", more)
			}
			for _, w := range cl.workers {
				if strings.Contains(w.printed(), c.secret) {
					t.Errorf("the password is in the log of %s", w.id())
				}
			}
			in, out := filepath.Join(t.TempDir(), "in"), filepath.Join(t.TempDir(), "out")
			topic := b.topic(unique("alone"), 1)
			appendTo(t, in, "one\n")
			w := standalone(t, &kafka{TB: t, at: at}, settings, fileSource(in, topic, "name", unique("src")), fileSink(out, topic, "name", unique("snk")))
			w.start()
			w.ready()
			until(t, "the line passes through a standalone worker", func() string {
				if got := linesOf(t, out); len(got) != 1 {
					return fmt.Sprint(got)
				}
				return ""
			})
		})
	}
	t.Run("wrong password", func(t *testing.T) {
		w := newCluster(t, fmt.Sprintf("127.0.0.1:%d", secured), "security.protocol", "SASL_SSL", "sasl.mechanism", "PLAIN",
			"ssl.truststore.type", "PEM", "ssl.truststore.location", trust,
			"sasl.jaas.config", `org.apache.kafka.common.security.plain.PlainLoginModule required username="worker" password="wr0ng-one";`).prepare()
		code, out := run(t, nil, w.args...)
		if code != 1 || !strings.Contains(out, "security properties") || strings.Contains(out, "wr0ng-one") {
			t.Errorf("exit code %d:\n%s", code, out)
		}
	})
	t.Run("not trusted", func(t *testing.T) {
		w := newCluster(t, fmt.Sprintf("127.0.0.1:%d", secured), "security.protocol", "SASL_SSL", "sasl.mechanism", "PLAIN",
			"sasl.jaas.config", `org.apache.kafka.common.security.plain.PlainLoginModule required username="worker" password="p w\"d";`).prepare()
		w.start()
		until(t, "the log says that the certificate is not trusted", func() string {
			if log := w.printed(); !strings.Contains(log, "certificate signed by unknown authority") {
				return log
			}
			return ""
		})
		w.stop()
	})
}

// TestSecuredREST serves the REST API over TLS, to users and between workers.
func TestSecuredREST(t *testing.T) {
	t.Parallel()
	k := shared(t)
	dir := t.TempDir()
	server, trust := certificate(t, dir)
	roots := x509.NewCertPool()
	b, err := os.ReadFile(trust)
	must(t, err)
	roots.AppendCertsFromPEM(b)
	c := newCluster(t, k.at, "ssl.keystore.type", "PEM", "ssl.keystore.location", server, "ssl.truststore.type", "PEM", "ssl.truststore.location", trust,
		"security.protocol", "PLAINTEXT", "rest.advertised.listener", "https")
	for range 2 {
		w := c.prepare()
		secure := strings.Replace(w.base, "http://", "https://", 1)
		w.args = append(w.args, "--set", "listeners="+secure)
		w.base, w.tls = secure, &tls.Config{RootCAs: roots}
		w.start()
		w.ready()
	}
	f := newFlow(t, k, other(c, leader(c)), "t", 2, 2, pace) // what the follower gets it forwards
	f.stop()
	f.through(t)
	spread(c.workers[0], 2, f.source, f.sink)
}
