package kafka

import (
	"crypto/tls"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// ListenerTLS makes the TLS configuration of a server from Java's ssl.
// settings: its certificate from the key store, the authorities of its clients
// from the trust store. clientAuth is ssl.client.auth: required, requested or
// none.
func ListenerTLS(p connect.Props, clientAuth string) (*tls.Config, error) {
	s, c, err := tlsOf(p)
	if err != nil {
		return nil, err
	}
	cert, err := s.keystore.identity(s.keyPassword)
	if err != nil {
		return nil, err
	}
	if cert == nil {
		return nil, connect.ConfigErrorf("Missing required configuration \"ssl.keystore.location\": an https listener needs a certificate; " +
			"set it (and ssl.keystore.type, PEM, PKCS12 or JKS) or ssl.keystore.certificate.chain and ssl.keystore.key")
	}
	server := &tls.Config{MinVersion: c.MinVersion, MaxVersion: c.MaxVersion, CipherSuites: c.CipherSuites, Certificates: []tls.Certificate{*cert}, ClientCAs: c.RootCAs}
	switch clientAuth {
	case "required":
		server.ClientAuth = tls.RequireAndVerifyClientCert
	case "requested":
		server.ClientAuth = tls.VerifyClientCertIfGiven
	}
	return server, nil
}

// ClientTLS makes the TLS configuration of a client from Java's ssl. settings.
func ClientTLS(p connect.Props) (*tls.Config, error) {
	_, c, err := tlsOf(p)
	return c, err
}

func tlsOf(p connect.Props) (*security, *tls.Config, error) {
	s := &security{}
	var d connect.ConfigDef
	s.define(&d)
	if err := d.Parse(p); err != nil {
		return nil, nil, err
	}
	c, err := s.tls()
	return s, c, err
}
