package opcua

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

type config struct {
	endpoint string
	host     string // host:port of endpoint

	nodeList   string
	nodes      []nodeRef
	badNodes   string
	browseRoot string
	root       nodeRef
	depth      int
	include    string
	exclude    string
	keep, drop *regexp.Regexp // include and exclude; nil: none

	mode             string
	publishing       time.Duration
	sampling         int64 // ms; -1: as publishing
	queue            int64
	discardOldest    bool
	trigger          string
	deadband         string
	deadbandValue    float64
	pollInterval     time.Duration
	topic            string
	template         template
	format           string
	uint64Format     string
	naming           string
	clock            string
	policy, modeName string
	certFile         string
	keyFile          string
	appURI           string
	trustFiles       []string
	trustPins        []string
	trustAll         bool

	user          string
	password      connect.Secret
	clearPassword bool
	userCert      string
	userKey       string

	dialTimeout    time.Duration
	requestTimeout time.Duration
	keepAlive      time.Duration
	sessionTimeout time.Duration
	lifetime       time.Duration
	retryFirst     time.Duration
	retryMost      time.Duration
	retryFor       time.Duration // less than 0: forever

	index, count int // a task's share of all nodes; count 0: all of them
}

// Names of properties that messages speak of.
const (
	endpointProperty = "endpoint"
	topicProperty    = "topic"
	nodesProperty    = "nodes"
	rootProperty     = "browse.root"
	includeProperty  = "browse.include"
	excludeProperty  = "browse.exclude"
	policyProperty   = "security.policy"
	modeProperty     = "security.mode"
	certProperty     = "certificate.file"
	keyProperty      = "private.key.file"
	uriProperty      = "application.uri"
	trustProperty    = "trust.certificates"
	pinsProperty     = "trust.thumbprints"
	trustAllProperty = "trust.all"
	userProperty     = "username"
	passwordProperty = "password"
	clearProperty    = "password.unencrypted.allow"
	userCertProperty = "user.certificate.file"
	userKeyProperty  = "user.private.key.file"
	retryForProperty = "connection.retry.timeout.ms"
)

// Values of properties.
const (
	subscribeMode = "subscribe"
	pollMode      = "poll"

	failAction = "fail"
	warnAction = "warn"

	structFormat = "struct"
	stringFormat = "string"

	decimalFormat = "decimal"
	int64Format   = "int64"

	browseNaming  = "browsename"
	displayNaming = "displayname"
	noNaming      = "none"

	sourceClock  = "source"
	serverClock  = "server"
	arrivalClock = "arrival"

	noDeadband       = "none"
	absoluteDeadband = "absolute"
	percentDeadband  = "percent"

	autoMode    = "auto"
	noneMode    = "None"
	signMode    = "Sign"
	encryptMode = "SignAndEncrypt"
)

// Define declares the properties.
func (c *config) Define(d *connect.ConfigDef) {
	d.Group("Server")
	d.String(&c.endpoint, endpointProperty).Is(connect.High).Wide(connect.WidthLong).Check(endpointURL).
		Doc("URL of the OPC UA server, as in opc.tcp://192.168.0.10:4840.")
	d.Group("Nodes")
	d.String(&c.nodeList, nodesProperty).Default("").Is(connect.High).Wide(connect.WidthLong).Check(nodeListCheck).
		Doc("Comma-separated node ids to read the values of: ns=2;s=Line1.Temp, i=2258, ns=3;g=..., ns=3;b=... (base64), or with the namespace's URI, " +
			"which restarts of the server do not renumber: nsu=urn:plant;s=Line1.Temp. A comma inside an id is part of it, unless another id follows it.")
	d.String(&c.browseRoot, rootProperty).Default("").Is(connect.High).Wide(connect.WidthMedium).Check(nodeCheck).
		Doc("Node id below which all variables are read, in addition to `nodes`; i=85 is the Objects folder. " +
			"The server's own object and properties such as units are left out. Looked through at each start of a session.")
	d.Int(&c.depth, "browse.depth").Default(10).Check(connect.Between(1, 100)).Doc("How many levels below browse.root are looked through.")
	d.String(&c.include, includeProperty).Default("").Check(pattern).
		Doc("Regular expression: of the variables below browse.root only those are read whose path, browse names joined by / as in Plant/Line1/Temp, has a match.")
	d.String(&c.exclude, excludeProperty).Default("").Check(pattern).Doc("Regular expression: those whose path has a match are left out.")
	d.String(&c.badNodes, "bad.node.action").Default(failAction).Check(connect.OneOf(failAction, warnAction)).
		Doc("What to do about nodes that the server does not know or does not give. fail: the task fails and names them. warn: they are logged by name " +
			"and tried again each minute. After a reconnect it is always warn, for a PLC may need a while to come up whole.")

	d.Group("Reading")
	d.String(&c.mode, "mode").Default(subscribeMode).Is(connect.High).Check(connect.OneOf(subscribeMode, pollMode)).
		Doc("subscribe: the server reports changes. poll: all values are read each poll.interval.ms, changed or not.")
	d.Millis(&c.publishing, "publishing.interval.ms").Default(500 * time.Millisecond).Check(connect.Between(time.Millisecond, time.Hour)).
		Doc("How often the server reports the changes. The server may choose a longer interval; the log says so.")
	d.Long(&c.sampling, "sampling.interval.ms").Default(-1).Check(connect.Between[int64](-1, 86_400_000)).
		Doc("How often the server looks at a value. 0: as often as it can, or at each change; -1: as publishing.interval.ms.")
	d.Long(&c.queue, "queue.size").Default(10).Check(connect.Between[int64](1, 1_000_000)).
		Doc("Changes of one node that the server keeps until they are reported. With 1, a change that overwrites another one is not marked by the server.")
	d.Boolean(&c.discardOldest, "discard.oldest").Default(true).Doc("Whether a full queue drops its oldest value or its newest.")
	d.String(&c.trigger, "data.change.trigger").Default("status.value").Is(connect.Low).Check(connect.OneOf("status", "status.value", "status.value.timestamp")).
		Doc("What counts as a change.")
	d.String(&c.deadband, "deadband.type").Default(noDeadband).Check(connect.OneOf(noDeadband, absoluteDeadband, percentDeadband)).
		Doc("Changes smaller than deadband.value are not reported; percent is of the node's EURange, which it must have. Applied to numeric nodes.")
	d.Double(&c.deadbandValue, "deadband.value").Default(0).Check(connect.AtLeast(0.0)).Doc("See deadband.type.")
	d.Millis(&c.pollInterval, "poll.interval.ms").Default(time.Second).Check(connect.Between(time.Millisecond, 24*time.Hour)).
		Doc("With mode=poll: how often the values are read.")

	d.Group("Records")
	d.String(&c.topic, topicProperty).Is(connect.High).Check(connect.NonEmpty(), topicTemplate).
		Doc("Topic to write to. ${node}, ${id} (the node id without its namespace), ${browsename} and ${displayname} stand for those of the node; " +
			"characters that a topic's name must not have become _.")
	d.String(&c.format, "value.format").Default(structFormat).Check(connect.OneOf(structFormat, stringFormat)).
		Doc("struct: value with its type, timestamps and status. string: node and value as text only.")
	d.String(&c.uint64Format, "uint64.format").Default(decimalFormat).Check(connect.OneOf(decimalFormat, int64Format)).
		Doc("Connect has no UInt64. decimal: a Decimal of scale 0. int64: smaller, and values above 9223372036854775807 are null.")
	d.String(&c.naming, "record.name").Default(browseNaming).Check(connect.OneOf(browseNaming, displayNaming, noNaming)).
		Doc("What the field name holds; read once per session.")
	d.String(&c.clock, "record.timestamp").Default(sourceClock).Check(connect.OneOf(sourceClock, serverClock, arrivalClock)).
		Doc("Which time is the record's timestamp in Kafka. A device whose clock is years behind makes Kafka delete its records at once: use arrival then.")

	c.defineSecurity(d)
	c.defineConnection(d)
}

func (c *config) defineSecurity(d *connect.ConfigDef) {
	d.Group("Security")
	d.String(&c.policy, policyProperty).Default("None").Is(connect.High).Check(connect.OneOf(policyNames()...)).
		Doc("Anything but None needs certificate.file, private.key.file and a trusted server certificate.")
	d.String(&c.modeName, modeProperty).Default(autoMode).Check(connect.OneOf(autoMode, noneMode, signMode, encryptMode)).
		Doc("auto: None with policy None, else SignAndEncrypt.")
	d.String(&c.certFile, certProperty).Default("").Doc("This client's certificate, PEM or DER. The server must trust it.")
	d.String(&c.keyFile, keyProperty).Default("").Doc("Its RSA key, PEM or DER, PKCS#1 or PKCS#8, not encrypted.")
	d.String(&c.appURI, uriProperty).Default("").Doc("Application URI of this client; must be the one in the certificate. Default: the one in the certificate, else " + defaultURI + ".")
	d.List(&c.trustFiles, trustProperty).Default([]string{}).
		Doc("Files, or folders of files, with certificates of trusted servers or of authorities that sign them, PEM or DER. Read at each connect.")
	d.List(&c.trustPins, pinsProperty).Default([]string{}).Check(pins).
		Doc("SHA-1 or SHA-256 thumbprints, in hexadecimal, of trusted server certificates.")
	d.Boolean(&c.trustAll, trustAllProperty).Default(false).Doc("Trust every server certificate. Encrypted, but to whom is not known: for trials only.")

	d.Group("User")
	d.String(&c.user, userProperty).Default("").Is(connect.High).Doc("User name. Empty: anonymous, or the user of user.certificate.file.")
	d.Password(&c.password, passwordProperty).Default("").Is(connect.High).Doc("Password of username.")
	d.Boolean(&c.clearPassword, clearProperty).Default(false).
		Doc("Allow to send the password unencrypted, which a server with security.policy=None may ask for.")
	d.String(&c.userCert, userCertProperty).Default("").Doc("Certificate that names the user, PEM or DER.")
	d.String(&c.userKey, userKeyProperty).Default("").Doc("Its RSA key.")
}

func (c *config) defineConnection(d *connect.ConfigDef) {
	d.Group("Connection")
	d.Millis(&c.dialTimeout, "connection.timeout.ms").Default(10 * time.Second).Check(connect.Between(time.Millisecond, time.Hour)).
		Doc("Time limit for the TCP connection and its handshake.")
	d.Millis(&c.requestTimeout, "request.timeout.ms").Default(10 * time.Second).Check(connect.Between(100*time.Millisecond, time.Hour)).
		Doc("Time limit for the answer to a request.")
	d.Millis(&c.keepAlive, "keepalive.interval.ms").Default(5 * time.Second).Check(connect.Between(100*time.Millisecond, time.Hour)).
		Doc("How often the server is asked for a sign of life.")
	d.Millis(&c.sessionTimeout, "session.timeout.ms").Default(2 * time.Minute).Check(connect.Between(time.Second, 24*time.Hour)).
		Doc("How long the server keeps session and subscription, and with them the changes, while the connection is broken or records are not taken.")
	d.Millis(&c.lifetime, "secure.channel.lifetime.ms").Default(time.Hour).Is(connect.Low).Check(connect.Between(time.Second, 24*time.Hour)).
		Doc("How long the keys of the secure channel are used; they are renewed in time, without a break.")
	d.Millis(&c.retryFirst, "connection.retry.initial.ms").Default(time.Second).Check(connect.Between(10*time.Millisecond, time.Hour)).
		Doc("Wait before the first new try to connect; it doubles with each.")
	d.Millis(&c.retryMost, "connection.retry.max.ms").Default(30 * time.Second).Check(connect.Between(10*time.Millisecond, 24*time.Hour)).
		Doc("Longest wait between tries.")
	d.Millis(&c.retryFor, retryForProperty).Default(-time.Millisecond).
		Doc("Time without a connection after which the task fails. -1: it tries for ever. What trying cannot mend, such as a wrong password, fails the task at once.")
}

// taskConfig is config with what Tasks adds.
type taskConfig struct{ config }

// Define declares the properties of a task.
func (c *taskConfig) Define(d *connect.ConfigDef) {
	c.config.Define(d)
	d.Int(&c.index, indexProperty).Default(0)
	d.Int(&c.count, countProperty).Default(0)
}

// finish derives what the parsed properties hold as text, and checks what
// single properties cannot show.
func (c *config) finish() error {
	var err error
	if c.nodes, err = parseNodes(c.nodeList); err != nil {
		return connect.ConfigErrorf("Invalid value for configuration %s: %w", nodesProperty, err)
	}
	if c.browseRoot != "" {
		if c.root, err = parseNode(c.browseRoot); err != nil {
			return connect.ConfigErrorf("Invalid value for configuration %s: %w", rootProperty, err)
		}
	}
	if c.template, err = parseTemplate(c.topic); err != nil {
		return connect.ConfigErrorf("Invalid value %s for configuration %s: %w", c.topic, topicProperty, err)
	}
	if c.keep, err = compile(c.include); err != nil {
		return err
	}
	if c.drop, err = compile(c.exclude); err != nil {
		return err
	}
	if c.modeName == autoMode {
		c.modeName = encryptMode
		if c.policy == noneMode {
			c.modeName = noneMode
		}
	}
	u, err := url.Parse(c.endpoint)
	if err != nil {
		return connect.ConfigErrorf("Invalid value %s for configuration %s: %w", c.endpoint, endpointProperty, err)
	}
	c.host = hostPort(u)
	for _, p := range c.problems() {
		return connect.ConfigErrorf("%s: %s", p.property, p.text)
	}
	return nil
}

func compile(s string) (*regexp.Regexp, error) {
	if s == "" {
		return nil, nil
	}
	return regexp.Compile(s)
}

func hostPort(u *url.URL) string {
	if u.Port() == "" {
		return net.JoinHostPort(u.Hostname(), "4840")
	}
	return u.Host
}

type problem struct{ property, text string }

// problems finds properties that do not go together.
func (c *config) problems() (out []problem) {
	add := func(property, format string, args ...any) {
		out = append(out, problem{property, fmt.Sprintf(format, args...)})
	}
	if c.nodeList == "" && c.browseRoot == "" {
		add(nodesProperty, "name the nodes to read here, or the node below which all variables are read in %s", rootProperty)
	}
	secure := c.policy != noneMode
	switch {
	case secure && c.modeName == noneMode:
		add(modeProperty, "%s cannot be None with %s=%s; use %s or %s", modeProperty, policyProperty, c.policy, signMode, encryptMode)
	case !secure && c.modeName != noneMode && c.modeName != autoMode:
		add(modeProperty, "%s=%s needs a %s other than None, such as Basic256Sha256", modeProperty, c.modeName, policyProperty)
	}
	if secure && (c.certFile == "" || c.keyFile == "") {
		add(certProperty, "%s=%s needs %s and %s; %s", policyProperty, c.policy, certProperty, keyProperty, howToMakeCertificate)
	}
	if secure && !c.trustAll && len(c.trustFiles) == 0 && len(c.trustPins) == 0 {
		add(trustProperty, "%s=%s needs to know the server's certificate: set %s, %s or, for a trial, %s=true", policyProperty, c.policy, trustProperty, pinsProperty, trustAllProperty)
	}
	if c.user == "" && c.password != "" {
		add(userProperty, "a %s without a %s", passwordProperty, userProperty)
	}
	if c.user != "" && c.userCert != "" {
		add(userProperty, "the user is named twice, by %s and %s; leave one out", userProperty, userCertProperty)
	}
	if (c.userCert == "") != (c.userKey == "") {
		add(userCertProperty, "%s and %s go together", userCertProperty, userKeyProperty)
	}
	if c.deadband == noDeadband && c.deadbandValue != 0 {
		add("deadband.value", "it has no effect without deadband.type=absolute or percent")
	}
	if c.deadband == percentDeadband && c.deadbandValue > 100 {
		add("deadband.value", "%v %% is more than 100 %%", c.deadbandValue)
	}
	if c.mode == pollMode && c.deadband != noDeadband {
		add("deadband.type", "it has no effect with mode=poll")
	}
	return out
}

// check adds what only properties together show.
func check(_ context.Context, p connect.Props, infos []connect.ConfigInfo) error {
	for _, info := range infos {
		if len(info.Value.Errors) > 0 {
			return nil // reported already
		}
	}
	var c config
	if err := connect.Parse(p, &c); err != nil {
		return nil //nolint:nilerr // not ours: infos would hold it
	}
	for _, found := range c.problems() {
		if v := connect.ValueOf(infos, found.property); v != nil {
			v.Fail("%s", found.text)
		}
	}
	return nil
}

var (
	endpointURL = connect.That("opc.tcp://host:port/path", func(s string) error {
		u, err := url.Parse(s)
		switch {
		case err != nil || u.Scheme != "opc.tcp" || u.Hostname() == "":
			return errors.New("it must be the URL of an OPC UA server over TCP, such as opc.tcp://192.168.0.10:4840")
		case u.User != nil:
			return fmt.Errorf("the URL must not hold a user; use %s and %s", userProperty, passwordProperty)
		}
		return nil
	})
	nodeListCheck = connect.That("node ids", func(s string) error { _, err := parseNodes(s); return err })
	nodeCheck     = connect.That("node id", func(s string) error {
		if strings.TrimSpace(s) == "" {
			return nil
		}
		_, err := parseNode(s)
		return err
	})
	topicTemplate = connect.That("topic's name", func(s string) error { _, err := parseTemplate(s); return err })
	pattern       = connect.That("regular expression", func(s string) error { _, err := compile(s); return err })
	pins          = connect.That("hexadecimal thumbprints", func(list []string) error {
		for _, s := range list {
			if _, err := parsePin(s); err != nil {
				return err
			}
		}
		return nil
	})
)
