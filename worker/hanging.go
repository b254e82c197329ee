package worker

import (
	"context"
	"strings"

	"github.com/millwright-connect/millwright/worker/kafka"
)

// settle ends what Kafka has left open of a source connector's transactions,
// before those who wrote them are fenced: later nobody knows how they ended.
func (w *Worker) settle(ctx context.Context, cluster *kafka.Cluster, connector string, props map[string]string, transactionalIDs ...string) error {
	topics := append(w.Topics(connector), w.settings.OffsetTopic.Name)
	if own := props["offsets.storage.topic"]; own != "" && own != w.settings.OffsetTopic.Name {
		topics = append(topics, own)
	}
	return cluster.Settle(ctx, transactionalIDs, topics)
}

// unblock is for those who wait to read the end of a topic.
func (w *Worker) unblock(topic string) func(context.Context) {
	return func(ctx context.Context) {
		w.cluster.Unblock(ctx, topic, func(id string) bool {
			return strings.HasPrefix(id, w.settings.GroupID+"-") || id == kafka.LeaderTransactionalID(w.settings.GroupID)
		})
	}
}
