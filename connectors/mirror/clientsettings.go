package mirror

import (
	"strconv"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
)

const none = "\x00none"

// clientSettings are the security settings of Kafka's clients. Java declares
// them for its connectors too, though what a connector's clients read stands
// under source.cluster. and target.cluster.: name, type, default, importance.
var clientSettings = [][4]string{
	{"ssl.protocol", "STRING", "TLSv1.3", "MEDIUM"},
	{"ssl.provider", "STRING", none, "MEDIUM"},
	{"ssl.cipher.suites", "LIST", "", "LOW"},
	{"ssl.enabled.protocols", "LIST", "TLSv1.2,TLSv1.3", "MEDIUM"},
	{"ssl.keystore.type", "STRING", "JKS", "MEDIUM"},
	{"ssl.keystore.location", "STRING", none, "HIGH"},
	{"ssl.keystore.password", "PASSWORD", none, "HIGH"},
	{"ssl.key.password", "PASSWORD", none, "HIGH"},
	{"ssl.keystore.key", "PASSWORD", none, "HIGH"},
	{"ssl.keystore.certificate.chain", "PASSWORD", none, "HIGH"},
	{"ssl.truststore.certificates", "PASSWORD", none, "HIGH"},
	{"ssl.truststore.type", "STRING", "JKS", "MEDIUM"},
	{"ssl.truststore.location", "STRING", none, "HIGH"},
	{"ssl.truststore.password", "PASSWORD", none, "HIGH"},
	{"ssl.keymanager.algorithm", "STRING", "SunX509", "LOW"},
	{"ssl.trustmanager.algorithm", "STRING", "PKIX", "LOW"},
	{"ssl.endpoint.identification.algorithm", "STRING", "https", "LOW"},
	{"ssl.secure.random.implementation", "STRING", none, "LOW"},
	{"ssl.engine.factory.class", "CLASS", none, "LOW"},
	{"sasl.kerberos.service.name", "STRING", none, "MEDIUM"},
	{"sasl.kerberos.kinit.cmd", "STRING", "/usr/bin/kinit", "LOW"},
	{"sasl.kerberos.ticket.renew.window.factor", "DOUBLE", "0.8", "LOW"},
	{"sasl.kerberos.ticket.renew.jitter", "DOUBLE", "0.05", "LOW"},
	{"sasl.kerberos.min.time.before.relogin", "LONG", "60000", "LOW"},
	{"sasl.login.refresh.window.factor", "DOUBLE", "0.8", "LOW"},
	{"sasl.login.refresh.window.jitter", "DOUBLE", "0.05", "LOW"},
	{"sasl.login.refresh.min.period.seconds", "SHORT", "60", "LOW"},
	{"sasl.login.refresh.buffer.seconds", "SHORT", "300", "LOW"},
	{"sasl.mechanism", "STRING", "GSSAPI", "MEDIUM"},
	{"sasl.jaas.config", "PASSWORD", none, "MEDIUM"},
	{"sasl.client.callback.handler.class", "CLASS", none, "MEDIUM"},
	{"sasl.login.callback.handler.class", "CLASS", none, "MEDIUM"},
	{"sasl.login.class", "CLASS", none, "MEDIUM"},
	{"sasl.login.connect.timeout.ms", "INT", none, "LOW"},
	{"sasl.login.read.timeout.ms", "INT", none, "LOW"},
	{"sasl.login.retry.backoff.max.ms", "LONG", "10000", "LOW"},
	{"sasl.login.retry.backoff.ms", "LONG", "100", "LOW"},
	{"sasl.oauthbearer.jwt.retriever.class", "CLASS", "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever", "MEDIUM"},
	{"sasl.oauthbearer.jwt.validator.class", "CLASS", "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator", "MEDIUM"},
	{"sasl.oauthbearer.scope", "STRING", none, "MEDIUM"},
	{"sasl.oauthbearer.client.credentials.client.id", "STRING", none, "MEDIUM"},
	{"sasl.oauthbearer.client.credentials.client.secret", "PASSWORD", none, "MEDIUM"},
	{"sasl.oauthbearer.assertion.algorithm", "STRING", "RS256", "MEDIUM"},
	{"sasl.oauthbearer.assertion.claim.aud", "STRING", none, "MEDIUM"},
	{"sasl.oauthbearer.assertion.claim.exp.seconds", "INT", "300", "LOW"},
	{"sasl.oauthbearer.assertion.claim.iss", "STRING", none, "MEDIUM"},
	{"sasl.oauthbearer.assertion.claim.jti.include", "BOOLEAN", "false", "MEDIUM"},
	{"sasl.oauthbearer.assertion.claim.nbf.seconds", "INT", "60", "LOW"},
	{"sasl.oauthbearer.assertion.claim.sub", "STRING", none, "MEDIUM"},
	{"sasl.oauthbearer.assertion.file", "STRING", none, "MEDIUM"},
	{"sasl.oauthbearer.assertion.private.key.file", "STRING", none, "MEDIUM"},
	{"sasl.oauthbearer.assertion.private.key.passphrase", "PASSWORD", none, "MEDIUM"},
	{"sasl.oauthbearer.assertion.template.file", "STRING", none, "MEDIUM"},
	{"sasl.oauthbearer.scope.claim.name", "STRING", "scope", "LOW"},
	{"sasl.oauthbearer.sub.claim.name", "STRING", "sub", "LOW"},
	{"sasl.oauthbearer.token.endpoint.url", "STRING", none, "MEDIUM"},
	{"sasl.oauthbearer.jwks.endpoint.url", "STRING", none, "MEDIUM"},
	{"sasl.oauthbearer.jwks.endpoint.refresh.ms", "LONG", "3600000", "LOW"},
	{"sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", "LONG", "10000", "LOW"},
	{"sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", "LONG", "100", "LOW"},
	{"sasl.oauthbearer.clock.skew.seconds", "INT", "30", "LOW"},
	{"sasl.oauthbearer.expected.audience", "LIST", "", "HIGH"},
	{"sasl.oauthbearer.expected.issuer", "STRING", none, "HIGH"},
	{"sasl.oauthbearer.header.urlencode", "BOOLEAN", "false", "LOW"},
}

const clientSettingDoc = "A setting of Kafka's clients. It has an effect under source.cluster. and target.cluster., such as source.cluster."

// defineClientSettings declares them. None of their values is used, and so
// none of them is in the README.
func defineClientSettings(d *connect.ConfigDef) {
	for _, s := range clientSettings {
		name, def, doc := s[0], s[2], clientSettingDoc+s[0]+"."
		is := connect.Importance(s[3])
		number := func() int { n, _ := strconv.Atoi(def); return n } // of the table above
		switch s[1] {
		case "STRING":
			unused(d.String(new(string), name), def == none, def).Is(is).Doc(doc).Check(stringChecks[name]...)
		case "PASSWORD":
			unused(d.Password(new(connect.Secret), name), true, "").Is(is).Doc(doc)
		case "CLASS":
			unused(d.Class(new(string), name), def == none, def).Is(is).Doc(doc)
		case "BOOLEAN":
			unused(d.Boolean(new(bool), name), false, def == "true").Is(is).Doc(doc)
		case "INT":
			unused(d.Int(new(int), name), def == none, number()).Is(is).Doc(doc).Check(intChecks[name]...)
		case "SHORT":
			unused(d.Short(new(int), name), false, number()).Is(is).Doc(doc).Check(intChecks[name]...)
		case "LONG":
			unused(d.Long(new(int64), name), false, int64(number())).Is(is).Doc(doc)
		case "DOUBLE":
			f, _ := strconv.ParseFloat(def, 64)
			unused(d.Double(new(float64), name), false, f).Is(is).Doc(doc).Check(doubleChecks[name]...)
		case "LIST":
			list := []string{}
			if def != "" {
				list = strings.Split(def, ",")
			}
			unused(d.List(new([]string), name), false, list).Is(is).Doc(doc).Check(connect.ListOf())
		}
	}
}

func unused[T any](f *connect.Field[T], null bool, def T) *connect.Field[T] {
	if null {
		return f.OrNone().Unlisted()
	}
	return f.Default(def).Unlisted()
}

var (
	stringChecks = map[string][]connect.Check[string]{
		"sasl.oauthbearer.assertion.algorithm": {connect.OneOfFold("es256", "rs256")},
	}
	intChecks = map[string][]connect.Check[int]{
		"sasl.login.refresh.min.period.seconds":        {connect.Between(0, 900)},
		"sasl.login.refresh.buffer.seconds":            {connect.Between(0, 3600)},
		"sasl.oauthbearer.assertion.claim.exp.seconds": {connect.Between(0, 86400)},
		"sasl.oauthbearer.assertion.claim.nbf.seconds": {connect.Between(0, 3600)},
	}
	doubleChecks = map[string][]connect.Check[float64]{
		"sasl.login.refresh.window.factor": {connect.Between(0.5, 1.0)},
		"sasl.login.refresh.window.jitter": {connect.Between(0.0, 0.25)},
	}
)
