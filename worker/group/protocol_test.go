package group

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millwright-connect/millwright/test/vectors"
	"github.com/millwright-connect/millwright/worker/assign"
)

// javaAssignment is an assignment as the vectors write it.
type javaAssignment struct {
	Version, Error                                     int16
	Leader, LeaderURL, Offset                          string
	Connectors, Tasks, RevokedConnectors, RevokedTasks []string
	Delay                                              int64
}

func (j *javaAssignment) wire(t *testing.T) *WireAssignment {
	if j == nil {
		return nil
	}
	return &WireAssignment{
		Version: j.Version, Error: j.Error, Leader: j.Leader, LeaderURL: j.LeaderURL, ConfigOffset: number(t, j.Offset),
		Assigned: held(t, j.Connectors, j.Tasks), Revoked: held(t, j.RevokedConnectors, j.RevokedTasks), Delay: time.Duration(j.Delay) * time.Millisecond,
	}
}

func number(t *testing.T, s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func held(t *testing.T, connectors, tasks []string) assign.Held {
	h := assign.Held{Connectors: connectors}
	for _, s := range tasks {
		id, ok := assign.ParseTaskID(s)
		if !ok {
			t.Fatalf("not a task: %q", s)
		}
		h.Tasks = append(h.Tasks, id)
	}
	return h
}

// byteForByte compares with what Java serialised, and has our bytes read back.
func byteForByte(got []byte, want string, decodeAndEncode func([]byte) ([]byte, error)) error {
	if h := hex.EncodeToString(got); h != want {
		return fmt.Errorf("bytes\n got %s\nwant %s", h, want)
	}
	again, err := decodeAndEncode(got)
	if err != nil {
		return err
	}
	if len(again) != len(got) {
		return fmt.Errorf("decoded and encoded again, %x becomes %x", got, again)
	}
	return nil
}

func metadataAgain(b []byte) ([]byte, error) {
	m, err := DecodeMetadata(b)
	if err != nil {
		return nil, err
	}
	return m.Append(nil)
}

func assignmentAgain(b []byte) ([]byte, error) {
	a, err := DecodeAssignment(b)
	if err != nil {
		return nil, err
	}
	return a.Append(nil)
}

func TestMetadataIsJavas(t *testing.T) {
	vectors.Run(t, "protocol", []string{"protocol.metadata"}, func(t *testing.T, v *vectors.Vector) error {
		var config struct{ Version int16 }
		var in struct {
			URL, Offset string
			Assignment  *javaAssignment
		}
		var want string
		v.BindConfig(&config)
		v.BindInput(&in)
		v.BindOutput(&want)
		m := WireMetadata{Version: config.Version, URL: in.URL, ConfigOffset: number(t, in.Offset), Allocation: in.Assignment.wire(t)}
		got, err := m.Append(nil)
		if err != nil {
			return err
		}
		return byteForByte(got, want, metadataAgain)
	})
}

func TestAssignmentIsJavas(t *testing.T) {
	vectors.Run(t, "protocol", []string{"protocol.assignment"}, func(t *testing.T, v *vectors.Vector) error {
		var in javaAssignment
		var want string
		v.BindInput(&in)
		v.BindOutput(&want)
		got, err := in.wire(t).Append(nil)
		if err != nil {
			return err
		}
		return byteForByte(got, want, assignmentAgain)
	})
}

func TestOffersAreJavas(t *testing.T) {
	vectors.Run(t, "protocol", []string{"protocol.offered"}, func(_ *testing.T, v *vectors.Vector) error {
		var config map[string]string
		var want []struct{ Name, Metadata string }
		v.BindConfig(&config)
		v.BindOutput(&want)
		offers, err := Offers(config["connect.protocol"], WireMetadata{URL: "http://u/", ConfigOffset: 1})
		if err != nil {
			return err
		}
		var got []struct{ Name, Metadata string }
		for _, o := range offers {
			got = append(got, struct{ Name, Metadata string }{o.Name, hex.EncodeToString(o.Metadata)})
		}
		if !reflect.DeepEqual(got, want) {
			return fmt.Errorf("got %v, want %v", got, want)
		}
		return nil
	})
}

func TestOffersOfAnUnknownProtocol(t *testing.T) {
	if _, err := Offers("lazy", WireMetadata{}); err == nil || !strings.Contains(err.Error(), `connect.protocol is "lazy"`) {
		t.Errorf("error %v", err)
	}
}

func TestNameTooLongForTheWire(t *testing.T) {
	a := WireAssignment{Version: 2, Assigned: assign.Held{Connectors: []string{strings.Repeat("x", 40000)}}}
	if _, err := a.Append(nil); err == nil || !strings.Contains(err.Error(), "40000 bytes") {
		t.Errorf("error %v", err)
	}
}

// Every shortened form of valid bytes is an error or the same with less in it,
// and what is read never exceeds what is there.
func TestTruncatedBytes(t *testing.T) {
	a := WireAssignment{Version: 2, Leader: "l", LeaderURL: "http://l/", ConfigOffset: 7, Assigned: held(t, []string{"a"}, []string{"a-0", "b-1"}), Revoked: held(t, nil, []string{"c-3"}), Delay: time.Second}
	whole, err := WireMetadata{Version: 2, URL: "http://m/", ConfigOffset: 7, Allocation: &a}.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	ok := 0
	for n := range whole {
		if _, err := DecodeMetadata(whole[:n]); err == nil {
			ok++
		}
	}
	if ok != 1 { // the whole state without an allocation, as version 0 has it
		t.Errorf("%d truncations are accepted", ok)
	}
	future := append(slices.Clone(whole), 1, 2, 3)
	future[1] = 9
	if m, err := DecodeMetadata(future); err != nil || m.Version != 9 || m.Allocation == nil {
		t.Errorf("a later version is read as %+v, %v", m, err)
	}
	whole[0] = 0xff
	if _, err := DecodeMetadata(whole); err == nil || !strings.Contains(err.Error(), "unsupported version") {
		t.Errorf("negative version: %v", err)
	}
}

func FuzzDecodeMetadata(f *testing.F) {
	f.Add([]byte("\x00\x02\x00\x01u\x00\x00\x00\x00\x00\x00\x00\x01\xff\xff\xff\xff"))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := DecodeMetadata(b)
		if err != nil || m.Version > 2 {
			return
		}
		once, err := m.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := metadataAgain(once)
		if err != nil || !bytes.Equal(once, again) {
			t.Fatalf("%x becomes %x, %v", once, again, err)
		}
	})
}

func FuzzDecodeAssignment(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 0, 1, 'l', 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 1, 'c', 0, 0, 0, 2, 255, 255, 255, 255, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 5})
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := DecodeAssignment(b)
		if err != nil || a.Version > 2 {
			return
		}
		once, err := a.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := assignmentAgain(once)
		if err != nil || len(once) != len(again) {
			t.Fatalf("%x becomes %x, %v", once, again, err)
		}
	})
}
