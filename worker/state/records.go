package state

import (
	"encoding/base64"
	"strconv"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// What the keys of the config topic begin with.
const (
	connectorPrefix = "connector-"
	taskPrefix      = "task-"
	commitPrefix    = "commit-"
	targetPrefix    = "target-state-"
	fencingPrefix   = "tasks-fencing-"
	restartPrefix   = "restart-connector-"
	sessionKey      = "session-key"
	loggerPrefix    = "logger-cluster-"
)

func record(key string, fields ...field) KV { return KV{Key: []byte(key), Value: render(nil, fields)} }

// ConnectorRecord sets a connector's properties.
func ConnectorRecord(name string, p connect.Props) KV {
	return record(connectorPrefix+name, field{"properties", p})
}

// RemovalRecords remove a connector and its target state.
func RemovalRecords(name string) []KV {
	return []KV{{Key: []byte(connectorPrefix + name)}, {Key: []byte(targetPrefix + name)}}
}

// TargetRecord sets a connector's target state. To create a connector in a
// state, write it before the connector.
func TargetRecord(name string, target TargetState) KV {
	old := target
	if target == Stopped {
		old = Paused // workers from before STOPPED read the first field only
	}
	return record(targetPrefix+name, field{"state", string(old)}, field{"state.v2", string(target)})
}

// TaskRecords set a connector's tasks, which take effect with a CommitRecord.
// Java writes the two apart, and reads the first back before it writes the
// second.
func TaskRecords(name string, tasks []connect.Props) []KV {
	kvs := make([]KV, len(tasks))
	for i, p := range tasks {
		kvs[i] = record(taskPrefix+name+"-"+strconv.Itoa(i), field{"properties", p})
	}
	return kvs
}

// CommitRecord makes the tasks written before it, count of them, those of the
// connector.
func CommitRecord(name string, count int) KV {
	return record(commitPrefix+name, field{"tasks", count})
}

// TaskCountRecord says that all producers of a connector's former tasks are
// fenced, and how many there are to fence before the tasks after these
// (KIP-618).
func TaskCountRecord(name string, count int) KV {
	return record(fencingPrefix+name, field{"task-count", count})
}

// SessionKeyRecord hands out a key to sign requests with.
func SessionKeyRecord(k SessionKey) KV {
	return record(sessionKey, field{"key", base64.StdEncoding.EncodeToString(k.Key)},
		field{"algorithm", k.Algorithm}, field{"creation-timestamp", k.Created})
}

// RestartRecord asks all workers to restart parts of a connector.
func RestartRecord(r RestartRequest) KV {
	return record(restartPrefix+r.Connector, field{"include-tasks", r.IncludeTasks}, field{"only-failed", r.OnlyFailed})
}

// LoggerRecord asks all workers to set a level.
func LoggerRecord(l LoggerLevel) KV {
	return record(loggerPrefix+l.Logger, field{"level", l.Level})
}
