package registry

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	keystore "github.com/pavlo-v-chernykh/keystore-go/v4"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// tlsSettings are Java's ssl.* properties.
type tlsSettings struct {
	prefix                   string
	trust, key               store
	keyPassword              connect.Secret
	identification, protocol string
	protocols                []string
}

// A store is a trust store or a key store: a file, or PEM text in properties.
type store struct {
	location, kind         string
	password, certs, chain connect.Secret
}

func (t *tlsSettings) define(d *connect.ConfigDef, prefix string) {
	t.prefix = prefix
	kinds := connect.OneOf("JKS", "PKCS12", "PEM")
	d.String(&t.trust.location, prefix+"truststore.location").OrNone().
		Doc("The file with the certificates that the registry's certificate may be signed by; without it, those of the system.")
	d.Password(&t.trust.password, prefix+"truststore.password").OrNone().Doc("The password of that file.")
	d.String(&t.trust.kind, prefix+"truststore.type").Default("JKS").Check(kinds).Doc("The kind of that file: JKS, PKCS12 or PEM.")
	d.Password(&t.trust.certs, prefix+"truststore.certificates").OrNone().
		Doc("The certificates themselves, in PEM, in place of a file; with truststore.type=PEM.")
	d.String(&t.key.location, prefix+"keystore.location").OrNone().Doc("The file with the certificate and key to show the registry.")
	d.Password(&t.key.password, prefix+"keystore.password").OrNone().Doc("The password of that file.")
	d.String(&t.key.kind, prefix+"keystore.type").Default("JKS").Check(kinds).Doc("The kind of that file: JKS, PKCS12 or PEM.")
	d.Password(&t.key.certs, prefix+"keystore.certificate.chain").OrNone().
		Doc("The certificate with its chain, in PEM, in place of a file; with keystore.type=PEM.")
	d.Password(&t.key.chain, prefix+"keystore.key").OrNone().Doc("The private key, in PEM, in place of a file; with keystore.type=PEM.")
	d.Password(&t.keyPassword, prefix+"key.password").OrNone().Doc("The password of the key within the key store; that of the store if not set.")
	d.String(&t.identification, prefix+"endpoint.identification.algorithm").Default("https").Is(connect.Low).
		Doc("https: the registry's certificate must name its host; empty: it need not.")
	d.String(&t.protocol, prefix+"protocol").Default("TLSv1.3").Check(connect.OneOf("TLS", "TLSv1.2", "TLSv1.3")).
		Doc("The newest TLS protocol to use.")
	d.List(&t.protocols, prefix+"enabled.protocols").Default([]string{"TLSv1.2", "TLSv1.3"}).Doc("The TLS protocols that may be used.")
}

var tlsVersions = map[string]uint16{"TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}

// config returns the configuration of connections.
func (t *tlsSettings) config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS13}
	for _, p := range t.protocols {
		v, ok := tlsVersions[p]
		if !ok {
			return nil, t.wrong("enabled.protocols", p, errors.New("TLSv1.2 and TLSv1.3 are supported"))
		}
		c.MinVersion, c.MaxVersion = min(c.MinVersion, v), max(c.MaxVersion, v)
	}
	if t.protocol == "TLSv1.2" {
		c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	}
	roots, err := t.trust.roots()
	if err != nil {
		return nil, t.wrong("truststore.location", t.trust.location, err)
	}
	c.RootCAs = roots
	cert, err := t.key.identity(string(t.keyPassword))
	if err != nil {
		return nil, t.wrong("keystore.location", t.key.location, err)
	}
	if cert != nil {
		c.Certificates = []tls.Certificate{*cert}
	}
	if t.identification == "" {
		c.InsecureSkipVerify = true // the chain is verified below, the host's name is not
		c.VerifyConnection = func(s tls.ConnectionState) error {
			o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
			for _, i := range s.PeerCertificates[1:] {
				o.Intermediates.AddCert(i)
			}
			_, err := s.PeerCertificates[0].Verify(o)
			return err
		}
	}
	return c, nil
}

func (t *tlsSettings) wrong(name, value string, err error) error {
	return connect.ConfigErrorf("Invalid value %s for configuration %s%s: %w", value, t.prefix, name, err)
}

// read returns the store's bytes, nil if there is none.
func (s *store) read() ([]byte, error) {
	if s.location == "" {
		return nil, nil
	}
	return os.ReadFile(s.location)
}

func isJKS(b []byte) bool { return bytes.HasPrefix(b, []byte{0xfe, 0xed, 0xfe, 0xed}) }

func (s *store) pem() bool { return strings.EqualFold(s.kind, "PEM") }

// jks reads a JKS file; the kind is told by content, as Java does.
func (s *store) jks(b []byte) (keystore.KeyStore, error) {
	ks := keystore.New()
	if err := ks.Load(bytes.NewReader(b), []byte(s.password)); err != nil {
		return ks, fmt.Errorf("the JKS store cannot be read, is its password right? %w", err)
	}
	return ks, nil
}

func (s *store) roots() (*x509.CertPool, error) {
	b, err := s.read()
	if err != nil {
		return nil, err
	}
	if s.certs != "" {
		b = []byte(unfold(string(s.certs)))
	}
	if b == nil {
		return nil, nil
	}
	pool := x509.NewCertPool()
	switch {
	case s.pem():
		if !pool.AppendCertsFromPEM(b) {
			return nil, errors.New("it holds no certificate in PEM")
		}
		return pool, nil
	case isJKS(b):
		ks, err := s.jks(b)
		if err != nil {
			return nil, err
		}
		n := 0
		for _, alias := range ks.Aliases() {
			if e, err := ks.GetTrustedCertificateEntry(alias); err == nil {
				c, err := x509.ParseCertificate(e.Certificate.Content)
				if err != nil {
					return nil, err
				}
				pool.AddCert(c)
				n++
			}
		}
		if n == 0 {
			return nil, errors.New("it holds no trusted certificate")
		}
		return pool, nil
	}
	certs, err := pkcs12.DecodeTrustStore(b, string(s.password))
	if err != nil {
		return nil, fmt.Errorf("the PKCS12 store cannot be read, is its password right? %w", err)
	}
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool, nil
}

// identity returns the certificate and key of the store, nil if there is none.
func (s *store) identity(keyPassword string) (*tls.Certificate, error) {
	b, err := s.read()
	if err != nil {
		return nil, err
	}
	switch {
	case s.certs != "" || s.chain != "":
		return pair([]byte(unfold(string(s.certs))), []byte(unfold(string(s.chain))))
	case b == nil:
		return nil, nil
	case s.pem():
		return pair(b, b)
	case isJKS(b):
		ks, err := s.jks(b)
		if err != nil {
			return nil, err
		}
		if keyPassword == "" {
			keyPassword = string(s.password)
		}
		for _, alias := range ks.Aliases() {
			if !ks.IsPrivateKeyEntry(alias) {
				continue
			}
			e, err := ks.GetPrivateKeyEntry(alias, []byte(keyPassword))
			if err != nil {
				return nil, fmt.Errorf("key %s cannot be read, is its password right? %w", alias, err)
			}
			key, err := x509.ParsePKCS8PrivateKey(e.PrivateKey)
			if err != nil {
				return nil, err
			}
			cert := &tls.Certificate{PrivateKey: key}
			for _, c := range e.CertificateChain {
				cert.Certificate = append(cert.Certificate, c.Content)
			}
			return cert, nil
		}
		return nil, errors.New("it holds no private key")
	}
	key, leaf, chain, err := pkcs12.DecodeChain(b, string(s.password))
	if err != nil {
		return nil, fmt.Errorf("the PKCS12 store cannot be read, is its password right? %w", err)
	}
	cert := &tls.Certificate{PrivateKey: key, Certificate: [][]byte{leaf.Raw}}
	for _, c := range chain {
		cert.Certificate = append(cert.Certificate, c.Raw)
	}
	return cert, nil
}

func pair(certs, key []byte) (*tls.Certificate, error) {
	c, err := tls.X509KeyPair(certs, key)
	if err != nil {
		if block, _ := pem.Decode(key); block != nil && block.Type == "ENCRYPTED PRIVATE KEY" {
			return nil, errors.New("its private key is encrypted; give it in a PKCS12 store or unencrypted")
		}
		return nil, err
	}
	return &c, nil
}

// unfold restores the line ends of a PEM text that stands on one line, as
// properties files need it.
func unfold(s string) string {
	if strings.Contains(strings.TrimSpace(s), "\n") {
		return s
	}
	var b strings.Builder
	for s = strings.TrimSpace(s); s != ""; {
		begin := strings.Index(s, "-----BEGIN ")
		if begin < 0 {
			break
		}
		head, rest, ok := strings.Cut(s[begin+len("-----BEGIN "):], "-----")
		body, tail, found := strings.Cut(rest, "-----END "+head+"-----")
		if !ok || !found {
			break
		}
		fmt.Fprintf(&b, "-----BEGIN %s-----\n%s\n-----END %s-----\n", head, strings.Join(strings.Fields(body), "\n"), head)
		s = tail
	}
	return b.String()
}
