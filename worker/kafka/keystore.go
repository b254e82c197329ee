package kafka

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	keystore "github.com/pavlo-v-chernykh/keystore-go/v4"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// roots returns the trusted certificates; nil: those of the system, as Java
// takes its own when no trust store is given.
func (s *store) roots() (*x509.CertPool, error) {
	certs, err := s.trusted()
	if err != nil || certs == nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool, nil
}

func (s *store) trusted() ([]*x509.Certificate, error) {
	if s.certs != "" {
		switch {
		case !s.pem():
			return nil, connect.Errorf(invalidConfiguration, "SSL trust store certs can be specified only for PEM, but trust store type is %s.", s.kind)
		case s.location != "":
			return nil, connect.Errorf(invalidConfiguration, "Both SSL trust store location and separate trust certificates are specified.")
		}
		return certificates([]byte(unfold(string(s.certs))))
	}
	if s.location == "" {
		return nil, nil
	}
	b, err := s.read()
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	switch {
	case s.pem():
		if s.password != "" {
			return nil, connect.Errorf(invalidConfiguration, "SSL trust store password cannot be specified for PEM format.")
		}
		return certificates(b)
	case isJKS(b):
		certs, err = jksTrusted(b, string(s.password))
	default:
		certs, err = pkcs12.DecodeTrustStore(b, string(s.password))
		if err != nil {
			// Java trusts the head of a key entry's chain too.
			if _, leaf, _, e := pkcs12.DecodeChain(b, string(s.password)); e == nil {
				certs, err = []*x509.Certificate{leaf}, nil
			}
		}
	}
	if err == nil && len(certs) == 0 {
		err = errors.New("it holds no trusted certificate")
	}
	return certs, s.failed(err)
}

// identity returns the client's certificate and key; nil if there is none.
func (s *store) identity(keyPassword connect.Secret) (*tls.Certificate, error) {
	if s.key != "" || s.certs != "" {
		switch {
		case !s.pem():
			return nil, connect.Errorf(invalidConfiguration, "SSL certificate chain and private key can be specified only for PEM, but key store type is %s.", s.kind)
		case s.certs == "":
			return nil, connect.Errorf(invalidConfiguration, "SSL private key is specified, but certificate chain is not specified.")
		case s.key == "":
			return nil, connect.Errorf(invalidConfiguration, "SSL certificate chain is specified, but private key is not specified")
		case s.location != "":
			return nil, connect.Errorf(invalidConfiguration, "Both SSL key store location and separate private key are specified.")
		}
		return pemIdentity([]byte(unfold(string(s.certs))), []byte(unfold(string(s.key))), string(keyPassword))
	}
	if s.location == "" {
		return nil, nil
	}
	if s.password == "" && !s.pem() {
		return nil, connect.Errorf(invalidConfiguration, "SSL key store is specified, but key store password is not specified.")
	}
	b, err := s.read()
	if err != nil {
		return nil, err
	}
	var cert *tls.Certificate
	switch {
	case s.pem():
		if s.password != "" {
			return nil, connect.Errorf(invalidConfiguration, "SSL key store password cannot be specified with PEM format, only key password may be specified.")
		}
		return pemIdentity(b, b, string(keyPassword))
	case isJKS(b):
		cert, err = jksIdentity(b, string(s.password), string(keyPassword))
	default:
		cert, err = pkcs12Identity(b, string(s.password))
	}
	return cert, s.failed(err)
}

func (s *store) pem() bool { return strings.EqualFold(s.kind, "PEM") }

// read reads the file; its type must be one that we know. Java tells JKS and
// PKCS12 apart by content, whatever the type says, and so do we.
func (s *store) read() ([]byte, error) {
	switch strings.ToUpper(s.kind) {
	case "JKS", "PKCS12", "PEM":
	default:
		return nil, s.failed(fmt.Errorf("%s not found; the types are PEM, PKCS12 and JKS", s.kind))
	}
	b, err := os.ReadFile(s.location)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("no such file %s: %w", s.location, fs.ErrNotExist)
	}
	return b, s.failed(err)
}

func (s *store) failed(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, pkcs12.ErrIncorrectPassword) {
		err = fmt.Errorf("keystore password was incorrect (ssl.%sstore.password)", s.what)
	}
	return connect.Errorf(kafkaException, "Failed to load SSL keystore %s of type %s: %w", s.location, s.kind, err)
}

// unfold restores the line breaks that a one-line property value lost: users
// write PEM with "\n" in JSON, or with spaces.
func unfold(s string) string {
	s = strings.ReplaceAll(s, `\n`, "\n")
	if strings.Count(s, "\n") > 1 {
		return s
	}
	var b strings.Builder
	for _, part := range strings.SplitAfter(s, "-----") {
		if strings.HasPrefix(part, "BEGIN ") || strings.HasPrefix(part, "END ") || strings.TrimSpace(part) == "-----" {
			b.WriteString(part)
			if !strings.HasSuffix(strings.TrimSpace(part), "-----") || len(strings.TrimSpace(part)) > 5 {
				b.WriteString("\n")
			}
			continue
		}
		body := strings.TrimSuffix(part, "-----")
		if body = strings.Join(strings.Fields(body), "\n"); body != "" {
			b.WriteString(body + "\n")
		}
		if strings.HasSuffix(part, "-----") {
			b.WriteString("-----")
		}
	}
	return b.String()
}

func certificates(b []byte) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		if !strings.HasSuffix(block.Type, "CERTIFICATE") {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, connect.Errorf(invalidConfiguration, "Failed to load SSL certificates: %v", err)
		}
		certs = append(certs, c)
	}
	if certs == nil {
		return nil, connect.Errorf(invalidConfiguration, "No matching CERTIFICATE entries in PEM file")
	}
	return certs, nil
}

func pemIdentity(chain, key []byte, password string) (*tls.Certificate, error) {
	certs, err := certificates(chain)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(key); block != nil; block, rest = pem.Decode(rest) {
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		k, err := privateKey(block, password)
		if err != nil {
			return nil, connect.Errorf(invalidConfiguration, "Failed to load PEM SSL key: %v", err)
		}
		return pair(k, certs)
	}
	return nil, connect.Errorf(invalidConfiguration, "No matching PRIVATE KEY entries in PEM file")
}

// privateKey parses PKCS#8, clear or encrypted, and the older PKCS#1 and SEC 1
// forms, which Java does not take.
func privateKey(block *pem.Block, password string) (crypto.PrivateKey, error) {
	switch block.Type {
	case "RSA PRIVATE KEY", "EC PRIVATE KEY":
		if block.Headers["DEK-Info"] != "" {
			return nil, errors.New("keys in the old encrypted PEM form are not supported; convert with openssl pkcs8 -topk8")
		}
		if block.Type[0] == 'R' {
			return x509.ParsePKCS1PrivateKey(block.Bytes)
		}
		return x509.ParseECPrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		if password == "" {
			return nil, errors.New("the key is encrypted, but ssl.key.password is not specified")
		}
		der, err := decryptPKCS8(block.Bytes, []byte(password))
		if err != nil {
			return nil, err
		}
		return x509.ParsePKCS8PrivateKey(der)
	}
	return x509.ParsePKCS8PrivateKey(block.Bytes)
}

// pair joins a key with the chain of its certificate.
func pair(key any, chain []*x509.Certificate) (*tls.Certificate, error) {
	signer, ok := key.(crypto.Signer)
	if !ok || len(chain) == 0 {
		return nil, errors.New("it holds no private key with its certificate")
	}
	own, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !own.Equal(chain[0].PublicKey) {
		return nil, connect.Errorf(invalidConfiguration, "The private key does not belong to the first certificate of the chain (%s)", chain[0].Subject)
	}
	c := &tls.Certificate{PrivateKey: key, Leaf: chain[0]}
	for _, x := range chain {
		c.Certificate = append(c.Certificate, x.Raw)
	}
	return c, nil
}

func pkcs12Identity(b []byte, password string) (*tls.Certificate, error) {
	key, leaf, ca, err := pkcs12.DecodeChain(b, password)
	if err != nil {
		return nil, err
	}
	return pair(key, append([]*x509.Certificate{leaf}, ca...))
}

const jksMagic = 0xFEEDFEED

func isJKS(b []byte) bool { return len(b) >= 4 && binary.BigEndian.Uint32(b) == jksMagic }

func loadJKS(b []byte, password string) (keystore.KeyStore, error) {
	ks := keystore.New(keystore.WithOrderedAliases())
	err := ks.Load(bytes.NewReader(b), []byte(password))
	if err != nil && strings.Contains(err.Error(), "digest") {
		err = errors.New("keystore password was incorrect")
	}
	return ks, err
}

// jksTrusted reads the trusted certificates; without a password the store's
// digest is not checked, as in Java.
func jksTrusted(b []byte, password string) ([]*x509.Certificate, error) {
	if password == "" {
		return jksUnchecked(b)
	}
	ks, err := loadJKS(b, password)
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	for _, alias := range ks.Aliases() {
		var raw []byte
		if ks.IsTrustedCertificateEntry(alias) {
			e, err := ks.GetTrustedCertificateEntry(alias)
			if err != nil {
				return nil, err
			}
			raw = e.Certificate.Content
		} else if chain, err := ks.GetPrivateKeyEntryCertificateChain(alias); err == nil && len(chain) > 0 {
			raw = chain[0].Content
		}
		c, err := x509.ParseCertificate(raw)
		if err != nil {
			return nil, fmt.Errorf("entry %s: %w", alias, err)
		}
		certs = append(certs, c)
	}
	return certs, nil
}

func jksIdentity(b []byte, password, keyPassword string) (*tls.Certificate, error) {
	ks, err := loadJKS(b, password)
	if err != nil {
		return nil, err
	}
	if keyPassword == "" {
		keyPassword = password
	}
	for _, alias := range ks.Aliases() {
		if !ks.IsPrivateKeyEntry(alias) {
			continue
		}
		e, err := ks.GetPrivateKeyEntry(alias, []byte(keyPassword))
		if err != nil {
			return nil, fmt.Errorf("entry %s: the key cannot be recovered; is ssl.key.password right?", alias)
		}
		key, err := x509.ParsePKCS8PrivateKey(e.PrivateKey)
		if err != nil {
			return nil, fmt.Errorf("entry %s: %w", alias, err)
		}
		var chain []*x509.Certificate
		for _, c := range e.CertificateChain {
			x, err := x509.ParseCertificate(c.Content)
			if err != nil {
				return nil, fmt.Errorf("entry %s: %w", alias, err)
			}
			chain = append(chain, x)
		}
		return pair(key, chain)
	}
	return nil, errors.New("it holds no private key")
}
