package registry

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/millwright-connect/millwright/connectors/data"
)

const (
	protoSpace   = "io.confluent.connect.protobuf"
	protoEnum    = protoSpace + ".Enum"
	protoUnion   = protoSpace + ".Union"
	protoTag     = protoSpace + ".Tag"
	protoType    = protoSpace + ".Type"
	protoWrapper = protoSpace + ".Wrapper"
)

func isProtoUnion(s *data.Schema) bool {
	return s.Kind() == data.StructKind && strings.HasPrefix(s.Name(), protoUnion)
}

// wrappers are the messages that stand for single values.
var wrappers = map[data.Kind]string{
	data.Int8: "Int32Value", data.Int16: "Int32Value", data.Int32: "Int32Value", data.Int64: "Int64Value", data.Float32: "FloatValue",
	data.Float64: "DoubleValue", data.Bool: "BoolValue", data.String: "StringValue", data.Bytes: "BytesValue",
}

var protoTypes = map[data.Kind]string{
	data.Int8: "int32", data.Int16: "int32", data.Int32: "int32", data.Int64: "int64", data.Float32: "float", data.Float64: "double",
	data.Bool: "bool", data.String: "string", data.Bytes: "bytes",
}

// protoMaker makes the text of a Protobuf file from a Connect schema.
type protoMaker struct {
	*protoConfig
	imports map[string]bool
	unnamed int
}

// A protoMessage is a message being made.
type protoMessage struct {
	name         string
	body, nested strings.Builder
	types        map[string]bool // nested types that are there
}

// fromConnect makes the file, and the name of the message in it.
func (c *protoConfig) fromConnect(s *data.Schema) (text, message string, err error) {
	if s == nil {
		return "", "", data.Fail("Protobuf needs a schema; data without one goes with org.apache.kafka.connect.json.JsonConverter")
	}
	if s.Kind() != data.StructKind || isProtoUnion(s) {
		name, ok := wrappers[s.Kind()]
		if !ok || isLogical(s) {
			return "", "", data.Fail("Protobuf writes structs and plain values, not %s alone; put it into a struct, with the transform HoistField for one", s)
		}
		return wrappersText, name, nil
	}
	m := protoMaker{protoConfig: c, imports: map[string]bool{}}
	full := m.nameOf(s)
	space, name := "", full
	if i := strings.LastIndexByte(full, '.'); i >= 0 {
		space, name = full[:i], full[i+1:]
	}
	body, err := m.message(s, name, "")
	if err != nil {
		return "", "", err
	}
	var b strings.Builder
	b.WriteString("syntax = \"proto3\";\n")
	if space != "" {
		fmt.Fprintf(&b, "package %s;\n", space)
	}
	b.WriteByte('\n')
	for _, path := range slices.Sorted(maps.Keys(m.imports)) {
		fmt.Fprintf(&b, "import %q;\n", path)
	}
	if len(m.imports) > 0 {
		b.WriteByte('\n')
	}
	return b.String() + body, name, nil
}

func (m *protoMaker) nameOf(s *data.Schema) string {
	name := s.Name()
	if name == "" {
		m.unnamed++
		name = defaultName + strconv.Itoa(m.unnamed)
	}
	parts := strings.Split(name, ".")
	for i := range parts {
		parts[i] = m.scrub1(parts[i])
	}
	return strings.Join(parts, ".")
}

func unqualified(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

func (c *protoConfig) scrub1(name string) string {
	if !c.scrub {
		return name
	}
	return scrubbed(name, func(b byte) bool { return isDigit(b) || b == '_' })
}

func (m *protoMaker) message(s *data.Schema, name, indent string) (string, error) {
	msg := &protoMessage{name: name, types: map[string]bool{name: true}}
	next := 1
	for _, f := range s.Fields() {
		if err := m.field(msg, f, &next, indent+"  ", false); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%smessage %s {\n%s%s%s}\n", indent, name, msg.body.String(), msg.nested.String(), indent), nil
}

// field adds a field; next is the tag of the next one that has none of its own.
func (m *protoMaker) field(msg *protoMessage, f data.Field, next *int, indent string, member bool) error {
	s, name := f.Schema, m.scrub1(f.Name)
	if scrubbed(name, func(b byte) bool { return isDigit(b) }) != name {
		return data.Fail("Protobuf does not allow the name %q; set scrub.invalid.names=true, or rename it with a transform", name)
	}
	tag := 0
	if text, ok := s.Param(protoTag); ok {
		n, err := strconv.Atoi(text)
		if err != nil {
			return data.Fail("Parameter %s of field %s is no number: %s", protoTag, f.Name, text)
		}
		tag = n
	} else {
		tag = *next
		*next++
	}
	if isProtoUnion(s) {
		return m.oneof(msg, s, next, indent)
	}
	label := ""
	switch {
	case s.Kind() == data.Array:
		label, s = "repeated ", s.Elem()
		if s == nil || s.Kind() == data.Array || s.Kind() == data.Map || isProtoUnion(s) {
			return data.Fail("Field %s: Protobuf has no lists of lists, maps or unions", f.Name)
		}
	case s.Kind() == data.Map:
		label = "repeated "
	case m.optional && s.IsOptional() && !member:
		label = "optional "
	}
	params := map[string]string{}
	typ, err := m.typeOf(msg, s, name, params, indent, member)
	if err != nil {
		return err
	}
	fmt.Fprintf(&msg.body, "%s%s%s %s = %d%s;\n", indent, label, typ, name, tag, m.meta(params, indent))
	return nil
}

// meta is the option that keeps what Protobuf has no place for.
func (m *protoMaker) meta(params map[string]string, indent string) string {
	if len(params) == 0 {
		return ""
	}
	m.imports[metaFile] = true
	var list []string
	for _, k := range slices.Sorted(maps.Keys(params)) {
		list = append(list, fmt.Sprintf("%s    {\n%s      key: %q,\n%s      value: %q\n%s    }", indent, indent, k, indent, params[k], indent))
	}
	return fmt.Sprintf(" [(confluent.field_meta) = {\n%s  params: [\n%s\n%s  ]\n%s}]", indent, strings.Join(list, ",\n"), indent, indent)
}

func (m *protoMaker) oneof(msg *protoMessage, s *data.Schema, next *int, indent string) error {
	name := unqualified(strings.TrimPrefix(strings.TrimPrefix(s.Name(), protoUnion), "."))
	if name == "" {
		m.unnamed++
		name = defaultName + strconv.Itoa(m.unnamed)
	}
	inner := &protoMessage{name: msg.name, types: msg.types}
	for _, f := range s.Fields() {
		if err := m.field(inner, f, next, indent+"  ", true); err != nil {
			return err
		}
	}
	fmt.Fprintf(&msg.body, "%soneof %s {\n%s%s}\n", indent, name, inner.body.String(), indent)
	// The types of members belong to the message; they were made one level too
	// deep, which is only white space.
	msg.nested.WriteString(inner.nested.String())
	return nil
}

// wrapped reports whether a null is told from a zero by a message around the
// value.
func (c *protoConfig) wrapped(s *data.Schema, member bool) bool {
	own, _ := s.Param(protoWrapper)
	return c.wrapper && s.IsOptional() && (!member || own == "true")
}

func (m *protoMaker) typeOf(msg *protoMessage, s *data.Schema, field string, params map[string]string, indent string, member bool) (string, error) {
	use := func(file, typ string) (string, error) {
		m.imports[file] = true
		return typ, nil
	}
	switch s.Name() {
	case data.DecimalName:
		if p, ok := s.Param(precisionProp); ok {
			params["precision"] = p
		}
		if p, ok := s.Param("scale"); ok {
			params["scale"] = p
		}
		return use(decimalFile, "confluent.type.Decimal")
	case data.DateName:
		return use(dateFile, "google.type.Date")
	case data.TimeName:
		return use(timeFile, "google.type.TimeOfDay")
	case data.TimestampName:
		return use(timestampFile, "google.protobuf.Timestamp")
	}
	if enum, ok := s.Param(protoEnum); ok && (s.Kind() == data.String || s.Kind() == data.Int32) {
		return m.enum(msg, s, unqualified(enum), indent), nil
	}
	switch s.Kind() {
	case data.Map:
		return m.entry(msg, s, indent)
	case data.StructKind:
		name := unqualified(m.nameOf(s))
		if name == field {
			name += "Message" // a field and its type cannot share a name
		}
		if !msg.types[name] {
			msg.types[name] = true
			body, err := m.message(s, name, indent)
			if err != nil {
				return "", err
			}
			msg.nested.WriteString(body)
		}
		return name, nil
	case data.Int8, data.Int16:
		params["connect.type"] = jsonTypes[s.Kind()]
	}
	typ := protoTypes[s.Kind()]
	if own, ok := s.Param(protoType); ok && (s.Kind() == data.Int32 || s.Kind() == data.Int64) {
		typ = own
	}
	if !m.wrapped(s, member) {
		return typ, nil
	}
	name := wrappers[s.Kind()]
	switch typ {
	case "uint32", "fixed32":
		name = "UInt32Value"
	case "uint64", "fixed64":
		name = "UInt64Value"
	}
	return use(wrappersFile, "google.protobuf."+name)
}

func (m *protoMaker) enum(msg *protoMessage, s *data.Schema, name, indent string) string {
	if msg.types[name] {
		return name
	}
	msg.types[name] = true
	fmt.Fprintf(&msg.nested, "%senum %s {\n", indent, name)
	for _, p := range s.Params() {
		if symbol, ok := strings.CutPrefix(p.Key, protoEnum+"."); ok {
			fmt.Fprintf(&msg.nested, "%s  %s = %s;\n", indent, symbol, p.Value)
		}
	}
	fmt.Fprintf(&msg.nested, "%s}\n", indent)
	return name
}

// entry adds the message of a map's entries.
func (m *protoMaker) entry(msg *protoMessage, s *data.Schema, indent string) (string, error) {
	name := camel(unqualified(m.nameOf(s))) + "Entry"
	if msg.types[name] {
		return name, nil
	}
	msg.types[name] = true
	e := &protoMessage{name: name, types: map[string]bool{name: true}}
	for i, f := range []data.Field{data.F("key", s.Key()), data.F("value", s.Elem())} {
		params := map[string]string{}
		if f.Schema.Kind() == data.Array || f.Schema.Kind() == data.Map {
			return "", data.Fail("Protobuf has no maps of lists or maps")
		}
		typ, err := m.typeOf(e, f.Schema, f.Name, params, indent+"  ", false)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&e.body, "%s  %s %s = %d%s;\n", indent, typ, f.Name, i+1, m.meta(params, indent+"  "))
	}
	fmt.Fprintf(&msg.nested, "%smessage %s {\n%s%s%s}\n", indent, name, e.body.String(), e.nested.String(), indent)
	return name, nil
}

// camel makes lower_underscore UpperCamel; other names stay.
func camel(s string) string {
	if !strings.Contains(s, "_") {
		return s
	}
	var b strings.Builder
	for part := range strings.SplitSeq(s, "_") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + strings.ToLower(part[1:]))
		}
	}
	return b.String()
}

// underscore is the inverse of camel.
func underscore(s string) string {
	var b strings.Builder
	for i, r := range s {
		if 'A' <= r && r <= 'Z' {
			if i > 0 {
				b.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// wrappersText is google/protobuf/wrappers.proto, the schema of single values.
const wrappersText = `syntax = "proto3";
package google.protobuf;

option java_package = "com.google.protobuf";
option java_outer_classname = "WrappersProto";
option java_multiple_files = true;
option csharp_namespace = "Google.Protobuf.WellKnownTypes";
option go_package = "google.golang.org/protobuf/types/known/wrapperspb";
option cc_enable_arenas = true;
option objc_class_prefix = "GPB";

message DoubleValue {
  double value = 1;
}
message FloatValue {
  float value = 1;
}
message Int64Value {
  int64 value = 1;
}
message UInt64Value {
  uint64 value = 1;
}
message Int32Value {
  int32 value = 1;
}
message UInt32Value {
  uint32 value = 1;
}
message BoolValue {
  bool value = 1;
}
message StringValue {
  string value = 1;
}
message BytesValue {
  bytes value = 1;
}
`
