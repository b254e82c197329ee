package opcua

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uacp"
	"github.com/gopcua/opcua/uapolicy"
	"github.com/gopcua/opcua/uasc"
)

// Limits that this client puts on what servers send.
const (
	bufferSize  = 65535    // of a chunk
	messageSize = 64 << 20 // of a message
	arraySize   = 1 << 20  // of a value
	lifetime    = time.Hour
	tcpProfile  = "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary"
)

func init() {
	// The library's own limit of 65,535 would break the connection for a longer
	// array.
	ua.MaxVariantArrayLength = arraySize
}

// A link is one TCP connection to a server with its secure channel and, when
// auth is set, its session.
type link struct {
	conn       *uacp.Conn
	sc         *uasc.SecureChannel
	auth       *ua.NodeID
	maxRequest uint32 // most bytes of a request; 0: no limit
	watched    chan struct{}
	stop       chan struct{}
}

// dial connects and says hello. The library's own handshake takes the server's
// receive limits for its own and then refuses longer messages.
func (c *config) dial(ctx context.Context) (_ *uacp.Conn, maxRequest uint32, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.dialTimeout)
	defer cancel()
	defer func() {
		if err != nil {
			err = c.dialFault(err, c.dialTimeout)
		}
	}()
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", c.host)
	if err != nil {
		return nil, 0, err
	}
	ack := &uacp.Acknowledge{ReceiveBufSize: bufferSize, SendBufSize: bufferSize, MaxMessageSize: messageSize, MaxChunkCount: messageSize / 8192}
	conn, err := uacp.NewConn(raw.(*net.TCPConn), ack)
	if err != nil {
		raw.Close()
		return nil, 0, err
	}
	end := context.AfterFunc(ctx, func() { conn.Close() })
	server, err := hello(conn, c.endpoint)
	if !end() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, 0, err
	}
	ack.SendBufSize = min(bufferSize, max(8192, server.ReceiveBufSize))
	return conn, server.MaxMessageSize, nil
}

// hello exchanges the first messages and returns the server's limits.
func hello(conn *uacp.Conn, endpoint string) (*uacp.Acknowledge, error) {
	err := conn.Send("HELF", &uacp.Hello{ReceiveBufSize: bufferSize, SendBufSize: bufferSize, MaxMessageSize: messageSize, MaxChunkCount: 0, EndpointURL: endpoint})
	if err != nil {
		return nil, err
	}
	b, err := conn.Receive()
	if err != nil {
		return nil, err
	}
	const header = 8
	if len(b) < header || string(b[:4]) != "ACKF" {
		return nil, errors.New("it does not speak OPC UA")
	}
	server := new(uacp.Acknowledge)
	if _, err := server.Decode(b[header:]); err != nil {
		return nil, fmt.Errorf("it does not speak OPC UA: %w", err)
	}
	return server, nil
}

// open dials and opens a secure channel. When the connection breaks, lost is
// called with why, and every call on the link ends.
func (c *config) open(ctx context.Context, sec *uasc.Config, client *identity, lost func(error)) (*link, error) {
	conn, maxRequest, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	errs := make(chan error, 1)
	sc, err := uasc.NewSecureChannel(c.endpoint, conn, sec, errs)
	if err != nil {
		conn.Close()
		return nil, fatalf("%w", err)
	}
	l := &link{conn: conn, sc: sc, maxRequest: maxRequest, watched: make(chan struct{}), stop: make(chan struct{})}
	first := make(chan error, 1)
	go l.watch(errs, func(err error) {
		select {
		case first <- err:
		default:
		}
		lost(err)
	})
	octx, cancel := context.WithTimeout(ctx, c.requestTimeout)
	defer cancel()
	if err := sc.Open(octx); err != nil {
		l.close()
		select {
		case err = <-first: // what the dispatcher saw says more
		default:
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
		}
		return nil, c.channelFault(err, client)
	}
	return l, nil
}

// watch waits for the connection to break. The library's dispatcher reports
// status codes of single answers as well; after a read error it would read on
// for ever, and calls would wait for their time limit.
func (l *link) watch(errs <-chan error, lost func(error)) {
	defer close(l.watched)
	for {
		select {
		case <-l.stop:
			return
		case err := <-errs:
			var code ua.StatusCode
			var fromServer *uacp.Error
			if errors.As(err, &code) && !errors.As(err, &fromServer) {
				continue
			}
			lost(err)
			l.conn.Close()
			return
		}
	}
}

// close ends the channel and the connection.
func (l *link) close() {
	_ = l.sc.Close()
	close(l.stop)
	l.conn.Close()
	<-l.watched
}

// call sends a request and waits for its answer.
func call[R ua.Response](ctx context.Context, l *link, limit time.Duration, req ua.Request) (R, error) {
	var res R
	err := l.sc.SendRequestWithTimeout(ctx, req, l.auth, limit, func(v ua.Response) error {
		r, ok := v.(R)
		if !ok {
			return fmt.Errorf("the server answered %T to %T", v, req)
		}
		res = r
		return nil
	})
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return res, err
}

// endpoints asks what the server offers, on an open channel.
func (c *config) endpoints(ctx context.Context) ([]*ua.EndpointDescription, error) {
	ctx, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	l, err := c.open(ctx, &uasc.Config{
		SecurityPolicyURI: ua.SecurityPolicyURINone, SecurityMode: ua.MessageSecurityModeNone,
		Lifetime: uint32(lifetime.Milliseconds()), RequestTimeout: c.requestTimeout,
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
		Lifetime: uint32(lifetime.Milliseconds()), RequestTimeout: c.requestTimeout,
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
