package connecttest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"go.uber.org/goleak"

	"github.com/millwright-connect/millwright/connectors/connect"
)

// Source proves what every source must do. With the valid properties the plugin
// must open; a server that it needs runs already.
func Source(t *testing.T, p connect.SourcePlugin, valid connect.Props, opts ...Option) {
	t.Helper()
	o := choose(opts)
	definition(t, o, p.Class, p.Version, p.Config, valid)
	check(t, p.Config, p.Check, valid)
	answers(t, "exactly-once support", p.ExactlyOnce, valid)
	answers(t, "own transactions", p.OwnTransactions, valid)
	if o.unopened {
		return
	}
	tasks := connector(t, o, p.Open, valid)
	t.Run("open and close", func(t *testing.T) {
		before := goleak.IgnoreCurrent()
		within(t, "opening and closing", func() {
			task, err := p.OpenTask(t.Context(), &SourceHost{}, tasks)
			if err != nil {
				t.Error(err)
				return
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
				if task, err := p.OpenTask(t.Context(), &SourceHost{}, props); err == nil {
					t.Errorf("it opens %s", name)
					_ = task.Close()
				}
			})
		}
		within(t, "opening with a context that has ended", func() {
			if task, err := p.OpenTask(ended(), &SourceHost{}, tasks); err == nil { // it may not have needed it
				_ = task.Close()
			}
		})
		quiet(t, o, before)
	})
	if o.expect > 0 {
		t.Run("records", func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			task, err := p.OpenTask(t.Context(), &SourceHost{}, tasks)
			if err != nil {
				t.Fatal(err)
			}
			within(t, fmt.Sprintf("poll for %d records", o.expect), func() { pollFor(t, task, o.expect) })
			if err := task.Close(); err != nil {
				t.Error(err)
			}
			quiet(t, o, before)
		})
	}
	t.Run("poll ends with its context", func(t *testing.T) {
		before := goleak.IgnoreCurrent()
		task, err := p.OpenTask(t.Context(), &SourceHost{}, tasks)
		if err != nil {
			t.Fatal(err)
		}
		pollUntilCancelled(t, task)
		if err := task.Close(); err != nil {
			t.Error(err)
		}
		quiet(t, o, before)
	})
}

// pollFor polls until n records have come, and looks at each.
func pollFor(t *testing.T, task connect.SourceTask, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for got := 0; got < n; {
		first := connect.NewSourceRecord("mine", nil, nil, none, none)
		records, err := task.Poll(ctx, []connect.SourceRecord{first})
		if err != nil {
			if _, retry := connect.RetryAfter(err); retry && ctx.Err() == nil {
				continue
			}
			t.Errorf("poll, after %d records: %v", got, err)
			return
		}
		if len(records) == 0 || records[0].Topic != "mine" {
			t.Error("poll does not append to what it is given")
			return
		}
		for i := range records[1:] {
			if err := sound(&records[i+1]); err != nil {
				t.Error(err)
				return
			}
		}
		got += len(records) - 1
	}
}

// pollUntilCancelled ends a poll that may wait for records.
func pollUntilCancelled(t *testing.T, task connect.SourceTask) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	began, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		close(began)
		for ctx.Err() == nil {
			_, err := task.Poll(ctx, nil)
			if _, retry := connect.RetryAfter(err); err != nil && !retry && ctx.Err() == nil {
				t.Errorf("poll: %v", err)
				return
			}
		}
	}()
	<-began
	cancel()
	within(t, "poll, after its context had ended,", func() { <-done })
	within(t, "poll with a context that has ended", func() { _, _ = task.Poll(ended(), nil) })
}

// sound finds what a source record must not be.
func sound(r *connect.SourceRecord) error {
	switch {
	case r.Topic == "":
		return fmt.Errorf("a record without topic: %+v", r.Record)
	case r.Partition < -1:
		return fmt.Errorf("a record for partition %d", r.Partition)
	case r.Position != nil && r.Source == nil:
		return fmt.Errorf("a record of topic %s has a position and no partition", r.Topic)
	case r.Value.Schema != nil && !r.Value.Value.IsNull():
		if err := r.Value.Schema.Check(r.Value.Value); err != nil {
			return fmt.Errorf("a record of topic %s: %w", r.Topic, err)
		}
	}
	if r.Position != nil {
		if _, err := roundTrip(r.Position); err != nil {
			return fmt.Errorf("the position of a record of topic %s: %w", r.Topic, err)
		}
	}
	return nil
}

// roundTrip returns a position as it comes back from the offsets topic.
func roundTrip(position any) (connect.Object, error) {
	b, err := json.Marshal(position)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var o connect.Object
	if err := d.Decode(&o); err != nil {
		return nil, fmt.Errorf("it is not a JSON object: %s", b)
	}
	for k, v := range o {
		switch v := v.(type) {
		case json.Number:
			if n, err := v.Int64(); err == nil {
				o[k] = n
			} else if f, err := v.Float64(); err == nil {
				o[k] = f
			}
		case map[string]any, []any:
			return nil, fmt.Errorf("%s is neither text nor number nor boolean: %s", k, b)
		}
	}
	return o, nil
}

// check runs the plugin's own check on valid properties and on none.
func check(t *testing.T, config func() connect.Configurable, f func(context.Context, connect.Props, []connect.ConfigInfo) error, valid connect.Props) {
	t.Helper()
	if f == nil {
		return
	}
	t.Run("check", func(t *testing.T) {
		for _, p := range []connect.Props{valid, {}} {
			var d connect.ConfigDef
			fresh(config).Define(&d)
			infos := d.Validate(p)
			within(t, "the check", func() {
				if err := f(t.Context(), p, infos); err != nil && len(p) > 0 {
					t.Error(err)
				}
			})
			for _, i := range infos {
				if len(p) > 0 && len(i.Value.Errors) > 0 {
					t.Errorf("%s: %v", i.Value.Name, i.Value.Errors)
				}
			}
		}
	})
}

// answers proves that a question about the configuration is answered, also
// about a bad one.
func answers(t *testing.T, what string, f func(connect.Props) (connect.Support, error), valid connect.Props) {
	t.Helper()
	if f == nil {
		return
	}
	t.Run(what, func(t *testing.T) {
		if _, err := f(valid); err != nil {
			t.Error(err)
		}
		_, _ = f(connect.Props{})
	})
}

// connector opens the connector, has it divide its work, and returns the
// properties of a task.
func connector(t *testing.T, o options, open func(context.Context, connect.Host, connect.Props) (connect.Connector, error), valid connect.Props) connect.Props {
	t.Helper()
	if open == nil {
		return valid
	}
	task := valid
	t.Run("connector", func(t *testing.T) {
		before := goleak.IgnoreCurrent()
		within(t, "opening the connector", func() {
			c, err := open(t.Context(), &Host{}, valid)
			if err != nil {
				t.Error(err)
				return
			}
			for _, limit := range []int{1, 3, 100} {
				tasks, err := c.Tasks(t.Context(), limit)
				if err != nil || len(tasks) > limit {
					t.Errorf("%d tasks of at most %d, %v", len(tasks), limit, err)
				}
				if limit == 1 && len(tasks) == 1 {
					task = tasks[0]
				}
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
		within(t, "opening the connector with a context that has ended", func() {
			if c, err := open(ended(), &Host{}, valid); err == nil {
				_ = c.Close()
			}
		})
		quiet(t, o, before)
	})
	return task
}
