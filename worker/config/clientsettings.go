package config

import "github.com/millwright-connect/millwright/connectors/connect"

const (
	high   = connect.High
	medium = connect.Medium
	low    = connect.Low
)

var (
	notNegative     = connect.AtLeast[int64](0)
	notNegativeInt  = connect.AtLeast(0)
	minusOneOrMore  = connect.AtLeast(-1)
	anyList         = connect.ListOf()
	securityProtos  = connect.OneOfFold("sasl_ssl", "plaintext", "ssl", "sasl_plaintext")
	recoveryChoices = connect.OneOfFold("rebootstrap", "none")
)

// tlsSettings are the ssl. settings of every client and of the REST server.
var tlsSettings = []setting{
	{"ssl.protocol", "STRING", "TLSv1.3", medium, "Newest TLS version to offer.", nil},
	{"ssl.provider", "STRING", none, medium, "Java security provider; without meaning here.", nil},
	{"ssl.cipher.suites", "LIST", "", low, "Cipher suites to allow for TLS 1.2, by their IANA names; empty: a safe choice.", anyList},
	{"ssl.enabled.protocols", "LIST", "TLSv1.2,TLSv1.3", medium, "TLS versions to allow.", anyList},
	{"ssl.keystore.type", "STRING", "JKS", medium, "Form of the key store: JKS, PKCS12 or PEM.", nil},
	{"ssl.keystore.location", "STRING", none, high, "File with the private key and its certificates.", nil},
	{"ssl.keystore.password", "PASSWORD", none, high, "Password of the key store.", nil},
	{"ssl.key.password", "PASSWORD", none, high, "Password of the private key.", nil},
	{"ssl.keystore.key", "PASSWORD", none, high, "Private key itself, as PEM (PKCS #8).", nil},
	{"ssl.keystore.certificate.chain", "PASSWORD", none, high, "Certificates of the private key, as PEM.", nil},
	{"ssl.truststore.certificates", "PASSWORD", none, high, "Certificates to trust, as PEM.", nil},
	{"ssl.truststore.type", "STRING", "JKS", medium, "Form of the trust store: JKS, PKCS12 or PEM.", nil},
	{"ssl.truststore.location", "STRING", none, high, "File with the certificates to trust; the system's when not set.", nil},
	{"ssl.truststore.password", "PASSWORD", none, high, "Password of the trust store.", nil},
	{"ssl.keymanager.algorithm", "STRING", "SunX509", low, "Java key manager; without meaning here.", nil},
	{"ssl.trustmanager.algorithm", "STRING", "PKIX", low, "Java trust manager; without meaning here.", nil},
	{"ssl.endpoint.identification.algorithm", "STRING", "https", low, "https: the server's name must be that of its certificate; empty: it is not checked.", nil},
	{"ssl.secure.random.implementation", "STRING", none, low, "Java random number source; without meaning here.", nil},
	{"ssl.engine.factory.class", "CLASS", none, low, "Java class that makes TLS engines.", nil},
}

// saslSettings are the sasl. settings of every client.
var saslSettings = []setting{
	{"sasl.kerberos.service.name", "STRING", none, medium, "Kerberos principal name that the brokers run as.", nil},
	{"sasl.kerberos.kinit.cmd", "STRING", "/usr/bin/kinit", low, "Path of kinit.", nil},
	{"sasl.kerberos.ticket.renew.window.factor", "DOUBLE", "0.8", low, "Share of a ticket's life after which it is renewed.", nil},
	{"sasl.kerberos.ticket.renew.jitter", "DOUBLE", "0.05", low, "Random share added to the time of renewal.", nil},
	{"sasl.kerberos.min.time.before.relogin", "LONG", "60000", low, "Least time between two logins, in milliseconds.", nil},
	{"sasl.login.refresh.window.factor", "DOUBLE", "0.8", low, "Share of a token's life after which it is renewed.", connect.Between(0.5, 1.0)},
	{"sasl.login.refresh.window.jitter", "DOUBLE", "0.05", low, "Random share of a token's life added to the time of renewal.", connect.Between(0.0, 0.25)},
	{"sasl.login.refresh.min.period.seconds", "SHORT", "60", low, "Least time between two renewals of a token, in seconds.", connect.Between(0, 900)},
	{"sasl.login.refresh.buffer.seconds", "SHORT", "300", low, "Time before a token ends by which it is renewed, in seconds.", connect.Between(0, 3600)},
	{"sasl.mechanism", "STRING", "GSSAPI", medium, "SASL mechanism: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or GSSAPI.", nil},
	{"sasl.jaas.config", "PASSWORD", none, medium, "Credentials in the form of a JAAS login context.", nil},
	{"sasl.client.callback.handler.class", "CLASS", none, medium, "Java class of the SASL client's callbacks.", nil},
	{"sasl.login.callback.handler.class", "CLASS", none, medium, "Java class of the login's callbacks.", nil},
	{"sasl.login.class", "CLASS", none, medium, "Java class of the login.", nil},
	{"sasl.login.connect.timeout.ms", "INT", none, low, "Time allowed to connect to the authentication server, in milliseconds.", nil},
	{"sasl.login.read.timeout.ms", "INT", none, low, "Time allowed to read from the authentication server, in milliseconds.", nil},
	{"sasl.login.retry.backoff.max.ms", "LONG", "10000", low, "Longest wait between two tries to log in, in milliseconds.", nil},
	{"sasl.login.retry.backoff.ms", "LONG", "100", low, "First wait between two tries to log in, in milliseconds.", nil},
	{"sasl.oauthbearer.jwt.retriever.class", "CLASS", "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever", medium, "Java class that gets tokens.", nil},
	{"sasl.oauthbearer.jwt.validator.class", "CLASS", "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator", medium, "Java class that checks tokens.", nil},
	{"sasl.oauthbearer.scope", "STRING", none, medium, "Scope to ask for.", nil},
	{"sasl.oauthbearer.client.credentials.client.id", "STRING", none, medium, "Client id for the client credentials grant.", nil},
	{"sasl.oauthbearer.client.credentials.client.secret", "PASSWORD", none, medium, "Client secret for the client credentials grant.", nil},
	{"sasl.oauthbearer.assertion.algorithm", "STRING", "RS256", medium, "Signature algorithm of the assertion.", connect.OneOfFold("es256", "rs256")},
	{"sasl.oauthbearer.assertion.claim.aud", "STRING", none, medium, "Audience claim of the assertion.", nil},
	{"sasl.oauthbearer.assertion.claim.exp.seconds", "INT", "300", low, "Life of the assertion, in seconds.", connect.Between(0, 86400)},
	{"sasl.oauthbearer.assertion.claim.iss", "STRING", none, medium, "Issuer claim of the assertion.", nil},
	{"sasl.oauthbearer.assertion.claim.jti.include", "BOOLEAN", "false", medium, "Whether the assertion has an id claim.", nil},
	{"sasl.oauthbearer.assertion.claim.nbf.seconds", "INT", "60", low, "Time before now from which the assertion is valid, in seconds.", connect.Between(0, 3600)},
	{"sasl.oauthbearer.assertion.claim.sub", "STRING", none, medium, "Subject claim of the assertion.", nil},
	{"sasl.oauthbearer.assertion.file", "STRING", none, medium, "File with a ready assertion.", nil},
	{"sasl.oauthbearer.assertion.private.key.file", "STRING", none, medium, "File with the private key that signs the assertion, as PEM.", nil},
	{"sasl.oauthbearer.assertion.private.key.passphrase", "PASSWORD", none, medium, "Passphrase of the private key.", nil},
	{"sasl.oauthbearer.assertion.template.file", "STRING", none, medium, "File with headers and claims of the assertion, as JSON.", nil},
	{"sasl.oauthbearer.scope.claim.name", "STRING", "scope", low, "Name of the scope claim.", nil},
	{"sasl.oauthbearer.sub.claim.name", "STRING", "sub", low, "Name of the subject claim.", nil},
	{"sasl.oauthbearer.token.endpoint.url", "STRING", none, medium, "URL that gives tokens.", nil},
	{"sasl.oauthbearer.jwks.endpoint.url", "STRING", none, medium, "URL of the signing keys.", nil},
	{"sasl.oauthbearer.jwks.endpoint.refresh.ms", "LONG", "3600000", low, "Time between two reads of the signing keys, in milliseconds.", nil},
	{"sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", "LONG", "10000", low, "Longest wait between two tries to read the signing keys, in milliseconds.", nil},
	{"sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", "LONG", "100", low, "First wait between two tries to read the signing keys, in milliseconds.", nil},
	{"sasl.oauthbearer.clock.skew.seconds", "INT", "30", low, "Difference of clocks to allow for, in seconds.", nil},
	{"sasl.oauthbearer.expected.audience", "LIST", "", high, "Audiences to accept.", anyList},
	{"sasl.oauthbearer.expected.issuer", "STRING", none, high, "Issuer to accept.", nil},
	{"sasl.oauthbearer.header.urlencode", "BOOLEAN", "false", low, "Whether client id and secret are URL-encoded in the header.", nil},
}

// networkSettings are what the workers' own client and the connectors' clients
// share beyond TLS and SASL.
var networkSettings = []setting{
	{
		"client.dns.lookup", "STRING", "use_all_dns_ips", medium, "How the names of brokers become addresses.",
		connect.OneOf("use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"),
	},
	{"metadata.max.age.ms", "LONG", "300000", low, "Time after which metadata is read anew, in milliseconds.", notNegative},
	{"send.buffer.bytes", "INT", "131072", medium, "Size of the TCP send buffer; -1: the system's.", minusOneOrMore},
	{"reconnect.backoff.ms", "LONG", "50", low, "First wait before connecting again, in milliseconds.", notNegative},
	{"reconnect.backoff.max.ms", "LONG", "1000", low, "Longest wait before connecting again, in milliseconds.", notNegative},
	{"retry.backoff.ms", "LONG", "100", low, "First wait before a request is tried again, in milliseconds.", notNegative},
	{"retry.backoff.max.ms", "LONG", "1000", low, "Longest wait before a request is tried again, in milliseconds.", notNegative},
	{"security.protocol", "STRING", "PLAINTEXT", medium, "How to talk to brokers: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.", securityProtos},
	{"metadata.recovery.strategy", "STRING", "rebootstrap", low, "What to do when no known broker answers: rebootstrap or none.", recoveryChoices},
	{"metadata.recovery.rebootstrap.trigger.ms", "LONG", "300000", low, "Time without metadata after which the bootstrap servers are asked, in milliseconds.", notNegative},
}

// metricsSettings belong to the worker and to every client.
var metricsSettings = []setting{
	{"metrics.sample.window.ms", "LONG", "30000", low, "Length of a window of Java's sampled metrics, in milliseconds.", notNegative},
	{"metrics.num.samples", "INT", "2", low, "Windows of Java's sampled metrics.", connect.AtLeast(1)},
	{"metrics.recording.level", "STRING", "INFO", low, "Finest level of metrics.", connect.OneOf("INFO", "DEBUG")},
	{"metric.reporters", "LIST", "org.apache.kafka.common.metrics.JmxReporter", low, "Java classes that report metrics; here metrics are served over HTTP.", anyList},
}
