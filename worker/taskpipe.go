package worker

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/worker/config"
	"github.com/millwright-connect/millwright/worker/kafka"
	"github.com/millwright-connect/millwright/worker/metrics"
	"github.com/millwright-connect/millwright/worker/pipeline"
)

// buildPipeline opens the converters, transforms and predicates of a task and
// puts them together. What was opened before a failure is closed.
func (r *taskRunner) buildPipeline(ctx context.Context) (err error) {
	s := r.settings
	c := pipeline.Config{
		Connector: r.id.Connector, Task: r.id.Task, Tolerate: s.Tolerate, RetryTimeout: s.RetryTimeout, RetryDelayMax: s.RetryDelayMax,
		LogErrors: s.LogErrors, LogMessages: s.LogMessages, Metrics: &r.metrics.Errors, Log: r.log,
	}
	defer func() {
		if err != nil {
			_ = pipeline.New(c).Close()
		}
	}()
	if c.Key, c.KeyClass, err = r.converter(s.KeyConverter, true); err != nil {
		return err
	}
	if c.Value, c.ValueClass, err = r.converter(s.ValueConverter, false); err != nil {
		return err
	}
	if c.Header, c.HeaderClass, err = r.headerConverter(s.HeaderConverter); err != nil {
		return err
	}
	for _, t := range s.Transforms {
		step, err := r.step(t)
		if err != nil { // Java gives the cause no message of its own
			return &connect.Error{Class: connect.ConnectException, Message: connect.ClassOf(err) + ": " + err.Error(), Cause: err}
		}
		c.Steps = append(c.Steps, step)
	}
	if s.DeadLetterTopic != "" {
		r.built = true // in Java a task opens its topic itself
		if c.Dead, err = r.deadLetters(ctx); err != nil {
			return err
		}
	}
	r.pipe = pipeline.New(c)
	return nil
}

func (r *taskRunner) converter(p config.Plugin, isKey bool) (connect.Converter, string, error) {
	class, _ := r.w.plugins.Converters.Canonical(p.Class)
	plugin, ok := r.w.plugins.Converters.Find(p.Class)
	if !ok {
		return nil, "", connect.ConfigErrorf("Invalid value %s for configuration %s: Class %s could not be found.", p.Class, p.Property, p.Class)
	}
	c, err := plugin.Open(p.Props, isKey)
	return c, class, err
}

func (r *taskRunner) headerConverter(p config.Plugin) (connect.HeaderConverter, string, error) {
	class, _ := r.w.plugins.HeaderConverters.Canonical(p.Class)
	plugin, ok := r.w.plugins.HeaderConverters.Find(p.Class)
	if !ok {
		return nil, "", connect.ConfigErrorf("Invalid value %s for configuration %s: Class %s could not be found.", p.Class, p.Property, p.Class)
	}
	c, err := plugin.Open(p.Props)
	return c, class, err
}

func (r *taskRunner) step(t config.Transform) (step pipeline.Step, err error) {
	plugin, ok := r.w.plugins.Transforms.Find(t.Class)
	if !ok {
		return step, connect.ConfigErrorf("Invalid value %s for configuration %s: Class %s could not be found.", t.Class, t.Property, t.Class)
	}
	step.Class, _ = r.w.plugins.Transforms.Canonical(t.Class)
	if step.Transform, err = plugin.Open(t.Props); err != nil {
		return step, err
	}
	if t.Predicate == nil {
		return step, nil
	}
	predicate, ok := r.w.plugins.Predicates.Find(t.Predicate.Class)
	if !ok {
		return step, connect.ConfigErrorf("Invalid value %s for configuration %s: Class %s could not be found.", t.Predicate.Class, t.Predicate.Property, t.Predicate.Class)
	}
	step.Negate = t.Negate
	step.Predicate, err = predicate.Open(t.Predicate.Props)
	return step, err
}

// deadLetters opens the dead letter topic, which is made where it is missing.
func (r *taskRunner) deadLetters(ctx context.Context) (*pipeline.DeadLetters, error) {
	topic := r.settings.DeadLetterTopic
	cluster, unsupported, err := kafka.OpenCluster(r.w.kafka.DLQAdmin(r.conn), r.log, r.w.counting(metrics.AdminClient))
	if err != nil {
		return nil, err
	}
	defer cluster.Close()
	r.w.reports.Log(r.log, kafka.Admin, unsupported)
	if _, err := cluster.CreateOrFind(ctx, kafka.Topic{Name: topic, Partitions: 1, Replication: int16(r.settings.DeadLetterReplication)}); err != nil {
		if why := errors.Unwrap(err); why != nil { // Java's says which topic twice
			err = why
		}
		return nil, failedBy(err, "Could not initialize dead letter queue with topic="+topic)
	}
	cl, _, err := r.w.client(r.w.kafka.DLQProducer(r.id.Connector, r.id.Task, r.conn), kafka.Producer)
	if err != nil {
		return nil, err
	}
	r.dead.set(cl, r.lost.Load)
	dead := &pipeline.DeadLetters{Topic: topic, Headers: r.settings.DeadLetterHeaders, Send: func(raw pipeline.Raw, done func(error)) {
		rec := &kgo.Record{Topic: raw.Topic, Key: raw.Key, Value: raw.Value, Headers: kafkaHeaders(raw.Headers), Partition: -1}
		if raw.Timestamp >= 0 { // a letter keeps the record's
			rec.Timestamp = time.UnixMilli(raw.Timestamp)
		}
		cl.Produce(context.Background(), rec, func(_ *kgo.Record, err error) { done(err) })
	}}
	if r.settings.Sink {
		return dead, nil
	}
	if dead.Key, _, err = r.converter(letterConverter("key"), true); err != nil {
		return nil, err
	}
	dead.Value, _, err = r.converter(letterConverter("value"), false)
	return dead, err
}

// letterConverter writes the records of a source as dead letters: whatever the
// source's own converter refuses, JSON can hold.
func letterConverter(typ string) config.Plugin {
	return config.Plugin{
		Property: "errors.deadletterqueue.topic.name", Class: "org.apache.kafka.connect.json.JsonConverter",
		Props: connect.Props{"schemas.enable": "true", "converter.type": typ},
	}
}

// closePipeline closes what buildPipeline opened.
func (r *taskRunner) closePipeline() {
	if r.pipe != nil {
		if err := r.pipe.Close(); err != nil {
			r.log.Warn("the task's converters and transforms failed to close", "error", err)
		}
	}
	r.dead.close()
}
