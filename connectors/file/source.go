package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
	"unsafe"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// Fields of source partitions and offsets.
const (
	filenameField = "filename"
	positionField = "position"
)

const (
	blockSize = 256 << 10              // bytes read at a time
	minWait   = 10 * time.Millisecond  // before the first look for more data
	maxWait   = 100 * time.Millisecond // between looks at a quiet file
	quiet     = time.Second            // after which an idle Poll returns empty-handed
)

var valueSchema = data.Of(data.String)

// A place is the offset of a record: how many UTF-16 code units of the file's
// text there are up to the end of its line.
type place struct {
	Position int64 `json:"position"`
}

// sourceTask reads one file.
type sourceTask struct {
	sourceConfig
	host   connect.SourceHost
	source *connect.SourcePartition

	file     *os.File // nil until the file is there
	at       int64    // the byte of the file at which lines.text starts
	position int64    // the UTF-16 code units before it
	skip     int64    // so many units more were committed: no lines yet
	lines    splitter
	timer    *time.Timer
	warned   bool // that the file is missing, or too short
}

func openSourceTask(_ context.Context, h connect.SourceHost, p connect.Props) (connect.SourceTask, error) {
	var c sourceConfig
	if err := connect.Parse(p, &c); err != nil {
		return nil, err
	}
	c.batch = max(c.batch, 1)
	if c.path == "" {
		return &stdinTask{sourceConfig: c, blocks: stdin()}, nil
	}
	source, err := connect.NewSourcePartition(connect.Object{filenameField: c.path})
	if err != nil {
		return nil, err
	}
	return &sourceTask{sourceConfig: c, host: h, source: source}, nil
}

// Poll returns the lines that are there, at most a batch of them. It waits for
// the file to appear and for lines to be added.
func (t *sourceTask) Poll(ctx context.Context, dst []connect.SourceRecord) ([]connect.SourceRecord, error) {
	until := time.Now().Add(quiet)
	for wait := minWait; ; wait = min(2*wait, maxWait) {
		if t.file == nil {
			if err := t.open(ctx); err != nil {
				return dst, err
			}
		}
		if t.file != nil {
			n := len(dst)
			var err error
			if dst, err = t.read(ctx, dst); err != nil || len(dst) > n {
				return dst, err
			}
		}
		if !time.Now().Add(wait).Before(until) {
			return dst, nil
		}
		if err := t.sleep(ctx, wait); err != nil {
			return dst, err
		}
	}
}

// open opens the file, to be read from the committed position; t.file stays
// nil when there is no such file yet.
func (t *sourceTask) open(ctx context.Context) error {
	info, err := os.Stat(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		if !t.warned {
			t.warned = true
			t.host.Log().Info("the file does not exist, waiting for it to be created", "file", t.path)
		}
		return nil
	}
	if err != nil {
		return t.failed("open", err)
	}
	if !info.Mode().IsRegular() {
		return connect.Failf("Couldn't open file '%s' for FileStreamSourceTask: it is not a regular file; "+
			"name a file in '%s', or leave '%s' out to read the standard input", t.path, fileProperty, fileProperty)
	}
	position, err := t.committed(ctx)
	if err != nil {
		return err
	}
	f, err := os.Open(t.path)
	if err != nil {
		return t.failed("open", err)
	}
	t.file, t.warned = f, false
	t.at, t.position, t.skip = 0, 0, max(position, 0)
	t.lines.set("", 0)
	return nil
}

func (t *sourceTask) committed(ctx context.Context) (int64, error) {
	offset, err := t.host.Offset(ctx, t.source)
	if err != nil {
		return 0, err
	}
	switch n := offset[positionField].(type) {
	case nil:
		return 0, nil
	case int64:
		return n, nil
	}
	return 0, connect.Failf("Offset position is the incorrect type")
}

func (t *sourceTask) failed(verb string, err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		err = e.Err
	}
	return connect.Failf("Couldn't %s file '%s' for FileStreamSourceTask: %w", verb, t.path, err)
}

// read appends lines to dst until the batch is full or the file has no more.
func (t *sourceTask) read(ctx context.Context, dst []connect.SourceRecord) ([]connect.SourceRecord, error) {
	if t.skip > 0 {
		if err := t.resume(ctx); err != nil || t.skip > 0 {
			return dst, err
		}
	}
	now := time.Now().UnixMilli()
	var places []place // one allocation for a batch's offsets
	for left := t.batch; left > 0; {
		line, n := t.lines.next()
		if n == 0 {
			more, err := t.fill()
			if err != nil {
				return dst, err
			}
			if !more {
				break
			}
			continue
		}
		text, units := decode(line)
		t.at += int64(n)
		t.position += int64(units + n - len(line))
		if len(places) == cap(places) {
			// A busy file fills batches, a quiet one brings a line or two.
			places = make([]place, 0, min(left, 1+len(t.lines.text)/max(n, 16)))
		}
		places = append(places, place{t.position})
		r := connect.NewSourceRecord(t.topic, t.source, &places[len(places)-1], data.Datum{},
			data.Datum{Schema: valueSchema, Value: data.Str(text)})
		r.Timestamp = now
		dst = append(dst, r)
		left--
	}
	return dst, nil
}

// resume goes on towards the committed position. It counts from the start of
// the file, since a position does not tell its byte; Java takes it for the
// byte, and resumes in the wrong place in files that are not ASCII.
func (t *sourceTask) resume(ctx context.Context) error {
	var block []byte
	for t.skip > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		there, err := t.ahead(t.at)
		if err != nil || there <= 0 {
			return err
		}
		if block == nil {
			block = make([]byte, min(there, blockSize))
		}
		read, err := t.file.ReadAt(block, t.at)
		if err != nil && !errors.Is(err, io.EOF) {
			return t.failed("read", err)
		}
		n, units := pass(unsafe.String(unsafe.SliceData(block), read), t.skip)
		if n == 0 {
			return nil // a character whose end is not there yet
		}
		t.at, t.position, t.skip = t.at+int64(n), t.position+units, t.skip-units
	}
	t.skip, t.warned = 0, false
	return nil
}

// ahead returns how many bytes the file has from a place on; below 0, it ends
// before.
func (t *sourceTask) ahead(from int64) (int64, error) {
	info, err := t.file.Stat()
	if err != nil {
		return 0, t.failed("read", err)
	}
	there := info.Size() - from
	if (there < 0 || there == 0 && t.skip > 0) && !t.warned {
		t.warned = true
		t.host.Log().Warn("the file is shorter than the position to read from, waiting for it to grow; "+
			"reset the connector's offsets to read it from its start", "file", t.path, "size", info.Size(), "position", t.position+t.skip)
	}
	return there, nil
}

// fill reads the next block behind what is left of the last one. It reports
// whether there was more. The text of a block is never written again, so lines
// may be parts of it.
func (t *sourceTask) fill() (bool, error) {
	rest := t.lines.text
	from := t.at + int64(len(rest))
	there, err := t.ahead(from)
	if err != nil || there <= 0 {
		return false, err
	}
	// A line longer than a block makes blocks grow, so that copying its start
	// over and over does not take quadratic time.
	block := make([]byte, len(rest)+int(min(there, int64(max(blockSize, len(rest))))))
	copy(block, rest)
	n, err := t.file.ReadAt(block[len(rest):], from)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, t.failed("read", err)
	}
	if n == 0 {
		return false, nil // cut short since Stat
	}
	t.warned = false
	t.lines.set(unsafe.String(unsafe.SliceData(block), len(rest)+n), t.lines.seen)
	return true, nil
}

// sleep waits on one timer that the task keeps.
func (t *sourceTask) sleep(ctx context.Context, d time.Duration) error {
	if t.timer == nil {
		t.timer = time.NewTimer(d)
	} else {
		t.timer.Reset(d)
	}
	select {
	case <-ctx.Done():
		t.timer.Stop()
		return ctx.Err()
	case <-t.timer.C:
		return nil
	}
}

// Close closes the file.
func (t *sourceTask) Close() error {
	if t.file == nil {
		return nil
	}
	return t.file.Close()
}
