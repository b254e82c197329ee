package pipeline

import (
	"context"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// Raw is a record as Kafka gave it.
type Raw struct {
	Topic         string
	Partition     int32
	Offset        int64
	Timestamp     int64 // ms since the epoch; -1: none
	TimestampType int8  // 0 CreateTime, 1 LogAppendTime, -1 none
	Key, Value    []byte
	Headers       []RawHeader
}

// In decodes a record of Kafka and sends it through the transforms into r,
// whose Original, if it is set already, is kept. A false keep means that the
// record is dropped: by a transform, or for an error that is tolerated. An error
// fails the task, but for ctx's own, which says that a retry was cut short.
// R has no topic when the record could not be decoded.
func (p *Pipeline) In(ctx context.Context, raw *Raw, r *connect.SinkRecord) (keep bool, err error) {
	o := origin{raw: raw}
	original := r.Original
	if original == nil {
		original = &connect.TopicPartition{Topic: raw.Topic, Partition: raw.Partition}
	}
	*r = connect.SinkRecord{
		Original: original, TimestampType: raw.TimestampType,
		Record: connect.Record{Partition: raw.Partition, Offset: raw.Offset, Timestamp: timestampOf(raw)},
	}
	rawHeaders := p.rawHeaders(raw)
	if r.Key, keep, err = p.inPart(ctx, KeyConverter, raw, rawHeaders, o); !keep || err != nil {
		return false, err
	}
	if r.Value, keep, err = p.inPart(ctx, ValueConverter, raw, rawHeaders, o); !keep || err != nil {
		return false, err
	}
	if len(raw.Headers) > 0 {
		if r.Headers, keep, err = p.inHeaders(ctx, raw, o); !keep || err != nil {
			return false, err
		}
	}
	r.Topic = raw.Topic
	if len(p.c.Steps) > 0 {
		if keep, err = p.transform(ctx, &r.Record, o); !keep || err != nil {
			return false, err
		}
	}
	if p.rejects() {
		p.mu.Lock()
		p.raws = append(p.raws, *raw)
		p.mu.Unlock()
	}
	return true, nil
}

// timestampOf is the record's time: Kafka's -1 is none.
func timestampOf(raw *Raw) int64 {
	if raw.Timestamp < 0 {
		return connect.NoTimestamp
	}
	return raw.Timestamp
}

// rejects reports whether Reject needs raw records.
func (p *Pipeline) rejects() bool { return p.c.Dead != nil || p.c.LogErrors }

// Taken tells that the task has the batch that the last calls of In made, so
// that it need not be remembered for Reject any more.
func (p *Pipeline) Taken() {
	if !p.rejects() {
		return
	}
	p.mu.Lock()
	clear(p.raws)
	p.raws, p.hint = p.raws[:0], 0
	p.mu.Unlock()
}

// rawHeaders shows undecoded headers to converters, as bytes. The slice is
// used again for the next record.
func (p *Pipeline) rawHeaders(raw *Raw) []connect.Header {
	if len(raw.Headers) == 0 {
		return nil
	}
	p.scratch = p.scratch[:0]
	for _, h := range raw.Headers {
		d := data.Datum{}
		if h.Value != nil {
			d = data.Datum{Schema: bytesSchema, Value: data.Bin(h.Value)}
		}
		p.scratch = append(p.scratch, connect.Header{Key: h.Key, Value: d})
	}
	return p.scratch
}

var bytesSchema = data.Of(data.Bytes)

func (p *Pipeline) inPart(ctx context.Context, stage Stage, raw *Raw, h []connect.Header, o origin) (d data.Datum, keep bool, err error) {
	c, class, b := p.c.Key, p.c.KeyClass, raw.Key
	if stage == ValueConverter {
		c, class, b = p.c.Value, p.c.ValueClass, raw.Value
	}
	for t := (tries{}); ; {
		if d, err = decode(c, class, raw.Topic, h, b); err == nil {
			return d, true, nil
		}
		if again, stop := p.again(ctx, &t, err); stop != nil {
			return data.Datum{}, false, stop
		} else if !again {
			return data.Datum{}, false, p.failed(stage, class, err, o)
		}
	}
}

func (p *Pipeline) inHeaders(ctx context.Context, raw *Raw, o origin) (out []connect.Header, keep bool, err error) {
	out = make([]connect.Header, 0, len(raw.Headers))
	for t := (tries{}); ; {
		out, err = out[:0], nil
		for i := range raw.Headers {
			h := &raw.Headers[i]
			var d data.Datum
			if d, err = decodeHeader(p.c.Header, p.c.HeaderClass, raw.Topic, h.Key, h.Value); err != nil {
				break
			}
			out = append(out, connect.Header{Key: h.Key, Value: d})
		}
		if err == nil {
			return out, true, nil
		}
		if again, stop := p.again(ctx, &t, err); stop != nil {
			return nil, false, stop
		} else if !again {
			return nil, false, p.failed(HeaderConverter, p.c.HeaderClass, err, o)
		}
	}
}
