package worker_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker"
)

// sorting starts a source of numbers that stand among other lines, and returns
// the topic; what is no number goes to the dead letter topic, which has the
// topic's name and -dead.
func sorting(t *testing.T, w *worker.Worker, lines string) (topic string) {
	t.Helper()
	in := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(in, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	topic = fmt.Sprintf("numbers%d", time.Now().UnixNano())
	_, err := w.Create(t.Context(), "src", connect.Props{
		"name": "src", "connector.class": "FileStreamSource", "file": in, "topic": topic,
		"value.converter": "org.apache.kafka.connect.converters.IntegerConverter",
		"transforms":      "cast", "transforms.cast.type": "org.apache.kafka.connect.transforms.Cast$Value", "transforms.cast.spec": "int32",
		"errors.tolerance": "all", "errors.deadletterqueue.topic.name": topic + "-dead", "errors.deadletterqueue.context.headers.enable": "true",
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	return topic
}

func TestDeadLettersOfSource(t *testing.T) {
	t.Run("at least once", func(t *testing.T) {
		c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.AllowAutoTopicCreation())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		sorts(t, c.ListenAddrs()[0], nil)
	})
	t.Run("exactly once", func(t *testing.T) {
		bootstrap := os.Getenv("KAFKA_BOOTSTRAP")
		if bootstrap == "" {
			t.Skip("KAFKA_BOOTSTRAP is not set: no broker with real transactions")
		}
		sorts(t, bootstrap, connect.Props{"exactly.once.source.support": "enabled"})
	})
}

func sorts(t *testing.T, bootstrap string, props connect.Props) {
	t.Helper()
	w := start(t, bootstrap, props)
	const lines = "1\nfront\n2\nback\n"
	topic := sorting(t, w, lines)
	if got := readAll(t, bootstrap, topic, 2); !slices.Equal(got, []string{"\x00\x00\x00\x01", "\x00\x00\x00\x02"}) {
		t.Errorf("%q", got)
	}
	want := []string{
		`{"schema":{"type":"string","optional":false},"payload":"front"}`,
		`{"schema":{"type":"string","optional":false},"payload":"back"}`,
	}
	if got := readAll(t, bootstrap, topic+"-dead", 2); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	eventually(t, "offsets", func() bool {
		o, err := w.Offsets(t.Context(), "src")
		return err == nil && len(o) == 1 && o[0].Offset["position"] == int64(strings.Index(lines, "back"))
	})
}

// TestLostLetterFailsSource has Kafka refuse the dead letters: no position may
// pass over them.
func TestLostLetterFailsSource(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.AllowAutoTopicCreation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.ControlKey(int16(kmsg.Produce), func(q kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req := q.(*kmsg.ProduceRequest)
		answer := req.ResponseKind().(*kmsg.ProduceResponse)
		refused := false
		for _, topic := range req.Topics {
			name := topic.Topic
			if info := c.TopicIDInfo(topic.TopicID); name == "" && info != nil {
				name = info.Topic
			}
			refused = refused || strings.HasSuffix(name, "-dead")
			of := kmsg.NewProduceResponseTopic()
			of.Topic, of.TopicID = topic.Topic, topic.TopicID
			for _, p := range topic.Partitions {
				part := kmsg.NewProduceResponseTopicPartition()
				part.Partition, part.ErrorCode = p.Partition, kerr.InvalidRecord.Code
				of.Partitions = append(of.Partitions, part)
			}
			answer.Topics = append(answer.Topics, of)
		}
		return answer, nil, refused
	})
	w := start(t, c.ListenAddrs()[0], nil)
	sorting(t, w, "1\nfront\n2\n")
	eventually(t, "the task to fail", func() bool {
		s, err := w.Status("src")
		return err == nil && len(s.Tasks) == 1 && s.Tasks[0].State == "FAILED" && strings.Contains(s.Tasks[0].Trace, "dead letter queue")
	})
	if o, err := w.Offsets(t.Context(), "src"); err != nil || len(o) != 0 {
		t.Error("positions passed over a lost record:", o, err)
	}
}
