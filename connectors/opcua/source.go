package opcua

import (
	"context"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
)

const (
	quiet    = time.Second // after which an idle Poll returns empty-handed
	mostPoll = 5000        // records that a Poll goes on to gather
)

// task hands on what its device reads.
type task struct {
	records *records
	device  *device
	stop    context.CancelFunc
	ended   chan struct{}
	err     error // why the device ended; set before ended is closed
}

func openTask(_ context.Context, h connect.SourceHost, p connect.Props) (connect.SourceTask, error) {
	var c taskConfig
	if err := connect.Parse(p, &c); err != nil {
		return nil, err
	}
	if err := c.finish(); err != nil {
		return nil, err
	}
	d := &device{config: &c.config, name: h.Name(), log: h.Log(), out: make(chan []reading, waiting), sources: map[string]*connect.SourcePartition{}}
	var err error
	if c.certFile != "" && c.policy != noneMode {
		if d.peer.client, err = loadIdentity(certProperty, c.certFile, keyProperty, c.keyFile); err != nil {
			return nil, err
		}
	}
	if c.userCert != "" {
		if d.peer.user, err = loadIdentity(userCertProperty, c.userCert, userKeyProperty, c.userKey); err != nil {
			return nil, err
		}
	}
	if d.peer.uri, err = c.applicationURI(d.peer.client); err != nil {
		return nil, err
	}
	if _, err := c.loadTrust(); err != nil {
		return nil, err
	}
	// The device lives until Close, not as long as this call.
	ctx, stop := context.WithCancel(context.Background())
	t := &task{records: newRecords(&c.config, d.log, &d.losses), device: d, stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(t.ended)
		t.err = d.run(ctx)
	}()
	return t, nil
}

// Poll returns what has come, and waits for something to come.
func (t *task) Poll(ctx context.Context, dst []connect.SourceRecord) ([]connect.SourceRecord, error) {
	timer := time.NewTimer(quiet)
	defer timer.Stop()
	select {
	case r := <-t.device.out:
		return t.gather(dst, r), nil
	default:
	}
	select {
	case r := <-t.device.out:
		return t.gather(dst, r), nil
	case <-timer.C:
		return dst, nil
	case <-ctx.Done():
		return dst, ctx.Err()
	case <-t.ended:
		select {
		case r := <-t.device.out: // its last words
			return t.gather(dst, r), nil
		default:
			return dst, t.err
		}
	}
}

// gather appends r and what else is there.
func (t *task) gather(dst []connect.SourceRecord, r []reading) []connect.SourceRecord {
	now, n := time.Now(), 0
	for {
		dst = t.records.append(dst, r, now)
		if n += len(r); n >= mostPoll {
			return dst
		}
		select {
		case r = <-t.device.out:
		default:
			return dst
		}
	}
}

// Close ends the session and waits for the device's goroutine.
func (t *task) Close() error {
	t.stop()
	<-t.ended
	return nil
}
