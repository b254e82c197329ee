package connecttest

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// Transform proves what every transform must do: it changes the record that it
// gets and nothing that the record shares with others, and it stands tombstones
// and values of every form, with an error at most.
func Transform(t *testing.T, p connect.TransformPlugin, valid connect.Props, opts ...Option) {
	t.Helper()
	o := choose(opts)
	definition(t, o, p.Class, p.Version, p.Config, valid)
	t.Run("apply", func(t *testing.T) {
		before := goleak.IgnoreCurrent()
		tr, err := p.Open(valid)
		if err != nil {
			t.Fatal(err)
		}
		for name, r := range specimens() {
			shared := r
			was := pictureOf(&shared)
			mine := r
			mine.Headers = append([]connect.Header(nil), r.Headers...)
			unharmed(t, name, func() {
				if keep, err := tr.Apply(&mine); err == nil && keep && mine.Topic == "" {
					t.Errorf("%s: the record has lost its topic", name)
				}
			})
			if now := pictureOf(&shared); now != was {
				t.Errorf("%s: what records share was changed, not replaced:\n  was %s\n  is  %s", name, was, now)
			}
		}
		finish(t, tr)
		quiet(t, o, before)
	})
	t.Run("failed open", func(t *testing.T) {
		for name, props := range broken(p.Config, valid) {
			if tr, err := p.Open(props); err == nil {
				t.Errorf("it opens %s", name)
				finish(t, tr)
			}
		}
	})
}

// Predicate proves what every predicate must do: it changes nothing and stands
// every form of record.
func Predicate(t *testing.T, p connect.PredicatePlugin, valid connect.Props, opts ...Option) {
	t.Helper()
	o := choose(opts)
	definition(t, o, p.Class, p.Version, p.Config, valid)
	t.Run("test", func(t *testing.T) {
		before := goleak.IgnoreCurrent()
		pr, err := p.Open(valid)
		if err != nil {
			t.Fatal(err)
		}
		for name, r := range specimens() {
			was := pictureOf(&r)
			unharmed(t, name, func() { _, _ = pr.Test(&r) })
			if now := pictureOf(&r); now != was {
				t.Errorf("%s: the record was changed:\n  was %s\n  is  %s", name, was, now)
			}
		}
		finish(t, pr)
		quiet(t, o, before)
	})
	t.Run("failed open", func(t *testing.T) {
		for name, props := range broken(p.Config, valid) {
			if pr, err := p.Open(props); err == nil {
				t.Errorf("it opens %s", name)
				finish(t, pr)
			}
		}
	})
}

// unharmed runs f and turns a panic into a failure that names the record.
func unharmed(t *testing.T, name string, f func()) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("%s: panic: %v", name, r)
		}
	}()
	f()
}

// finish closes what holds resources.
func finish(t *testing.T, x any) {
	t.Helper()
	if c, ok := x.(io.Closer); ok {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func pictureOf(r *connect.Record) string {
	var b strings.Builder
	draw(&b, r)
	return b.String()
}

// specimens are records of every form that a transform may meet.
func specimens() map[string]connect.Record {
	inner := data.StructOf("inner", data.F("x", data.Of(data.Int32)), data.F("y", data.OptionalOf(data.String)))
	whole := data.StructOf("reading",
		data.F("id", data.Of(data.Int64)), data.F("name", data.Of(data.String)), data.F("value", data.OptionalOf(data.Float64)), data.F("ok", data.Of(data.Bool)),
		data.F("raw", data.Of(data.Bytes)), data.F("tags", data.ArrayOf(data.Of(data.String))), data.F("limits", data.MapOf(data.Of(data.String), data.Of(data.Float64))),
		data.F("at", data.Timestamp()), data.F("inner", inner))
	structured := func() data.Datum {
		return data.Datum{Schema: whole, Value: structOf(whole, data.I64(7), data.Str("press 1"), data.F64(1.5), data.B(true), data.Bin([]byte("raw")),
			data.List([]data.Value{data.Str("a"), data.Str("b")}), data.MapFrom([]data.Entry{{Key: data.Str("hi"), Value: data.F64(9)}}), data.Millis(1700000000000),
			structOf(inner, data.I32(1), data.Value{}))}
	}
	schemaless := func() data.Datum {
		return data.Datum{Value: data.MapFrom([]data.Entry{
			{Key: data.Str("id"), Value: data.I64(7)},
			{Key: data.Str("name"), Value: data.Str("press 1")},
			{Key: data.Str("value"), Value: data.F64(1.5)},
			{Key: data.Str("tags"), Value: data.List([]data.Value{data.Str("a"), data.I64(1)})},
			{Key: data.Str("inner"), Value: data.MapFrom([]data.Entry{{Key: data.Str("x"), Value: data.I32(1)}})},
			{Key: data.Str("none")},
		})}
	}
	text := data.Datum{Schema: data.Of(data.String), Value: data.Str("text")}
	out := map[string]connect.Record{}
	for name, d := range map[string]data.Datum{
		"struct": structured(), "map without schema": schemaless(), "text": text, "null": {}, "null with schema": {Schema: whole.Optional()},
		"number without schema": {Value: data.I64(5)}, "bytes": {Schema: data.Of(data.Bytes), Value: data.Bin([]byte{0, 255})},
		"timestamp": {Schema: data.Timestamp(), Value: data.Millis(0)},
		"array":     {Schema: data.ArrayOf(data.Of(data.Int32)), Value: data.List([]data.Value{data.I32(1)})},
	} {
		for _, timestamp := range []int64{1700000000000, connect.NoTimestamp} {
			r := connect.Record{
				Topic: "topic", Partition: 3, Key: d, Value: d, Timestamp: timestamp, Offset: 42,
				Headers: []connect.Header{{Key: "h", Value: text}, {Key: "s", Value: structured()}, {Key: "h", Value: data.Datum{}}},
			}
			out[fmt.Sprintf("%s at %d", name, timestamp)] = r
			r.Key, r.Headers, r.Partition, r.Offset = data.Datum{}, nil, -1, -1
			out[fmt.Sprintf("%s without key and headers at %d", name, timestamp)] = r
		}
	}
	return out
}

func structOf(s *data.Schema, values ...data.Value) data.Value {
	return data.NewStruct(s, values...).Value()
}
