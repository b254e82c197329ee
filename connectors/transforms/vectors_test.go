package transforms

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/test/vectors"
)

type question struct {
	Class string
	Props connect.Props
}

func TestTransformsAsJava(t *testing.T) {
	vectors.Run(t, "transforms", []string{"transform"}, func(_ *testing.T, v *vectors.Vector) error {
		var q question
		v.BindConfig(&q)
		plugin, ok := connect.Registered.Transforms.Find(q.Class)
		if !ok {
			t.Fatal("no transform", q.Class)
		}
		tr, err := plugin.Open(q.Props)
		if err != nil || configureFails(v) {
			return checkError(v, err)
		}
		var in, want *vectors.Record
		v.BindInput(&in)
		var second, untouched vectors.Record
		v.BindInput(&untouched)
		second.Record = in.Record
		before := in.Record
		keep, err := tr.Apply(&in.Record)
		if e := vectors.DiffRecord(&untouched.Record, &before); e != nil {
			return fmt.Errorf("contents were changed, not replaced: %w", e)
		}
		if err := checkError(v, err); err != nil || v.Failed() {
			return err
		}
		v.BindOutput(&want)
		if _, err := tr.Apply(&second.Record); err != nil {
			return fmt.Errorf("the second record of that schema: %w", err)
		}
		if second.Value.Schema != in.Value.Schema || second.Key.Schema != in.Key.Schema {
			return errors.New("the second record of a schema got another new schema than the first")
		}
		if err := vectors.DiffRecord(&second.Record, &in.Record); err != nil {
			return fmt.Errorf("the second record of that schema: %w", err)
		}
		if want == nil || !keep {
			return vectors.DiffRecord(record(want), record(map[bool]*vectors.Record{true: in}[keep]))
		}
		return vectors.DiffRecord(&want.Record, &in.Record)
	})
}

func record(r *vectors.Record) *connect.Record {
	if r == nil {
		return nil
	}
	return &r.Record
}

func TestPredicatesAsJava(t *testing.T) {
	vectors.Run(t, "transforms", []string{"predicate"}, func(_ *testing.T, v *vectors.Vector) error {
		var q question
		v.BindConfig(&q)
		plugin, ok := connect.Registered.Predicates.Find(q.Class)
		if !ok {
			t.Fatal("no predicate", q.Class)
		}
		p, err := plugin.Open(q.Props)
		if err != nil || configureFails(v) {
			return checkError(v, err)
		}
		var in vectors.Record
		v.BindInput(&in)
		got, err := p.Test(&in.Record)
		if err := checkError(v, err); err != nil || v.Failed() {
			return err
		}
		return vectors.DiffJSON(v.Output, got)
	})
}

func configureFails(v *vectors.Vector) bool { return v.Err != nil && v.Err.Phase == "configure" }

// checkError demands Java's texts but for what Java alone can say: an identity,
// the class of a buffer, all that a record holds.
func checkError(v *vectors.Vector, err error) error {
	if v.Err != nil && v.Err.Message != nil {
		text := strings.ReplaceAll(*v.Err.Message, "java.nio.HeapByteBuffer", "[B")
		for _, own := range []string{"No value specified for static field: ", "Timestamp missing on record: "} {
			if at := strings.Index(text, own); err != nil && at >= 0 && strings.HasPrefix(err.Error(), text[:at+len(own)]) {
				text = err.Error()
			}
		}
		v.Err.Message = &text
	}
	return v.CheckErrorText(err)
}
