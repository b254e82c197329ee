// Package state turns the records of the config topic and the status topic
// into what they mean: immutable snapshots. It does no I/O of its own; it reads
// what a topiclog applies and makes the records that others append.
package state

import (
	"github.com/millwright-connect/millwright/connectors/connect"
)

// TargetState is what a user wants a connector to be.
type TargetState string

// The target states, as the config topic writes them.
const (
	Started TargetState = "STARTED"
	Paused  TargetState = "PAUSED"
	Stopped TargetState = "STOPPED"
)

// A Snapshot is the meaning of the config topic up to an offset. It never
// changes; the zero Snapshot is that of an empty topic.
type Snapshot struct {
	Offset     int64 // of the last record applied + 1; -1 in Java's terms is 0 here
	Connectors map[string]*Connector
	SessionKey *SessionKey // nil: none yet
}

// A Connector is what the config topic says of one connector.
type Connector struct {
	Name   string
	Props  connect.Props // raw, as the user gave them, references to secrets unresolved
	Target TargetState
	Tasks  []connect.Props // the last complete, committed set; raw too

	// PropsOffset, TargetOffset and TasksOffset are the offsets of the records
	// that last set Props, Target and Tasks (the commit record); -1: never set.
	// TasksOffset is the generation of the tasks: they may run only under an
	// assignment made at a config offset after it.
	PropsOffset, TargetOffset, TasksOffset int64
	// Created is the offset of the record that made the connector known; later
	// changes of Props leave it.
	Created int64

	// Inconsistent: a commit record came without all its task records (as
	// compaction or a crashed leader can leave it); Tasks is empty then and the
	// leader has to have the connector's tasks made anew.
	Inconsistent bool

	// TaskCount is the last task-count (fencing) record of KIP-618, -1 if none;
	// NeedsFencing says that task configs were written since.
	TaskCount    int
	NeedsFencing bool
	// Generation counts the task sets applied since this worker started; it is
	// Java's taskConfigGeneration + 1.
	Generation int
	// AppliedProps are the Props that Tasks were made from, as far as known;
	// nil when they are not.
	AppliedProps connect.Props
}

// A SessionKey signs requests between workers (KIP-507).
type SessionKey struct {
	Algorithm string
	Key       []byte
	Created   int64 // ms since the epoch
}

// A RestartRequest asks the workers to restart parts of a connector (KIP-745).
type RestartRequest struct {
	Connector    string
	OnlyFailed   bool
	IncludeTasks bool
}

// A LoggerLevel asks all workers to set a level (KIP-976).
type LoggerLevel struct{ Logger, Level string }
