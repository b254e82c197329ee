package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Names of the connectors, and the topics and tables of the sources.
const (
	pressSource = "presses-modbus"
	robotSource = "robots-opcua"
	tableSink   = "plant-database"

	pressTopic = "presses"
	robotTopic = "robots"
	partitions = 3
)

// topics, each with the source that fills it.
var topics = []struct{ name, source string }{{pressTopic, pressSource}, {robotTopic, robotSource}}

// A connector is a name and properties.
type connector struct {
	name   string
	config map[string]string
}

// connectors returns what the demo runs, sources last: the sink waits for them.
func connectors(modbusPort, opcuaPort int, databaseFile string) []connector {
	var units []string
	for u := range presses {
		units = append(units, fmt.Sprintf("press%d=127.0.0.1:%d/%d", u+1, modbusPort, u+1))
	}
	return []connector{
		{tableSink, map[string]string{
			"connector.class": "SqlSink",
			"tasks.max":       "2",
			"topics":          pressTopic + "," + robotTopic,
			"connection.url":  "jdbc:sqlite:" + databaseFile + "?journal_mode=WAL",
			"insert.mode":     "upsert",
			"pk.mode":         "kafka",
			"auto.create":     "true",
			"auto.evolve":     "true",
		}},
		{pressSource, map[string]string{
			"connector.class":  "ModbusSource",
			"tasks.max":        "1",
			"topic":            pressTopic,
			"address":          strings.Join(units, ","),
			"poll.interval.ms": "100",
			"registers": "temperature:holding:0:int16*0.1:unit=°C,pressure:holding:1:uint16*0.01:unit=bar,speed:holding:2:float32," +
				"parts:holding:4:uint32:CDAB,alarm:holding:6.1,current:input:0:uint16*0.1:unit=A,running:coil:0",
		}},
		{robotSource, map[string]string{
			"connector.class":        "OpcUaSource",
			"tasks.max":              "1",
			"topic":                  robotTopic,
			"endpoint":               fmt.Sprintf("opc.tcp://127.0.0.1:%d", opcuaPort),
			"browse.root":            "ns=1;s=" + robotRoot,
			"publishing.interval.ms": "250",
		}},
	}
}

// api is the worker's REST API.
type api struct{ url string }

// call makes a request and reads the answer into out, which may be nil.
func (a api) call(ctx context.Context, method, path string, body, out any) error {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second) // as long as the worker itself takes at most
	defer cancel()
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.url+path, r)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return &apiError{method + " " + path, res.StatusCode, strings.TrimSpace(string(b))}
	}
	switch out := out.(type) {
	case nil:
		return nil
	case *string:
		*out = string(b)
		return nil
	default:
		return json.Unmarshal(b, out)
	}
}

// An apiError is an answer of the REST API that is not 2xx.
type apiError struct {
	request string
	status  int
	body    string
}

func (e *apiError) Error() string { return fmt.Sprintf("%s: %d: %s", e.request, e.status, e.body) }

// put creates a connector or changes it. One that is as it should be, from an
// earlier run, is left as it is, so that its tasks run on.
func (a api) put(ctx context.Context, c connector) error {
	var now map[string]string
	want := maps.Clone(c.config)
	want["name"] = c.name
	err := a.call(ctx, http.MethodGet, "/connectors/"+c.name+"/config", nil, &now)
	if err == nil && maps.Equal(now, want) {
		return nil
	}
	return a.call(ctx, http.MethodPut, "/connectors/"+c.name+"/config", c.config, nil)
}

// A status is the answer of GET /connectors/NAME/status.
type status struct {
	Connector struct{ State, Trace string }
	Tasks     []struct {
		ID           int
		State, Trace string
	}
}

// is reports whether the connector and its tasks, one at the least, are all in a
// state. A failure is an error.
func (s *status) is(name, want string) (bool, error) {
	if s.Connector.State == "FAILED" {
		return false, fmt.Errorf("connector %s has failed: %s", name, s.Connector.Trace)
	}
	ok := s.Connector.State == want && len(s.Tasks) > 0
	for _, t := range s.Tasks {
		if t.State == "FAILED" {
			return false, fmt.Errorf("task %d of connector %s has failed: %s", t.ID, name, t.Trace)
		}
		ok = ok && t.State == want
	}
	return ok, nil
}

// reaches waits until a connector and its tasks are in a state.
func (a api) reaches(ctx context.Context, name, want string) error {
	return until(ctx, fmt.Sprintf("connector %s to be %s", name, want), func() (bool, error) {
		var s status
		err := a.call(ctx, http.MethodGet, "/connectors/"+name+"/status", nil, &s)
		if e := (*apiError)(nil); errors.As(err, &e) && (e.status == http.StatusNotFound || e.status == http.StatusConflict) {
			return false, nil // not yet
		}
		if err != nil {
			return false, err
		}
		return s.is(name, want)
	})
}

// until asks again and again, ten times a second, until the answer is yes.
func until(ctx context.Context, what string, ask func() (bool, error)) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := ask()
		switch {
		case ok:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("waiting for %s: %w", what, context.Cause(ctx))
		case err != nil:
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// Metrics of the worker that the demo reads.
const (
	writtenMetric = "kafka_connect_source_task_metrics_source_record_write_total"
	activeMetric  = "kafka_connect_source_task_metrics_source_record_active_count"
)

// metrics returns the sums of the two metrics over a connector's tasks: what
// Kafka has taken since they started, and what is on its way to it.
func (a api) metrics(ctx context.Context, connector string) (written, active int64, err error) {
	var text string
	if err := a.call(ctx, http.MethodGet, "/metrics", nil, &text); err != nil {
		return 0, 0, err
	}
	written, active = sum(text, writtenMetric, connector), sum(text, activeMetric, connector)
	return written, active, nil
}

// sum adds up the samples of a metric that have a connector's label.
func sum(text, metric, connector string) (n int64) {
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, metric+"{")
		if !ok || !strings.Contains(rest, `connector="`+connector+`"`) {
			continue
		}
		_, value, _ := strings.Cut(rest, "} ")
		if f, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil {
			n += int64(f)
		}
	}
	return n
}
