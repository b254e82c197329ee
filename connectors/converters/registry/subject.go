package registry

import (
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
)

const (
	strategies          = "io.confluent.kafka.serializers.subject."
	topicStrategy       = strategies + "TopicNameStrategy"
	recordStrategy      = strategies + "RecordNameStrategy"
	topicRecordStrategy = strategies + "TopicRecordNameStrategy"
)

// subjectStrategy finds a strategy by its full or simple name.
func subjectStrategy(class string) (string, bool) {
	switch strategies + class[strings.LastIndexByte(class, '.')+1:] {
	case topicStrategy, strategies + "AssociatedNameStrategy": // the latter falls back to the former
		return topicStrategy, true
	case recordStrategy:
		return recordStrategy, true
	case topicRecordStrategy:
		return topicRecordStrategy, true
	}
	return "", false
}

// subject returns the subject of a schema; record is its name, empty if it is
// no record.
func subject(strategy, topic, record string, isKey bool) (string, error) {
	if strategy == topicStrategy {
		if isKey {
			return topic + "-key", nil
		}
		return topic + "-value", nil
	}
	if record == "" {
		what := "value"
		if isKey {
			what = "key"
		}
		return "", connect.Errorf(serializationException, "In configuration %s.subject.name.strategy = %s, the message %s must only be a record schema",
			what, strategy, what)
	}
	if strategy == topicRecordStrategy {
		return topic + "-" + record, nil
	}
	return record, nil
}
