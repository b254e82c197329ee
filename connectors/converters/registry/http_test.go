package registry

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// counted counts the requests that reach a registry.
func counted(r *srfake.Registry) *int {
	n := new(int)
	r.Intercept(func(http.ResponseWriter, *http.Request) bool { *n++; return false })
	return n
}

// TestNoRequestPerRecord sees that records of known schemas cost no request.
func TestNoRequestPerRecord(t *testing.T) {
	for _, class := range []string{avroClass, jsonClass, protobufClass} {
		r := fakeRegistry(t)
		requests := counted(r)
		c := openConverter(t, class, r, nil)
		b := encoded(t, c, aRich())
		decoded(t, c, b)
		known := *requests
		for range 100 {
			decoded(t, c, encoded(t, c, aRich()))
		}
		if *requests != known || known > 4 {
			t.Errorf("%s: %d requests for the first record, %d after a hundred", class, known, *requests)
		}
	}
}

func TestSubjects(t *testing.T) {
	for strategy, want := range map[string]string{
		"io.confluent.kafka.serializers.subject.TopicNameStrategy": "t-value",
		"RecordNameStrategy": "com.acme.Rich",
		"io.confluent.kafka.serializers.subject.TopicRecordNameStrategy": "t-com.acme.Rich",
	} {
		for _, class := range []string{avroClass, jsonClass, protobufClass} {
			r := fakeRegistry(t)
			c := openConverter(t, class, r, connect.Props{"value.subject.name.strategy": strategy})
			decoded(t, c, encoded(t, c, aRich()))
			if !r.SubjectExists(want) {
				t.Errorf("%s with %s does not register under %s", class, strategy, want)
			}
		}
	}
	c := openConverter(t, avroClass, fakeRegistry(t), connect.Props{"value.subject.name.strategy": "RecordNameStrategy"})
	_, err := c.Encode(nil, "t", nil, data.Datum{Schema: data.Of(data.String), Value: data.Str("x")})
	if err == nil || !strings.Contains(connect.Trace(err), "the message value must only be a record schema") {
		t.Errorf("a text under a record's name: %v", err)
	}
}

func TestAutoRegisterOff(t *testing.T) {
	r := fakeRegistry(t)
	c := openConverter(t, avroClass, r, connect.Props{"auto.register.schemas": "false"})
	d := data.Datum{Schema: data.Of(data.String), Value: data.Str("x")}
	_, err := c.Encode(nil, "t", nil, d)
	if err == nil || connect.ClassOf(err) != data.DataException || !strings.Contains(connect.Trace(err), "t-value") {
		t.Errorf("an unknown schema: %v", err)
	}
	if _, _, err := r.RegisterSchema("t-value", avroText(`"string"`)); err != nil {
		t.Fatal(err)
	}
	if b := encoded(t, c, d); string(b) != "\x00\x00\x00\x00\x01\x02x" {
		t.Errorf("a known schema: %x", b)
	}
}

// TestLatestVersion writes records by the latest schema of the subject.
func TestLatestVersion(t *testing.T) {
	r := fakeRegistry(t)
	const first = `{"type":"record","name":"R","fields":[{"name":"n","type":"int"}]}`
	const second = `{"type":"record","name":"R","fields":[{"name":"more","type":"string","default":"yes"},{"name":"n","type":"long"}]}`
	for _, s := range []string{first, second} {
		if _, _, err := r.RegisterSchema("t-value", avroText(s)); err != nil {
			t.Fatal(err)
		}
	}
	s := data.StructOf("R", data.F("n", data.Of(data.Int32)))
	d := data.NewStruct(s, data.I32(5)).Datum()
	c := openConverter(t, avroClass, r, connect.Props{"use.latest.version": "true", "auto.register.schemas": "false"})
	if got, want := data.Text(decoded(t, c, encoded(t, c, d)).Value), "Struct{more=yes,n=5}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	wide := data.StructOf("R", data.F("n", data.Of(data.Int32)), data.F("extra", data.Of(data.Bool)))
	d = data.NewStruct(wide, data.I32(5), data.B(true)).Datum()
	if _, err := c.Encode(nil, "t", nil, d); err == nil || !strings.Contains(connect.Trace(err), "has no field extra") {
		t.Errorf("a field that the latest schema has not: %v", err)
	}
	c = openConverter(t, avroClass, r, connect.Props{"use.latest.version": "true", "latest.compatibility.strict": "false"})
	if got, want := data.Text(decoded(t, c, encoded(t, c, d)).Value), "Struct{more=yes,n=5}"; got != want {
		t.Errorf("not strict: got %s, want %s", got, want)
	}
	c = openConverter(t, avroClass, r, connect.Props{"use.schema.id": "1"})
	if b := encoded(t, c, data.NewStruct(s, data.I32(5)).Datum()); string(b) != "\x00\x00\x00\x00\x01\x0a" {
		t.Errorf("by id 1: %x", b)
	}
}

// TestReferences reads schemas that refer to schemas of other subjects.
func TestReferences(t *testing.T) {
	r := fakeRegistry(t)
	seed := func(subject, schema string, refs ...sr.SchemaReference) int {
		id, _, err := r.RegisterSchema(subject, sr.Schema{Schema: schema, Type: sr.TypeAvro, References: refs})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	seed("leaf", `{"type":"record","name":"a.Leaf","fields":[{"name":"n","type":"int"}]}`)
	seed("twig", `{"type":"record","name":"a.Twig","fields":[{"name":"leaf","type":"Leaf"}]}`, sr.SchemaReference{Name: "a.Leaf", Subject: "leaf", Version: 1})
	id := seed("t-value", `{"type":"record","name":"b.Tree","fields":[{"name":"twig","type":"a.Twig"}]}`, sr.SchemaReference{Name: "a.Twig", Subject: "twig", Version: 1})
	d := decoded(t, openConverter(t, avroClass, r, nil), []byte{0, 0, 0, 0, byte(id), 14})
	if got, want := data.Text(d.Value), "Struct{twig=Struct{leaf=Struct{n=7}}}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestCredentials(t *testing.T) {
	const header = "Basic dXNlcjpwOnNz" // user:p:ss
	r := fakeRegistry(t, srfake.WithAuth(header))
	d := data.Datum{Schema: data.Of(data.String), Value: data.Str("x")}
	u, err := url.Parse(r.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("user", "p:ss")
	for _, p := range []connect.Props{
		{"basic.auth.credentials.source": "USER_INFO", "basic.auth.user.info": "user:p:ss"},
		{"basic.auth.credentials.source": "USER_INFO", "schema.registry.basic.auth.user.info": "user:p:ss"},
		{"schema.registry.url": u.String()},
		{"request.header.Authorization": header},
	} {
		encoded(t, openConverter(t, avroClass, r, p), d)
	}
	_, err = openConverter(t, avroClass, r, connect.Props{"basic.auth.credentials.source": "USER_INFO", "basic.auth.user.info": "user:wrong"}).Encode(nil, "t", nil, d)
	if err == nil || !strings.Contains(connect.Trace(err), "basic.auth.user.info") || strings.Contains(connect.Trace(err), "wrong") {
		t.Errorf("a wrong password: %v", err)
	}
	token := fakeRegistry(t, srfake.WithAuth("Bearer abc"))
	encoded(t, openConverter(t, avroClass, token, connect.Props{"bearer.auth.token": "abc"}), d)
}

// TestRegistryAway sees that a registry that cannot serve is asked again, and
// that the task is told to try again when it stays away.
func TestRegistryAway(t *testing.T) {
	r := fakeRegistry(t)
	n := 0
	r.Intercept(func(w http.ResponseWriter, _ *http.Request) bool {
		n++
		if n <= 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return n <= 2
	})
	d := data.Datum{Schema: data.Of(data.String), Value: data.Str("x")}
	encoded(t, openConverter(t, avroClass, r, nil), d)
	if n != 3 {
		t.Errorf("%d requests", n)
	}
	c := openConverter(t, avroClass, r, connect.Props{"max.retries": "0"})
	r.Close()
	_, err := c.Encode(nil, "t", nil, d)
	if _, again := connect.RetryAfter(err); !again {
		t.Errorf("a registry that is away: %v", err)
	}
}

// TestTLS reaches the registry through TLS, by what its certificate is checked.
func TestTLS(t *testing.T) {
	r := fakeRegistry(t)
	target, err := url.Parse(r.URL())
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(target))
	t.Cleanup(front.Close)
	front.Config.ErrorLog = log.New(io.Discard, "", 0)
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	d := data.Datum{Schema: data.Of(data.String), Value: data.Str("x")}
	for name, props := range map[string]connect.Props{
		"file":    {"schema.registry.ssl.truststore.location": file, "schema.registry.ssl.truststore.type": "PEM"},
		"no name": {"schema.registry.ssl.truststore.location": file, "schema.registry.ssl.truststore.type": "PEM", "schema.registry.ssl.endpoint.identification.algorithm": ""},
		"text": {
			"schema.registry.ssl.truststore.certificates": strings.ReplaceAll(string(cert), "\n", " "),
			"schema.registry.ssl.truststore.type":         "PEM", "schema.registry.ssl.enabled.protocols": "TLSv1.3",
		},
	} {
		props["schema.registry.url"] = front.URL
		c := openConverter(t, avroClass, r, props)
		if _, err := c.Encode(nil, "t", nil, d); err != nil {
			t.Errorf("%s: %s", name, connect.Trace(err))
		}
	}
	c := openConverter(t, avroClass, r, connect.Props{"schema.registry.url": front.URL, "max.retries": "0"})
	if _, err := c.Encode(nil, "t", nil, d); err == nil || !strings.Contains(connect.Trace(err), "certificate") {
		t.Errorf("an unknown certificate: %v", err)
	}
}

func TestBadConfiguration(t *testing.T) {
	for name, props := range map[string]connect.Props{
		"no address":          {},
		"no such scheme":      {"schema.registry.url": "user:secret@host:8081"},
		"no user info":        {"schema.registry.url": "http://h", "basic.auth.credentials.source": "USER_INFO"},
		"unknown strategy":    {"schema.registry.url": "http://h", "value.subject.name.strategy": "com.acme.Mine"},
		"unsupported":         {"schema.registry.url": "http://h", "rule.executors": "x"},
		"no such trust store": {"schema.registry.url": "http://h", "schema.registry.ssl.truststore.location": "/no/such"},
	} {
		plugin, _ := connect.Registered.Converters.Find(avroClass)
		_, err := plugin.Open(props, false)
		if err == nil || connect.ClassOf(err) != connect.ConfigException || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
