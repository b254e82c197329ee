// Package rest is the worker's HTTP API: that of Apache Kafka Connect 4.3,
// letter for letter, oddities that tools rely on included (docs of each are at
// their place; recordings of Java are the judge). It also serves /metrics and
// /openapi.yaml, which Java has not.
//
// A request passes, in this order: front, which refuses what Jetty refuses and
// sets headers; echo's router; the route's checks; the handler, within the
// request's time-out; and, where another worker has to do it, forward.
//
// It imports worker and its leaves, and it alone imports echo.
package rest

import (
	"context"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker"
	"github.com/millwright-connect/millwright/worker/config"
	"github.com/millwright-connect/millwright/worker/state"
)

// Worker is what the API needs of the worker; *worker.Worker has it. Errors are
// *worker.Refusal, *worker.MovedError, errors with a Java class, or others,
// which are answered with 500.
type Worker interface {
	Started() <-chan struct{}
	ClusterID() string // valid after Started
	SessionKey() *state.SessionKey
	// Sessioned reports whether members of the group sign what they ask of each
	// other: all of them have to be able to.
	Sessioned() bool
	Plugins() *connect.Plugins
	// Health returns nil once the worker is a member of its group and answers.
	Health(ctx context.Context) error

	Connectors() []string
	Connector(name string) (worker.ConnectorInfo, error)
	Tasks(name string) ([]worker.TaskInfo, error)
	Status(name string) (worker.StateInfo, error)
	TaskStatus(name string, task int) (worker.TaskState, error)
	Topics(name string) []string
	ResetTopics(name string)

	Create(ctx context.Context, name string, props connect.Props, initial state.TargetState) (worker.ConnectorInfo, error)
	PutConfig(ctx context.Context, name string, props connect.Props) (worker.ConnectorInfo, bool, error)
	PatchConfig(ctx context.Context, name string, patch map[string]*string) (worker.ConnectorInfo, error)
	Delete(ctx context.Context, name string) error
	Pause(ctx context.Context, name string) error
	Resume(ctx context.Context, name string) error
	Stop(ctx context.Context, name string) error
	RestartConnector(ctx context.Context, name string) error
	RestartTask(ctx context.Context, name string, task int) error
	Restart(ctx context.Context, r state.RestartRequest) (worker.StateInfo, error)

	Offsets(ctx context.Context, name string) ([]worker.Offset, error)
	AlterOffsets(ctx context.Context, name string, changes []connect.PartitionOffset) (string, error)
	ResetOffsets(ctx context.Context, name string) (string, error)

	Validate(ctx context.Context, props connect.Props) (config.ConfigInfos, error)
	SetLoggerLevel(ctx context.Context, logger, level string) error // of all workers

	PutTasks(ctx context.Context, name string, tasks []connect.Props) error
	Fence(ctx context.Context, name string) error
}

// Java's time-outs: of a request, and of GET /health.
const (
	RequestTimeout = 90 * time.Second
	HealthTimeout  = 10 * time.Second
)

// maxBody bounds what a request may carry: far more than a record of the config
// topic can hold, and less than what could hurt the process.
const maxBody = 64 << 20
