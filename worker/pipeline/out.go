package pipeline

import (
	"context"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Encoded is a source record as Kafka takes it. Its bytes are pieces of the
// arena and of what converters made; they stay valid and unchanged.
type Encoded struct {
	Key, Value []byte // nil: null
	Headers    []RawHeader
}

// Bounds of a piece of arena.
const (
	smallArena = 1 << 10
	largeArena = 256 << 10 // that follows when a batch takes more than was thought
	mostArena  = 1 << 20
)

// Arena returns room for about n encoded records: an old arena, emptied, if it
// is big enough. An arena belongs to one batch: the producer keeps pieces of it
// until Kafka has taken them.
func (p *Pipeline) Arena(old []byte, n int) []byte {
	room := min(max(n*(p.mean+p.mean/4), smallArena), mostArena)
	if cap(old) >= room {
		return old[:0]
	}
	return make([]byte, 0, room)
}

// Out sends a record of a source through the transforms, which change it in
// place, and encodes it at the end of the arena, which it returns for the next
// record. A false keep means that the record is dropped: by a transform, or for
// an error that is tolerated. An error fails the task, but for ctx's own, which
// says that a retry was cut short.
func (p *Pipeline) Out(ctx context.Context, r *connect.SourceRecord, arena []byte) (grown []byte, out Encoded, keep bool, err error) {
	o := origin{source: r}
	if len(p.c.Steps) > 0 {
		if p.c.LogMessages || p.c.Dead != nil {
			before := r.Record // what reports show: the record as the task made it
			o.before = &before
		}
		if keep, err = p.transform(ctx, &r.Record, o); !keep || err != nil {
			return arena, out, false, err
		}
	}
	if cap(arena)-len(arena) < p.mean {
		// A new piece is cheaper than growing: what is there stays where it is.
		arena = make([]byte, 0, largeArena)
	}
	start := len(arena)
	grown = arena
	if len(r.Headers) > 0 {
		if grown, out.Headers, keep, err = p.outHeaders(ctx, r, grown, o); !keep || err != nil {
			return arena, Encoded{}, false, err
		}
	}
	if grown, out.Key, keep, err = p.outPart(ctx, KeyConverter, r, grown, o); !keep || err != nil {
		return arena, Encoded{}, false, err
	}
	if grown, out.Value, keep, err = p.outPart(ctx, ValueConverter, r, grown, o); !keep || err != nil {
		return arena, Encoded{}, false, err
	}
	if size := len(grown) - start; size >= 0 {
		p.mean += (size - p.mean) / 16
	}
	return grown, out, true, nil
}

// outPart encodes a key or a value.
func (p *Pipeline) outPart(ctx context.Context, stage Stage, r *connect.SourceRecord, arena []byte, o origin) (grown, part []byte, keep bool, err error) {
	c, class, d := p.c.Key, p.c.KeyClass, r.Key
	if stage == ValueConverter {
		c, class, d = p.c.Value, p.c.ValueClass, r.Value
	}
	for t := (tries{}); ; {
		grown, err = encode(c, class, arena, r.Topic, r.Headers, d)
		switch {
		case err == nil && grown == nil:
			return arena, nil, true, nil
		case err == nil:
			grown, part = cut(arena, grown)
			return grown, part, true, nil
		}
		if again, stop := p.again(ctx, &t, err); stop != nil {
			return arena, nil, false, stop
		} else if !again {
			return arena, nil, false, p.failed(stage, class, err, o)
		}
	}
}

// cut returns what a converter appended to the arena. One that gave bytes of
// its own, against the contract, loses nothing: they are used as they are.
func cut(arena, grown []byte) (next, part []byte) {
	n := len(arena)
	if len(grown) < n {
		return arena, grown
	}
	return grown, grown[n:len(grown):len(grown)]
}

func (p *Pipeline) outHeaders(ctx context.Context, r *connect.SourceRecord, arena []byte, o origin) (grown []byte, out []RawHeader, keep bool, err error) {
	if cap(p.headers)-len(p.headers) < len(r.Headers) {
		p.headers = make([]RawHeader, 0, max(len(r.Headers), 64))
	}
	n := len(p.headers)
	for t := (tries{}); ; {
		grown, err = arena, nil
		for i := range r.Headers {
			h := &r.Headers[i]
			var next, part []byte
			if next, err = encodeHeader(p.c.Header, p.c.HeaderClass, grown, r.Topic, h.Key, h.Value); err != nil {
				break
			}
			if next != nil {
				grown, part = cut(grown, next)
			}
			p.headers = append(p.headers, RawHeader{h.Key, part})
		}
		if err == nil {
			end := len(p.headers)
			return grown, p.headers[n:end:end], true, nil
		}
		p.headers = p.headers[:n]
		if again, stop := p.again(ctx, &t, err); stop != nil {
			return arena, nil, false, stop
		} else if !again {
			return arena, nil, false, p.failed(HeaderConverter, p.c.HeaderClass, err, o)
		}
	}
}

// SendFailed applies the errors policy to a record that Kafka did not take:
// nil means that the user wants it dropped. It may be called from any
// goroutine.
func (p *Pipeline) SendFailed(topic string, cause error) error {
	if !p.c.Tolerate {
		return cause
	}
	p.count.Failures.Add(1)
	p.count.Failed()
	p.report(KafkaProduce, sourceTaskClass, javaError(cause), origin{topic: topic})
	return nil
}
