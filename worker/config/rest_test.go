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

func TestSigningKeys(t *testing.T) {
	for _, c := range []struct {
		algorithm string
		bits      int
		bytes     int
		fault     string // as Java 17's key generators say it
	}{
		{"HmacSHA256", 0, 32, ""},
		{"HmacSHA1", 0, 64, ""},
		{"hmacmd5", 0, 64, ""},
		{"HmacSHA512", 0, 64, ""},
		{"HmacSHA512/224", 0, 28, ""},
		{"HmacSHA3-512", 0, 64, ""},
		{"hmacsha256", 41, 6, ""},
		{"HmacSHA256", 1024, 128, ""},
		{"HmacMD5", 1, 1, ""},
		{"AES", 256, 32, ""},
		{"DES", 56, 8, ""},
		{"DESede", 112, 24, ""},
		{"ChaCha20", 256, 32, ""},
		{"Blowfish", 448, 56, ""},
		{"ARCFOUR", 1024, 128, ""},
		{"HmacSHA256", 39, 0, "Key length must be at least 40 bits"},
		{"HmacSHA1", -1, 0, "Empty key"},
		{"AES", 100, 0, "Wrong keysize: must be equal to 128, 192 or 256"},
		{"arcfour", 39, 0, "Key length for ARCFOUR must be between 40 and 1024 bits"},
		{"RC2", 1025, 0, "Key length for RC2 must be between 40 and 1024 bits"},
		{"Blowfish", 100, 0, "Keysize must be multiple of 8, and can only range from 32 to 448 (inclusive)"},
		{"ChaCha20", 128, 0, "Key length for ChaCha20 must be 256 bits"},
		{"DES", 64, 0, "Wrong keysize: must be equal to 56"},
		{"DESede", 128, 0, "Wrong keysize: must be equal to 112 or 168"},
	} {
		s := Signing{KeyAlgorithm: c.algorithm, KeySize: c.bits}
		fault := ""
		if c.bits != 0 {
			fault = keySizeFault(c.algorithm, c.bits)
		}
		if fault != c.fault || fault == "" && s.KeyLength() != c.bytes {
			t.Errorf("%s of %d bits: %d bytes, %q", c.algorithm, c.bits, s.KeyLength(), fault)
		}
	}
	for _, name := range []string{"AES", "Bogus", "HmacBogus", "SslMacSHA1"} {
		if supportedMAC(name) == nil {
			t.Errorf("%s was taken for a MAC", name)
		}
	}
}

func TestHeaderRulesThatEndInAComma(t *testing.T) {
	for rules, want := range map[string]int{"set X: y,": 1, "set X: y , ": 1, `"set X: y",`: 1, "set X: y,,": -1, ",set X: y": -1, ",": -1, `set X: y,""`: -1, "": 0} {
		got, err := headerRules(rules)
		if (err != nil) != (want < 0) || err == nil && len(got) != want {
			t.Errorf("%q: %v, %v", rules, got, err)
		}
	}
}
