package mirror

import (
	"strconv"
	"sync/atomic"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A meter counts what goes through one partition. Java's metrics of the same
// names have minima, maxima and averages too, which whoever reads these makes
// of them.
type meter struct{ records, bytes, age, latency atomic.Int64 }

// show gives the figures to the worker.
func (m *meter) show(h connect.Meter, source, target, topic string, partition int32) error {
	tags := map[string]string{"source": source, "target": target, "topic": topic, "partition": strconv.Itoa(int(partition))}
	for name, n := range map[string]*atomic.Int64{
		"mirror_record_count_total":     &m.records,
		"mirror_byte_count_total":       &m.bytes,
		"mirror_record_age_ms":          &m.age,
		"mirror_replication_latency_ms": &m.latency,
	} {
		if err := h.Gauge(name, tags, func() float64 { return float64(n.Load()) }); err != nil {
			return err
		}
	}
	return nil
}

// read notes a batch of records that has come, age being that of the last in
// milliseconds.
func (m *meter) read(age int64, bytes int) {
	m.age.Store(age)
	m.bytes.Add(int64(bytes))
}

// wrote notes a record that the target has taken.
func (m *meter) wrote(latency int64) {
	m.records.Add(1)
	m.latency.Store(latency)
}
