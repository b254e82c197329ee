package config

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// vaultConfig is the params of millwright.VaultConfigProvider.
type vaultConfig struct {
	address, namespace, mount  string
	token                      connect.Secret
	tokenFile                  string
	roleID                     string
	secretID                   connect.Secret
	secretIDFile, approleMount string
	allowed                    []string
	caFile                     string
	ttl, timeout               time.Duration
	noVerify                   bool
}

// Define declares the params.
func (c *vaultConfig) Define(d *connect.ConfigDef) {
	d.String(&c.address, "address").Is(connect.High).Check(connect.URL("http", "https")).Doc("Address of Vault, https://host:8200.")
	d.String(&c.namespace, "namespace").Default("").Is(connect.Low).Doc("Vault Enterprise namespace.")
	d.String(&c.mount, "mount").Default("secret").Doc("Where the KV version 2 engine is mounted.")
	d.List(&c.allowed, "allowed.paths").Default([]string{}).Doc("Paths below the mount that may be read, with all below them; empty: all.")
	d.Password(&c.token, "token").Default("").Doc("Token to log in with.")
	d.String(&c.tokenFile, "token.file").Default("").Doc("File that holds the token; it is read anew at every use, so that an agent may renew it.")
	d.String(&c.roleID, "approle.role.id").Default("").Doc("Role id, to log in by AppRole.")
	d.Password(&c.secretID, "approle.secret.id").Default("").Doc("Secret id, to log in by AppRole.")
	d.String(&c.secretIDFile, "approle.secret.id.file").Default("").Doc("File that holds the secret id.")
	d.String(&c.approleMount, "approle.mount").Default("approle").Is(connect.Low).Doc("Where AppRole is mounted.")
	d.String(&c.caFile, "ca.file").Default("").Doc("File with the certificates that Vault's is signed with, as PEM; empty: the system's.")
	d.Boolean(&c.noVerify, "tls.skip.verify").Default(false).Is(connect.Low).Doc("Whether Vault's certificate goes unchecked; for tests only.")
	d.Millis(&c.ttl, "ttl.ms").Default(0).Check(connect.AtLeast[time.Duration](0)).
		Doc("Time after which a connector that uses a value is restarted to get the present one (with config.action.reload=restart); 0: never.")
	d.Millis(&c.timeout, "timeout.ms").Default(10 * time.Second).Is(connect.Low).Check(connect.AtLeast(time.Millisecond)).Doc("Time allowed to a request.")
}

// vault reads keys of HashiCorp Vault's KV engine, version 2; the path is that
// of the secret below the mount.
type vault struct {
	vaultConfig
	http *http.Client

	mu     sync.Mutex
	login  string // token got by AppRole
	expiry time.Time
}

func newVault(params connect.Props) (Provider, error) {
	v := &vault{}
	if err := connect.Parse(params, &v.vaultConfig); err != nil {
		return nil, fmt.Errorf("VaultConfigProvider: %w", err)
	}
	ways := 0
	for _, set := range []bool{v.token != "", v.tokenFile != "", v.roleID != ""} {
		if set {
			ways++
		}
	}
	if ways != 1 {
		return nil, connect.ConfigErrorf("VaultConfigProvider: set exactly one of the params token, token.file and approle.role.id")
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{InsecureSkipVerify: v.noVerify} //nolint:gosec // the user's explicit wish
	if v.caFile != "" {
		pem, err := os.ReadFile(v.caFile)
		if err != nil {
			return nil, connect.ConfigErrorf("VaultConfigProvider: Invalid value %s for configuration ca.file: %v", v.caFile, err)
		}
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, connect.ConfigErrorf("VaultConfigProvider: Invalid value %s for configuration ca.file: it holds no certificate", v.caFile)
		}
	}
	v.http = &http.Client{Transport: t, Timeout: v.timeout}
	return v, nil
}

func (v *vault) Get(ctx context.Context, path string, keys []string) (map[string]string, time.Duration, error) {
	if path == "" {
		return nil, 0, connect.ConfigErrorf("VaultConfigProvider: a reference needs a path, ${name:path:key}")
	}
	place, err := v.place(path)
	if err != nil {
		return nil, 0, err
	}
	var answer struct {
		Data struct {
			Data map[string]any `json:"data"`
		} `json:"data"`
	}
	for try := 0; ; try++ {
		token, err := v.credential(ctx)
		if err != nil {
			return nil, 0, err
		}
		status, err := v.call(ctx, http.MethodGet, place, token, nil, &answer)
		switch {
		case err != nil:
			return nil, 0, err
		case status == http.StatusNotFound:
			return nil, v.ttl, nil
		case status == http.StatusForbidden && try == 0 && v.roleID != "":
			v.forget(token) // it may have been revoked; log in once more
			continue
		case status != http.StatusOK:
			return nil, 0, connect.ConfigErrorf("VaultConfigProvider: read of %s/%s: Vault answered %d %s", v.mount, path, status, http.StatusText(status))
		}
		break
	}
	values := map[string]string{}
	for _, k := range keys {
		switch x := answer.Data.Data[k].(type) {
		case nil:
		case string:
			values[k] = x
		default:
			b, err := json.Marshal(x)
			if err != nil {
				return nil, 0, err
			}
			values[k] = string(b)
		}
	}
	return values, v.ttl, nil
}

// place returns where the API has a secret. A path cannot climb out of the
// mount, or a user of the REST API could read all that the worker's token can.
func (v *vault) place(path string) (string, error) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, p := range parts {
		if p == "" || p == "." || p == ".." {
			return "", connect.ConfigErrorf("VaultConfigProvider: path %s: parts may not be empty, . or ..", path)
		}
		parts[i] = url.PathEscape(p)
	}
	inside := len(v.allowed) == 0
	for _, a := range v.allowed {
		a = strings.Trim(a, "/") + "/"
		inside = inside || strings.HasPrefix(strings.Trim(path, "/")+"/", a)
	}
	if !inside {
		return "", connect.ConfigErrorf("VaultConfigProvider: path %s is not in allowed.paths", path)
	}
	return strings.Trim(v.mount, "/") + "/data/" + strings.Join(parts, "/"), nil
}

// credential returns a token that is good now.
func (v *vault) credential(ctx context.Context) (string, error) {
	switch {
	case v.token != "":
		return string(v.token), nil
	case v.tokenFile != "":
		return readSecret("token.file", v.tokenFile)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.login != "" && (v.expiry.IsZero() || time.Now().Before(v.expiry)) {
		return v.login, nil
	}
	secret := string(v.secretID)
	if v.secretIDFile != "" {
		var err error
		if secret, err = readSecret("approle.secret.id.file", v.secretIDFile); err != nil {
			return "", err
		}
	}
	var answer struct {
		Auth struct {
			Token string `json:"client_token"`
			Lease int64  `json:"lease_duration"` // seconds; 0: for ever
		} `json:"auth"`
	}
	ask := map[string]string{"role_id": v.roleID, "secret_id": secret}
	status, err := v.call(ctx, http.MethodPost, "auth/"+strings.Trim(v.approleMount, "/")+"/login", "", ask, &answer)
	if err != nil {
		return "", err
	}
	if status != http.StatusOK || answer.Auth.Token == "" {
		return "", connect.ConfigErrorf("VaultConfigProvider: AppRole login: Vault answered %d %s", status, http.StatusText(status))
	}
	v.login, v.expiry = answer.Auth.Token, time.Time{}
	if answer.Auth.Lease > 0 {
		v.expiry = time.Now().Add(time.Duration(answer.Auth.Lease) * time.Second * 9 / 10)
	}
	return v.login, nil
}

func (v *vault) forget(token string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.login == token {
		v.login = ""
	}
}

func readSecret(param, file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", connect.ConfigErrorf("VaultConfigProvider: Invalid value %s for configuration %s: %v", file, param, err)
	}
	return strings.TrimSpace(string(b)), nil
}

// call makes one request and decodes a good answer. Neither token nor answer
// gets into an error.
func (v *vault) call(ctx context.Context, method, path, token string, ask, answer any) (int, error) {
	u, err := url.JoinPath(v.address, "v1", path)
	if err != nil {
		return 0, connect.ConfigErrorf("VaultConfigProvider: path %s: %w", path, err)
	}
	var body io.Reader
	if ask != nil {
		b, err := json.Marshal(ask)
		if err != nil {
			return 0, err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, u, body)
	if err != nil {
		return 0, connect.ConfigErrorf("VaultConfigProvider: %w", err)
	}
	r.Header.Set("X-Vault-Request", "true")
	if token != "" {
		r.Header.Set("X-Vault-Token", token)
	}
	if v.namespace != "" {
		r.Header.Set("X-Vault-Namespace", v.namespace)
	}
	res, err := v.http.Do(r)
	if err != nil {
		return 0, connect.Errorf(connect.RetriableException, "VaultConfigProvider: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16)) // so that the connection can be used again
		return res.StatusCode, nil
	}
	d := json.NewDecoder(io.LimitReader(res.Body, 1<<22))
	d.UseNumber()
	if err := d.Decode(answer); err != nil {
		return 0, connect.ConfigErrorf("VaultConfigProvider: %s: the answer is not that of Vault", path)
	}
	return res.StatusCode, nil
}
