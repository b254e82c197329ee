package mirror

import (
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// BenchmarkConvert is what a record costs between client and worker, offset
// syncs included: an iteration is a batch of 500.
func BenchmarkConvert(b *testing.B) {
	source, err := connect.NewSourcePartition(connect.Object{"cluster": "a", "topic": "t", "partition": 0})
	if err != nil {
		b.Fatal(err)
	}
	st := &stream{topicPartition: topicPartition{"t", 0}, remote: "a.t", source: source, sync: newSyncState(topicPartition{"t", 0})}
	task := &sourceTask{}
	task.syncs = &syncWriter{maxLag: 100, log: slog.New(slog.DiscardHandler), send: func(*kgo.Record, func(*kgo.Record, error)) { task.syncs.outstanding = 0 }}
	records := make([]*kgo.Record, 500)
	for i := range records {
		records[i] = &kgo.Record{
			Topic: "t", Key: []byte("key"), Value: make([]byte, 200), Timestamp: time.UnixMilli(1_700_000_000_000), Offset: int64(i),
			Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("v")}},
		}
	}
	var dst []connect.SourceRecord
	at := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range records {
			r.Offset = at
			at++
		}
		batch := batch{places: make([]place, 0, len(records)), headers: make([]connect.Header, 0, len(records)), now: 1}
		dst = batch.convert(dst[:0], st, records)
		for i := range dst {
			if err := task.CommitRecord(&dst[i], connect.Metadata{Offset: at + int64(i)}); err != nil {
				b.Fatal(err)
			}
		}
	}
}
