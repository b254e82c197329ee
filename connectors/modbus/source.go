package modbus

import (
	"context"
	"slices"
	"sync"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A task polls the devices of its share, each connection in a goroutine of its
// own, so that a device that is off holds up no other.
type task struct {
	out       chan []connect.SourceRecord
	endpoints int
	stop      context.CancelFunc
	polled    sync.WaitGroup
}

func openTask(_ context.Context, h connect.SourceHost, p connect.Props) (connect.SourceTask, error) {
	var c config
	if err := c.read(p); err != nil {
		return nil, err
	}
	s := newShape(&c)
	var endpoints []*endpoint
	for _, group := range byAddress(c.devices) {
		e := &endpoint{config: &c, log: h.Log(), addr: group[0].addr}
		for _, a := range group {
			st, err := newStream(s, a)
			if err != nil {
				return nil, err
			}
			e.devices = append(e.devices, &device{deviceAddress: a, stream: st, log: h.Log(), plan: slices.Clone(c.reads)})
		}
		endpoints = append(endpoints, e)
	}
	ctx, cancel := context.WithCancel(context.Background()) // until Close
	t := &task{out: make(chan []connect.SourceRecord), endpoints: len(endpoints), stop: cancel}
	for _, e := range endpoints {
		t.polled.Go(func() { e.run(ctx, t.out) })
	}
	return t, nil
}

// Poll waits for the records of a poll and takes along what else is ready.
func (t *task) Poll(ctx context.Context, dst []connect.SourceRecord) ([]connect.SourceRecord, error) {
	select {
	case <-ctx.Done():
		return dst, ctx.Err()
	case batch := <-t.out:
		dst = append(dst, batch...)
	}
	for range t.endpoints - 1 {
		select {
		case batch := <-t.out:
			dst = append(dst, batch...)
		default:
			return dst, nil
		}
	}
	return dst, nil
}

// Close ends polling and the connections.
func (t *task) Close() error {
	t.stop()
	t.polled.Wait()
	return nil
}
