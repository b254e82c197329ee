package registry

import (
	"math"
	"strconv"
	"strings"

	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/connectors/internal/jackson"
)

// avroReader makes the Connect schema of an Avro schema.
type avroReader struct {
	*avroConfig
	open map[*avroSchema]bool // records being read
}

// toConnect returns the Connect schema of a, nil for data without a schema;
// version is that of the registry, 0 if unknown.
func (c *avroConfig) toConnect(a *avroSchema, version int) (*data.Schema, error) {
	if a.String() == anything.String() {
		return nil, nil
	}
	r := avroReader{c, map[*avroSchema]bool{}}
	return r.schema(a, nil, false, version)
}

var plainKinds = map[string]data.Kind{
	"boolean": data.Bool, "int": data.Int32, "long": data.Int64, "float": data.Float32, "double": data.Float64,
	"bytes": data.Bytes, "fixed": data.Bytes, "string": data.String, "enum": data.String,
}

// schema makes the schema of a. def is the default of the field that a is the
// type of, nil for none; optional makes it so.
func (r *avroReader) schema(a *avroSchema, def *jackson.Node, optional bool, version int) (*data.Schema, error) {
	if a.typ == "union" {
		if len(a.branches) == 1 && r.flatten {
			return r.schema(a.branches[0], nil, false, 0)
		}
		if b := a.nullable(); b != nil {
			return r.schema(b, nil, true, 0)
		}
	}
	s, err := r.shape(a)
	if err != nil {
		return nil, err
	}
	if doc := a.prop("connect.doc"); doc != nil && doc.Kind == jackson.Text && r.meta {
		s = s.Documented(doc.Text)
	}
	if s, err = r.versioned(s, a, version); err != nil {
		return nil, err
	}
	if p := a.prop("connect.parameters"); p != nil && r.meta {
		if p.Kind != jackson.Object {
			return nil, data.Fail("Expected JSON object for schema parameters but found: %s", p.Append(nil))
		}
		for i, v := range p.Kids {
			if v.Kind != jackson.Text {
				return nil, data.Fail("Expected schema parameter values to be strings but found: %s", v.Append(nil))
			}
			s = s.With(p.Names[i], v.Text)
		}
	}
	for _, p := range a.props {
		if strings.HasPrefix(p.key, "avro") {
			s = s.With(p.key, plainText(p.value))
		}
	}
	own := a.prop("connect.default")
	if def == nil {
		def = own
	} else if r.meta && own == nil {
		s = s.With(defaultFlag, "true")
	}
	if s, err = r.named(s, a); err != nil {
		return nil, err
	}
	if optional {
		s = s.Optional()
	}
	if def != nil && def.Kind != jackson.Null {
		s = r.withDefault(s, a, def)
	}
	return s, nil
}

func plainText(n *jackson.Node) string {
	if n.Kind == jackson.Text {
		return n.Text
	}
	return string(n.Append(nil))
}

func (r *avroReader) versioned(s *data.Schema, a *avroSchema, version int) (*data.Schema, error) {
	v := a.prop("connect.version")
	has, own := s.Version()
	switch {
	case v == nil && (version <= 0 || own):
		return s, nil
	case v == nil:
		return s.Versioned(version), nil
	case v.Kind != jackson.Int && v.Kind != jackson.Float:
		return nil, data.Fail("Invalid Connect version found: %s", v.Append(nil))
	case own && int64(has) != v.Int64():
		return nil, data.Fail("Mismatched versions: version already added to SchemaBuilder (%d) differs from version in source schema (%d)", has, v.Int64())
	case v.Int64() < 0:
		return s, nil
	}
	return s.Versioned(int(int32(v.Int64()))), nil
}

func (r *avroReader) named(s *data.Schema, a *avroSchema) (*data.Schema, error) {
	name, given := "", false
	if n := a.prop("connect.name"); n != nil {
		if n.Kind != jackson.Text {
			return nil, data.Fail("Invalid schema name: %s", n.Append(nil))
		}
		name, given = n.Text, true
	} else if a.typ == "record" || a.typ == "enum" || a.typ == "fixed" && s.Name() != data.DecimalName {
		name, given = a.fullName(), true
	}
	switch {
	case !given || strings.HasPrefix(name, avroSpace+"."+defaultName):
		return s, nil
	case s.HasName() && s.Name() != name:
		return nil, data.Fail("Mismatched names: name already added to SchemaBuilder (%s) differs from name in source schema (%s)", s.Name(), name)
	case name == "":
		return s.WithEmptyName(), nil
	}
	return s.WithName(name), nil
}

// withDefault adds a default; one that does not fit is left out, as in Java.
func (r *avroReader) withDefault(s *data.Schema, a *avroSchema, def *jackson.Node) *data.Schema {
	v, ok := r.defaultTo(s, a, def)
	if !ok || v.IsNull() {
		return s
	}
	with, err := s.WithDefault(v)
	if err != nil {
		return s
	}
	return with
}

func (r *avroReader) shape(a *avroSchema) (*data.Schema, error) {
	logical := strings.ToLower(a.text("logicalType"))
	switch a.typ {
	case "bytes", "fixed":
		s, err := r.bytes(a, logical)
		if err == nil && a.typ == "fixed" {
			s = s.With(fixedSize, strconv.Itoa(a.size))
		}
		return s, err
	case "int":
		switch {
		case logical == "date":
			return data.Date(), nil
		case logical == "time-millis":
			return data.Time(), nil
		case logical != "" || a.prop("connect.type") == nil:
			return data.Of(data.Int32), nil
		case a.text("connect.type") == "int8":
			return data.Of(data.Int8), nil
		case a.text("connect.type") == "int16":
			return data.Of(data.Int16), nil
		}
		return nil, data.Fail("Connect type annotation for Avro int field is null")
	case "long":
		if logical == "timestamp-millis" {
			return data.Timestamp(), nil
		}
	case "array":
		return r.array(a)
	case "map":
		elem, err := r.schema(a.items, nil, false, 0)
		if err != nil {
			return nil, err
		}
		return data.MapOf(data.Of(data.String), elem), nil
	case "record":
		return r.record(a)
	case "enum":
		return r.enum(a), nil
	case "union":
		return r.union(a)
	case "null":
		return nil, data.Fail("Standalone null schemas are not supported by this converter")
	}
	return data.Of(plainKinds[a.typ]), nil
}

func (r *avroReader) bytes(a *avroSchema, logical string) (*data.Schema, error) {
	if logical != "decimal" {
		return data.Of(data.Bytes), nil
	}
	scale := 0
	if n := a.prop("scale"); n != nil && (n.Kind == jackson.Int || n.Kind == jackson.Float) {
		scale = int(int32(n.Int64()))
	}
	s := data.Decimal(scale)
	if n := a.prop("precision"); n != nil {
		if n.Kind != jackson.Int && n.Kind != jackson.Float {
			return nil, data.Fail("precision property must be a JSON Integer. https://avro.apache.org/docs/1.9.1/spec.html#Decimal")
		}
		if p := int32(n.Int64()); p != defaultPrecision {
			s = s.With(precisionProp, strconv.Itoa(int(p)))
		}
	}
	return s, nil
}

// isEntry reports whether a record is an entry of a map with keys of any type.
func isEntry(a *avroSchema) bool {
	return a.typ == "record" && (a.space == avroSpace && a.name == mapEntry || a.text("connect.internal.type") == mapEntry)
}

func (r *avroReader) array(a *avroSchema) (*data.Schema, error) {
	if !isEntry(a.items) {
		elem, err := r.schema(a.items, nil, false, 0)
		if err != nil {
			return nil, err
		}
		return data.ArrayOf(elem), nil
	}
	if f := a.items.fields; len(f) != 2 || f[0].name != "key" || f[1].name != "value" {
		return nil, data.Fail("Found map encoded as array of key-value pairs, but array elements do not match the expected format.")
	}
	key, err := r.schema(a.items.fields[0].schema, nil, false, 0)
	if err != nil {
		return nil, err
	}
	elem, err := r.schema(a.items.fields[1].schema, nil, false, 0)
	if err != nil {
		return nil, err
	}
	return data.MapOf(key, elem), nil
}

func (r *avroReader) record(a *avroSchema) (*data.Schema, error) {
	if r.open[a] {
		return nil, data.Fail("Avro record %s contains itself; such schemas are not supported", a.fullName())
	}
	r.open[a] = true
	defer delete(r.open, a)
	fields := make([]data.Field, len(a.fields))
	for i, f := range a.fields {
		s, err := r.schema(f.schema, f.def, false, 0)
		if err != nil {
			return nil, err
		}
		fields[i] = data.F(f.name, s)
	}
	s, err := data.NewStructSchema("", fields...)
	if err != nil {
		return nil, err
	}
	if r.meta && a.doc != "" {
		s = s.With(recordDoc, a.doc)
	}
	for _, f := range a.fields {
		if r.meta && f.doc != "" {
			s = s.With(fieldDoc+f.name, f.doc)
		}
	}
	return s, nil
}

func (r *avroReader) enum(a *avroSchema) *data.Schema {
	s := data.Of(data.String)
	if r.meta && a.doc != "" {
		s = s.With(enumDoc+a.name, a.doc)
	}
	if r.meta && a.enumDefault != "" {
		s = s.With(enumDefault+a.name, a.enumDefault)
	}
	s = s.With(enumParam, a.fullName())
	for _, symbol := range a.symbols {
		s = s.With(enumParam+"."+symbol, symbol)
	}
	return s
}

// member names the field that stands for a branch of a union.
func (c *avroConfig) member(a *avroSchema) string {
	switch {
	case !a.named():
		return a.typ
	case c.enhanced:
		return a.fullName()
	}
	return a.name
}

func (r *avroReader) union(a *avroSchema) (*data.Schema, error) {
	var fields []data.Field
	optional := false
	for _, b := range a.branches {
		if b.typ == "null" {
			optional = true
			continue
		}
		s, err := r.schema(b, nil, true, 0)
		if err != nil {
			return nil, err
		}
		fields = append(fields, data.F(r.member(b), s))
	}
	s, err := data.NewStructSchema(unionName, fields...)
	if err != nil {
		return nil, data.Fail("Multiple union schemas map to the Connect union field name")
	}
	if optional {
		s = s.Optional()
	}
	return s, nil
}

// defaultTo makes the value of a default in JSON, and whether it fits.
func (r *avroReader) defaultTo(s *data.Schema, a *avroSchema, n *jackson.Node) (v data.Value, ok bool) {
	if n == nil || n.Kind == jackson.Null {
		return v, true
	}
	number := n.Kind == jackson.Int || n.Kind == jackson.Float
	switch a.typ {
	case "int", "long":
		ok = n.Kind == jackson.Int
		switch s.Kind() {
		case data.Int8:
			v = data.I8(int8(n.Int64()))
		case data.Int16:
			v = data.I16(int16(n.Int64()))
		case data.Int32:
			v = data.I32(int32(n.Int64()))
		default:
			v = data.I64(n.Int64())
		}
	case "float":
		v, ok = data.F32(float32(n.Float(32))), number
		if n.Kind == jackson.Text {
			v, ok = data.F32(float32(notFinite(n.Text))), true
		}
	case "double":
		v, ok = data.F64(n.Float(64)), number
		if n.Kind == jackson.Text {
			v, ok = data.F64(notFinite(n.Text)), true
		}
	case "boolean":
		v, ok = data.B(n.Kind == jackson.True), n.Kind == jackson.True || n.Kind == jackson.False
	case "string", "enum":
		v, ok = data.Str(n.Text), n.Kind == jackson.Text
	case "bytes", "fixed":
		b, err := fromLatin1(n.Text)
		v, ok = data.Bin(b), err == nil && n.Kind == jackson.Text
	case "array":
		return r.defaultList(s, a, n)
	case "map":
		if n.Kind != jackson.Object {
			return v, false
		}
		entries := make([]data.Entry, len(n.Kids))
		for i, k := range n.Kids {
			if entries[i].Value, ok = r.defaultTo(s.Elem(), a.items, k); !ok {
				return v, false
			}
			entries[i].Key = data.Str(n.Names[i])
		}
		return data.MapFrom(entries), true
	case "record":
		if n.Kind != jackson.Object {
			return v, false
		}
		values := make([]data.Value, len(a.fields))
		for i, f := range a.fields {
			if values[i], ok = r.defaultTo(s.Fields()[i].Schema, f.schema, n.Get(f.name)); !ok {
				return v, false
			}
		}
		return data.NewStruct(s, values...).Value(), true
	case "union":
		if b := a.nullable(); b != nil {
			return r.defaultTo(s, b, n)
		}
		return v, false
	}
	if !ok {
		return v, false
	}
	v, err := data.ToLogical(s, v)
	return v, err == nil
}

func notFinite(s string) float64 {
	switch s {
	case "Infinity":
		return math.Inf(1)
	case "-Infinity":
		return math.Inf(-1)
	}
	return math.NaN()
}

func (r *avroReader) defaultList(s *data.Schema, a *avroSchema, n *jackson.Node) (v data.Value, ok bool) {
	if n.Kind != jackson.Array || s.Kind() != data.Array {
		return v, n.Kind == jackson.Array && len(n.Kids) == 0 && s.Kind() == data.Map
	}
	list := make([]data.Value, len(n.Kids))
	for i, k := range n.Kids {
		if list[i], ok = r.defaultTo(s.Elem(), a.items, k); !ok {
			return v, false
		}
	}
	return data.List(list), true
}
