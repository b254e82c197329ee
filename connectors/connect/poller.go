package connect

import (
	"context"
	"strings"
	"time"
)

// Every turns a function that reads once into a Poll that is called at a fixed
// period. The first read is at once; a read that takes longer than the period
// delays the next, none is made up for.
func Every(period time.Duration, read func(ctx context.Context, dst []SourceRecord) ([]SourceRecord, error)) *Poller {
	return &Poller{period: period, read: read}
}

// A Poller is the Poll and Close of a timed source task; embed it.
type Poller struct {
	period time.Duration
	read   func(context.Context, []SourceRecord) ([]SourceRecord, error)
	tick   *time.Ticker
}

// Poll waits for the next turn and reads.
func (p *Poller) Poll(ctx context.Context, dst []SourceRecord) ([]SourceRecord, error) {
	if p.tick == nil {
		p.tick = time.NewTicker(p.period)
		return p.read(ctx, dst)
	}
	select {
	case <-ctx.Done():
		return dst, ctx.Err()
	case <-p.tick.C:
		return p.read(ctx, dst)
	}
}

// Close stops the ticker.
func (p *Poller) Close() error {
	if p.tick != nil {
		p.tick.Stop()
	}
	return nil
}

// Split deals list to at most max tasks in runs of equal length, each task with
// base and its share, comma-separated, under name.
func Split(base Props, name string, list []string, max int) []Props {
	n := min(max, len(list))
	tasks := make([]Props, n)
	for i := range tasks {
		lo, hi := i*len(list)/n, (i+1)*len(list)/n
		p := make(Props, len(base)+1)
		for k, v := range base {
			p[k] = v
		}
		p[name] = strings.Join(list[lo:hi], ",")
		tasks[i] = p
	}
	return tasks
}
