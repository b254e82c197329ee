package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestBadWorkerProperties starts workers that cannot start: exit code 2, and a
// message with key, value and mend.
func TestBadWorkerProperties(t *testing.T) {
	t.Parallel()
	good := newCluster(t, "127.0.0.1:1").props
	for _, c := range []struct {
		name   string
		change []string // "" takes a property away
		want   []string
	}{
		{"no broker", []string{"bootstrap.servers", ""}, []string{`"bootstrap.servers"`}},
		{"no group", []string{"group.id", ""}, []string{`"group.id"`}},
		{"not a number", []string{"offset.flush.interval.ms", "soon"}, []string{"offset.flush.interval.ms", "soon"}},
		{"no such converter", []string{"value.converter", "JsonConvertor"}, []string{"value.converter", "JsonConvertor"}},
		{"listener without port", []string{"listeners", "http://localhost"}, []string{"listeners", "http://localhost"}},
		{"eager protocol", []string{"connect.protocol", "eager"}, []string{"connect.protocol", "eager", "sessioned"}},
		{"broker without port", []string{"bootstrap.servers", "kafka1"}, []string{"bootstrap.servers", "kafka1"}},
		{"wrong exactly-once", []string{"exactly.once.source.support", "yes"}, []string{"exactly.once.source.support", "yes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := good.with(c.change...)
			for k, v := range p {
				if v == "" {
					delete(p, k)
				}
			}
			file := filepath.Join(t.TempDir(), "worker.properties")
			writeProps(t, file, p)
			code, out := run(t, nil, "worker", file)
			if code != 2 {
				t.Errorf("exit code %d, want 2", code)
			}
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("%q is not in the message:\n%s", want, out)
				}
			}
			if n := strings.Count(out, "\n"); n > 10 {
				t.Errorf("%d lines for one fault:\n%s", n, out)
			}
		})
	}
	if code, out := run(t, nil, "worker", "/no/such.properties"); code != 2 || !strings.Contains(out, "/no/such.properties") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if code, out := run(t, nil, "worker"); code != 2 || !strings.Contains(out, "CONNECT_") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

// TestBadConnectors sends configurations that must be refused with 400, all
// faults in one message, and leave nothing behind.
func TestBadConnectors(t *testing.T) {
	t.Parallel()
	k := shared(t)
	c := newCluster(t, k.at)
	w := c.add()
	for _, b := range []struct {
		name   string
		config props
		want   []string
	}{
		{"wrong class", props{"connector.class": "com.example.Nothing"}, []string{"com.example.Nothing"}},
		{"wrong type", fileSource("/in", "t", "tasks.max", "several", "batch.size", "many"), []string{"tasks.max", "several", "batch.size", "many"}},
		{"no topic", fileSource("/in", "t", "topic", ""), []string{"topic"}},
		{"both topics", fileSink("/out", "t", "topics.regex", "x.*"), []string{"topics.regex"}},
		{"wrong transform", fileSource("/in", "t", "transforms", "a", "transforms.a.type", "com.example.Gone"), []string{"transforms.a.type", "com.example.Gone"}},
		{"not supported", props{"connector.class": sqlSink, "topics": "t", "connection.url": "jdbc:sqlite:/x", "timestamp.fields.list": "a"}, []string{"timestamp.fields.list", "TimestampConverter"}},
	} {
		t.Run(b.name, func(t *testing.T) {
			status, body, err := w.try("POST", "/connectors", map[string]any{"name": "bad", "config": b.config})
			if err != nil || status != http.StatusBadRequest {
				t.Errorf("%d %s %v", status, body, err)
			}
			for _, want := range b.want {
				if !strings.Contains(string(body), want) {
					t.Errorf("%q is not in %s", want, body)
				}
			}
		})
	}
	var names []string
	w.call("GET", "/connectors", nil, &names)
	if len(names) != 0 {
		t.Errorf("there are connectors: %v", names)
	}
}

// TestEnvironment configures a worker as a container is: by CONNECT_* variables
// alone.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	k := shared(t)
	c := newCluster(t, k.at)
	w := c.prepare()
	w.args = []string{"worker"}
	for key, v := range c.props.with("listeners", w.base) {
		w.env = append(w.env, "CONNECT_"+strings.ToUpper(strings.ReplaceAll(key, ".", "_"))+"="+v)
	}
	w.start()
	w.ready()
	f := newFlow(t, k, w, "e", 1, 1, pace)
	f.stop()
	f.through(t)
	if n, err := k.members(c.id); err != nil || n != 1 {
		t.Errorf("%d members of %s: %v", n, c.id, err)
	}
}

// TestSecrets takes secrets from files, and looks for them everywhere but where
// they are used.
func TestSecrets(t *testing.T) {
	t.Parallel()
	k := shared(t)
	dir := t.TempDir()
	in := filepath.Join(dir, "hunter2-of-path") // used as a path, so that the connector proves it has it
	const password = "s3cret-p4ssword"
	secrets := filepath.Join(dir, "secrets.properties")
	must(t, os.WriteFile(secrets, []byte("file="+in+"\npassword="+password+"\n"), 0o600))
	c := newCluster(t, k.at, "config.providers", "file", "config.providers.file.class", "org.apache.kafka.common.config.provider.FileConfigProvider")
	a, b := c.add(), c.add()
	appendTo(t, in, "one\n")
	topic := k.topic(unique("sec"), 1)
	source := fileSource("${file:"+secrets+":file}", topic)
	a.put("source", source)
	a.await("source", "RUNNING", 1)
	until(t, "the line is in Kafka", func() string {
		if got := k.values(topic); !slices.Equal(got, []string{"one"}) {
			return fmt.Sprint(got)
		}
		return ""
	})
	// One that fails with its secret: the database is not there.
	closed := freePorts(t, 1)[0]
	a.put("db", props{
		"connector.class": sqlSink, "topics": topic, "connection.url": fmt.Sprintf("jdbc:mariadb://127.0.0.1:%d/plant", closed), "connection.user": "u",
		"connection.password": "${file:" + secrets + ":password}", "max.retries": "0", "connection.attempts": "1", "value.converter": stringConverter, "pk.mode": "none",
	})
	b.awaitFailed("db")
	seen := map[string]string{"log of a": a.printed(), "log of b": b.printed()}
	for _, w := range []*worker{a, b} {
		for _, path := range []string{
			"/connectors?expand=info&expand=status", "/connectors/source", "/connectors/source/config", "/connectors/source/tasks",
			"/connectors/source/status", "/connectors/db", "/connectors/db/config", "/connectors/db/tasks", "/connectors/db/status", "/connectors/db/tasks/0/status",
			"/metrics", "/admin/loggers",
		} {
			_, body, err := w.try("GET", path, nil)
			must(t, err)
			seen["GET "+path] = string(body)
		}
		_, body, err := w.try("PUT", "/connector-plugins/FileStreamSource/config/validate", source.with("name", "source"))
		must(t, err)
		seen["validate"] = string(body)
		_, body, err = w.try("PUT", "/connector-plugins/JdbcSinkConnector/config/validate", props{
			"name": "db", "connector.class": sqlSink, "topics": "t", "connection.url": "jdbc:sqlite:/x", "connection.password": "${file:" + secrets + ":password}",
			"max.retries": "${file:" + secrets + ":password}", // a secret where it is no password, and wrong
		})
		must(t, err)
		seen["validate of a wrong value"] = string(body)
	}
	for _, t := range []string{"-configs", "-status"} {
		for _, r := range k.read(c.id + t) {
			seen["topic "+c.id+t+" key "+string(r.Key)] = string(r.Key) + string(r.Value)
		}
	}
	for where, text := range seen {
		if strings.Contains(text, password) {
			t.Errorf("the password is in %s:\n%s", where, text)
		}
		// The path is a secret as well, but the file source's partition in the offsets
		// names it, as in Java.
		if strings.Contains(text, filepath.Base(in)) {
			t.Errorf("the path is in %s:\n%s", where, text)
		}
	}
	if !strings.Contains(seen["topic "+c.id+"-configs key connector-source"], "${file:") {
		t.Error("the configuration is not in the config topic with its reference")
	}
}

// TestErrantRecords sends records of which every second is no JSON.
func TestErrantRecords(t *testing.T) {
	t.Parallel()
	k := shared(t)
	c := newCluster(t, k.at)
	w := c.add()
	topic := k.topic(unique("errant"), 1)
	var all, good, bad []string
	for i := range 1000 {
		v := fmt.Sprintf(`"good %d"`, i)
		if i%2 == 1 {
			v = fmt.Sprintf("{bad %d", i)
			bad = append(bad, v)
		} else {
			good = append(good, strings.Trim(v, `"`))
		}
		all = append(all, v)
	}
	k.produce(topic, 1, all...)
	for _, tolerance := range []string{"all", "none"} {
		out, dead, name := filepath.Join(t.TempDir(), "out"), unique("dead"), unique(tolerance)
		w.put(name, fileSink(out, topic, "value.converter", jsonConverter, "value.converter.schemas.enable", "false",
			"errors.tolerance", tolerance, "errors.deadletterqueue.topic.name", dead, "errors.deadletterqueue.topic.replication.factor", "1"))
		if tolerance == "none" {
			if trace := w.awaitFailed(name); !strings.Contains(trace, "Tolerance exceeded in error handler") {
				t.Errorf("the trace is %s", trace)
			}
			if got := linesOf(t, out); len(got) > 1 {
				t.Errorf("%d lines were written beyond the first bad record", len(got)-1)
			}
			if got := k.values(dead); !slices.Equal(got, bad[:1]) {
				t.Errorf("dead letters are %q, want the first bad record", got)
			}
			continue
		}
		until(t, "the good records are in the file and the bad ones in the queue", func() string {
			if n := len(linesOf(t, out)); n != len(good) {
				return fmt.Sprintf("%d lines", n)
			}
			if n := len(k.values(dead)); n != len(bad) {
				return fmt.Sprintf("%d dead letters", n)
			}
			return ""
		})
		if got := linesOf(t, out); !slices.Equal(got, good) {
			t.Error("the lines are not the good records in order")
		}
		if got := k.values(dead); !slices.Equal(got, bad) {
			t.Error("the dead letters are not the bad records in order")
		}
	}
}
