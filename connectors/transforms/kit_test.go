package transforms

import (
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/test/vectors"
)

// plant is a record as a machine's source makes it.
var plantSchema = data.StructOf("plant.Reading",
	data.F("machine", data.Of(data.String)),
	data.F("temperature", data.Of(data.Float64)),
	data.F("count", data.Of(data.Int32)),
	data.F("at", data.Of(data.Int64)),
	data.F("unit", data.Of(data.String).Optional().Default(data.Str("C"))),
)

func plantRecord() connect.Record {
	return connect.Record{
		Topic: "plant.line1", Partition: 2, Timestamp: 1483425001864, Offset: 7,
		Key: data.Datum{Schema: data.Of(data.String), Value: data.Str("m1")},
		Value: data.NewStruct(plantSchema,
			data.Str("m1"), data.F64(21.5), data.I32(300), data.I64(1483425001864), data.Value{}).Datum(),
		Headers: []connect.Header{{Key: "site", Value: data.Datum{Schema: data.Of(data.String), Value: data.Str("north")}}},
	}
}

// schemaless is a record of a map.
func schemaless(entries ...data.Entry) connect.Record {
	return connect.Record{Topic: "t", Partition: -1, Timestamp: connect.NoTimestamp, Offset: -1, Value: data.Datum{Value: data.MapFrom(entries)}}
}

func entry(name string, v data.Value) data.Entry { return data.Entry{Key: data.Str(name), Value: v} }

// open makes a transform by its class without the package.
func open(t testing.TB, class string, p connect.Props) connect.Transform {
	t.Helper()
	plugin, ok := connect.Registered.Transforms.Find(prefix + class)
	if !ok {
		t.Fatalf("%s is not registered", class)
	}
	if plugin.Version != version {
		t.Errorf("version of %s: %s", class, plugin.Version)
	}
	tr, err := plugin.Open(p)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// apply runs a transform that has to work.
func apply(t testing.TB, class string, p connect.Props, r *connect.Record) {
	t.Helper()
	if keep, err := open(t, class, p).Apply(r); err != nil || !keep {
		t.Fatalf("%s: keep %v, %v", class, keep, err)
	}
}

func sameValue(t testing.TB, want, got data.Value) {
	t.Helper()
	if err := vectors.DiffValue(want, got); err != nil {
		t.Error(err)
	}
}

// fails runs a transform that has to fail, and leave the record as it was.
func fails(t testing.TB, class string, p connect.Props, r *connect.Record, want string) {
	t.Helper()
	before := *r
	_, err := open(t, class, p).Apply(r)
	if err == nil || err.Error() != want {
		t.Errorf("%s: want the error %q, got %v", class, want, err)
	}
	if err := vectors.DiffRecord(&before, r); err != nil {
		t.Errorf("%s changed the record that it failed on: %v", class, err)
	}
}
