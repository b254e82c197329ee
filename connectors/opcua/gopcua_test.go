package opcua

import (
	"encoding/binary"
	"encoding/pem"
	"io"
	"math"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gopcua/opcua"
	"github.com/gopcua/opcua/ua"
	"github.com/gopcua/opcua/uacp"
)

// The tests of this file show what is wrong with github.com/gopcua/opcua v0.8.0
// and how this package keeps clear of it. When one fails after an update of the
// library, what it guards can go.

// TestLibraryKeys: the library reads no PKCS#8 keys, which is what OpenSSL 3
// writes; readKey does.
func TestLibraryKeys(t *testing.T) {
	_, key := certificate(t)
	if _, err := opcua.ApplyConfig(opcua.PrivateKeyFile(key)); err == nil || !strings.Contains(err.Error(), "Failed to decode PEM block") {
		t.Errorf("the library reads PKCS#8: %v", err)
	}
	got, err := readKey(key)
	if err != nil || got.N.BitLen() != 2048 {
		t.Error(err)
	}
	b, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(b)
	if err := os.WriteFile(key, block.Bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	if der, err := readKey(key); err != nil || !der.Equal(got) {
		t.Errorf("DER: %v", err)
	}
}

// TestLibraryTimes: times after 2262 come out wrong, among them the one that
// means "for ever"; that one is recognized by what the library makes of it.
func TestLibraryTimes(t *testing.T) {
	read := func(ticks uint64) time.Time {
		return ua.NewBuffer(binary.LittleEndian.AppendUint64(nil, ticks)).ReadTime()
	}
	const day = 864_000_000_000
	if y := read(epochTicks + 400*365*day).Year(); y > 2000 {
		t.Errorf("the library reads the year %d", y)
	}
	if got := read(math.MaxInt64); !got.Equal(endOfTime) || got.Year() == 9999 {
		t.Errorf("the end of time is %v, want %v", got, endOfTime)
	}
	if got := timestamp(read(math.MaxInt64)); got.String() != "9999-12-31T23:59:59.999Z" {
		t.Error(got)
	}
}

// TestLibraryStructures: the body of a structure of an unknown type is dropped;
// once its type is registered it is kept.
func TestLibraryStructures(t *testing.T) {
	wire := []byte{
		1, 9, 0x8e, 0x13, // type ns=9;i=5006
		1, 3, 0, 0, 0, 0xa, 0xb, 0xc,
	}
	decode := func() *ua.ExtensionObject {
		x := new(ua.ExtensionObject)
		if _, err := x.Decode(wire); err != nil {
			t.Fatal(err)
		}
		return x
	}
	first := decode()
	if first.Value != nil || unknownStructure(first).String() != "ns=9;i=5006" {
		t.Fatalf("the library keeps %v", first.Value)
	}
	if v := structure(first); !v.IsNull() {
		t.Error(v)
	}
	if got := structure(decode()).String(); got != "Struct[ns=9;i=5006 binary 0a0b0c]" {
		t.Error(got)
	}
	if got := structureText(decode()); got != "ns=9;i=5006 0a0b0c" {
		t.Error(got)
	}
	keep(ua.NewNumericNodeID(0, 886)) // Range, which is known: it stays as it is
	if _, raw := ua.NewExtensionObject(&ua.Range{}).Value.(*rawStructure); raw {
		t.Error("a known type was replaced")
	}
}

// TestLibraryPanics: an array of a negative length is a panic in a goroutine of
// the library, out of our reach; the README says so.
func TestLibraryPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("the library does not panic any more: take the warning out of README.md")
		}
	}()
	_, err := new(ua.Variant).Decode([]byte{0x80 | byte(ua.TypeIDInt32), 0xfe, 0xff, 0xff, 0xff})
	t.Log(err)
}

// answering is a server that answers the hello and nothing else.
func answering(t *testing.T, ack uacp.Acknowledge) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			header := make([]byte, 8)
			io.ReadFull(c, header)
			io.CopyN(io.Discard, c, int64(binary.LittleEndian.Uint32(header[4:]))-8)
			body, _ := ack.Encode()
			c.Write(append(binary.LittleEndian.AppendUint32([]byte("ACKF"), uint32(8+len(body))), body...))
			message := binary.LittleEndian.AppendUint32([]byte("MSGF"), 20_000)
			c.Write(append(message, make([]byte, 20_000-8)...))
			io.Copy(io.Discard, c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return "opc.tcp://" + l.Addr().String()
}

// TestLibraryLimits: the library takes how much the server can receive for how
// much it may send, and refuses longer messages.
func TestLibraryLimits(t *testing.T) {
	endpoint := answering(t, uacp.Acknowledge{ReceiveBufSize: 8192, SendBufSize: 65535, MaxMessageSize: 8192})
	theirs, err := uacp.Dial(t.Context(), endpoint)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := theirs.Receive(); err == nil || !strings.Contains(err.Error(), "message too large") {
		t.Errorf("the library reads it: %v", err)
	}
	theirs.Close()
	var c config
	c.endpoint, c.host, c.dialTimeout = endpoint, strings.TrimPrefix(endpoint, "opc.tcp://"), patience
	ours, most, err := c.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if b, err := ours.Receive(); err != nil || len(b) != 20_000 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if ours.SendBufSize() != 8192 || most != 8192 || ours.MaxMessageSize() != messageSize {
		t.Errorf("%d %d %d", ours.SendBufSize(), most, ours.MaxMessageSize())
	}
	ours.Close()
}
