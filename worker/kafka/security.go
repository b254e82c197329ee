package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Java's names of the exceptions that wrong security settings raise.
const (
	kafkaException       = "org.apache.kafka.common.KafkaException"
	invalidConfiguration = "org.apache.kafka.common.errors.InvalidConfigurationException"
	illegalArgument      = "java.lang.IllegalArgumentException"
)

// security holds the ssl. and sasl. properties.
type security struct {
	protocol string

	sslProtocol, identification string
	enabled, ciphers            []string
	keystore, truststore        store
	keyPassword                 connect.Secret

	mechanism, loginHandler string
	jaas                    connect.Secret
	oauth                   oauthProps

	unsupported []Unsupported
}

// store is a key store or a trust store: a file, or PEM text.
type store struct {
	what           string // keystore or truststore
	kind, location string
	password       connect.Secret
	certs, key     connect.Secret // PEM; a trust store has certs only
}

func (s *security) define(d *connect.ConfigDef) {
	d.String(&s.protocol, "security.protocol").Default("PLAINTEXT").
		Check(anyCase("SASL_SSL", "PLAINTEXT", "SSL", "SASL_PLAINTEXT"))

	d.String(&s.sslProtocol, "ssl.protocol").Default("TLSv1.3")
	d.List(&s.enabled, "ssl.enabled.protocols").Default([]string{"TLSv1.2", "TLSv1.3"})
	d.List(&s.ciphers, "ssl.cipher.suites").Default(nil)
	d.String(&s.identification, "ssl.endpoint.identification.algorithm").Default("https")
	s.keystore.what, s.truststore.what = "key", "trust"
	d.String(&s.keystore.kind, "ssl.keystore.type").Default("JKS")
	d.String(&s.keystore.location, "ssl.keystore.location").Default("")
	d.Password(&s.keystore.password, "ssl.keystore.password").Default("")
	d.Password(&s.keystore.certs, "ssl.keystore.certificate.chain").Default("")
	d.Password(&s.keystore.key, "ssl.keystore.key").Default("")
	d.Password(&s.keyPassword, "ssl.key.password").Default("")
	d.String(&s.truststore.kind, "ssl.truststore.type").Default("JKS")
	d.String(&s.truststore.location, "ssl.truststore.location").Default("")
	d.Password(&s.truststore.password, "ssl.truststore.password").Default("")
	d.Password(&s.truststore.certs, "ssl.truststore.certificates").Default("")

	d.String(&s.mechanism, "sasl.mechanism").Default("GSSAPI")
	d.Password(&s.jaas, "sasl.jaas.config").OrNone()
	d.Class(&s.loginHandler, "sasl.login.callback.handler.class").Default("")
	s.oauth.define(d)
}

func anyCase(allowed ...string) connect.Check[string] {
	return connect.Check[string]{Text: "(case insensitive) [" + strings.Join(allowed, ", ") + "]", Valid: func(v string) error {
		if slices.ContainsFunc(allowed, func(a string) bool { return strings.EqualFold(a, v) }) {
			return nil
		}
		return fmt.Errorf("String must be one of (case insensitive): %s", strings.Join(allowed, ", "))
	}}
}

func (s *security) check() error {
	s.protocol = strings.ToUpper(s.protocol)
	return nil
}

func (s *security) opts(timeout time.Duration) ([]kgo.Opt, error) {
	var opts []kgo.Opt
	s.unsupported = nil
	if strings.HasSuffix(s.protocol, "SSL") {
		c, err := s.tls()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.Dialer(dialTLS(c, timeout, s.identification != "")))
	}
	if strings.HasPrefix(s.protocol, "SASL") {
		m, err := s.sasl()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.SASL(m))
	}
	return opts, nil
}

var tlsVersions = map[string]uint16{"TLSV1": tls.VersionTLS10, "TLSV1.0": tls.VersionTLS10, "TLSV1.1": tls.VersionTLS11, "TLSV1.2": tls.VersionTLS12, "TLSV1.3": tls.VersionTLS13}

func (s *security) tls() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	var versions []uint16
	for _, name := range s.enabled {
		v, ok := tlsVersions[strings.ToUpper(name)]
		if !ok {
			return nil, connect.ConfigErrorf("Invalid value %s for configuration ssl.enabled.protocols: %s is not supported; TLSv1.2 and TLSv1.3 are", strings.Join(s.enabled, ","), name)
		}
		versions = append(versions, v)
	}
	switch v, ok := tlsVersions[strings.ToUpper(s.sslProtocol)]; {
	case strings.EqualFold(s.sslProtocol, "TLS"):
	case !ok:
		return nil, connect.Errorf(kafkaException, "java.security.NoSuchAlgorithmException: %s SSLContext not available", s.sslProtocol)
	case len(versions) == 0:
		versions = append(versions, v, tls.VersionTLS12)
	}
	if len(versions) > 0 {
		c.MinVersion, c.MaxVersion = slices.Min(versions), slices.Max(versions)
	}
	if err := s.cipherSuites(c); err != nil {
		return nil, err
	}
	roots, err := s.truststore.roots()
	if err != nil {
		return nil, err
	}
	c.RootCAs = roots
	cert, err := s.keystore.identity(s.keyPassword)
	if err != nil {
		return nil, err
	}
	if cert != nil {
		// The certificate is sent whatever authorities the broker names, as
		// long as its kind of key will do: brokers' lists are often incomplete.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	}
	c.InsecureSkipVerify = true // the chain is verified below, the host's name by dialTLS
	c.VerifyConnection = func(cs tls.ConnectionState) error { return verifyChain(cs, roots) }
	return c, nil
}

// dialTLS connects to brokers; named says that their certificates are to be
// theirs by name. Go's own check of a host's name takes no
// certificate that has the name as its common name alone, as plants' own
// authorities often make them; Java does.
func dialTLS(c *tls.Config, timeout time.Duration, named bool) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		own := c.Clone()
		own.ServerName = host
		if chain := c.VerifyConnection; named {
			own.VerifyConnection = func(cs tls.ConnectionState) error {
				if err := chain(cs); err != nil {
					return err
				}
				return verifyName(cs.PeerCertificates[0], host)
			}
		}
		d := tls.Dialer{NetDialer: &net.Dialer{Timeout: timeout}, Config: own}
		return d.DialContext(ctx, network, address)
	}
}

// verifyName checks that a certificate is a host's: by its alternative names, or,
// where it has none, and for a name only, by its common name (RFC 2818, 3.1).
func verifyName(c *x509.Certificate, host string) error {
	err := c.VerifyHostname(host)
	if err == nil || net.ParseIP(host) != nil || len(c.DNSNames)+len(c.IPAddresses)+len(c.EmailAddresses)+len(c.URIs) > 0 {
		return err
	}
	named := x509.Certificate{DNSNames: []string{c.Subject.CommonName}, Extensions: []pkix.Extension{{Id: subjectAltName}}}
	return named.VerifyHostname(host)
}

var subjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// verifyChain checks the broker's certificates without looking at its name.
func verifyChain(cs tls.ConnectionState, roots *x509.CertPool) error {
	o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, c := range cs.PeerCertificates[1:] {
		o.Intermediates.AddCert(c)
	}
	_, err := cs.PeerCertificates[0].Verify(o)
	return err
}

// cipherSuites sets the suites of TLS 1.2; those of TLS 1.3 cannot be chosen.
func (s *security) cipherSuites(c *tls.Config) error {
	known := map[string]uint16{}
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		known[suite.Name] = suite.ID
	}
	// Go has its own names for two of Java's.
	known["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"] = tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
	known["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"] = tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
	var none []string
	for _, name := range s.ciphers {
		switch id, ok := known[name]; {
		case !ok:
			none = append(none, name)
		case slices.ContainsFunc(tls.CipherSuites(), func(cs *tls.CipherSuite) bool { return cs.ID == id && cs.SupportedVersions[0] == tls.VersionTLS13 }):
		default:
			c.CipherSuites = append(c.CipherSuites, id)
		}
	}
	if len(none) > 0 && len(none) == len(s.ciphers) {
		return connect.ConfigErrorf("Invalid value %s for configuration ssl.cipher.suites: none of these cipher suites is supported", strings.Join(s.ciphers, ","))
	}
	if len(none) > 0 {
		s.unsupported = append(s.unsupported, Unsupported{"ssl.cipher.suites", "not supported and left out: " + strings.Join(none, ", ")})
	}
	return nil
}
