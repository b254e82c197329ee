package worker

import (
	"context"
	"errors"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/kafka"
	"github.com/millwright-connect/millwright/worker/stage"
	"github.com/millwright-connect/millwright/worker/state"
)

// fenced has the leader fence earlier generations of a connector's tasks, where
// that was not done since its tasks were written.
func (w *Worker) fenced(ctx context.Context, name string) error {
	if err := w.configs.Sync(ctx); err != nil {
		return err
	}
	if c := w.configs.Snapshot().Connectors[name]; c != nil && !c.NeedsFencing {
		return nil
	}
	err := w.Fence(ctx, name)
	var moved *MovedError
	if errors.As(err, &moved) {
		err = w.peers.Fence(ctx, moved.URL, name)
	}
	if err != nil {
		return connect.Failf("Failed to perform zombie fencing: %w", err)
	}
	return w.configs.Sync(ctx)
}

// Fence makes sure, on the leader, that no task of an earlier generation of an
// exactly-once source can write any more, and notes how many tasks the current
// one has (KIP-618).
func (w *Worker) Fence(ctx context.Context, name string) error {
	if err := w.lead(ctx, "Only the leader may perform zombie fencing."); err != nil {
		return err
	}
	defer stage.Enter(ctx, "initiating a round of zombie fencing for connector %s", name)()
	_, err, _ := w.fencings.Do(name, func() (any, error) { return nil, w.fence(ctx, name) })
	return err
}

func (w *Worker) fence(ctx context.Context, name string) error {
	if err := w.configs.Sync(ctx); err != nil {
		return err
	}
	c, err := w.find(name)
	if err != nil {
		return err
	}
	if w.TypeOf(c.Props) != string(connect.Source) {
		return refuse(BadRequest, "Connector %s is not a source connector", name)
	}
	if !c.NeedsFencing {
		return nil
	}
	// With one task before and one now the new producer fences the old one by
	// itself; without a record no producer with a transactional id was started.
	if c.TaskCount >= 0 && (c.TaskCount != 1 || len(c.Tasks) != 1) {
		ids := make([]string, c.TaskCount)
		for n := range ids {
			ids[n] = kafka.TaskTransactionalID(w.settings.GroupID, name, n)
		}
		if err := w.fenceProducers(ctx, name, ids); err != nil {
			return err
		}
	}
	generation := c.Generation
	return w.write(ctx, "Only the leader may perform zombie fencing.", "writing a task count record for connector "+name+toConfigs, func(s *state.Snapshot) ([]state.KV, error) {
		now := s.Connectors[name]
		if now == nil {
			return nil, refuse(NotFound, "Connector %s not found", name)
		}
		if now.Generation != generation {
			return nil, refuse(Conflict, "Fencing failed because new task configurations were generated for the connector")
		}
		return []state.KV{state.TaskCountRecord(name, len(now.Tasks))}, nil
	})
}
