package registry

import (
	"fmt"
	"math"
	"strconv"
	"time"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millwright-connect/millwright/connectors/data"
)

// A protoValue reads one value: a varint or fixed number is in n, all else in b.
type protoValue func(n uint64, b []byte) (data.Value, error)

// A protoSlot is where a field of a message goes in a struct.
type protoSlot struct {
	at       int          // in the struct
	union    *data.Schema // the schema of the struct for its oneof, nil if it is in none
	member   int          // in that
	wire     protowire.Type
	read     protoValue
	repeated bool
	entry    bool       // repeated, of a map
	message  bool       // parts of one are joined
	absent   data.Value // what it is when it is not there
}

// A protoDecoder reads a message as a struct.
type protoDecoder struct {
	schema *data.Schema
	slots  []protoSlot
	byNum  map[protowire.Number]int
	empty  []data.Value // the fields of a message without any
}

// protoDecoders makes the decoders of messages by what toConnect made of them.
type protoDecoders struct{ *protoConfig }

func (c *protoDecoders) message(s *data.Schema, m protoreflect.MessageDescriptor) (*protoDecoder, error) {
	d := &protoDecoder{schema: s, byNum: map[protowire.Number]int{}, empty: make([]data.Value, len(s.Fields()))}
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		slot := protoSlot{at: s.Index(string(f.Name())), wire: wireType(f)}
		o := f.ContainingOneof()
		if o != nil && !o.IsSynthetic() && !c.flatten {
			slot.at = s.Index(c.unionField(o))
			slot.union = s.Fields()[slot.at].Schema
			slot.member = slot.union.Index(string(f.Name()))
		}
		fs := s.Fields()[slot.at].Schema
		if slot.union != nil {
			fs = slot.union.Fields()[slot.member].Schema
		}
		slot.repeated = f.Cardinality() == protoreflect.Repeated
		slot.entry = slot.repeated && fs.Kind() == data.Map
		slot.message = !slot.repeated && fs.Kind() == data.StructKind
		vs := fs
		if slot.repeated && !slot.entry {
			vs = fs.Elem()
		}
		var err error
		if slot.read, err = c.value(vs, f, slot.entry); err != nil {
			return nil, err
		}
		switch {
		case slot.entry:
			slot.absent = data.MapFrom(nil)
		case slot.repeated:
			slot.absent = data.List(nil)
		case slot.union != nil || o != nil && !o.IsSynthetic():
		case f.Kind() == protoreflect.MessageKind:
			if c.structForNulls && !isLogical(vs) {
				if slot.absent, err = slot.read(0, nil); err != nil {
					return nil, err
				}
			}
		case f.HasOptionalKeyword() && (f.ParentFile().Syntax() == protoreflect.Proto3 || c.proto2):
		default:
			slot.absent = defaultOf(vs, f)
		}
		if slot.union == nil {
			d.empty[slot.at] = slot.absent
		}
		d.byNum[f.Number()] = len(d.slots)
		d.slots = append(d.slots, slot)
	}
	return d, nil
}

// defaultOf is what a field is that is not there: its zero, or what proto2 says.
func defaultOf(s *data.Schema, f protoreflect.FieldDescriptor) data.Value {
	def := f.Default()
	switch s.Kind() {
	case data.String:
		if f.Kind() == protoreflect.EnumKind {
			v := f.DefaultEnumValue()
			if v == nil {
				v = f.Enum().Values().Get(0)
			}
			return data.Str(string(v.Name()))
		}
		return data.Str(def.String())
	case data.Bytes:
		return data.Bin(append([]byte{}, def.Bytes()...))
	case data.Bool:
		return data.B(def.Bool())
	case data.Float32:
		return data.F32(float32(def.Float()))
	case data.Float64:
		return data.F64(def.Float())
	}
	var n int64
	switch x := def.Interface().(type) {
	case int32:
		n = int64(x)
	case int64:
		n = x
	case uint32:
		n = int64(x)
	case uint64:
		n = int64(x)
	case protoreflect.EnumNumber:
		n = int64(x)
	}
	return integerOf(s.Kind(), n)
}

func integerOf(k data.Kind, n int64) data.Value {
	switch k {
	case data.Int8:
		return data.I8(int8(n))
	case data.Int16:
		return data.I16(int16(n))
	case data.Int32:
		return data.I32(int32(n))
	}
	return data.I64(n)
}

// decode reads a message. b is a copy that texts may be part of.
func (d *protoDecoder) decode(b []byte) (data.Value, error) {
	values := append([]data.Value(nil), d.empty...)
	var lists map[int][]data.Value
	var entries map[int][]data.Entry
	var parts map[int][]byte // of messages seen so far
	for len(b) > 0 {
		num, typ, size := protowire.ConsumeTag(b)
		if size < 0 {
			return data.Value{}, protowire.ParseError(size)
		}
		b = b[size:]
		i, known := d.byNum[num]
		if !known || typ != d.slots[i].wire && typ != protowire.BytesType {
			if size = protowire.ConsumeFieldValue(num, typ, b); size < 0 {
				return data.Value{}, protowire.ParseError(size)
			}
			b = b[size:]
			continue
		}
		slot := &d.slots[i]
		n, body, size, err := consume(num, typ, b)
		if err != nil {
			return data.Value{}, err
		}
		b = b[size:]
		switch {
		case slot.repeated && typ != slot.wire: // packed
			if lists == nil {
				lists = map[int][]data.Value{}
			}
			if lists[i], err = slot.unpack(lists[i], body); err != nil {
				return data.Value{}, err
			}
			continue
		case typ != slot.wire:
			continue // of another type than the schema's: unknown
		case slot.message:
			if before, again := parts[i]; again {
				body = append(append([]byte(nil), before...), body...)
			}
			if parts == nil {
				parts = map[int][]byte{}
			}
			parts[i] = body
		}
		v, err := slot.read(n, body)
		if err != nil {
			return data.Value{}, err
		}
		switch {
		case slot.entry:
			if entries == nil {
				entries = map[int][]data.Entry{}
			}
			pair := v.List()
			entries[i] = append(entries[i], data.Entry{Key: pair[0], Value: pair[1]})
		case slot.repeated:
			if lists == nil {
				lists = map[int][]data.Value{}
			}
			lists[i] = append(lists[i], v)
		case slot.union != nil:
			members := make([]data.Value, len(slot.union.Fields()))
			members[slot.member] = v
			values[slot.at] = data.NewStruct(slot.union, members...).Value()
		default:
			values[slot.at] = v
		}
	}
	for i, list := range lists {
		values[d.slots[i].at] = data.List(list)
	}
	for i, list := range entries {
		values[d.slots[i].at] = data.MapFrom(list)
	}
	return data.NewStruct(d.schema, values...).Value(), nil
}

func consume(num protowire.Number, typ protowire.Type, b []byte) (n uint64, body []byte, size int, err error) {
	switch typ {
	case protowire.VarintType:
		n, size = protowire.ConsumeVarint(b)
	case protowire.Fixed32Type:
		var v uint32
		v, size = protowire.ConsumeFixed32(b)
		n = uint64(v)
	case protowire.Fixed64Type:
		n, size = protowire.ConsumeFixed64(b)
	case protowire.BytesType:
		body, size = protowire.ConsumeBytes(b)
	case protowire.StartGroupType:
		body, size = protowire.ConsumeGroup(num, b)
	default:
		size = -1
	}
	if size < 0 {
		return 0, nil, 0, protowire.ParseError(size)
	}
	return n, body, size, nil
}

func (s *protoSlot) unpack(list []data.Value, b []byte) ([]data.Value, error) {
	for len(b) > 0 {
		n, body, size, err := consume(0, s.wire, b)
		if err != nil {
			return nil, err
		}
		v, err := s.read(n, body)
		if err != nil {
			return nil, err
		}
		list, b = append(list, v), b[size:]
	}
	return list, nil
}

// value makes the reader of one value of a field, for a map that of an entry as
// a list of key and value.
func (c *protoDecoders) value(s *data.Schema, f protoreflect.FieldDescriptor, entry bool) (protoValue, error) {
	switch f.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		if entry {
			return c.entry(s, f)
		}
		return c.nested(s, f.Message())
	case protoreflect.EnumKind:
		if s.Kind() == data.Int32 {
			return func(n uint64, _ []byte) (data.Value, error) { return data.I32(int32(n)), nil }, nil
		}
		e := f.Enum()
		names := map[int32]data.Value{}
		for i := range e.Values().Len() {
			v := e.Values().Get(i)
			if _, dup := names[int32(v.Number())]; !dup {
				names[int32(v.Number())] = data.Str(string(v.Name()))
			}
		}
		return func(n uint64, _ []byte) (data.Value, error) {
			if v, ok := names[int32(n)]; ok {
				return v, nil
			}
			return data.Str("UNKNOWN_ENUM_VALUE_" + string(e.Name()) + "_" + strconv.Itoa(int(int32(n)))), nil
		}, nil
	case protoreflect.StringKind:
		return func(_ uint64, b []byte) (data.Value, error) {
			return data.Str(unsafe.String(unsafe.SliceData(b), len(b))), nil // of the copy
		}, nil
	case protoreflect.BytesKind:
		return func(_ uint64, b []byte) (data.Value, error) { return data.Bin(append([]byte{}, b...)), nil }, nil
	case protoreflect.BoolKind:
		return func(n uint64, _ []byte) (data.Value, error) { return data.B(n != 0), nil }, nil
	case protoreflect.FloatKind:
		return func(n uint64, _ []byte) (data.Value, error) { return data.F32(math.Float32frombits(uint32(n))), nil }, nil
	case protoreflect.DoubleKind:
		return func(n uint64, _ []byte) (data.Value, error) { return data.F64(math.Float64frombits(n)), nil }, nil
	}
	kind, k := s.Kind(), f.Kind()
	return func(n uint64, _ []byte) (data.Value, error) {
		i := int64(n)
		switch k {
		case protoreflect.Int32Kind, protoreflect.Sfixed32Kind:
			i = int64(int32(n))
		case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
			i = int64(uint32(n))
		case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
			i = protowire.DecodeZigZag(n)
		}
		return integerOf(kind, i), nil
	}, nil
}

func (c *protoDecoders) entry(s *data.Schema, f protoreflect.FieldDescriptor) (protoValue, error) {
	m := f.Message()
	inner, err := data.NewStructSchema("", data.F("key", s.Key()), data.F("value", s.Elem()))
	if err != nil {
		return nil, err
	}
	d, err := c.message(inner, m)
	if err != nil {
		return nil, err
	}
	return func(_ uint64, b []byte) (data.Value, error) {
		v, err := d.decode(b)
		if err != nil {
			return v, err
		}
		return data.List(v.Struct().Values()), nil
	}, nil
}

func (c *protoDecoders) nested(s *data.Schema, m protoreflect.MessageDescriptor) (protoValue, error) {
	switch s.Name() {
	case data.DecimalName:
		return readDecimal, nil
	case data.DateName:
		return func(_ uint64, b []byte) (data.Value, error) {
			f, err := small(b)
			t := time.Date(int(f[1]), time.Month(f[2]), int(f[3]), 0, 0, 0, 0, time.UTC)
			if err == nil && (t.Month() != time.Month(f[2]) || t.Day() != int(f[3])) {
				err = data.Fail("%d-%d-%d is no date", f[1], f[2], f[3])
			}
			return data.At(t), err
		}, nil
	case data.TimeName:
		return func(_ uint64, b []byte) (data.Value, error) {
			f, err := small(b)
			return data.Millis(f[1]*3_600_000 + f[2]*60_000 + f[3]*1000 + f[4]/1_000_000), err
		}, nil
	case data.TimestampName:
		return func(_ uint64, b []byte) (data.Value, error) {
			f, err := small(b)
			return data.Millis(f[1]*1000 + f[2]/1_000_000), err
		}, nil
	}
	if s.Kind() != data.StructKind {
		return c.wrapped(s, m)
	}
	d, err := c.message(s, m)
	if err != nil {
		return nil, err
	}
	return func(_ uint64, b []byte) (data.Value, error) { return d.decode(b) }, nil
}

// wrapped reads the one value of a wrapper.
func (c *protoDecoders) wrapped(s *data.Schema, m protoreflect.MessageDescriptor) (protoValue, error) {
	inner, err := data.NewStructSchema("", data.F("value", s))
	if err != nil {
		return nil, err
	}
	d, err := c.message(inner, m)
	if err != nil {
		return nil, err
	}
	return func(_ uint64, b []byte) (data.Value, error) {
		v, err := d.decode(b)
		if err != nil {
			return v, err
		}
		return v.Struct().At(0), nil
	}, nil
}

// small reads a message of a few whole numbers, as dates are, by number.
func small(b []byte) (f [5]int64, err error) {
	for len(b) > 0 {
		num, typ, size := protowire.ConsumeTag(b)
		if size < 0 {
			return f, protowire.ParseError(size)
		}
		b = b[size:]
		if typ == protowire.VarintType && num < protowire.Number(len(f)) {
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return f, protowire.ParseError(n)
			}
			f[num] = int64(v)
			b = b[n:]
			continue
		}
		n := protowire.ConsumeFieldValue(num, typ, b)
		if n < 0 {
			return f, protowire.ParseError(n)
		}
		b = b[n:]
	}
	return f, nil
}

func readDecimal(_ uint64, b []byte) (data.Value, error) {
	f, err := small(b)
	if err != nil {
		return data.Value{}, err
	}
	var unscaled []byte
	each(b, func(n protowire.Number, v []byte) {
		if n == 1 {
			unscaled = v
		}
	})
	if f[3] != int64(int32(f[3])) {
		return data.Value{}, fmt.Errorf("a decimal with scale %d", f[3])
	}
	return data.Dec(data.BigIntOf(unscaled), int32(f[3])), nil
}
