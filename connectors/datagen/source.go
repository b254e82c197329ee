package datagen

import (
	"context"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

const (
	quiet  = time.Second          // after which an idle Poll returns empty-handed
	gather = 5 * time.Millisecond // the least wait: high rates come in batches
)

// A place is the offset of a reading: the next one's number.
type place struct {
	Seq int64 `json:"seq"`
}

// A stream is one machine and how far it is.
type stream struct {
	machine
	source *connect.SourcePartition
	seq    int64
	end    int64 // the number at which it falls silent; -1: never
}

// task makes the readings of some machines, in turn.
type task struct {
	config
	streams []stream
	turn    int
	pace    pace
}

func openTask(ctx context.Context, h connect.SourceHost, p connect.Props) (connect.SourceTask, error) {
	var c taskConfig
	if err := connect.Parse(p, &c); err != nil {
		return nil, err
	}
	if c.count == 0 {
		c.count = c.machines
	}
	t := &task{config: c.config, pace: pace{rate: c.rate * float64(c.count) / float64(c.machines)}}
	plant := newPlant(c.sensors, c.start)
	for i := c.first; i < c.first+c.count; i++ {
		s := stream{machine: plant.machine(i, c.seed), end: -1}
		if c.limit > 0 {
			s.end = c.limit / int64(c.machines)
			if int64(i) < c.limit%int64(c.machines) {
				s.end++
			}
		}
		var err error
		if s.source, err = connect.NewSourcePartition(connect.Object{machineField: machineName(i)}); err != nil {
			return nil, err
		}
		offset, err := h.Offset(ctx, s.source)
		if err != nil {
			return nil, err
		}
		if v, ok := offset[seqField]; ok {
			if s.seq, ok = v.(int64); !ok || s.seq < 0 {
				return nil, connect.Failf("offset %v of %s must be {%q: n}; reset the connector's offsets or set such a one", offset, machineName(i), seqField)
			}
		}
		t.streams = append(t.streams, s)
	}
	return t, nil
}

// Poll returns the readings that are due, at most a batch, and waits for them.
func (t *task) Poll(ctx context.Context, dst []connect.SourceRecord) ([]connect.SourceRecord, error) {
	if err := ctx.Err(); err != nil {
		return dst, err
	}
	n, wait := t.pace.due(time.Now(), t.batch)
	if t.done() {
		n, wait = 0, quiet
	}
	if n == 0 {
		timer := time.NewTimer(min(wait, quiet))
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return dst, ctx.Err()
		case <-timer.C:
		}
		if wait >= quiet {
			return dst, nil
		}
		n, _ = t.pace.due(time.Now(), t.batch)
	}
	made := len(dst)
	dst = t.generate(dst, n)
	t.pace.made(len(dst) - made)
	return dst, nil
}

func (t *task) done() bool {
	for i := range t.streams {
		if t.streams[i].more() {
			return false
		}
	}
	return true
}

func (s *stream) more() bool { return s.end < 0 || s.seq < s.end }

// generate appends n readings, fewer when the streams end. A batch's values
// and offsets are one allocation each.
func (t *task) generate(dst []connect.SourceRecord, n int) []connect.SourceRecord {
	values, places := make([]data.Value, n*fields), make([]place, n)
	now := time.Now().UnixMilli()
	first := len(dst)
	for i, idle := 0, 0; i < n && idle < len(t.streams); {
		s := &t.streams[t.turn]
		if t.turn++; t.turn == len(t.streams) {
			t.turn = 0
		}
		if !s.more() {
			idle++
			continue
		}
		idle = 0
		v := values[i*fields : (i+1)*fields : (i+1)*fields]
		s.reading(v, s.seq)
		if t.clock == wallClock {
			v[2] = data.Millis(now)
		}
		s.seq++
		places[i] = place{s.seq}
		r := connect.NewSourceRecord(t.topic, s.source, &places[i], data.Datum{Schema: keySchema, Value: s.name}, data.NewStruct(schema, v...).Datum())
		r.Timestamp = now // not that of the plant clock, by which Kafka would soon delete the record
		dst = append(dst, r)
		i++
	}
	if len(dst) > first {
		dst[len(dst)-1].Boundary = connect.CommitAfter
	}
	return dst
}

var keySchema = data.Of(data.String)

// Close has nothing to release.
func (t *task) Close() error { return nil }

// A pace spreads readings over time.
type pace struct {
	rate  float64   // per second; 0: no limit
	since time.Time // counted from here
	n     int64     // made since
}

// due returns how many readings are due, at most limit, or how long to wait
// until some are.
func (p *pace) due(now time.Time, limit int) (int, time.Duration) {
	if p.rate == 0 {
		return limit, 0
	}
	if p.since.IsZero() {
		p.since = now
	}
	owed := p.rate*now.Sub(p.since).Seconds() - float64(p.n)
	if late := p.rate*quiet.Seconds() + float64(limit); owed > late {
		// After a pause the plant goes on; it does not make up for it.
		p.since, p.n = now, 0
		owed = 1
	}
	if owed >= 1 {
		return int(min(owed, float64(limit))), 0
	}
	return 0, max(gather, time.Duration((1-owed)/p.rate*float64(time.Second)))
}

func (p *pace) made(n int) { p.n += int64(n) }
