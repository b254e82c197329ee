package worker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/state"
	"github.com/millwright-connect/millwright/worker/topiclog"
)

// openOffsetFile opens the offsets of standalone mode. The file is the one that
// Apache Connect's standalone worker writes: a serialized java.util.HashMap of
// byte arrays, so that either can go on where the other stopped. It is replaced
// as a whole at every commit.
func openOffsetFile(path string, apply func(topiclog.Record)) (topicLog, error) {
	entries, err := readOffsetFile(path)
	if err != nil {
		return nil, err
	}
	l := &memoryLog{apply: apply}
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		apply(topiclog.Record{Offset: l.next, Key: []byte(key), Value: entries[key]})
		l.next++
	}
	l.keep = func(kvs []state.KV) error {
		for _, kv := range kvs {
			entries[string(kv.Key)] = kv.Value
		}
		return writeOffsetFile(path, entries)
	}
	return l, nil
}

// Tokens of Java's Object Serialization Stream Protocol, section 6.4.2.
const (
	tcNull         = 0x70
	tcReference    = 0x71
	tcClassDesc    = 0x72
	tcObject       = 0x73
	tcArray        = 0x75
	tcBlockData    = 0x77
	tcEndBlockData = 0x78
)

var (
	// The head of a serialized HashMap up to its load factor: magic, version,
	// object, class description (name, serialVersionUID, writes its own data, a
	// float and an int field), no superclass.
	mapHead = slices.Concat([]byte{0xac, 0xed, 0, 5, tcObject, tcClassDesc, 0, 17}, []byte("java.util.HashMap"),
		[]byte{0x05, 0x07, 0xda, 0xc1, 0xc3, 0x16, 0x60, 0xd1, 3, 0, 2, 'F', 0, 10}, []byte("loadFactor"),
		[]byte{'I', 0, 9}, []byte("threshold"), []byte{tcEndBlockData, tcNull})
	// The class description of byte[], for the first array; later ones refer to
	// it by its handle.
	bytesClass = slices.Concat([]byte{tcClassDesc, 0, 2}, []byte("[B"), []byte{0xac, 0xf3, 0x17, 0xf8, 0x06, 0x08, 0x54, 0xe0, 2, 0, 0, tcEndBlockData, tcNull})
	bytesAgain = []byte{tcReference, 0, 0x7e, 0, 2}
)

func readOffsetFile(path string) (map[string][]byte, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(b) == 0 {
		return map[string][]byte{}, nil
	}
	if err != nil {
		return nil, connect.Failf("offset.storage.file.filename: the offsets cannot be read: %w", err)
	}
	entries, err := parseOffsetFile(b)
	if err != nil {
		return nil, connect.Failf("offset.storage.file.filename: %s does not hold the offsets of a standalone worker: %w. Name another file, or move this one away to begin anew.", path, err)
	}
	return entries, nil
}

var errOffsetFile = errors.New("it is no serialized java.util.HashMap of byte arrays")

func parseOffsetFile(b []byte) (map[string][]byte, error) {
	rest, ok := bytes.CutPrefix(b, mapHead)
	if !ok {
		return nil, errOffsetFile
	}
	r := bytes.NewReader(rest)
	var head struct {
		LoadFactor float32
		Threshold  int32
		Block, N   byte
		Capacity   int32
		Size       int32
	}
	if err := binary.Read(r, binary.BigEndian, &head); err != nil || head.Block != tcBlockData || head.N != 8 || head.Size < 0 {
		return nil, errOffsetFile
	}
	entries := make(map[string][]byte, min(int(head.Size), r.Len()))
	for range head.Size {
		key, err := parseBytes(r)
		if err != nil {
			return nil, err
		}
		value, err := parseBytes(r)
		if err != nil {
			return nil, err
		}
		if key != nil {
			entries[string(key)] = value
		}
	}
	return entries, nil
}

func parseBytes(r *bytes.Reader) ([]byte, error) {
	token, err := r.ReadByte()
	switch {
	case err != nil:
		return nil, io.ErrUnexpectedEOF
	case token == tcNull:
		return nil, nil
	case token != tcArray:
		return nil, fmt.Errorf("%w (token %#x)", errOffsetFile, token)
	}
	at, _ := r.Seek(0, io.SeekCurrent)
	for _, class := range [][]byte{bytesClass, bytesAgain} {
		got := make([]byte, len(class))
		if _, err := io.ReadFull(r, got); err == nil && bytes.Equal(got, class) {
			var n int32
			if err := binary.Read(r, binary.BigEndian, &n); err != nil || n < 0 || int(n) > r.Len() {
				return nil, io.ErrUnexpectedEOF
			}
			b := make([]byte, n)
			_, err := io.ReadFull(r, b)
			return b, err
		}
		_, _ = r.Seek(at, io.SeekStart) // a place that it came from
	}
	return nil, errOffsetFile
}

func formatOffsetFile(entries map[string][]byte) []byte {
	capacity := int32(16)
	for float64(len(entries)) > 0.75*float64(capacity) {
		capacity *= 2
	}
	b := slices.Clone(mapHead)
	b = append(b, 0x3f, 0x40, 0, 0) // load factor 0.75
	b = binary.BigEndian.AppendUint32(b, uint32(capacity/4*3))
	b = append(b, tcBlockData, 8)
	b = binary.BigEndian.AppendUint32(b, uint32(capacity))
	b = binary.BigEndian.AppendUint32(b, uint32(len(entries)))
	class := bytesClass
	array := func(v []byte) {
		if v == nil {
			b = append(b, tcNull)
			return
		}
		b = append(append(b, tcArray), class...)
		b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
		b = append(b, v...)
		class = bytesAgain
	}
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		array([]byte(key))
		array(entries[key])
	}
	return append(b, tcEndBlockData)
}

// writeOffsetFile replaces the file by a whole new one, so that a crash leaves
// either the old offsets or the new. Where that cannot be, as with a single file
// that is mounted into a container, it is written in place, as Java does.
func writeOffsetFile(path string, entries map[string][]byte) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	b := formatOffsetFile(entries)
	if replaceFile(path, b) == nil {
		return nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644) //nolint:gosec // as readable as Java makes it
	if err == nil {
		_, err = f.Write(b)
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err != nil {
		return connect.Failf("offset.storage.file.filename: the offsets cannot be written: %w", err)
	}
	return nil
}

func replaceFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if old, err := os.Stat(path); err == nil {
		mode = old.Mode().Perm()
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name()) //nolint:errcheck // the error that led here is the one to tell
	}
	return err
}
