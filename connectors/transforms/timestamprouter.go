package transforms

import (
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/internal/javatext"
)

func init() {
	register("TimestampRouter", func() connect.Configurable { return new(timestampRouterConfig) }, openTimestampRouter)
}

type timestampRouterConfig struct{ topic, timestamp string }

func (c *timestampRouterConfig) Define(d *connect.ConfigDef) {
	d.String(&c.topic, "topic.format").Default("${topic}-${timestamp}").Is(connect.High).
		Doc("New topic; ${topic} stands for the old one and ${timestamp} for the record's timestamp.")
	d.String(&c.timestamp, "timestamp.format").Default("yyyyMMdd").Is(connect.High).
		Doc("Form of ${timestamp}, a pattern as of java.text.SimpleDateFormat; the time zone is UTC.")
}

type timestampRouter struct {
	timestampRouterConfig
	format *javatext.DateFormat
	bad    error // what is wrong with the pattern, which Java finds at the first record
	stamp  []byte
	last   struct{ from, stamp, to string }
}

func openTimestampRouter(p connect.Props) (connect.Transform, error) {
	t := new(timestampRouter)
	if err := connect.Parse(p, &t.timestampRouterConfig); err != nil {
		return nil, err
	}
	format, err := javatext.NewDateFormat(t.timestamp)
	t.format, t.bad = format, javaError(err)
	return t, nil
}

func (t *timestampRouter) Apply(r *connect.Record) (bool, error) {
	if !hasTimestamp(r) {
		return true, connect.DataErrorf("Timestamp missing on record: %s", recordText(r))
	}
	if t.bad != nil {
		return true, t.bad
	}
	t.stamp = t.format.Append(t.stamp[:0], r.Timestamp, nil)
	if l := &t.last; l.from != r.Topic || l.stamp != string(t.stamp) || l.from == "" {
		l.from, l.stamp = r.Topic, string(t.stamp)
		l.to = strings.ReplaceAll(t.topic, "${topic}", l.from)
		l.to = strings.ReplaceAll(l.to, "${timestamp}", l.stamp)
	}
	r.Topic = t.last.to
	return true, nil
}

// recordText names a record in an error by its place, without its contents.
func recordText(r *connect.Record) string {
	var b strings.Builder
	b.WriteString("ConnectRecord{topic='" + r.Topic + "', kafkaPartition=")
	writeInt(&b, int64(r.Partition))
	if r.Offset >= 0 {
		b.WriteString(", kafkaOffset=")
		writeInt(&b, r.Offset)
	}
	b.WriteString("}")
	return b.String()
}
