package metrics

import (
	"math"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// scrape renders what Prometheus would read.
func scrape(t *testing.T, w *Worker, f Families) string {
	t.Helper()
	r := prometheus.NewRegistry()
	if err := r.Register(NewCollector(w, f, Info{Version: "4.3.1", Commit: "abc"})); err != nil {
		t.Fatal(err)
	}
	return render(t, r)
}

func render(t *testing.T, r *prometheus.Registry) string {
	t.Helper()
	rec := httptest.NewRecorder()
	promhttp.HandlerFor(r, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}).
		ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	if rec.Code != 200 {
		t.Fatalf("status %d: %s", rec.Code, rec.Body)
	}
	return rec.Body.String()
}

func busyWorker() *Worker {
	w := NewWorker()
	w.Identify("connect-h:1")
	w.RebalanceStarted()
	w.RebalanceDone(Assignment{Leader: "http://h:1/", Protocol: "sessioned", Generation: 3, Connectors: 2, Tasks: 2})
	w.Connector("src", true, Plugin{"a.B", "1"}).Is(Running)
	w.Connector("snk", false, Plugin{"a.C", "2"}).Is(Failed)
	s := w.Task("src", 0, TaskInfo{Source: true, ExactlyOnce: true, Connector: Plugin{"a.B", "1"}, Key: Plugin{"k.K", "3"}})
	s.Started()
	s.Polled(10, 5*time.Millisecond)
	s.Written(6)
	s.Filtered(1)
	s.Committed(2 * time.Millisecond)
	s.Transaction(6)
	k := w.Task("snk", 1, TaskInfo{})
	k.Started()
	k.Read(20)
	k.Sent(20, time.Millisecond)
	k.Partitions(3)
	k.CommitFailed()
	k.CommitSkipped()
	k.Errors.Skipped.Add(2)
	k.Failed()
	for _, kind := range []ClientKind{ProducerClient, ConsumerClient, AdminClient, WorkerClient} {
		c := w.Client(kind, "id-"+string(kind))
		c.Connections.Add(2)
		c.BytesIn.Add(100)
	}
	return w
}

// The names that the dashboards and alerts of Strimzi and Confluent query, and
// samples with their labels.
func TestNames(t *testing.T) {
	for _, c := range []struct {
		name   string
		f      Families
		want   []string
		absent string
	}{
		{"strimzi", Families{Strimzi: true}, []string{
			`kafka_connect_worker_connector_count 2`, `kafka_connect_worker_task_count 2`,
			`kafka_connect_worker_connector_startup_attempts_total 2`, `kafka_connect_worker_connector_startup_failure_total 1`,
			`kafka_connect_worker_task_startup_success_total 2`,
			`kafka_connect_worker_connector_running_task_count{connector="src"} 1`, `kafka_connect_worker_connector_failed_task_count{connector="snk"} 1`,
			`kafka_connect_worker_connector_paused_task_count{connector="src"} 0`, `kafka_connect_worker_connector_unassigned_task_count{connector="src"} 0`,
			`kafka_connect_worker_connector_destroyed_task_count{connector="src"} 0`,
			`kafka_connect_worker_rebalance_rebalancing 0`, `kafka_connect_worker_rebalance_leader_name{leader_name="http://h:1/"} 1`,
			`kafka_connect_coordinator_assigned_connectors{clientid="connect-h:1"} 2`, `kafka_connect_coordinator_assigned_tasks{clientid="connect-h:1"} 2`,
			`kafka_connect_connector_status{connector="snk",status="failed"} 1`, `kafka_connect_connector_connector_class{connector="src",connector_class="a.B"} 1`,
			`kafka_connect_connector_connector_type{connector="snk",connector_type="sink"} 1`, `kafka_connect_connector_connector_version{connector="snk",connector_version="2"} 1`,
			`kafka_connect_connector_task_status{connector="snk",status="failed",task="1"} 1`,
			`kafka_connect_task_error_total_record_failures{connector="src",task="0"} 0`, `kafka_connect_task_error_total_records_skipped{connector="snk",task="1"} 2`,
			`kafka_connect_source_task_source_record_active_count{connector="src",task="0"} 3`, `kafka_connect_source_task_source_record_poll_total{connector="src",task="0"} 10`,
			`kafka_connect_source_task_transaction_size_avg{connector="src",task="0"} 6`,
			`kafka_connect_sink_task_partition_count{connector="snk",task="1"} 3`, `kafka_connect_sink_task_offset_commit_seq_no{connector="snk",task="1"} 1`,
			`kafka_producer_connection_count{clientid="id-producer"} 2`, `kafka_producer_outgoing_byte_total{clientid="id-producer"} 0`,
			`kafka_consumer_incoming_byte_total{clientid="id-consumer"} 100`, `kafka_admin_client_connection_count{clientid="id-admin_client"} 2`,
			`kafka_connect_connection_count{clientid="id-connect"} 2`,
			`kafka_connect_version{clientid="connect-h:1",version="4.3.1"} 1`, `jvm_memory_used_bytes{area="heap"} `, `jvm_threads_current `,
		}, "_metrics_"},
		{"confluent", Families{Confluent: true}, []string{
			`kafka_connect_connect_worker_metrics_connector_count{connector="aggregate"} 2`, `kafka_connect_connect_worker_metrics_task_count{connector="aggregate"} 2`,
			`kafka_connect_connect_worker_metrics_connector_startup_success_total{connector="aggregate"} 1`,
			`kafka_connect_connect_worker_metrics_connector_failed_task_count{connector="snk"} 1`,
			`kafka_connect_connect_worker_rebalance_metrics_completed_rebalances_total 1`, `kafka_connect_connect_worker_rebalance_metrics_completed_rebalances 1`,
			`kafka_connect_connect_worker_rebalance_metrics_rebalance_avg_time_ms `, `kafka_connect_connect_worker_rebalance_metrics_time_since_last_rebalance_ms `,
			`kafka_connect_connector_metrics{connector="snk",status="failed"} 1`, `kafka_connect_connector_metrics{connector="src",connector_class="a.B"} 1`,
			`kafka_connect_connector_metrics_status_info{connector="snk",status="failed"} 1`, `kafka_connect_connector_task_metrics_status_info{connector="snk",status="failed",task="1"} 1`,
			`kafka_connect_connector_task_metrics_running_ratio{connector="src",task="0"} `, `kafka_connect_connector_task_metrics_batch_size_avg{connector="src",task="0"} 10`,
			`kafka_connect_connector_task_metrics_offset_commit_success_percentage{connector="src",task="0"} 1`,
			`kafka_connect_source_task_metrics_poll_batch_max_time_ms{connector="src",task="0"} 5`, `kafka_connect_sink_task_metrics_put_batch_avg_time_ms{connector="snk",task="1"} 1`,
			`kafka_connect_sink_task_metrics_offset_commit_skip_rate{connector="snk",task="1"} `, `kafka_connect_task_error_metrics_deadletterqueue_produce_requests{connector="snk",task="1"} 0`,
			`kafka_connect_connect_metrics_connection_count{client_id="id-connect"} 2`, `kafka_connect_app{client_id="connect-h:1",version="4.3.1"} 1`,
			`kafka_connect_app_info{client_id="connect-h:1",version="4.3.1"} 1`, `kafka_producer_producer_metrics_connection_count{client_id="id-producer"} 2`,
			`kafka_connect_connect_coordinator_metrics_assigned_tasks{client_id="connect-h:1"} 2`,
		}, "kafka_connect_worker_"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := scrape(t, busyWorker(), c.f)
			for _, want := range c.want {
				if !strings.Contains(got, "\n"+want) {
					t.Errorf("no %s", want)
				}
			}
			if strings.Contains(got, "\n"+c.absent) || regexp.MustCompile(`(?m)^[a-z_]*-`).MatchString(got) {
				t.Error("names of another family, or none of Prometheus")
			}
		})
	}
	scrape(t, busyWorker(), Families{Strimzi: true, Confluent: true}) // no collisions
	if got := scrape(t, busyWorker(), Families{}); got != "" {
		t.Errorf("no family, but %s", got)
	}
}

func TestWhatEndsIsNotShown(t *testing.T) {
	w := NewWorker()
	old := w.Task("c", 0, TaskInfo{})
	now := w.Task("c", 0, TaskInfo{})
	old.Close()
	if got := scrape(t, w, Families{Strimzi: true}); !strings.Contains(got, `kafka_connect_task_error_total_retries{connector="c",task="0"}`) {
		t.Error("an old task's end ends its successor")
	}
	now.Close()
	w.Connector("x", true, Plugin{}).Close()
	w.Client(ProducerClient, "p").Close()
	if got := scrape(t, w, Families{Strimzi: true}); strings.Contains(got, `connector="`) || strings.Contains(got, "kafka_producer") {
		t.Errorf("still shown: %s", got)
	}
}

func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w window
		if avg, least, most := w.read(); !math.IsNaN(avg) || !math.IsNaN(least) || !math.IsNaN(most) {
			t.Error("an empty window is not NaN")
		}
		w.note(10)
		time.Sleep(35 * time.Second)
		w.note(2)
		w.note(3)
		if avg, least, most := w.read(); avg != 5 || least != 2 || most != 10 {
			t.Errorf("avg %v, %v to %v", avg, least, most)
		}
		time.Sleep(30 * time.Second) // the first sample is over a minute old
		if avg, _, most := w.read(); avg != 2.5 || most != 3 {
			t.Errorf("avg %v, max %v", avg, most)
		}
		time.Sleep(time.Minute)
		if avg, _, _ := w.read(); !math.IsNaN(avg) {
			t.Errorf("avg %v of nothing", avg)
		}
	})
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r rate
		born, total := time.Now(), int64(0)
		for range 40 { // 10 a second, scraped every 15 s
			time.Sleep(15 * time.Second)
			total += 150
			if got := r.read(born, total); time.Since(born) >= sampleTime && math.Abs(got-10) > 1e-9 {
				t.Fatalf("rate %v after %v", got, time.Since(born))
			}
		}
		if len(r.points) > 25 {
			t.Errorf("%d points are kept", len(r.points))
		}
		time.Sleep(10 * time.Minute) // nothing came, and nobody looked
		if got := r.read(born, total); got > 1 {
			t.Errorf("rate %v", got)
		}
	})
}

func TestStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWorker()
		task := w.Task("c", 0, TaskInfo{})
		task.Started()
		time.Sleep(30 * time.Second)
		task.Paused(true)
		time.Sleep(10 * time.Second)
		if r, p := task.state.ratio(Running), task.state.ratio(Paused); r != 0.75 || p != 0.25 {
			t.Errorf("running %v, paused %v", r, p)
		}
		task.Paused(false)
		task.Failed()
		if ok, bad := w.taskStarts.success.Load(), w.taskStarts.failure.Load(); ok != 1 || bad != 0 {
			t.Errorf("%d starts, %d failed ones", ok, bad)
		}
	})
}

func BenchmarkWritten(b *testing.B) {
	t := NewWorker().Task("c", 0, TaskInfo{Source: true})
	b.ReportAllocs()
	for b.Loop() {
		t.Written(1)
	}
}

func BenchmarkPolled(b *testing.B) {
	t := NewWorker().Task("c", 0, TaskInfo{Source: true})
	b.ReportAllocs()
	for b.Loop() {
		t.Polled(500, time.Millisecond)
	}
}
