package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"
)

// A run is one run of the demo.
type run struct {
	Options
	dir    string
	ports  ports
	broker *broker
	db     database
	api    api
	counts []*count
}

// A count follows one topic and the source that fills it.
type count struct {
	topic, source string
	before        int64 // records in the log when the run began
	inLog, inDB   int64

	produced int64 // by tasks that have ended since, as far as is known
	last     int64 // by those that run
	restarts bool  // tasks have ended: produced may be too little
	deleted  bool
}

// see takes in how many records the source's tasks say that Kafka has taken.
// The number begins anew when a task does.
func (c *count) see(written int64) {
	if written < c.last {
		c.produced += c.last
		c.restarts = true
	}
	c.last = written
}

// made is how many records the source has produced in this run.
func (c *count) made() int64 { return c.produced + c.last }

// measure reads the counts of one moment: first the database and then the log,
// so that it never shows more rows than records.
func (r *run) measure(ctx context.Context) error {
	for _, c := range r.counts {
		var err error
		if c.inDB, err = r.db.size(ctx, c.topic); err != nil {
			return err
		}
		log, err := r.broker.logs(ctx, c.topic)
		if err != nil {
			return err
		}
		c.inLog = total(log)
		written, _, err := r.api.metrics(ctx, c.source)
		if err != nil {
			return err
		}
		c.see(written)
	}
	return nil
}

func (r *run) introduce() {
	p := func(format string, args ...any) { fmt.Fprintf(r.Out, format+"\n", args...) }
	p("A plant on this machine, for trying out and for tests.\n")
	p("  Modbus TCP   127.0.0.1:%d: %d presses, units 1 to %d", r.ports.Modbus, presses, presses)
	p("  OPC UA       opc.tcp://127.0.0.1:%d: %d robots of %d axes", r.ports.OPCUA, robots, axes)
	p("  Broker       %s: an imitation of Kafka in this process, no broker for production", r.broker.addr)
	p("  REST API     %s", r.api.url)
	p("  Connectors   %s and %s write to the topics %s and %s,", pressSource, robotSource, pressTopic, robotTopic)
	p("               %s writes these to tables", tableSink)
	p("  Database     %s", r.db.path)
	p("  Worker's log %s", filepath.Join(r.dir, "worker.log"))
	p("\nTry in another terminal:\n")
	p("  curl -s %s/connectors?expand=status", r.api.url)
	p("  curl -s %s/connectors/%s/config", r.api.url, pressSource)
	p("  curl -s -X PUT %s/connectors/%s/pause      # and .../resume", r.api.url, robotSource)
	p("  curl -s -X POST '%s/connectors/%s/restart?includeTasks=true'", r.api.url, tableSink)
	p("  sqlite3 %s 'SELECT device, count(*), max(parts), round(avg(temperature), 1) FROM %s GROUP BY device'", r.db.path, pressTopic)
	p("  sqlite3 %s 'SELECT name, count(*), min(value), max(value) FROM %s GROUP BY name'", r.db.path, robotTopic)
	p("  millwright worker %s --set listeners=http://127.0.0.1:0      # a second worker", filepath.Join(r.dir, "worker.properties"))
	end := "Ctrl-C ends it"
	if r.Duration > 0 {
		end = fmt.Sprintf("It ends after %v, or with Ctrl-C,", r.Duration)
	}
	p("\n%s and accounts for every record; `millwright demo --dir %s` goes on from there.\n", end, r.dir)
}

// live prints the rates each second until lasting ends.
func (r *run) live(lasting, working context.Context) error {
	const every = time.Second
	tick := time.NewTicker(every)
	defer tick.Stop()
	if err := r.measure(working); err != nil {
		return err
	}
	began, last := time.Now(), time.Now()
	for {
		select {
		case <-working.Done():
			return context.Cause(working)
		case <-lasting.Done():
			if r.Live {
				fmt.Fprintln(r.Out)
			}
			return nil
		case <-tick.C:
		}
		type pair struct{ log, db int64 }
		var old []pair
		for _, c := range r.counts {
			old = append(old, pair{c.inLog, c.inDB})
		}
		if err := r.measure(working); err != nil {
			return err
		}
		now := time.Now()
		per := func(n int64) float64 { return float64(n) / now.Sub(last).Seconds() }
		var parts []string
		var rows, rate, behind int64
		for i, c := range r.counts {
			parts = append(parts, fmt.Sprintf("%s %.0f/s (%d)", c.topic, per(c.inLog-old[i].log), c.inLog))
			rows += c.inDB
			rate += c.inDB - old[i].db
			behind += c.inLog - c.inDB
		}
		line := fmt.Sprintf("%4.0f s  %s  database %.0f rows/s (%d, %d to come)", now.Sub(began).Seconds(), strings.Join(parts, "  "), per(rate), rows, behind)
		last = now
		if r.Live {
			fmt.Fprintf(r.Out, "\r%-*s", 100, line)
		} else {
			fmt.Fprintln(r.Out, line)
		}
	}
}

// account stops the sources, waits until the sink is done, and compares.
func (r *run) account(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("it took too long"))
	defer cancel()
	// Somebody may have tried what the introduction says.
	if err := r.api.call(ctx, http.MethodPut, "/connectors/"+tableSink+"/resume", nil, nil); err != nil {
		return err
	}
	for _, c := range r.counts {
		err := r.api.call(ctx, http.MethodPut, "/connectors/"+c.source+"/pause", nil, nil)
		if e := (*apiError)(nil); errors.As(err, &e) && e.status == http.StatusNotFound {
			c.deleted = true // somebody has tried that, too
		} else if err != nil {
			return err
		}
	}
	for _, c := range r.counts {
		if c.deleted {
			continue
		}
		if err := r.api.reaches(ctx, c.source, "PAUSED"); err != nil {
			return err
		}
		err := until(ctx, fmt.Sprintf("the last records of %s to reach the broker", c.source), func() (bool, error) {
			written, active, err := r.api.metrics(ctx, c.source)
			c.see(written)
			return active == 0, err
		})
		if err != nil {
			return err
		}
	}
	var faults []string
	for _, c := range r.counts {
		fault, err := r.settle(ctx, c)
		if err != nil {
			return err
		}
		if fault != "" {
			faults = append(faults, fault)
		}
	}
	if faults != nil {
		return fmt.Errorf("the account does not balance: %s", strings.Join(faults, "; "))
	}
	fmt.Fprintf(r.Out, "\nEvery record is accounted for. All is in %s\n", r.dir)
	return nil
}

// settle waits for the table of a topic to hold every record, prints the line of
// the account, and returns what is wrong.
func (r *run) settle(ctx context.Context, c *count) (fault string, err error) {
	var missing int64
	err = until(ctx, fmt.Sprintf("table %s to hold all records", c.topic), func() (bool, error) {
		table, err := r.db.partitions(ctx, c.topic)
		if err != nil {
			return false, err
		}
		log, err := r.broker.logs(ctx, c.topic) // after the table, which is behind it
		if err != nil {
			return false, err
		}
		c.inLog, c.inDB = total(log), 0
		for _, p := range table {
			c.inDB += p.n
		}
		missing, fault = compare(c.topic, log, table)
		return missing == 0 || fault != "", nil
	})
	fmt.Fprintf(r.Out, "%-8s %8d records produced in this run, %8d in the topic, %8d rows in the database, %d missing\n", c.topic+":", c.made(), c.inLog, c.inDB, missing)
	switch added := c.inLog - c.before; {
	case fault != "":
		return fault, nil
	case err != nil && missing > 0:
		return "", fmt.Errorf("%d records of topic %s are not in the database: %w", missing, c.topic, err)
	case err != nil:
		return "", err
	case c.made() > added:
		return fmt.Sprintf("%s produced %d records and topic %s has %d more than before", c.source, c.made(), c.topic, added), nil
	case c.made() < added && !c.restarts:
		return fmt.Sprintf("%s produced %d records, but topic %s has %d more than before", c.source, c.made(), c.topic, added), nil
	case added == 0:
		return fmt.Sprintf("%s produced no record", c.source), nil
	}
	return "", nil
}
