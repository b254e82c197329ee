package offsets

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A Record is one record of the offsets topic, as topiclog applies it (the two
// types are one). A nil Value is a tombstone.
type Record = struct {
	Offset    int64
	Timestamp int64 // milliseconds since the epoch
	Partition int32
	Key       []byte
	Value     []byte
}

// A KV is a record to be written, as topiclog appends it.
type KV = struct{ Key, Value []byte }

// A Log is the offsets topic; a *topiclog.Log is one.
type Log interface {
	// Append returns when the records are safe.
	Append(ctx context.Context, kvs ...KV) error
	// Sync returns when all records written before are applied.
	Sync(ctx context.Context) error
}

// A Store is the meaning of an offsets topic. Methods may be called from any
// goroutine. Objects that it returns are not to be changed.
type Store struct {
	log *slog.Logger

	mu         sync.Mutex
	topic      Log
	connectors map[string]map[string]*place // by identity of the partition
}

// A place is a source partition with its offset. It has a key for each order
// in which workers have written its fields; the last one written tells.
type place struct {
	partition connect.Object
	keys      []placeKey // oldest first, never empty
}

type placeKey struct {
	key    string
	offset connect.Object // nil: the record could not be read
}

func (p *place) last() placeKey { return p.keys[len(p.keys)-1] }

// NewStore returns the meaning of an empty topic.
func NewStore(log *slog.Logger) *Store {
	return &Store{log: log, connectors: map[string]map[string]*place{}}
}

// Attach says where Set writes to and what Sync waits for. It is apart from
// NewStore because opening a log takes the store's Apply.
func (s *Store) Attach(topic Log) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.topic = topic
}

func (s *Store) attached() (Log, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.topic == nil {
		return nil, errors.New("the store of offsets has no topic to write to")
	}
	return s.topic, nil
}

// Apply takes the next record of the topic.
func (s *Store) Apply(r Record) {
	connector, partition, why := parseKey(r.Key)
	if why != "" {
		s.log.Warn("ignoring a record of the offsets topic", "partition", r.Partition, "offset", r.Offset, "reason", why)
		return
	}
	id, err := identity(partition)
	if err != nil {
		s.log.Warn("ignoring a record of the offsets topic", "connector", connector, "partition", r.Partition, "offset", r.Offset, "reason", err)
		return
	}
	offset, null, why := parseValue(r.Value)
	if why != "" {
		// As in Java, the place counts as one without an offset: an older
		// offset would be as wrong, and be gone after the next compaction.
		s.log.Error("an offset cannot be read, the source will begin anew there or skip data", "connector", connector,
			"source partition", id, "partition", r.Partition, "offset", r.Offset, "reason", why)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	places := s.connectors[connector]
	p := places[id]
	if p != nil {
		p.keys = slices.DeleteFunc(p.keys, func(k placeKey) bool { return k.key == string(r.Key) })
	}
	if null {
		if p != nil && len(p.keys) == 0 {
			delete(places, id)
		}
		if len(places) == 0 {
			delete(s.connectors, connector)
		}
		return
	}
	if p == nil {
		p = &place{partition: partition}
		if places == nil {
			places = map[string]*place{}
			s.connectors[connector] = places
		}
		places[id] = p
	}
	p.keys = append(p.keys, placeKey{string(r.Key), offset})
}

// parseValue reads a value; null tells that the record removes its place.
func parseValue(b []byte) (offset connect.Object, null bool, why string) {
	if b == nil {
		return nil, true, ""
	}
	v, err := parseJSON(b)
	if err != nil {
		return nil, false, "its value is not JSON: " + err.Error()
	}
	if v == nil {
		return nil, true, ""
	}
	if err := Validate(v); err != nil {
		return nil, false, err.Error()
	}
	offset, _ = v.(connect.Object)
	return offset, false, ""
}

// Sync returns when all that was written to the topic before is applied.
func (s *Store) Sync(ctx context.Context) error {
	topic, err := s.attached()
	if err != nil {
		return err
	}
	return topic.Sync(ctx)
}

// Offset returns the offset of a partition, as far as the topic was read; nil
// if there is none.
func (s *Store) Offset(connector string, partition connect.Object) (connect.Object, error) {
	id, err := identity(partition)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.connectors[connector][id]; p != nil {
		return p.last().offset, nil
	}
	return nil, nil
}

// Offsets returns all partitions of a connector with their offsets, in one
// order. An offset that could not be read is nil.
func (s *Store) Offsets(connector string) []connect.PartitionOffset {
	s.mu.Lock()
	defer s.mu.Unlock()
	places := s.connectors[connector]
	list := make([]connect.PartitionOffset, 0, len(places))
	for _, id := range slices.Sorted(maps.Keys(places)) {
		list = append(list, connect.PartitionOffset{Partition: places[id].partition, Offset: places[id].last().offset})
	}
	return list
}

// Records returns the records that set the offsets of a connector; a nil
// Offset resets the partition. A partition that the topic has under a key of
// its own order of fields keeps that key; if it has several, all but the last
// are removed.
func (s *Store) Records(connector string, changes ...connect.PartitionOffset) ([]KV, error) {
	kvs := make([]KV, 0, len(changes))
	for _, c := range changes {
		if err := Validate(c.Partition); err != nil {
			return nil, err
		}
		id, err := identity(c.Partition)
		if err != nil {
			return nil, err
		}
		var value []byte
		if c.Offset != nil {
			if value, err = marshalPosition(c.Offset); err != nil {
				return nil, err
			}
		}
		keys := s.keys(connector, id)
		if len(keys) == 0 {
			key, err := Key(connector, c.Partition)
			if err != nil {
				return nil, err
			}
			kvs = append(kvs, KV{Key: key, Value: value})
			continue
		}
		for i, key := range keys {
			kv := KV{Key: []byte(key)}
			if i == len(keys)-1 {
				kv.Value = value
			}
			kvs = append(kvs, kv)
		}
	}
	return kvs, nil
}

func (s *Store) keys(connector, id string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.connectors[connector][id]
	if p == nil {
		return nil
	}
	keys := make([]string, len(p.keys))
	for i, k := range p.keys {
		keys[i] = k.key
	}
	return keys
}

// Set writes Records and returns when they are safe. Offset gives them back
// after a Sync.
func (s *Store) Set(ctx context.Context, connector string, changes ...connect.PartitionOffset) error {
	topic, err := s.attached()
	if err != nil {
		return err
	}
	kvs, err := s.Records(connector, changes...)
	if err != nil || len(kvs) == 0 {
		return err
	}
	return topic.Append(ctx, kvs...)
}
