package registry

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	keystore "github.com/pavlo-v-chernykh/keystore-go/v4"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// TestStores reads trust stores and key stores of all kinds.
func TestStores(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "plant"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, b []byte, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const password = "changeit"
	jks := func(fill func(ks keystore.KeyStore) error) ([]byte, error) {
		ks := keystore.New()
		if err := fill(ks); err != nil {
			return nil, err
		}
		var b bytes.Buffer
		err := ks.Store(&b, []byte(password))
		return b.Bytes(), err
	}
	trustJKS, err := jks(func(ks keystore.KeyStore) error {
		return ks.SetTrustedCertificateEntry("ca", keystore.TrustedCertificateEntry{
			CreationTime: time.Unix(0, 0),
			Certificate:  keystore.Certificate{Type: "X.509", Content: der},
		})
	})
	trust := write("trust.jks", trustJKS, err)
	keyJKS, err := jks(func(ks keystore.KeyStore) error {
		return ks.SetPrivateKeyEntry("me", keystore.PrivateKeyEntry{
			CreationTime: time.Unix(0, 0), PrivateKey: pkcs8,
			CertificateChain: []keystore.Certificate{{Type: "X.509", Content: der}},
		}, []byte(password))
	})
	own := write("own.jks", keyJKS, err)
	p12, err := pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{cert}, password)
	trust12 := write("trust.p12", p12, err)
	p12, err = pkcs12.Modern.Encode(key, cert, nil, password)
	own12 := write("own.p12", p12, err)
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...)
	both := write("both.pem", text, nil)

	for name, props := range map[string]connect.Props{
		"jks":    {"truststore.location": trust, "truststore.password": password, "keystore.location": own, "keystore.password": password},
		"pkcs12": {"truststore.location": trust12, "truststore.type": "PKCS12", "truststore.password": password, "keystore.location": own12, "keystore.type": "PKCS12", "keystore.password": password},
		"pem":    {"truststore.location": both, "truststore.type": "PEM", "keystore.location": both, "keystore.type": "PEM"},
		"text": {
			"truststore.certificates": string(text), "truststore.type": "PEM", "keystore.type": "PEM",
			"keystore.certificate.chain": strings.ReplaceAll(string(text), "\n", " "), "keystore.key": string(text),
		},
	} {
		s := tlsSettings{}
		p := connect.Props{}
		for k, v := range props {
			p["x.ssl."+k] = v
		}
		if err := connect.Parse(p, prefixed{&s}); err != nil {
			t.Fatal(err)
		}
		c, err := s.config()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := cert.Verify(x509.VerifyOptions{Roots: c.RootCAs, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
			t.Errorf("%s: the trust store does not trust its certificate: %v", name, err)
		}
		if len(c.Certificates) != 1 || !bytes.Equal(c.Certificates[0].Certificate[0], der) {
			t.Errorf("%s: the key store gives %d certificates", name, len(c.Certificates))
		}
	}
	for name, s := range map[string]*store{
		"jks with a wrong password":    {location: trust, kind: "JKS", password: "wrong"},
		"pkcs12 with a wrong password": {location: trust12, kind: "PKCS12", password: "wrong"},
		"a jks without trust":          {location: own, kind: "JKS", password: password},
	} {
		if _, err := s.roots(); err == nil || strings.Contains(err.Error(), "wrong\"") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// prefixed makes settings of TLS alone configurable.
type prefixed struct{ s *tlsSettings }

func (p prefixed) Define(d *connect.ConfigDef) { p.s.define(d, "x.ssl.") }
