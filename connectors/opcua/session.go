package opcua

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"time"

	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uapolicy"
	"github.com/gopcua/opcua/uasc"
)

// endpoints asks what the server offers, on an open channel.
func (c *config) endpoints(ctx context.Context) ([]*ua.EndpointDescription, error) {
	ctx, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	l, err := c.open(ctx, &uasc.Config{
		SecurityPolicyURI: ua.SecurityPolicyURINone, SecurityMode: ua.MessageSecurityModeNone,
		Lifetime: uint32(c.lifetime.Milliseconds()), RequestTimeout: c.requestTimeout,
	}, nil, lost)
	if err != nil {
		return nil, err
	}
	defer l.close()
	res, err := call[*ua.GetEndpointsResponse](ctx, l, c.requestTimeout, &ua.GetEndpointsRequest{EndpointURL: c.endpoint})
	if err != nil {
		return nil, fmt.Errorf("the server at %s does not tell its endpoints: %s", c.host, reason(err))
	}
	return res.Endpoints, nil
}

// tokenType is the kind of user that the properties name.
func (c *config) tokenType() ua.UserTokenType {
	switch {
	case c.user != "":
		return ua.UserTokenTypeUserName
	case c.userCert != "":
		return ua.UserTokenTypeCertificate
	}
	return ua.UserTokenTypeAnonymous
}

var tokenNames = map[ua.UserTokenType]string{
	ua.UserTokenTypeAnonymous: "anonymous", ua.UserTokenTypeUserName: "user name", ua.UserTokenTypeCertificate: "certificate", ua.UserTokenTypeIssuedToken: "issued token",
}

// choose picks the endpoint that the properties ask for, and how its user
// identifies himself.
func (c *config) choose(endpoints []*ua.EndpointDescription) (*ua.EndpointDescription, *ua.UserTokenPolicy, error) {
	uri, mode, kind := policyURI(c.policy), messageMode(c.modeName), c.tokenType()
	var best *ua.EndpointDescription
	var token *ua.UserTokenPolicy
	var offers []string
	for _, e := range endpoints {
		if e.TransportProfileURI != "" && e.TransportProfileURI != tcpProfile {
			continue
		}
		offer := policyName(e.SecurityPolicyURI) + "/" + modeText(e.SecurityMode) + " ("
		for i, t := range e.UserIdentityTokens {
			if i > 0 {
				offer += ", "
			}
			offer += tokenNames[t.TokenType]
			if e.SecurityPolicyURI != uri || e.SecurityMode != mode || t.TokenType != kind || best != nil && best.SecurityLevel >= e.SecurityLevel {
				continue
			}
			best, token = e, t
		}
		offers = append(offers, offer+")")
	}
	if best == nil {
		return nil, nil, fatalf("%s does not offer %s/%s for a user of kind %q, as %s, %s and the user properties ask for; it offers %q",
			c.endpoint, c.policy, c.modeName, tokenNames[kind], policyProperty, modeProperty, offers)
	}
	return best, token, nil
}

func modeText(m ua.MessageSecurityMode) string {
	switch m {
	case ua.MessageSecurityModeSign:
		return signMode
	case ua.MessageSecurityModeSignAndEncrypt:
		return encryptMode
	}
	return noneMode
}

// A session is what is needed to take a session up on another connection.
type session struct {
	auth  *ua.NodeID
	cert  []byte // of the server
	nonce []byte
}

// A peer is the server as the endpoint describes it, and who we are to it.
type peer struct {
	endpoint *ua.EndpointDescription
	token    *ua.UserTokenPolicy
	client   *identity // nil: none
	user     *identity // nil: none
	uri      string    // of this client
}

// connect opens the secure channel to a trusted server.
func (c *config) connect(ctx context.Context, p *peer, lost func(error)) (*link, error) {
	endpoints, err := c.endpoints(ctx)
	if err != nil {
		return nil, err
	}
	if p.endpoint, p.token, err = c.choose(endpoints); err != nil {
		return nil, err
	}
	t, err := c.loadTrust()
	if err != nil {
		return nil, fatal{err}
	}
	secure := c.policy != noneMode
	if secure || t.given() && len(p.endpoint.ServerCertificate) > 0 {
		u, _ := url.Parse(c.endpoint) // it was checked
		if err := t.check(p.endpoint.ServerCertificate, u.Hostname(), p.endpoint.Server.ApplicationURI, time.Now()); err != nil {
			return nil, fatalf("%s: %w", c.endpoint, err)
		}
	}
	cfg := &uasc.Config{
		SecurityPolicyURI: policyURI(c.policy), SecurityMode: messageMode(c.modeName),
		Lifetime: uint32(c.lifetime.Milliseconds()), RequestTimeout: c.requestTimeout,
	}
	if secure {
		cert := leaf(p.endpoint.ServerCertificate)
		cfg.Certificate, cfg.LocalKey = p.client.der, p.client.key
		cfg.RemoteCertificate, cfg.Thumbprint = cert, uapolicy.Thumbprint(cert)
	}
	if p.user != nil {
		cfg.UserKey = p.user.key
	}
	l, err := c.open(ctx, cfg, p.client, lost)
	if err != nil {
		return nil, err
	}
	// The library takes the certificate that the answer brings for the server's.
	if secure && !bytes.Equal(leaf(cfg.RemoteCertificate), leaf(p.endpoint.ServerCertificate)) {
		l.close()
		return nil, fatalf("%s: the server opened the channel with another certificate than the one of its endpoint", c.endpoint)
	}
	return l, nil
}

// createSession makes a session that is not yet active.
func (c *config) createSession(ctx context.Context, l *link, p *peer, name string) (*session, error) {
	nonce := make([]byte, 32)
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	req := &ua.CreateSessionRequest{
		ClientDescription: &ua.ApplicationDescription{
			ApplicationURI: p.uri, ProductURI: "urn:millwright", ApplicationName: ua.NewLocalizedText("Millwright"), ApplicationType: ua.ApplicationTypeClient,
		},
		EndpointURL: c.endpoint, SessionName: "millwright " + name, ClientNonce: nonce,
		RequestedSessionTimeout: float64(c.sessionTimeout.Milliseconds()), MaxResponseMessageSize: messageSize,
	}
	if p.client != nil {
		req.ClientCertificate = p.client.der
	}
	l.auth = nil
	res, err := call[*ua.CreateSessionResponse](ctx, l, c.requestTimeout, req)
	if err != nil {
		return nil, c.sessionFault(err, p.client)
	}
	if c.policy != noneMode {
		if !bytes.Equal(leaf(res.ServerCertificate), leaf(p.endpoint.ServerCertificate)) {
			return nil, fatalf("%s: the session's certificate is not that of the endpoint", c.endpoint)
		}
		// The library's own client logs a wrong signature and goes on.
		if err := l.sc.VerifySessionSignature(leaf(res.ServerCertificate), nonce, res.ServerSignature.Signature); err != nil {
			return nil, fatalf("%s: the server cannot prove that its certificate is its own: %w", c.endpoint, err)
		}
	}
	cert := res.ServerCertificate
	if len(cert) == 0 {
		cert = p.endpoint.ServerCertificate
	}
	return &session{auth: res.AuthenticationToken, cert: leaf(cert), nonce: res.ServerNonce}, nil
}

// activate makes the session this link's, be it new or of a link that broke.
func (c *config) activate(ctx context.Context, l *link, p *peer, s *session) error {
	req := &ua.ActivateSessionRequest{ClientSignature: &ua.SignatureData{}, UserTokenSignature: &ua.SignatureData{}, LocaleIDs: []string{"en"}}
	policy := p.token.SecurityPolicyURI
	if policy == "" {
		policy = p.endpoint.SecurityPolicyURI
	}
	var err error
	if req.ClientSignature.Signature, req.ClientSignature.Algorithm, err = l.sc.NewSessionSignature(s.cert, s.nonce); err != nil {
		return fatalf("%s: %w", c.endpoint, err)
	}
	var token any
	switch c.tokenType() {
	case ua.UserTokenTypeUserName:
		if policy == ua.SecurityPolicyURINone && c.modeName != encryptMode && !c.clearPassword {
			return fatalf("%s asks for the password of %s unencrypted: use a %s that encrypts, such as Basic256Sha256, or allow it with %s=true", c.endpoint, c.user, policyProperty, clearProperty)
		}
		t := &ua.UserNameIdentityToken{PolicyID: p.token.PolicyID, UserName: c.user}
		if t.Password, t.EncryptionAlgorithm, err = l.sc.EncryptUserPassword(policy, string(c.password), s.cert, s.nonce); err != nil {
			return fatalf("%s: the password of %s cannot be encrypted for the server: %w", c.endpoint, c.user, err)
		}
		token = t
	case ua.UserTokenTypeCertificate:
		token = &ua.X509IdentityToken{PolicyID: p.token.PolicyID, CertificateData: p.user.der}
		if req.UserTokenSignature.Signature, req.UserTokenSignature.Algorithm, err = l.sc.NewUserTokenSignature(policy, s.cert, s.nonce); err != nil {
			return fatalf("%s: the user's certificate cannot sign: %w", c.endpoint, err)
		}
	default:
		token = &ua.AnonymousIdentityToken{PolicyID: p.token.PolicyID}
	}
	req.UserIdentityToken = ua.NewExtensionObject(token)
	l.auth = s.auth
	res, err := call[*ua.ActivateSessionResponse](ctx, l, c.requestTimeout, req)
	if err != nil {
		l.auth = nil
		return c.sessionFault(err, p.client)
	}
	s.nonce = res.ServerNonce
	return nil
}

// closeSession ends the session and its subscriptions on the server.
func (l *link) closeSession(ctx context.Context) {
	if l.auth == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	// An error is of no interest: the server ends the session by itself.
	_, _ = call[*ua.CloseSessionResponse](ctx, l, 2*time.Second, &ua.CloseSessionRequest{DeleteSubscriptions: true})
}
