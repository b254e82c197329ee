package assign

import (
	"cmp"
	"strconv"
	"strings"
)

// connectorUnit is the task number under which a connector itself is carried
// in sets of units, and on the wire.
const connectorUnit = -1

// TaskID names one task: the connector's name and the task's number, from 0.
type TaskID struct {
	Connector string
	Task      int
}

// String writes the form that Java uses in keys, messages and thread names,
// "name-0".
func (t TaskID) String() string { return t.Connector + "-" + strconv.Itoa(t.Task) }

// Compare orders by connector, then by number, as Java's ConnectorTaskId.
func (t TaskID) Compare(o TaskID) int {
	if c := cmp.Compare(t.Connector, o.Connector); c != 0 {
		return c
	}
	return cmp.Compare(t.Task, o.Task)
}

// ParseTaskID reads "name-0" as Java reads the keys of the config and status
// topics: the number follows the last dash, a sign '+' is allowed, and dashes
// at the very end are as if absent. A name may be empty or hold dashes. It
// reports false for what is no task.
func ParseTaskID(s string) (TaskID, bool) {
	s = strings.TrimRight(s, "-")
	i := strings.LastIndexByte(s, '-')
	if i < 0 {
		return TaskID{}, false
	}
	n, err := strconv.ParseInt(s[i+1:], 10, 32)
	if err != nil {
		return TaskID{}, false
	}
	return TaskID{Connector: s[:i], Task: int(n)}, true
}
