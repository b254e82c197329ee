package registry

import (
	"strconv"
	"strings"

	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/connectors/internal/jackson"
)

// jsonWriter makes the encoders of payloads in JSON.
type jsonWriter struct{ *jsonConfig }

func (w jsonWriter) encoder(s *data.Schema) encoder {
	write := w.notNull(s)
	def := s.DefaultValue()
	if w.ignoreDefaults {
		def = data.Value{}
	}
	return func(dst []byte, v data.Value) ([]byte, error) {
		if v.IsNull() {
			if def.IsNull() {
				return append(dst, "null"...), nil
			}
			v = def
		}
		return write(dst, v)
	}
}

func (w jsonWriter) notNull(s *data.Schema) encoder {
	switch s.Name() {
	case data.DecimalName:
		return w.decimal(s)
	case data.DateName, data.TimeName, data.TimestampName:
		return func(dst []byte, v data.Value) ([]byte, error) {
			v, err := data.FromLogical(s, v)
			return strconv.AppendInt(dst, v.Int(), 10), err
		}
	}
	switch s.Kind() {
	case data.Array:
		return w.array(s)
	case data.Map:
		return w.mapping(s)
	case data.StructKind:
		if isOneOf(s) {
			return w.unwrap(s)
		}
		return w.object(s)
	}
	return func(dst []byte, v data.Value) ([]byte, error) {
		if v.Kind() != s.Kind() {
			return nil, wrongType(s, v)
		}
		switch v.Kind() {
		case data.Float32:
			return jackson.AppendFloat32(dst, v.Float32()), nil
		case data.Float64:
			return jackson.AppendFloat64(dst, v.Float64()), nil
		case data.Bool:
			return strconv.AppendBool(dst, v.Bool()), nil
		case data.String:
			return data.AppendJSONString(dst, v.Str()), nil
		case data.Bytes:
			return jackson.AppendBase64(dst, v.Bytes()), nil
		}
		return strconv.AppendInt(dst, v.Int(), 10), nil
	}
}

func (w jsonWriter) decimal(s *data.Schema) encoder {
	return func(dst []byte, v data.Value) ([]byte, error) {
		if w.numeric() && v.Kind() == data.DecimalKind {
			return data.AppendText(dst, v), nil
		}
		v, err := data.FromLogical(s, v)
		if err != nil {
			return nil, err
		}
		return jackson.AppendBase64(dst, v.Bytes()), nil
	}
}

func (w jsonWriter) array(s *data.Schema) encoder {
	elem := w.encoder(s.Elem())
	return func(dst []byte, v data.Value) ([]byte, error) {
		if v.Kind() != data.Array {
			return nil, wrongType(s, v)
		}
		dst = append(dst, '[')
		var err error
		for i, e := range v.List() {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = elem(dst, e); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	}
}

func (w jsonWriter) mapping(s *data.Schema) encoder {
	key, elem, texts := w.encoder(s.Key()), w.encoder(s.Elem()), textKeys(s)
	open, middle, shut := `{"key":`, `,"value":`, "}"
	if texts {
		open, middle, shut = "", ":", ""
	}
	return func(dst []byte, v data.Value) ([]byte, error) {
		if v.Kind() != data.Map {
			return nil, wrongType(s, v)
		}
		if texts {
			dst = append(dst, '{')
		} else {
			dst = append(dst, '[')
		}
		var err error
		for i, e := range v.Map().Entries() {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = key(append(dst, open...), e.Key); err != nil {
				return nil, err
			}
			if dst, err = elem(append(dst, middle...), e.Value); err != nil {
				return nil, err
			}
			dst = append(dst, shut...)
		}
		if texts {
			return append(dst, '}'), nil
		}
		return append(dst, ']'), nil
	}
}

// field returns a struct's field, its default if it is null and that is wanted.
func (w jsonWriter) field(st *data.Struct, i int) data.Value {
	v := st.At(i)
	if v.IsNull() && !w.ignoreDefaults {
		v = st.Schema().Fields()[i].Schema.DefaultValue()
	}
	return v
}

// object writes a struct; a null that the schema does not allow is left out.
func (w jsonWriter) object(s *data.Schema) encoder {
	fields := make([]encoder, len(s.Fields()))
	names := make([][]byte, len(fields))
	for i, f := range s.Fields() {
		fields[i] = w.encoder(f.Schema)
		names[i] = append(data.AppendJSONString(nil, f.Name), ':')
	}
	var alias *data.Schema
	return func(dst []byte, v data.Value) ([]byte, error) {
		if v.Kind() != data.StructKind {
			return nil, wrongType(s, v)
		}
		st := v.Struct()
		if have := st.Schema(); have != s && have != alias {
			if !data.EqualSchemas(have.Required(), s.Required()) {
				return nil, data.Fail("Mismatching schema.")
			}
			alias = have
		}
		dst = append(dst, '{')
		first := true
		var err error
		for i := range fields {
			fv := w.field(st, i)
			if fv.IsNull() && !s.Fields()[i].Schema.IsOptional() {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			if dst, err = fields[i](append(dst, names[i]...), fv); err != nil {
				return nil, err
			}
		}
		return append(dst, '}'), nil
	}
}

// unwrap writes the one field that is set of a struct which stands for a choice.
func (w jsonWriter) unwrap(s *data.Schema) encoder {
	fields := make([]encoder, len(s.Fields()))
	for i, f := range s.Fields() {
		fields[i] = w.encoder(f.Schema)
	}
	return func(dst []byte, v data.Value) ([]byte, error) {
		st, err := structOf(s, v)
		if err != nil {
			return nil, err
		}
		for i := range fields {
			if fv := w.field(st, i); !fv.IsNull() {
				return fields[i](dst, fv)
			}
		}
		return append(dst, "null"...), nil
	}
}

// jsonValue makes the value of n, nil for one that is not there.
func jsonValue(s *data.Schema, n *jackson.Node) (v data.Value, err error) {
	if n == nil || n.Kind == jackson.Null {
		switch {
		case !s.DefaultValue().IsNull():
			return s.DefaultValue(), nil
		case n == nil || s.IsOptional():
			return v, nil
		}
		return v, data.Fail("Invalid null value for required %s field", s.Kind())
	}
	switch s.Name() {
	case data.DecimalName:
		return jsonDecimal(s, n)
	case data.DateName, data.TimeName, data.TimestampName:
		if n.Kind != jackson.Int || s.Name() != data.TimestampName && n.Int64() != int64(int32(n.Int64())) {
			return v, data.Fail("Invalid type for %s, underlying representation should be integer but was %s",
				s.Name()[strings.LastIndexByte(s.Name(), '.')+1:], n.Kind)
		}
		if s.Name() == data.TimestampName {
			return data.Millis(n.Int64()), nil
		}
		return data.ToLogical(s, data.I32(int32(n.Int64())))
	}
	switch s.Kind() {
	case data.Int8:
		return data.I8(int8(n.Int64())), nil
	case data.Int16:
		return data.I16(int16(n.Int64())), nil
	case data.Int32:
		return data.I32(int32(n.Int64())), nil
	case data.Int64:
		return data.I64(n.Int64()), nil
	case data.Float32, data.Float64:
		return jsonFloat(s.Kind(), n), nil
	case data.Bool:
		return data.B(n.Kind == jackson.True), nil
	case data.String:
		if n.Kind != jackson.Text {
			return v, nil
		}
		return data.Str(n.Text), nil
	case data.Bytes:
		if n.Kind == jackson.Int || n.Kind == jackson.Float {
			return data.Dec(n.Decimal()), nil
		}
		b, err := jackson.DecodeBase64(n.Text)
		if err == nil && n.Kind != jackson.Text {
			err = data.Fail("%s is no text", n.Kind)
		}
		if err != nil {
			return v, &data.Error{Class: data.DataException, Message: "Invalid bytes field", Cause: err}
		}
		return data.Bin(b), nil
	case data.Array:
		list := make([]data.Value, len(n.Kids))
		for i, k := range n.Kids {
			if list[i], err = jsonValue(s.Elem(), k); err != nil {
				return v, err
			}
		}
		return data.List(list), nil
	case data.Map:
		return jsonMap(s, n)
	}
	if isOneOf(s) {
		return jsonChoice(s, n)
	}
	return jsonStruct(s, n)
}

// jsonFloat reads a number, and the texts that stand for what JSON has no
// number for, which Java reads as 0.
func jsonFloat(k data.Kind, n *jackson.Node) data.Value {
	f := n.Float(64)
	if n.Kind == jackson.Text && (n.Text == "NaN" || n.Text == "Infinity" || n.Text == "-Infinity") {
		f = notFinite(n.Text)
	} else if k == data.Float32 {
		f = n.Float(32)
	}
	if k == data.Float32 {
		return data.F32(float32(f))
	}
	return data.F64(f)
}

func jsonDecimal(s *data.Schema, n *jackson.Node) (data.Value, error) {
	switch n.Kind {
	case jackson.Int, jackson.Float:
		return data.Dec(n.Decimal()), nil
	case jackson.Text:
		b, err := jackson.DecodeBase64(n.Text)
		if err == nil {
			var v data.Value
			if v, err = data.ToLogical(s, data.Bin(b)); err == nil {
				return v, nil
			}
		}
		return data.Value{}, &data.Error{Class: data.DataException, Message: "Invalid bytes for Decimal field", Cause: err}
	}
	return data.Value{}, data.Fail("Invalid type for Decimal, underlying representation should be numeric or bytes but was %s", n.Kind)
}

func jsonMap(s *data.Schema, n *jackson.Node) (v data.Value, err error) {
	entries := make([]data.Entry, len(n.Kids))
	if textKeys(s) {
		if n.Kind != jackson.Object {
			return v, data.Fail("Maps with string fields should be encoded as JSON objects, but found %s", n.Kind)
		}
		for i, k := range n.Kids {
			entries[i].Key = data.Str(n.Names[i])
			if entries[i].Value, err = jsonValue(s.Elem(), k); err != nil {
				return v, err
			}
		}
		return data.MapFrom(entries), nil
	}
	if n.Kind != jackson.Array {
		return v, data.Fail("Maps with non-string fields should be encoded as JSON array of objects, but found %s", n.Kind)
	}
	for i, k := range n.Kids {
		if k.Kind != jackson.Object {
			return v, data.Fail("Found invalid map entry instead of object: %s", k.Kind)
		}
		if len(k.Kids) != 2 {
			return v, data.Fail("Found invalid map entry, expected length 2 but found :%d", len(k.Kids))
		}
		if k.Get("key") == nil || k.Get("value") == nil {
			return v, data.Fail("Found invalid map entry, expected key and value but found %s", k.Append(nil))
		}
		if entries[i].Key, err = jsonValue(s.Key(), k.Get("key")); err != nil {
			return v, err
		}
		if entries[i].Value, err = jsonValue(s.Elem(), k.Get("value")); err != nil {
			return v, err
		}
	}
	return data.MapFrom(entries), nil
}

func jsonStruct(s *data.Schema, n *jackson.Node) (v data.Value, err error) {
	if n.Kind != jackson.Object {
		return v, data.Fail("Structs should be encoded as JSON objects, but found %s", n.Kind)
	}
	values := make([]data.Value, len(s.Fields()))
	for i, f := range s.Fields() {
		if values[i], err = jsonValue(f.Schema, n.Get(f.Name)); err != nil {
			return v, err
		}
	}
	return data.NewStruct(s, values...).Value(), nil
}

// jsonChoice sets the field whose type goes with n; of several objects the one
// with the most properties in common.
func jsonChoice(s *data.Schema, n *jackson.Node) (v data.Value, err error) {
	at, best := -1, 0
	for i, f := range s.Fields() {
		if isOf(f.Schema, n) {
			at = i
			break
		}
		if c := inCommon(f.Schema, n); c > best {
			at, best = i, c
		}
	}
	if at < 0 {
		return v, data.Fail("Did not find matching oneof field for data")
	}
	values := make([]data.Value, len(s.Fields()))
	if values[at], err = jsonValue(s.Fields()[at].Schema, n); err != nil {
		return v, err
	}
	return data.NewStruct(s, values...).Value(), nil
}

func isOf(s *data.Schema, n *jackson.Node) bool {
	switch k := s.Kind(); k {
	case data.Int8, data.Int16, data.Int32, data.Int64:
		return n.Kind == jackson.Int
	case data.Float32, data.Float64:
		return n.Kind == jackson.Int || n.Kind == jackson.Float
	case data.Bool:
		return n.Kind == jackson.True || n.Kind == jackson.False
	case data.String:
		return n.Kind == jackson.Text
	case data.Bytes:
		return n.Kind == jackson.Float
	case data.Array:
		return n.Kind == jackson.Array
	case data.Map:
		return n.Kind == jackson.Object || n.Kind == jackson.Array
	}
	return false
}

func inCommon(s *data.Schema, n *jackson.Node) int {
	if s.Kind() != data.StructKind || n.Kind != jackson.Object {
		return 0
	}
	c := 0
	for _, f := range s.Fields() {
		if k := n.Get(f.Name); k != nil {
			c += 1 + inCommon(f.Schema, k)
		}
	}
	return c
}
