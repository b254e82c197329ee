package mirror

import (
	"slices"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Java's names of what the properties of type CLASS can name here.
const (
	javaPackage           = "org.apache.kafka.connect.mirror."
	defaultPolicy         = javaPackage + "DefaultReplicationPolicy"
	identityPolicy        = javaPackage + "IdentityReplicationPolicy"
	defaultTopicFilter    = javaPackage + "DefaultTopicFilter"
	defaultGroupFilter    = javaPackage + "DefaultGroupFilter"
	defaultPropertyFilter = javaPackage + "DefaultConfigPropertyFilter"
	forwardingAdmin       = "org.apache.kafka.clients.admin.ForwardingAdmin"
)

// Prefixes of the settings of the clients. The longer a prefix, the more it
// weighs: target.producer.linger.ms is for the producers of the target cluster
// only, producer.linger.ms for both clusters'.
const (
	sourceCluster = "source.cluster."
	targetCluster = "target.cluster."
)

// Values of offset-syncs.topic.location.
const (
	atSource = "source"
	atTarget = "target"
)

// config is what the three connectors share.
type config struct {
	enabled        bool
	source, target string // aliases of the clusters
	adminTimeout   time.Duration
	policyClass    string
	formats        []string // without meaning here

	props connect.Props // as given
}

// Define declares the properties.
func (c *config) Define(d *connect.ConfigDef) {
	d.Common()
	d.Boolean(&c.enabled, "enabled").Default(true).Is(connect.Low).Doc("Whether to replicate source->target.")
	d.String(&c.source, "source.cluster.alias").Is(connect.High).Doc("Alias of source cluster")
	d.String(&c.target, "target.cluster.alias").Default("target").Is(connect.High).
		Doc("Alias of target cluster. Used in metrics reporting.")
	d.Millis(&c.adminTimeout, "admin.timeout.ms").Default(time.Minute).Is(connect.Low).
		Doc("Timeout for administrative tasks, e.g. detecting new topics.")
	d.ClassIn(&c.policyClass, "replication.policy.class", oneClassOf(defaultPolicy, identityPolicy)).Default(defaultPolicy).Is(connect.Low).
		Doc("Class which defines the remote topic naming convention.")
	d.String(new(string), "replication.policy.separator").Default(".").Is(connect.Low).
		Doc("Separator used in remote topic naming convention.")
	d.Boolean(new(bool), "replication.policy.internal.topic.separator.enabled").Default(true).Is(connect.Low).
		Doc("Whether to use replication.policy.separator to control the names of topics used for checkpoints and offset syncs. " +
			"By default, custom separators are used in these topic names; however, if upgrading MirrorMaker 2 from older versions " +
			"that did not allow for these topic names to be customized, it may be necessary to set this property to 'false' in order " +
			"to continue using the same names for those topics.")
	d.ClassIn(new(string), "forwarding.admin.class", oneClassOf(forwardingAdmin)).Default(forwardingAdmin).Is(connect.Low).
		Doc("Class which extends ForwardingAdmin to define custom cluster resource management (topics, configs, etc). " +
			"The class must have a constructor with signature <code>(Map<String, Object> config)</code> that is used to configure " +
			"a KafkaAdminClient and may also be used to configure clients for external systems if necessary.")
	d.List(new([]string), "metric.reporters").Default([]string{"org.apache.kafka.common.metrics.JmxReporter"}).Is(connect.Low).
		Check(connect.ListOf()).Unlisted().
		Doc("Java classes that report metrics; here metrics are served over HTTP.")
	d.String(new(string), "security.protocol").Default("PLAINTEXT").Unlisted().
		Check(connect.OneOfFold("sasl_ssl", "plaintext", "ssl", "sasl_plaintext")).
		Doc(clientSettingDoc + "security.protocol.")
	d.List(new([]string), "config.providers").Default([]string{}).Is(connect.Low).Check(connect.ListOf()).Unlisted().
		Doc("Names of sources of references; here the worker's resolve them.")
	defineClientSettings(d)
}

// prefixes says what else a connector's config may hold.
func (c *config) prefixes(d *connect.ConfigDef) {
	ignored := new(connect.Props) // they are read from props, some by more than one client
	for _, p := range [][2]string{
		{sourceCluster, "Settings of all clients of the source cluster: bootstrap.servers (required), security.protocol and those that begin with ssl. and sasl.."},
		{targetCluster, "The same for the target cluster."},
		{"source.consumer.", "Settings of the consumers of the source cluster. So, too, source.admin. and source.producer., and target. in place of source.."},
		{"consumer.", "Settings of the consumers of both clusters. So, too, admin. and producer.."},
	} {
		d.Prefixed(ignored, p[0], p[1])
	}
}

// oneClassOf takes the classes that Millwright has a counterpart of.
func oneClassOf(classes ...string) func(string) (string, bool) {
	return func(class string) (string, bool) { return class, slices.Contains(classes, class) }
}

// defineFormats declares the last property: class is the simple name of the
// connector's, labels are those that its metrics have in Java.
func (c *config) defineFormats(d *connect.ConfigDef, class, labels string) {
	d.List(&c.formats, "metric.names.formats").Default([]string{"legacy"}).Is(connect.Low).Check(connect.NonEmptyListOf("legacy", "new")).
		Doc("Deprecated. The formats in which metrics are emitted. Valid values are legacy and new. When set to legacy, the metrics have the " +
			"following name \"kafka.connect.mirror:type=" + class + "," + labels + "\". When set to new, the metrics have the following name " +
			"\"kafka.connect:type=plugins,connector={CONNECTOR},task={TASK}," + labels + "\". When set to \"legacy,new\" the connector will emit " +
			"metrics with both names, this can be useful when migrating to the new format but it doubles the amount of metrics that are emitted.\n" +
			"In Kafka 5.0 the legacy format and this configuration will be removed and the metrics will always use the new names.")
}

// seconds returns an interval, negative when a feature is switched off.
func seconds(enabled bool, n int64) time.Duration {
	switch {
	case !enabled || n < 0:
		return -1
	case n > int64(1<<63-1)/int64(time.Second):
		return 1<<63 - 1
	}
	return time.Duration(n) * time.Second
}
