package vectors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// Show renders V, S, Datum, Record or anything else as compact JSON.
func Show(x any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(x); err != nil {
		return fmt.Sprintf("%+v (%v)", x, err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// DiffValue returns nil when both values are equal (maps without order), else
// an error that names the first place where they differ.
func DiffValue(want, got data.Value) error { return diffValue("value", want, got) }

func diffValue(at string, want, got data.Value) error {
	if same(want, got) {
		return nil
	}
	if want.Kind() == got.Kind() {
		switch want.Kind() {
		case data.Array:
			if w, g := want.List(), got.List(); len(w) == len(g) {
				for i := range w {
					if err := diffValue(fmt.Sprintf("%s[%d]", at, i), w[i], g[i]); err != nil {
						return err
					}
				}
			}
		case data.Map:
			for _, e := range want.Map().Entries() {
				if g, ok := got.Map().Lookup(e.Key); ok {
					if err := diffValue(fmt.Sprintf("%s{%s}", at, e.Key), e.Value, g); err != nil {
						return err
					}
				}
			}
		case data.StructKind:
			w, g := want.Struct(), got.Struct()
			if err := diffSchema(at+".schema", w.Schema(), g.Schema()); err != nil {
				return err
			}
			for i, f := range w.Schema().Fields() {
				if err := diffValue(at+"."+f.Name, w.At(i), g.At(i)); err != nil {
					return err
				}
			}
		}
	}
	return fmt.Errorf("%s: want %s, got %s", at, Show(V{want}), Show(V{got}))
}

// same is data.Equal, with objects of unknown classes compared by class name.
func same(a, b data.Value) bool {
	if a.Kind() == data.OtherKind && b.Kind() == data.OtherKind {
		return a.Str() == b.Str()
	}
	return data.Equal(a, b)
}

// DiffSchema returns nil when both schemas are equal, else an error that names
// the first place where they differ.
func DiffSchema(want, got *data.Schema) error { return diffSchema("schema", want, got) }

func diffSchema(at string, want, got *data.Schema) error {
	if data.EqualSchemas(want, got) {
		return nil
	}
	if want != nil && got != nil && want.Kind() == got.Kind() && len(want.Fields()) == len(got.Fields()) {
		for i, f := range want.Fields() {
			if f.Name != got.Fields()[i].Name {
				break
			}
			if err := diffSchema(at+"."+f.Name, f.Schema, got.Fields()[i].Schema); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("%s: want %s, got %s", at, Show(S{want}), Show(S{got}))
}

// DiffDatum compares schema and value.
func DiffDatum(want, got data.Datum) error { return diffDatum("", want, got) }

func diffDatum(at string, want, got data.Datum) error {
	return errors.Join(diffSchema(at+"schema", want.Schema, got.Schema), diffValue(at+"value", want.Value, got.Value))
}

// DiffRecord compares everything that a transform may change.
func DiffRecord(want, got *connect.Record) error {
	var errs []error
	differ := func(at string, w, g any) {
		if w != g {
			errs = append(errs, fmt.Errorf("%s: want %v, got %v", at, w, g))
		}
	}
	if want == nil || got == nil {
		differ("dropped", want == nil, got == nil)
		return errors.Join(errs...)
	}
	differ("topic", want.Topic, got.Topic)
	differ("partition", want.Partition, got.Partition)
	differ("timestamp", want.Timestamp, got.Timestamp)
	differ("offset", want.Offset, got.Offset)
	errs = append(errs, diffDatum("key ", want.Key, got.Key), diffDatum("value ", want.Value, got.Value))
	differ("number of headers", len(want.Headers), len(got.Headers))
	for i := range min(len(want.Headers), len(got.Headers)) {
		w, g := want.Headers[i], got.Headers[i]
		differ(fmt.Sprintf("key of header %d", i), w.Key, g.Key)
		errs = append(errs, diffDatum(fmt.Sprintf("header %d (%s) ", i, w.Key), w.Value, g.Value))
	}
	return errors.Join(errs...)
}

// DiffText compares bytes; when both are JSON, they are compared parsed. A nil
// is not an empty one.
func DiffText(want, got []byte) error {
	if (want == nil) == (got == nil) && (bytes.Equal(want, got) || sameJSON(want, got)) {
		return nil
	}
	return fmt.Errorf("want %s, got %s", Show(Text(want)), Show(Text(got)))
}

// DiffJSON compares what got marshals to with the expected JSON, parsed.
func DiffJSON(want json.RawMessage, got any) error {
	b, err := json.Marshal(got)
	if err != nil {
		return err
	}
	if sameJSON(want, b) {
		return nil
	}
	return fmt.Errorf("\n  want   %s\n  got    %s", want, b)
}

func sameJSON(a, b []byte) bool {
	x, errX := parse(a)
	y, errY := parse(b)
	return errX == nil && errY == nil && reflect.DeepEqual(x, y)
}

// parse keeps numbers as they are written: 1 is not 1.0 to a reader of JSON.
func parse(b []byte) (x any, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	err = d.Decode(&x)
	return x, err
}
