package kafka

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// oauthProps are the sasl.oauthbearer. properties that clients use.
type oauthProps struct {
	tokenURL, clientID, scope string
	secret                    connect.Secret
	escape                    bool
	refreshAt                 float64
	connectMillis, readMillis int
}

func (p *oauthProps) define(d *connect.ConfigDef) {
	d.String(&p.tokenURL, "sasl.oauthbearer.token.endpoint.url").Default("")
	d.String(&p.clientID, "sasl.oauthbearer.client.credentials.client.id").Default("")
	d.Password(&p.secret, "sasl.oauthbearer.client.credentials.client.secret").Default("")
	d.String(&p.scope, "sasl.oauthbearer.scope").Default("")
	d.Boolean(&p.escape, "sasl.oauthbearer.header.urlencode").Default(false)
	d.Double(&p.refreshAt, "sasl.login.refresh.window.factor").Default(0.8).
		Check(connect.Check[float64]{Text: "[0.5,...,1.0]", Valid: func(v float64) error {
			switch {
			case v < 0.5:
				return fmt.Errorf("Value must be at least 0.5")
			case v > 1:
				return fmt.Errorf("Value must be no more than 1.0")
			}
			return nil
		}})
	d.Int(&p.connectMillis, "sasl.login.connect.timeout.ms").Default(10000)
	d.Int(&p.readMillis, "sasl.login.read.timeout.ms").Default(10000)
}

// mechanism returns the source of tokens that the JAAS entry and the login
// handler ask for: a file or a token endpoint (KIP-768), the same in the words
// of Strimzi's handler, or else an unsecured token (KIP-255).
func (p *oauthProps) mechanism(l login, handler string) (sasl.Mechanism, error) {
	t := tokens{props: *p, extensions: map[string]string{}}
	trust := store{what: "trust", kind: "JKS"}
	option := func(names ...string) string {
		for _, n := range names {
			if v := l.options[n]; v != "" {
				return v
			}
		}
		return ""
	}
	for k, v := range l.options {
		if name, ok := strings.CutPrefix(k, "extension_"); ok {
			t.extensions[name] = v
		} else if name, ok := strings.CutPrefix(k, "unsecuredLoginExtension_"); ok {
			t.extensions[name] = v
		}
	}
	t.fixed = option("oauth.access.token")
	t.url = p.tokenURL
	if u := option("oauth.token.endpoint.uri"); u != "" {
		t.url = u
	}
	t.id, t.secret, t.scope = p.clientID, string(p.secret), p.scope
	if id := option("clientId", "oauth.client.id"); id != "" {
		t.id, t.secret = id, option("clientSecret", "oauth.client.secret")
	}
	if sc := option("scope", "oauth.scope"); sc != "" {
		t.scope = sc
	}
	t.refresh, t.audience = option("oauth.refresh.token"), option("oauth.audience")
	trust.location = option("ssl.truststore.location", "oauth.ssl.truststore.location")
	trust.password = connect.Secret(option("ssl.truststore.password", "oauth.ssl.truststore.password"))
	if k := option("ssl.truststore.type", "oauth.ssl.truststore.type"); k != "" {
		trust.kind = k
	}
	trust.certs = connect.Secret(option("ssl.truststore.certificates", "oauth.ssl.truststore.certificates"))
	roots, err := trust.roots()
	if err != nil {
		return nil, err
	}
	t.http = &http.Client{
		Timeout:   time.Duration(max(1, p.connectMillis)+max(1, p.readMillis)) * time.Millisecond,
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}},
	}

	switch {
	case t.fixed != "":
	case t.url != "":
		u, err := url.Parse(t.url)
		if err != nil || (u.Scheme != "file" && u.Scheme != "http" && u.Scheme != "https") {
			return nil, connect.ConfigErrorf("The OAuth configuration option sasl.oauthbearer.token.endpoint.url must be a URL of the protocol http, https or file")
		}
		if u.Scheme == "file" {
			t.file = u.Path
		} else if t.refresh == "" && (t.id == "" || t.secret == "") {
			return nil, connect.ConfigErrorf("The OAuth configuration options clientId and clientSecret are needed in sasl.jaas.config for the token endpoint")
		}
	case handler == "" || strings.HasSuffix(handler, "OAuthBearerUnsecuredLoginCallbackHandler"):
		sub := option("unsecuredLoginStringClaim_sub")
		if sub == "" {
			return nil, connect.ConfigErrorf("sasl.mechanism OAUTHBEARER needs sasl.oauthbearer.token.endpoint.url, or unsecuredLoginStringClaim_sub in sasl.jaas.config for an unsecured token")
		}
		t.subject = sub
	default:
		return nil, connect.ConfigErrorf("Invalid value %s for configuration sasl.login.callback.handler.class: %s; tokens come from sasl.oauthbearer.token.endpoint.url (http, https, file), from the oauth. options of Strimzi's handler, or from unsecuredLoginStringClaim_sub", handler, noClasses)
	}
	return oauth.Oauth(t.auth), nil
}

// tokens gets tokens when connections need them and keeps one until most of
// its life has passed.
type tokens struct {
	props           oauthProps
	fixed, file     string
	subject         string // of unsecured tokens
	url, id, secret string
	scope, audience string
	refresh         string
	extensions      map[string]string
	http            *http.Client

	mu    sync.Mutex
	token string
	until time.Time
}

func (t *tokens) auth(ctx context.Context) (oauth.Auth, error) {
	token, err := t.current(ctx)
	return oauth.Auth{Token: token, Extensions: t.extensions}, err
}

func (t *tokens) current(ctx context.Context) (string, error) {
	switch {
	case t.fixed != "":
		return t.fixed, nil
	case t.file != "": // read anew: something else renews it
		b, err := os.ReadFile(t.file)
		if err != nil {
			return "", fmt.Errorf("reading the OAuth token: %w", err)
		}
		return strings.TrimSpace(string(b)), nil
	case t.subject != "":
		return unsecured(t.subject, time.Now()), nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if t.token != "" && now.Before(t.until) {
		return t.token, nil
	}
	token, life, err := t.fetch(ctx)
	if err != nil {
		return "", err
	}
	t.token, t.until = token, now.Add(time.Duration(float64(life)*t.props.refreshAt))
	return token, nil
}

// fetch asks the token endpoint (RFC 6749, sections 4.4 and 6).
func (t *tokens) fetch(ctx context.Context) (token string, life time.Duration, err error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if t.refresh != "" {
		form = url.Values{"grant_type": {"refresh_token"}, "refresh_token": {t.refresh}, "client_id": {t.id}}
	}
	if t.scope != "" {
		form.Set("scope", t.scope)
	}
	if t.audience != "" {
		form.Set("audience", t.audience)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, fmt.Errorf("asking the OAuth token endpoint: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if t.id != "" && t.secret != "" {
		id, secret := t.id, t.secret
		if t.props.escape {
			id, secret = url.QueryEscape(id), url.QueryEscape(secret)
		}
		req.SetBasicAuth(id, secret)
	}
	resp, err := t.http.Do(req)
	if err != nil {
		return "", 0, fmt.Errorf("asking the OAuth token endpoint: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", 0, fmt.Errorf("reading the OAuth token endpoint's answer: %w", err)
	}
	var answer struct {
		AccessToken string  `json:"access_token"`
		ExpiresIn   float64 `json:"expires_in"`
		Error       string  `json:"error"`
	}
	// The body of a good answer is a secret: it is never shown.
	switch err := json.Unmarshal(body, &answer); {
	case resp.StatusCode/100 != 2:
		return "", 0, fmt.Errorf("the OAuth token endpoint answered %s %s", resp.Status, answer.Error)
	case err != nil:
		return "", 0, fmt.Errorf("the OAuth token endpoint did not answer with JSON")
	case answer.AccessToken == "":
		return "", 0, fmt.Errorf("the OAuth token endpoint answered without access_token")
	}
	return answer.AccessToken, time.Duration(answer.ExpiresIn * float64(time.Second)), nil
}

// unsecured makes a token without a signature, good for an hour, for brokers
// in tests.
func unsecured(subject string, now time.Time) string {
	claims, _ := json.Marshal(map[string]any{"sub": subject, "iat": float64(now.UnixMilli()) / 1000, "exp": float64(now.Add(time.Hour).UnixMilli()) / 1000})
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims) + "."
}
