package modbus

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// A device is one unit and what is known of it.
type device struct {
	deviceAddress
	*stream
	log     *slog.Logger
	plan    []read // its own: see split
	bad     []string
	why     string
	trouble trouble
	down    bool // not read last time, by its own fault or the connection's
}

// trouble counts failures in a row.
type trouble struct {
	n     int
	since time.Time
	until time.Time // when to try again
	text  string
}

// add counts a failure and says when to try again: at once after the first,
// which may be a hiccup, then after a time that doubles. It reports whether
// there is something new to say.
func (t *trouble) add(now time.Time, err error, first, most time.Duration) bool {
	if t.n == 0 {
		t.since = now
	}
	t.until = now
	if t.n > 0 {
		wait := first
		for i := 1; i < t.n && wait < most; i++ {
			wait *= 2
		}
		t.until = now.Add(min(wait, most))
	}
	t.n++
	said := t.text
	t.text = err.Error()
	return t.text != said
}

// poll reads every tag of the device.
func (d *device) poll(ctx context.Context, c *conn) (*sample, error) {
	m := &sample{at: time.Now(), values: make([]data.Value, d.values)}
	for i := 0; i < len(d.plan); {
		if i > 0 && d.pause > 0 && !wait(ctx, d.pause) {
			return nil, ctx.Err()
		}
		r := &d.plan[i]
		err := d.carryOut(ctx, c, r, m)
		switch {
		case err == nil:
			i++
		case !refusal(err):
			return nil, fmt.Errorf("%s: %w", r.place(d.tags), err)
		case unitGone(err):
			return nil, err
		default:
			if badAddress(err) {
				if low, high, ok := r.split(d.tags); ok {
					d.plan = slices.Replace(d.plan, i, i+1, low, high)
					continue
				}
			}
			for _, p := range r.pieces {
				m.fail(d.shape, p.tag, err.Error())
			}
			i++
		}
	}
	d.compare(m)
	return m, nil
}

// carryOut does one read and takes its values.
func (d *device) carryOut(ctx context.Context, c *conn, r *read, m *sample) error {
	if r.area.bits() {
		on, err := c.bits(ctx, d.unit, r.area, r.start, r.count)
		if err != nil {
			return err
		}
		for _, p := range r.pieces {
			for i, v := range on[p.offset : p.offset+p.n] {
				m.values[d.tags[p.tag].at+p.first+i] = data.B(v)
			}
		}
		return nil
	}
	b, err := c.registers(ctx, d.unit, r.area, r.start, r.count)
	if err != nil {
		return err
	}
	for _, p := range r.pieces {
		t := d.tags[p.tag]
		if err := t.decode(m.values[t.at+p.first:t.at+p.first+p.n], b[2*p.offset:], d.wideUint); err != nil {
			m.fail(d.shape, p.tag, err.Error())
		}
	}
	return nil
}

// fail marks a tag as unreadable in this poll.
func (m *sample) fail(s *shape, tag int, why string) {
	if m.bad == nil {
		m.bad = make([]string, len(s.tags))
	}
	m.bad[tag] = why
}

// compare logs which tags have become unreadable, or readable again, and words
// what is wrong.
func (d *device) compare(m *sample) {
	if !slices.Equal(d.bad, m.bad) {
		d.why = ""
		if m.bad != nil {
			var texts []string
			for i, why := range m.bad {
				if why != "" {
					texts = append(texts, fmt.Sprintf("%s (%s): %s", d.tags[i].name, d.tags[i].place(), why))
				}
			}
			const most = 5
			d.why = strings.Join(texts[:min(most, len(texts))], "; ")
			if len(texts) > most {
				d.why += fmt.Sprintf("; and %d more", len(texts)-most)
			}
			d.log.Warn("some registers of a Modbus device cannot be read; the others are", "device", d.name, "registers", d.why)
		} else {
			d.log.Info("all registers of a Modbus device can be read again", "device", d.name)
		}
		d.bad = m.bad
	}
	m.why = d.why
}

// An endpoint is one connection and the devices behind it. Its goroutine polls
// them in turn.
type endpoint struct {
	*config
	log     *slog.Logger
	addr    string
	devices []*device
	conn    *conn
	trouble trouble // of connecting
	late    int     // polls in a row that took longer than the interval
}

// run polls until ctx ends and hands the records to out. While nobody takes
// them it does not poll.
func (e *endpoint) run(ctx context.Context, out chan<- []connect.SourceRecord) {
	defer func() { e.conn.close() }()
	tick := time.NewTicker(e.interval)
	defer tick.Stop()
	for {
		began := time.Now()
		batch := e.poll(ctx)
		e.timed(time.Since(began))
		if len(batch) > 0 {
			select {
			case out <- batch:
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// timed says when polls keep taking longer than the interval.
func (e *endpoint) timed(took time.Duration) {
	const many = 10 // in a row
	if e.conn == nil || took <= e.interval {
		e.late = 0
	} else if e.late++; e.late == many {
		e.log.Warn("polls take longer than poll.interval.ms; some are left out", "address", e.addr, "took", took, "interval", e.interval)
	}
}

// poll polls each device that is due.
func (e *endpoint) poll(ctx context.Context) (batch []connect.SourceRecord) {
	for _, d := range e.devices {
		if now := time.Now(); now.Before(e.trouble.until) || now.Before(d.trouble.until) {
			continue
		}
		used := e.conn != nil
		m, err := e.try(ctx, d)
		if err != nil && used && e.conn == nil && !timedOut(err) {
			m, err = e.try(ctx, d) // it may have closed a connection that was idle
		}
		switch {
		case ctx.Err() != nil:
			return batch
		case err == nil:
			e.answered(d)
			batch = d.records(batch, m)
		case e.trouble.n > 0: // no connection: this goes for all
			for _, d := range e.devices {
				batch = d.silence(batch, err)
			}
			return batch
		default:
			if d.trouble.add(time.Now(), err, e.backoff, e.backoffMax) {
				d.log.Warn("a Modbus device does not answer; trying again", "device", d.name, "address", e.addr, "unit", d.unit, "error", err)
			}
			batch = d.silence(batch, err)
		}
	}
	return batch
}

// silence appends what is written when a device that was read before, or never,
// cannot be read.
func (d *device) silence(batch []connect.SourceRecord, err error) []connect.SourceRecord {
	if d.down {
		return batch
	}
	d.down = true
	return d.silent(batch, time.Now(), err)
}

// try polls a device, connecting first where there is no connection.
func (e *endpoint) try(ctx context.Context, d *device) (*sample, error) {
	if e.conn == nil {
		c, err := dial(ctx, e.addr, e.connectTimeout, e.timeout, e.log)
		if err != nil {
			if e.trouble.add(time.Now(), err, e.backoff, e.backoffMax) && ctx.Err() == nil {
				e.log.Warn("cannot connect to a Modbus device; trying again", "address", e.addr, "error", err, "at most every", e.backoffMax)
			}
			return nil, err
		}
		if e.trouble.n > 0 {
			e.log.Info("connected to a Modbus device again", "address", e.addr, "after", time.Since(e.trouble.since).Round(time.Millisecond))
		}
		e.conn, e.trouble = c, trouble{}
	}
	m, err := d.poll(ctx, e.conn)
	if e.conn.broken {
		e.conn.close()
		e.conn = nil
	}
	return m, err
}

func (e *endpoint) answered(d *device) {
	if d.trouble.n > 0 {
		d.log.Info("a Modbus device answers again", "device", d.name, "after", time.Since(d.trouble.since).Round(time.Millisecond))
	}
	d.trouble, d.down = trouble{}, false
}

// wait lets a time pass, and reports false when ctx ends before.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
