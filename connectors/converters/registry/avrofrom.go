package registry

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/connectors/internal/jackson"
)

// anything is the schema of data without a schema.
var anything = func() *avroSchema {
	a := &avroSchema{typ: "record", space: avroSpace, name: "Anything"}
	optional := func(name string, t *avroSchema) {
		a.fields = append(a.fields, avroField{
			name: name, def: &jackson.Node{Kind: jackson.Null},
			schema: &avroSchema{typ: "union", branches: []*avroSchema{{typ: "null"}, t}},
		})
	}
	for _, p := range []string{"boolean", "bytes", "double", "float", "int", "long", "string"} {
		optional(p, &avroSchema{typ: p})
	}
	optional("array", &avroSchema{typ: "array", items: a})
	optional("map", &avroSchema{typ: "array", items: &avroSchema{
		typ: "record", space: avroSpace, name: mapEntry,
		fields: []avroField{{name: "key", schema: a}, {name: "value", schema: a}},
	}})
	return a
}()

var avroTypes = map[data.Kind]string{
	data.Int8: "int", data.Int16: "int", data.Int32: "int", data.Int64: "long", data.Float32: "float", data.Float64: "double",
	data.Bool: "boolean", data.String: "string", data.Bytes: "bytes",
}

var logicalTypes = map[string]string{data.TimeName: "time-millis", data.TimestampName: "timestamp-millis", data.DateName: "date"}

// avroMaker makes the Avro schema of a Connect schema.
type avroMaker struct {
	*avroConfig
	made     []madeAvro             // required schemas done, so that a type is defined once
	open     map[string]*avroSchema // records by their Connect name
	seen     map[string]bool        // names of field schemas
	unnamed  int
	complain error // the first name that Avro does not allow
}

type madeAvro struct {
	from *data.Schema
	avro *avroSchema
}

func (c *avroConfig) fromConnect(s *data.Schema) (*avroSchema, error) {
	if s == nil {
		return anything, nil
	}
	m := avroMaker{avroConfig: c, open: map[string]*avroSchema{}, seen: map[string]bool{}}
	a, err := m.schema(s, false)
	if err == nil {
		err = m.complain
	}
	if err == nil {
		err = definedOnce(a, map[string]*avroSchema{})
	}
	return a, err
}

// definedOnce refuses two types of one name.
func definedOnce(a *avroSchema, seen map[string]*avroSchema) error {
	if a.named() {
		name := a.fullName()
		if b := seen[name]; b != nil {
			if b != a && string(b.append(nil, "", map[string]*avroSchema{})) != string(a.append(nil, "", map[string]*avroSchema{})) {
				return data.Fail("Two schemas of the record are named %s but differ; Avro needs a name for each", name)
			}
			return nil
		}
		seen[name] = a
	}
	for i := range a.fields {
		if err := definedOnce(a.fields[i].schema, seen); err != nil {
			return err
		}
	}
	for _, b := range a.branches {
		if err := definedOnce(b, seen); err != nil {
			return err
		}
	}
	if a.items != nil {
		return definedOnce(a.items, seen)
	}
	return nil
}

// nested is schema for what may name a record that is still open.
func (m *avroMaker) nested(s *data.Schema, ignoreOptional bool) (*avroSchema, error) {
	if s != nil && s.Name() != "" {
		if a := m.open[s.Name()]; a != nil {
			if ignoreOptional {
				return a, nil
			}
			return optionalAvro(s, a), nil
		}
	}
	return m.schema(s, ignoreOptional)
}

func (m *avroMaker) schema(s *data.Schema, ignoreOptional bool) (*avroSchema, error) {
	if s == nil {
		return anything, nil
	}
	if !isUnion(s) && !s.IsOptional() {
		for _, d := range m.made {
			if data.EqualSchemas(d.from, s) {
				return d.avro, nil
			}
		}
	}
	a, err := m.shape(s)
	if err != nil {
		return nil, err
	}
	if a.typ == "union" {
		return a, nil
	}
	m.annotate(a, s)
	if !ignoreOptional {
		a = optionalAvro(s, a)
	}
	if !s.IsOptional() {
		m.made = append(m.made, madeAvro{s, a})
	}
	return a, nil
}

// optionalAvro puts null beside a; the default's type comes first.
func optionalAvro(s *data.Schema, a *avroSchema) *avroSchema {
	null := &avroSchema{typ: "null"}
	switch {
	case !s.IsOptional():
		return a
	case s.DefaultValue().IsNull():
		return &avroSchema{typ: "union", branches: []*avroSchema{null, a}}
	}
	return &avroSchema{typ: "union", branches: []*avroSchema{a, null}}
}

func isUnion(s *data.Schema) bool { return s.Kind() == data.StructKind && s.Name() == unionName }

// isFixed reports whether bytes have a length of their own.
func isFixed(s *data.Schema) (int, bool) {
	text, ok := s.Param(fixedSize)
	n, err := strconv.Atoi(text)
	return n, ok && err == nil && s.Kind() == data.Bytes && s.HasName()
}

// isEnum reports whether texts are the symbols of an enum.
func (c *avroConfig) isEnum(s *data.Schema) bool {
	_, ok := s.Param(enumParam)
	return ok && c.enhanced && s.Kind() == data.String
}

// asMap reports whether a Connect map is an Avro map, whose keys are texts.
func (c *avroConfig) asMap(s *data.Schema) bool {
	return s.Key().Kind() == data.String && (!s.Key().IsOptional() || c.optionalKeys)
}

func (m *avroMaker) shape(s *data.Schema) (*avroSchema, error) {
	switch s.Kind() {
	case data.String:
		if m.isEnum(s) {
			return m.enum(s), nil
		}
	case data.Bytes:
		a := &avroSchema{typ: "bytes"}
		if n, ok := isFixed(s); ok {
			a = &avroSchema{typ: "fixed", size: n}
			a.space, a.name = m.nameOf(s)
		}
		if s.Name() == data.DecimalName {
			scale, precision, err := decimalOf(s)
			if err != nil {
				return nil, err
			}
			a.set("scale", jackson.Number(int64(scale)))
			a.set("precision", jackson.Number(int64(precision)))
		}
		return a, nil
	case data.Array:
		items, err := m.nested(s.Elem(), false)
		return &avroSchema{typ: "array", items: items}, err
	case data.Map:
		return m.mapOf(s)
	case data.StructKind:
		return m.structOf(s)
	}
	return &avroSchema{typ: avroTypes[s.Kind()]}, nil
}

// decimalOf returns scale and precision of a Decimal schema.
func decimalOf(s *data.Schema) (scale, precision int, err error) {
	text, _ := s.Param("scale")
	if scale, err = strconv.Atoi(text); err != nil {
		return 0, 0, data.Fail("Invalid scale parameter found in Decimal schema: %s", text)
	}
	precision = defaultPrecision
	if text, ok := s.Param(precisionProp); ok {
		if precision, err = strconv.Atoi(text); err != nil {
			return 0, 0, data.Fail("Invalid %s parameter found in Decimal schema: %s", precisionProp, text)
		}
	}
	return scale, precision, nil
}

func (m *avroMaker) enum(s *data.Schema) *avroSchema {
	full, _ := s.Param(enumParam)
	a := &avroSchema{typ: "enum", name: full}
	if i := strings.LastIndexByte(full, '.'); i >= 0 {
		a.space, a.name = full[:i], full[i+1:]
	}
	for _, p := range s.Params() {
		if symbol, ok := strings.CutPrefix(p.Key, enumParam+"."); ok {
			a.symbols = append(a.symbols, symbol)
		}
	}
	_, name := m.nameOf(s)
	a.doc, _ = s.Param(enumDoc + name)
	a.enumDefault, _ = s.Param(enumDefault + name)
	return a
}

// mapOf makes a map, or an array of records of key and value when the keys are
// no texts.
func (m *avroMaker) mapOf(s *data.Schema) (*avroSchema, error) {
	if m.asMap(s) {
		values, err := m.nested(s.Elem(), false)
		return &avroSchema{typ: "map", items: values}, err
	}
	e := &avroSchema{typ: "record", space: avroSpace, name: mapEntry}
	if s.HasName() {
		e.space, e.name = m.nameOf(s)
		e.set("connect.internal.type", jackson.String(mapEntry))
	}
	for _, f := range []data.Field{data.F("key", s.Key()), data.F("value", s.Elem())} {
		field, err := m.field(f.Name, f.Schema, "")
		if err != nil {
			return nil, err
		}
		e.fields = append(e.fields, field)
	}
	return &avroSchema{typ: "array", items: e}, nil
}

func (m *avroMaker) structOf(s *data.Schema) (*avroSchema, error) {
	u := &avroSchema{typ: "union"}
	if s.IsOptional() {
		u.branches = append(u.branches, &avroSchema{typ: "null"})
	}
	switch {
	case isUnion(s):
		for _, f := range s.Fields() {
			b, err := m.nested(f.Schema.Required(), true)
			if err != nil {
				return nil, err
			}
			u.branches = append(u.branches, b)
		}
		return u, nil
	case s.IsOptional():
		b, err := m.nested(s.Required(), false)
		u.branches = append(u.branches, b)
		return u, err
	}
	a := &avroSchema{typ: "record"}
	a.space, a.name = m.nameOf(s)
	a.doc, _ = s.Param(recordDoc)
	if s.HasName() {
		m.open[s.Name()] = a
	}
	for _, f := range s.Fields() {
		doc, _ := s.Param(fieldDoc + f.Name)
		field, err := m.field(m.scrub1(f.Name), f.Schema, doc)
		if err != nil {
			return nil, err
		}
		a.fields = append(a.fields, field)
	}
	return a, nil
}

func (m *avroMaker) field(name string, s *data.Schema, doc string) (avroField, error) {
	m.check(name)
	f := avroField{name: name, doc: doc}
	again := false
	if s != nil && s.Name() != "" {
		again = m.seen[m.scrubFull(s.Name())]
		m.seen[m.scrubFull(s.Name())] = true
	}
	var err error
	if f.schema, err = m.schema(s, false); err != nil || s == nil {
		return f, err
	}
	switch def := s.DefaultValue(); {
	case !def.IsNull():
		d, err := m.defaultOf(s, def)
		if err != nil {
			return f, err
		}
		if first := f.schema; first.typ != "union" || first.branches[0].typ != "null" {
			f.def = d // of the first type of a union only
		}
	case s.IsOptional():
		f.def = &jackson.Node{Kind: jackson.Null}
	}
	if again && m.meta && len(s.Params()) > 0 && (f.schema.named() || f.schema.nullable() != nil && f.schema.nullable().named()) {
		if p := params(s); len(p.Kids) > 0 {
			f.props = append(f.props, avroProp{"connect.parameters", p})
		}
	}
	return f, nil
}

// nameOf returns namespace and name of a type.
func (m *avroMaker) nameOf(s *data.Schema) (space, name string) {
	if !s.HasName() {
		m.unnamed++
		if m.unnamed > 1 {
			return avroSpace, defaultName + strconv.Itoa(m.unnamed)
		}
		return avroSpace, defaultName
	}
	full := m.scrubFull(s.Name())
	for part := range strings.SplitSeq(full, ".") {
		m.check(part)
	}
	if i := strings.LastIndexByte(full, '.'); i >= 0 {
		return full[:i], full[i+1:]
	}
	return "", full
}

// check notes the first name that Avro does not allow.
func (m *avroMaker) check(name string) {
	if m.complain == nil && (name == "" || scrubbed(name, isDigit) != name) {
		m.complain = data.Fail("Avro does not allow the name %q; set scrub.invalid.names=true, or rename it with a transform", name)
	}
}

func (c *avroConfig) scrub1(name string) string {
	if !c.scrub {
		return name
	}
	return scrubbed(name, isDigit)
}

func (c *avroConfig) scrubFull(name string) string {
	if !c.scrub {
		return name
	}
	parts := strings.Split(name, ".")
	for i := range parts {
		parts[i] = scrubbed(parts[i], isDigit)
	}
	return strings.Join(parts, ".")
}

// annotate adds what Avro has no place for.
func (m *avroMaker) annotate(a *avroSchema, s *data.Schema) {
	if m.meta {
		if s.HasDoc() {
			a.set("connect.doc", jackson.String(s.Doc()))
		}
		if v, ok := s.Version(); ok {
			a.set("connect.version", jackson.Number(int64(v)))
		}
		if p := params(s); len(p.Kids) > 0 {
			a.set("connect.parameters", p)
		}
		if _, fromAvro := s.Param(defaultFlag); !s.DefaultValue().IsNull() && !fromAvro {
			if d, err := m.defaultOf(s, s.DefaultValue()); err == nil { // field says what is wrong with it
				a.set("connect.default", d)
			}
		}
		if s.HasName() {
			a.set("connect.name", jackson.String(s.Name()))
		}
		switch s.Kind() {
		case data.Int8:
			a.set("connect.type", jackson.String("int8"))
		case data.Int16:
			a.set("connect.type", jackson.String("int16"))
		}
	}
	switch s.Name() {
	case data.DecimalName:
		a.set("logicalType", jackson.String("decimal"))
	case data.TimeName, data.TimestampName, data.DateName:
		a.set("logicalType", jackson.String(logicalTypes[s.Name()]))
	}
	for _, p := range s.Params() {
		if strings.HasPrefix(p.Key, "avro") {
			a.set(p.Key, jackson.String(p.Value))
		}
	}
}

func params(s *data.Schema) *jackson.Node {
	n := &jackson.Node{Kind: jackson.Object}
	for _, p := range s.Params() {
		if p.Key != defaultFlag {
			n.Set(p.Key, jackson.String(p.Value))
		}
	}
	return n
}

// defaultOf makes the JSON of a default value.
func (c *avroConfig) defaultOf(s *data.Schema, v data.Value) (*jackson.Node, error) {
	if v.IsNull() {
		return &jackson.Node{Kind: jackson.Null}, nil
	}
	v, err := data.FromLogical(s, v)
	if err != nil {
		return nil, err
	}
	if v.Kind() != s.Kind() {
		return nil, data.Fail("Invalid type used for default value of %s field: class %s", s.Kind(), v.JavaClass())
	}
	switch v.Kind() {
	case data.Float32:
		return jackson.Real(float64(v.Float32()), 32), nil
	case data.Float64:
		return jackson.Real(v.Float64(), 64), nil
	case data.Bool:
		return jackson.Bool(v.Bool()), nil
	case data.String:
		return jackson.String(v.Str()), nil
	case data.Bytes:
		return jackson.String(latin1(v.Bytes())), nil
	case data.Array:
		n := &jackson.Node{Kind: jackson.Array}
		for _, e := range v.List() {
			d, err := c.defaultOf(s.Elem(), e)
			if err != nil {
				return nil, err
			}
			n.Kids = append(n.Kids, d)
		}
		return n, nil
	case data.Map:
		return c.defaultMap(s, v.Map())
	case data.StructKind:
		n := &jackson.Node{Kind: jackson.Object}
		for i, f := range s.Fields() {
			fv := v.Struct().At(i)
			if fv.IsNull() {
				fv = f.Schema.DefaultValue()
			}
			d, err := c.defaultOf(f.Schema, fv)
			if err != nil || isUnion(s) {
				return d, err
			}
			n.Set(c.scrub1(f.Name), d)
		}
		return n, nil
	}
	return jackson.Number(v.Int()), nil
}

func (c *avroConfig) defaultMap(s *data.Schema, m *data.MapValue) (*jackson.Node, error) {
	object, array := &jackson.Node{Kind: jackson.Object}, &jackson.Node{Kind: jackson.Array}
	for _, e := range m.Entries() {
		k, err := c.defaultOf(s.Key(), e.Key)
		if err != nil {
			return nil, err
		}
		v, err := c.defaultOf(s.Elem(), e.Value)
		if err != nil {
			return nil, err
		}
		object.Set(e.Key.Str(), v)
		entry := &jackson.Node{Kind: jackson.Object}
		entry.Set("key", k)
		entry.Set("value", v)
		array.Kids = append(array.Kids, entry)
	}
	if c.asMap(s) {
		return object, nil
	}
	return array, nil
}

// latin1 is how Avro writes bytes in a default: each as the character of its
// number.
func latin1(b []byte) string {
	r := make([]rune, len(b))
	for i, c := range b {
		r[i] = rune(c)
	}
	return string(r)
}

// fromLatin1 is the inverse of latin1.
func fromLatin1(s string) ([]byte, error) {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return nil, fmt.Errorf("%q is no byte", r)
		}
		b = append(b, byte(r))
	}
	return b, nil
}
