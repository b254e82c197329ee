package opcua

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/connecttest"
)

// TestValidate: each mistake is told at the property that is to be mended, and
// keeps a task from opening with the same words.
func TestValidate(t *testing.T) {
	pin := strings.Repeat("ab", 20)
	for _, c := range []struct {
		props    []string
		property string
		want     string
	}{
		{[]string{"endpoint", "http://x"}, "endpoint", "opc.tcp://192.168.0.10:4840"},
		{[]string{"endpoint", "opc.tcp://"}, "endpoint", "opc.tcp://192.168.0.10:4840"},
		{[]string{"endpoint", "opc.tcp://u:p@plc"}, "endpoint", "must not hold a user; use username and password"},
		{[]string{"nodes", "Temp"}, "nodes", `"Temp" is not a node id`},
		{[]string{"nodes", ""}, "nodes", "name the nodes to read here"},
		{[]string{"browse.root", "x"}, "browse.root", `"x" is not a node id`},
		{[]string{"browse.include", "("}, "browse.include", "missing closing )"},
		{[]string{"topic", "a b"}, "topic", "letters"},
		{[]string{"security.policy", "Basic256"}, "security.policy", "Aes128_Sha256_RsaOaep"},
		{[]string{"security.policy", "Basic256Sha256", "trust.all", "true"}, "certificate.file", "openssl req -x509"},
		{[]string{"security.policy", "Basic256Sha256", "certificate.file", "c", "private.key.file", "k"}, "trust.certificates", "set trust.certificates, trust.thumbprints or, for a trial, trust.all=true"},
		{[]string{"security.policy", "Basic256Sha256", "security.mode", "None", "certificate.file", "c", "private.key.file", "k", "trust.thumbprints", pin}, "security.mode", "use Sign or SignAndEncrypt"},
		{[]string{"security.mode", "Sign"}, "security.mode", "needs a security.policy other than None"},
		{[]string{"trust.thumbprints", "abc"}, "trust.thumbprints", `"abc" is not a thumbprint`},
		{[]string{"password", "hush"}, "username", "a password without a username"},
		{[]string{"username", "u", "user.certificate.file", "c", "user.private.key.file", "k"}, "username", "named twice"},
		{[]string{"user.certificate.file", "c"}, "user.certificate.file", "go together"},
		{[]string{"deadband.value", "1"}, "deadband.value", "without deadband.type"},
		{[]string{"deadband.type", "percent", "deadband.value", "101"}, "deadband.value", "more than 100 %"},
		{[]string{"deadband.type", "percent", "mode", "poll"}, "deadband.type", "no effect with mode=poll"},
	} {
		p := props("opc.tcp://plc", c.props...)
		var d connect.ConfigDef
		new(config).Define(&d)
		infos := d.Validate(p)
		if err := check(t.Context(), p, infos); err != nil {
			t.Fatal(err)
		}
		for _, i := range infos {
			if errs := strings.Join(i.Value.Errors, " "); (i.Value.Name == c.property) != (errs != "") || !strings.Contains(errs, c.want) && errs != "" || strings.Contains(errs, "hush") {
				t.Errorf("%q: %s says %q", c.props, i.Value.Name, errs)
			}
		}
		_, err := openTask(t.Context(), &connecttest.SourceHost{}, p)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hush") || connect.ClassOf(err) != connect.ConfigException {
			t.Errorf("%q: %v", c.props, err)
		}
		if _, err := openConnector(t.Context(), &connecttest.Host{}, p); err == nil {
			t.Errorf("%q: the connector opens", c.props)
		}
	}
}

// TestTasks deals listed nodes out.
func TestTasks(t *testing.T) {
	list := make([]string, 10)
	for i := range list {
		list[i] = fmt.Sprintf("ns=2;s=x[1,%d]", i)
	}
	base := props("opc.tcp://plc", "nodes", strings.Join(list, ","))
	for limit, want := range map[int]int{1: 1, 3: 3, 10: 10, 50: 10} {
		c, err := openConnector(t.Context(), &connecttest.Host{}, base)
		if err != nil {
			t.Fatal(err)
		}
		tasks, err := c.Tasks(t.Context(), limit)
		if err != nil || len(tasks) != want {
			t.Fatalf("%d tasks of %d, %v", len(tasks), limit, err)
		}
		var all []string
		for _, p := range tasks {
			all = append(all, p["nodes"])
			if p = maps.Clone(p); p["endpoint"] != "opc.tcp://plc" {
				t.Errorf("%v", p)
			}
		}
		if strings.Join(all, ",") != base["nodes"] {
			t.Errorf("%q", all)
		}
	}
}

func TestAlterOffsets(t *testing.T) {
	partition := connect.Object{"endpoint": "opc.tcp://plc", "node": "i=1"}
	for _, c := range []struct {
		partition, offset connect.Object
		ok                bool
	}{
		{partition, connect.Object{"source_timestamp": "2026-01-31T12:00:00.1234567Z"}, true},
		{partition, nil, true},
		{connect.Object{"garbage": true}, nil, true},
		{partition, connect.Object{"source_timestamp": "yesterday"}, false},
		{partition, connect.Object{"source_timestamp": int64(7)}, false},
		{partition, connect.Object{"source_timestamp": "2026-01-31T12:00:00Z", "more": "x"}, false},
		{connect.Object{"node": "i=1"}, connect.Object{"source_timestamp": "2026-01-31T12:00:00Z"}, false},
	} {
		ok, err := alterOffsets(t.Context(), nil, []connect.PartitionOffset{{Partition: c.partition, Offset: c.offset}})
		if ok != c.ok || (err == nil) != c.ok {
			t.Errorf("%v %v: %v %v", c.partition, c.offset, ok, err)
		}
	}
}

// TestIdentity: what is wrong with certificate and key files is said of the
// file.
func TestIdentity(t *testing.T) {
	cert, key := certificate(t)
	other, _ := certificate(t)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	block := func(kind string) string { return "-----BEGIN " + kind + "-----\nAAAA\n-----END " + kind + "-----\n" }
	for _, c := range []struct{ cert, key, want string }{
		{filepath.Join(dir, "none"), key, "certificate.file: no such file"},
		{cert, filepath.Join(dir, "none"), "private.key.file: no such file"},
		{file("empty.pem", block("X509 CRL")), key, "there is no certificate in the file"},
		{file("bad.der", "x"), key, "certificate.file"},
		{cert, file("enc.pem", block("ENCRYPTED PRIVATE KEY")), "the key is encrypted; write it without a password: openssl pkey"},
		{cert, file("old.pem", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"), "the key is encrypted"},
		{cert, file("nokey.pem", block("CERTIFICATE")), "there is no private key in the file"},
		{cert, file("badkey.pem", block("PRIVATE KEY")), "cannot be read"},
		{other, key, "the key is not that of the certificate in " + other},
	} {
		_, err := openTask(t.Context(), &connecttest.SourceHost{}, props("opc.tcp://plc", "security.policy", "Basic256Sha256", "trust.all", "true", "certificate.file", c.cert, "private.key.file", c.key))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v, want %q", c.cert, c.key, err, c.want)
		}
	}
	_, err := openTask(t.Context(), &connecttest.SourceHost{}, props("opc.tcp://plc", "security.policy", "Basic256Sha256", "trust.all", "true",
		"certificate.file", cert, "private.key.file", key, "application.uri", "urn:another"))
	if err == nil || !strings.Contains(err.Error(), "is for urn:millwright:test:client") {
		t.Error(err)
	}
}

// TestStatusNames are those of the specification, not of the library.
func TestStatusNames(t *testing.T) {
	for code, want := range map[ua.StatusCode]string{
		0: "Good", 0x480: "Good", ua.StatusUncertain: "Uncertain", ua.StatusBad: "Bad", ua.StatusBadNodeIDUnknown: "BadNodeIdUnknown",
		ua.StatusBadTCPEndpointURLInvalid: "BadTcpEndpointUrlInvalid", ua.StatusBadServerURIInvalid: "BadServerUriInvalid",
		ua.StatusGoodClamped: "GoodClamped", ua.StatusBadTimeout | 0x480: "BadTimeout", 0x81FF0000: "0x81FF0000",
	} {
		if got := statusName(code); got != want {
			t.Errorf("%08X: %s, want %s", uint32(code), got, want)
		}
	}
}

// TestHostPort: the port may be left out.
func TestHostPort(t *testing.T) {
	for s, want := range map[string]string{"opc.tcp://plc": "plc:4840", "opc.tcp://plc:1/x": "plc:1", "opc.tcp://[::1]": "[::1]:4840", "opc.tcp://[::1]:7": "[::1]:7"} {
		var c config
		if err := connect.Parse(props(s), &c); err != nil {
			t.Fatal(err)
		}
		if err := c.finish(); err != nil || c.host != want {
			t.Errorf("%s: %s %v", s, c.host, err)
		}
	}
}

func TestRetryLimit(t *testing.T) {
	var c config
	if err := connect.Parse(props("opc.tcp://plc"), &c); err != nil || c.retryFor != -time.Millisecond {
		t.Error(err, c.retryFor)
	}
}
