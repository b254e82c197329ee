package kafka

import (
	"fmt"
	"maps"
	"testing"

	"github.com/millwright-connect/millwright/test/vectors"
)

// Java's answers to which group a topic is created with.
func TestTopicCreationVectors(t *testing.T) {
	vectors.Run(t, "config", []string{"topic.creation"}, func(_ *testing.T, v *vectors.Vector) error {
		var config struct {
			Enable bool `json:"topic.creation.enable"`
		}
		var input struct {
			Connector map[string]string
			Topic     string
		}
		var want struct {
			Enabled           bool
			Group             string
			Partitions        int32
			ReplicationFactor int16
			Configs           map[string]string
		}
		v.BindConfig(&config)
		v.BindInput(&input)
		v.BindOutput(&want)
		c, err := NewTopicCreation(input.Connector, config.Enable)
		if err != nil {
			return err
		}
		if (c != nil) != want.Enabled {
			return fmt.Errorf("enabled %v, want %v", c != nil, want.Enabled)
		}
		if c == nil {
			return nil
		}
		got, group := c.Topic(input.Topic)
		if group != want.Group || got.Partitions != want.Partitions || got.Replication != want.ReplicationFactor || !maps.Equal(got.Configs, want.Configs) {
			return fmt.Errorf("%s gets %s of group %s, want %+v", input.Topic, got, group, want)
		}
		return nil
	})
}

func TestTopicCreationRefusals(t *testing.T) {
	for _, c := range []struct {
		key, value, want string
	}{
		{"topic.creation.default.partitions", "0", "Invalid value 0 for configuration topic.creation.default.partitions: Number of partitions must be positive, or -1 to use the broker's default"},
		{"topic.creation.default.replication.factor", "x", "Invalid value x for configuration topic.creation.default.replication.factor: Not a number of type SHORT"},
		{"topic.creation.default.replication.factor", "-2", "Invalid value -2 for configuration topic.creation.default.replication.factor: Replication factor must be positive and not larger than the number of brokers in the Kafka cluster, or -1 to use the broker's default"},
		{"topic.creation.groups", "a,a", "Invalid value [a, a] for configuration topic.creation.groups: Duplicate alias provided."},
	} {
		_, err := NewTopicCreation(map[string]string{"topic.creation.default.partitions": "1", "topic.creation.default.replication.factor": "1", c.key: c.value}, true)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s=%s:\n got %v\nwant %s", c.key, c.value, err, c.want)
		}
	}
	_, err := NewTopicCreation(map[string]string{"topic.creation.default.partitions": "1"}, true)
	if want := `Missing required configuration "topic.creation.default.replication.factor" which has no default value.`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
