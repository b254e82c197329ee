package demo

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/server"
	"github.com/gopcua/opcua/server/attrs"
	"github.com/gopcua/opcua/ua"
	"github.com/simonvetter/modbus"
)

// The plant: presses that speak Modbus TCP and robots that speak OPC UA. What a
// machine shows is a function of the time, so that it goes on after a restart
// as if it had never been away.
const (
	presses   = 4
	robots    = 4
	axes      = 6
	robotTick = 250 * time.Millisecond // how often the robots' values change
)

// A press is one Modbus unit at a point in time.
type press struct {
	temperature float64 // °C
	pressure    float64 // bar
	speed       float32 // strokes per minute
	parts       uint32  // since the counter began
	current     float64 // A
	running     bool
	alarm       bool
}

func pressAt(unit int, now time.Time) press {
	s := float64(now.UnixMilli()) / 1000
	own := float64(unit)
	wave := func(period, phase float64) float64 { return math.Sin(2*math.Pi*s/period + phase*own) }
	p := press{
		temperature: 62 + 9*wave(90, 1.3) + 1.5*wave(7, 2),
		pressure:    6.2 + 0.5*wave(23, 0.7),
		speed:       float32(42 + 3*wave(31, 1.9)),
		parts:       uint32(int64(s*0.7) % 1_000_000),
		current:     37 + 6*wave(13, 0.4),
		running:     wave(60, own) > -0.8,
	}
	if !p.running {
		p.speed, p.current = 0, 2.1
	}
	p.alarm = p.temperature > 71
	return p
}

// Register addresses of a press. presses.registers in connectors.go is the
// other side of this table.
func (p press) holding() []uint16 {
	speed := math.Float32bits(p.speed)
	status := uint16(0)
	if p.running {
		status |= 1
	}
	if p.alarm {
		status |= 2
	}
	return []uint16{
		uint16(int16(math.Round(p.temperature * 10))), // 0
		uint16(math.Round(p.pressure * 100)),          // 1
		uint16(speed >> 16), uint16(speed),            // 2, ABCD
		uint16(p.parts), uint16(p.parts >> 16), // 4, CDAB
		status, // 6
	}
}

func (p press) input() []uint16 { return []uint16{uint16(math.Round(p.current * 10))} }
func (p press) coils() []bool   { return []bool{p.running} }

// pressServer answers the Modbus requests to all presses.
type pressServer struct{}

// part returns n values from at on, or that there are none.
func part[T any](unit uint8, write bool, at, n uint16, of func(press) []T) ([]T, error) {
	if unit < 1 || unit > presses {
		return nil, modbus.ErrGWTargetFailedToRespond
	}
	if write {
		return nil, modbus.ErrIllegalFunction
	}
	all := of(pressAt(int(unit), time.Now()))
	if int(at)+int(n) > len(all) {
		return nil, modbus.ErrIllegalDataAddress
	}
	return all[at : at+n], nil
}

func (pressServer) HandleCoils(q *modbus.CoilsRequest) ([]bool, error) {
	return part(q.UnitId, q.IsWrite, q.Addr, q.Quantity, press.coils)
}

func (pressServer) HandleDiscreteInputs(*modbus.DiscreteInputsRequest) ([]bool, error) {
	return nil, modbus.ErrIllegalFunction
}

func (pressServer) HandleHoldingRegisters(q *modbus.HoldingRegistersRequest) ([]uint16, error) {
	return part(q.UnitId, q.IsWrite, q.Addr, q.Quantity, press.holding)
}

func (pressServer) HandleInputRegisters(q *modbus.InputRegistersRequest) ([]uint16, error) {
	return part(q.UnitId, false, q.Addr, q.Quantity, press.input)
}

// startPresses serves the presses on a port of this machine.
func startPresses(port int) (stop func(), err error) {
	s, err := modbus.NewServer(&modbus.ServerConfiguration{
		URL: fmt.Sprintf("tcp://127.0.0.1:%d", port), MaxClients: 20,
		Logger: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo),
	}, pressServer{})
	if err != nil {
		return nil, err
	}
	if err := s.Start(); err != nil {
		return nil, fmt.Errorf("the Modbus server does not start: %w", err)
	}
	return func() { _ = s.Stop() }, nil
}

// torque is that of one axis of a robot.
func torque(robot, axis int, now time.Time) float64 {
	s := float64(now.Truncate(robotTick).UnixMilli()) / 1000
	own := float64(robot*axes + axis)
	v := 20*math.Sin(2*math.Pi*s/(5+own/3)+own) + 4*math.Sin(s*3+own)
	return math.Round(v*100) / 100
}

// robotRoot is the name of the folder of all robots, below Objects.
const robotRoot = "Robots"

// startRobots serves the robots by OPC UA on a port of this machine.
func startRobots(ctx context.Context, port int) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	s := server.New(server.EndPoint("127.0.0.1", port), server.EnableSecurity("None", ua.MessageSecurityModeNone), server.EnableAuthMode(ua.UserTokenTypeAnonymous),
		server.ServerName("Millwright demo"))
	objects, err := s.Namespace(0)
	if err != nil {
		cancel()
		return nil, err
	}
	ns := server.NewNodeNameSpace(s, "urn:millwright:demo")
	// NewFolderNode of gopcua v0.8.0 panics, so the folder is made by hand.
	root := ns.AddNode(server.NewNode(ua.NewStringNodeID(ns.ID(), robotRoot), server.Attributes{
		ua.AttributeIDNodeClass:   server.DataValueFromValue(uint32(ua.NodeClassObject)),
		ua.AttributeIDBrowseName:  server.DataValueFromValue(attrs.BrowseName(robotRoot)),
		ua.AttributeIDDisplayName: server.DataValueFromValue(attrs.DisplayName(robotRoot, "en")),
	}, nil, nil))
	objects.Objects().AddRef(root, id.Organizes, true)
	var nodes []*ua.NodeID
	for r := range robots {
		for a := range axes {
			nodeID := ua.NewStringNodeID(ns.ID(), fmt.Sprintf("Robot%d.Axis%d.Torque", r+1, a+1))
			n := ns.AddNode(server.NewVariableNode(nodeID, fmt.Sprintf("Robot%d.Axis%d", r+1, a+1), func() *ua.DataValue {
				now := time.Now()
				return &ua.DataValue{
					EncodingMask: ua.DataValueValue | ua.DataValueStatusCode | ua.DataValueSourceTimestamp | ua.DataValueServerTimestamp,
					Value:        ua.MustVariant(torque(r, a, now)), Status: ua.StatusOK, SourceTimestamp: now.Truncate(robotTick), ServerTimestamp: now,
				}
			}))
			root.AddRef(n, id.Organizes, true)
			nodes = append(nodes, nodeID)
		}
	}
	if err := s.Start(ctx); err != nil {
		cancel()
		return nil, fmt.Errorf("the OPC UA server does not start: %w", err)
	}
	var ticking sync.WaitGroup
	ticking.Go(func() {
		tick := time.NewTicker(robotTick)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				for _, n := range nodes {
					ns.ChangeNotification(n)
				}
			}
		}
	})
	return func() {
		cancel()
		_ = s.Close()
		ticking.Wait()
	}, nil
}
