package sqldb

import (
	"hash/maphash"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// A chunk is the rows of one statement.
type chunk struct {
	plan *plan
	rows []*connect.SinkRecord
}

// A batch is the chunks of one Put, in the order in which they were begun. A
// row goes to its table's last chunk or begins another, so rows of one table
// keep their order. Its memory is used again for the next Put.
type batch struct {
	size     int  // most rows of a chunk
	distinct bool // chunks of upserts and updates hold a key once
	replace  bool // a later row takes the place of an earlier one of its key; else it begins a chunk
	chunks   []chunk
	queues   map[tableName]*queue
	seed     maphash.Seed
}

// A queue is what a batch knows of one table: the chunk that takes its rows,
// and which keys that holds.
type queue struct {
	at   int // in chunks; -1: none
	seen map[uint64]int32
}

func newBatch(size int, distinct bool) *batch {
	return &batch{size: size, distinct: distinct, replace: true, queues: map[tableName]*queue{}, seed: maphash.MakeSeed()}
}

func (b *batch) reset(replace bool) {
	for i := range b.chunks {
		clear(b.chunks[i].rows)
		b.chunks[i].plan = nil
	}
	b.chunks, b.replace = b.chunks[:0], replace
	for _, q := range b.queues {
		q.at = -1
		clear(q.seen)
	}
}

// queue returns the queue of a table, which plans of it hold on to.
func (b *batch) queue(n tableName) *queue {
	q := b.queues[n]
	if q == nil {
		q = &queue{at: -1, seen: map[uint64]int32{}}
		b.queues[n] = q
	}
	return q
}

func (b *batch) add(p *plan, r *connect.SinkRecord) {
	q := p.queue
	if q.at < 0 || b.chunks[q.at].plan != p || len(b.chunks[q.at].rows) >= b.size {
		b.begin(q, p)
	}
	if b.distinct && (p.op == opUpsert || p.op == opUpdate) {
		h := b.hash(p, r)
		if at, dup := q.seen[h]; dup {
			rows := b.chunks[q.at].rows
			if b.replace && sameKey(p, rows[at], r) {
				rows[at] = r
				return
			}
			b.begin(q, p)
		}
		q.seen[h] = int32(len(b.chunks[q.at].rows))
	}
	c := &b.chunks[q.at]
	c.rows = append(c.rows, r)
}

func (b *batch) begin(q *queue, p *plan) {
	q.at = len(b.chunks)
	clear(q.seen)
	if len(b.chunks) < cap(b.chunks) {
		b.chunks = b.chunks[:q.at+1]
		b.chunks[q.at] = chunk{p, b.chunks[q.at].rows[:0]}
	} else {
		b.chunks = append(b.chunks, chunk{plan: p})
	}
}

func (b *batch) hash(p *plan, r *connect.SinkRecord) uint64 {
	var h maphash.Hash
	h.SetSeed(b.seed)
	for i := range p.keys {
		v := p.fields[i].value(r)
		switch v.Kind() {
		case data.Int8, data.Int16, data.Int32, data.Int64, data.DateKind:
			maphash.WriteComparable(&h, v.Int())
		case data.String:
			h.WriteString(v.Str())
		case data.Bytes:
			h.Write(v.Bytes())
		default:
			h.WriteString(v.String())
		}
		h.WriteByte(0xFF)
	}
	return h.Sum64()
}

func sameKey(p *plan, a, b *connect.SinkRecord) bool {
	for i := range p.keys {
		if !data.Equal(p.fields[i].value(a), p.fields[i].value(b)) {
			return false
		}
	}
	return true
}
