package connecttest

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Sink proves what every sink must do. With the valid properties the plugin
// must open; a server that it needs runs already. See Put for records.
func Sink(t *testing.T, p connect.SinkPlugin, valid connect.Props, opts ...Option) {
	t.Helper()
	o := choose(opts)
	definition(t, o, p.Class, p.Version, p.Config, valid)
	check(t, p.Config, p.Check, valid)
	if o.unopened {
		return
	}
	tasks := connector(t, o, p.Open, valid)
	t.Run("open and close", func(t *testing.T) {
		before := goleak.IgnoreCurrent()
		within(t, "opening, an empty batch and closing", func() {
			task, err := p.OpenTask(t.Context(), &SinkHost{}, tasks)
			if err != nil {
				t.Error(err)
				return
			}
			if err := put(t.Context(), task, nil); err != nil {
				t.Errorf("an empty batch: %v", err)
			}
			if err := task.Close(); err != nil {
				t.Error(err)
			}
		})
		quiet(t, o, before)
	})
	t.Run("failed open", func(t *testing.T) {
		before := goleak.IgnoreCurrent()
		for name, props := range broken(p.Config, tasks) {
			within(t, "opening "+name, func() {
				if task, err := p.OpenTask(t.Context(), &SinkHost{}, props); err == nil {
					t.Errorf("it opens %s", name)
					_ = task.Close()
				}
			})
		}
		within(t, "opening with a context that has ended", func() {
			if task, err := p.OpenTask(ended(), &SinkHost{}, tasks); err == nil { // it may not have needed it
				_ = task.Close()
			}
		})
		quiet(t, o, before)
	})
	if len(o.records) == 0 {
		return
	}
	t.Run("put", func(t *testing.T) {
		before := goleak.IgnoreCurrent()
		host := &SinkHost{}
		for _, r := range o.records {
			host.Partitions = append(host.Partitions, connect.TopicPartition{Topic: r.Topic, Partition: r.Partition})
		}
		task, err := p.OpenTask(t.Context(), host, tasks)
		if err != nil {
			t.Fatal(err)
		}
		was := picture(o.records)
		within(t, "put", func() {
			if err := put(t.Context(), task, o.records); err != nil {
				t.Error(err)
			}
		})
		if now := picture(o.records); now != was {
			t.Errorf("the sink changed records, which others may hold too:\n  was %s\n  is  %s", was, now)
		}
		for _, r := range host.Rejected() {
			t.Errorf("rejected: %v", r.Cause)
		}
		within(t, "put with a context that has ended", func() { _ = task.Put(ended(), nil) })
		if err := task.Close(); err != nil {
			t.Error(err)
		}
		quiet(t, o, before)
	})
}

// put is what the worker does with a batch: it is put and flushed.
func put(ctx context.Context, task connect.SinkTask, batch []connect.SinkRecord) error {
	upTo := map[connect.TopicPartition]int64{}
	for _, r := range batch {
		p := connect.TopicPartition{Topic: r.Topic, Partition: r.Partition}
		upTo[p] = max(upTo[p], r.Offset+1)
	}
	if err := task.Put(ctx, batch); err != nil {
		return err
	}
	switch task := task.(type) {
	case connect.PreCommitter:
		_, err := task.PreCommit(ctx, upTo)
		return err
	case connect.Flusher:
		return task.Flush(ctx, upTo)
	}
	return nil
}
