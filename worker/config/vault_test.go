package config

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// vaultServer answers as Vault does for one secret, one token and one role.
func vaultServer(t *testing.T, logins *atomic.Int32) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/auth/approle/login":
			var ask struct {
				Role   string `json:"role_id"`
				Secret string `json:"secret_id"`
			}
			_ = json.NewDecoder(r.Body).Decode(&ask)
			if ask.Role != "role" || ask.Secret != "shh" {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			logins.Add(1)
			_, _ = w.Write([]byte(`{"auth":{"client_token":"t-1","lease_duration":3600}}`))
		case "/v1/secret/data/plant/db":
			if r.Header.Get("X-Vault-Token") != "t-1" || r.Header.Get("X-Vault-Namespace") != "ns" {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			_, _ = w.Write([]byte(`{"data":{"data":{"password":"hunter2","port":5432,"nothing":null},"metadata":{"version":3}}}`))
		case "/v1/secret/data/broken":
			_, _ = w.Write([]byte(`<html>`))
		case "/v1/sys/seal-status":
			t.Error("a path climbed out of the mount")
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func vaultOf(t *testing.T, params connect.Props) Providers {
	t.Helper()
	p := connect.Props{"config.providers": "v", "config.providers.v.class": "millwright.VaultConfigProvider", "config.providers.v.param.namespace": "ns"}
	for k, v := range params {
		p["config.providers.v.param."+k] = v
	}
	ps, err := NewProviders(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ps
}

func TestVault(t *testing.T) {
	var logins atomic.Int32
	s := vaultServer(t, &logins)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "token"), "t-1\n")
	write(t, filepath.Join(dir, "secret"), "shh\n")
	for name, params := range map[string]connect.Props{
		"token":      {"token": "t-1"},
		"token file": {"token.file": filepath.Join(dir, "token")},
		"approle":    {"approle.role.id": "role", "approle.secret.id.file": filepath.Join(dir, "secret")},
	} {
		t.Run(name, func(t *testing.T) {
			params["address"], params["ttl.ms"] = s.URL, "60000"
			ps := vaultOf(t, params)
			for range 2 {
				r, err := ps.Resolve(t.Context(), connect.Props{"a": "${v:plant/db:password}", "b": "${v:plant/db:port}", "c": "${v:plant/db:nothing}", "d": "${v:plant/none:x}"})
				if err != nil {
					t.Fatal(err)
				}
				if r.Props["a"] != "hunter2" || r.Props["b"] != "5432" || r.Props["c"] != "${v:plant/db:nothing}" || r.Props["d"] != "${v:plant/none:x}" || r.TTL != time.Minute {
					t.Errorf("%v %v", r.Props, r.TTL)
				}
			}
		})
	}
	if n := logins.Load(); n != 1 {
		t.Errorf("%d logins for one token", n)
	}
}

func TestVaultErrors(t *testing.T) {
	var logins atomic.Int32
	s := vaultServer(t, &logins)
	for _, c := range []struct {
		name   string
		params connect.Props
		ref    string
		want   string
	}{
		{"bad token", connect.Props{"token": "t-wrong"}, "${v:plant/db:password}", "VaultConfigProvider: read of secret/plant/db: Vault answered 403 Forbidden"},
		{"bad secret id", connect.Props{"approle.role.id": "role", "approle.secret.id": "wrong"}, "${v:plant/db:password}", "VaultConfigProvider: AppRole login: Vault answered 400 Bad Request"},
		{"no path", connect.Props{"token": "t-1"}, "${v:password}", "VaultConfigProvider: a reference needs a path, ${name:path:key}"},
		{"climb", connect.Props{"token": "t-1"}, "${v:../../sys/seal-status:x}", "VaultConfigProvider: path ../../sys/seal-status: parts may not be empty, . or .."},
		{"out of bounds", connect.Props{"token": "t-1", "allowed.paths": "plant/d"}, "${v:plant/db:x}", "VaultConfigProvider: path plant/db is not in allowed.paths"},
		{"not Vault", connect.Props{"token": "t-1"}, "${v:broken:x}", "VaultConfigProvider: secret/data/broken: the answer is not that of Vault"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.params["address"] = s.URL
			_, err := vaultOf(t, c.params).Resolve(t.Context(), connect.Props{"k": c.ref})
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	for _, params := range []connect.Props{{"address": s.URL}, {"address": s.URL, "token": "a", "token.file": "b"}, {"address": s.URL, "token": "a", "ca.file": os.DevNull}} {
		if _, err := newVault(params); err == nil || !strings.Contains(err.Error(), "VaultConfigProvider: ") {
			t.Errorf("%v: %v", params, err)
		}
	}
}
