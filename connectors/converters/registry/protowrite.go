package registry

import (
	"cmp"
	"math"
	"math/big"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millwright-connect/millwright/connectors/data"
)

// protoEncoder makes the encoders of values by messages.
type protoEncoder struct {
	*protoConfig
	strict bool
}

func protoMisfit(s *data.Schema, f protoreflect.FieldDescriptor) error {
	return data.Fail("A value of %s cannot be written as Protobuf field %s of type %s", s, f.FullName(), f.Kind())
}

// message makes the encoder of the body of a message.
func (w *protoEncoder) message(s *data.Schema, m protoreflect.MessageDescriptor) (encoder, error) {
	if s.Kind() != data.StructKind || isProtoUnion(s) {
		return w.single(s, m)
	}
	type field struct {
		number protoreflect.FieldNumber
		at     int // in the struct
		union  int // in the union that is there; -1: none
		write  encoder
	}
	var fields []field
	for i, f := range s.Fields() {
		if isProtoUnion(f.Schema) {
			for j, mf := range f.Schema.Fields() {
				fd := m.Fields().ByName(protoreflect.Name(w.scrub1(mf.Name)))
				if fd == nil {
					if w.strict {
						return nil, noField(m, mf.Name)
					}
					continue
				}
				e, err := w.field(mf.Schema, fd)
				if err != nil {
					return nil, err
				}
				fields = append(fields, field{fd.Number(), i, j, e})
			}
			continue
		}
		fd := m.Fields().ByName(protoreflect.Name(w.scrub1(f.Name)))
		if fd == nil {
			if w.strict {
				return nil, noField(m, f.Name)
			}
			continue
		}
		e, err := w.field(f.Schema, fd)
		if err != nil {
			return nil, err
		}
		fields = append(fields, field{fd.Number(), i, -1, e})
	}
	slices.SortStableFunc(fields, func(a, b field) int { return cmp.Compare(a.number, b.number) })
	var alias *data.Schema
	return func(dst []byte, v data.Value) ([]byte, error) {
		if v.Kind() != data.StructKind {
			return nil, wrongType(s, v)
		}
		st := v.Struct()
		if have := st.Schema(); have != s && have != alias {
			if !data.EqualSchemas(have.Required(), s.Required()) {
				return nil, data.Fail("Mismatching struct schema")
			}
			alias = have
		}
		var err error
		for i := range fields {
			f := &fields[i]
			fv := w.fieldOf(st, f.at)
			if f.union >= 0 && !fv.IsNull() {
				if fv.Kind() != data.StructKind {
					return nil, wrongType(s.Fields()[f.at].Schema, fv)
				}
				if w.firstSet(fv.Struct()) != f.union {
					continue
				}
				fv = w.fieldOf(fv.Struct(), f.union)
			}
			if fv.IsNull() {
				continue
			}
			if dst, err = f.write(dst, fv); err != nil {
				return nil, err
			}
		}
		return dst, nil
	}, nil
}

func noField(m protoreflect.MessageDescriptor, name string) error {
	return data.Fail("Protobuf message %s has no field %s, which the record written has", m.FullName(), name)
}

func (c *protoConfig) fieldOf(st *data.Struct, i int) data.Value {
	v := st.At(i)
	if v.IsNull() && !c.ignoreDefaults {
		v = st.Schema().Fields()[i].Schema.DefaultValue()
	}
	return v
}

// firstSet returns the member of a union that is set, -1 for none.
func (c *protoConfig) firstSet(st *data.Struct) int {
	for i := range st.Values() {
		if !c.fieldOf(st, i).IsNull() {
			return i
		}
	}
	return -1
}

// single writes one value as a wrapper message.
func (w *protoEncoder) single(s *data.Schema, m protoreflect.MessageDescriptor) (encoder, error) {
	if _, ok := wrappedKind(m); !ok {
		return nil, data.Fail("A value of %s cannot be written as Protobuf message %s", s, m.FullName())
	}
	return w.field(s, m.Fields().Get(0))
}

// field makes the encoder of a field with its tag. A zero is left out where the
// field does not tell it from nothing.
func (w *protoEncoder) field(s *data.Schema, f protoreflect.FieldDescriptor) (encoder, error) {
	if f.Cardinality() == protoreflect.Repeated {
		if s.Kind() == data.Map && (f.IsMap() || isEntryMessage(f)) {
			return w.mapping(s, f)
		}
		if s.Kind() != data.Array {
			return nil, protoMisfit(s, f)
		}
		return w.list(s, f)
	}
	write, zero, err := w.value(s, f)
	if err != nil {
		return nil, err
	}
	tag, presence := protowire.AppendTag(nil, f.Number(), wireType(f)), f.HasPresence()
	return func(dst []byte, v data.Value) ([]byte, error) {
		if !presence && zero(v) {
			return dst, nil
		}
		return write(append(dst, tag...), v)
	}, nil
}

func wireType(f protoreflect.FieldDescriptor) protowire.Type {
	switch f.Kind() {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	case protoreflect.GroupKind:
		return protowire.StartGroupType
	}
	return protowire.VarintType
}

func (w *protoEncoder) list(s *data.Schema, f protoreflect.FieldDescriptor) (encoder, error) {
	elem, _, err := w.value(s.Elem(), f)
	if err != nil {
		return nil, err
	}
	tag := protowire.AppendTag(nil, f.Number(), wireType(f))
	packed, isPacked := protowire.AppendTag(nil, f.Number(), protowire.BytesType), f.IsPacked()
	var scratch []byte
	return func(dst []byte, v data.Value) ([]byte, error) {
		if v.Kind() != data.Array {
			return nil, wrongType(s, v)
		}
		list := v.List()
		if len(list) == 0 {
			return dst, nil
		}
		var err error
		scratch = scratch[:0]
		for _, e := range list {
			if e.IsNull() {
				return nil, data.Fail("Protobuf has no null in lists, as field %s has", f.FullName())
			}
			if isPacked {
				scratch, err = elem(scratch, e)
			} else {
				dst, err = elem(append(dst, tag...), e)
			}
			if err != nil {
				return nil, err
			}
		}
		if isPacked {
			dst = protowire.AppendBytes(append(dst, packed...), scratch)
		}
		return dst, nil
	}, nil
}

func (w *protoEncoder) mapping(s *data.Schema, f protoreflect.FieldDescriptor) (encoder, error) {
	m := f.Message()
	key, err := w.field(s.Key(), m.Fields().Get(0))
	if err != nil {
		return nil, err
	}
	elem, err := w.field(s.Elem(), m.Fields().Get(1))
	if err != nil {
		return nil, err
	}
	tag := protowire.AppendTag(nil, f.Number(), protowire.BytesType)
	return func(dst []byte, v data.Value) ([]byte, error) {
		if v.Kind() != data.Map {
			return nil, wrongType(s, v)
		}
		for _, e := range v.Map().Entries() {
			var body []byte
			var err error
			if !e.Key.IsNull() {
				if body, err = key(body, e.Key); err != nil {
					return nil, err
				}
			}
			if !e.Value.IsNull() {
				if body, err = elem(body, e.Value); err != nil {
					return nil, err
				}
			}
			dst = protowire.AppendBytes(append(dst, tag...), body)
		}
		return dst, nil
	}, nil
}

// value makes the encoder of one value without a tag, and tells what its zero
// is.
func (w *protoEncoder) value(s *data.Schema, f protoreflect.FieldDescriptor) (write encoder, zero func(data.Value) bool, err error) {
	if s == nil {
		return nil, nil, data.Fail("Protobuf needs a schema for each part of the data")
	}
	never := func(data.Value) bool { return false }
	switch k := f.Kind(); k {
	case protoreflect.MessageKind:
		write, err = w.nested(s, f)
		return write, never, err
	case protoreflect.EnumKind:
		write, zero, err := w.enum(s, f)
		return write, zero, err
	case protoreflect.GroupKind:
		return nil, nil, protoMisfit(s, f)
	case protoreflect.StringKind, protoreflect.BytesKind:
		want := protoKinds[k]
		if s.Kind() != want || isLogical(s) {
			return nil, nil, protoMisfit(s, f)
		}
		return func(dst []byte, v data.Value) ([]byte, error) {
				switch {
				case v.Kind() != want:
					return nil, wrongType(s, v)
				case want == data.String:
					return protowire.AppendString(dst, v.Str()), nil
				}
				return protowire.AppendBytes(dst, v.Bytes()), nil
			}, func(v data.Value) bool {
				return v.Kind() == want && v.Kind() == data.String && v.Str() == "" || v.Kind() == data.Bytes && len(v.Bytes()) == 0
			}, nil
	case protoreflect.BoolKind:
		if s.Kind() != data.Bool {
			return nil, nil, protoMisfit(s, f)
		}
		return func(dst []byte, v data.Value) ([]byte, error) {
			if v.Kind() != data.Bool {
				return nil, wrongType(s, v)
			}
			return protowire.AppendVarint(dst, protowire.EncodeBool(v.Bool())), nil
		}, func(v data.Value) bool { return v.Kind() == data.Bool && !v.Bool() }, nil
	}
	if s.Kind() > data.Float64 || isLogical(s) {
		return nil, nil, protoMisfit(s, f)
	}
	return number(s, f), func(v data.Value) bool {
		switch v.Kind() {
		case data.Float32:
			return math.Float32bits(v.Float32()) == 0
		case data.Float64:
			return math.Float64bits(v.Float64()) == 0
		}
		return v.Kind() <= data.Int64 && v.Int() == 0
	}, nil
}

// number writes numbers of any kind as Java casts them.
func number(s *data.Schema, f protoreflect.FieldDescriptor) encoder {
	k := f.Kind()
	return func(dst []byte, v data.Value) ([]byte, error) {
		if v.Kind() != s.Kind() {
			return nil, wrongType(s, v)
		}
		var i int64
		var d float64
		switch v.Kind() {
		case data.Float32:
			d = float64(v.Float32())
			i = int64(d)
		case data.Float64:
			d = v.Float64()
			i = int64(d)
		default:
			i = v.Int()
			d = float64(i)
		}
		switch k {
		case protoreflect.Int32Kind:
			return protowire.AppendVarint(dst, uint64(int64(int32(i)))), nil
		case protoreflect.Uint32Kind:
			return protowire.AppendVarint(dst, uint64(uint32(i))), nil
		case protoreflect.Sint32Kind:
			return protowire.AppendVarint(dst, protowire.EncodeZigZag(int64(int32(i)))), nil
		case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
			return protowire.AppendFixed32(dst, uint32(i)), nil
		case protoreflect.Sint64Kind:
			return protowire.AppendVarint(dst, protowire.EncodeZigZag(i)), nil
		case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
			return protowire.AppendFixed64(dst, uint64(i)), nil
		case protoreflect.FloatKind:
			return protowire.AppendFixed32(dst, math.Float32bits(float32(d))), nil
		case protoreflect.DoubleKind:
			return protowire.AppendFixed64(dst, math.Float64bits(d)), nil
		}
		return protowire.AppendVarint(dst, uint64(i)), nil
	}
}

func (w *protoEncoder) enum(s *data.Schema, f protoreflect.FieldDescriptor) (encoder, func(data.Value) bool, error) {
	if s.Kind() != data.String && s.Kind() != data.Int32 {
		return nil, nil, protoMisfit(s, f)
	}
	values := f.Enum().Values()
	numberOf := func(v data.Value) (int32, bool) {
		if v.Kind() == data.Int32 {
			return int32(v.Int()), true
		}
		if v.Kind() != data.String {
			return 0, false
		}
		e := values.ByName(protoreflect.Name(v.Str()))
		if e == nil {
			return 0, false
		}
		return int32(e.Number()), true
	}
	return func(dst []byte, v data.Value) ([]byte, error) {
			n, ok := numberOf(v)
			if !ok {
				return nil, data.Fail("%q is no value of Protobuf enum %s", data.Text(v), f.Enum().FullName())
			}
			return protowire.AppendVarint(dst, uint64(int64(n))), nil
		}, func(v data.Value) bool {
			n, ok := numberOf(v)
			return ok && n == 0
		}, nil
}

// nested writes a message within one: a struct, a logical type or a wrapper.
func (w *protoEncoder) nested(s *data.Schema, f protoreflect.FieldDescriptor) (encoder, error) {
	m := f.Message()
	var body encoder
	switch name := string(m.FullName()); {
	case s.Name() == data.DecimalName && name == "confluent.type.Decimal":
		body = writeDecimal
	case s.Name() == data.DateName && name == "google.type.Date":
		body = writeDate(s)
	case s.Name() == data.TimeName && name == "google.type.TimeOfDay":
		body = writeTime(s)
	case s.Name() == data.TimestampName && name == "google.protobuf.Timestamp":
		body = writeTimestamp
	case isLogical(s):
		return nil, protoMisfit(s, f)
	default:
		var err error
		if body, err = w.message(s, m); err != nil {
			return nil, err
		}
	}
	return func(dst []byte, v data.Value) ([]byte, error) {
		// The length stands first: write it as one byte, and make room when it
		// turns out to need more.
		at := len(dst)
		dst, err := body(append(dst, 0), v)
		if err != nil {
			return nil, err
		}
		n := len(dst) - at - 1
		if n < 0x80 {
			dst[at] = byte(n)
			return dst, nil
		}
		length := protowire.AppendVarint(nil, uint64(n))
		dst = append(dst, length[1:]...)
		copy(dst[at+len(length):], dst[at+1:at+1+n])
		copy(dst[at:], length)
		return dst, nil
	}, nil
}

func appendInt(dst []byte, n protowire.Number, v int64) []byte {
	if v == 0 {
		return dst
	}
	return protowire.AppendVarint(protowire.AppendTag(dst, n, protowire.VarintType), uint64(v))
}

func writeDecimal(dst []byte, v data.Value) ([]byte, error) {
	if v.Kind() != data.DecimalKind {
		return nil, data.Fail("Invalid type for Decimal, expected BigDecimal but was class %s", v.JavaClass())
	}
	d := v.Decimal()
	dst = protowire.AppendBytes(protowire.AppendTag(dst, 1, protowire.BytesType), data.AppendBigInt(nil, d.Unscaled))
	precision := len(new(big.Int).Abs(d.Unscaled).String())
	return appendInt(appendInt(dst, 2, int64(precision)), 3, int64(d.Scale)), nil
}

func writeDate(s *data.Schema) encoder {
	return func(dst []byte, v data.Value) ([]byte, error) {
		if _, err := data.FromLogical(s, v); err != nil {
			return nil, err
		}
		y, m, d := v.Time().Date()
		return appendInt(appendInt(appendInt(dst, 1, int64(y)), 2, int64(m)), 3, int64(d)), nil
	}
}

func writeTime(s *data.Schema) encoder {
	return func(dst []byte, v data.Value) ([]byte, error) {
		if _, err := data.FromLogical(s, v); err != nil {
			return nil, err
		}
		ms := v.Int() % 86_400_000
		dst = appendInt(appendInt(dst, 1, ms/3_600_000), 2, ms/60_000%60)
		return appendInt(appendInt(dst, 3, ms/1000%60), 4, ms%1000*1_000_000), nil
	}
}

func writeTimestamp(dst []byte, v data.Value) ([]byte, error) {
	if v.Kind() != data.DateKind {
		return nil, data.Fail("Invalid type for Timestamp, expected Date but was class %s", v.JavaClass())
	}
	t := v.Time()
	return appendInt(appendInt(dst, 1, t.Unix()), 2, int64(t.Nanosecond())), nil
}
