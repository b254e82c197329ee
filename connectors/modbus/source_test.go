package modbus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/simonvetter/modbus"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/connecttest"
	"github.com/millwright-connect/millwright/connectors/data"
)

// plc is a device in this process: coil and discrete i are on when i is odd,
// holding i is i unless set, input i is i+1000; addresses from 500 on do not
// exist, and units above 9 are not behind this gateway.
type plc struct {
	addr string
	srv  *modbus.ModbusServer

	mu       sync.Mutex
	holding  map[uint16]uint16
	hole     map[uint16]bool // addresses that do not exist either
	requests []string
	busy     chan struct{} // holds something when there were requests
}

func newPLC(t *testing.T) *plc {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &plc{addr: l.Addr().String(), holding: map[uint16]uint16{}, hole: map[uint16]bool{}, busy: make(chan struct{}, 1)}
	l.Close()
	p.on(t)
	t.Cleanup(p.off)
	return p
}

func (p *plc) on(t *testing.T) {
	t.Helper()
	var err error
	p.srv, err = modbus.NewServer(&modbus.ServerConfiguration{URL: "tcp://" + p.addr, Timeout: time.Minute, Logger: slog.NewLogLogger(slog.DiscardHandler, 0)}, p)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.srv.Start(); err != nil {
		t.Fatal(err)
	}
}

func (p *plc) off() { p.srv.Stop() }

func (p *plc) set(at, v uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holding[at] = v
}

func (p *plc) asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.requests
	p.requests = nil
	return r
}

// note keeps a request, and refuses one for what does not exist.
func (p *plc) note(unit uint8, a area, at, n uint16) error {
	p.requests = append(p.requests, fmt.Sprintf("%d %s %d+%d", unit, a, at, n))
	select {
	case p.busy <- struct{}{}:
	default:
	}
	if unit > 9 {
		return modbus.ErrGWTargetFailedToRespond
	}
	for i := at; i < at+n; i++ {
		if i >= 500 || p.hole[i] {
			return modbus.ErrIllegalDataAddress
		}
	}
	return nil
}

func (p *plc) bits(unit uint8, a area, at, n uint16) ([]bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := make([]bool, n)
	for i := range b {
		b[i] = (int(at)+i)%2 == 1
	}
	return b, p.note(unit, a, at, n)
}

func (p *plc) HandleCoils(q *modbus.CoilsRequest) ([]bool, error) {
	return p.bits(q.UnitId, coils, q.Addr, q.Quantity)
}

func (p *plc) HandleDiscreteInputs(q *modbus.DiscreteInputsRequest) ([]bool, error) {
	return p.bits(q.UnitId, discretes, q.Addr, q.Quantity)
}

func (p *plc) HandleHoldingRegisters(q *modbus.HoldingRegistersRequest) ([]uint16, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := make([]uint16, q.Quantity)
	for i := range r {
		at := q.Addr + uint16(i)
		r[i] = at
		if v, ok := p.holding[at]; ok {
			r[i] = v
		}
	}
	return r, p.note(q.UnitId, holdings, q.Addr, q.Quantity)
}

func (p *plc) HandleInputRegisters(q *modbus.InputRegistersRequest) ([]uint16, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := make([]uint16, q.Quantity)
	for i := range r {
		r[i] = q.Addr + uint16(i) + 1000
	}
	return r, p.note(q.UnitId, inputs, q.Addr, q.Quantity)
}

// lines is a log that tests wait for.
type lines chan string

func (lines) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }
func (l lines) WithAttrs([]slog.Attr) slog.Handler         { return l }
func (l lines) WithGroup(string) slog.Handler              { return l }

func (l lines) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool { text += fmt.Sprintf(" %s=%v", a.Key, a.Value); return true })
	if !strings.Contains(text, "polls take longer") { // a matter of the machine
		l <- text
	}
	return nil
}

func (l lines) want(t *testing.T, parts ...string) {
	t.Helper()
	select {
	case got := <-l:
		for _, p := range parts {
			if !strings.Contains(got, p) {
				t.Fatalf("log line %q, want %q in it", got, p)
			}
		}
	case <-time.After(time.Minute):
		t.Fatalf("no log line %q", parts)
	}
}

// until lets lines pass until one has part in it.
func (l lines) until(t *testing.T, part string) {
	t.Helper()
	for {
		select {
		case got := <-l:
			if strings.Contains(got, part) {
				return
			}
		case <-time.After(time.Minute):
			t.Fatalf("no log line %q", part)
		}
	}
}

func (l lines) none(t *testing.T) {
	t.Helper()
	select {
	case got := <-l:
		t.Errorf("log line %q, want none", got)
	default:
	}
}

// started opens a task that polls every 5 ms and tries again at once.
func started(t *testing.T, p connect.Props) (connect.SourceTask, lines) {
	t.Helper()
	log := make(lines, 100)
	all := connect.Props{"topic": "plant", "poll.interval.ms": "5", "reconnect.backoff.ms": "1", "reconnect.backoff.max.ms": "5", "request.timeout.ms": "20000"}
	for k, v := range p {
		all[k] = v
	}
	task, err := openTask(t.Context(), &connecttest.SourceHost{Logger: slog.New(log)}, all)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { task.Close() })
	return task, log
}

// next polls until there are records.
func next(t *testing.T, task connect.SourceTask) []connect.SourceRecord {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := task.Poll(ctx, nil)
	if err != nil || len(r) == 0 {
		t.Fatalf("poll: %v, %v", r, err)
	}
	for i := range r {
		if err := r[i].Value.Schema.Check(r[i].Value.Value); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// values shows a record's fields but for ts.
func values(r connect.SourceRecord) string {
	var out []string
	s := r.Value.Value.Struct()
	for i, f := range s.Schema().Fields() {
		if f.Name != tsField {
			out = append(out, fmt.Sprintf("%s=%v", f.Name, s.At(i)))
		}
	}
	return strings.Join(out, " ")
}

func TestConformance(t *testing.T) {
	p := newPLC(t)
	connecttest.Source(t, Source, connect.Props{
		"name": "press", "address": "press1=" + p.addr + ",press2=" + p.addr + "/2", "topic": "plant", "poll.interval.ms": "10",
		"registers": "temp:holding:100:int16*0.1,run:coil:3,all:input:0-299", "register.alarm": "holding:7.2",
	}, connecttest.Expect(5))
}

func TestPollRecords(t *testing.T) {
	p := newPLC(t)
	task, log := started(t, connect.Props{
		"address": "press1=" + p.addr + "/1,press2=tcp://" + p.addr + "/2", "topic": "plant.${device}.${unit}",
		"registers": "temp:holding:100:int16*0.1:unit=°C,run:coil:3,in:input:5-7,di:discrete:0-3,b:holding:101.2,wide:input:10:uint32,h:holding:90-99:uint32",
	})
	got := next(t, task)
	if len(got) != 2 {
		t.Fatalf("%d records, want one per device", len(got))
	}
	for i, r := range got {
		device := fmt.Sprintf("press%d", i+1)
		want := "device=" + device + " temp=10 run=true in=[1005 1006 1007] di=[false true false true] b=true wide=66192371 h=[5898331 6029405 6160479 6291553 6422627]"
		if values(r) != want {
			t.Errorf("record %d:\n got %s\nwant %s", i, values(r), want)
		}
		if r.Topic != fmt.Sprintf("plant.press%d.%d", i+1, i+1) || r.Key.Value.Str() != device || r.Source.Key() != `{"device":"`+device+`"}` {
			t.Errorf("record %d: topic %s, key %v, partition %s", i, r.Topic, r.Key.Value, r.Source.Key())
		}
		if ts := r.Value.Value.Struct().Get(tsField); r.Timestamp != ts.Int() || r.Position.(*place).TS != r.Timestamp || time.Since(time.UnixMilli(r.Timestamp)).Abs() > time.Hour {
			t.Errorf("record %d: timestamp %d, ts %v, position %v", i, r.Timestamp, ts, r.Position)
		}
	}
	if unit, _ := got[0].Value.Schema.Field("temp").Param("unit"); unit != "°C" {
		t.Errorf("unit %q", unit)
	}
	asked := p.asked()[:8]
	want := "1 coil 3+1,1 discrete 0+4,1 holding 90+12,1 input 5+7,2 coil 3+1,2 discrete 0+4,2 holding 90+12,2 input 5+7"
	if strings.Join(asked, ",") != want {
		t.Errorf("requests\n     %v\nwant %v", asked, want)
	}
	log.none(t)
}

func TestTagRecords(t *testing.T) {
	p := newPLC(t)
	task, _ := started(t, connect.Props{
		"address": "press1=" + p.addr, "record.mode": "tag", "topic": "plant.${tag}",
		"registers": "temp:holding:100:int16*0.1,run/1:coil:3,in:input:5-7",
	})
	got := next(t, task)
	if len(got) != 3 {
		t.Fatalf("%d records, want one per tag", len(got))
	}
	for i, want := range []string{
		"plant.temp press1/temp {\"device\":\"press1\",\"tag\":\"temp\"} device=press1 tag=temp value=10",
		"plant.run_1 press1/run/1 {\"device\":\"press1\",\"tag\":\"run/1\"} device=press1 tag=run/1 value=true",
		"plant.in press1/in {\"device\":\"press1\",\"tag\":\"in\"} device=press1 tag=in value=[1005 1006 1007]",
	} {
		r := got[i]
		if s := fmt.Sprintf("%s %s %s %s", r.Topic, r.Key.Value, r.Source.Key(), values(r)); s != want {
			t.Errorf("got  %s\nwant %s", s, want)
		}
	}
}

// TestRefusedAddresses: a device that refuses a read is asked in parts until the
// tags that it has are read; those that it lacks are named once.
func TestRefusedAddresses(t *testing.T) {
	p := newPLC(t)
	p.hole[12] = true // in the gap between a and b
	task, log := started(t, connect.Props{
		"address": "press1=" + p.addr, "status": "true", "address.base": "1",
		"registers": "a:holding:11,b:holding:21,c:holding:31:float32,far:holding:601,farther:holding:602-603",
	})
	for range 3 {
		r := next(t, task)[0]
		want := "device=press1 status=PARTIAL error=far (holding 601): illegal data address; farther (holding 602-603): illegal data address " +
			"a=10 b=20 c=2.755108e-39 far=null farther=null"
		if values(r) != want {
			t.Fatalf("got  %s\nwant %s", values(r), want)
		}
	}
	log.want(t, "some registers of a Modbus device cannot be read", "device=press1", "far (holding 601): illegal data address")
	log.none(t)
	var last []string
	for next(t, task); len(last) < 8; {
		next(t, task)
		last = append(last, p.asked()...)
	}
	if s := strings.Join(last[len(last)-8:], ","); !strings.Contains(s, "1 holding 10+1,1 holding 20+12") {
		t.Errorf("requests %s: the gap is still asked for, or more is cut than need be", s)
	}
	// A tag that goes and comes back is logged both times.
	for _, gone := range []bool{true, false} {
		p.mu.Lock()
		p.hole[20] = gone
		p.mu.Unlock()
		for next(t, task)[0].Value.Value.Struct().Get("b").IsNull() != gone {
		}
		line := <-log
		if strings.Contains(line, "b (holding 21)") != gone || !strings.Contains(line, "far (holding 601)") {
			t.Errorf("b is gone: %v; log line %q", gone, line)
		}
	}
	log.none(t)
}

// TestOffAndOn: a device that is off is reported once, tried again, and read as
// soon as it is back; another is read all the while.
func TestOffAndOn(t *testing.T) {
	for _, mode := range []string{perPoll, perTag} {
		t.Run(mode, func(t *testing.T) {
			one, two := newPLC(t), newPLC(t)
			one.off()
			task, log := started(t, connect.Props{
				"address": "one=" + one.addr + ",two=" + two.addr, "registers": "a:holding:1,b:coil:1", "status": "true", "record.mode": mode,
			})
			log.want(t, "cannot connect to a Modbus device", "address="+one.addr, "connection refused")
			dark, lit := 0, 0
			see := func() {
				for _, r := range next(t, task) {
					s := r.Value.Value.Struct()
					switch r.Source.Fields[deviceField] {
					case "one":
						if s.Get(statusField).Str() == "BAD" {
							dark++
							if mode == perPoll && !s.Get("a").IsNull() || mode == perTag && !s.Get(valueField).IsNull() || !strings.Contains(s.Get(errorField).Str(), "refused") {
								t.Errorf("BAD record %s", values(r))
							}
						}
					case "two":
						if s.Get(statusField).Str() == "GOOD" {
							lit++
						}
					}
				}
			}
			want := map[string]int{perPoll: 1, perTag: 2}[mode]
			for dark < want || lit < 10 {
				see()
			}
			one.on(t)
			log.want(t, "connected to a Modbus device again", "address="+one.addr)
			for back := false; !back; {
				for _, r := range next(t, task) {
					back = back || r.Source.Fields[deviceField] == "one" && r.Value.Value.Struct().Get(statusField).Str() == "GOOD"
				}
			}
			if dark != want {
				t.Errorf("%d BAD records, want %d", dark, want)
			}
			one.off()
			log.want(t, "cannot connect", "refused")
		})
	}
}

// TestIdleConnectionClosed: a device that closes idle connections costs no poll
// and no log line.
func TestIdleConnectionClosed(t *testing.T) {
	var served sync.WaitGroup
	defer served.Wait()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if b, err := request(c); err == nil { // one answer per connection
				c.Write(append(b[:2:2], unhex("0000 0005 01 03 02 0007")...))
			}
			c.Close()
		}
	})
	task, log := started(t, connect.Props{"address": "a=" + l.Addr().String(), "registers": "x:holding:1", "status": "true"})
	for range 5 {
		for _, r := range next(t, task) {
			if values(r) != "device=a status=GOOD error=null x=7" {
				t.Fatalf("%s", values(r))
			}
		}
	}
	log.none(t)
}

// TestDeadUnit: a unit that its gateway cannot reach holds up no other, and a
// connection that works is kept.
func TestDeadUnit(t *testing.T) {
	p := newPLC(t)
	task, log := started(t, connect.Props{"address": "gw=" + p.addr, "unit.ids": "1,10,2", "registers": "x:holding:1,y:input:1", "status": "true"})
	seen := map[string]int{}
	for seen["gw/1GOOD"] < 20 || seen["gw/2GOOD"] < 20 {
		for _, r := range next(t, task) {
			s := r.Value.Value.Struct()
			seen[s.Get(deviceField).Str()+s.Get(statusField).Str()]++
		}
	}
	if seen["gw/10BAD"] != 1 || len(seen) != 3 {
		t.Errorf("records %v, want one BAD of gw/10 and GOOD ones of the others", seen)
	}
	log.want(t, "a Modbus device does not answer", "device=gw/10", "unit=10", "gateway target device failed to respond")
	log.none(t)
	for _, q := range p.asked() {
		if q == "10 input 1+1" {
			t.Error("a dead unit was asked for more than the first read")
		}
	}
}

// TestTimeout: a device that is too slow is reported with what it was asked.
func TestTimeout(t *testing.T) {
	addr := script(t, mute(make(chan struct{}, 1000)))
	task, log := started(t, connect.Props{"address": "a=" + addr, "registers": "x:holding:1-2", "status": "true", "request.timeout.ms": "20"})
	if r := next(t, task)[0]; values(r) != "device=a status=BAD error=holding 1-2: request timed out x=null" {
		t.Errorf("%s", values(r))
	}
	log.want(t, "a Modbus device does not answer", "device=a", "holding 1-2: request timed out")
}

func TestOnChangeOnly(t *testing.T) {
	for _, tt := range []struct{ mode, first, second, third string }{
		{perPoll, "device=a n=5 f=1 w=[3 4]", "device=a n=5 f=1.6 w=[3 4]", "device=a n=6 f=1.7 w=[3 9]"},
		{perTag, "device=a tag=n value=5|device=a tag=f value=1|device=a tag=w value=[3 4]", "device=a tag=f value=1.6", "device=a tag=n value=6|device=a tag=w value=[3 9]"},
	} {
		t.Run(tt.mode, func(t *testing.T) {
			p := newPLC(t)
			p.set(5, 5)
			p.set(6, 10)
			task, log := started(t, connect.Props{
				"address": "a=" + p.addr, "registers": "n:holding:5,f:holding:6:int16*0.1:deadband=0.5,w:holding:3-4", "record.mode": tt.mode, "on.change.only": "true",
			})
			all := func(r []connect.SourceRecord) string {
				var out []string
				for _, x := range r {
					out = append(out, values(x))
				}
				return strings.Join(out, "|")
			}
			if got := all(next(t, task)); got != tt.first {
				t.Errorf("first  %s\nwant   %s", got, tt.first)
			}
			polls := func(n int) { // lets n whole polls go by
				for p.asked(); n > 0; n -= len(p.asked()) {
					<-p.busy
				}
			}
			p.set(6, 14) // within the dead band: nothing
			polls(4)
			p.set(6, 16)
			if got := all(next(t, task)); got != tt.second {
				t.Errorf("second %s\nwant   %s", got, tt.second)
			}
			p.mu.Lock()
			p.holding[6], p.holding[5], p.holding[4] = 17, 6, 9
			p.mu.Unlock()
			if got := all(next(t, task)); got != tt.third {
				t.Errorf("third  %s\nwant   %s", got, tt.third)
			}
			log.none(t)
		})
	}
}

func TestHeartbeat(t *testing.T) {
	p := newPLC(t)
	task, _ := started(t, connect.Props{"address": "a=" + p.addr, "registers": "n:holding:5", "on.change.only": "true", "heartbeat.ms": "20"})
	before := next(t, task)[0].Timestamp
	for range 3 {
		now := next(t, task)[0].Timestamp
		if now-before < 20 {
			t.Errorf("written again after %d ms without a change, want 20 at the least", now-before)
		}
		before = now
	}
}

func TestNear(t *testing.T) {
	for _, tt := range []struct {
		a, b data.Value
		band float64
		want bool
	}{
		{data.F64(1), data.F64(1.5), 0.5, true},
		{data.F64(1), data.F64(1.6), 0.5, false},
		{data.F32(1), data.F32(0.5), 0.5, true},
		{data.F32(1), data.F32(0.4), 0.5, false},
		{data.I16(3), data.I16(5), 2, true},
		{data.I64(3), data.I64(6), 2, false},
		{data.I32(3), data.I32(4), 0, false},
		{data.F64(nan), data.F64(nan), 0, true},
		{data.F64(nan), data.F64(1), 5, false},
		{data.F64(1), data.F64(nan), 5, false},
		{data.B(true), data.B(false), 5, false},
		{data.Str("a"), data.Str("b"), 5, false},
	} {
		if got := near(tt.a, tt.b, tt.band); got != tt.want {
			t.Errorf("%v to %v within %v: %v", tt.a, tt.b, tt.band, got)
		}
	}
}

var nan = func() float64 { var zero float64; return zero / zero }()

// TestTrouble: the first failure is followed at once, then times double.
func TestTrouble(t *testing.T) {
	var tr trouble
	now := time.UnixMilli(0)
	for i, want := range []time.Duration{0, 1, 2, 4, 8, 10, 10} {
		if news := tr.add(now, errors.New("x"), time.Second, 10*time.Second); news != (i == 0) {
			t.Errorf("failure %d: news %v", i, news)
		}
		if got := tr.until.Sub(now); got != want*time.Second {
			t.Errorf("failure %d: next try after %v, want %v", i, got, want*time.Second)
		}
	}
	if !tr.add(now, errors.New("y"), time.Second, time.Second) {
		t.Error("another error is no news")
	}
}

func BenchmarkPoll10000(b *testing.B) {
	var c config
	if err := c.read(connect.Props{"address": "a=h", "topic": "t", "registers": "r:holding:0-9999:uint16"}); err != nil {
		b.Fatal(err)
	}
	s := newShape(&c)
	st, err := newStream(s, c.devices[0])
	if err != nil {
		b.Fatal(err)
	}
	answer := make([]byte, 2*maxRegisters)
	dst := make([]connect.SourceRecord, 0, 1)
	b.ReportAllocs()
	for b.Loop() {
		m := &sample{values: make([]data.Value, s.values)}
		for _, r := range c.reads {
			for _, p := range r.pieces {
				g := c.tags[p.tag]
				if err := g.decode(m.values[g.at+p.first:g.at+p.first+p.n], answer[2*p.offset:], uintInt); err != nil {
					b.Fatal(err)
				}
			}
		}
		dst = st.records(dst[:0], m)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10000, "ns/value")
}
