package opcua

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // OPC UA's thumbprints
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/millwright-connect/millwright/connectors/connect"
)

const (
	defaultURI           = "urn:millwright:opcua:client"
	howToMakeCertificate = "to make both: openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=millwright " +
		"-addext subjectAltName=URI:" + defaultURI + " -addext keyUsage=digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment,keyCertSign " +
		"-keyout key.pem -out cert.pem"
)

var policies = []struct{ name, uri string }{
	{"None", ua.SecurityPolicyURINone},
	{"Basic256Sha256", ua.SecurityPolicyURIBasic256Sha256},
	{"Aes128_Sha256_RsaOaep", ua.SecurityPolicyURIAes128Sha256RsaOaep},
	{"Aes256_Sha256_RsaPss", ua.SecurityPolicyURIAes256Sha256RsaPss},
}

func policyNames() []string {
	names := make([]string, len(policies))
	for i, p := range policies {
		names[i] = p.name
	}
	return names
}

func policyURI(name string) string {
	for _, p := range policies {
		if p.name == name {
			return p.uri
		}
	}
	return name
}

// policyName shortens a policy's URI.
func policyName(uri string) string {
	return uri[strings.LastIndexByte(uri, '#')+1:]
}

func messageMode(name string) ua.MessageSecurityMode {
	switch name {
	case signMode:
		return ua.MessageSecurityModeSign
	case encryptMode:
		return ua.MessageSecurityModeSignAndEncrypt
	}
	return ua.MessageSecurityModeNone
}

// An identity is a certificate and its key.
type identity struct {
	der  []byte
	cert *x509.Certificate
	key  *rsa.PrivateKey
}

// loadIdentity reads the files that two properties name.
func loadIdentity(certProperty, certFile, keyProperty, keyFile string) (*identity, error) {
	fail := func(property, file string, err error) (*identity, error) {
		if e := (*os.PathError)(nil); errors.As(err, &e) {
			err = e.Err
		}
		return nil, connect.ConfigErrorf("Invalid value %s for configuration %s: %w", file, property, err)
	}
	certs, err := readCertificates(certFile)
	if err != nil {
		return fail(certProperty, certFile, err)
	}
	key, err := readKey(keyFile)
	if err != nil {
		return fail(keyProperty, keyFile, err)
	}
	if !key.PublicKey.Equal(certs[0].PublicKey) {
		return fail(keyProperty, keyFile, fmt.Errorf("the key is not that of the certificate in %s", certFile))
	}
	return &identity{certs[0].Raw, certs[0], key}, nil
}

// readCertificates reads one PEM or DER file; there is at least one in it.
func readCertificates(file string) ([]*x509.Certificate, error) {
	b, err := os.ReadFile(file) //nolint:gosec // the user names it
	if err != nil {
		return nil, err
	}
	var der []byte
	if bytes.Contains(b, []byte("-----BEGIN")) {
		for {
			var block *pem.Block
			if block, b = pem.Decode(b); block == nil {
				break
			}
			if block.Type == "CERTIFICATE" {
				der = append(der, block.Bytes...)
			}
		}
	} else {
		der = b
	}
	certs, err := x509.ParseCertificates(der)
	if err == nil && len(certs) == 0 {
		err = errors.New("there is no certificate in the file; it must be PEM or DER")
	}
	return certs, err
}

// readKey reads an RSA key. The client library takes PEM of PKCS#1 only, but
// OpenSSL 3 writes PKCS#8.
func readKey(file string) (*rsa.PrivateKey, error) {
	b, err := os.ReadFile(file) //nolint:gosec // the user names it
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(b, []byte("-----BEGIN")) {
		return parseKey(b)
	}
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			return nil, errors.New("there is no private key in the file; it must be PEM or DER, PKCS#1 or PKCS#8")
		}
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
			return nil, errors.New("the key is encrypted; write it without a password: openssl pkey -in key.pem -out plain.pem, and let only the worker read the file")
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			return parseKey(block.Bytes)
		}
	}
}

func parseKey(der []byte) (*rsa.PrivateKey, error) {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("the private key cannot be read; it must be PEM or DER, PKCS#1 or PKCS#8")
	}
	if rsaKey, ok := key.(*rsa.PrivateKey); ok {
		return rsaKey, nil
	}
	return nil, errors.New("the private key is not an RSA key, which these security policies need")
}

// applicationURI returns the URI that this client goes by, which must be that
// of its certificate.
func (c *config) applicationURI(client *identity) (string, error) {
	if client == nil || len(client.cert.URIs) == 0 {
		if client != nil && c.appURI == "" {
			return "", connect.ConfigErrorf("Invalid value %s for configuration %s: the certificate has no application URI in its subjectAltName; %s", c.certFile, certProperty, howToMakeCertificate)
		}
		if c.appURI == "" {
			return defaultURI, nil
		}
		return c.appURI, nil
	}
	uri := client.cert.URIs[0].String()
	if c.appURI != "" && c.appURI != uri {
		return "", connect.ConfigErrorf("Invalid value %s for configuration %s: the certificate in %s is for %s; leave the property out or make a certificate for this URI", c.appURI, uriProperty, c.certFile, uri)
	}
	return uri, nil
}

// trust decides which server certificates are accepted.
type trust struct {
	all   bool
	pins  map[string]bool
	certs []*x509.Certificate
}

func parsePin(s string) (string, error) {
	t := strings.ToLower(strings.NewReplacer(":", "", " ", "").Replace(s))
	if b, err := hex.DecodeString(t); err != nil || len(b) != sha1.Size && len(b) != sha256.Size {
		return "", fmt.Errorf("%q is not a thumbprint: it must be the SHA-1 (40 digits) or SHA-256 (64 digits) of a certificate in hexadecimal", s)
	}
	return t, nil
}

// loadTrust reads the trust settings. It is called before each connect, so that
// files can be added and renewed.
func (c *config) loadTrust() (*trust, error) {
	t := &trust{all: c.trustAll, pins: map[string]bool{}}
	for _, s := range c.trustPins {
		pin, err := parsePin(s)
		if err != nil {
			return nil, connect.ConfigErrorf("Invalid value %s for configuration %s: %w", s, pinsProperty, err)
		}
		t.pins[pin] = true
	}
	for _, path := range c.trustFiles {
		info, err := os.Stat(path)
		files := []string{path}
		if err == nil && info.IsDir() {
			files, err = certificateFiles(path)
		}
		if err != nil {
			return nil, connect.ConfigErrorf("Invalid value %s for configuration %s: %w", path, trustProperty, err)
		}
		for _, file := range files {
			certs, err := readCertificates(file)
			if err != nil {
				return nil, connect.ConfigErrorf("Invalid value %s for configuration %s: %s: %w", path, trustProperty, file, err)
			}
			t.certs = append(t.certs, certs...)
		}
	}
	return t, nil
}

// certificateFiles lists the files of a folder that look like certificates.
func certificateFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		switch strings.ToLower(filepath.Ext(e.Name())) {
		case ".der", ".crt", ".cer", ".pem":
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files, nil
}

// given reports whether anything is said about trust.
func (t *trust) given() bool { return t.all || len(t.pins) > 0 || len(t.certs) > 0 }

// check returns nil for a certificate that is trusted. A certificate that is
// named itself, by pin or file, needs no matching host name; one that a trusted
// authority has signed does, or every machine of the plant could stand in for
// the server.
func (t *trust) check(der []byte, host, appURI string, now time.Time) error {
	if t.all {
		return nil
	}
	certs, err := x509.ParseCertificates(der)
	if err != nil || len(certs) == 0 {
		return fmt.Errorf("the server's certificate cannot be read: %w", err)
	}
	cert := certs[0]
	print1, print256 := thumbprints(cert)
	if t.pins[print1] || t.pins[print256] {
		return nil
	}
	what := fmt.Sprintf("its certificate, of %s, valid from %s to %s, SHA-1 %s, SHA-256 %s,", cert.Subject,
		cert.NotBefore.Format(time.DateOnly), cert.NotAfter.Format(time.DateOnly), print1, print256)
	if now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
		return fmt.Errorf("%s is not valid today; renew it in the server, or, to accept it as it is, add the SHA-256 to %s", what, pinsProperty)
	}
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range t.certs {
		if bytes.Equal(c.Raw, cert.Raw) {
			return nil
		}
		if c.IsCA {
			roots.AddCert(c)
		}
	}
	for _, c := range certs[1:] {
		intermediates.AddCert(c)
	}
	_, err = cert.Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return fmt.Errorf("%s is not trusted; if the thumbprint is the one that the server's own administration shows, add the SHA-256 to %s, or the certificate to a folder in %s", what, pinsProperty, trustProperty)
	}
	if err := cert.VerifyHostname(host); err != nil {
		return fmt.Errorf("%s was signed by a trusted authority, but not for %s; correct the host in %s, or add the SHA-256 to %s", what, host, endpointProperty, pinsProperty)
	}
	if len(cert.URIs) > 0 && appURI != "" && cert.URIs[0].String() != appURI {
		return fmt.Errorf("%s is for the application %s, but the server says that it is %s; add the SHA-256 to %s to accept it", what, cert.URIs[0], appURI, pinsProperty)
	}
	return nil
}

func thumbprints(cert *x509.Certificate) (print1, print256 string) {
	s1, s256 := sha1.Sum(cert.Raw), sha256.Sum256(cert.Raw) //nolint:gosec // see above
	return hex.EncodeToString(s1[:]), hex.EncodeToString(s256[:])
}

// leaf returns the first certificate of a chain; uasc reads no chains.
func leaf(der []byte) []byte {
	certs, err := x509.ParseCertificates(der)
	if err != nil || len(certs) == 0 {
		return der
	}
	return certs[0].Raw
}
