package offsets

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/test/vectors"
)

// What Java answers to bodies of all sorts was recorded; the file is beside
// the vectors.
func TestParseOffsetsAgreesWithRecordedAnswers(t *testing.T) {
	dir, err := vectors.Dir()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "../contract/golden/open/offsets/alter-bad-body.json"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the recorded answers are not here:", err)
	} else if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Steps []struct {
			Step string
			Got  struct {
				Status int
				Body   map[string]any
			}
		}
	}
	if err := json.Unmarshal(b, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Steps) < 10 {
		t.Fatalf("%d steps", len(golden.Steps))
	}
	for _, s := range golden.Steps {
		body, ok := strings.CutPrefix(s.Step, "body ")
		if !ok {
			continue
		}
		list, err := ParseOffsets([]byte(body))
		message, user := s.Got.Body["message"].(string)
		switch {
		case err != nil && s.Got.Status == 200:
			t.Errorf("%s: %v", body, err)
		case err == nil && s.Got.Status != 200 && !(user && s.Got.Status == 500):
			// (With a message of its own, a 500 is the connector's.)
			t.Errorf("%s: parsed as %v, Java answers %d", body, list, s.Got.Status)
		case err != nil && (connect.ClassOf(err) == badRequest) != (s.Got.Status == 400):
			t.Errorf("%s: %s for a %d", body, connect.ClassOf(err), s.Got.Status)
		case err != nil && user && err.Error() != message:
			t.Errorf("%s: %q, want %q", body, err, message)
		}
	}
}

func TestParseOffsets(t *testing.T) {
	for body, want := range map[string]string{
		`{"offsets":[{"partition":{"f":"x","n":1},"offset":{"p":3,"q":1.5,"b":true}},{"partition":{"f":"y"},"offset":null}]}`: `[{map[f:x n:1] map[b:true p:3 q:1.5]} {map[f:y] map[]}]`,
		`{"offsets":[{"partition":{"f":"x","n":1},"offset":{"p":1}},{"partition":{"n":1,"f":"x"},"offset":{"p":2}}]}`:         `[{map[f:x n:1] map[p:2]}]`,
		`{"offsets":[{"partition":{"n":1}},{"partition":{"n":1.0}},{"partition":{"n":"1"}}]}`:                                 `[{map[n:1] map[]} {map[n:1] map[]} {map[n:1] map[]}]`,
		`{"offsets":[{"partition":{"n":123456789012345678901}}]}`:                                                             `[{map[n:123456789012345678901] map[]}]`,
		`{"offsets":[{}]}`: `[{map[] map[]}]`,
	} {
		list, err := ParseOffsets([]byte(body))
		if err != nil || fmt.Sprint(list) != want {
			t.Errorf("%s: %v %v", body, list, err)
		}
	}
	list, err := ParseOffsets([]byte(`{"offsets":[{},{"partition":{},"offset":{}}]}`))
	if err != nil || list[0].Partition != nil || list[0].Offset != nil || list[1].Partition == nil || list[1].Offset == nil {
		t.Errorf("%v %v: missing and empty are not told apart", list, err)
	}
	for body, class := range map[string]string{
		`{"offsets":[{"x":1}]}`: unrecognized, `{"offsets":1}`: mismatchedInput, `{"offsets":[`: jsonParse, `{"offsets":[{}]} x`: jsonParse, ` `: nullPointer,
		`{"offsets":[{"partition":{"a":1}}],"y":2}`: unrecognized, `{}`: badRequest,
	} {
		if _, err := ParseOffsets([]byte(body)); connect.ClassOf(err) != class {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func FuzzParseOffsets(f *testing.F) {
	f.Add([]byte(`{"offsets":[{"partition":{"kafka_topic":"t","kafka_partition":"1"},"offset":{"kafka_offset":1e3}}]}`))
	f.Add([]byte(`{"offsets":[{"partition":{"kafka_topic":[1,{"a":null}],"kafka_partition":0}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		list, err := ParseOffsets(body)
		if err != nil {
			if connect.ClassOf(err) == connect.ConnectException {
				t.Fatalf("%q: %v has no class", body, err)
			}
			return
		}
		if len(list) == 0 {
			t.Fatalf("%q: nothing", body)
		}
		if _, err := SinkOffsets(list); err != nil && connect.ClassOf(err) != badRequest {
			t.Fatalf("%q: %v", body, err)
		}
	})
}
