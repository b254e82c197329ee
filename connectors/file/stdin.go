package file

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"
	"unsafe"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// stdin returns the blocks that the process reads from its standard input. A
// blocked read cannot be interrupted, so one goroutine reads for the life of
// the process and whichever task runs takes the blocks; a task that ends loses
// none that it did not take.
var stdin = sync.OnceValue(func() <-chan block { return pump(os.Stdin) })

type block struct {
	text string
	err  error
}

// pump reads r to its end or first error, which is the last block. The channel
// stays open, for a task that comes later waits just as well.
func pump(r io.Reader) <-chan block {
	blocks := make(chan block)
	go func() {
		for {
			b := make([]byte, 64<<10)
			n, err := r.Read(b)
			if n > 0 {
				// Copied when it is far smaller than its buffer, as typed lines are.
				text := unsafe.String(unsafe.SliceData(b), n)
				if n < len(b)/4 {
					text = string(b[:n])
				}
				blocks <- block{text: text}
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				blocks <- block{err: err}
				return
			}
		}
	}()
	return blocks
}

// stdinTask reads standard input. Its records have no place in a source.
type stdinTask struct {
	sourceConfig
	blocks <-chan block
	lines  splitter
}

// Poll returns the lines of the next blocks.
func (t *stdinTask) Poll(ctx context.Context, dst []connect.SourceRecord) ([]connect.SourceRecord, error) {
	timeout := time.NewTimer(quiet)
	defer timeout.Stop()
	for {
		n := len(dst)
		if dst = t.cut(dst); len(dst) > n {
			return dst, nil
		}
		select {
		case <-ctx.Done():
			return dst, ctx.Err()
		case <-timeout.C:
			return dst, nil
		case b := <-t.blocks:
			if b.err != nil {
				return dst, connect.Failf("Couldn't read the standard input for FileStreamSourceTask: %w", b.err)
			}
			t.lines.set(t.lines.text+b.text, t.lines.seen)
		}
	}
}

func (t *stdinTask) cut(dst []connect.SourceRecord) []connect.SourceRecord {
	now := time.Now().UnixMilli()
	for left := t.batch; left > 0; left-- {
		line, n := t.lines.next()
		if n == 0 {
			break
		}
		text, _ := decode(line)
		r := connect.NewSourceRecord(t.topic, nil, nil, data.Datum{}, data.Datum{Schema: valueSchema, Value: data.Str(text)})
		r.Timestamp = now
		dst = append(dst, r)
	}
	return dst
}

// Close leaves standard input open: it is the process's.
func (t *stdinTask) Close() error { return nil }
