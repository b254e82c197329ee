package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// A Stage is where a record failed, in Java's words.
type Stage string

// The stages.
const (
	Transformation  Stage = "TRANSFORMATION"
	KeyConverter    Stage = "KEY_CONVERTER"
	ValueConverter  Stage = "VALUE_CONVERTER"
	HeaderConverter Stage = "HEADER_CONVERTER"
	TaskPut         Stage = "TASK_PUT"
	KafkaProduce    Stage = "KAFKA_PRODUCE"
)

// What Java names as the failing class when it is the task.
const (
	sourceTaskClass = "org.apache.kafka.connect.source.SourceTask"
	sinkTaskClass   = "org.apache.kafka.connect.sink.SinkTask"
)

// firstDelay is the first pause between tries; each one doubles it.
const firstDelay = 300 * time.Millisecond

// origin is the record that a failure is about: one of Kafka, or one of a
// source.
type origin struct {
	raw    *Raw
	source *connect.SourceRecord
	before *connect.Record // of a source, before transforms
	topic  string          // when that is all that is known
}

// tries counts the tries of one operation on one record.
type tries struct {
	n     int
	until time.Time // no more after this; zero: not set yet
}

// again reports whether an operation that failed is to be tried once more,
// after having waited; stop is ctx's error when that ended in between.
func (p *Pipeline) again(ctx context.Context, t *tries, err error) (again bool, stop error) {
	p.count.Failures.Add(1)
	after, wanted := connect.RetryAfter(err)
	if !wanted || p.c.RetryTimeout == 0 {
		return false, nil
	}
	now := time.Now()
	if t.n == 0 {
		t.until = now.Add(p.c.RetryTimeout)
	}
	forever := p.c.RetryTimeout < 0
	if !forever && !now.Before(t.until) {
		return false, nil
	}
	delay := p.c.RetryDelayMax
	if t.n < 30 && firstDelay<<t.n <= delay {
		delay = firstDelay << t.n
	} else {
		delay = rand.N(delay) // Java spreads those that have waited longest
	}
	delay = max(delay, after)
	if !forever {
		delay = min(delay, t.until.Sub(now))
	}
	t.n++
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-timer.C:
	}
	p.count.Retries.Add(1)
	return true, nil
}

// failed applies the errors policy to a record that cannot be saved: nil drops
// it. The failure is counted already.
func (p *Pipeline) failed(stage Stage, class string, err error, o origin) error {
	p.count.Failed()
	err = javaError(err)
	p.report(stage, class, err, o)
	if p.c.Tolerate {
		p.count.Skipped.Add(1)
		return nil
	}
	return exceeded(err)
}

// exceeded is what fails a task that tolerates no errors.
func exceeded(cause error) error {
	return &connect.Error{Class: connect.ConnectException, Message: "Tolerance exceeded in error handler", Cause: cause}
}

// report writes the log line and the dead letter of a failure, whether it is
// tolerated or not.
func (p *Pipeline) report(stage Stage, class string, err error, o origin) {
	p.count.Errors.Add(1)
	if p.c.LogErrors {
		p.count.Logged.Add(1)
		p.log.Error(p.message(stage, class, o), "trace", connect.Trace(err))
	}
	switch {
	case p.c.Dead == nil:
	case o.raw != nil:
		p.bury(stage, class, err, o.raw, stage == TaskPut)
	case o.source != nil:
		p.bury(stage, class, err, p.letterOf(o), true)
	}
}

// message is Java's log line.
func (p *Pipeline) message(stage Stage, class string, o origin) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Error encountered in task %s-%d. Executing stage '%s' with class '%s'", p.c.Connector, p.c.Task, stage, class)
	switch {
	case !p.c.LogMessages:
	case o.raw != nil:
		fmt.Fprintf(&b, ", where consumed record is {topic='%s', partition=%d, offset=%d", o.raw.Topic, o.raw.Partition, o.raw.Offset)
		switch o.raw.TimestampType {
		case 0:
			fmt.Fprintf(&b, ", timestamp=%d, timestampType=CreateTime", o.raw.Timestamp)
		case 1:
			fmt.Fprintf(&b, ", timestamp=%d, timestampType=LogAppendTime", o.raw.Timestamp)
		}
		b.WriteString("}")
	case o.source != nil:
		b.WriteString(", where source record is = " + describe(o))
	case o.topic != "":
		fmt.Fprintf(&b, ", where source record is = {topic='%s'}", o.topic)
	}
	b.WriteString(".")
	return b.String()
}

// describe shows a source record much as Java's toString does.
func describe(o origin) string {
	r := &o.source.Record
	if o.before != nil {
		r = o.before
	}
	partition := "null"
	if o.source.Source != nil {
		partition = o.source.Source.Key()
	}
	position, err := json.Marshal(o.source.Position)
	if err != nil {
		position = []byte("?")
	}
	number := func(n int64) string {
		if n < 0 {
			return "null"
		}
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("SourceRecord{sourcePartition=%s, sourceOffset=%s} ConnectRecord{topic='%s', kafkaPartition=%s, key=%s, value=%s, timestamp=%s}",
		partition, position, r.Topic, number(int64(r.Partition)), show(r.Key), show(r.Value), number(r.Timestamp))
}

func show(d data.Datum) string {
	s, err := data.Format(d.Value)
	if err != nil {
		return "?"
	}
	return s
}

// javaError makes err one with a Java class, so that a stack trace's head and
// a dead letter's headers can name it. What has a class keeps it.
func javaError(err error) error {
	if _, ok := err.(*connect.Error); ok {
		return err
	}
	return &connect.Error{Class: connect.ClassOf(err), Message: err.Error(), Cause: errors.Unwrap(err)}
}

// recovered turns a panic of a plugin into an error that names its class, and
// the line that panicked.
func recovered(err *error, class string) {
	if x := recover(); x != nil {
		*err = connect.Errorf("java.lang.RuntimeException", "%s panicked: %v (%s)", class, x, panicLine())
	}
}

// panicLine finds the function and line that panicked.
func panicLine() string {
	lines := strings.Split(string(debug.Stack()), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "panic(") {
			for j := i + 2; j+1 < len(lines); j += 2 {
				if !strings.HasPrefix(lines[j], "runtime.") {
					at := strings.TrimSpace(lines[j+1])
					if n := strings.LastIndex(at, " +0x"); n > 0 {
						at = at[:n]
					}
					return at[strings.LastIndexByte(at, '/')+1:]
				}
			}
		}
	}
	return "line unknown"
}
