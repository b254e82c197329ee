package worker_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/stage"
)

var opened = make(chan struct{}, 1) // the stuck connector was

func init() {
	connect.Register(connect.SourcePlugin{
		Class: "test.StuckSourceConnector", Version: "1",
		Open: func(ctx context.Context, _ connect.Host, _ connect.Props) (connect.Connector, error) {
			select {
			case opened <- struct{}{}:
			default:
			}
			<-ctx.Done()
			return nil, ctx.Err()
		},
		OpenTask: func(context.Context, connect.SourceHost, connect.Props) (connect.SourceTask, error) {
			return nil, errors.New("it has no tasks")
		},
	})
}

// TestWritesSayWhatTheyWaitFor has Kafka take no record: a request that writes a
// configuration waits, and says at what.
func TestWritesSayWhatTheyWaitFor(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.AllowAutoTopicCreation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	w := start(t, c.ListenAddrs()[0], connect.Props{"connect.protocol": "compatible"}) // no session key takes the first turn
	props := connect.Props{"name": "src", "connector.class": "FileStreamSource", "file": "/dev/null", "topic": "t"}
	if _, err := w.Create(t.Context(), "src", props, "STOPPED"); err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{}) // Kafka takes records again
	c.ControlKey(int16(kmsg.Produce), func(q kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		select {
		case <-closed:
			return nil, nil, false
		default:
		}
		req := q.(*kmsg.ProduceRequest)
		answer := req.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range req.Topics {
			of := kmsg.NewProduceResponseTopic()
			of.Topic, of.TopicID = topic.Topic, topic.TopicID
			for _, p := range topic.Partitions {
				part := kmsg.NewProduceResponseTopicPartition()
				part.Partition, part.ErrorCode = p.Partition, kerr.NotLeaderForPartition.Code
				of.Partitions = append(of.Partitions, part)
			}
			answer.Topics = append(answer.Topics, of)
		}
		return answer, nil, true
	})
	const put = "writing a config for connector src to the config topic"
	at(t, "writing the PAUSED target state for connector src to the config topic", func(ctx context.Context) error { return w.Pause(ctx, "src") })
	at(t, put, func(ctx context.Context) error { _, _, err := w.PutConfig(ctx, "src", props); return err })
	// That goes on when nobody waits for it any more, and is what the next waits for.
	at(t, put, func(ctx context.Context) error { return w.Delete(ctx, "src") })
	close(closed)
}

func TestRestartsSayWhatTheyWaitFor(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.AllowAutoTopicCreation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	w := start(t, c.ListenAddrs()[0], nil)
	select { // an earlier run of the test leaves one
	case <-opened:
	default:
	}
	if _, err := w.Create(t.Context(), "stuck", connect.Props{"name": "stuck", "connector.class": "test.StuckSourceConnector"}, ""); err != nil {
		t.Fatal(err)
	}
	<-opened
	at(t, "starting the connector", func(ctx context.Context) error { return w.RestartConnector(ctx, "stuck") })
}

// at calls what has to wait, until it says that it is at a stage.
func at(t *testing.T, stages string, do func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ctx, note := stage.With(ctx)
	ended := make(chan error, 1)
	go func() { ended <- do(ctx) }()
	eventually(t, stages, func() bool { return strings.HasPrefix(note.Summary(), "The worker is currently "+stages+", ") })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%s: %v", stages, err)
	}
}
