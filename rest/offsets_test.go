package rest

import (
	"strings"
	"testing"
)

// The shape of a change of offsets is refused in Jackson's words, as Java's
// clients and Apache's own tests expect.
func TestOffsetsBody(t *testing.T) {
	for body, want := range map[string]string{
		`[]`:                              "Cannot deserialize value of type `org.apache.kafka.connect.runtime.rest.entities.ConnectorOffsets` from Array value (token `JsonToken.START_ARRAY`)",
		`{"key":[]}`:                      `Unrecognized field "key" (class org.apache.kafka.connect.runtime.rest.entities.ConnectorOffsets), not marked as ignorable (one known property: "offsets")`,
		`{"offsets":{}}`:                  "Cannot deserialize value of type `java.util.ArrayList<org.apache.kafka.connect.runtime.rest.entities.ConnectorOffset>` from Object value",
		`{"offsets":[123]}`:               "Cannot construct instance of `org.apache.kafka.connect.runtime.rest.entities.ConnectorOffset` (although at least one Creator exists): no int/Int-argument constructor/factory method to deserialize from Number value (123)",
		`{"offsets":[{"key":"val"}]}`:     `Unrecognized field "key" (class org.apache.kafka.connect.runtime.rest.entities.ConnectorOffset)`,
		`{"offsets":[{"partition":[]]}]}`: "Cannot deserialize value of type `java.util.LinkedHashMap<java.lang.String,java.lang.Object>` from Array value",
		`{"offsets":[{"partition":"x"}]}`: "Cannot construct instance of `java.util.LinkedHashMap` (although at least one Creator exists): no String-argument",
		`{"offsets":[{"offset":{"p":}}]}`: "Unexpected close marker '}'",
	} {
		if _, err := readBody([]byte(body), (*jsonReader).offsets); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, not %q", body, err, want)
		}
	}
	for _, body := range []string{``, `null`, `{}`, `{"offsets":null}`, `{"offsets":[null,{},{"partition":null,"offset":{"a":[1,{"b":[]}],"c":{"d":-1.5e3}}}]}`} {
		if _, err := readBody([]byte(body), (*jsonReader).offsets); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}
