package state

// An EventKind says what a record of the config topic has changed.
type EventKind uint8

// What records change.
const (
	ConnectorChanged  EventKind = iota // its properties were written, be they the same ones
	ConnectorRemoved                   // whether or not it was there
	TasksChanged                       // a commit record came; Tasks are those that it applied
	TargetChanged                      // to another target state
	RestartRequested                   // Restart says of what
	LoggerLevelSet                     // Logger says which
	SessionKeyChanged                  // the snapshot has it
)

// An Event is what one record of the config topic has changed, with the
// fields that its kind needs.
type Event struct {
	Kind      EventKind
	Connector string
	Tasks     []int // in no order
	Restart   RestartRequest
	Logger    LoggerLevel
}
