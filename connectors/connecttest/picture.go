package connecttest

import (
	"fmt"
	"strings"

	"github.com/millwright-connect/millwright/connectors/connect"
	"github.com/millwright-connect/millwright/connectors/data"
)

var none data.Datum

// picture writes records out, with all that they point to.
func picture(records []connect.SinkRecord) string {
	var b strings.Builder
	for i := range records {
		draw(&b, &records[i].Record)
	}
	return b.String()
}

func draw(b *strings.Builder, r *connect.Record) {
	fmt.Fprintf(b, "%s %d %d %d ", r.Topic, r.Partition, r.Timestamp, r.Offset)
	drawDatum(b, r.Key)
	drawDatum(b, r.Value)
	for _, h := range r.Headers {
		fmt.Fprintf(b, "%q=", h.Key)
		drawDatum(b, h.Value)
	}
	b.WriteString("\n")
}

func drawDatum(b *strings.Builder, d data.Datum) {
	if d.Schema != nil {
		fmt.Fprintf(b, "%v/%s/%v:", d.Schema.Kind(), d.Schema.Name(), d.Schema.IsOptional())
		for _, f := range d.Schema.Fields() {
			fmt.Fprintf(b, "%s,", f.Name)
		}
	}
	drawValue(b, d.Value)
	b.WriteString("; ")
}

func drawValue(b *strings.Builder, v data.Value) {
	switch v.Kind() {
	case data.Array:
		b.WriteString("[")
		for _, e := range v.List() {
			drawValue(b, e)
			b.WriteString(" ")
		}
		b.WriteString("]")
	case data.Map:
		b.WriteString("{")
		for _, e := range v.Map().Entries() {
			drawValue(b, e.Key)
			b.WriteString(":")
			drawValue(b, e.Value)
			b.WriteString(" ")
		}
		b.WriteString("}")
	case data.StructKind:
		s := v.Struct()
		b.WriteString("(")
		for i, f := range s.Schema().Fields() {
			b.WriteString(f.Name + ":")
			drawValue(b, s.At(i))
			b.WriteString(" ")
		}
		b.WriteString(")")
	case data.Bytes:
		fmt.Fprintf(b, "%x", v.Bytes())
	default:
		fmt.Fprintf(b, "%v %s", v.Kind(), v.String())
	}
}
