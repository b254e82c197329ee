package connecttest

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

// garbage are bytes that are no converter's, or that end too early.
var garbage = [][]byte{{}, {0}, {0, 0, 0, 0, 1}, {255, 254}, []byte(`{"`), []byte("text"), []byte("null"), []byte(`{"schema":{},"payload":1}`), bytes.Repeat([]byte{'['}, 1000)}

// Converter proves what every converter must do: it appends, keeps and changes
// nothing of what it gets, and stands garbage with an error at most. What it has
// encoded it decodes.
func Converter(t *testing.T, p connect.ConverterPlugin, valid connect.Props, opts ...Option) {
	t.Helper()
	o := choose(opts)
	definition(t, o, p.Class, p.Version, p.Config, typed(p.Config, valid, "value"))
	for _, isKey := range []bool{true, false} {
		typ := map[bool]string{true: "key", false: "value"}[isKey]
		t.Run(typ, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			c, err := p.Open(typed(nil, valid, typ), isKey)
			if err != nil {
				t.Fatal(err)
			}
			for name, r := range specimens() {
				appends(t, name, r.Value, func(dst []byte) ([]byte, error) { return c.Encode(dst, r.Topic, r.Headers, r.Value) })
				b, err := encode(func() ([]byte, error) { return c.Encode(nil, r.Topic, r.Headers, r.Value) })
				if err != nil {
					continue // not every converter takes every form
				}
				keepsNothing(t, name, b, func(b []byte) (data.Datum, error) { return c.Decode(r.Topic, r.Headers, b) }, true)
			}
			for _, b := range garbage {
				keepsNothing(t, "garbage", b, func(b []byte) (data.Datum, error) { return c.Decode("topic", nil, b) }, false)
			}
			unharmed(t, "null", func() { _, _ = c.Decode("topic", nil, nil) })
			finish(t, c)
			quiet(t, o, before)
		})
	}
}

// HeaderConverter proves for headers what Converter proves for keys and values.
func HeaderConverter(t *testing.T, p connect.HeaderConverterPlugin, valid connect.Props, opts ...Option) {
	t.Helper()
	o := choose(opts)
	definition(t, o, p.Class, p.Version, p.Config, typed(p.Config, valid, "header"))
	t.Run("header", func(t *testing.T) {
		before := goleak.IgnoreCurrent()
		c, err := p.Open(typed(nil, valid, "header"))
		if err != nil {
			t.Fatal(err)
		}
		for name, r := range specimens() {
			appends(t, name, r.Value, func(dst []byte) ([]byte, error) { return c.EncodeHeader(dst, r.Topic, "h", r.Value) })
			b, err := encode(func() ([]byte, error) { return c.EncodeHeader(nil, r.Topic, "h", r.Value) })
			if err != nil {
				continue
			}
			keepsNothing(t, name, b, func(b []byte) (data.Datum, error) { return c.DecodeHeader(r.Topic, "h", b) }, true)
		}
		for _, b := range garbage {
			keepsNothing(t, "garbage", b, func(b []byte) (data.Datum, error) { return c.DecodeHeader("topic", "h", b) }, false)
		}
		unharmed(t, "null", func() { _, _ = c.DecodeHeader("topic", "h", nil) })
		finish(t, c)
		quiet(t, o, before)
	})
}

// typed adds converter.type as the worker does; with a config only where it
// declares the property.
func typed(config func() connect.Configurable, p connect.Props, typ string) connect.Props {
	if config != nil {
		var d connect.ConfigDef
		config().Define(&d)
		if !d.Has("converter.type") {
			return p
		}
	}
	p = maps.Clone(p)
	if p == nil {
		p = connect.Props{}
	}
	p["converter.type"] = typ
	return p
}

// encode is a call whose panic another check has reported already.
func encode(f func() ([]byte, error)) (b []byte, err error) {
	defer func() {
		if recover() != nil {
			b, err = nil, connect.DataErrorf("panic")
		}
	}()
	return f()
}

// appends proves that encoding leaves what is in dst and what is in the datum.
func appends(t *testing.T, name string, d data.Datum, encode func(dst []byte) ([]byte, error)) {
	t.Helper()
	unharmed(t, name, func() {
		was := datumPicture(d)
		alone, err := encode(nil)
		if err != nil {
			return
		}
		alone = slices.Clone(alone)
		if alone != nil {
			both, err := encode([]byte("before"))
			if err != nil || !bytes.Equal(both, append([]byte("before"), alone...)) {
				t.Errorf("%s: encoding does not append: %q after \"before\" is %q, %v", name, alone, both, err)
			}
		}
		if now := datumPicture(d); now != was {
			t.Errorf("%s: encoding changes the datum:\n  was %s\n  is  %s", name, was, now)
		}
	})
}

// keepsNothing proves that what was decoded does not change with the bytes.
func keepsNothing(t *testing.T, name string, b []byte, decode func(b []byte) (data.Datum, error), must bool) {
	t.Helper()
	unharmed(t, name, func() {
		mine := slices.Clone(b)
		d, err := decode(mine)
		if err != nil {
			if must {
				t.Errorf("%s: what was encoded, %q, is not decoded: %v", name, b, err)
			}
			return
		}
		if !bytes.Equal(mine, b) {
			t.Errorf("%s: decoding changes the bytes", name)
		}
		was := datumPicture(d)
		for i := range mine {
			mine[i] ^= 0x55
		}
		if now := datumPicture(d); now != was {
			t.Errorf("%s: what was decoded holds on to the bytes:\n  was %s\n  is  %s", name, was, now)
		}
	})
}

func datumPicture(d data.Datum) string {
	var b strings.Builder
	drawDatum(&b, d)
	return b.String()
}
