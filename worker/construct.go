package worker

import (
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
)

const (
	kafkaException  = "org.apache.kafka.common.KafkaException"
	illegalArgument = "java.lang.IllegalArgumentException"
)

// parsed are how the messages begin that Java raises while it reads a client's
// properties, before it makes the client.
var parsed = []string{"Invalid value ", "Missing required ", "Must set ", "To use the ", "Cannot set "}

// constructed puts what is wrong with a task's Kafka client where the trace of a
// status has it: Java wraps what fails in a client's constructor, and once more
// what fails in its network.
func constructed(client string, err error) error {
	e, ok := err.(*connect.Error)
	if !ok {
		return err
	}
	var cause error = e
	switch e.Class {
	case connect.ConfigException:
		for _, p := range parsed {
			if strings.HasPrefix(e.Message, p) {
				return err
			}
		}
	case "org.apache.kafka.common.errors.InvalidGroupIdException":
	case "org.apache.kafka.common.errors.InvalidConfigurationException":
		cause = inNetwork(e)
	case illegalArgument, kafkaException:
		if !strings.HasPrefix(e.Message, "Heartbeat ") && !strings.HasSuffix(e.Message, " exception occurred") {
			cause = inNetwork(e)
		}
	default:
		return err
	}
	return &connect.Error{Class: kafkaException, Message: "Failed to construct kafka " + client, Cause: cause}
}

func inNetwork(cause error) error {
	return &connect.Error{Class: kafkaException, Message: "Failed to create new NetworkClient", Cause: cause}
}

// reasons is what a failure says in a log: its message and those of its causes,
// which in Java's words do not say what the others do.
func reasons(err error) string {
	trace := strings.TrimSpace(connect.Trace(err))
	lines := strings.Split(trace, "\nCaused by: ")
	text := err.Error()
	for _, l := range lines[1:] {
		if _, m, ok := strings.Cut(l, ": "); ok && !strings.Contains(text, m) {
			text += ": " + m
		}
	}
	return text
}
