package file

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// writeSize is how many bytes are gathered before they are written.
const writeSize = 256 << 10

// sinkTask appends records as lines. A Put ends with its lines in the file, so
// that readers see them at once, and Flush makes them durable.
type sinkTask struct {
	path    string // for errors
	out     *os.File
	regular bool   // not a terminal, a pipe or a device
	buf     []byte // whole lines only, so that tasks may share a file
	dirty   bool   // written since the last Flush
}

func openSinkTask(_ context.Context, _ connect.SinkHost, p connect.Props) (connect.SinkTask, error) {
	var c sinkConfig
	if err := connect.Parse(p, &c); err != nil {
		return nil, err
	}
	if c.path == "" {
		return &sinkTask{path: "standard output", out: os.Stdout}, nil
	}
	out, err := os.OpenFile(c.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		// The message is Java's; why it failed is the cause, as there.
		e := connect.Failf("Couldn't find or create file '%s' for FileStreamSinkTask", c.path)
		e.Cause = javaFileError(c.path, err)
		return nil, e
	}
	info, err := out.Stat()
	return &sinkTask{path: c.path, out: out, regular: err == nil && info.Mode().IsRegular()}, nil
}

// Put appends a line for each record: its value as Java's String.valueOf
// writes it. The key and the headers are left out.
func (t *sinkTask) Put(_ context.Context, batch []connect.SinkRecord) error {
	t.buf = t.buf[:0]
	for i := range batch {
		t.buf = append(data.AppendText(t.buf, batch[i].Value.Value), '\n')
		if len(t.buf) >= writeSize {
			if err := t.write(); err != nil {
				return err
			}
		}
	}
	return t.write()
}

func (t *sinkTask) write() error {
	if len(t.buf) == 0 {
		return nil
	}
	t.dirty = true
	_, err := t.out.Write(t.buf)
	t.buf = t.buf[:0]
	if err != nil {
		return t.failed("write to", err)
	}
	return nil
}

// Flush syncs the file to disk. Java's sink leaves that to the system; since
// offsets are committed next, a power cut would lose the lines for good.
func (t *sinkTask) Flush(context.Context, map[connect.TopicPartition]int64) error {
	if !t.dirty || !t.regular {
		return nil
	}
	if err := t.out.Sync(); err != nil {
		return t.failed("flush", err)
	}
	t.dirty = false
	return nil
}

// Close closes the file; standard output is the process's.
func (t *sinkTask) Close() error {
	if t.out == os.Stdout {
		return nil
	}
	if err := t.out.Close(); err != nil {
		return t.failed("close", err)
	}
	return nil
}

func (t *sinkTask) failed(verb string, err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		err = e.Err
	}
	return connect.Failf("Couldn't %s file '%s' for FileStreamSinkTask: %w", verb, t.path, err)
}

// javaFileError is the java.nio exception that stands for err, which a status
// trace shows as the cause.
func javaFileError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return connect.Errorf("java.nio.file.NoSuchFileException", "%s", path)
	case errors.Is(err, fs.ErrPermission):
		return connect.Errorf("java.nio.file.AccessDeniedException", "%s", path)
	}
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		err = e.Err
	}
	return connect.Errorf("java.nio.file.FileSystemException", "%s: %v", path, err)
}
