package offsets

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// Java's names of the exceptions of the offsets requests.
const (
	badRequest      = "org.apache.kafka.connect.runtime.rest.errors.BadRequestException"
	nullPointer     = "java.lang.NullPointerException"
	mismatchedInput = "com.fasterxml.jackson.databind.exc.MismatchedInputException"
	unrecognized    = "com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException"
	jsonParse       = "com.fasterxml.jackson.core.JsonParseException"
	numberFormat    = "java.lang.NumberFormatException"
)

// ParseOffsets reads the body of PATCH /connectors/NAME/offsets. Of entries for
// the same partition the last one counts. A missing partition or offset is nil.
// An error of class BadRequestException is a 400, the others, for which Java's
// texts are those of its JSON library, are 500s.
func ParseOffsets(body []byte) ([]connect.PartitionOffset, error) {
	if len(bytes.TrimSpace(body)) == 0 || string(bytes.TrimSpace(body)) == "null" {
		return nil, data.Errorf(nullPointer, "the body of an alter offsets request is missing")
	}
	var raw struct {
		Offsets *[]*struct {
			Partition *connect.Object `json:"partition"`
			Offset    *connect.Object `json:"offset"`
		} `json:"offsets"`
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	d.DisallowUnknownFields()
	err := d.Decode(&raw)
	if err == nil {
		if _, e := d.Token(); e != io.EOF {
			err = fmt.Errorf("there is text after the JSON value")
		}
	}
	if err != nil {
		return nil, data.Errorf(classOf(err), "the body of an alter offsets request should be "+
			`{"offsets":[{"partition":{...},"offset":{...}}]}, but: %s`, strings.TrimPrefix(err.Error(), "json: "))
	}
	if raw.Offsets == nil || len(*raw.Offsets) == 0 {
		return nil, data.Errorf(badRequest, "Partitions / offsets need to be provided for an alter offsets request")
	}
	var list []connect.PartitionOffset
	at := map[string]int{}
	for i, e := range *raw.Offsets {
		if e == nil {
			return nil, data.Errorf(nullPointer, "element %d of the offsets is null", i)
		}
		// Not identity, which refuses what a partition may not hold: that is
		// for the connector to say first.
		id, err := json.Marshal(e.Partition)
		if err != nil {
			return nil, data.Errorf(jsonParse, "element %d of the offsets: %w", i, err)
		}
		p := connect.PartitionOffset{Partition: object(e.Partition), Offset: object(e.Offset)}
		if n, ok := at[string(id)]; ok {
			list[n] = p
			continue
		}
		at[string(id)] = len(list)
		list = append(list, p)
	}
	return list, nil
}

func object(o *connect.Object) connect.Object {
	if o == nil || *o == nil {
		return nil
	}
	numbers(*o)
	return *o
}

func classOf(err error) string {
	switch err.(type) {
	case *json.UnmarshalTypeError:
		return mismatchedInput
	case *json.SyntaxError:
		return jsonParse
	}
	if strings.HasPrefix(err.Error(), "json: unknown field") {
		return unrecognized
	}
	return jsonParse
}

// What the partitions and offsets of a sink are made of.
const (
	SinkTopic     = "kafka_topic"
	SinkPartition = "kafka_partition"
	SinkOffset    = "kafka_offset"
)

// SinkOffsets makes of what a user wants to set for a sink the offsets of its
// consumer group; a nil offset resets the partition. The messages are those of
// Java's SinkUtils.
func SinkOffsets(list []connect.PartitionOffset) (map[connect.TopicPartition]*int64, error) {
	offsets := make(map[connect.TopicPartition]*int64, len(list))
	for _, e := range list {
		if e.Partition == nil {
			return nil, data.Errorf(badRequest, "The partition for a sink connector offset cannot be null or missing")
		}
		topic, hasTopic := e.Partition[SinkTopic]
		partition, hasPartition := e.Partition[SinkPartition]
		switch {
		case !hasTopic || !hasPartition:
			return nil, data.Errorf(badRequest, "The partition for a sink connector offset must contain the keys '%s' and '%s'",
				SinkTopic, SinkPartition)
		case topic == nil:
			return nil, data.Errorf(badRequest, "Kafka topic names must be valid strings and may not be null")
		case partition == nil:
			return nil, data.Errorf(badRequest, "Kafka partitions must be valid numbers and may not be null")
		}
		n, err := whole(partition, 32)
		if err != nil {
			return nil, &data.Error{Class: badRequest, Cause: err, Message: "Failed to parse the following Kafka partition value in the provided offsets: '" +
				text(partition) + "'. Partition values for sink connectors need to be integers."}
		}
		tp := connect.TopicPartition{Topic: text(topic), Partition: int32(n)}
		if e.Offset == nil {
			offsets[tp] = nil
			continue
		}
		offset, ok := e.Offset[SinkOffset]
		if !ok {
			return nil, data.Errorf(badRequest, "The offset for a sink connector should either be null or contain the key '%s'", SinkOffset)
		}
		n, err = whole(offset, 64)
		if err != nil {
			return nil, &data.Error{Class: badRequest, Cause: err, Message: "Failed to parse the following Kafka offset value in the provided offsets: '" +
				text(offset) + "'. Offset values for sink connectors need to be integers."}
		}
		offsets[tp] = &n
	}
	return offsets, nil
}

// whole reads a number, or text of one: a user may quote it.
func whole(v any, bits int) (int64, error) {
	n, err := strconv.ParseInt(text(v), 10, bits)
	if err != nil {
		return 0, &data.Error{Class: numberFormat, Message: `For input string: "` + text(v) + `"`}
	}
	return n, nil
}

// text renders a JSON value as Java's String.valueOf does.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return string(data.AppendFloat64(nil, v))
	case float32:
		return string(data.AppendFloat32(nil, v))
	case *big.Int:
		return v.String()
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = text(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case connect.Object:
		var parts []string
		for _, k := range sorted(v) {
			parts = append(parts, k+"="+text(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v)
}
