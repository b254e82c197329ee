package opcua

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/connecttest"
	"github.com/millwright-connect/millwright/connectors/data"
)

func TestConformance(t *testing.T) {
	onEach(t, func(t *testing.T, endpoint string) {
		connecttest.Source(t, Source, props(endpoint), connecttest.Expect(3))
	})
	t.Run("poll", func(t *testing.T) {
		connecttest.Source(t, Source, props(nodeServer(t), "mode", "poll", "poll.interval.ms", "20"), connecttest.Expect(3))
	})
	t.Run("no server", func(t *testing.T) {
		connecttest.Source(t, Source, props("opc.tcp://127.0.0.1:1"))
	})
}

// consecutive fails the test unless the counter's values follow each other; a
// server may repeat one.
func consecutive(t *testing.T, all []connect.SourceRecord) {
	t.Helper()
	values := ofNode(all, "Counter")
	for i, v := range values {
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 && values[i-1] != strconv.Itoa(n-1) && values[i-1] != v {
			t.Errorf("after %s came %s", values[i-1], v)
		}
	}
}

// TestSubscribe reads a counter without and with encryption, as each user.
func TestSubscribe(t *testing.T) {
	user := []string{"username", "millwright", "password", "secret"}
	cert, key := certificate(t)
	for name, c := range map[string]struct {
		props []string
		only  string // the one server that can do it
	}{
		"anonymous, None":                            {},
		"user, Basic256Sha256/SignAndEncrypt":        {append(secure(t, "Basic256Sha256", "auto"), user...), ""},
		"user, Basic256Sha256/Sign":                  {append(secure(t, "Basic256Sha256", "Sign"), user...), ""},
		"anonymous, Aes128_Sha256_RsaOaep/Sign":      {secure(t, "Aes128_Sha256_RsaOaep", "Sign"), "node-opcua"},
		"user, Aes256_Sha256_RsaPss/SignAndEncrypt":  {append(secure(t, "Aes256_Sha256_RsaPss", "SignAndEncrypt"), user...), "node-opcua"},
		"certificate, Basic256Sha256/SignAndEncrypt": {append(secure(t, "Basic256Sha256", "SignAndEncrypt"), "user.certificate.file", cert, "user.private.key.file", key), "node-opcua"},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, endpoint string) {
				if c.only != "" && !strings.HasSuffix(t.Name(), c.only) {
					return
				}
				r := run(t, props(endpoint, c.props...))
				all := r.poll(t, atLeast(4))
				consecutive(t, all)
				if up := r.logged("connection up"); len(up) != 1 {
					t.Errorf("log: %q", up)
				}
				for _, l := range r.log {
					if strings.Contains(l, "secret") {
						t.Errorf("the log shows the password: %s", l)
					}
				}
			})
		})
	}
}

// TestRecord looks at all that a record is made of.
func TestRecord(t *testing.T) {
	onEach(t, func(t *testing.T, endpoint string) {
		r := run(t, props(endpoint, "nodes", testURI+"Temp", "topic", "plant.${browsename}.${id}"))
		w := dialTest(t, endpoint)
		w.write(t, "Temp", 4.25)
		all := r.poll(t, seen("Temp", "4.25"))
		got := all[slices.IndexFunc(all, func(r connect.SourceRecord) bool { return r.Value.Value.Struct().Get("value").Float64() == 4.25 })]
		if got.Topic != "plant.Temp.Temp" || !data.EqualSchemas(got.Key.Schema, data.Of(data.String)) || got.Key.Value.Str() != testURI+"Temp" {
			t.Errorf("topic %s, key %v", got.Topic, got.Key)
		}
		s := got.Value.Value.Struct()
		if s.Schema().Name() != "millwright.opcua.Double" || s.Get("node").Str() != testURI+"Temp" || s.Get("name").Str() != "Temp" || s.Get("status").Int() != 0 || s.Get("status_text").Str() != "Good" {
			t.Errorf("%s %v", s.Schema().Name(), got.Value.Value)
		}
		if source := s.Get("source_timestamp"); source.IsNull() || s.Get("server_timestamp").IsNull() || got.Timestamp != source.Int() {
			t.Errorf("timestamp %d, of %v", got.Timestamp, got.Value.Value)
		}
		if want := `{"endpoint":"` + endpoint + `","node":"` + testURI + `Temp"}`; got.Source.Key() != want {
			t.Errorf("partition %s, want %s", got.Source.Key(), want)
		}
		var host connecttest.SourceHost
		if err := host.Commit(got); err != nil {
			t.Fatal(err)
		}
		offset := host.Offsets()[got.Source.Key()]
		if ok, err := alterOffsets(t.Context(), nil, []connect.PartitionOffset{{Partition: got.Source.Fields, Offset: offset}}); !ok || err != nil {
			t.Errorf("its own offset %v is refused: %v", offset, err)
		}
	})
}

func TestStringFormat(t *testing.T) {
	onEach(t, func(t *testing.T, endpoint string) {
		r := run(t, props(endpoint, "nodes", testURI+"Types.Int64,"+testURI+"Types.Matrix", "value.format", "string"))
		all := r.poll(t, atLeast(2))
		for _, r := range all {
			if !data.EqualSchemas(r.Value.Schema, textSchema) {
				t.Errorf("schema %s", r.Value.Schema.Name())
			}
		}
		if a, b := ofNode(all, "Types.Int64"), ofNode(all, "Types.Matrix"); a[0] != "-9223372036854775808" || b[0] != "[[1,2,3],[4,5,6]]" {
			t.Errorf("%q %q", a, b)
		}
	})
}

// TestBrowse finds the nodes below a folder and shares them among tasks.
func TestBrowse(t *testing.T) {
	onEach(t, func(t *testing.T, endpoint string) {
		c, err := openConnector(t.Context(), &connecttest.Host{}, props(endpoint, "nodes", testURI+"Types.Boolean", "browse.root", testURI+"Plant",
			"browse.include", "^Types/[BI]", "browse.exclude", "Array$"))
		if err != nil {
			t.Fatal(err)
		}
		tasks, err := c.Tasks(t.Context(), 3)
		if err != nil || len(tasks) != 3 {
			t.Fatalf("%d tasks, %v", len(tasks), err)
		}
		var all []string
		for _, p := range tasks {
			r := run(t, p)
			want := 2
			for _, r := range r.poll(t, atLeast(want)) {
				all = append(all, strings.TrimPrefix(r.Key.Value.Str(), testURI+"Types."))
			}
		}
		slices.Sort(all)
		if want := []string{"Boolean", "Byte", "ByteString", "Int16", "Int32", "Int64"}; !slices.Equal(all, want) {
			t.Errorf("%q, want %q", all, want)
		}
	})
}

// TestManyNodes monitors more nodes than the server takes in one call.
func TestManyNodes(t *testing.T) {
	for _, mode := range []string{subscribeMode, pollMode} {
		t.Run(mode, func(t *testing.T) {
			onEach(t, func(t *testing.T, endpoint string) {
				r := run(t, props(endpoint, "nodes", "", "browse.root", testURI+"Plant", "mode", mode, "poll.interval.ms", "50"))
				nodes := map[string]bool{}
				r.poll(t, func(all []connect.SourceRecord) bool {
					for _, r := range all {
						nodes[r.Key.Value.Str()] = true
					}
					return len(nodes) == 3+len(typeCases)
				})
			})
		})
	}
}

// TestPoll reads at an interval, changed or not.
func TestPoll(t *testing.T) {
	onEach(t, func(t *testing.T, endpoint string) {
		r := run(t, props(endpoint, "mode", "poll", "poll.interval.ms", "20", "nodes", testURI+"Types.Int32,i=2258"))
		r.poll(t, func(all []connect.SourceRecord) bool { return len(ofNode(all, "Types.Int32")) >= 5 })
	})
}

func TestWrongPassword(t *testing.T) {
	onEach(t, func(t *testing.T, endpoint string) {
		err := run(t, props(endpoint, append(secure(t, "Basic256Sha256", "auto"), "username", "millwright", "password", "wr0ng")...)).fails(t)
		if !strings.Contains(err.Error(), "refused user millwright") || !strings.Contains(err.Error(), "correct username and password") || strings.Contains(err.Error(), "wr0ng") {
			t.Error(err)
		}
	})
}

// TestBadNode fails by the node's name, or goes on without it.
func TestBadNode(t *testing.T) {
	nodes := testURI + "Counter," + testURI + "Nowhere,nsu=urn:elsewhere;s=X"
	for _, mode := range []string{subscribeMode, pollMode} {
		t.Run(mode, func(t *testing.T) {
			onEach(t, func(t *testing.T, endpoint string) {
				p := []string{"nodes", nodes, "mode", mode, "poll.interval.ms", "50"}
				err := run(t, props(endpoint, p...)).fails(t)
				for _, want := range []string{"2 of the nodes", "s=Nowhere (BadNodeIdUnknown: the server has no such node)", `no namespace "urn:elsewhere"`, "bad.node.action=warn"} {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%v does not say %q", err, want)
					}
				}
				r := run(t, props(endpoint, append(p, "bad.node.action", "warn")...))
				r.poll(t, atLeast(2))
				if l := r.logged("does not give some nodes"); len(l) != 1 || !strings.Contains(l[0], "s=Nowhere (BadNodeIdUnknown") {
					t.Errorf("log: %q", l)
				}
			})
		})
	}
}

// TestNotOffered asks for what the server has not.
func TestNotOffered(t *testing.T) {
	onEach(t, func(t *testing.T, endpoint string) {
		if strings.HasSuffix(t.Name(), "node-opcua") {
			return // it has all policies
		}
		err := run(t, props(endpoint, secure(t, "Aes128_Sha256_RsaOaep", "Sign")...)).fails(t)
		for _, want := range []string{"does not offer Aes128_Sha256_RsaOaep/Sign", `"None/None (anonymous, user name)"`, "Basic256Sha256/SignAndEncrypt"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v does not say %s", err, want)
			}
		}
	})
}

// TestDeadband lets small changes pass.
func TestDeadband(t *testing.T) {
	endpoint := nodeServer(t)
	r := run(t, props(endpoint, "nodes", testURI+"Pressure", "deadband.type", "percent", "deadband.value", "10"))
	r.poll(t, atLeast(1))
	w := dialTest(t, endpoint)
	for _, v := range []float64{50, 51, 52, 70} { // of a range of 100
		w.write(t, "Pressure", v)
	}
	all := r.poll(t, seen("Pressure", "70"))
	if got := ofNode(all, "Pressure"); slices.Contains(got, "51") || slices.Contains(got, "52") {
		t.Errorf("%q", got)
	}
	w.write(t, "Pressure", 20.0)

	err := run(t, props(endpoint, "nodes", testURI+"Counter", "deadband.type", "percent", "deadband.value", "10")).fails(t)
	if !strings.Contains(err.Error(), "s=Counter") || !strings.Contains(err.Error(), "EURange") {
		t.Error(err)
	}
}

// TestOverflow: the counter changes faster than the subscription reports and the
// server's queue holds. The server drops values and says so, and the record
// tells it on.
func TestOverflow(t *testing.T) {
	r := run(t, props(nodeServer(t), "queue.size", "2", "publishing.interval.ms", "1000"))
	r.poll(t, func(all []connect.SourceRecord) bool {
		return slices.ContainsFunc(all, func(r connect.SourceRecord) bool {
			s := r.Value.Value.Struct()
			return s.Get("status_text").Str() == "Good, Overflow" && s.Get("status").Int() == 0x480
		})
	})
	if r.device.losses.overflows.Load() == 0 || len(r.logged("queue of a node was full")) != 1 {
		t.Errorf("log: %q", r.log)
	}
}

// TestBackPressure: what Poll does not take is not asked for, and nothing that
// was asked for gets lost.
func TestBackPressure(t *testing.T) {
	endpoint := nodeServer(t)
	r := run(t, props(endpoint, "queue.size", "1000", "keepalive.interval.ms", "100"))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for len(r.logged("records are not taken")) == 0 { // its own clock says so
		if err := wait(ctx); err != nil {
			t.Fatal("the device does not wait")
		}
	}
	if n := len(r.device.out); n != waiting {
		t.Errorf("%d notifications wait", n)
	}
	consecutive(t, r.poll(t, atLeast(waiting+20)))
	if len(r.logged("records are taken again")) != 1 || r.device.losses.overflows.Load()+r.device.losses.messages.Load() != 0 {
		t.Errorf("log: %q", r.log)
	}
}

// wait lets others run until something was logged or a while has passed.
func wait(ctx context.Context) error {
	if !sleep(ctx, reorderWait/10) {
		return errors.New("it took too long")
	}
	return nil
}

// TestCloseWhileBusy closes a task at once and while it waits for Poll.
func TestCloseWhileBusy(t *testing.T) {
	onEach(t, func(t *testing.T, endpoint string) {
		r := run(t, props(endpoint, "publishing.interval.ms", "10", "keepalive.interval.ms", "100"))
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		for len(r.device.out) < waiting {
			if err := wait(ctx); err != nil {
				t.Fatal(err)
			}
		}
		r.Close()
		if _, err := r.Poll(ctx, nil); err != nil {
			t.Errorf("poll after close: %v", err)
		}
	})
}
