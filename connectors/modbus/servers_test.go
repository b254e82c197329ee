package modbus

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/simonvetter/modbus"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/test/services"
)

// Real servers of other authors, with the tables that
// test/services/files/modbus_pymodbus.py describes.
var servers = []struct {
	name, env string
	start     func(ctx context.Context, dir string, port int) (*services.Process, error)
}{
	{"pymodbus", "MILLWRIGHT_TEST_MODBUS_PYMODBUS", services.StartPymodbus},
	{"libmodbus", "MILLWRIGHT_TEST_MODBUS_LIBMODBUS", services.StartLibmodbus},
}

// onServers runs a test with the address of each server that runs.
func onServers(t *testing.T, f func(t *testing.T, addr string)) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			addr := os.Getenv(s.env)
			if addr == "" {
				t.Skipf("%s is not set: run `go run ./test/run ./connectors/modbus`", s.env)
			}
			f(t, addr)
		})
	}
}

// TestServersRead: every area, type and order, in as few requests as can be.
func TestServersRead(t *testing.T) {
	onServers(t, func(t *testing.T, addr string) {
		tags := strings.Join([]string{
			"f1:holding:10:float32", "f2:holding:12:float32:cdab", "f3:holding:14:float32:badc", "f4:holding:16:float32:dcba",
			"d:holding:20:float64", "l:holding:24:int64", "s:holding:30:string(8)", "b2:holding:40.2", "b3:holding:40.3", "b15:holding:40.15",
			"n:holding:41:int16", "t:holding:41:int16*0.1+1", "in:input:0-4", "one:input:199", "run:coil:3", "stop:coil:4", "di:discrete:0-3", "last:coil:199",
			"all:holding:42-199",
		}, ",")
		task, log := started(t, connect.Props{"address": "plc=" + addr, "registers": tags, "max.gap": "0"})
		got := values(next(t, task)[0])
		var all []string
		for i := 42; i < 200; i++ {
			all = append(all, fmt.Sprint(i))
		}
		want := "device=plc f1=123.456 f2=123.456 f3=123.456 f4=123.456 d=123.456 l=-2 s=PRESS-01 b2=true b3=false b15=true " +
			"n=-5 t=0.5 in=[1000 1001 1002 1003 1004] one=1199 run=true stop=false di=[true false false true] last=true all=[" + strings.Join(all, " ") + "]"
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		log.none(t)
	})
}

// TestServersIllegalAddress: what lies beyond the end of a table is named, and
// what lies before it, asked for in the same request, is read.
func TestServersIllegalAddress(t *testing.T) {
	onServers(t, func(t *testing.T, addr string) {
		task, log := started(t, connect.Props{"address": "plc=" + addr, "registers": "in:holding:199,out:holding:200,c:coil:199,oc:coil:300", "status": "true"})
		want := "device=plc status=PARTIAL error=out (holding 200): illegal data address; oc (coil 300): illegal data address in=199 out=null c=true oc=null"
		for range 2 {
			if got := values(next(t, task)[0]); got != want {
				t.Fatalf("got  %s\nwant %s", got, want)
			}
		}
		log.want(t, "out (holding 200): illegal data address; oc (coil 300): illegal data address")
		log.none(t)
	})
}

// TestServersChange: a value that another client writes is read.
func TestServersChange(t *testing.T) {
	onServers(t, func(t *testing.T, addr string) {
		task, _ := started(t, connect.Props{"address": "plc=" + addr, "registers": "a:holding:5,run:coil:8", "record.mode": "tag", "on.change.only": "true"})
		if got := next(t, task); len(got) != 2 {
			t.Fatalf("%d records, want both tags", len(got))
		}
		mc, err := modbus.NewClient(&modbus.ClientConfiguration{URL: "tcp://" + addr})
		if err != nil {
			t.Fatal(err)
		}
		if err := mc.Open(); err != nil {
			t.Fatal(err)
		}
		defer mc.Close()
		if err := mc.WriteRegister(5, 4711); err != nil {
			t.Fatal(err)
		}
		defer mc.WriteRegister(5, 5)
		if got := next(t, task); len(got) != 1 || values(got[0]) != "device=plc tag=a value=4711" {
			t.Fatalf("%d records: %s", len(got), values(got[0]))
		}
		if err := mc.WriteCoil(8, true); err != nil {
			t.Fatal(err)
		}
		defer mc.WriteCoil(8, false)
		if got := next(t, task); len(got) != 1 || values(got[0]) != "device=plc tag=run value=true" {
			t.Fatalf("%d records: %s", len(got), values(got[0]))
		}
	})
}

// TestServersOffAndOn: a server is killed as in a power cut, and comes back on
// the same port.
func TestServersOffAndOn(t *testing.T) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			if os.Getenv(s.env) == "" {
				t.Skipf("%s is not set: run `go run ./test/run ./connectors/modbus`", s.env)
			}
			server, err := s.start(t.Context(), t.TempDir(), 0)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { server.Stop() }()
			task, log := started(t, connect.Props{"address": fmt.Sprintf("plc=127.0.0.1:%d", server.Port), "registers": "a:holding:5", "status": "true"})
			status := func(want string) {
				for {
					for _, r := range next(t, task) {
						if r.Value.Value.Struct().Get(statusField).Str() == want {
							return
						}
					}
				}
			}
			status("GOOD")
			server.Kill()
			status("BAD")
			log.until(t, "cannot connect to a Modbus device; trying again address=127.0.0.1:")
			again, err := s.start(t.Context(), t.TempDir(), server.Port)
			if err != nil {
				t.Fatal(err)
			}
			server = again
			log.until(t, "connected to a Modbus device again")
			status("GOOD")
		})
	}
}
