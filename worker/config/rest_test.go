package config

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

func TestResponseHeaders(t *testing.T) {
	ps := javaPlugins()
	w, err := ParseWorker(connect.Props{
		"bootstrap.servers": "b:1", "key.converter": "JsonConverter", "value.converter": "JsonConverter", "offset.storage.file.filename": "f",
		"response.http.headers.config":          `set X-Frame-Options: DENY, "add Cache-Control: no-cache, no-store", SETDATE Expires: 1000, add Cache-Control: private`,
		"listeners.https.ssl.keystore.location": "/k", "ssl.keystore.location": "/other", "ssl.truststore.location": "/t",
	}, Standalone, ps)
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	w.REST.ApplyHeaders(h, time.Unix(0, 0))
	if h.Get("X-Frame-Options") != "DENY" || h.Get("Expires") != "Thu, 01 Jan 1970 00:00:01 GMT" || !slices.Equal(h["Cache-Control"], []string{"no-cache, no-store", "private"}) {
		t.Error(h)
	}
	tls := w.ListenerTLS()
	if tls["ssl.keystore.location"] != "/k" || len(tls) != 1 {
		t.Error(tls)
	}
	if w.REST.AdminListeners != nil {
		t.Error("admin.listeners that is not set is not the listeners")
	}
}

func TestMAC(t *testing.T) {
	for name, size := range map[string]int{"HmacSHA256": 32, "hmacsha1": 20, "HmacSHA3-512": 64, "HmacSHA512/224": 28, "HmacMD5": 16} {
		if h, ok := MAC(name); !ok || h().Size() != size {
			t.Errorf("%s is not known, or not of %d bytes", name, size)
		}
	}
	if _, ok := MAC("Bogus"); ok {
		t.Error("Bogus is known")
	}
	s := Signing{KeyAlgorithm: "HmacSHA1"}
	if s.KeyLength() != 64 {
		t.Error(s.KeyLength())
	}
	if s.KeySize = 129; s.KeyLength() != 17 {
		t.Error(s.KeyLength())
	}
}
