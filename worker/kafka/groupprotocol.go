package kafka

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// brokerAssigns reports whether a sink's consumers are members of a group whose
// partitions the broker assigns (KIP-848, group.protocol=consumer). A broker
// before Kafka 4.0 knows no such groups; the client is then a classic member.
func (s *Settings) brokerAssigns() bool { return strings.EqualFold(s.groupProtocol, "consumer") }

// remoteAssignors are the brokers' assignors, as the client calls them. Without
// a name it is the broker's first, which is uniform unless its own settings
// (group.consumer.assignors) say otherwise.
var remoteAssignors = map[string]kgo.GroupBalancer{
	"": kgo.StickyBalancer(), "uniform": kgo.StickyBalancer(), "range": kgo.RangeBalancer(),
}

// notIn lists the settings that a group protocol does not have.
var notIn = map[bool][]string{ // brokerAssigns
	false: {"group.remote.assignor", "share.acknowledgement.mode", "share.acquire.mode"},
	true:  {"partition.assignment.strategy", "heartbeat.interval.ms", "session.timeout.ms", "share.acknowledgement.mode", "share.acquire.mode"},
}

// checkGroupProtocol refuses, in Java's words, what the chosen group protocol
// does not have.
func (s *Settings) checkGroupProtocol(props map[string]string) error {
	var wrong []string
	for _, key := range notIn[s.brokerAssigns()] {
		if given(props, key) {
			wrong = append(wrong, key)
		}
	}
	if len(wrong) > 0 {
		return connect.ConfigErrorf("%s cannot be set when group.protocol=%s", strings.Join(wrong, ", "), strings.ToUpper(s.groupProtocol))
	}
	if remoteAssignors[s.remoteAssignor] == nil {
		return connect.ConfigErrorf("Invalid value %s for configuration group.remote.assignor: this client has the brokers' assignors uniform and range; take out the property for the broker's default", s.remoteAssignor)
	}
	return nil
}
