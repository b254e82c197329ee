package worker

import (
	"context"
	"maps"
	"strings"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/config"
	"github.com/millwright-connect/millwright/worker/state"
)

const tooManyTasks = "org.apache.kafka.connect.runtime.TooManyTasksException"

// resolve puts secrets in the place of references to config providers. Where a
// secret has a time to live and the connector's config.action.reload says so,
// the connector is restarted in time.
func (w *Worker) resolve(ctx context.Context, name string, raw connect.Props) (connect.Props, error) {
	r, err := w.providers.Resolve(ctx, raw)
	if err != nil {
		return nil, err
	}
	w.secrets.Keep(name, r.Secrets)
	if r.TTL > 0 && !strings.EqualFold(r.Props["config.action.reload"], "none") {
		w.reloadIn(name, r.TTL)
	}
	return r.Props, nil
}

// resolved is resolve for a single use.
func (w *Worker) resolved(ctx context.Context, raw connect.Props) (connect.Props, error) {
	r, err := w.providers.Resolve(ctx, raw)
	return r.Props, err
}

// reloadIn restarts a connector's units that run here when a secret expires.
func (w *Worker) reloadIn(name string, ttl time.Duration) {
	w.log.Info("a secret expires; the connector is restarted in time", "connector", name, "in", ttl)
	t := time.AfterFunc(ttl, func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, err := Ask(ctx, w.herder, func(h *Herder) struct{} {
			for id, u := range h.units {
				if id.Connector == name && u.phase == up {
					u.restart = true
				}
			}
			return struct{}{}
		})
		if err != nil {
			w.log.Warn("connector could not be restarted for its new secret", "connector", name, "error", err)
		}
	})
	if old, had := w.reloads.Swap(name, t); had {
		old.(*time.Timer).Stop()
	}
}

// Validate answers the validate endpoint: every property of a connector with
// what is wrong with it.
func (w *Worker) Validate(ctx context.Context, props connect.Props) (config.ConfigInfos, error) {
	return config.ValidateWith(ctx, w.plugins, w.settings, w.providers, props)
}

// checkConfig refuses properties that do not pass validation, with all that is
// wrong in one message.
func (w *Worker) checkConfig(ctx context.Context, props connect.Props) error {
	infos, err := w.Validate(ctx, props)
	if err != nil {
		return err
	}
	var b strings.Builder
	n := 0
	for _, i := range infos.Configs {
		for _, e := range i.Value.Errors {
			n++
			b.WriteString(e + "\n")
		}
	}
	if n == 0 {
		return nil
	}
	return refuse(BadRequest, "Connector configuration is invalid and contains the following %d error(s):\n%sYou can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`", n, b.String())
}

// taskProps asks an open connector to divide its work, and adds what every
// task's properties have, as Java's worker does.
func (w *Worker) taskProps(ctx context.Context, c connect.Connector, props connect.Props) ([]connect.Props, error) {
	settings, err := config.ParseConnector(w.plugins, w.settings, props)
	if err != nil {
		return nil, err
	}
	made, err := c.Tasks(ctx, settings.TasksMax)
	if err != nil {
		return nil, err
	}
	if err := w.checkTaskCount(props["name"], settings, len(made)); err != nil {
		return nil, err
	}
	class := taskClass(w.canonical(props["connector.class"]))
	tasks := make([]connect.Props, len(made))
	for i, t := range made {
		tasks[i] = maps.Clone(t)
		if tasks[i] == nil {
			tasks[i] = connect.Props{}
		}
		tasks[i]["task.class"] = class
		for _, key := range []string{"topics", "topics.regex"} {
			if v, ok := props[key]; ok && settings.Sink {
				tasks[i][key] = v
			}
		}
	}
	return tasks, nil
}

func (w *Worker) checkTaskCount(name string, settings *config.Connector, n int) error {
	if n <= settings.TasksMax {
		return nil
	}
	if settings.TasksMaxEnforce {
		return connect.Errorf(tooManyTasks, "The connector %s has generated %d tasks, which is greater than %d, the maximum number of tasks it is configured to create. "+
			"This behaviour should be considered a bug and is disallowed. If necessary, it can be permitted by reconfiguring the connector with 'tasks.max.enforce' "+
			"set to false; however, this option will be removed in a future release of Kafka Connect.", name, n, settings.TasksMax)
	}
	w.log.Warn("the connector makes more tasks than tasks.max allows; tasks.max.enforce=false lets it", "connector", name, "tasks", n, "tasks.max", settings.TasksMax)
	return nil
}

// canonical returns the class that a class, alias or short name stands for.
func (w *Worker) canonical(class string) string {
	if c, ok := w.plugins.Sources.Canonical(class); ok {
		return c
	}
	if c, ok := w.plugins.Sinks.Canonical(class); ok {
		return c
	}
	return class
}

// taskClass names the tasks of a connector class, as Java's connectors name
// theirs: FileStreamSourceConnector has FileStreamSourceTask.
func taskClass(class string) string { return strings.TrimSuffix(class, "Connector") + "Task" }

// newTask makes the runner of a task.
func (w *Worker) newTask(id unitID, c *state.Connector, generation int32) runner {
	t := w.newTaskRunner(id, c, generation)
	class := c.Props["connector.class"]
	if p, ok := w.plugins.Sinks.Find(class); ok {
		return newSinkRunner(t, p)
	}
	if p, ok := w.plugins.Sources.Find(class); ok {
		return newSourceRunner(t, p)
	}
	return &brokenTask{t, connect.Failf("Failed to find any class that implements Connector and which name matches %s. Run `millwright plugins` for the classes that this worker has.", class)}
}

// A brokenTask fails as soon as it is run: its class is not in this binary, as
// can be in a group with Java workers.
type brokenTask struct {
	*taskRunner
	err error
}

func (b *brokenTask) Run(ctx context.Context, started func()) error {
	return b.lifecycle(ctx, started, func(context.Context) error { return b.err }, nil, func() error { return nil })
}

func (b *brokenTask) Abandon() { b.report.silence() }
