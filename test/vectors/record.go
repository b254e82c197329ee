package vectors

import (
	"encoding/json"
	"strconv"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// A Record is a record of either kind, as transforms see it, with what the
// vectors tell of it besides.
type Record struct {
	connect.Record
	Kind          string // source or sink
	TimestampType string // of a sink: NoTimestampType, CreateTime, LogAppendTime
}

type headerJSON struct {
	Key    string `json:"key"`
	Schema S      `json:"schema"`
	Value  V      `json:"value"`
}

type recordJSON struct {
	Kind          string       `json:"kind"`
	Topic         string       `json:"topic"`
	Partition     *int32       `json:"partition"`
	KeySchema     S            `json:"keySchema"`
	Key           V            `json:"key"`
	ValueSchema   S            `json:"valueSchema"`
	Value         V            `json:"value"`
	Timestamp     *string      `json:"timestamp"`
	Headers       []headerJSON `json:"headers"`
	Offset        *string      `json:"offset,omitempty"`
	TimestampType string       `json:"timestampType,omitempty"`
}

// UnmarshalJSON decodes an R. Decode into a *Record to tell a null, which is a
// record that was dropped.
func (r *Record) UnmarshalJSON(b []byte) (err error) {
	var x recordJSON
	if err = json.Unmarshal(b, &x); err != nil {
		return err
	}
	*r = Record{Kind: x.Kind, TimestampType: x.TimestampType, Record: connect.Record{
		Topic: x.Topic, Partition: -1, Timestamp: connect.NoTimestamp, Offset: -1,
		Key:   data.Datum{Schema: x.KeySchema.Schema, Value: x.Key.Value},
		Value: data.Datum{Schema: x.ValueSchema.Schema, Value: x.Value.Value},
	}}
	if x.Partition != nil {
		r.Partition = *x.Partition
	}
	if x.Timestamp != nil {
		if r.Timestamp, err = strconv.ParseInt(*x.Timestamp, 10, 64); err != nil {
			return err
		}
	}
	if x.Offset != nil {
		if r.Offset, err = strconv.ParseInt(*x.Offset, 10, 64); err != nil {
			return err
		}
	}
	for _, h := range x.Headers {
		r.Headers = append(r.Headers, connect.Header{Key: h.Key, Value: data.Datum{Schema: h.Schema.Schema, Value: h.Value.Value}})
	}
	return nil
}

// MarshalJSON encodes an R.
func (r Record) MarshalJSON() ([]byte, error) {
	x := recordJSON{
		Kind: r.Kind, Topic: r.Topic, TimestampType: r.TimestampType, KeySchema: S{r.Key.Schema}, Key: V{r.Key.Value},
		ValueSchema: S{r.Value.Schema}, Value: V{r.Value.Value}, Headers: []headerJSON{},
	}
	if r.Partition != -1 {
		x.Partition = &r.Partition
	}
	if r.Timestamp != connect.NoTimestamp {
		s := strconv.FormatInt(r.Timestamp, 10)
		x.Timestamp = &s
	}
	if r.Offset != -1 {
		s := strconv.FormatInt(r.Offset, 10)
		x.Offset = &s
	}
	for _, h := range r.Headers {
		x.Headers = append(x.Headers, headerJSON{h.Key, S{h.Value.Schema}, V{h.Value.Value}})
	}
	return json.Marshal(x)
}
