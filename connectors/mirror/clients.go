package mirror

import (
	"log/slog"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/kafka"
)

// clients makes the Kafka clients of one connector or task, in Java's words:
// from its properties and with Java's client ids.
type clients struct {
	*config
	name    string // of the connector
	log     *slog.Logger
	reports kafka.Reports
}

// clientName are the words for kinds of clients in prefixes.
var clientName = map[kafka.Kind]string{kafka.Producer: "producer.", kafka.Consumer: "consumer.", kafka.Admin: "admin."}

// settings returns the properties of a client of one cluster, atSource or
// atTarget. Of those for all clients of a cluster it takes the bootstrap servers
// and the security settings only, as Java does; the prefixes of a kind of client
// take anything.
func (c *config) settings(at string, kind kafka.Kind) map[string]string {
	p := map[string]string{}
	for k, v := range c.props.WithPrefix(at + ".cluster.") {
		if k == "bootstrap.servers" || k == "security.protocol" || strings.HasPrefix(k, "ssl.") || strings.HasPrefix(k, "sasl.") {
			p[k] = v
		}
	}
	for _, prefix := range []string{"", at + "."} {
		for k, v := range c.props.WithPrefix(prefix + clientName[kind]) {
			p[k] = v
		}
	}
	if kind == kafka.Consumer {
		p["enable.auto.commit"] = "false"
		if _, set := p["auto.offset.reset"]; !set {
			p["auto.offset.reset"] = "earliest"
		}
	}
	return p
}

// readsCommitted reports whether records of aborted and open transactions stay
// where they are.
func (c *config) readsCommitted() bool {
	return c.settings(atSource, kafka.Consumer)["isolation.level"] == "read_committed"
}

// open makes a client; role ends its id.
func (c *clients) open(at string, kind kafka.Kind, role string, more ...kgo.Opt) (*kgo.Client, *kafka.Settings, error) {
	s, opts, err := c.options(at, kind, role)
	if err != nil {
		return nil, nil, err
	}
	cl, err := kgo.NewClient(append(opts, more...)...)
	if err != nil {
		return nil, nil, connect.Errorf("org.apache.kafka.common.KafkaException", "Failed to construct kafka %s: %w", kind, err)
	}
	return cl, s, nil
}

func (c *clients) options(at string, kind kafka.Kind, role string) (*kafka.Settings, []kgo.Opt, error) {
	p := c.settings(at, kind)
	id := c.source + "->" + c.target + "|" + c.name + "|" + role
	if own := p["client.id"]; own != "" {
		id = own + "|" + id
	}
	p["client.id"] = id
	s, err := kafka.Read(p, kind)
	if err != nil {
		return nil, nil, err
	}
	opts, err := s.Opts(c.log)
	c.reports.Log(c.log, kind, s.Unsupported)
	return s, opts, err
}

// An admin administers one cluster.
type admin struct {
	*kadm.Client
	requestor *kgo.Client // the same client, for requests that kadm lacks
	alias     string
}

// admin makes a client for administration; Close it.
func (c *clients) admin(at, role string) (admin, error) {
	cl, _, err := c.open(at, kafka.Admin, role)
	if err != nil {
		return admin{}, err
	}
	a := admin{kadm.NewClient(cl), cl, c.alias(at)}
	a.SetTimeoutMillis(c.timeoutMillis())
	return a, nil
}

// admins makes the clients for both clusters.
func (c *clients) admins(role string) (source, target admin, err error) {
	before, after, _ := strings.Cut(role, "*")
	if source, err = c.admin(atSource, before+atSource+after); err != nil {
		return source, target, err
	}
	if target, err = c.admin(atTarget, before+atTarget+after); err != nil {
		source.Close()
	}
	return source, target, err
}

func (c *config) alias(at string) string {
	if at == atSource {
		return c.source
	}
	return c.target
}

// other returns the alias of the cluster at the other end.
func (c *config) other(at string) string {
	if at == atSource {
		return c.target
	}
	return c.source
}

// closers close in reverse order, once.
type closers struct {
	once sync.Once
	list []func()
}

func (c *closers) add(f func()) { c.list = append(c.list, f) }

// Close closes what was added.
func (c *closers) Close() error {
	c.once.Do(func() {
		for i := len(c.list) - 1; i >= 0; i-- {
			c.list[i]()
		}
	})
	return nil
}
