// Package group makes a worker a member of its Connect group: it joins,
// heartbeats, leads when it is told to, and reports what the worker is to run.
// One goroutine owns the membership ([Member]); the wire format, the decision
// what goes where (package assign) and the signatures of requests between
// workers are pure. It imports franz-go and worker/assign.
package group

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/millwright-connect/millwright/worker/assign"
)

// The sub-protocols of the Connect group protocol. Sessioned is Compatible
// plus signed requests between workers; both are incremental and cooperative.
const (
	Eager      = "eager"
	Compatible = "compatible"
	Sessioned  = "sessioned"
)

// protocolType is what the broker calls the kind of group.
const protocolType = "connect"

// wireNames are the names under which the versions 0, 1 and 2 are offered.
var wireNames = []string{"default", Compatible, Sessioned}

// ConfigMismatch is the error in an assignment that a leader could not make,
// because a member knows more of the config topic than the leader does.
const ConfigMismatch int16 = 1

// A WireAssignment is what SyncGroup carries to a member, and what the member
// shows again, updated, in the metadata of its next JoinGroup.
type WireAssignment struct {
	Version      int16 // 0 eager, 1 compatible, 2 sessioned
	Error        int16 // 0 or ConfigMismatch
	Leader       string
	LeaderURL    string
	ConfigOffset int64
	Assigned     assign.Held // to be started; in metadata: held
	Revoked      assign.Held // to be stopped; not in version 0
	Delay        time.Duration
}

// WireMetadata is what JoinGroup carries from a member to the leader.
type WireMetadata struct {
	Version      int16
	URL          string // of the member's REST server
	ConfigOffset int64
	Allocation   *WireAssignment // what the member has; nil: nothing yet
}

// Offer is one sub-protocol of a JoinGroup request.
type Offer struct {
	Name     string
	Metadata []byte
}

// Offers returns what a Java worker offers under the given connect.protocol,
// the best first. A [Member] leaves out the last one, "default".
func Offers(protocol string, m WireMetadata) ([]Offer, error) {
	best := slices.Index([]string{Eager, Compatible, Sessioned}, protocol)
	if best < 0 {
		return nil, fmt.Errorf("connect.protocol is %q, want %s, %s or %s", protocol, Eager, Compatible, Sessioned)
	}
	var out []Offer
	for v := best; v >= 0; v-- {
		m.Version = int16(v)
		b, err := m.Append(nil)
		if err != nil {
			return nil, err
		}
		out = append(out, Offer{wireNames[v], b})
	}
	return out, nil
}

// Append encodes m in its Version.
func (m WireMetadata) Append(b []byte) ([]byte, error) {
	w := writer{b: b}
	w.i16(m.Version)
	w.str(m.URL)
	w.i64(m.ConfigOffset)
	if m.Version > 0 {
		at := len(w.b)
		w.i32(-1)
		if m.Allocation != nil {
			a := *m.Allocation
			a.Version = m.Version
			w.assignment(a)
			binary.BigEndian.PutUint32(w.b[at:], uint32(len(w.b)-at-4))
		}
	}
	return w.b, w.err
}

// Append encodes a in its Version.
func (a WireAssignment) Append(b []byte) ([]byte, error) {
	w := writer{b: b}
	w.assignment(a)
	return w.b, w.err
}

// DecodeMetadata reads the metadata of any version. Bytes after the known
// fields are ignored, as fields of a later version would be.
func DecodeMetadata(b []byte) (WireMetadata, error) {
	r := reader{b: b}
	m := WireMetadata{Version: r.version(), URL: r.str("url"), ConfigOffset: r.i64("config-offset")}
	if r.err == nil && len(r.b) > 0 {
		if n := r.i32("allocation"); n >= 0 {
			a, err := DecodeAssignment(r.take(int(n), "allocation"))
			if r.err == nil && err != nil {
				r.err = fmt.Errorf("allocation: %w", err)
			}
			m.Allocation = &a
		}
	}
	if r.err != nil {
		return WireMetadata{}, fmt.Errorf("member metadata: %w", r.err)
	}
	return m, nil
}

// DecodeAssignment reads an assignment of any version; a field that an older
// version lacks is empty.
func DecodeAssignment(b []byte) (WireAssignment, error) {
	r := reader{b: b}
	a := WireAssignment{
		Version: r.version(), Error: r.i16("error"), Leader: r.str("leader"), LeaderURL: r.str("leader-url"), ConfigOffset: r.i64("config-offset"),
		Assigned: r.held("assignment"), Revoked: r.held("revoked"),
	}
	if r.err == nil && len(r.b) > 0 {
		a.Delay = time.Duration(r.i32("delay")) * time.Millisecond
	}
	if r.err != nil {
		return WireAssignment{}, fmt.Errorf("assignment: %w", r.err)
	}
	return a, nil
}

// writer appends in the primitive types of the Kafka protocol.
type writer struct {
	b   []byte
	err error
}

func (w *writer) i16(v int16) { w.b = binary.BigEndian.AppendUint16(w.b, uint16(v)) }
func (w *writer) i32(v int)   { w.b = binary.BigEndian.AppendUint32(w.b, uint32(int32(v))) }
func (w *writer) i64(v int64) { w.b = binary.BigEndian.AppendUint64(w.b, uint64(v)) }

func (w *writer) str(s string) {
	if len(s) > math.MaxInt16 && w.err == nil {
		w.err = fmt.Errorf("%q... has %d bytes, the group protocol carries at most %d", s[:40], len(s), math.MaxInt16)
	}
	w.i16(int16(len(s)))
	w.b = append(w.b, s...)
}

func (w *writer) assignment(a WireAssignment) {
	w.i16(a.Version)
	w.i16(a.Error)
	w.str(a.Leader)
	w.str(a.LeaderURL)
	w.i64(a.ConfigOffset)
	w.held(javaSetOrder(a.Assigned.Connectors), a.Assigned.Tasks)
	if a.Version > 0 {
		w.held(a.Revoked.Connectors, a.Revoked.Tasks)
		w.i32(int(a.Delay.Milliseconds()))
	}
}

// connectorTask is the task number that stands for the connector itself.
const connectorTask = -1

// held writes one entry per connector, in the order of first appearance.
func (w *writer) held(connectors []string, tasks []assign.TaskID) {
	var names []string
	numbers := map[string][]int{}
	add := func(name string, number int) {
		if _, known := numbers[name]; !known {
			names = append(names, name)
		}
		numbers[name] = append(numbers[name], number)
	}
	for _, c := range connectors {
		if !slices.Contains(numbers[c], connectorTask) {
			add(c, connectorTask)
		}
	}
	for _, t := range tasks {
		add(t.Connector, t.Task)
	}
	w.i32(len(names))
	for _, name := range names {
		w.str(name)
		w.i32(len(numbers[name]))
		for _, n := range numbers[name] {
			w.i32(n)
		}
	}
}

// javaSetOrder returns names in the order in which a Java HashSet made of them
// lists them. No reader depends on it, but so our bytes are Java's.
func javaSetOrder(names []string) []string {
	buckets := 16
	for buckets < int(float32(len(names))/.75+1) {
		buckets *= 2
	}
	slot := func(s string) uint32 {
		var h uint32
		for _, c := range utf16.Encode([]rune(s)) {
			h = 31*h + uint32(c)
		}
		return (h ^ h>>16) & uint32(buckets-1)
	}
	out := slices.Clone(names)
	slices.SortStableFunc(out, func(a, b string) int { return int(slot(a)) - int(slot(b)) })
	return out
}

// reader takes the primitive types off b; after an error all it returns is zero.
type reader struct {
	b   []byte
	err error
}

var errShort = errors.New("the bytes end too early")

func (r *reader) take(n int, field string) []byte {
	if r.err != nil {
		return nil
	}
	if n < 0 || n > len(r.b) {
		r.err = fmt.Errorf("%s: %w", field, errShort)
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) i16(field string) int16 {
	if b := r.take(2, field); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *reader) i32(field string) int32 {
	if b := r.take(4, field); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *reader) i64(field string) int64 {
	if b := r.take(8, field); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (r *reader) str(field string) string {
	return string(r.take(int(r.i16(field)), field))
}

func (r *reader) version() int16 {
	v := r.i16("version")
	if v < 0 {
		r.err = fmt.Errorf("unsupported version %d", v)
	}
	return v
}

// held reads a list of connectors with their task numbers. It may be null, and
// it may be missing at the end of the bytes.
func (r *reader) held(field string) assign.Held {
	var h assign.Held
	if r.err != nil || len(r.b) == 0 {
		return h
	}
	for n := r.i32(field); n > 0 && r.err == nil; n-- {
		name := r.str(field)
		for k := r.i32(field); k > 0 && r.err == nil; k-- {
			switch t := r.i32(field); {
			case r.err != nil:
			case t == connectorTask:
				h.Connectors = append(h.Connectors, name)
			default:
				h.Tasks = append(h.Tasks, assign.TaskID{Connector: name, Task: int(t)})
			}
		}
	}
	return h
}

// String is for logs.
func (a WireAssignment) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "leader %s at %s, config offset %d", a.Leader, a.LeaderURL, a.ConfigOffset)
	for _, part := range []struct {
		verb string
		held assign.Held
	}{{"start", a.Assigned}, {"stop", a.Revoked}} {
		if !part.held.Empty() {
			fmt.Fprintf(&b, ", %s %v %v", part.verb, part.held.Connectors, part.held.Tasks)
		}
	}
	if a.Delay != 0 {
		fmt.Fprintf(&b, ", delay %v", a.Delay)
	}
	return b.String()
}
