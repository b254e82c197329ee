package demo

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/gopcua/opcua"
	"github.com/gopcua/opcua/ua"
	"github.com/simonvetter/modbus"
)

func TestPresses(t *testing.T) {
	port, err := freePort(0)
	if err != nil {
		t.Fatal(err)
	}
	stop, err := startPresses(port)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	mc, err := modbus.NewClient(&modbus.ClientConfiguration{URL: fmt.Sprintf("tcp://127.0.0.1:%d", port), Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if err := mc.Open(); err != nil {
		t.Fatal(err)
	}
	defer mc.Close()
	for unit := 1; unit <= presses; unit++ {
		mc.SetUnitId(uint8(unit))
		r, err := mc.ReadRegisters(0, 7, modbus.HOLDING_REGISTER)
		if err != nil {
			t.Fatal(err)
		}
		if temperature := float64(int16(r[0])) / 10; temperature < 50 || temperature > 75 {
			t.Errorf("press %d has %v °C", unit, temperature)
		}
		parts := uint32(r[5])<<16 | uint32(r[4])
		if now := pressAt(unit, time.Now()).parts; parts > now || now-parts > 1000 {
			t.Errorf("press %d has made %d parts, and now %d", unit, parts, now)
		}
		if on, err := mc.ReadCoils(0, 1); err != nil || len(on) != 1 {
			t.Errorf("press %d: coil %v, %v", unit, on, err)
		}
		if _, err := mc.ReadRegisters(6, 2, modbus.HOLDING_REGISTER); !errors.Is(err, modbus.ErrIllegalDataAddress) {
			t.Errorf("register 7: %v", err)
		}
		if err := mc.WriteRegister(0, 1); !errors.Is(err, modbus.ErrIllegalFunction) {
			t.Errorf("write: %v", err)
		}
	}
	mc.SetUnitId(presses + 1)
	if _, err := mc.ReadRegister(0, modbus.INPUT_REGISTER); !errors.Is(err, modbus.ErrGWTargetFailedToRespond) {
		t.Errorf("a press too many: %v", err)
	}
}

// TestPressRegisters: what the registers hold is the press.
func TestPressRegisters(t *testing.T) {
	p := press{temperature: -1.5, pressure: 6.25, speed: 42.5, parts: 0x12345678, current: 37.1, running: true, alarm: true}
	want := fmt.Sprint([]uint16{0xfff1, 625, 0x422a, 0, 0x5678, 0x1234, 3})
	if got := fmt.Sprint(p.holding()); got != want {
		t.Errorf("holding registers %s, want %s", got, want)
	}
	if got := fmt.Sprint(p.input(), p.coils()); got != "[371] [true]" {
		t.Errorf("input registers and coils %s", got)
	}
}

func TestRobots(t *testing.T) {
	port, err := freePort(0)
	if err != nil {
		t.Fatal(err)
	}
	stop, err := startRobots(t.Context(), port)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	c, err := opcua.NewClient(fmt.Sprintf("opc.tcp://127.0.0.1:%d", port), opcua.SecurityMode(ua.MessageSecurityModeNone))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	refs, err := c.Node(ua.NewStringNodeID(1, robotRoot)).ReferencedNodes(t.Context(), 0, ua.BrowseDirectionForward, ua.NodeClassAll, true)
	if err != nil || len(refs) != robots*axes {
		t.Fatalf("%d axes, %v", len(refs), err)
	}
	got, err := c.Read(t.Context(), &ua.ReadRequest{NodesToRead: []*ua.ReadValueID{{NodeID: ua.NewStringNodeID(1, "Robot1.Axis1.Torque"), AttributeID: ua.AttributeIDValue}}})
	if err != nil || got.Results[0].Status != ua.StatusOK {
		t.Fatalf("%v, %v", got, err)
	}
	v := got.Results[0]
	at := v.SourceTimestamp
	if torque := torque(0, 0, at); v.Value.Value() != torque || math.Abs(torque) > 24 {
		t.Errorf("torque %v at %v, want %v", v.Value.Value(), at, torque)
	}
	if at.IsZero() || !at.Equal(at.Truncate(robotTick)) {
		t.Errorf("source timestamp %v", at)
	}
}
