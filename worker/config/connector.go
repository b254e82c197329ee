package config

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Connector is what a worker reads of a connector's properties, beside those
// that the connector itself reads.
type Connector struct {
	Props connect.Props // all, references to config providers resolved
	Sink  bool          // or else a source

	Name            string
	Class           string // as written; an alias or short name too
	TasksMax        int
	TasksMaxEnforce bool

	// Converters are the connector's own where it sets any, else the worker's.
	KeyConverter, ValueConverter, HeaderConverter Plugin
	Transforms                                    []Transform

	Reload        bool          // restart when a secret expires
	RetryTimeout  time.Duration // how long a failed operation is tried again; negative: for ever
	RetryDelayMax time.Duration // longest wait between two tries
	Tolerate      bool          // records with errors are dropped
	LogErrors     bool
	LogMessages   bool // log topic, partition and offset of a failed record

	// Sources only. See package worker/kafka for topic.creation.
	ExactlyOnceRequired bool
	TransactionBoundary string        // poll, interval or connector
	TransactionInterval time.Duration // of the boundary interval; the worker's offset.flush.interval.ms if not set
	OffsetsTopic        string        // "": the worker's

	// Sinks only.
	Topics      []string // none when TopicsRegex is set
	TopicsRegex string

	// The topic for records with errors. Sources have one here too, by the same
	// settings, which Java's worker does not know on a source and ignores; hence
	// they are in no definition of a source, and the validate endpoint answers as
	// Java's. A sink's letters are the bytes that were read; a source's are the
	// records that the task made, as JSON with schemas.
	DeadLetterTopic       string // "": none
	DeadLetterReplication int    // -1: the broker's default; a source's if not set
	DeadLetterHeaders     bool

	scope *scope

	keyClass, valueClass, headerClass string
	transforms, predicates            []string
	tolerance, exactlyOnce, reload    string
	interval                          time.Duration
}

// A Plugin is a converter or predicate to open.
type Plugin struct {
	Property string        // that names the class
	Class    string        // as the registry calls it
	Props    connect.Props // its own, without prefix
}

// A Transform is one of a connector's chain.
type Transform struct {
	Plugin
	Predicate *Plugin // nil: the transform is for every record
	Negate    bool    // for the records that the predicate does not hold for
}

// scope is what a connector's definition depends on beyond itself. The zero
// scope gives the definition as Java has it without a worker and a config.
type scope struct {
	plugins *connect.Plugins
	worker  *Worker
	props   connect.Props
	// unfit is what is wrong with connector.plugin.version, when it is: Java then
	// has no loader in which to look for converters.
	unfit string
}

// ConnectorDef returns the definition of the properties that every source or
// sink connector has.
func ConnectorDef(sink bool) *connect.ConfigDef {
	var d connect.ConfigDef
	(&Connector{Sink: sink, scope: &scope{plugins: &connect.Plugins{}}}).Define(&d)
	return &d
}

// ParseConnector reads a connector's properties; references to config providers
// are resolved already. Errors are those with which Java's worker would fail the
// connector or task.
func ParseConnector(plugins *connect.Plugins, w *Worker, p connect.Props) (*Connector, error) {
	_, sink := plugins.Sinks.Canonical(p["connector.class"])
	c := &Connector{Props: maps.Clone(p), Sink: sink, scope: &scope{plugins: plugins, worker: w, props: p}}
	d, err := define(c)
	if err != nil {
		return nil, err
	}
	if err := d.Parse(p); err != nil {
		return nil, err
	}
	if sink {
		for _, fault := range sinkFaults(p) {
			return nil, connect.ConfigErrorf("Invalid value %s for configuration %s: %s", p[fault.property], fault.property, fault.text)
		}
	}
	if !sink {
		var own connect.ConfigDef
		c.defineDeadLetters(&own, -1)
		if err := own.Parse(p); err != nil {
			return nil, err
		}
	}
	c.settle(w)
	return c, nil
}

// define builds a definition. Names that a user chose can make two properties
// one; that is the user's error and not, as else, the author's.
func define(c connect.Configurable) (d *connect.ConfigDef, err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case connect.DeclaredTwice:
			err = connect.ConfigErrorf("Configuration %s is defined twice.", string(r))
		default:
			panic(r)
		}
	}()
	d = &connect.ConfigDef{}
	c.Define(d)
	return d, nil
}

// settle derives what Define does not bind as it is used.
func (c *Connector) settle(w *Worker) {
	c.Tolerate = c.tolerance == "all"
	c.Reload = c.reload != "none"
	c.ExactlyOnceRequired = strings.EqualFold(c.exactlyOnce, "required")
	c.TransactionBoundary = strings.ToLower(c.TransactionBoundary)
	c.TransactionInterval = c.interval
	if _, set := c.Props["transaction.boundary.interval.ms"]; !set {
		c.TransactionInterval = w.OffsetFlushInterval
	}
	c.KeyConverter = c.converter(w, "key.converter", "key", c.keyClass, w.KeyConverter)
	c.ValueConverter = c.converter(w, "value.converter", "value", c.valueClass, w.ValueConverter)
	c.HeaderConverter = c.converter(w, "header.converter", "header", c.headerClass, w.HeaderConverter)
	for _, alias := range c.transforms {
		t := Transform{Plugin: c.plugin("transforms."+alias+".", transformClass(c.scope.plugins)), Negate: false}
		if p, ok := c.Props["transforms."+alias+".predicate"]; ok {
			predicate := c.plugin("predicates."+strings.TrimSpace(p)+".", predicateClass(c.scope.plugins))
			t.Predicate = &predicate
			t.Negate = strings.EqualFold(strings.TrimSpace(c.Props["transforms."+alias+".negate"]), "true")
		}
		for _, own := range []string{"predicate", "negate"} {
			delete(t.Props, own)
		}
		c.Transforms = append(c.Transforms, t)
	}
}

// converter chooses between a connector's own converter and the worker's; the
// properties under a connector's prefix count only with a class of its own.
func (c *Connector) converter(w *Worker, property, typ, own, worker string) Plugin {
	p := Plugin{Property: property, Class: worker}
	from := w.Props
	if _, set := c.Props[property]; set {
		p.Class, from = own, c.Props
	}
	p.Props = from.WithPrefix(property + ".")
	delete(p.Props, "plugin.version")
	p.Props["converter.type"] = typ
	return p
}

func (c *Connector) plugin(prefix string, find func(string) (string, bool)) Plugin {
	p := Plugin{Property: prefix + "type", Props: c.Props.WithPrefix(prefix)}
	p.Class, _ = find(strings.TrimSpace(p.Props["type"]))
	for _, own := range []string{"type", "plugin.version"} {
		delete(p.Props, own)
	}
	return p
}

// Define declares the properties.
func (c *Connector) Define(d *connect.ConfigDef) {
	d.Group("Common")
	d.String(&c.Name, "name").Is(high).Wide(connect.WidthMedium).Display("Connector name").Check(connect.Label()).
		Doc(connectorTexts["name"])
	c.defineClass(d)
	d.Int(&c.TasksMax, "tasks.max").Default(1).Is(high).Wide(connect.WidthShort).Display("Tasks max").Check(connect.AtLeast(1)).
		Doc(connectorTexts["tasks.max"])
	d.Boolean(&c.TasksMaxEnforce, "tasks.max.enforce").Default(true).Is(low).Wide(connect.WidthShort).Display("Enforce tasks max").
		Doc(connectorTexts["tasks.max.enforce"])
	for _, conv := range []converterProperty{
		{&c.keyClass, "key.converter", "Key converter", false},
		{&c.valueClass, "value.converter", "Value converter", false},
		{&c.headerClass, "header.converter", "Header converter", true},
	} {
		c.scope.defineConverter(d, conv)
	}
	d.Group("Transforms")
	d.List(&c.transforms, "transforms").Default([]string{}).Is(low).Wide(connect.WidthLong).Display("Transforms").Order(12).
		Check(connect.NonNull[[]string](), uniqueAliases("unique transformation aliases")).
		Doc(connectorTexts["transforms"])
	d.Group("Predicates")
	d.List(&c.predicates, "predicates").Default([]string{}).Is(low).Wide(connect.WidthLong).Display("Predicates").Order(13).
		Check(connect.NonNull[[]string](), uniqueAliases("unique predicate aliases")).
		Doc(connectorTexts["predicates"])
	d.Group("Common")
	d.String(&c.reload, "config.action.reload").Default("restart").Is(low).Wide(connect.WidthMedium).Display("Reload Action").Order(14).
		Check(connect.OneOf("none", "restart")).Doc(connectorTexts["config.action.reload"])
	d.Group("Error Handling")
	d.Millis(&c.RetryTimeout, "errors.retry.timeout").Default(0).Wide(connect.WidthMedium).Display("Retry Timeout for Errors").
		Doc(connectorTexts["errors.retry.timeout"])
	d.Millis(&c.RetryDelayMax, "errors.retry.delay.max.ms").Default(time.Minute).Wide(connect.WidthMedium).Display("Maximum Delay Between Retries for Errors").
		Doc(connectorTexts["errors.retry.delay.max.ms"])
	d.String(&c.tolerance, "errors.tolerance").Default("none").Wide(connect.WidthShort).Display("Error Tolerance").Check(connect.OneOf("none", "all")).
		Doc(connectorTexts["errors.tolerance"])
	d.Boolean(&c.LogErrors, "errors.log.enable").Default(false).Wide(connect.WidthShort).Display("Log Errors").
		Doc(connectorTexts["errors.log.enable"])
	d.Boolean(&c.LogMessages, "errors.log.include.messages").Default(false).Wide(connect.WidthShort).Display("Log Error Details").
		Doc(connectorTexts["errors.log.include.messages"])
	if c.scope.unfit != "" {
		d.Group("")
		return
	}
	if c.Sink {
		c.defineSink(d)
	} else {
		c.defineSource(d)
	}
	c.scope.defineAliases(d, transforms)
	c.scope.defineAliases(d, predicates)
	d.Group("")
}

func (c *Connector) defineSink(d *connect.ConfigDef) {
	d.Group("Common")
	d.List(&c.Topics, "topics").Default([]string{}).Is(high).Wide(connect.WidthLong).Display("Topics").Order(4).Check(connect.ListOf()).
		Doc(connectorTexts["topics"])
	d.String(&c.TopicsRegex, "topics.regex").Default("").Is(high).Wide(connect.WidthLong).Display("Topics regex").Order(4).Check(connect.Regex()).
		Doc(connectorTexts["topics.regex"])
	d.Group("Error Handling")
	c.defineDeadLetters(d, 3)
}

// defineDeadLetters declares the topic for records with errors; replication is
// the default for its replicas.
func (c *Connector) defineDeadLetters(d *connect.ConfigDef, replication int) {
	d.String(&c.DeadLetterTopic, "errors.deadletterqueue.topic.name").Default("").Wide(connect.WidthMedium).Display("Dead Letter Queue Topic Name").Order(6).
		Doc(connectorTexts["errors.deadletterqueue.topic.name"])
	d.Short(&c.DeadLetterReplication, "errors.deadletterqueue.topic.replication.factor").Default(replication).Wide(connect.WidthMedium).
		Display("Dead Letter Queue Topic Replication Factor").Order(7).Doc(connectorTexts["errors.deadletterqueue.topic.replication.factor"])
	d.Boolean(&c.DeadLetterHeaders, "errors.deadletterqueue.context.headers.enable").Default(false).Wide(connect.WidthMedium).
		Display("Enable Error Context Headers").Order(8).Doc(connectorTexts["errors.deadletterqueue.context.headers.enable"])
}

func (c *Connector) defineSource(d *connect.ConfigDef) {
	d.Group("Topic Creation")
	d.List(new([]string), "topic.creation.groups").Default([]string{}).Is(low).Wide(connect.WidthLong).Display("Topic Creation Groups").
		Check(connect.NonNull[[]string](), uniqueAliases("unique topic creation groups")).
		Doc(connectorTexts["topic.creation.groups"])
	d.Group("Exactly Once Support")
	d.String(&c.exactlyOnce, "exactly.once.support").Default("requested").Wide(connect.WidthShort).Display("Exactly once support").Order(2).
		Check(connect.OneOfFold("required", "requested")).
		Doc(connectorTexts["exactly.once.support"])
	d.String(&c.TransactionBoundary, "transaction.boundary").Default("poll").Wide(connect.WidthShort).Display("Transaction Boundary").Order(3).
		Check(connect.OneOfFold("interval", "poll", "connector")).
		Doc(connectorTexts["transaction.boundary"])
	d.Millis(&c.interval, "transaction.boundary.interval.ms").OrNone().Is(low).Wide(connect.WidthShort).Display("Transaction boundary interval").Order(4).
		Check(connect.Check[time.Duration]{Text: "[0,...]", Valid: connect.AtLeast[time.Duration](0).Valid}).
		Doc(connectorTexts["transaction.boundary.interval.ms"])
	d.Group("offsets.topic")
	d.String(&c.OffsetsTopic, "offsets.storage.topic").OrNone().Is(low).Wide(connect.WidthLong).Display("Offsets topic").Check(connect.NonEmpty()).
		Doc(connectorTexts["offsets.storage.topic"])
}

func uniqueAliases(text string) connect.Check[[]string] {
	return connect.Check[[]string]{Text: text, Valid: func(v []string) error {
		for i, a := range v {
			if slices.Contains(v[:i], a) {
				return errText("Duplicate alias provided.")
			}
		}
		return nil
	}}
}
