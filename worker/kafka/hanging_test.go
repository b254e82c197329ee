package kafka

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestSettle has a broker tell of a producer 7 that holds a transaction of epoch
// 4 open. That Kafka really leaves such behind is for TestHangingTransaction in
// test/e2e.
func TestSettle(t *testing.T) {
	for name, c := range map[string]struct {
		state    string
		producer int64
		epoch    int16
		has      bool // the coordinator has the partition in its transaction
		refusals []int16
		markers  int
		commit   bool
		says     string
	}{
		"committed":                       {state: "CompleteCommit", producer: 7, epoch: 5, markers: 1, commit: true, says: "this worker has ended it there as well"},
		"aborted":                         {state: "CompleteAbort", producer: 7, epoch: 5, markers: 1, says: "this worker has ended it there as well"},
		"begun":                           {state: "Ongoing", producer: 7, epoch: 4, has: true},
		"being ended":                     {state: "PrepareCommit", producer: 7, epoch: 5, has: true},
		"fenced, so how it ended is gone": {state: "Empty", producer: 7, epoch: 6},
		"an earlier one hangs":            {state: "CompleteCommit", producer: 7, epoch: 6},
		"epochs that stay":                {state: "CompleteCommit", producer: 7, epoch: 4},
		"another producer":                {state: "CompleteCommit", producer: 8, epoch: 5},
		"no leader at first":              {state: "CompleteCommit", producer: 7, epoch: 5, refusals: []int16{kerr.NotLeaderForPartition.Code}, markers: 2, commit: true, says: "this worker has ended it there as well"},
		"ended meanwhile":                 {state: "CompleteCommit", producer: 7, epoch: 5, refusals: []int16{kerr.InvalidProducerEpoch.Code}, markers: 1, commit: true},
		"not allowed":                     {state: "CompleteCommit", producer: 7, epoch: 5, refusals: []int16{kerr.ClusterAuthorizationFailed.Code}, markers: 1, commit: true, says: "this worker cannot end it there"},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, k, out := fake(t, kfake.SeedTopics(1, "offsets"))
			var markers []kmsg.WriteTxnMarkersRequestMarker
			k.ControlKey(int16(kmsg.DescribeTransactions), func(r kmsg.Request) (kmsg.Response, error, bool) {
				k.KeepControl()
				resp := r.ResponseKind().(*kmsg.DescribeTransactionsResponse)
				s := kmsg.NewDescribeTransactionsResponseTransactionState()
				s.TransactionalID, s.State, s.ProducerID, s.ProducerEpoch = "id", c.state, c.producer, c.epoch
				if c.has {
					s.Topics = append(s.Topics, kmsg.DescribeTransactionsResponseTransactionStateTopic{Topic: "offsets", Partitions: []int32{0}})
				}
				resp.TransactionStates = append(resp.TransactionStates, s)
				return resp, nil, true
			})
			k.ControlKey(int16(kmsg.DescribeProducers), func(r kmsg.Request) (kmsg.Response, error, bool) {
				k.KeepControl()
				resp := r.ResponseKind().(*kmsg.DescribeProducersResponse)
				p := kmsg.NewDescribeProducersResponseTopicPartition()
				p.ActiveProducers = []kmsg.DescribeProducersResponseTopicPartitionActiveProducer{
					{ProducerID: 7, ProducerEpoch: 4, CoordinatorEpoch: 3, CurrentTxnStartOffset: 9},
					{ProducerID: 6, ProducerEpoch: 4, CurrentTxnStartOffset: 8},
				}
				resp.Topics = append(resp.Topics, kmsg.DescribeProducersResponseTopic{Topic: "offsets", Partitions: []kmsg.DescribeProducersResponseTopicPartition{p}})
				return resp, nil, true
			})
			k.ControlKey(writeTxnMarkers, func(r kmsg.Request) (kmsg.Response, error, bool) {
				k.KeepControl()
				markers = append(markers, r.(*kmsg.WriteTxnMarkersRequest).Markers...)
				resp := r.ResponseKind().(*kmsg.WriteTxnMarkersResponse)
				p := kmsg.NewWriteTxnMarkersResponseMarkerTopicPartition()
				if n := len(markers) - 1; n < len(c.refusals) {
					p.ErrorCode = c.refusals[n]
				}
				resp.Markers = append(resp.Markers, kmsg.WriteTxnMarkersResponseMarker{ProducerID: 7, Topics: []kmsg.WriteTxnMarkersResponseMarkerTopic{
					{Topic: "offsets", Partitions: []kmsg.WriteTxnMarkersResponseMarkerTopicPartition{p}},
				}})
				return resp, nil, true
			})
			if err := cluster.Settle(t.Context(), []string{"id"}, []string{"offsets", "no-such"}); err != nil {
				t.Fatal(err)
			}
			if len(markers) != c.markers {
				t.Fatalf("%d markers, want %d: %+v", len(markers), c.markers, markers)
			}
			for _, m := range markers {
				// Version 2: a marker of an epoch that the partition has already is refused.
				if m.ProducerID != 7 || m.ProducerEpoch != 5 || m.Committed != c.commit || m.CoordinatorEpoch != 3 || m.TransactionVersion != 2 {
					t.Errorf("marker %+v", m)
				}
			}
			if said := out.String(); !strings.Contains(said, c.says) || c.says == "" && said != "" {
				t.Errorf("said %q, want %q", said, c.says)
			}
		})
	}
}

// TestUnblock has those named that hold up a topic, and only our own ended.
func TestUnblock(t *testing.T) {
	cluster, k, out := fake(t, kfake.SeedTopics(1, "offsets"))
	ids := map[string]struct {
		producer int64
		state    string
		epoch    int16
	}{"ours-1": {1, "CompleteAbort", 5}, "theirs-2": {2, "CompleteCommit", 5}, "ours-3": {3, "Empty", 8}}
	k.ControlKey(int16(kmsg.DescribeProducers), func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		resp := r.ResponseKind().(*kmsg.DescribeProducersResponse)
		p := kmsg.NewDescribeProducersResponseTopicPartition()
		for i := range int64(4) {
			p.ActiveProducers = append(p.ActiveProducers, kmsg.DescribeProducersResponseTopicPartitionActiveProducer{ProducerID: i + 1, ProducerEpoch: 4, CurrentTxnStartOffset: 10 + i})
		}
		resp.Topics = append(resp.Topics, kmsg.DescribeProducersResponseTopic{Topic: "offsets", Partitions: []kmsg.DescribeProducersResponseTopicPartition{p}})
		return resp, nil, true
	})
	k.ControlKey(int16(kmsg.ListTransactions), func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		resp := r.ResponseKind().(*kmsg.ListTransactionsResponse)
		for id, x := range ids {
			resp.TransactionStates = append(resp.TransactionStates, kmsg.ListTransactionsResponseTransactionState{TransactionalID: id, ProducerID: x.producer, TransactionState: x.state})
		}
		return resp, nil, true
	})
	k.ControlKey(int16(kmsg.DescribeTransactions), func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		resp := r.ResponseKind().(*kmsg.DescribeTransactionsResponse)
		for _, id := range r.(*kmsg.DescribeTransactionsRequest).TransactionalIDs {
			s := kmsg.NewDescribeTransactionsResponseTransactionState()
			s.TransactionalID, s.State, s.ProducerID, s.ProducerEpoch = id, ids[id].state, ids[id].producer, ids[id].epoch
			resp.TransactionStates = append(resp.TransactionStates, s)
		}
		return resp, nil, true
	})
	cluster.Unblock(t.Context(), "offsets", func(id string) bool { return strings.HasPrefix(id, "ours-") })
	said := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(said) != 4 {
		t.Fatalf("said %s", out)
	}
	for _, line := range said {
		want := "kafka-transactions.sh --bootstrap-server " + cluster.brokers + " abort --topic offsets --partition 0 --start-offset 1"
		if strings.Contains(line, "producer_id=1 ") {
			want = "this worker has ended it there as well"
		}
		if !strings.Contains(line, want) || !strings.Contains(line, "topic=offsets partition=0 offset=1") {
			t.Errorf("said %s\nwant %s", line, want)
		}
	}
}
