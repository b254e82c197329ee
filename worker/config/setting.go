package config

import (
	"strconv"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A setting is a row of a table of settings that nobody here reads: they are
// declared so that they are checked, known by name and shown, and go on to the
// Kafka clients as text.
type setting struct {
	name, typ, def string // def: none or required, or the default as text
	is             connect.Importance
	doc            string
	check          any // a connect.Check of the type's Go type, or nil
}

const (
	none     = "\x00none"
	required = "\x00required"
)

func (s setting) define(d *connect.ConfigDef) {
	switch s.typ {
	case "STRING":
		declare(d.String(new(string), s.name), s, func(t string) string { return t })
	case "PASSWORD":
		declare(d.Password(new(connect.Secret), s.name), s, func(t string) connect.Secret { return connect.Secret(t) })
	case "CLASS":
		declare(d.ClassIn(new(string), s.name, kafkaClass), s, func(t string) string { return t })
	case "BOOLEAN":
		declare(d.Boolean(new(bool), s.name), s, func(t string) bool { return t == "true" })
	case "INT":
		declare(d.Int(new(int), s.name), s, atoi)
	case "SHORT":
		declare(d.Short(new(int), s.name), s, atoi)
	case "LONG":
		declare(d.Long(new(int64), s.name), s, func(t string) int64 { return int64(atoi(t)) })
	case "DOUBLE":
		declare(d.Double(new(float64), s.name), s, func(t string) float64 {
			n, err := strconv.ParseFloat(t, 64)
			if err != nil {
				panic("config: default " + t)
			}
			return n
		})
	case "LIST":
		declare(d.List(new([]string), s.name), s, func(t string) []string {
			if t == "" {
				return []string{}
			}
			return strings.Split(t, ",")
		})
	default:
		panic("config: no type " + s.typ)
	}
}

func defineAll(d *connect.ConfigDef, table []setting) {
	for _, s := range table {
		s.define(d)
	}
}

func declare[T any](f *connect.Field[T], s setting, parse func(string) T) {
	switch s.def {
	case required:
	case none:
		f.OrNone()
	default:
		f.Default(parse(s.def))
	}
	if s.check != nil {
		f.Check(s.check.(connect.Check[T]))
	}
	f.Is(s.is).Doc(s.doc)
}

func atoi(t string) int {
	n, err := strconv.Atoi(t)
	if err != nil {
		panic("config: default " + t)
	}
	return n
}

// kafkaClasses are classes that settings of Kafka clients name and that have a
// counterpart here, or that are harmless to name because they are the defaults.
var kafkaClasses = []string{
	"org.apache.kafka.clients.producer.RoundRobinPartitioner",
	"org.apache.kafka.common.security.authenticator.AbstractLogin",
	"org.apache.kafka.common.security.authenticator.DefaultLogin",
	"org.apache.kafka.common.security.authenticator.SaslClientCallbackHandler",
	"org.apache.kafka.common.security.kerberos.KerberosClientCallbackHandler",
	"org.apache.kafka.common.security.kerberos.KerberosLogin",
	"org.apache.kafka.common.security.oauthbearer.BrokerJwtValidator",
	"org.apache.kafka.common.security.oauthbearer.ClientCredentialsJwtRetriever",
	"org.apache.kafka.common.security.oauthbearer.ClientJwtValidator",
	"org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever",
	"org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator",
	"org.apache.kafka.common.security.oauthbearer.FileJwtRetriever",
	"org.apache.kafka.common.security.oauthbearer.JwtBearerJwtRetriever",
	"org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
	"org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule",
	"org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler",
	"org.apache.kafka.common.security.ssl.DefaultSslEngineFactory",
	"org.apache.kafka.common.serialization.ByteArrayDeserializer",
	"org.apache.kafka.common.serialization.ByteArraySerializer",
	"software.amazon.msk.auth.iam.IAMClientCallbackHandler",
}

func kafkaClass(name string) (string, bool) {
	for _, c := range kafkaClasses {
		if c == name {
			return c, true
		}
	}
	return "", false
}
