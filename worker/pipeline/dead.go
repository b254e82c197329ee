package pipeline

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// DeadLetters is a dead letter queue.
type DeadLetters struct {
	Topic   string
	Headers bool // errors.deadletterqueue.context.headers.enable
	// Key and Value write the records of a source, which have no bytes yet; a
	// sink's letters are the bytes that Kafka gave. JSON with schemas is what
	// Millwright uses, as it can write whatever a source makes.
	Key, Value connect.Converter
	// Send writes a record to the topic: its Partition and Offset are no wish.
	// It returns at once, keeps nothing of the record after done, and calls
	// done once. It may be called from many goroutines.
	Send func(r Raw, done func(error))
}

const headerPrefix = "__connect.errors."

// bury sends a failed record to the dead letter queue. must says that its loss
// is an error of Await.
func (p *Pipeline) bury(stage Stage, class string, err error, raw *Raw, must bool) {
	p.count.DLQRequests.Add(1)
	letter := *raw
	letter.Topic = p.c.Dead.Topic
	if p.c.Dead.Headers {
		letter.Headers = p.context(stage, class, err, raw)
	}
	p.dead.begin()
	p.c.Dead.Send(letter, func(failure error) {
		if failure != nil {
			p.count.DLQFailures.Add(1)
			p.log.Error("Could not produce message to dead letter queue. topic="+p.c.Dead.Topic, "error", failure)
			if !must {
				failure = nil
			}
		}
		p.dead.end(failure)
	})
}

// letterOf writes a source's record, as the task made it, for the dead letter
// queue. What cannot be written is null; the headers say why the record failed.
func (p *Pipeline) letterOf(o origin) *Raw {
	r := &o.source.Record
	if o.before != nil {
		r = o.before
	}
	raw := &Raw{Topic: r.Topic, Partition: r.Partition, Offset: -1, Timestamp: max(r.Timestamp, -1), TimestampType: -1}
	var err error
	if raw.Key, err = encode(p.c.Dead.Key, p.c.KeyClass, []byte{}, r.Topic, nil, r.Key); err != nil {
		raw.Key = nil
	}
	if raw.Value, err = encode(p.c.Dead.Value, p.c.ValueClass, []byte{}, r.Topic, nil, r.Value); err != nil {
		raw.Value = nil
	}
	if p.c.Dead.Headers && o.source.Source != nil {
		raw.Headers = append(raw.Headers, RawHeader{headerPrefix + "source.partition", []byte(o.source.Source.Key())})
		if position, err := json.Marshal(o.source.Position); err == nil {
			raw.Headers = append(raw.Headers, RawHeader{headerPrefix + "source.offset", position})
		}
	}
	return raw
}

// context adds the headers that say where and why a record failed.
func (p *Pipeline) context(stage Stage, class string, err error, raw *Raw) []RawHeader {
	out := make([]RawHeader, len(raw.Headers), len(raw.Headers)+10)
	copy(out, raw.Headers)
	add := func(name, value string) { out = append(out, RawHeader{headerPrefix + name, []byte(value)}) }
	add("topic", raw.Topic)
	add("partition", strconv.Itoa(int(raw.Partition)))
	add("offset", strconv.FormatInt(raw.Offset, 10))
	add("connector.name", p.c.Connector)
	add("task.id", strconv.Itoa(p.c.Task))
	add("stage", string(stage))
	add("class.name", class)
	add("exception.class.name", connect.ClassOf(err))
	add("exception.message", err.Error())
	add("exception.stacktrace", connect.Trace(err))
	return out
}

// Reject applies the errors policy to a record that the task says can never be
// written (KIP-610): nil means that it is tolerated, an error is for the task
// to return. It may be called from any goroutine, with records that the task
// made itself too.
func (p *Pipeline) Reject(r *connect.SinkRecord, cause error) error {
	if cause == nil {
		cause = connect.Failf("the task gave no reason")
	}
	cause = javaError(cause)
	raw, err := p.rawOf(r)
	if err != nil {
		return err
	}
	p.count.Failures.Add(1)
	p.count.Failed()
	p.report(TaskPut, sinkTaskClass, cause, origin{raw: raw})
	if !p.c.Tolerate {
		return exceeded(cause)
	}
	return nil
}

// rawOf finds what Kafka gave for a record of the current batch; a record that
// is not of it is encoded again.
func (p *Pipeline) rawOf(r *connect.SinkRecord) (*Raw, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Original != nil {
		for i := range p.raws { // tasks reject in order, so the next one is near
			raw := &p.raws[(p.hint+i)%len(p.raws)]
			if raw.Offset == r.Offset && raw.Partition == r.Original.Partition && raw.Topic == r.Original.Topic {
				p.hint = (p.hint + i + 1) % len(p.raws)
				found := *raw
				return &found, nil
			}
		}
	}
	raw := &Raw{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Timestamp: max(r.Timestamp, -1), TimestampType: r.TimestampType}
	if r.Original != nil {
		raw.Topic, raw.Partition = r.Original.Topic, r.Original.Partition
	}
	if !p.rejects() {
		return raw, nil // nobody looks at its contents
	}
	var err error
	if raw.Key, err = encode(p.c.Key, p.c.KeyClass, []byte{}, r.Topic, r.Headers, r.Key); err != nil {
		return nil, err
	}
	if raw.Value, err = encode(p.c.Value, p.c.ValueClass, []byte{}, r.Topic, r.Headers, r.Value); err != nil {
		return nil, err
	}
	for _, h := range r.Headers {
		b, err := encodeHeader(p.c.Header, p.c.HeaderClass, []byte{}, r.Topic, h.Key, h.Value)
		if err != nil {
			return nil, err
		}
		raw.Headers = append(raw.Headers, RawHeader{h.Key, b})
	}
	return raw, nil
}

// Await waits until every dead letter so far is written or lost, as must be
// before the offsets of its records are committed. It returns the first loss of
// a record that the task rejected, once, or ctx's error.
func (p *Pipeline) Await(ctx context.Context) error { return p.dead.wait(ctx) }

// deadReports counts dead letters on their way.
type deadReports struct {
	mu   sync.Mutex
	open int
	idle chan struct{} // closed while none is open
	lost error
}

func (d *deadReports) init() {
	d.idle = make(chan struct{})
	close(d.idle)
}

func (d *deadReports) begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open++; d.open == 1 {
		d.idle = make(chan struct{})
	}
}

func (d *deadReports) end(lost error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lost == nil {
		d.lost = lost
	}
	if d.open--; d.open == 0 {
		close(d.idle)
	}
}

func (d *deadReports) wait(ctx context.Context) error {
	d.mu.Lock()
	idle := d.idle
	d.mu.Unlock()
	select {
	case <-idle:
	case <-ctx.Done():
		return ctx.Err()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	lost := d.lost
	d.lost = nil
	return lost
}
