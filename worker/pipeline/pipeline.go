// Package pipeline is the way of a record between a task and Kafka: its
// transforms with their predicates, its converters, and what happens when one
// of them fails (errors.tolerance, retries, log lines, dead letters: KIP-298
// and KIP-610).
//
// It knows no Kafka client; it imports connectors/connect, connectors/data and
// worker/metrics only.
package pipeline

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/worker/metrics"
)

// A Step is a transform with the predicate that guards it.
type Step struct {
	Transform connect.Transform
	Class     string            // Java's name, for reports
	Predicate connect.Predicate // nil: always
	Negate    bool
}

// Config says what a task's pipeline is made of. The pipeline owns transforms,
// predicates and converters and closes them.
type Config struct {
	Connector string
	Task      int
	Steps     []Step

	Key, Value           connect.Converter
	Header               connect.HeaderConverter
	KeyClass, ValueClass string // Java's names of the converters
	HeaderClass          string

	Tolerate      bool          // errors.tolerance=all
	RetryTimeout  time.Duration // errors.retry.timeout; 0: no retries, negative: forever
	RetryDelayMax time.Duration // errors.retry.delay.max.ms; 0: Java's default of a minute
	LogErrors     bool          // errors.log.enable
	LogMessages   bool          // errors.log.include.messages
	Dead          *DeadLetters  // nil: no dead letter queue

	Metrics *metrics.TaskErrors // nil: not counted
	Log     *slog.Logger        // nil: silence
}

// A Pipeline is that of one task. Out and In are called from one goroutine;
// SendFailed, Reject and Await may be called from any.
type Pipeline struct {
	c     Config
	count *metrics.TaskErrors
	log   *slog.Logger

	mean    int // bytes that a record took in the arena, a moving average
	headers []RawHeader
	scratch []connect.Header

	mu   sync.Mutex // guards what Reject reads
	raws []Raw      // of the batch that the task has
	hint int
	dead deadReports
}

// New makes a pipeline.
func New(c Config) *Pipeline {
	p := &Pipeline{c: c, count: c.Metrics, log: c.Log, mean: 128}
	if p.count == nil {
		p.count = &metrics.TaskErrors{}
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if p.c.RetryDelayMax <= 0 {
		p.c.RetryDelayMax = time.Minute
	}
	p.dead.init()
	return p
}

// Close closes transforms, predicates and converters that hold resources.
func (p *Pipeline) Close() error {
	var errs []error
	closed := func(x any, class string) {
		c, ok := x.(io.Closer)
		if !ok {
			return
		}
		var err error
		func() {
			defer recovered(&err, class)
			err = c.Close()
		}()
		errs = append(errs, err)
	}
	for _, s := range p.c.Steps {
		closed(s.Transform, s.Class)
		closed(s.Predicate, s.Class)
	}
	closed(p.c.Key, p.c.KeyClass)
	closed(p.c.Value, p.c.ValueClass)
	closed(p.c.Header, p.c.HeaderClass)
	return errors.Join(errs...)
}

// A RawHeader is a header as Kafka keeps it.
type RawHeader struct {
	Key   string
	Value []byte // nil: null
}

// transform sends r through the steps. A false keep drops it: a transform
// wanted that, or a failure was tolerated.
func (p *Pipeline) transform(ctx context.Context, r *connect.Record, o origin) (keep bool, err error) {
	for i := range p.c.Steps {
		s := &p.c.Steps[i]
		saved := *r // transforms change the record itself, never what it points to
		for t := (tries{}); ; {
			if keep, err = s.apply(r); err == nil {
				break
			}
			*r = saved
			if again, stop := p.again(ctx, &t, err); stop != nil {
				return false, stop
			} else if !again {
				return false, p.failed(Transformation, s.Class, err, o)
			}
		}
		if !keep {
			return false, nil
		}
	}
	return true, nil
}

func (s *Step) apply(r *connect.Record) (keep bool, err error) {
	defer recovered(&err, s.Class)
	if s.Predicate != nil {
		if holds, err := s.Predicate.Test(r); err != nil {
			return false, err
		} else if holds == s.Negate {
			return true, nil
		}
	}
	return s.Transform.Apply(r)
}

func encode(c connect.Converter, class string, dst []byte, topic string, h []connect.Header, d data.Datum) (out []byte, err error) {
	defer recovered(&err, class)
	return c.Encode(dst, topic, h, d)
}

func decode(c connect.Converter, class, topic string, h []connect.Header, b []byte) (d data.Datum, err error) {
	defer recovered(&err, class)
	return c.Decode(topic, h, b)
}

func encodeHeader(c connect.HeaderConverter, class string, dst []byte, topic, name string, d data.Datum) (out []byte, err error) {
	defer recovered(&err, class)
	return c.EncodeHeader(dst, topic, name, d)
}

func decodeHeader(c connect.HeaderConverter, class, topic, name string, b []byte) (d data.Datum, err error) {
	defer recovered(&err, class)
	return c.DecodeHeader(topic, name, b)
}
