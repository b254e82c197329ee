package converters

import (
	"strconv"

	"github.com/millwright-connect/millwright/connectors/data"
	"github.com/millwright-connect/millwright/connectors/internal/jackson"
)

// A logical is one of the logical types that JSON has a form of its own for.
type logical uint8

const (
	plainType logical = iota
	dateType
	timeType
	timestampType
	decimalType
)

func logicalOf(s *data.Schema) logical {
	switch s.Name() {
	case data.DateName:
		return dateType
	case data.TimeName:
		return timeType
	case data.TimestampName:
		return timestampType
	case data.DecimalName:
		return decimalType
	}
	return plainType
}

func (l logical) String() string {
	return [...]string{"", "Date", "Time", "Timestamp", "Decimal"}[l]
}

const dayMillis = 24 * 60 * 60 * 1000

// A writer writes the values of one schema as JSON payloads.
type writer struct {
	schema   *data.Schema // nil: without a schema
	alias    *data.Schema // equal to schema, of the struct seen last
	kind     data.Kind
	logical  logical
	numeric  bool // decimals as JSON numbers
	def      data.Value
	scale    int    // of decimals
	scaleErr error  // why there is none
	envelope []byte // {"schema":…,"payload": at the top; empty when schemas are off
	fields   []fieldWriter
	key      *writer
	elem     *writer
}

type fieldWriter struct {
	lead []byte // what stands before the value: {"name": or ,"name":
	w    *writer
}

// writerOf returns the writer of a schema from the cache, and makes it if it
// is not there.
func (j *jsonConverter) writerOf(s *data.Schema) (*writer, error) {
	w := j.writers[s]
	if w == nil {
		w = j.newWriter(s)
		if j.schemas {
			e, err := j.appendSchema(append(w.envelope, `{"schema":`...), w, "")
			if err != nil {
				return nil, err
			}
			w.envelope = append(e, `,"payload":`...)
		}
		if len(j.writers) >= j.cacheSize {
			clear(j.writers)
		}
		j.writers[s] = w
	}
	j.lastWriter = w
	return w, nil
}

func (j *jsonConverter) newWriter(s *data.Schema) *writer {
	if s == nil {
		return &writer{}
	}
	w := &writer{schema: s, kind: s.Kind(), logical: logicalOf(s), numeric: j.numeric}
	if j.useDefaults {
		w.def = s.DefaultValue()
	}
	if w.logical == decimalType && !w.numeric {
		w.scale, w.scaleErr = scaleOf(s)
	}
	switch s.Kind() {
	case data.Array:
		w.elem = j.newWriter(s.Elem())
	case data.Map:
		w.key, w.elem = j.newWriter(s.Key()), j.newWriter(s.Elem())
	case data.StructKind:
		w.fields = make([]fieldWriter, len(s.Fields()))
		for i, f := range s.Fields() {
			lead := []byte{'{'}
			if i > 0 {
				lead[0] = ','
			}
			w.fields[i] = fieldWriter{append(data.AppendJSONString(lead, f.Name), ':'), j.newWriter(f.Schema)}
		}
	}
	return w
}

// append appends v as JSON; depth is the number of containers around it.
func (w *writer) append(dst []byte, v data.Value, depth int) ([]byte, error) {
	switch {
	case v.IsNull():
		return w.appendNull(dst, depth)
	case w.schema == nil:
		return w.appendAny(dst, v, depth)
	case w.logical != plainType:
		return w.appendLogical(dst, v)
	case v.Kind() != w.kind:
		if w.kind == data.Bytes {
			return nil, data.Fail("Invalid type for bytes type: %s", javaClass(v))
		}
		return nil, data.Fail("Invalid type for %s: %s", w.kind, javaClass(v))
	case w.kind <= data.Bytes:
		return appendScalar(dst, v), nil
	case depth >= jackson.MaxDepth:
		return nil, errTooDeep
	}
	switch w.kind {
	case data.StructKind:
		return w.appendStruct(dst, v.Struct(), depth+1)
	case data.Map:
		return w.appendMap(dst, v.Map(), w.key.kind == data.String, depth+1)
	default:
		return w.appendArray(dst, v.List(), depth+1)
	}
}

var errTooDeep = because("Converting Kafka Connect data to byte[] failed due to serialization error: ", data.Errorf(serializationException, "Error serializing JSON message: nested deeper than %d", jackson.MaxDepth))

func (w *writer) appendNull(dst []byte, depth int) ([]byte, error) {
	switch {
	case !w.def.IsNull():
		return w.append(dst, w.def, depth)
	case w.schema == nil || w.schema.IsOptional():
		return append(dst, "null"...), nil
	}
	return nil, data.Fail("Conversion error: null value for field that is required and has no default value")
}

// appendScalar appends a value of the kinds Int8 to Bytes.
func appendScalar(dst []byte, v data.Value) []byte {
	switch v.Kind() {
	case data.Float64:
		return jackson.AppendFloat64(dst, v.Float64())
	case data.Float32:
		return jackson.AppendFloat32(dst, v.Float32())
	case data.Bool:
		return strconv.AppendBool(dst, v.Bool())
	case data.String:
		return data.AppendJSONString(dst, v.Str())
	case data.Bytes:
		return jackson.AppendBase64(dst, v.Bytes())
	default:
		return strconv.AppendInt(dst, v.Int(), 10)
	}
}

// appendAny appends a value that has no schema.
func (w *writer) appendAny(dst []byte, v data.Value, depth int) ([]byte, error) {
	k := v.Kind()
	switch {
	case k <= data.Bytes:
		return appendScalar(dst, v), nil
	case depth >= jackson.MaxDepth:
		return nil, errTooDeep
	}
	switch k {
	case data.Array:
		return w.appendArray(dst, v.List(), depth+1)
	case data.Map:
		texts := true
		for _, e := range v.Map().Entries() {
			texts = texts && e.Key.Kind() == data.String
		}
		return w.appendMap(dst, v.Map(), texts, depth+1)
	case data.StructKind:
		return nil, data.Fail("Mismatching schema.")
	}
	return nil, data.Fail("Java class %s does not have corresponding schema type.", javaClass(v))
}

func (w *writer) appendStruct(dst []byte, s *data.Struct, depth int) ([]byte, error) {
	if have := s.Schema(); have != w.schema && have != w.alias {
		if !data.EqualSchemas(have, w.schema) {
			return nil, data.Fail("Mismatching schema.")
		}
		w.alias = have
	}
	if len(w.fields) == 0 {
		return append(dst, '{', '}'), nil
	}
	var err error
	values := s.Values()
	for i := range w.fields {
		f := &w.fields[i]
		if dst, err = f.w.append(append(dst, f.lead...), values[i], depth); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

// elemWriter is the writer of elements, and of keys if there are no schemas.
func (w *writer) elemWriter() *writer {
	if w.elem == nil {
		return w
	}
	return w.elem
}

func (w *writer) appendArray(dst []byte, list []data.Value, depth int) ([]byte, error) {
	dst = append(dst, '[')
	var err error
	for i, v := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = w.elemWriter().append(dst, v, depth); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

// appendMap appends a map with text keys as an object, others as an array of
// pairs.
func (w *writer) appendMap(dst []byte, m *data.MapValue, texts bool, depth int) (_ []byte, err error) {
	key, elem := w.key, w.elemWriter()
	if key == nil {
		key = w
	}
	open, shut := byte('['), byte(']')
	if texts {
		open, shut = '{', '}'
	}
	dst = append(dst, open)
	for i, e := range m.Entries() {
		if i > 0 {
			dst = append(dst, ',')
		}
		if texts {
			dst, err = key.appendName(dst, e.Key, depth)
		} else if depth >= jackson.MaxDepth {
			err = errTooDeep
		} else {
			dst, err = key.append(append(dst, '['), e.Key, depth+1)
			dst = append(dst, ',')
		}
		if err != nil {
			return nil, err
		}
		if texts {
			dst, err = elem.append(dst, e.Value, depth)
		} else {
			dst, err = elem.append(dst, e.Value, depth+1)
			dst = append(dst, ']')
		}
		if err != nil {
			return nil, err
		}
	}
	return append(dst, shut), nil
}

// appendName appends a key as the name in an object: whatever JSON the key has
// becomes text.
func (w *writer) appendName(dst []byte, key data.Value, depth int) ([]byte, error) {
	n := len(dst)
	dst, err := w.append(dst, key, depth)
	if err != nil {
		return nil, err
	}
	if dst[n] != '"' {
		text := string(dst[n:])
		dst = append(append(append(dst[:n], '"'), text...), '"')
	}
	return append(dst, ':'), nil
}

func (w *writer) appendLogical(dst []byte, v data.Value) ([]byte, error) {
	if w.logical == decimalType {
		if v.Kind() != data.DecimalKind {
			return nil, data.Fail("Invalid type for Decimal, expected BigDecimal but was %s", javaClass(v))
		}
		d := v.Decimal()
		switch {
		case w.numeric:
			return data.AppendText(dst, v), nil
		case w.scaleErr != nil:
			return nil, w.scaleErr
		case int(d.Scale) != w.scale:
			return nil, data.Fail("Decimal value has mismatching scale for given Decimal schema. "+
				"Schema has scale %d, value has scale %d.", w.scale, d.Scale)
		}
		return jackson.AppendBase64(dst, data.AppendBigInt(nil, d.Unscaled)), nil
	}
	if v.Kind() != data.DateKind {
		return nil, data.Fail("Invalid type for %s, expected Date but was %s", w.logical, javaClass(v))
	}
	ms := v.Int()
	switch w.logical {
	case dateType:
		if ms%dayMillis != 0 {
			return nil, data.Fail("Kafka Connect Date type should not have any time fields set to non-zero values.")
		}
		ms = int64(int32(ms / dayMillis))
	case timeType:
		if ms < 0 || ms > dayMillis {
			return nil, data.Fail("Kafka Connect Time type should not have any date fields set to non-zero values.")
		}
	}
	return strconv.AppendInt(dst, ms, 10), nil
}

// scaleOf returns the scale of a Decimal schema.
func scaleOf(s *data.Schema) (int, error) {
	text, ok := s.Param("scale")
	if !ok {
		return 0, data.Fail("Invalid Decimal schema: scale parameter not found.")
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, because("Invalid scale parameter found in Decimal schema: ", err)
	}
	return int(n), nil
}
