package offsets

import (
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/test/vectors"
)

// plain makes a value of Java's what a Go connector would have in its place.
func plain(v data.Value) any {
	switch v.Kind() {
	case data.Null:
		return nil
	case data.Bool:
		return v.Bool()
	case data.Int8, data.Int16, data.Int32, data.Int64:
		return v.Int()
	case data.Float32:
		return v.Float32()
	case data.Float64:
		return v.Float64()
	case data.String:
		return v.Str()
	case data.Bytes:
		return v.Bytes()
	case data.DateKind:
		return time.UnixMilli(v.Int())
	case data.DecimalKind:
		return new(big.Rat)
	case data.Array:
		list := []any{}
		for _, e := range v.List() {
			list = append(list, plain(e))
		}
		return list
	case data.Map:
		m := connect.Object{}
		for _, e := range v.Map().Entries() {
			if e.Key.Kind() != data.String {
				return map[any]any{}
			}
			m[e.Key.Str()] = plain(e.Value)
		}
		return m
	}
	panic(v.Kind())
}

func TestOffsetValidateVectors(t *testing.T) {
	vectors.Run(t, "misc", []string{"offset.validate"}, func(_ *testing.T, v *vectors.Vector) error {
		var in vectors.V
		v.BindInput(&in)
		return v.CheckError(Validate(plain(in.Value)))
	})
}

func TestOffsetKeyVectors(t *testing.T) {
	vectors.Run(t, "misc", []string{"offset.key"}, func(_ *testing.T, v *vectors.Vector) error {
		var in vectors.V
		var config struct{ Connector string }
		v.BindInput(&in)
		v.BindConfig(&config)
		p := plain(in.Value)
		if _, ok := p.(map[any]any); ok {
			// Not possible here, by the type of partitions. JsonConverter
			// writes such a map as a list of pairs.
			list := []any{}
			for _, e := range in.Map().Entries() {
				list = append(list, []any{plain(e.Key), plain(e.Value)})
			}
			p = list
		}
		key, err := keyOf(config.Connector, p)
		if v.Err != nil || err != nil {
			return v.CheckError(err)
		}
		var want vectors.Text
		v.BindOutput(&want)
		if string(key) != string(want) {
			return fmt.Errorf("want %s, got %s", want, key)
		}
		return nil
	})
}

func TestOffsetCommittableVectors(t *testing.T) {
	vectors.Run(t, "misc", []string{"offset.committable"}, func(_ *testing.T, v *vectors.Vector) error {
		var calls []struct {
			Do        string
			Record    int
			Partition string
			Offset    int
		}
		type answer struct {
			Offsets       map[string]int `json:"offsets"`
			Committable   int            `json:"committable"`
			Uncommittable int            `json:"uncommittable"`
			Deques        int            `json:"deques"`
			LargestDeque  int            `json:"largestDeque"`
		}
		var want, got []answer
		v.BindInput(&calls)
		v.BindOutput(&want)
		tracker := NewTracker()
		handles := map[int]Handle{}
		for _, c := range calls {
			switch c.Do {
			case "submit":
				p, err := connect.NewSourcePartition(connect.Object{"p": c.Partition})
				if err != nil {
					return err
				}
				handles[c.Record] = tracker.Submit(p, c.Offset)
			case "ack":
				tracker.Ack(handles[c.Record])
			case "drop":
				tracker.Drop(handles[c.Record])
			case "committable":
				x := tracker.Committable()
				a := answer{map[string]int{}, x.Records, x.Pending, x.Queues, x.LargestQueue}
				for _, p := range x.Positions {
					a.Offsets[p.Source.Fields["p"].(string)] = p.Position.(int)
				}
				got = append(got, a)
			default:
				return fmt.Errorf("unknown call %s", c.Do)
			}
		}
		if !reflect.DeepEqual(want, got) {
			return fmt.Errorf("\n want %s\n  got %s", vectors.Show(want), vectors.Show(got))
		}
		return nil
	})
}

func TestOffsetSinkVectors(t *testing.T) {
	vectors.Run(t, "misc", []string{"offset.sink"}, func(_ *testing.T, v *vectors.Vector) error {
		var in struct{ Partition, Offset vectors.V }
		v.BindInput(&in)
		var p connect.PartitionOffset
		p.Partition, _ = plain(in.Partition.Value).(connect.Object)
		p.Offset, _ = plain(in.Offset.Value).(connect.Object)
		parsed, err := SinkOffsets([]connect.PartitionOffset{p})
		if v.Err != nil || err != nil {
			return v.CheckError(err)
		}
		type answer struct {
			Topic     string
			Partition int32
			Offset    *string
		}
		var want, got []answer
		v.BindOutput(&want)
		for tp, offset := range parsed {
			a := answer{tp.Topic, tp.Partition, nil}
			if offset != nil {
				text := strconv.FormatInt(*offset, 10)
				a.Offset = &text
			}
			got = append(got, a)
		}
		if !reflect.DeepEqual(want, got) {
			return fmt.Errorf("want %s, got %s", vectors.Show(want), vectors.Show(got))
		}
		return nil
	})
}
