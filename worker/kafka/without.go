package kafka

// lacking describes a setting of Java's clients that has no counterpart.
type lacking struct {
	kinds    Kind
	reason   string
	harmless []string // values that ask for what happens anyway
}

const (
	anyConsumer = Consumer | Group
	anyClient   = Producer | Consumer | Group | Admin

	noJMX      = "there are no JMX metrics; see the worker's Prometheus endpoint"
	noJVM      = "it configures the Java virtual machine"
	noClasses  = "Java classes cannot be loaded"
	noKerberos = "Kerberos is not supported"
	fixed      = "Connect's clients read and write bytes"
	noJWTCheck = "it is for brokers, or for tokens that the client signs itself"
	oneBackoff = "there is one back-off for requests and connections, set with retry.backoff.ms and retry.backoff.max.ms"
)

// without lists the settings of the clients of Kafka 4.3 that have no
// counterpart, each with the reason.
var without = map[string]lacking{
	"key.serializer":     {Producer, fixed, []string{"org.apache.kafka.common.serialization.ByteArraySerializer"}},
	"value.serializer":   {Producer, fixed, []string{"org.apache.kafka.common.serialization.ByteArraySerializer"}},
	"key.deserializer":   {anyConsumer, fixed, []string{"org.apache.kafka.common.serialization.ByteArrayDeserializer"}},
	"value.deserializer": {anyConsumer, fixed, []string{"org.apache.kafka.common.serialization.ByteArrayDeserializer"}},

	"interceptor.classes":                      {Producer | anyConsumer, noClasses, []string{""}},
	"metric.reporters":                         {anyClient, noJMX, []string{"", "org.apache.kafka.common.metrics.JmxReporter"}},
	"auto.include.jmx.reporter":                {anyClient, noJMX, []string{"false"}},
	"metrics.num.samples":                      {anyClient, noJMX, nil},
	"metrics.recording.level":                  {anyClient, noJMX, nil},
	"metrics.sample.window.ms":                 {anyClient, noJMX, nil},
	"security.providers":                       {anyClient, noJVM, []string{""}},
	"config.providers":                         {anyClient, "the worker resolves references before clients see them", []string{""}},
	"receive.buffer.bytes":                     {anyClient, "the operating system sizes socket buffers", []string{"-1"}},
	"send.buffer.bytes":                        {anyClient, "the operating system sizes socket buffers", []string{"-1"}},
	"reconnect.backoff.ms":                     {anyClient, oneBackoff, nil},
	"reconnect.backoff.max.ms":                 {anyClient, oneBackoff, nil},
	"metadata.recovery.strategy":               {anyClient, "the client always goes back to bootstrap.servers", []string{"rebootstrap", "REBOOTSTRAP"}},
	"metadata.recovery.rebootstrap.trigger.ms": {anyClient, "the client goes back to bootstrap.servers whenever no other broker answers", nil},
	"socket.connection.setup.timeout.max.ms":   {anyClient, "socket.connection.setup.timeout.ms is the only limit on connecting", nil},
	"bootstrap.controllers":                    {Admin, "a worker speaks to brokers", []string{""}},

	"metadata.max.idle.ms":                {Producer, "topics are forgotten when they are deleted", nil},
	"partitioner.availability.timeout.ms": {Producer, "partitions without a leader are left out at once", []string{"0"}},
	"transaction.two.phase.commit.enable": {Producer, "Connect commits its transactions itself", []string{"false"}},

	"exclude.internal.topics":                           {anyConsumer, "topics.regex never takes Kafka's internal topics", []string{"true"}},
	"auto.commit.interval.ms":                           {anyConsumer, "Connect commits offsets itself, see offset.flush.interval.ms", nil},
	"internal.throw.on.fetch.stable.offset.unsupported": {anyConsumer, "it is internal to Java's consumer", nil},
	"share.acknowledgement.mode":                        {anyConsumer, "sink tasks are members of consumer groups, not share groups", []string{"implicit"}},
	"share.acquire.mode":                                {anyConsumer, "sink tasks are members of consumer groups, not share groups", nil},

	"sasl.client.callback.handler.class":       {anyClient, noClasses, nil},
	"sasl.login.class":                         {anyClient, noClasses, nil},
	"sasl.kerberos.kinit.cmd":                  {anyClient, noKerberos, nil},
	"sasl.kerberos.min.time.before.relogin":    {anyClient, noKerberos, nil},
	"sasl.kerberos.service.name":               {anyClient, noKerberos, nil},
	"sasl.kerberos.ticket.renew.jitter":        {anyClient, noKerberos, nil},
	"sasl.kerberos.ticket.renew.window.factor": {anyClient, noKerberos, nil},
	"sasl.login.refresh.window.jitter":         {anyClient, "tokens are renewed without jitter", nil},
	"sasl.login.refresh.min.period.seconds":    {anyClient, "tokens are renewed when a connection needs one", nil},
	"sasl.login.refresh.buffer.seconds":        {anyClient, "see sasl.login.refresh.window.factor", nil},
	"sasl.login.retry.backoff.ms":              {anyClient, "connections are retried with retry.backoff.ms", nil},
	"sasl.login.retry.backoff.max.ms":          {anyClient, "connections are retried with retry.backoff.max.ms", nil},

	"sasl.oauthbearer.assertion.algorithm":                {anyClient, noJWTCheck, nil},
	"sasl.oauthbearer.assertion.claim.aud":                {anyClient, noJWTCheck, nil},
	"sasl.oauthbearer.assertion.claim.exp.seconds":        {anyClient, noJWTCheck, nil},
	"sasl.oauthbearer.assertion.claim.iss":                {anyClient, noJWTCheck, nil},
	"sasl.oauthbearer.assertion.claim.jti.include":        {anyClient, noJWTCheck, nil},
	"sasl.oauthbearer.assertion.claim.nbf.seconds":        {anyClient, noJWTCheck, nil},
	"sasl.oauthbearer.assertion.claim.sub":                {anyClient, noJWTCheck, nil},
	"sasl.oauthbearer.assertion.file":                     {anyClient, noJWTCheck, nil},
	"sasl.oauthbearer.assertion.private.key.file":         {anyClient, noJWTCheck, nil},
	"sasl.oauthbearer.assertion.private.key.passphrase":   {anyClient, noJWTCheck, nil},
	"sasl.oauthbearer.assertion.template.file":            {anyClient, noJWTCheck, nil},
	"sasl.oauthbearer.clock.skew.seconds":                 {anyClient, noJWTCheck, nil},
	"sasl.oauthbearer.expected.audience":                  {anyClient, noJWTCheck, nil},
	"sasl.oauthbearer.expected.issuer":                    {anyClient, noJWTCheck, nil},
	"sasl.oauthbearer.jwks.endpoint.refresh.ms":           {anyClient, noJWTCheck, nil},
	"sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms": {anyClient, noJWTCheck, nil},
	"sasl.oauthbearer.jwks.endpoint.retry.backoff.ms":     {anyClient, noJWTCheck, nil},
	"sasl.oauthbearer.jwks.endpoint.url":                  {anyClient, noJWTCheck, nil},
	"sasl.oauthbearer.jwt.retriever.class":                {anyClient, noClasses, []string{"org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever", "org.apache.kafka.common.security.oauthbearer.ClientCredentialsJwtRetriever", "org.apache.kafka.common.security.oauthbearer.FileJwtRetriever"}},
	"sasl.oauthbearer.jwt.validator.class":                {anyClient, noClasses, []string{"org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator", "org.apache.kafka.common.security.oauthbearer.ClientJwtValidator"}},
	"sasl.oauthbearer.scope.claim.name":                   {anyClient, noJWTCheck, []string{"scope"}},
	"sasl.oauthbearer.sub.claim.name":                     {anyClient, noJWTCheck, []string{"sub"}},

	"ssl.engine.factory.class":         {anyClient, noClasses, nil},
	"ssl.keymanager.algorithm":         {anyClient, noJVM, []string{"SunX509", "PKIX"}},
	"ssl.trustmanager.algorithm":       {anyClient, noJVM, []string{"SunX509", "PKIX"}},
	"ssl.provider":                     {anyClient, noJVM, []string{""}},
	"ssl.secure.random.implementation": {anyClient, noJVM, []string{"", "SHA1PRNG"}},
}
