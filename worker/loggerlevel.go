package worker

import (
	"context"

	"github.com/millwright-connect/millwright/worker/state"
)

// SetLoggerLevel has all workers of the group set the level of a logger
// (KIP-976); each learns of it through Options.SetLevel. Any worker may ask.
func (w *Worker) SetLoggerLevel(ctx context.Context, logger, level string) error {
	return w.configs.Append(ctx, state.LoggerRecord(state.LoggerLevel{Logger: logger, Level: level}))
}
