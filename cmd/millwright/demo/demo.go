// Package demo shows the whole of Millwright on one machine with nothing
// installed: a plant that does not exist behind real Modbus and OPC UA servers,
// a broker that imitates Kafka, a worker, two sources and a sink to SQLite. At
// the end it accounts for every record.
//
// It imports the client and server libraries of Kafka, OPC UA and Modbus, and
// reaches the worker as any user does, over its REST API.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Options say how the demo runs.
type Options struct {
	Dir      string        // for all files; made if it is not there
	Listen   string        // host:port of the REST API; "": that of the last run in Dir, or a free one of 127.0.0.1
	Duration time.Duration // 0: until ctx ends
	Out      io.Writer
	Live     bool // Out is a terminal: the line of rates is rewritten
	// Worker runs a worker with its settings until ctx ends, logs to log, and
	// calls began once it can answer.
	Worker func(ctx context.Context, settings map[string]string, log *os.File, began func(ctx context.Context, url string) error) error
}

// How long the start and the end may take on a busy machine.
const patience = 2 * time.Minute

// ports are those of the last run in the folder: URLs stay the same.
type ports struct {
	Broker int    `json:"broker"`
	Modbus int    `json:"modbus"`
	OPCUA  int    `json:"opcua"`
	REST   string `json:"rest"`
}

// Run runs the demo. It returns nil only when every record that the sources
// produced is in the database.
func Run(ctx context.Context, o Options) error {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	unlock, err := lockDir(dir)
	if err != nil {
		return err
	}
	defer unlock()
	logFile, err := os.OpenFile(filepath.Join(dir, "worker.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer logFile.Close()
	log.SetOutput(logFile) // the OPC UA server prints where it listens
	defer log.SetOutput(os.Stderr)
	at, err := choosePorts(filepath.Join(dir, "ports.json"), o.Listen)
	if err != nil {
		return err
	}
	b, err := openBroker(filepath.Join(dir, "broker"), at.Broker)
	if err != nil {
		return err
	}
	defer b.close()
	for _, t := range topics {
		if err := b.createTopic(ctx, t.name, partitions); err != nil {
			return err
		}
	}
	stopPresses, err := startPresses(at.Modbus)
	if err != nil {
		return err
	}
	defer stopPresses()
	stopRobots, err := startRobots(ctx, at.OPCUA)
	if err != nil {
		return err
	}
	defer stopRobots()
	r := &run{Options: o, dir: dir, ports: at, broker: b, db: database{filepath.Join(dir, "plant.db")}}
	for _, t := range topics {
		log, err := b.logs(ctx, t.name)
		if err != nil {
			return err
		}
		r.counts = append(r.counts, &count{topic: t.name, source: t.source, before: total(log)})
	}
	settings := workerSettings(b.addr, at.REST)
	if err := writeProperties(filepath.Join(dir, "worker.properties"), settings); err != nil {
		return err
	}
	return r.withWorker(ctx, settings, logFile)
}

// withWorker runs the worker as long as the demo lasts. The worker outlives ctx:
// the account is made after that.
func (r *run) withWorker(ctx context.Context, settings map[string]string, logFile *os.File) error {
	working, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	var g errgroup.Group
	began := make(chan string, 1)
	g.Go(func() error {
		err := r.Worker(working, settings, logFile, func(_ context.Context, url string) error {
			began <- url
			return nil
		})
		if err == nil && working.Err() == nil {
			err = errors.New("it ended by itself")
		}
		if err != nil {
			err = fmt.Errorf("the worker: %w; see %s", err, logFile.Name())
		}
		stop(err)
		return err
	})
	g.Go(func() error {
		defer stop(nil)
		var url string
		select {
		case url = <-began:
		case <-ctx.Done():
			return errors.New("ended before it had begun")
		case <-working.Done():
			return nil
		}
		r.api = api{strings.TrimSuffix(url, "/")}
		err := r.show(ctx, working)
		if cause := context.Cause(working); err != nil && working.Err() != nil && cause != nil {
			return nil // the worker's own error says why
		}
		return err
	})
	return g.Wait()
}

// show starts the connectors, lets them run, and accounts.
func (r *run) show(ctx, working context.Context) error {
	if err := r.start(working); err != nil {
		return err
	}
	r.introduce()
	lasting := ctx
	if r.Duration > 0 {
		var cancel context.CancelFunc
		lasting, cancel = context.WithTimeout(ctx, r.Duration)
		defer cancel()
	}
	if err := r.live(lasting, working); err != nil {
		return err
	}
	return r.account(working)
}

// start has the connectors run, also those that the last run left paused.
func (r *run) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("it took too long"))
	defer cancel()
	all := connectors(r.ports.Modbus, r.ports.OPCUA, r.db.path)
	for _, c := range all {
		if err := r.api.put(ctx, c); err != nil {
			return err
		}
		if err := r.api.call(ctx, http.MethodPut, "/connectors/"+c.name+"/resume", nil, nil); err != nil {
			return err
		}
	}
	for _, c := range all {
		if err := r.api.reaches(ctx, c.name, "RUNNING"); err != nil {
			return err
		}
	}
	return nil
}

// workerSettings are those of a distributed worker on the demo's broker.
func workerSettings(broker, listen string) map[string]string {
	s := map[string]string{
		"bootstrap.servers": broker,
		"group.id":          "millwright-demo",
		"listeners":         "http://" + listen,
		"key.converter":     "org.apache.kafka.connect.storage.StringConverter",
		"value.converter":   "org.apache.kafka.connect.json.JsonConverter", // with schemas: the sink makes tables of them
		// a second worker that comes and goes is not waited for
		"scheduled.rebalance.max.delay.ms": "0",
		"session.timeout.ms":               "6000",
		"heartbeat.interval.ms":            "2000",
		"offset.flush.interval.ms":         "5000",
	}
	for kind, topic := range map[string]string{"config": "configs", "offset": "offsets", "status": "status"} {
		s[kind+".storage.topic"] = "millwright-demo-" + topic
		s[kind+".storage.replication.factor"] = "1"
	}
	s["offset.storage.partitions"], s["status.storage.partitions"] = "5", "5"
	return s
}

// writeProperties writes settings to a file with which another worker can join.
func writeProperties(file string, settings map[string]string) error {
	var lines []string
	for k, v := range settings {
		lines = append(lines, k+"="+v+"\n")
	}
	slices.Sort(lines)
	return os.WriteFile(file, []byte("# of the demo's worker; written at each start\n"+strings.Join(lines, "")), 0o644) //nolint:gosec // it holds no secret
}

// choosePorts takes the ports of the last run where they are free.
func choosePorts(file, listen string) (p ports, err error) {
	if b, err := os.ReadFile(file); err == nil {
		_ = json.Unmarshal(b, &p) // at worst other ports
	}
	for _, port := range []*int{&p.Broker, &p.Modbus, &p.OPCUA} {
		if *port, err = freePort(*port); err != nil {
			return p, err
		}
	}
	if listen != "" {
		if p.REST, err = hostPort(listen); err != nil {
			return p, err
		}
	} else {
		_, last, _ := net.SplitHostPort(p.REST)
		n, _ := strconv.Atoi(last)
		if n, err = freePort(n); err != nil {
			return p, err
		}
		p.REST = net.JoinHostPort("127.0.0.1", strconv.Itoa(n))
	}
	b, err := json.Marshal(p)
	if err != nil {
		return p, err
	}
	return p, os.WriteFile(file, append(b, '\n'), 0o644) //nolint:gosec // it holds no secret
}

// hostPort reads host:port, :port (of all interfaces) or port (of loopback).
func hostPort(listen string) (string, error) {
	s := strings.TrimPrefix(listen, "http://")
	if _, err := strconv.Atoi(s); err == nil {
		s = "127.0.0.1:" + s
	}
	host, port, err := net.SplitHostPort(s)
	if n, e := strconv.Atoi(port); err != nil || e != nil || n < 1 || n > 65535 {
		return "", fmt.Errorf("--listen %q must be host:port, such as 127.0.0.1:8083", listen)
	}
	return net.JoinHostPort(host, port), nil
}

// freePort returns a port of this machine that nobody listens on: the wanted one
// if it can be had.
func freePort(want int) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(want))) //nolint:noctx // it does not wait
	if err != nil && want != 0 {
		l, err = net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not wait
	}
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
