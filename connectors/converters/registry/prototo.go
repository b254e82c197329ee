package registry

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millwright-connect/millwright/connectors/data"
)

// protoReader makes the Connect schema of a message.
type protoReader struct {
	*protoConfig
	open map[protoreflect.FullName]bool // messages being read
}

// toConnect returns the Connect schema of m; version is the registry's, 0 if
// unknown.
func (c *protoConfig) toConnect(m protoreflect.MessageDescriptor, version int) (*data.Schema, error) {
	r := protoReader{c, map[protoreflect.FullName]bool{}}
	s := (*data.Schema)(nil)
	if k, ok := wrappedKind(m); ok && c.rawWrapper {
		s = data.Of(k)
	} else {
		var err error
		if s, err = r.message(m); err != nil {
			return nil, err
		}
	}
	if version > 0 {
		s = s.Versioned(version)
	}
	return s, nil
}

// wrappedKind returns what a message of google/protobuf/wrappers.proto wraps.
func wrappedKind(m protoreflect.MessageDescriptor) (data.Kind, bool) {
	name, ok := strings.CutPrefix(string(m.FullName()), "google.protobuf.")
	k, known := map[string]data.Kind{
		"DoubleValue": data.Float64, "FloatValue": data.Float32, "Int64Value": data.Int64, "UInt64Value": data.Int64,
		"Int32Value": data.Int32, "UInt32Value": data.Int64, "BoolValue": data.Bool, "StringValue": data.String, "BytesValue": data.Bytes,
	}[name]
	return k, ok && known
}

// name is the Connect name of a type.
func (c *protoConfig) name(d protoreflect.Descriptor) string {
	if c.enhanced {
		return string(d.FullName())
	}
	return string(d.Name())
}

// unionField names the field that stands for a oneof.
func (c *protoConfig) unionField(o protoreflect.OneofDescriptor) string {
	if c.indexUnions {
		return string(o.Name()) + "_" + strconv.Itoa(o.Index())
	}
	return string(o.Name())
}

func (r *protoReader) message(m protoreflect.MessageDescriptor) (*data.Schema, error) {
	if r.open[m.FullName()] {
		return nil, data.Fail("Protobuf message %s contains itself; such schemas are not supported", m.FullName())
	}
	r.open[m.FullName()] = true
	defer delete(r.open, m.FullName())
	var fields []data.Field
	add := func(f protoreflect.FieldDescriptor, member bool) error {
		s, err := r.field(f, member)
		fields = append(fields, data.F(string(f.Name()), s))
		return err
	}
	for i := range m.Oneofs().Len() {
		o := m.Oneofs().Get(i)
		if o.IsSynthetic() {
			continue
		}
		outer := fields
		if !r.flatten {
			fields = nil
		}
		for j := range o.Fields().Len() {
			if err := add(o.Fields().Get(j), true); err != nil {
				return nil, err
			}
		}
		if !r.flatten {
			u, err := data.NewStructSchema(protoUnion+"."+r.name(o), fields...)
			if err != nil {
				return nil, err
			}
			fields = append(outer, data.F(r.unionField(o), u.Optional()))
		}
	}
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() {
			continue
		}
		if err := add(f, false); err != nil {
			return nil, err
		}
	}
	return data.NewStructSchema(r.name(m), fields...)
}

func (r *protoReader) field(f protoreflect.FieldDescriptor, member bool) (*data.Schema, error) {
	s, err := r.single(f)
	if err != nil {
		return nil, err
	}
	if f.Kind() == protoreflect.EnumKind || f.Kind() == protoreflect.MessageKind || f.Kind() == protoreflect.GroupKind {
		s = s.Optional()
	}
	if f.Cardinality() == protoreflect.Repeated && s.Kind() != data.Map {
		s = data.ArrayOf(s.Optional()).Optional()
	}
	switch {
	case member:
		s = s.Optional()
		if f.Kind() == protoreflect.MessageKind && r.wrapper {
			if _, ok := wrappedKind(f.Message()); ok {
				s = s.With(protoWrapper, "true")
			}
		}
	case r.optional:
		if f.HasOptionalKeyword() {
			s = s.Optional()
		}
	case !r.wrapper:
		s = s.Optional()
	}
	return s.With(protoTag, strconv.Itoa(int(f.Number()))), nil
}

var protoKinds = map[protoreflect.Kind]data.Kind{
	protoreflect.Int32Kind: data.Int32, protoreflect.Sint32Kind: data.Int32, protoreflect.Sfixed32Kind: data.Int32,
	protoreflect.Uint32Kind: data.Int64, protoreflect.Fixed32Kind: data.Int64, protoreflect.Int64Kind: data.Int64,
	protoreflect.Uint64Kind: data.Int64, protoreflect.Sint64Kind: data.Int64, protoreflect.Fixed64Kind: data.Int64,
	protoreflect.Sfixed64Kind: data.Int64, protoreflect.FloatKind: data.Float32, protoreflect.DoubleKind: data.Float64,
	protoreflect.BoolKind: data.Bool, protoreflect.StringKind: data.String, protoreflect.BytesKind: data.Bytes,
}

// single makes the schema of one value of a field, or of all of a map.
func (r *protoReader) single(f protoreflect.FieldDescriptor) (*data.Schema, error) {
	switch k := f.Kind(); k {
	case protoreflect.EnumKind:
		return r.enum(f.Enum()), nil
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return r.nested(f)
	case protoreflect.Int32Kind:
		switch metaParams(f)["connect.type"] {
		case "int8":
			return data.Of(data.Int8), nil
		case "int16":
			return data.Of(data.Int16), nil
		}
		return data.Of(data.Int32), nil
	default:
		s := data.Of(protoKinds[k])
		if (s.Kind() == data.Int32 || s.Kind() == data.Int64) && k != protoreflect.Int64Kind {
			s = s.With(protoType, k.String())
		}
		return s, nil
	}
}

func (r *protoReader) enum(e protoreflect.EnumDescriptor) *data.Schema {
	k := data.String
	if r.intEnums {
		k = data.Int32
	}
	s := data.Of(k).WithName(r.name(e)).With(protoEnum, string(e.Name()))
	for i := range e.Values().Len() {
		v := e.Values().Get(i)
		s = s.With(protoEnum+"."+string(v.Name()), strconv.Itoa(int(v.Number())))
	}
	return s
}

func (r *protoReader) nested(f protoreflect.FieldDescriptor) (*data.Schema, error) {
	m := f.Message()
	switch m.FullName() {
	case "confluent.type.Decimal":
		params := metaParams(f)
		scale, err := strconv.Atoi(params["scale"])
		if err != nil {
			scale = 0
		}
		s := data.Decimal(scale)
		if p, err := strconv.Atoi(params["precision"]); err == nil {
			s = s.With(precisionProp, strconv.Itoa(p))
		}
		return s, nil
	case "google.type.Date":
		return data.Date(), nil
	case "google.type.TimeOfDay":
		return data.Time(), nil
	case "google.protobuf.Timestamp":
		return data.Timestamp(), nil
	}
	if k, ok := wrappedKind(m); ok && r.wrapper {
		return data.Of(k), nil
	}
	if !isEntryMessage(f) {
		return r.message(m)
	}
	key, err := r.field(m.Fields().Get(0), false)
	if err != nil {
		return nil, err
	}
	elem, err := r.field(m.Fields().Get(1), false)
	if err != nil {
		return nil, err
	}
	name := string(m.Name())
	if r.enhanced {
		name = string(m.FullName())
	}
	return data.MapOf(key, elem).WithName(underscore(strings.TrimSuffix(name, "Entry"))), nil
}

// isEntryMessage reports whether the values of f are the entries of a map.
func isEntryMessage(f protoreflect.FieldDescriptor) bool {
	if f.Cardinality() != protoreflect.Repeated || f.Kind() != protoreflect.MessageKind {
		return false
	}
	fs := f.Message().Fields()
	return strings.HasSuffix(string(f.Message().Name()), "Entry") && fs.Len() == 2 &&
		fs.Get(0).Name() == "key" && fs.Get(1).Name() == "value" &&
		fs.Get(0).Cardinality() != protoreflect.Repeated && fs.Get(1).Cardinality() != protoreflect.Repeated
}
