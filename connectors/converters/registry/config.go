package registry

import (
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// settings are the properties that all converters of the registry share, under
// Confluent's names.
type settings struct {
	urls      []string
	randomize bool

	autoRegister, useLatest, normalize, latestStrict, idStrict bool
	useID                                                      int
	latestTTL                                                  int
	cacheSize                                                  int
	keySubject, valueSubject                                   string

	credentials           string
	userInfo, oldUserInfo connect.Secret
	bearerSource          string
	bearerToken           connect.Secret
	connectTimeout        time.Duration
	readTimeout           time.Duration
	retries               int
	retryWait, retryMax   time.Duration
	proxyHost             string
	proxyPort             int
	headers               connect.Props
	tls                   tlsSettings
}

func (s *settings) Define(d *connect.ConfigDef) {
	d.List(&s.urls, "schema.registry.url").Is(connect.High).
		Doc("The addresses of the schema registry, in the order in which they are tried; they may hold user:password.")
	d.Boolean(&s.randomize, "schema.registry.url.randomize").Default(false).Is(connect.Low).
		Doc("Whether to begin with another of the addresses at each start.")
	d.Boolean(&s.autoRegister, "auto.register.schemas").Default(true).
		Doc("Whether schemas that the registry does not know under their subject are registered; otherwise they are refused.")
	d.Boolean(&s.useLatest, "use.latest.version").Default(false).Is(connect.Low).
		Doc("Whether records are written by the latest schema of the subject in place of their own; nothing is registered then.")
	d.Boolean(&s.latestStrict, "latest.compatibility.strict").Default(true).Is(connect.Low).
		Doc("With use.latest.version: whether the latest schema must be able to take every record; otherwise what does not fit it is left out.")
	d.Int(&s.latestTTL, "latest.cache.ttl.sec").Default(-1).Is(connect.Low).
		Doc("With use.latest.version: after how many seconds the registry is asked for the latest schema again; -1 is never.")
	d.Int(&s.useID, "use.schema.id").Default(-1).Is(connect.Low).
		Doc("The id of the schema that records are written by; -1 for their own. Nothing is registered then.")
	d.Boolean(&s.idStrict, "id.compatibility.strict").Default(true).Is(connect.Low).
		Doc("With use.schema.id: whether the schema must be able to take every record.")
	d.Boolean(&s.normalize, "normalize.schemas").Default(false).
		Doc("Whether the registry takes schemas for the same that differ in insignificant order only.")
	d.Int(&s.cacheSize, "max.schemas.per.subject").Default(1000).Is(connect.Low).Doc("How many schemas are kept at most.")
	d.ClassIn(&s.keySubject, "key.subject.name.strategy", subjectStrategy).Default(topicStrategy).
		Doc("Under which subject the schemas of keys are registered: TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy.")
	d.ClassIn(&s.valueSubject, "value.subject.name.strategy", subjectStrategy).Default(topicStrategy).
		Doc("Under which subject the schemas of values are registered: TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy.")
	d.String(&s.credentials, "basic.auth.credentials.source").Default("URL").Check(connect.OneOf("URL", "USER_INFO")).
		Doc("Where user and password are: in the address (URL), or in basic.auth.user.info (USER_INFO).")
	d.Password(&s.userInfo, "basic.auth.user.info").Default("").Doc("user:password for the registry.")
	d.Password(&s.oldUserInfo, "schema.registry.basic.auth.user.info").Default("").Doc("An older name of basic.auth.user.info.")
	d.String(&s.bearerSource, "bearer.auth.credentials.source").Default("STATIC_TOKEN").Check(connect.OneOf("STATIC_TOKEN")).
		Doc("Where the bearer token is: in bearer.auth.token.")
	d.Password(&s.bearerToken, "bearer.auth.token").Default("").Doc("A token sent in place of user and password.")
	d.IntMillis(&s.connectTimeout, "http.connect.timeout.ms").Default(60 * time.Second).Is(connect.Low).
		Doc("How long to wait for a connection to the registry.")
	d.IntMillis(&s.readTimeout, "http.read.timeout.ms").Default(60 * time.Second).Is(connect.Low).
		Doc("How long to wait for an answer of the registry.")
	d.Int(&s.retries, "max.retries").Default(3).Is(connect.Low).Doc("How often a request is repeated that the registry could not serve.")
	d.IntMillis(&s.retryWait, "retries.wait.ms").Default(time.Second).Is(connect.Low).Doc("How long to wait before the first repetition; it doubles.")
	d.IntMillis(&s.retryMax, "retries.max.wait.ms").Default(20 * time.Second).Is(connect.Low).Doc("How long to wait at most before a repetition.")
	d.String(&s.proxyHost, "proxy.host").Default("").Is(connect.Low).Doc("An HTTP proxy to reach the registry through.")
	d.Int(&s.proxyPort, "proxy.port").Default(-1).Is(connect.Low).Doc("The port of the HTTP proxy.")
	d.Prefixed(&s.headers, "request.header.", "Headers that are sent with each request: request.header.NAME=value.")
	s.tls.define(d, "schema.registry.ssl.")
	for _, u := range []struct{ name, harmless string }{
		{"use.latest.with.metadata", ""},
		{"use.schema.guid", ""},
		{"schema.format", ""},
		{"schema.reflection", "false"},
		{"propagate.schema.tags", "false"},
		{"rule.executors", ""},
		{"rule.actions", ""},
		{"schema.backup.enabled", "false"},
		{"context.name.strategy", "io.confluent.kafka.serializers.context.NullContextNameStrategy"},
		{"key.schema.id.serializer", prefixID},
		{"value.schema.id.serializer", prefixID},
		{"bearer.auth.issuer.endpoint.url", ""},
		{"bearer.auth.custom.provider.class", ""},
	} {
		d.Unsupported(u.name, "leave it out", u.harmless)
	}
}

// prefixID says that a record's schema id stands before its payload.
const prefixID = "io.confluent.kafka.serializers.schema.id.PrefixSchemaIdSerializer"

// client returns a client of the registry.
func (s *settings) client() (*client, error) {
	if len(s.urls) == 0 {
		return nil, connect.ConfigErrorf("Invalid value  for configuration schema.registry.url: give the address of a schema registry")
	}
	urls, user, err := s.addresses()
	if err != nil {
		return nil, err
	}
	config, err := s.tls.config()
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: s.connectTimeout}).DialContext,
		TLSClientConfig:     config,
		TLSHandshakeTimeout: s.connectTimeout,
		ForceAttemptHTTP2:   true,
		Proxy:               http.ProxyFromEnvironment,
		MaxIdleConns:        2,
		IdleConnTimeout:     time.Minute,
	}
	if s.proxyHost != "" {
		transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: net.JoinHostPort(s.proxyHost, strconv.Itoa(s.proxyPort))})
	}
	opts := []sr.ClientOpt{
		sr.URLs(urls...), sr.UserAgent("millwright"),
		sr.HTTPClient(&http.Client{Transport: transport, Timeout: s.connectTimeout + s.readTimeout}),
		sr.PreReq(func(r *http.Request) error {
			for name, value := range s.headers {
				r.Header.Set(name, value)
			}
			return nil
		}),
	}
	if s.normalize {
		opts = append(opts, sr.DefaultParams(sr.Normalize))
	}
	switch {
	case s.bearerToken != "":
		opts = append(opts, sr.BearerToken(string(s.bearerToken)))
	case user != nil:
		password, _ := user.Password()
		opts = append(opts, sr.BasicAuth(user.Username(), password))
	}
	cl, err := sr.NewClient(opts...)
	if err != nil {
		return nil, connect.ConfigErrorf("Invalid value %s for configuration schema.registry.url: %w", strings.Join(urls, ","), err)
	}
	return &client{cl: cl, settings: s, transport: transport, schemas: map[int]sr.Schema{}, guids: map[[16]byte]int{}}, nil
}

// addresses returns the addresses without, and then, the credentials.
func (s *settings) addresses() (urls []string, user *url.Userinfo, err error) {
	for _, text := range s.urls {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			if strings.Contains(text, "@") {
				text = "[hidden]" // may hold a password
			}
			return nil, nil, connect.ConfigErrorf("Invalid value %s for configuration schema.registry.url: not an address such as http://host:8081", text)
		}
		if user == nil && s.credentials == "URL" {
			user = u.User
		}
		u.User = nil
		urls = append(urls, u.String())
	}
	if s.credentials == "USER_INFO" {
		info := s.userInfo
		if info == "" {
			info = s.oldUserInfo
		}
		name, password, ok := strings.Cut(string(info), ":")
		if !ok {
			return nil, nil, connect.ConfigErrorf("Invalid value [hidden] for configuration basic.auth.user.info: give user:password, as basic.auth.credentials.source is USER_INFO")
		}
		user = url.UserPassword(name, password)
	}
	if s.randomize {
		at := rand.IntN(len(urls))
		urls = append(urls[at:len(urls):len(urls)], urls[:at]...)
	}
	return urls, user, nil
}
