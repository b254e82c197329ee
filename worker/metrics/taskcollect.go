package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

func (c *Collector) task(ch chan<- prometheus.Metric, t *Task) {
	labels := []label{{"connector", t.connector}, {"task", strconv.Itoa(t.id)}}
	in := func(kind string) *group {
		return &group{c: c, ch: ch, strimzi: "kafka_connect_" + kind + "_", confluent: "kafka_connect_" + kind + "_metrics_", labels: labels}
	}
	g := in("connector_task")
	g.text("status", "", string(t.state.get()))
	g.num("running-ratio", t.state.ratio(Running))
	g.num("pause-ratio", t.state.ratio(Paused))
	timed(g, "offset-commit", &t.commitTime)
	success, failure := t.commitShare.read()
	g.num("offset-commit-success-percentage", success)
	g.num("offset-commit-failure-percentage", failure)
	avg, _, most := t.batch.read()
	g.num("batch-size-max", most)
	g.num("batch-size-avg", avg)
	g.text("connector-class", "", t.info.Connector.Class)
	g.text("connector-version", "", t.info.Connector.Version)
	g.text("connector-type", "", typeName(t.info.Source))
	g.text("task-class", "", t.info.Task.Class)
	g.text("task-version", "", t.info.Task.Version)
	for kind, p := range map[string]Plugin{"key": t.info.Key, "value": t.info.Value, "header": t.info.Header} {
		g.text(kind+"-converter-class", "", p.Class)
		g.text(kind+"-converter-version", "", p.Version)
	}
	if t.info.Source {
		c.sourceTask(in("source_task"), t)
	} else {
		c.sinkTask(in("sink_task"), t)
	}
	g = in("task_error")
	e := &t.Errors
	g.count("total-record-failures", e.Failures.Load())
	g.count("total-record-errors", e.Errors.Load())
	g.count("total-records-skipped", e.Skipped.Load())
	g.count("total-retries", e.Retries.Load())
	g.count("total-errors-logged", e.Logged.Load())
	g.count("deadletterqueue-produce-requests", e.DLQRequests.Load())
	g.count("deadletterqueue-produce-failures", e.DLQFailures.Load())
	g.count("last-error-timestamp", e.LastErrorAt.Load())
}

// timed shows Java's NAME-max-time-ms and NAME-avg-time-ms.
func timed(g *group, name string, w *window) {
	avg, _, most := w.read()
	g.num(name+"-max-time-ms", most)
	g.num(name+"-avg-time-ms", avg)
}

func (c *Collector) sourceTask(g *group, t *Task) {
	polled, written := t.polled.Load(), t.written.Load()
	g.count("source-record-poll-total", polled)
	g.num("source-record-poll-rate", t.polledRate.read(t.born, polled))
	g.count("source-record-write-total", written)
	g.num("source-record-write-rate", t.writtenRate.read(t.born, written))
	timed(g, "poll-batch", &t.pollTime)
	g.count("source-record-active-count", t.sourceActive())
	avg, _, most := t.active.read()
	g.num("source-record-active-count-max", most)
	g.num("source-record-active-count-avg", avg)
	if t.info.ExactlyOnce {
		avg, least, most := t.transaction.read()
		g.num("transaction-size-min", least)
		g.num("transaction-size-max", most)
		g.num("transaction-size-avg", avg)
	}
}

func (c *Collector) sinkTask(g *group, t *Task) {
	read, sent, commits, skips := t.read.Load(), t.sent.Load(), t.commits.Load(), t.skips.Load()
	g.count("sink-record-read-total", read)
	g.num("sink-record-read-rate", t.readRate.read(t.born, read))
	g.count("sink-record-send-total", sent)
	g.num("sink-record-send-rate", t.sentRate.read(t.born, sent))
	g.count("sink-record-active-count", t.sinkActive())
	avg, _, most := t.active.read()
	g.num("sink-record-active-count-max", most)
	g.num("sink-record-active-count-avg", avg)
	g.count("partition-count", t.parts.Load())
	g.count("offset-commit-seq-no", t.sequence.Load())
	g.count("offset-commit-completion-total", commits)
	g.num("offset-commit-completion-rate", t.commitRate.read(t.born, commits))
	g.count("offset-commit-skip-total", skips)
	g.num("offset-commit-skip-rate", t.skipRate.read(t.born, skips))
	timed(g, "put-batch", &t.putTime)
}

// clients shows the traffic of Kafka clients. Clients of one kind and id are
// shown as one.
func (c *Collector) clients(ch chan<- prometheus.Metric, list []*Client) {
	type key struct {
		kind ClientKind
		id   string
	}
	sums := map[key]map[string]float64{}
	for _, x := range list {
		k := key{x.kind, x.id}
		if sums[k] == nil {
			sums[k] = map[string]float64{}
		}
		s := sums[k]
		requests, responses, in, out := x.Requests.Load(), x.Responses.Load(), x.BytesIn.Load(), x.BytesOut.Load()
		connects, closes := x.Connects.Load(), x.Closes.Load()
		requestRate := x.requestRate.read(x.born, requests)
		responseRate := x.responseRate.read(x.born, responses)
		s["connection-count"] += float64(x.Connections.Load())
		s["connection-creation-total"] += float64(connects)
		s["connection-creation-rate"] += x.connectRate.read(x.born, connects)
		s["connection-close-total"] += float64(closes)
		s["connection-close-rate"] += x.closeRate.read(x.born, closes)
		s["request-total"] += float64(requests)
		s["request-rate"] += requestRate
		s["response-total"] += float64(responses)
		s["response-rate"] += responseRate
		s["network-io-total"] += float64(requests + responses)
		s["network-io-rate"] += requestRate + responseRate
		s["incoming-byte-total"] += float64(in)
		s["incoming-byte-rate"] += x.inRate.read(x.born, in)
		s["outgoing-byte-total"] += float64(out)
		s["outgoing-byte-rate"] += x.outRate.read(x.born, out)
	}
	for k, s := range sums {
		g := group{c: c, ch: ch, onlyStrimzi: []label{{"clientid", k.id}}, onlyConfluent: []label{{"client_id", k.id}}}
		switch k.kind {
		case WorkerClient:
			g.strimzi, g.confluent = "kafka_connect_", "kafka_connect_connect_metrics_"
		case AdminClient:
			g.strimzi, g.confluent = "kafka_admin_client_", "kafka_admin_client_admin_client_metrics_"
		default:
			g.strimzi = "kafka_" + string(k.kind) + "_"
			g.confluent = g.strimzi + string(k.kind) + "_metrics_"
		}
		for attribute, v := range s {
			g.num(attribute, v)
		}
	}
}
