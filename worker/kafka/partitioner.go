package kafka

import "github.com/twmb/franz-go/pkg/kgo"

const roundRobinPartitioner = "org.apache.kafka.clients.producer.RoundRobinPartitioner"

// recordPartitioner honours a partition that a record already has, and leaves
// the rest to what Java's producer does: murmur2 of the key, and for keyless
// records one partition after another by bytes and backlog (KIP-794).
func (s *Settings) recordPartitioner() kgo.Partitioner {
	rest := kgo.UniformBytesPartitioner(max(1, s.batchSize), s.adaptive, !s.ignoreKeys, nil)
	if s.partitioner == roundRobinPartitioner {
		rest = kgo.RoundRobinPartitioner()
	}
	return chosen{rest}
}

// chosen takes Record.Partition where it is not negative.
type chosen struct{ rest kgo.Partitioner }

func (c chosen) ForTopic(topic string) kgo.TopicPartitioner {
	rest := c.rest.ForTopic(topic)
	t := chosenInTopic{rest}
	if by, ok := rest.(kgo.TopicBackupPartitioner); ok {
		return chosenByBackup{t, by}
	}
	return t
}

type chosenInTopic struct{ rest kgo.TopicPartitioner }

func (t chosenInTopic) RequiresConsistency(r *kgo.Record) bool {
	return r.Partition >= 0 || t.rest.RequiresConsistency(r)
}

func (t chosenInTopic) Partition(r *kgo.Record, n int) int {
	if r.Partition >= 0 {
		return int(r.Partition)
	}
	return t.rest.Partition(r, n)
}

type chosenByBackup struct {
	chosenInTopic
	by kgo.TopicBackupPartitioner
}

func (t chosenByBackup) PartitionByBackup(r *kgo.Record, n int, backup kgo.TopicBackupIter) int {
	if r.Partition >= 0 {
		return int(r.Partition)
	}
	return t.by.PartitionByBackup(r, n, backup)
}
