package kafka

import (
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Java's login modules.
const (
	plainModule = "org.apache.kafka.common.security.plain.PlainLoginModule"
	scramModule = "org.apache.kafka.common.security.scram.ScramLoginModule"
	oauthModule = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
)

// sasl returns how the client proves who it is.
func (s *security) sasl() (sasl.Mechanism, error) {
	module := ""
	switch s.mechanism {
	case "PLAIN":
		module = plainModule
	case "SCRAM-SHA-256", "SCRAM-SHA-512":
		module = scramModule
	case "OAUTHBEARER":
		module = oauthModule
	case "GSSAPI":
		return nil, connect.ConfigErrorf("Invalid value GSSAPI for configuration sasl.mechanism: Kerberos is not supported (GSSAPI is also the default when sasl.mechanism is not set); use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER, or TLS client certificates with security.protocol=SSL")
	default:
		return nil, connect.ConfigErrorf("Invalid value %s for configuration sasl.mechanism: the supported mechanisms are PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER", s.mechanism)
	}
	if s.jaas == "" && s.mechanism == "OAUTHBEARER" && s.oauth.tokenURL != "" {
		s.jaas = connect.Secret(oauthModule + " required;") // all in properties, as 4.1 and later allow
	}
	if s.jaas == "" {
		return nil, connect.Errorf(illegalArgument, "Could not find a 'KafkaClient' entry in the JAAS configuration: sasl.jaas.config is needed with security.protocol=%s (a file named by java.security.auth.login.config is not read)", s.protocol)
	}
	l, err := parseJAAS(string(s.jaas))
	if err != nil {
		return nil, err
	}
	// Confluent's and other relocated modules keep the simple name.
	if simple := module[strings.LastIndexByte(module, '.'):]; !strings.HasSuffix(l.module, simple) {
		return nil, connect.ConfigErrorf("Invalid login module %s in sasl.jaas.config: sasl.mechanism %s needs %s", l.module, s.mechanism, module)
	}
	if s.mechanism == "OAUTHBEARER" {
		return s.oauth.mechanism(l, s.loginHandler)
	}
	if s.loginHandler != "" {
		s.unsupported = append(s.unsupported, Unsupported{"sasl.login.callback.handler.class", noClasses})
	}
	user, pass := l.options["username"], l.options["password"]
	if user == "" || pass == "" {
		return nil, connect.ConfigErrorf("sasl.jaas.config needs username and password for sasl.mechanism %s", s.mechanism)
	}
	switch a := (scram.Auth{User: user, Pass: pass, IsToken: l.options["tokenauth"] == "true"}); s.mechanism {
	case "SCRAM-SHA-256":
		return a.AsSha256Mechanism(), nil
	case "SCRAM-SHA-512":
		return a.AsSha512Mechanism(), nil
	}
	return plain.Auth{User: user, Pass: pass}.AsMechanism(), nil
}
