package transforms

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
)

func TestTimestampRouter(t *testing.T) {
	tr := open(t, "TimestampRouter", connect.Props{"topic.format": "${timestamp}_${topic}", "timestamp.format": "yyyy.MM"})
	for _, c := range []struct {
		topic string
		at    int64
		want  string
	}{
		{"a", 1483425001864, "2017.01_a"},
		{"a", 1483425001865, "2017.01_a"},
		{"b", 1483425001865, "2017.01_b"},
		{"b", 1486425001865, "2017.02_b"},
		{"", 1486425001865, "2017.02_"},
		{"${timestamp}", 0, "1970.01_1970.01"},
	} {
		r := connect.Record{Topic: c.topic, Timestamp: c.at}
		if _, err := tr.Apply(&r); err != nil || r.Topic != c.want {
			t.Errorf("%s at %d: want %s, got %s %v", c.topic, c.at, c.want, r.Topic, err)
		}
	}
	r := connect.Record{Topic: "a", Partition: 1, Timestamp: connect.NoTimestamp, Offset: 5}
	fails(t, "TimestampRouter", nil, &r, "Timestamp missing on record: ConnectRecord{topic='a', kafkaPartition=1, kafkaOffset=5}")
}
