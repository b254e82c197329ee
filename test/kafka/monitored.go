package main

import (
	"context"
	"sync/atomic"

	"github.com/millwright-connect/millwright/connectors/connect"
)

type opening = func(context.Context, connect.Host, connect.Props) (connect.Connector, error)

// started gives a connector that runs a metric. Java's has a text as value.
func started(open opening) opening {
	return func(ctx context.Context, h connect.Host, props connect.Props) (connect.Connector, error) {
		c, err := open(ctx, h, props)
		if err != nil {
			return nil, err
		}
		return c, h.Gauge("start", nil, func() float64 { return 1 })
	}
}

// monitoredSource gives a source metrics of its own: its connector "start", each
// task "poll", the number of polls.
func monitoredSource(p connect.SourcePlugin) connect.SourcePlugin {
	openTask := p.OpenTask
	p.Open = started(p.Open)
	p.OpenTask = func(ctx context.Context, h connect.SourceHost, props connect.Props) (connect.SourceTask, error) {
		t, err := openTask(ctx, h, props)
		if err != nil {
			return nil, err
		}
		m := &pollCounter{numbered: t.(*numbered)}
		return m, h.Gauge("poll", nil, func() float64 { return float64(m.polls.Load()) })
	}
	return p
}

type pollCounter struct {
	*numbered
	polls atomic.Int64
}

func (p *pollCounter) Poll(ctx context.Context, dst []connect.SourceRecord) ([]connect.SourceRecord, error) {
	p.polls.Add(1)
	return p.numbered.Poll(ctx, dst)
}

// monitoredSink gives a sink metrics of its own: its connector "start", each
// task "put", the number of records.
func monitoredSink(p connect.SinkPlugin) connect.SinkPlugin {
	openTask := p.OpenTask
	p.Open = started(p.Open)
	p.OpenTask = func(ctx context.Context, h connect.SinkHost, props connect.Props) (connect.SinkTask, error) {
		t, err := openTask(ctx, h, props)
		if err != nil {
			return nil, err
		}
		m := &putCounter{told: t.(*told)}
		return m, h.Gauge("put", nil, func() float64 { return float64(m.puts.Load()) })
	}
	return p
}

type putCounter struct {
	*told
	puts atomic.Int64
}

func (p *putCounter) Put(ctx context.Context, batch []connect.SinkRecord) error {
	p.puts.Add(int64(len(batch)))
	return p.told.Put(ctx, batch)
}
