package opcua

import (
	"encoding/json"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

func recordsOf(t testing.TB, p connect.Props) *records {
	t.Helper()
	var c config
	if err := connect.Parse(p, &c); err != nil {
		t.Fatal(err)
	}
	return newRecords(&c, slog.New(slog.DiscardHandler), new(losses))
}

func testNode(t testing.TB, kind ua.TypeID) *node {
	t.Helper()
	source, err := connect.NewSourcePartition(connect.Object{endpointField: "opc.tcp://plc", nodeField: "ns=2;s=T"})
	if err != nil {
		t.Fatal(err)
	}
	return &node{text: "ns=2;s=T", topic: "plant", source: source, declared: shape{kind, 0}, last: shape{kind, 0}, key: data.Datum{Schema: keySchema, Value: data.Str("ns=2;s=T")}}
}

// sent returns a value as it comes through the library's codec.
func sent(t testing.TB, v *ua.DataValue) *ua.DataValue {
	t.Helper()
	v.UpdateMask()
	b, err := v.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got := new(ua.DataValue)
	if _, err := got.Decode(b); err != nil {
		t.Fatal(err)
	}
	return got
}

// TestValues are those that the test servers do not have.
func TestValues(t *testing.T) {
	long := make([]int32, 100_000)
	for name, c := range map[string]struct {
		value  any
		schema string
		want   string
		text   string
	}{
		"NaN":              {math.NaN(), "Double", "NaN", "NaN"},
		"small":            {1e-9, "Double", "1e-09", "1e-09"},
		"16 digits":        {float64(1767225600000777), "Double", "1.767225600000777e+15", "1767225600000777"},
		"float":            {float32(0.1), "Float", "0.1", "0.1"},
		"floats":           {[]float64{0.5, math.Inf(1), math.NaN()}, "DoubleArray", "[0.5 +Inf NaN]", "[0.5,null,null]"},
		"no elements":      {[]int16{}, "Int16Array", "[]", "[]"},
		"no text":          {"", "String", "", ""},
		"no bytes":         {[]byte(nil), "ByteString", "", ""},
		"texts":            {[]string{`a"b`, "ü"}, "StringArray", `[a"b ü]`, `["a\"b","ü"]`},
		"bytes":            {[][]byte{{1}, {255}}, "ByteStringArray", "[01 ff]", `["AQ==","/w=="]`},
		"cube":             {[][][]uint16{{{1}, {2}}, {{3}, {65535}}}, "UInt16Matrix3", "[[[1] [2]] [[3] [65535]]]", "[[[1],[2]],[[3],[65535]]]"},
		"unsigned":         {[]uint64{1, math.MaxUint64}, "UInt64Array", "[1 18446744073709551615]", "[1,18446744073709551615]"},
		"times":            {[]time.Time{time.Unix(1, 5e6).UTC(), {}}, "DateTimeArray", "[1970-01-01T00:00:01.005Z null]", `["1970-01-01T00:00:01.005Z",""]`},
		"no time":          {time.Time{}, "DateTime", "null", ""},
		"ticks":            {time.Unix(1, 100).UTC(), "DateTime", "1970-01-01T00:00:01Z", "1970-01-01T00:00:01.0000001Z"},
		"old":              {time.Date(1700, 1, 1, 0, 0, 0, 0, time.UTC), "DateTime", "1700-01-01T00:00:00Z", "1700-01-01T00:00:00Z"},
		"variants":         {[]*ua.Variant{ua.MustVariant(int32(1)), ua.MustVariant("x")}, "VariantArray", "[1 x]", `["1","x"]`},
		"node":             {ua.NewNumericExpandedNodeID(2, 5), "ExpandedNodeId", "ns=2;i=5", "ns=2;i=5"},
		"node elsewhere":   {ua.NewExpandedNodeID(ua.NewNumericNodeID(0, 5), "urn:x", 3), "ExpandedNodeId", "svr=3;nsu=urn:x;i=5", "svr=3;nsu=urn:x;i=5"},
		"name":             {&ua.QualifiedName{Name: "n"}, "QualifiedName", "n", "n"},
		"statuses":         {[]ua.StatusCode{0, ua.StatusBadTCPEndpointURLInvalid}, "StatusCodeArray", "[0 2156068864]", `["Good","BadTcpEndpointUrlInvalid"]`},
		"xml":              {&ua.ExtensionObject{EncodingMask: ua.ExtensionObjectXML, TypeID: ua.NewNumericExpandedNodeID(2, 7), Value: func() *ua.XMLElement { x := ua.XMLElement("<a/>"); return &x }()}, "Structure", "Struct[ns=2;i=7 xml 3c612f3e]", ""},
		"empty structure":  {&ua.ExtensionObject{TypeID: ua.NewNumericExpandedNodeID(2, 7)}, "Structure", "Struct[ns=2;i=7 none null]", "ns=2;i=7 "},
		"null structure":   {&ua.ExtensionObject{TypeID: ua.NewTwoByteExpandedNodeID(0)}, "Structure", "null", "i=0 "},
		"more than 65,535": {long, "Int32Array", "", "-"},
	} {
		v, err := ua.NewVariant(c.value)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		dv := &ua.DataValue{Value: v}
		if _, unwritable := c.value.([][]byte); !unwritable { // the library reads them only
			dv = sent(t, dv)
		}
		r := recordsOf(t, props("opc.tcp://plc")).append(nil, []reading{{testNode(t, 0), dv}}, time.Unix(9, 0))[0]
		if err := r.Value.Schema.Check(r.Value.Value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got := r.Value.Value.Struct().Get("value")
		if r.Value.Schema.Name() != "millwright.opcua."+c.schema || c.text != "-" && got.String() != c.want {
			t.Errorf("%s: %s %s, want %s %s", name, r.Value.Schema.Name(), got, c.schema, c.want)
		}
		if name == "more than 65,535" && len(got.List()) != len(long) {
			t.Errorf("%d elements", len(got.List()))
		}
		if c.text == "-" || name == "xml" {
			continue
		}
		r = recordsOf(t, props("opc.tcp://plc", "value.format", "string")).append(nil, []reading{{testNode(t, 0), dv}}, time.Unix(9, 0))[0]
		if got := r.Value.Value.Struct().Get("value"); got.String() != c.text {
			t.Errorf("%s: text %q, want %q", name, got, c.text)
		}
	}
}

func TestUnsigned(t *testing.T) {
	c := recordsOf(t, props("opc.tcp://plc", "uint64.format", "int64"))
	for n, want := range map[uint64]string{7: "7", math.MaxInt64: "9223372036854775807", math.MaxInt64 + 1: "null"} {
		r := c.append(nil, []reading{{testNode(t, 0), sent(t, &ua.DataValue{Value: ua.MustVariant(n)})}}, time.Now())[0]
		if got := r.Value.Value.Struct().Get("value"); got.String() != want || r.Value.Schema.Name() != "millwright.opcua.UInt64AsInt64" {
			t.Errorf("%d: %s of %s", n, got, r.Value.Schema.Name())
		}
		if err := r.Value.Schema.Check(r.Value.Value); err != nil {
			t.Error(err)
		}
	}
}

// TestNull: a reading without a value has the schema of the node's values.
func TestNull(t *testing.T) {
	c := recordsOf(t, props("opc.tcp://plc"))
	n := testNode(t, ua.TypeIDFloat)
	check := func(v *ua.DataValue, schema, value, status string) {
		t.Helper()
		r := c.append(nil, []reading{{n, sent(t, v)}}, time.Now())[0]
		s := r.Value.Value.Struct()
		if r.Value.Schema.Name() != "millwright.opcua."+schema || s.Get("value").String() != value || s.Get("status_text").Str() != status {
			t.Errorf("%s %v, want %s %s %s", r.Value.Schema.Name(), r.Value.Value, schema, value, status)
		}
	}
	check(&ua.DataValue{Status: ua.StatusBadWaitingForInitialData}, "Float", "null", "BadWaitingForInitialData")
	check(&ua.DataValue{Value: ua.MustVariant([]int32{1})}, "Int32Array", "[1]", "Good")
	check(&ua.DataValue{Status: ua.StatusBadSensorFailure, SourceTimestamp: time.Now()}, "Int32Array", "null", "BadSensorFailure")
	check(&ua.DataValue{Status: ua.StatusUncertainLastUsableValue | 0x480, Value: ua.MustVariant([]int32{2})}, "Int32Array", "[2]", "UncertainLastUsableValue, Overflow")
	check(&ua.DataValue{Status: 0x80FF0000}, "Int32Array", "null", "0x80FF0000")
	if got := c.losses.overflows.Load(); got != 1 {
		t.Errorf("%d overflows", got)
	}
	n = testNode(t, 0)
	check(&ua.DataValue{}, "Null", "null", "Good")
}

// TestTimes: which time becomes the record's, and which the offset.
func TestTimes(t *testing.T) {
	now, source, server := time.UnixMilli(9000), time.Unix(0, 5_000_000_100).UTC(), time.UnixMilli(7000).UTC()
	old := time.Date(1965, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		clock          string
		source, server time.Time
		want           int64
		offset         string
	}{
		"source":            {"source", source, server, 5000, "1970-01-01T00:00:05.0000001Z"},
		"server":            {"server", source, server, 7000, "1970-01-01T00:00:05.0000001Z"},
		"arrival":           {"arrival", source, server, 9000, "1970-01-01T00:00:05.0000001Z"},
		"source, none":      {"source", time.Time{}, server, 7000, "1970-01-01T00:00:07Z"},
		"server, none":      {"server", source, time.Time{}, 9000, "1970-01-01T00:00:05.0000001Z"},
		"none":              {"source", time.Time{}, time.Time{}, 9000, ""},
		"before Kafka":      {"source", old, server, 9000, "1965-01-01T00:00:00Z"},
		"the end of time":   {"source", endOfTime, server, 9000, ""},
		"server's, no good": {"server", source, endOfTime, 9000, "1970-01-01T00:00:05.0000001Z"},
	} {
		r := recordsOf(t, props("opc.tcp://plc", "record.timestamp", c.clock)).append(nil,
			[]reading{{testNode(t, 0), &ua.DataValue{SourceTimestamp: c.source, ServerTimestamp: c.server}}}, now)[0]
		b, err := json.Marshal(r.Position)
		if err != nil || r.Timestamp != c.want || !strings.Contains(string(b), c.offset) {
			t.Errorf("%s: %d %s %v", name, r.Timestamp, b, err)
		}
	}
}

// BenchmarkRecords turns notifications of 1,000 values into records; decoding
// them is the library's and measured beside it.
func BenchmarkRecords(b *testing.B) {
	const n = 1000
	items := make([]*ua.MonitoredItemNotification, n)
	for i := range items {
		v := &ua.DataValue{Value: ua.MustVariant(int64(1767225600000777)), SourceTimestamp: time.Now(), ServerTimestamp: time.Now()}
		v.UpdateMask()
		items[i] = &ua.MonitoredItemNotification{ClientHandle: uint32(i), Value: v}
	}
	wire, err := ua.Encode(&ua.PublishResponse{
		ResponseHeader:      &ua.ResponseHeader{ServiceDiagnostics: &ua.DiagnosticInfo{}, AdditionalHeader: ua.NewExtensionObject(nil)},
		NotificationMessage: &ua.NotificationMessage{NotificationData: []*ua.ExtensionObject{ua.NewExtensionObject(&ua.DataChangeNotification{MonitoredItems: items})}},
	})
	if err != nil {
		b.Fatal(err)
	}
	set := &nodeSet{}
	for range n {
		set.nodes = append(set.nodes, testNode(b, 0))
	}
	perValue := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/value")
	}
	decode := func(b *testing.B) *ua.NotificationMessage {
		var res ua.PublishResponse
		if _, err := ua.Decode(wire, &res); err != nil {
			b.Fatal(err)
		}
		return res.NotificationMessage
	}
	b.Run("library decodes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			decode(b)
		}
		perValue(b)
	})
	for _, format := range []string{structFormat, stringFormat} {
		b.Run(format, func(b *testing.B) {
			c := recordsOf(b, props("opc.tcp://plc", "value.format", format))
			d := &device{out: make(chan []reading, 1)}
			s := &subscription{set: set}
			m := decode(b)
			dst := make([]connect.SourceRecord, 0, n)
			b.ReportAllocs()
			for b.Loop() {
				if err := d.deliver(s, m); err != nil {
					b.Fatal(err)
				}
				s.takeAcks()
				dst = c.append(dst[:0], <-d.out, time.Now())
			}
			if len(dst) != n {
				b.Fatal(len(dst))
			}
			perValue(b)
		})
	}
}
