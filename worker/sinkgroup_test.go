package worker

import (
	"maps"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// A task is asked to commit partitions that it has, also while they give no
// records: it may have something to say about them, and Java's tasks are asked.
func TestAssignedPartitionsAreCommitted(t *testing.T) {
	r := &sinkRunner{
		taskRunner: &taskRunner{life: t.Context()}, turn: make(chan struct{}, 1),
		seen: map[connect.TopicPartition]int64{}, done: map[connect.TopicPartition]int64{},
		seeks: map[connect.TopicPartition]int64{{Topic: "t", Partition: 2}: 7}, placed: map[connect.TopicPartition]int64{},
	}
	at, err := r.positions(t.Context(), map[string]map[int32]kgo.Offset{"t": {
		0: kgo.NewOffset().At(5), 1: kgo.NewOffset().AtStart(), 2: kgo.NewOffset().At(1),
	}})
	if err != nil || at["t"][2].EpochOffset().Offset != 7 {
		t.Errorf("begins at %v, %v", at, err)
	}
	tp := func(p int32) connect.TopicPartition { return connect.TopicPartition{Topic: "t", Partition: p} }
	want := map[connect.TopicPartition]int64{tp(0): 5, tp(2): 7} // nobody knows yet where 1 begins
	if got := r.taken([]connect.TopicPartition{tp(0), tp(1), tp(2)}); !maps.Equal(got, want) {
		t.Errorf("to be committed: %v", got)
	}
}
